/**
 * Calls of clients without a session that wait inside us while their client is asked: a backend with a session asks in
 * the middle of a call, the client hears "more input is wanted" and comes back with another request, and the same call
 * goes on (2026-07-28, basic/patterns/mrtr). What a client holds is a sealed name of its call, good for one use; nothing
 * here hangs on a connection, and no call is ever made twice.
 *
 * Questions stand in a bounded set until they are answered, so it does not matter whether one comes while somebody waits
 * or while nobody does: whoever waits next is asked.
 */
import { randomBytes } from "node:crypto";
import { type Clock, fault, type Fault, fingerprint, type Limits, type Timer } from "../base/index.ts";
import { type Answer, type Ask, emptyObject, type Outcome, parseObject, quote, type Raw, type RawObject, rawOf, stringOf } from "../protocol/index.ts";
import type { Asker, ClientCall } from "./clientCall.ts";
import { missingFor, type Need } from "./capability.ts";
import { HeldLines } from "./held.ts";
import { isRetryable } from "./methods.ts";
import type { PageVisits } from "./pageVisits.ts";
import { askerOf, modernParams, questionMethods, refusedAnswer, requestEntry, responseOf, silentAnswer } from "./question.ts";
import { bindingOf, type Seal, type Sealed } from "./seal.ts";
import type { Stamp } from "./stamp.ts";

/** What calls are parked among. */
export interface Around {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly seal: Seal;
  readonly stamp: Stamp;
  readonly pageVisits: PageVisits;
}

/** A client that has come back: the call that goes on, and what became of it, if that is known already. */
export interface Taken {
  readonly call: ClientCall;
  readonly outcome: Outcome | null;
}

/** A capability that was lacking, as an object. */
type Lack = Readonly<Record<string, unknown>>;

const gone = (detail: string): Fault => fault("STATE_INVALID", { detail });

export class Parking implements Asker {
  readonly #around: Around;
  /** Names this process: a state of another one is told apart from a call that is over. */
  readonly #instance = randomBytes(6).toString("base64url");
  readonly #byId = new Map<string, Parked>();
  readonly #byCall = new Map<ClientCall, Parked>();
  readonly #lacking = new WeakMap<ClientCall, Lack>();
  readonly #perPrincipal = new Map<string, number>();
  #delivered = 0;
  #retired = false;

  constructor(around: Around) {
    this.#around = around;
  }

  ask(call: ClientCall, ask: Ask): Promise<Answer> {
    const declared = parseObject(call.client.capabilities, this.#around.limits) ?? emptyObject;
    const { kind, params } = ask;
    if (!isRetryable(call.method)) return Promise.resolve(refusedAnswer(kind, null, declared));
    const need = missingFor(questionMethods[kind], params ?? emptyObject, declared);
    if (need !== null) return Promise.resolve(this.#refuse(call, ask, need, declared));
    if (this.#retired) return Promise.reject(fault("SHUTTING_DOWN", { backend: ask.backend }));
    try {
      return (this.#byCall.get(call) ?? this.#open(call)).add(ask);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Clients of this era do not hear of it, but their calls that are made again may wait for it. */
  visited(call: ClientCall, params: RawObject): void {
    this.#around.pageVisits.ended(call, stringOf(params, "elicitationId"));
  }

  /** What the client of this call lacked when a backend wanted to ask it; null: nothing. */
  lacked(call: ClientCall): Lack | null {
    return this.#lacking.get(call) ?? null;
  }

  /** Takes what a call came to; true: its client is away, and it is kept for when it comes back. */
  keeps(call: ClientCall, outcome: Outcome): boolean {
    return this.#byCall.get(call)?.finish(outcome) ?? false;
  }

  /** A client comes back. `next` is its request as a call, which becomes the waiting one's. */
  take(next: ClientCall, sealed: Sealed, responses: RawObject): Taken | Fault {
    const [instance, id = ""] = sealed.state.split(".");
    if (instance !== this.#instance) return gone("the call waited in a process that has ended, or in another one; it is not made again by itself");
    return this.#byId.get(id)?.take(next, sealed.round, responses) ?? gone("the call is over");
  }

  /** Nobody can come back any more: gives up the calls whose clients are away, and asks nobody. */
  retire(): void {
    this.#retired = true;
    for (const call of [...this.#byCall.keys()]) if (call.away) call.abandon("the proxy is shutting down");
  }

  /** Ends every call that waits. */
  close(): void {
    this.#retired = true;
    for (const call of [...this.#byCall.keys()]) call.abandon("the proxy is shutting down");
    for (const parked of this.#byId.values()) parked.end("the proxy is shutting down");
  }

  #refuse(call: ClientCall, { kind }: Ask, need: Need, declared: RawObject): Answer {
    if (need !== null && need !== "unknown") this.#lacking.set(call, { ...this.#lacking.get(call), ...need });
    return refusedAnswer(kind, need, declared);
  }

  #open(call: ClientCall): Parked {
    const { limits } = this.#around;
    const principalId = call.principal.id;
    const own = this.#perPrincipal.get(principalId) ?? 0;
    if (own >= limits.parkedPerPrincipalMax) throw fault("LIMIT_REACHED", { detail: "limits.parkedPerPrincipalMax" });
    if (this.#byCall.size >= limits.parkedMax) throw fault("LIMIT_REACHED", { detail: "limits.parkedMax" });
    const id = randomBytes(16).toString("base64url");
    const parked = new Parked(call, `${this.#instance}.${id}`, this.#around, {
      over: () => this.#over(call),
      mayKeep: () => this.#delivered < limits.parkedMax,
      kept: (more) => (this.#delivered += more),
      ended: () => this.#byId.delete(id),
    });
    this.#perPrincipal.set(principalId, own + 1);
    this.#byId.set(id, parked);
    this.#byCall.set(call, parked);
    return parked;
  }

  #over(call: ClientCall): void {
    if (!this.#byCall.delete(call)) return;
    const left = (this.#perPrincipal.get(call.principal.id) ?? 1) - 1;
    if (left > 0) this.#perPrincipal.set(call.principal.id, left);
    else this.#perPrincipal.delete(call.principal.id);
  }
}

/** What one of them tells the one who keeps them. */
interface Keeper {
  /** It waits for nothing any more. */
  over(): void;
  /** There is room to keep an answer that was given. */
  mayKeep(): boolean;
  kept(more: 1 | -1): void;
  /** Nothing of it is left. */
  ended(): void;
}

interface Question {
  readonly ask: Ask;
  /** The client has seen it in the round that is open. */
  asked: boolean;
  readonly settle: (answer: Answer) => void;
  readonly drop: () => void;
}

/**
 * One of them. `waited`: a request waits for it. `parked`: none does. `expired`: none will. `answered`: it is over, its
 * answer kept in case that it was lost. `ended`: forgotten.
 */
class Parked {
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
  #outcome: Outcome | null = null;
  /** What the client came back with last. */
  #digest = "";

  constructor(call: ClientCall, name: string, around: Around, keeper: Keeper) {
    this.#call = call;
    this.#name = name;
    this.#around = around;
    this.#keeper = keeper;
    call.cancel.onCancel((reason) => this.end(reason));
  }

  /** A backend asks. Throws LIMIT_REACHED, ASK_REFUSED. */
  add(ask: Ask): Promise<Answer> {
    if (this.#state === "expired") throw fault("ASK_REFUSED", { backend: ask.backend, detail: "nobody came back with the answers in time" });
    if (this.#questions.size >= this.#around.limits.questionsMax) throw fault("LIMIT_REACHED", { backend: ask.backend, detail: "limits.questionsMax" });
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
      this.#outcome = outcome;
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
    if (this.#state === "answered") this.#keeper.kept(-1);
    this.#state = "ended";
    this.#setTimer(null);
    this.#dropQuestions();
    this.#keeper.over();
    this.#keeper.ended();
  }

  // ---- Asking ---------------------------------------------------------------------------------------------------

  #collect(): void {
    if (this.#state === "waited" && this.#timer === null) this.#setTimer(this.#around.limits.collectMs, () => this.#publish());
  }

  /** Asks the client all that is open, which ends its request. */
  #publish(): void {
    const { seal, stamp, limits } = this.#around;
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
      this.#questions.delete(key);
      settle({ ok: true, result: answer });
    }
    if (this.#questions.size > 0) this.#collect();
  }

  #withdraw(key: string): void {
    this.#questions.get(key)?.drop();
    this.#questions.delete(key);
  }

  #dropQuestions(): void {
    for (const { drop } of this.#questions.values()) drop();
    this.#questions.clear();
  }

  // ---- Ending ---------------------------------------------------------------------------------------------------

  /** Nobody came back: the backend gets the answers of a silent client, then a moment to make something of them. */
  #expire(): void {
    if (this.#outcome !== null) return this.end("nobody came back");
    this.#state = "expired";
    this.#setTimer(this.#around.limits.parkedGraceMs, () => this.#call.abandon("nobody came back with the answers in time"));
    const open = [...this.#questions.values()];
    this.#questions.clear();
    for (const { ask, settle } of open) settle(silentAnswer(ask.kind));
  }

  /** Keeps the answer for a moment, if a client may have lost it: one that had come back, and only if it is not large. */
  #answered(outcome: Outcome): void {
    this.#keeper.over();
    const { redeliverMsMax, redeliverBytesMax } = this.#around.limits;
    const bytes = outcome.kind === "failed" ? outcome.error.raw.length : outcome.result.text.length;
    if (this.#state !== "waited" || this.#round === 0 || bytes > redeliverBytesMax || !this.#keeper.mayKeep()) return this.end("it is answered");
    this.#outcome = outcome;
    this.#state = "answered";
    this.#keeper.kept(1);
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
