/**
 * One client request as the neutral Call, whichever era it came in: it knows where its notices go, gives the client its
 * own progress token back, and falls silent once it is answered.
 */
import { type CallIds, type Cancel, CancelSource, fault } from "../base/index.ts";
import { type Answer, type Ask, type Call, type Client, editObject, emptyObject, type LogLevel, logLevels, memberOf, type Notice, notificationText, type Principal, type Raw, type RawObject, rawOf, type Resume, type Selection, type SessionTie } from "../protocol/index.ts";
import type { HeldLines } from "./held.ts";

/** Where everything goes that one client request leads to. Neither function throws, nor minds a client that has gone. */
export interface Sink {
  /** A message before the answer. */
  notice(text: string): void;
  /** The response; the status, and the scopes that it was refused for lack of, count as long as nothing was streamed. At most once. */
  answer(status: number, text: string, scopes?: readonly string[]): void;
  /** There will be no answer: nobody wants it any more. */
  none(): void;
}

/** How a client is asked in the middle of its call. */
export interface Asker {
  /** See Call.ask. */
  ask(call: ClientCall, ask: Ask): Promise<Answer>;
  /** A page that somebody was sent to is done with; may come after the call. Tells the client if it was the one. */
  visited(call: ClientCall, params: RawObject): void;
}

/** For what is never answered. */
export const nowhere: Sink = Object.freeze({ notice: () => undefined, answer: () => undefined, none: () => undefined });

/** What a request is made of, read and checked. */
export interface ClientRequest {
  /** Gives it its number. */
  readonly callIds: CallIds;
  /** JSON text of the request's id. */
  readonly id: Raw;
  readonly method: string;
  readonly params: RawObject;
  readonly meta: Raw | null;
  readonly principal: Principal;
  readonly selection: Selection;
  readonly client: Client;
  /** JSON text of the client's progress token, or null. */
  readonly progressToken: Raw | null;
  readonly logLevel: LogLevel | null;
  readonly resume: Resume | null;
  /** The 2025 session it came in; null without one. */
  readonly session: SessionTie | null;
  /** The backend that an id of ours names; null: look the target up. */
  readonly backend: string | null;
  /** How often this call has wanted input before. */
  readonly round: number;
  /** Null where the request had no headers of its own. */
  readonly paramHeaders: (() => Readonly<Record<string, string>>) | null;
}

/** The level of this name, or null. */
export const logLevelOf = (name: string | null): LogLevel | null => logLevels.find((level) => level === name) ?? null;

export class ClientCall implements Call {
  readonly number: number;
  readonly method: string;
  readonly params: RawObject;
  readonly meta: Raw | null;
  readonly principal: Principal;
  readonly selection: Selection;
  readonly session: SessionTie | null;
  readonly backend: string | null;
  readonly cancel: Cancel;
  readonly round: number;
  /** The input that it is made again with; whoever makes it again sets it. */
  resume: Resume | null;
  readonly #callIds: CallIds;
  readonly #paramHeaders: ClientRequest["paramHeaders"];
  readonly #source: CancelSource;
  readonly #asker: Asker;
  #id: Raw;
  #client: Client;
  #logLevel: LogLevel | null;
  #token: Raw | null;
  #sink: Sink;
  /** Keeps what is said while the client is away; null while it is there. */
  #held: HeldLines | null = null;
  #ending: CancelSource | null = null;
  #progressed = Number.NEGATIVE_INFINITY;
  #over = false;

  constructor(request: ClientRequest, sink: Sink, asker: Asker) {
    this.#callIds = request.callIds;
    this.number = request.callIds.next();
    this.#id = request.id;
    this.method = request.method;
    this.params = request.params;
    this.meta = request.meta;
    this.principal = request.principal;
    this.selection = request.selection;
    this.#client = request.client;
    this.#logLevel = request.logLevel;
    this.resume = request.resume;
    this.session = request.session;
    this.backend = request.backend;
    this.#paramHeaders = request.paramHeaders;
    this.#token = request.progressToken;
    this.round = request.round;
    this.#sink = sink;
    this.#asker = asker;
    this.#source = new CancelSource();
    this.cancel = this.#source;
  }

  /** The id that its answer goes by now. */
  get id(): Raw {
    return this.#id;
  }

  get callId(): string {
    return this.#callIds.textOf(this.number);
  }

  get client(): Client {
    return this.#client;
  }

  get logLevel(): LogLevel | null {
    return this.#logLevel;
  }

  paramHeaders(): Readonly<Record<string, string>> {
    return this.#paramHeaders?.() ?? none;
  }

  get progress(): boolean {
    return this.#token !== null;
  }

  /** It was answered or abandoned. */
  get over(): boolean {
    return this.#over;
  }

  get away(): boolean {
    return this.#held !== null;
  }

  /** Cancelled when the call comes to its end, whichever; the last moment at which something can be said before the answer. */
  get ending(): Cancel {
    this.#ending ??= new CancelSource();
    if (this.#over) this.#ending.cancel("the call is over");
    return this.#ending;
  }

  /** Answers the request that it came in, and goes on without: until `goOn`, what it has to say is put into `held`; progress is not. */
  pause(status: number, text: string, held: HeldLines): void {
    const sink = this.#sink;
    this.#sink = nowhere;
    this.#held = held;
    sink.answer(status, text);
  }

  /**
   * Goes on for a client that has come back with another request, made to a call in its own right. What was said
   * meanwhile goes out first, as far as that request wants it.
   */
  goOn(next: ClientCall): void {
    this.#id = next.#id;
    this.#client = next.#client;
    this.#logLevel = next.#logLevel;
    this.#token = next.#token;
    this.#sink = next.#sink;
    const lines = this.#held?.take() ?? [];
    this.#held = null;
    for (const { level, text } of lines) if (level === null || this.#wants(level)) this.#sink.notice(text);
  }

  /** No answer is wanted any more; it goes nowhere if it comes. */
  abandon(reason: string): void {
    if (this.#over) return;
    this.#end(reason);
    this.#sink.none();
    this.#source.cancel(reason);
  }

  /** Ends it with a response of our own, and tells whoever runs it to stop. */
  interrupt(status: number, text: string, reason: string): void {
    if (this.#over) return;
    this.answer(status, text);
    this.#source.cancel(reason);
  }

  /** Sends the response, unless the call was abandoned. Nothing follows it. */
  answer(status: number, text: string, scopes?: readonly string[]): void {
    if (this.#over) return;
    this.#end("the call is answered");
    this.#sink.answer(status, text, scopes);
  }

  notice(notice: Notice): void {
    if (notice.kind === "other") return this.#other(notice.method, notice.params);
    if (this.#over) return;
    if (notice.kind === "progress") this.#progress(notice.params);
    else this.#log(notice.level, notice.params);
  }

  ask(ask: Ask): Promise<Answer> {
    if (this.#over) return Promise.reject(fault("CALL_CANCELLED", { op: this.method }));
    return this.#asker.ask(this, ask);
  }

  /** Sends a message before the answer. */
  say(text: string): void {
    if (!this.#over) this.#speak(null, text);
  }

  #speak(level: LogLevel | null, text: string): void {
    if (this.#held === null) this.#sink.notice(text);
    else this.#held.add({ level, text });
  }

  #wants(level: LogLevel): boolean {
    return this.#logLevel !== null && logLevels.indexOf(level) >= logLevels.indexOf(this.#logLevel);
  }

  #end(reason: string): void {
    this.#ending?.cancel(reason);
    this.#over = true;
  }

  #other(method: string, params: RawObject | null): void {
    if (method === visitNotice) return this.#asker.visited(this, params ?? emptyObject);
    if (!isCoreNotice(method)) this.say(notificationText(method, params === null ? null : rawOf(params)));
  }

  // Values must rise (2026-07-28, basic/utilities/progress), also where a backend repeats itself.
  #progress(params: RawObject): void {
    const value = Number(memberOf(params, "progress") ?? Number.NaN);
    if (this.#token === null || !(value > this.#progressed)) return;
    this.#progressed = value;
    this.#sink.notice(notificationText("notifications/progress", editObject(params, { progressToken: this.#token })));
  }

  #log(level: LogLevel, params: RawObject): void {
    if (this.#wants(level)) this.#speak(level, notificationText("notifications/message", rawOf(params)));
  }
}

/** The one that is about an earlier question, not about what runs. */
export const visitNotice = "notifications/elicitation/complete";
const none = Object.freeze({});

const coreNotices: Readonly<Record<string, true>> = Object.freeze({
  "notifications/cancelled": true,
  "notifications/initialized": true,
  "notifications/message": true,
  "notifications/progress": true,
  "notifications/prompts/list_changed": true,
  "notifications/resources/list_changed": true,
  "notifications/resources/updated": true,
  "notifications/roots/list_changed": true,
  "notifications/subscriptions/acknowledged": true,
  "notifications/tasks": true,
  "notifications/tasks/status": true,
  "notifications/tools/list_changed": true,
});

// What the specification defines is made here for each client by its own revision; what it does not know goes through.
export const isCoreNotice = (method: string): boolean => Object.hasOwn(coreNotices, method);
