/**
 * One client request as the neutral Call, whichever era it came in: it knows where its notices go, gives the client its
 * own progress token back, and falls silent once it is answered.
 */
import { type Cancel, CancelSource, fault } from "../base/index.ts";
import { type Answer, type Ask, type Call, type Client, editObject, type LogLevel, logLevels, memberOf, type Notice, notificationText, type Principal, type Raw, type RawObject, rawOf, type Resume, type Selection } from "../protocol/index.ts";

/** Where everything goes that one client request leads to. Neither function throws, nor minds a client that has gone. */
export interface Sink {
  /** A message before the answer. */
  notice(text: string): void;
  /** The response; the status counts as long as nothing was streamed. At most once. */
  answer(status: number, text: string): void;
  /** There will be no answer: nobody wants it any more. */
  none(): void;
}

/** What a request is made of, read and checked. */
export interface ClientRequest {
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
  /** Null where the request had no headers of its own. */
  readonly paramHeaders: (() => Readonly<Record<string, string>>) | null;
}

/** The level of this name, or null. */
export const logLevelOf = (name: string | null): LogLevel | null => logLevels.find((level) => level === name) ?? null;

export class ClientCall implements Call {
  readonly method: string;
  readonly params: RawObject;
  readonly meta: Raw | null;
  readonly principal: Principal;
  readonly selection: Selection;
  readonly client: Client;
  readonly logLevel: LogLevel | null;
  readonly resume: Resume | null;
  readonly cancel: Cancel;
  readonly #paramHeaders: ClientRequest["paramHeaders"];
  readonly #source: CancelSource;
  readonly #token: Raw | null;
  readonly #sink: Sink;
  #progressed = Number.NEGATIVE_INFINITY;
  #over = false;

  constructor(request: ClientRequest, sink: Sink) {
    this.method = request.method;
    this.params = request.params;
    this.meta = request.meta;
    this.principal = request.principal;
    this.selection = request.selection;
    this.client = request.client;
    this.logLevel = request.logLevel;
    this.resume = request.resume;
    this.#paramHeaders = request.paramHeaders;
    this.#token = request.progressToken;
    this.#sink = sink;
    this.#source = new CancelSource();
    this.cancel = this.#source;
  }

  paramHeaders(): Readonly<Record<string, string>> {
    return this.#paramHeaders?.() ?? none;
  }

  get progress(): boolean {
    return this.#token !== null;
  }

  /** No answer is wanted any more; it goes nowhere if it comes. */
  abandon(reason: string): void {
    if (this.#over) return;
    this.#over = true;
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
  answer(status: number, text: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.answer(status, text);
  }

  notice(notice: Notice): void {
    if (this.#over) return;
    if (notice.kind === "progress") this.#progress(notice.params);
    else if (notice.kind === "log") this.#log(notice.level, notice.params);
    else if (!isCoreNotice(notice.method)) this.#sink.notice(notificationText(notice.method, notice.params === null ? null : rawOf(notice.params)));
  }

  ask(ask: Ask): Promise<Answer> {
    return Promise.reject(fault("ASK_REFUSED", { op: this.method, detail: `${ask.kind} in the middle of a call is not relayed` }));
  }

  // Values must rise (2026-07-28, basic/utilities/progress), also where a backend repeats itself.
  #progress(params: RawObject): void {
    const value = Number(memberOf(params, "progress") ?? Number.NaN);
    if (this.#token === null || !(value > this.#progressed)) return;
    this.#progressed = value;
    this.#sink.notice(notificationText("notifications/progress", editObject(params, { progressToken: this.#token })));
  }

  #log(level: LogLevel, params: RawObject): void {
    if (this.logLevel === null || logLevels.indexOf(level) < logLevels.indexOf(this.logLevel)) return;
    this.#sink.notice(notificationText("notifications/message", rawOf(params)));
  }
}

const none = Object.freeze({});

const coreNotices: Readonly<Record<string, true>> = Object.freeze({
  "notifications/cancelled": true,
  "notifications/elicitation/complete": true,
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
const isCoreNotice = (method: string): boolean => Object.hasOwn(coreNotices, method);
