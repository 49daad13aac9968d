/**
 * The dialect of backends that take every request by itself: each carries revision, client and capabilities, and over
 * HTTP repeats its method, target and marked arguments in headers. Questions come back inside results. The backend's
 * complaints about this hop (headers, revision) are repaired here once and never reach a client.
 */
import { type Fault, fault, faultOf, type Limits } from "../base/index.ts";
import { type Call, editObject, emptyObject, encodeHeader, type Kind, type Message, memberOf, type MirroredArgument, mirroredArguments, mirrorHeaders, objectOf, type Outcome, parseObject, quote, type Raw, type RawObject, rawOf, requestText, type Result, type RpcError, stringOf, taskIn } from "../protocol/index.ts";
import { contextHeaders } from "./context.ts";
import { Envelope, paramsOf, targetNameOf } from "./envelope.ts";
import { type Flight, Flights } from "./flights.ts";
import { selfOf } from "./handshake.ts";
import { Listening } from "./listening.ts";
import type { RequestOf } from "./listenRequest.ts";
import { isRetryable } from "./methods.ts";
import { listAll } from "./paging.ts";
import { type Found, modernHeaders, supportedOf, versionUnsupported } from "./probe.ts";
import { ResourceListenings } from "./resourceListenings.ts";
import { declaresTasks, tasksExtension } from "./tasks.ts";
import { answerOf, type Dialect, isAnnounced, isSubscribable, listWords, noHeaders, type South } from "./south.ts";
import { taskWords } from "./topics.ts";
import type { Target, UpstreamFacts, WireRequest } from "./types.ts";
import { type ModernRevision, modernRevisionOf } from "./version.ts";
import { headers as words, metaKeys, paramPrefix } from "./words.ts";

const headerMismatch = -32020;
/** What a result says of itself, and news do not. */
const noResult = Object.freeze({ resultType: null, _meta: null });
const noArguments: readonly MirroredArgument[] = Object.freeze([]);
const changing = Object.freeze(["tools", "prompts", "resources"] as const);

export class SouthModern implements Dialect {
  readonly facts: UpstreamFacts;
  readonly #south: South;
  readonly #flights: Flights;
  readonly #listening: Listening;
  readonly #resources: ResourceListenings;
  readonly #tasks: ResourceListenings;
  readonly #isHttp: boolean;
  /** Marked arguments by tool definition; a definition is parsed once. */
  readonly #mirrored = new Map<Raw, readonly MirroredArgument[]>();
  #revision: ModernRevision;
  #envelope: Envelope;

  constructor(south: South, found: Found) {
    this.#south = south;
    this.#revision = found.revision;
    this.#envelope = new Envelope(south, found.revision);
    this.#isHttp = south.wire.transport !== "stdio";
    this.#flights = new Flights(south, { tellCancel: !this.#isHttp, anySuspect: false, headers: () => noHeaders, postpone: (id, ms) => south.wire.postpone?.(id, ms) });
    this.facts = this.#createFacts(found.result);
    const announced = changing.filter((kind) => isAnnounced(this.facts.capabilities.get(kind), south.limits));
    const listenOf =
      (abilities?: Raw): RequestOf =>
      (id, params) =>
        this.#ownRequest(id, "subscriptions/listen", params, abilities);
    this.#listening = new Listening(south, announced, listenOf());
    this.#resources = new ResourceListenings(south, listenOf);
    this.#tasks = new ResourceListenings(south, listenOf, taskWords((topic, abilities) => void this.#tellTask(topic, abilities)));
    this.#listening.start();
  }

  call(call: Call, target: Target): Promise<Outcome> {
    return this.#attempt(call, target, true);
  }

  async page(kind: Kind, cursor: Raw | null): Promise<RawObject | null> {
    const { method } = listWords[kind];
    const id = this.#south.wire.nextId();
    const request = this.#ownRequest(id, method, cursor === null ? "" : `"cursor":${cursor}`);
    const response = answerOf(this.#south, await this.#south.wire.request({ id, ...request, timeoutMs: this.#south.limits.listMsMax }), method);
    if (response.kind === "result") return response.result;
    if (kind === "templates" && response.error.code === -32601) return null;
    throw fault("BACKEND_DOWN", { backend: this.#south.options.name, op: method, detail: `error ${response.error.code}: ${response.error.message}` });
  }

  subscribe(uri: string, abilities: Raw): Promise<boolean> {
    if (taskIn(uri) !== null) return this.#followTask(uri, abilities);
    return this.facts.subscribes ? this.#resources.subscribe(uri, abilities) : Promise.resolve(false);
  }

  unsubscribe(uri: string, abilities: Raw): Promise<void> {
    return (taskIn(uri) === null ? this.#resources : this.#tasks).unsubscribe(uri, abilities);
  }

  async ping(timeoutMs: number): Promise<unknown> {
    const id = this.#south.wire.nextId();
    return await this.#south.wire.request({ id, ...this.#ownRequest(id, "server/discover", ""), timeoutMs });
  }

  heard(): Promise<void> {
    return this.#listening.heard();
  }

  onMessage(message: Message): void {
    this.#received(message, null);
  }

  async close(): Promise<void> {
    this.#listening.close();
    this.#resources.close();
    this.#tasks.close();
    this.#flights.close();
  }

  async #attempt(call: Call, target: Target, mayRepair: boolean): Promise<Outcome> {
    const flight = this.#flights.begin(call, target);
    let error: RpcError;
    try {
      const reply = await this.#south.wire.request(this.#requestOf(flight, target));
      const response = answerOf(this.#south, reply, call.method);
      if (response.kind === "result") return this.#outcomeOf(call, target, response.result);
      error = response.error;
    } catch (thrown) {
      throw this.#flights.failed(flight, thrown);
    } finally {
      this.#flights.end(flight);
    }
    return await this.#failed(call, target, error, mayRepair);
  }

  // ---- Requests -----------------------------------------------------------------------------------------------

  #requestOf(flight: Flight, target: Target): WireRequest {
    const { call, id } = flight;
    const text = requestText(id, call.method, paramsOf(call, target, this.#envelope.metaOf(call, id, target)));
    if (!this.#isHttp) return { id, text, headers: noHeaders, timeoutMs: target.timeoutMs };
    return { id, text, headers: this.#headersOf(call, target), timeoutMs: target.timeoutMs, onMessage: (message) => this.#received(message, flight) };
  }

  /** A request that we make for ourselves, or for clients of these abilities; `params` are its members without braces. */
  #ownRequest(id: number, method: string, params: string, abilities?: Raw): Pick<WireRequest, "text" | "headers"> {
    const meta = `"_meta":${this.#envelope.ownMeta(abilities)}`;
    const text = requestText(id, method, params === "" ? `{${meta}}` : `{${params},${meta}}`);
    return { text, headers: this.#isHttp ? modernHeaders(this.#revision, method) : noHeaders };
  }

  #headersOf(call: Call, target: Target): Record<string, string> {
    const headers = modernHeaders(this.#revision, call.method);
    const name = targetNameOf(call, target);
    if (name !== null) headers[words.name] = encodeHeader(name);
    const mirrored = target.tool === null ? noArguments : this.#mirroredOf(target.tool);
    Object.assign(headers, unrecognised(call, mirrored, this.#south.limits), contextHeaders(call.meta, this.#south.limits));
    return mirrored.length === 0 ? headers : Object.assign(headers, mirrorHeaders(mirrored, call.params, this.#south.limits));
  }

  #mirroredOf(tool: Raw): readonly MirroredArgument[] {
    const known = this.#mirrored.get(tool);
    if (known !== undefined) return known;
    const object = parseObject(tool, this.#south.limits);
    const found = object === null ? null : mirroredArguments(object, this.#south.limits);
    const args = found?.ok === true ? found.args : noArguments;
    if (this.#mirrored.size >= this.#south.limits.listItemsMax) this.#mirrored.clear();
    this.#mirrored.set(tool, args);
    return args;
  }

  // ---- Answers ------------------------------------------------------------------------------------------------

  /** A result without a type is complete; a type unknown here means a result that nobody here can read. */
  #outcomeOf(call: Call, target: Target, result: RawObject): Outcome {
    const type = memberOf(result, "resultType");
    if (type === null || type === '"complete"') return { kind: "done", result };
    const isQuestion = type === '"input_required"' && isRetryable(call.method) && isAnswerable(result);
    if (isQuestion) return { kind: "input", result, state: stringOf(result, "requestState"), backend: target.backend };
    if (type === '"task"' && this.#mayHaveTask(call)) return { kind: "task", result, backend: target.backend };
    if (isBetweenThem(type, call, target)) return { kind: "done", result };
    throw this.#garbled(call.method, `a result of type ${type}`);
  }

  #mayHaveTask({ method, session, client }: Call): boolean {
    return method === "tools/call" && session === null && declaresTasks(client.capabilities, this.#south.limits);
  }

  async #failed(call: Call, target: Target, error: RpcError, mayRepair: boolean): Promise<Outcome> {
    if (error.code !== headerMismatch && error.code !== versionUnsupported) return { kind: "failed", error };
    if (!mayRepair) throw this.#garbled(call.method, `error ${error.code}: ${error.message}`);
    const repaired = error.code === headerMismatch ? await this.#refreshed(call, target) : this.#renegotiated(call.method, target, error.data);
    return await this.#attempt(call, repaired, false);
  }

  /** The tool's definition has changed since it was listed: fetch it anew, and have everybody else do so too. */
  async #refreshed(call: Call, target: Target): Promise<Target> {
    this.#south.options.changed("tools");
    if (call.method !== "tools/call") return target;
    const name = targetNameOf(call, target);
    const { items } = await listAll(this.#south, this, "tools");
    const tool = items.find((item) => stringOf(parseObject(item, this.#south.limits) ?? emptyObject, "name") === name);
    return { ...target, tool: tool ?? null };
  }

  #renegotiated(op: string, target: Target, data: Raw | null): Target {
    const supported = supportedOf(this.#south, data);
    // Any tool may fail with this code; only a list shows that it is about the connection, which others share.
    if (supported.length === 0) throw this.#garbled(op, `error ${versionUnsupported} without the supported versions`);
    const mutual = supported.map(modernRevisionOf).find((known) => known !== null) ?? null;
    if (mutual === null) {
      this.#south.options.lost("it does not speak this revision any more");
      throw fault("BACKEND_DOWN", { backend: this.#south.options.name, detail: "it does not speak this revision any more" });
    }
    this.#revision = mutual;
    this.#envelope = new Envelope(this.#south, mutual);
    return target;
  }

  #garbled(op: string, detail: string): Fault {
    return fault("BACKEND_GARBLED", { backend: this.#south.options.name, op, detail });
  }

  // ---- Messages -----------------------------------------------------------------------------------------------

  /** Requests of a modern server are against its own revision and are ignored (basic/transports). */
  #received(message: Message, own: Flight | null): void {
    if (message.kind === "notification" && (this.#listening.take(message) || this.#resources.take(message) || this.#tasks.take(message) || this.#flights.notify(message, own))) return;
    this.#south.log.debug("a message that belongs to nobody", { backend: this.#south.options.name, kind: message.kind });
  }

  // ---- Tasks --------------------------------------------------------------------------------------------------

  /** What happened before it is heard of is not told again, so how it stands then is asked. */
  async #followTask(topic: string, abilities: Raw): Promise<boolean> {
    if (this.facts.capabilities.get("extensions")?.includes(tasksExtension) !== true) return false;
    const isHeard = await this.#tasks.subscribe(topic, abilities);
    if (isHeard) void this.#tellTask(topic, abilities);
    return isHeard;
  }

  /** Tells how a task stands, as its news would. Whoever follows it can ask for itself if this fails. */
  async #tellTask(topic: string, abilities: Raw): Promise<void> {
    const { wire, limits, options, log } = this.#south;
    const taskId = taskIn(topic) ?? "";
    const id = wire.nextId();
    const { text, headers } = this.#ownRequest(id, "tasks/get", `"taskId":${quote(taskId)}`, abilities);
    const named = this.#isHttp ? { ...headers, [words.name]: encodeHeader(taskId) } : headers;
    try {
      const response = answerOf(this.#south, await wire.request({ id, text, headers: named, timeoutMs: limits.subscribeMsMax }), "tasks/get");
      const news = response.kind === "result" ? parseObject(editObject(response.result, noResult), limits) : null;
      if (news !== null) options.updated(topic, news, abilities);
    } catch (thrown) {
      log.debug("how a task stands could not be asked", { backend: options.name, code: faultOf(thrown).code });
    }
  }

  #createFacts(result: Result): UpstreamFacts {
    const info = result.meta === null ? null : objectOf(result.meta, metaKeys.serverInfo);
    const self = selfOf(this.#south, result.result, info === null ? null : rawOf(info));
    const subscribes = isSubscribable(self.capabilities.get("resources"), this.#south.limits);
    const isOpen = (): boolean => this.#listening.open;
    const isMute = (): boolean => this.#listening.mute;
    const revision = (): string => this.#revision;
    return Object.freeze({
      ...self,
      subscribes,
      perRequest: true,
      get revision() {
        return revision();
      },
      get mute() {
        return isMute();
      },
      get announces() {
        return isOpen();
      },
    });
  }
}

const ourTypes: Readonly<Record<Raw, true>> = Object.freeze({ '"input_required"': true, '"task"': true });

/** A type of an extension that client and backend have agreed on: it can mean this backend alone, and the client knows types at all. */
const isBetweenThem = (type: Raw, call: Call, target: Target): boolean =>
  !Object.hasOwn(ourTypes, type) && type.startsWith('"') && call.session === null && (call.selection.server !== null || hasOwn(call, target));

const hasOwn = ({ client }: Call, { extensions = null }: Target): boolean => extensions?.some((extension) => client.capabilities.includes(quote(extension))) === true;

/** At least one of the two must be there (2026-07-28, basic/patterns/mrtr). */
const isAnswerable = (result: RawObject): boolean => memberOf(result, "inputRequests") !== null || stringOf(result, "requestState") !== null;

/** 2026-07-28, basic/transports/streamable-http: a parameter header that nobody here knows goes on, bounded; the known ones are made anew. */
function unrecognised(call: Call, mirrored: readonly MirroredArgument[], limits: Limits): Record<string, string> {
  const known = new Set(mirrored.map(({ header }) => `${paramPrefix}${header.toLowerCase()}`));
  const others = Object.entries(call.paramHeaders()).filter(([name]) => !known.has(name));
  return Object.fromEntries(others.slice(0, limits.paramHeadersMax));
}
