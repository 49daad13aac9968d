/**
 * Questions of an older backend in the middle of a call: whose call each belongs to, and the way of the answer back under
 * the question's own id. On a pipe nothing ties a question to a call. So every call that can have caused it counts,
 * whatever its client declared; where several principals have such calls the question is refused, because whoever it was
 * shown to by a guess might be a stranger.
 */
import { CancelSource, type Fault, fault, faultOf, type Timer } from "../base/index.ts";
import { type Answer, type Ask, type Beside, type Call, emptyObject, errorText, memberOf, type Notification, notificationText, parseObject, type Raw, type RawObject, type Request, resultText, rpcErrorOf } from "../protocol/index.ts";
import { missingFor, type Need } from "./capability.ts";
import type { Flight, Flights, Source } from "./flights.ts";
import { Flood } from "./flood.ts";
import { answerPeer, peerText, reply } from "./peer.ts";
import { kindOf, refusedAnswer, silentAnswer } from "./question.ts";
import type { South } from "./south.ts";
import type { Visits } from "./visits.ts";
import { metaKeys } from "./words.ts";

/** What the session does for its questions. */
export interface QuestionHooks {
  headers(): Readonly<Record<string, string>>;
  /** The call's answer is due that long from now. */
  postpone(flight: Flight, ms: number): void;
}

/** One question that waits for its answer. */
interface Question {
  readonly request: Request;
  readonly ask: Ask;
  /** The calls that can have caused it, oldest first, all of one principal; none where it belongs to a session. */
  readonly suspects: readonly Flight[];
  readonly headers: Readonly<Record<string, string>>;
  readonly source: CancelSource;
  readonly timers: Set<Timer>;
  /** The client whose alone the connection is, where nothing but the time ties the question to a call; else null. */
  readonly beside: Beside | null;
}

/** A question on one call. */
interface Ride {
  readonly ask: Ask;
  /** It was taken away from there. */
  isOver(): boolean;
  end(): void;
}

export class Questions {
  readonly #south: South;
  readonly #flights: Flights;
  readonly #visits: Visits;
  readonly #hooks: QuestionHooks;
  /** By the JSON text of the question's id. */
  readonly #open = new Map<Raw, Question>();
  /** Of all open ones together. */
  #length = 0;
  /** Bounds what we log of them. */
  readonly #flood: Flood;

  constructor(south: South, flights: Flights, visits: Visits, hooks: QuestionHooks) {
    this.#south = south;
    this.#flights = flights;
    this.#visits = visits;
    this.#hooks = hooks;
    this.#flood = new Flood(south);
  }

  /** Takes any request of the backend. Never throws; every request gets exactly one answer, unless it is taken back. */
  take(request: Request, source: Source): void {
    const kind = kindOf(request.method);
    if (kind === null) return answerPeer(this.#south, request, this.#hooks.headers());
    const { flights, isOnePrincipal } = this.#flights.suspects(source);
    if (flights.length === 0) return this.#takeBeside(request, kind, source);
    const refusal = isOnePrincipal ? this.#overBound(request) : this.#ambiguous(request);
    if (refusal !== null) return this.#refuse(request, refusal);
    const question = this.#opened(request, kind, flights, source);
    void this.#relay(question, this.#answerOf(question));
  }

  /** No call can have caused it: it is for the client whose alone the connection is, unless it came on a stream that says what it is about. */
  #takeBeside(request: Request, kind: Ask["kind"], source: Source): void {
    const beside = this.#besideOf(source);
    if (beside === null || this.#isLeftOver(kind)) return answerPeer(this.#south, request, this.#hooks.headers());
    const refusal = this.#overBound(request);
    if (refusal !== null) return this.#refuse(request, refusal);
    const question = this.#opened(request, kind, [], source);
    void this.#relay(question, this.#answerBeside(question, beside));
  }

  #besideOf(source: Source): Beside | null {
    return source === null ? (this.#south.options.beside ?? null) : null;
  }

  // What a given-up call wants is of no interest to its client any more; the roots are asked for by none.
  #isLeftOver(kind: Ask["kind"]): boolean {
    return kind !== "roots" && this.#flights.lingers;
  }

  #refuse(request: Request, refusal: Fault): void {
    reply(this.#south, request, errorText(request.id, rpcErrorOf(refusal)), this.#hooks.headers());
  }

  /** The backend takes a question back. */
  withdraw({ params }: Notification): void {
    const id = params === null ? null : memberOf(params, "requestId");
    if (id !== null) this.#drop(id, "the server has taken its question back");
  }

  /** The session is over: nobody waits for the answers. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.#drop(id, "the server is gone");
  }

  // ---- Whether and whom to ask ----------------------------------------------------------------------------------

  #overBound(request: Request): Fault | null {
    const { options, limits } = this.#south;
    if (this.#open.has(request.id)) return fault("BACKEND_GARBLED", { backend: options.name, op: request.method, detail: "two open questions have one id" });
    if (this.#open.size >= limits.questionsMax) return fault("LIMIT_REACHED", { backend: options.name, op: request.method, detail: `questionsMax: ${limits.questionsMax} are open` });
    if (this.#length + lengthOf(request) <= limits.questionsBytesMax) return null;
    return fault("LIMIT_REACHED", { backend: options.name, op: request.method, detail: "limits.questionsBytesMax" });
  }

  #ambiguous(request: Request): Fault {
    const refused = fault("ASK_AMBIGUOUS", { backend: this.#south.options.name, op: request.method });
    if (this.#flood.allows()) this.#south.log.warn("a question was refused", { code: refused.code, server: this.#south.options.name, method: request.method, reason: refused.message, hint: refused.hint });
    return refused;
  }

  /**
   * The call whose client is asked. One suspect is asked whatever its client declared, so that its call knows why it
   * fails; of several, which all belong to one principal, one that can be asked: one whose client is there, of the client
   * of the oldest call if possible, and the oldest. Null where none can.
   */
  #carrierOf({ request, suspects }: Question, tried: ReadonlySet<Flight>): Flight | null {
    const waiting = suspects.filter((flight) => this.#flights.isWaiting(flight) && !tried.has(flight));
    if (suspects.length === 1) return waiting[0] ?? null;
    const willing = waiting.filter(({ call }) => this.#lacks(call, request) === null);
    // A client that is away may never come back, and then the question would wait for nobody.
    const present = willing.filter(({ call }) => call.away !== true);
    const able = present.length > 0 ? present : willing;
    return able.find(({ call }) => call.client.info === suspects[0]?.call.client.info) ?? able[0] ?? null;
  }

  #lacks(call: Call, { method, params }: Request): Need {
    return missingFor(method, params ?? emptyObject, this.#declaredBy(call));
  }

  #declaredBy({ client }: Call): RawObject {
    return parseObject(client.capabilities, this.#south.limits) ?? emptyObject;
  }

  // ---- The way of one question ----------------------------------------------------------------------------------

  #opened(request: Request, kind: Ask["kind"], suspects: readonly Flight[], from: Source): Question {
    const source = new CancelSource();
    const ask = { kind, params: request.params, backend: this.#south.options.name, cancel: source };
    const question: Question = { request, ask, suspects, headers: this.#hooks.headers(), source, timers: new Set(), beside: this.#besideOf(from) };
    this.#open.set(request.id, question);
    this.#length += lengthOf(request);
    const { clock, limits } = this.#south;
    for (const flight of suspects) this.#wait(flight, 1);
    question.timers.add(clock.timer(limits.askMsMax, () => this.#late(question)));
    const token = request.meta === null ? null : memberOf(request.meta, metaKeys.progressToken);
    if (token !== null) this.#keepPatient(question, token);
    return question;
  }

  async #relay(question: Question, answer: Promise<string>): Promise<void> {
    const text = await answer;
    if (this.#open.get(question.request.id) !== question) return;
    this.#close(question);
    reply(this.#south, question.request, text, question.headers);
  }

  /**
   * Asks, and asks another of the suspects when the call that carried the question is over before it was answered, or
   * its client away for too long.
   */
  async #answerOf(question: Question): Promise<string> {
    const { request } = question;
    const tried = new Set<Flight>();
    for (let carrier = this.#carrierOf(question, tried); carrier !== null; carrier = this.#carrierOf(question, tried)) {
      if (request.params !== null) this.#visits.asked(request.params, carrier.call);
      const ride = this.#ride(question, carrier);
      try {
        return answerText(request, await carrier.call.ask(ride.ask));
      } catch (thrown) {
        if (ride.isOver()) tried.add(carrier);
        else if (question.source.cancelled || this.#flights.isWaiting(carrier)) return this.#refusalOf(question, carrier.call, faultOf(thrown));
      } finally {
        ride.end();
      }
    }
    const waiting = question.suspects.find((flight) => this.#flights.isWaiting(flight) && !tried.has(flight));
    return waiting === undefined ? await this.#answerAfter(question) : this.#unable(question, waiting.call);
  }

  /** The calls that can have caused it are over, perhaps without having: it may still be for the client that made them. */
  async #answerAfter(question: Question): Promise<string> {
    const { beside, ask } = question;
    return beside === null || this.#isLeftOver(ask.kind) ? unanswered(question) : await this.#answerBeside(question, beside);
  }

  /**
   * The question on this call. Where it may be another's, it rides there only as long as it does not keep a client that
   * is there waiting for one that is away and may never come back.
   */
  #ride(question: Question, carrier: Flight): Ride {
    if (question.suspects.length === 1) return { ask: question.ask, isOver: () => false, end: () => undefined };
    const source = new CancelSource();
    let isOver = false;
    const unhook = question.source.onCancel((reason) => source.cancel(reason));
    const timer = this.#every(question, this.#south.limits.rideMsMax, () => {
      if (carrier.call.away !== true || !this.#isAwaited(question, carrier)) return;
      isOver = true;
      source.cancel("its client is away, and it may be another call's");
    });
    const end = (): void => {
      timer.cancel();
      unhook();
    };
    return { ask: { ...question.ask, cancel: source }, isOver: () => isOver, end };
  }

  /** Somebody is there and waits for another call that it may belong to. */
  #isAwaited({ suspects }: Question, carrier: Flight): boolean {
    return suspects.some((flight) => flight !== carrier && flight.call.away !== true && this.#flights.isWaiting(flight));
  }

  async #answerBeside(question: Question, beside: Beside): Promise<string> {
    const { request, ask } = question;
    if (request.params !== null) this.#visits.asked(request.params, beside);
    try {
      return answerText(request, await beside.ask(ask));
    } catch (thrown) {
      const refused = faultOf(thrown);
      return refused.code === "ASK_REFUSED" ? peerText(this.#south, request) : this.#failureOf(question, refused);
    }
  }

  #refusalOf(question: Question, call: Call, refused: Fault): string {
    return refused.code === "ASK_REFUSED" ? this.#unable(question, call) : this.#failureOf(question, refused);
  }

  #failureOf(question: Question, refused: Fault): string {
    if (refused.code === "CALL_CANCELLED") return unanswered(question);
    if (refused.code === "INTERNAL") this.#south.log.error("a question could not be relayed", { backend: this.#south.options.name, reason: String(refused.cause) });
    return errorText(question.request.id, rpcErrorOf(refused));
  }

  #unable({ request, ask }: Question, call: Call): string {
    return answerText(request, refusedAnswer(ask.kind, this.#lacks(call, request), this.#declaredBy(call)));
  }

  /** The server gives its question as much time as it wants to, as long as it sees that somebody is at it. */
  #keepPatient(question: Question, token: Raw): void {
    const { limits, wire, log, options } = this.#south;
    let progress = 0;
    this.#every(question, limits.askProgressMs, () => {
      progress += 1;
      wire.send(notificationText("notifications/progress", `{"progressToken":${token},"progress":${progress}}`), question.headers).catch((thrown: unknown) => {
        log.debug("a server could not be kept patient", { backend: options.name, code: faultOf(thrown).code });
      });
    });
  }

  /** Runs something again and again while the question is open. */
  #every({ timers }: Question, ms: number, run: () => void): Timer {
    const { clock } = this.#south;
    let timer: Timer;
    const again = (): void => {
      timer = clock.timer(ms, () => {
        again();
        run();
      });
    };
    again();
    const repeated = { cancel: () => timer.cancel() };
    timers.add(repeated);
    return repeated;
  }

  #late(question: Question): void {
    this.#close(question);
    reply(this.#south, question.request, unanswered(question), question.headers);
    question.source.cancel("nobody answered in time");
  }

  #drop(id: Raw, reason: string): void {
    const question = this.#open.get(id);
    if (question === undefined) return;
    this.#close(question);
    question.source.cancel(reason);
  }

  #close(question: Question): void {
    this.#open.delete(question.request.id);
    this.#length -= lengthOf(question.request);
    for (const timer of question.timers) timer.cancel();
    for (const flight of question.suspects) this.#wait(flight, -1);
  }

  /** A call that waits for a person has more time; once all is answered, it has its own time again. */
  #wait(flight: Flight, questions: 1 | -1): void {
    flight.asked += questions;
    if (flight.asked === 0 || questions === 1) this.#hooks.postpone(flight, dueMs(flight, this.#south.limits.askMsMax));
  }
}

/** How long the answer of a call may take from now. */
export const dueMs = (flight: Flight, askMsMax: number): number => flight.timeoutMs + (flight.asked > 0 ? askMsMax : 0);

const lengthOf = ({ params }: Request): number => params?.text.length ?? 0;

const answerText = ({ id }: Request, answer: Answer): string => (answer.ok ? resultText(id, answer.result) : errorText(id, answer.error));

/** The answer where nobody gave any. */
const unanswered = ({ request, ask }: Question): string => answerText(request, silentAnswer(ask.kind));
