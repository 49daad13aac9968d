/**
 * The dialect of backends that open with a handshake: sessions, one capability set for all, requests in both directions,
 * log levels for the whole session. Everything that such a session remembers is here and nowhere else, so that losing it
 * (HTTP 404) costs one new handshake and no caller notices.
 */
import { type Fault, fault, faultOf, type Limits } from "../base/index.ts";
import { type Call, editObject, type Failure, type Kind, memberOf, type Message, type Notification, type Outcome, parseObject, type Raw, type RawObject, type Result, requestText, stringOf, taskIn } from "../protocol/index.ts";
import { contextHeaders } from "./context.ts";
import { paramsOf, plainMetaOf } from "./envelope.ts";
import { type Flight, Flights, type Source } from "./flights.ts";
import { type Opened, openSession } from "./handshake.ts";
import { LegacyTasks, needsTask, taskParam, unrelated } from "./legacyTasks.ts";
import { SessionLevel } from "./level.ts";
import { dueMs, Questions } from "./questions.ts";
import { passRootsOn } from "./roots.ts";
import { answerOf, changeOf, type Dialect, isAnnounced, isSubscribable, listWords, noHeaders, type South } from "./south.ts";
import { Resumed, Standing, type Waiter } from "./standing.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Target, UpstreamFacts, WireReply, WireRequest } from "./types.ts";
import { isBefore, type LegacyRevision } from "./version.ts";
import { Visits } from "./visits.ts";

const kinds = Object.freeze(["tools", "prompts", "resources"] as const);

/** Whether a call is a task is settled here, so a client's wish for one must not go through. */
const noTask = Object.freeze({ task: null });
const noContext = Object.freeze({ context: null });

/** Members of `params` that must not go to a backend of this revision. */
function withoutOf(method: string, revision: LegacyRevision): Readonly<Record<string, Raw | null>> | null {
  if (method === "tools/call") return noTask;
  return method === "completion/complete" && isBefore(revision, "2025-06-18") ? noContext : null;
}

// The type of a result is a word of the other era; here it is any member, and must not be taken for a question later.
function untyped(result: RawObject, limits: Limits): RawObject {
  if (memberOf(result, "resultType") === null) return result;
  return parseObject(editObject(result, { resultType: null }), limits) ?? result;
}

export class SouthLegacy implements Dialect {
  readonly facts: UpstreamFacts;
  readonly #south: South;
  readonly #flights: Flights;
  readonly #visits: Visits;
  readonly #questions: Questions;
  readonly #tasks: LegacyTasks;
  readonly #level: SessionLevel;
  readonly #resumed: Resumed;
  readonly #standing: Standing | null;
  readonly #subscriptions: Subscriptions;
  readonly #endRoots: () => void;
  readonly #isHttp: boolean;
  #opened: Opened;
  #renewing: Promise<void> | null = null;

  constructor(south: South, opened: Opened) {
    this.#south = south;
    this.#opened = opened;
    this.#isHttp = south.wire.transport === "http";
    this.#flights = new Flights(south, { tellCancel: true, anySuspect: true, headers: () => this.#headers(), postpone: (id, ms) => this.#postpone(id, ms) });
    this.#resumed = new Resumed(south);
    this.#visits = new Visits(south.limits);
    this.#questions = new Questions(south, this.#flights, this.#visits, { headers: () => this.#headers(), postpone: ({ id }, ms) => this.#postpone(id, ms) });
    this.#tasks = this.#createTasks();
    this.#level = this.#createLevel();
    this.#subscriptions = new Subscriptions(south, (method, params, timeoutMs, mayRenew) => this.#ask(method, params, timeoutMs, mayRenew));
    this.#standing = this.#createStanding();
    this.facts = this.#createFacts();
    this.#endRoots = passRootsOn(south, () => this.#headers());
    this.#standing?.start();
  }

  call(call: Call, target: Target): Promise<Outcome> {
    return this.#attempt(call, target, true);
  }

  async page(kind: Kind, cursor: Raw | null): Promise<RawObject | null> {
    const { method } = listWords[kind];
    const response = await this.#ask(method, cursor === null ? null : `{"cursor":${cursor}}`, this.#south.limits.listMsMax, true);
    if (response.kind === "result") return response.result;
    // Many older servers have resources and know nothing of templates.
    if (kind === "templates" && response.error.code === -32601) return null;
    throw this.#refused(method, response);
  }

  subscribe(uri: string, abilities: Raw): Promise<boolean> {
    // The tasks of this era are not followed.
    return this.facts.subscribes && taskIn(uri) === null ? this.#subscriptions.subscribe(uri, abilities) : Promise.resolve(false);
  }

  unsubscribe(uri: string, abilities: Raw): Promise<void> {
    return this.#subscriptions.unsubscribe(uri, abilities);
  }

  ping(timeoutMs: number): Promise<unknown> {
    return this.#ask("ping", null, timeoutMs, true);
  }

  heard(): Promise<void> {
    return this.#standing?.heard() ?? Promise.resolve();
  }

  onMessage(message: Message): void {
    if (this.#resumed.take(message)) return;
    this.#received(message, null);
  }

  async close(): Promise<void> {
    this.#endRoots();
    this.#standing?.close();
    this.#questions.close();
    this.#visits.clear();
    this.#flights.close();
    if (this.#opened.session === null) return;
    await this.#south.wire.drop?.(this.#headers()).catch((thrown: unknown) => this.#note("a session could not be ended", thrown));
  }

  async #attempt(call: Call, target: Target, mayRenew: boolean): Promise<Outcome> {
    const flight = this.#flights.begin(call, target);
    let session = this.#opened;
    try {
      if (this.#level.isOff(call.logLevel)) await this.#prepare(flight);
      session = this.#opened;
      const isTask = needsTask(call, target, session.capabilities, this.#south.limits);
      const reply = await this.#south.wire.request(this.#requestOf(flight, target, isTask));
      if (!this.#isLost(reply, session) || !mayRenew) return this.#outcomeOf(call, await this.#responseTo(flight, reply, isTask));
    } catch (thrown) {
      throw this.#flights.failed(flight, thrown);
    } finally {
      this.#flights.end(flight);
    }
    await this.#renew(session);
    return await this.#attempt(call, target, false);
  }

  /** What a response comes to, without dialect. */
  #outcomeOf(call: Call, response: Result | Failure): Outcome {
    if (response.kind === "result") return { kind: "done", result: untyped(response.result, this.#south.limits) };
    this.#visits.failed(response.error, call);
    return { kind: "failed", error: response.error, backend: this.#south.options.name };
  }

  #responseTo(flight: Flight, reply: WireReply, isTask: boolean): Result | Failure | Promise<Result | Failure> {
    const response = this.#answerOf(flight, reply, dueMs(flight, this.#south.limits.askMsMax), flight.call.method);
    return isTask ? Promise.resolve(response).then((begun) => this.#tasks.finish(flight, begun)) : response;
  }

  #requestOf(flight: Flight, target: Target, isTask: boolean): WireRequest {
    const { call, id } = flight;
    const params = paramsOf(call, target, plainMetaOf(call, id), isTask ? taskParam(target, this.#south.limits) : withoutOf(call.method, this.#opened.revision));
    const request = { id, text: requestText(id, call.method, params), headers: this.#headersOf(call), timeoutMs: target.timeoutMs };
    return this.#isHttp ? { ...request, onMessage: (message) => this.#received(message, flight) } : request;
  }

  /** The response, if need be from another stream than the request's own. */
  #answerOf(waiter: Waiter, reply: WireReply, timeoutMs: number, op: string): Result | Failure | Promise<Result | Failure> {
    if (reply.message !== null || !reply.resume) return answerOf(this.#south, reply, op);
    return this.#resumed.answer(waiter, reply.resume, this.#headers(), timeoutMs).then((message) => answerOf(this.#south, { ...reply, message }, op));
  }

  /** A request that we make for ourselves. */
  async #ask(method: string, params: Raw | null, timeoutMs: number, mayRenew: boolean): Promise<Result | Failure> {
    const waiter: Waiter = { id: this.#south.wire.nextId(), stop: null };
    const session = this.#opened;
    const reply = await this.#south.wire.request({ id: waiter.id, text: requestText(waiter.id, method, params), headers: this.#headers(), timeoutMs, onMessage: (message) => this.#received(message, "ours") });
    if (!this.#isLost(reply, session) || !mayRenew) return await this.#answerOf(waiter, reply, timeoutMs, method);
    await this.#renew(session);
    return await this.#ask(method, params, timeoutMs, false);
  }

  #refused(method: string, response: Failure): Fault {
    return fault("BACKEND_DOWN", { backend: this.#south.options.name, op: method, detail: `error ${response.error.code}: ${response.error.message}` });
  }

  #headersOf({ meta }: Call): Readonly<Record<string, string>> {
    const context = this.#south.wire.transport === "stdio" ? null : contextHeaders(meta, this.#south.limits);
    return context === null ? this.#headers() : { ...this.#headers(), ...context };
  }

  #headers(): Readonly<Record<string, string>> {
    return this.#south.wire.transport === "stdio" ? noHeaders : this.#opened.headers;
  }

  // ---- Messages -----------------------------------------------------------------------------------------------

  #received(message: Message, source: Source): void {
    if (message.kind === "request") this.#questions.take(message, source);
    else if (message.kind === "notification") this.#notified(unrelated(message, this.#south.limits), source);
    else this.#south.log.debug("an answer that nobody waits for", { backend: this.#south.options.name });
  }

  #notified(notification: Notification, source: Source): void {
    const { method } = notification;
    const change = changeOf(method);
    if (change !== null) this.#south.options.changed(change);
    else if (method === "notifications/resources/updated") this.#updated(notification);
    else if (method === "notifications/cancelled") this.#questions.withdraw(notification);
    else if (method === "notifications/elicitation/complete") this.#visited(notification);
    else if (!this.#flights.notify(notification, source)) this.#stranger(notification);
  }

  #visited(notification: Notification): void {
    if (!this.#visits.ended(notification)) this.#stranger(notification);
  }

  #stranger({ method }: Notification): void {
    this.#south.log.debug("a notification that belongs to nobody", { backend: this.#south.options.name, method });
  }

  #postpone(id: number, ms: number): void {
    const waited = this.#tasks.postpone(id, ms);
    this.#south.wire.postpone?.(waited, ms);
    this.#resumed.postpone(waited, ms);
  }

  #updated({ params }: Notification): void {
    const uri = params === null ? null : stringOf(params, "uri");
    if (params !== null && uri !== null) this.#south.options.updated(uri, params, null);
  }

  // ---- The session --------------------------------------------------------------------------------------------

  #isLost(reply: WireReply, session: Opened): boolean {
    return reply.status === 404 && this.#isHttp && session.session !== null;
  }

  /** One new handshake for all who found the same session gone. */
  #renew(stale: Opened): Promise<void> {
    if (this.#renewing === null && this.#opened !== stale) return Promise.resolve();
    this.#renewing ??= this.#reopen().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #reopen(): Promise<void> {
    this.#questions.close();
    this.#visits.clear();
    try {
      this.#opened = await openSession(this.#south);
    } catch (thrown) {
      this.#south.options.lost(faultOf(thrown).message);
      throw thrown;
    }
    await this.#level.renew();
    await this.#subscriptions.replay();
    this.#standing?.start();
    this.#missed();
  }

  #createTasks(): LegacyTasks {
    return new LegacyTasks(this.#south, {
      headers: () => this.#headers(),
      received: (message, flight) => this.#received(message, flight),
      answerOf: (waiter, reply, timeoutMs, op) => this.#answerOf(waiter, reply, timeoutMs, op),
      isLost: (reply) => this.#isLost(reply, this.#opened),
    });
  }

  #createStanding(): Standing | null {
    if (!this.#isHttp || this.#south.wire.listen === undefined) return null;
    return new Standing(this.#south, {
      headers: () => this.#headers(),
      missed: () => this.#missed(),
      expired: () => this.#renew(this.#opened).catch((thrown: unknown) => this.#note("a session could not be opened again", thrown)),
    });
  }

  /** Anything may have changed while nobody listened. */
  #missed(): void {
    for (const kind of kinds) if (isAnnounced(this.#opened.capabilities.get(kind), this.#south.limits)) this.#south.options.changed(kind);
    this.#subscriptions.missed();
  }

  #createFacts(): UpstreamFacts {
    const opened = (): Opened => this.#opened;
    const announces = (): boolean => kinds.some((kind) => isAnnounced(this.#opened.capabilities.get(kind), this.#south.limits)) && (this.#standing?.open ?? !this.#isHttp);
    const isMute = (): boolean => this.#standing?.mute === true;
    const subscribes = (): boolean => isSubscribable(this.#opened.capabilities.get("resources"), this.#south.limits);
    return Object.freeze({
      get info() {
        return opened().info;
      },
      get capabilities() {
        return opened().capabilities;
      },
      get instructions() {
        return opened().instructions;
      },
      get revision() {
        return opened().revision;
      },
      get mute() {
        return isMute();
      },
      get announces() {
        return announces();
      },
      get subscribes() {
        return subscribes();
      },
    });
  }

  // ---- The log level ------------------------------------------------------------------------------------------

  #createLevel(): SessionLevel {
    return new SessionLevel({
      isOffered: () => this.#opened.capabilities.has("logging"),
      wanted: () => this.#flights.level,
      set: async (level) => {
        const done = this.#ask("logging/setLevel", `{"level":"${level}"}`, this.#south.options.requestMsMax, false).catch((thrown: unknown) => this.#note("the log level could not be set", thrown));
        // A pipe keeps the order; over HTTP the call could overtake the level.
        if (this.#isHttp) await done;
      },
    });
  }

  /** The call may be cancelled while the level is set; then it must not be sent at all. */
  async #prepare({ call }: Flight): Promise<void> {
    await this.#level.adjust();
    if (call.cancel.cancelled) throw fault("CALL_CANCELLED", { op: call.method });
  }

  #note(what: string, thrown: unknown): void {
    this.#south.log.debug(what, { backend: this.#south.options.name, code: faultOf(thrown).code });
  }
}
