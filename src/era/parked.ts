/**
 * One call that waits inside for its client, from its first question to the moment at which nobody needs it any more. Its
 * questions stand in a bounded set until they are answered, so it does not matter whether one comes while somebody waits
 * or while nobody does: whoever waits next is asked.
 */
import { type Clock, type Fault, fault, fingerprint, type Limits, type Timer } from "../base/index.ts";
import { type Answer, type Ask, emptyObject, type Outcome, quote, type Raw, type RawObject, rawOf, rpcErrorOf } from "../protocol/index.ts";
import type { ClientCall } from "./clientCall.ts";
import { HeldLines } from "./held.ts";
import type { Place } from "./places.ts";
import { askerOf, modernParams, questionMethods, requestEntry, responseOf, silentAnswer } from "./question.ts";
import { bindingOf, type Seal } from "./seal.ts";
import type { Stamp } from "./stamp.ts";

/** What calls are parked among. */
export interface Around {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly seal: Seal;
  readonly stamp: Stamp;
}

/** A client that has come back: the call that goes on, and what became of it, if that is known already. */
export interface Taken {
  readonly call: ClientCall;
  readonly outcome: Outcome | null;
}

/** Why a state is of no use. */
export const gone = (detail: string): Fault => fault("STATE_INVALID", { detail });

/** What it asks and tells the one who keeps it. */
export interface Keeper {
  /** The room that it has. */
  readonly place: Place;
  /** See Parking. */
  refusalOf(ask: Ask): Answer | null;
  /** It waits for nothing any more. */
  over(): void;
  /** Nothing of it is left. */
  ended(): void;
}

const lengthOf = ({ params }: Ask): number => (params === null ? 0 : params.text.length);

const sizeOf = (outcome: Outcome): number => (outcome.kind === "failed" ? outcome.error.raw.length : outcome.result.text.length);

/** Stands for what there was no room for. */
const notKept = (): Outcome => ({ kind: "failed", error: rpcErrorOf(fault("LIMIT_REACHED", { detail: "limits.parkedBytesMax: what the call came to could not be kept for its client" })) });

interface Question {
  readonly ask: Ask;
  /** The client has seen it in the round that is open. */
  asked: boolean;
  readonly settle: (answer: Answer) => void;
  readonly drop: () => void;
}

/**
 * `waited`: a request waits for it. `parked`: none does. `expired`: none will. `answered`: it is over, its
 * answer kept in case that it was lost. `ended`: forgotten.
 */
export class Parked {
  readonly #call: ClientCall;
  readonly #name: string;
  readonly #around: Around;
  readonly #keeper: Keeper;
  readonly #questions = new Map<string, Question>();
  #state: "waited" | "parked" | "expired" | "answered" | "ended" = "waited";
  #round = 0;
  #number = 0;
  /** The one timer: collecting, waiting for the client, for the backend, or keeping the answer. */
  #timer: Timer | null = null;
  /** What it came to, and the length that room is held for. */
  #outcome: Outcome | null = null;
  #heldFor: number | null = null;
  /** What the client came back with last. */
  #digest = "";

  constructor(call: ClientCall, name: string, around: Around, keeper: Keeper) {
    this.#call = call;
    this.#name = name;
    this.#around = around;
    this.#keeper = keeper;
    call.cancel.onCancel((reason) => this.end(reason));
  }

  get principalId(): string {
    return this.#call.principal.id;
  }

  /** A backend asks. Throws LIMIT_REACHED, ASK_REFUSED. */
  add(ask: Ask): Promise<Answer> {
    if (this.#state === "expired") throw fault("ASK_REFUSED", { backend: ask.backend, detail: "nobody came back with the answers in time" });
    if (this.#questions.size >= this.#around.limits.questionsMax) throw fault("LIMIT_REACHED", { backend: ask.backend, detail: "limits.questionsMax" });
    if (!this.#keeper.place.hold(lengthOf(ask))) throw fault("LIMIT_REACHED", { backend: ask.backend, detail: "limits.parkedBytesMax" });
    this.#number += 1;
    const key = `q${this.#number}`;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const drop = (): void => reject(fault("CALL_CANCELLED", { op: questionMethods[ask.kind] }));
    this.#questions.set(key, { ask, asked: false, settle: resolve, drop });
    ask.cancel.onCancel(() => this.#withdraw(key));
    this.#collect();
    return promise;
  }

  /** The call has come to its end; true: it is kept, since nobody waits. */
  finish(outcome: Outcome): boolean {
    this.#dropQuestions();
    if (this.#state === "parked") {
      if (!this.#keep(outcome)) this.#outcome = notKept();
      return true;
    }
    this.#answered(outcome);
    return false;
  }

  /** Its client comes back, in answer to that round. */
  take(next: ClientCall, round: number, responses: RawObject): Taken | Fault {
    const digest = fingerprint(rawOf(responses));
    if (this.#state === "answered" && round === this.#round && digest === this.#digest) return this.#again(next);
    if (this.#state === "expired") return gone("the questions have expired");
    if (this.#state !== "parked" || round !== this.#round) return gone("it was used before");
    this.#digest = digest;
    this.#setTimer(null);
    this.#state = "waited";
    this.#call.goOn(next);
    const outcome = this.#outcome;
    if (outcome !== null) this.#answered(outcome);
    else this.#deliver(responses);
    return { call: this.#call, outcome };
  }

  end(_reason: string): void {
    this.#state = "ended";
    this.#setTimer(null);
    this.#dropQuestions();
    this.#forget();
    this.#leave();
    this.#keeper.ended();
  }

  #leave(): void {
    this.#keeper.over();
    this.#keeper.place.leave();
  }

  /** Keeps what it came to; false: there is no room. */
  #keep(outcome: Outcome): boolean {
    this.#forget();
    const length = sizeOf(outcome);
    if (!this.#keeper.place.hold(length)) return false;
    this.#outcome = outcome;
    this.#heldFor = length;
    return true;
  }

  #forget(): void {
    if (this.#heldFor !== null) this.#keeper.place.release(this.#heldFor);
    this.#heldFor = null;
    this.#outcome = null;
  }

  // ---- Asking ---------------------------------------------------------------------------------------------------

  #collect(): void {
    if (this.#state === "waited" && this.#timer === null) this.#setTimer(this.#around.limits.collectMs, () => this.#publish());
  }

  /** Asks the client all that is open, which ends its request. */
  #publish(): void {
    const { seal, stamp, limits } = this.#around;
    // The request that is answered with them may be another one than they were asked in, and declare less.
    for (const [key, { ask, settle }] of this.#questions) {
      const refused = this.#keeper.refusalOf(ask);
      if (refused === null) continue;
      this.#remove(key);
      settle(refused);
    }
    // All were withdrawn: the backend goes on, and so does the request.
    if (this.#questions.size === 0) return;
    this.#round += 1;
    this.#state = "parked";
    const { server } = this.#call.selection;
    const entries = [...this.#questions].map(([key, question]) => {
      question.asked = true;
      const { kind, params, backend } = question.ask;
      return `${quote(key)}:${requestEntry(kind, modernParams(kind, params, askerOf(backend, server)))}`;
    });
    const backend = [...this.#questions.values()][0]?.ask.backend ?? "";
    const state = seal.seal({ kind: "parked", backend, state: this.#name, round: this.#round }, bindingOf(this.#call), limits.parkedMsMax);
    this.#setTimer(limits.parkedMsMax, () => this.#expire());
    this.#call.pause(200, stamp.question(this.#call.id, server, emptyObject, { inputRequests: `{${entries.join(",")}}`, requestState: quote(state) }), new HeldLines(limits));
  }

  /** What was asked and answered goes to the backend; what was not, or not in order, is asked again. */
  #deliver(responses: RawObject): void {
    for (const [key, { ask, asked, settle }] of this.#questions) {
      const answer: Raw | null = asked ? responseOf(ask.kind, responses, key) : null;
      if (answer === null) continue;
      this.#remove(key);
      settle({ ok: true, result: answer });
    }
    if (this.#questions.size > 0) this.#collect();
  }

  #withdraw(key: string): void {
    this.#questions.get(key)?.drop();
    this.#remove(key);
  }

  #remove(key: string): void {
    const question = this.#questions.get(key);
    if (question === undefined) return;
    this.#questions.delete(key);
    this.#keeper.place.release(lengthOf(question.ask));
  }

  #dropQuestions(): void {
    for (const key of [...this.#questions.keys()]) this.#withdraw(key);
  }

  // ---- Ending ---------------------------------------------------------------------------------------------------

  /** Nobody came back: the backend gets the answers of a silent client, then a moment to make something of them. */
  #expire(): void {
    if (this.#outcome !== null) return this.end("nobody came back");
    this.#state = "expired";
    this.#setTimer(this.#around.limits.parkedGraceMs, () => this.#call.abandon("nobody came back with the answers in time"));
    for (const [key, { ask, settle }] of [...this.#questions]) {
      this.#remove(key);
      settle(silentAnswer(ask.kind));
    }
  }

  /** Keeps the answer for a moment, if a client may have lost it: one that had come back, and only if it is not large. */
  #answered(outcome: Outcome): void {
    this.#leave();
    const { redeliverMsMax, redeliverBytesMax } = this.#around.limits;
    if (this.#state !== "waited" || this.#round === 0 || sizeOf(outcome) > redeliverBytesMax || !this.#keep(outcome)) return this.end("it is answered");
    this.#state = "answered";
    this.#setTimer(redeliverMsMax, () => this.end("it is answered"));
  }

  #again(next: ClientCall): Taken {
    const outcome = this.#outcome;
    this.end("it is answered twice");
    return { call: next, outcome };
  }

  #setTimer(ms: number | null, run: () => void = () => undefined): void {
    this.#timer?.cancel();
    this.#timer = ms === null ? null : this.#around.clock.timer(ms, () => {
      this.#timer = null;
      run();
    });
  }
}
