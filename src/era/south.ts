/**
 * What both dialects towards a backend share: the surroundings of one connection, and how an HTTP status without a
 * JSON-RPC answer is judged. It exists so that a dialect is only about its own words.
 */
import { type Clock, type Fault, fault, type Limits, type Log } from "../base/index.ts";
import { type Call, type Failure, type Kind, memberOf, type Message, type Outcome, parseMessage, parseObject, quote, type Raw, type RawObject, type Result } from "../protocol/index.ts";
import type { ConnectOptions, Target, UpstreamFacts, Wire, WireReply } from "./types.ts";

/** What every connection is given, whatever backend it is to. */
export interface Shared {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** Our own identity. */
  readonly identity: { readonly name: string; readonly version: string };
}

/** The surroundings of one connection. */
export interface South extends Shared {
  readonly wire: Wire;
  readonly options: ConnectOptions;
}

/** One backend in one era. `upstream.ts` holds one, and may exchange it for the other era's. */
export interface Dialect {
  readonly facts: UpstreamFacts;
  call(call: Call, target: Target): Promise<Outcome>;
  /** One page of a list; null when the backend has no such list. */
  page(kind: Kind, cursor: Raw | null): Promise<RawObject | null>;
  /** Asks what every server of this dialect answers at once. Throws Faults of the wire. */
  ping(timeoutMs: number): Promise<unknown>;
  /** See Upstream. A new dialect knows nothing of what the one before was told. */
  subscribe(uri: string, abilities: Raw): Promise<boolean>;
  unsubscribe(uri: string, abilities: Raw): Promise<void>;
  /** Resolves when changes can be heard, or when it is known that they cannot be, or after a while. */
  heard(): Promise<void>;
  /** A message that belongs to no request. */
  onMessage(message: Message): void;
  close(): Promise<void>;
}

/** Headers of a wire that has none. */
export const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** The method, the capability and the result member of each kind of list. */
export const listWords = Object.freeze({
  tools: Object.freeze({ method: "tools/list", capability: "tools", member: "tools" }),
  prompts: Object.freeze({ method: "prompts/list", capability: "prompts", member: "prompts" }),
  resources: Object.freeze({ method: "resources/list", capability: "resources", member: "resources" }),
  templates: Object.freeze({ method: "resources/templates/list", capability: "resources", member: "resourceTemplates" }),
});

/** Which list each change notification is about. */
const changeWords: Readonly<Record<string, "tools" | "prompts" | "resources">> = Object.freeze({
  "notifications/tools/list_changed": "tools",
  "notifications/prompts/list_changed": "prompts",
  "notifications/resources/list_changed": "resources",
});

/** The list that this notification says has changed, or null. */
export const changeOf = (method: string): "tools" | "prompts" | "resources" | null => (Object.hasOwn(changeWords, method) ? (changeWords[method] ?? null) : null);

/** True when this capability says that changes of its list are announced. */
export function isAnnounced(capability: Raw | undefined, limits: Limits): boolean {
  const object = capability === undefined ? null : parseObject(capability, limits);
  return object !== null && memberOf(object, "listChanged") === "true";
}

/** True when this capability of resources says that single ones can be subscribed to. */
export function isSubscribable(capability: Raw | undefined, limits: Limits): boolean {
  const object = capability === undefined ? null : parseObject(capability, limits);
  return object !== null && memberOf(object, "subscribe") === "true";
}

/** Our identity as JSON text. */
export const identityOf = (identity: Shared["identity"]): Raw => `{"name":${quote(identity.name)},"version":${quote(identity.version)}}`;

/** The identity of a backend that did not give any: its configured name. */
export const namelessOf = (name: string): Raw => `{"name":${quote(name)},"version":"unknown"}`;

/** Statuses that say nothing of the dialect: credentials, overload, and failures of the server. */
const isUnavailable = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/**
 * Why an HTTP answer cannot be used, or null when its status says nothing against it. 401 and 403 are about credentials;
 * the statuses of `isUnavailable` are about now.
 */
export function refusalOf(status: number, name: string, op: string): Fault | null {
  if (status === 401 || status === 403) return fault("BACKEND_REFUSED", { backend: name, op, detail: `HTTP ${status}` });
  return isUnavailable(status) ? fault("BACKEND_DOWN", { backend: name, op, detail: `HTTP ${status}` }) : null;
}

/** The JSON-RPC response in a reply: the matched one, or an error that names no id; null when there is neither. */
export function responseOf(reply: WireReply, limits: Limits): Result | Failure | null {
  const message = reply.message ?? textMessageOf(reply.text, limits);
  if (message === null) return null;
  return message.kind === "result" || message.kind === "failure" ? message : null;
}

function textMessageOf(text: string, limits: Limits): Message | null {
  if (!text.startsWith("{")) return null;
  const parsed = parseMessage(text, limits);
  return parsed.ok && parsed.message.kind === "failure" && parsed.message.id === null ? parsed.message : null;
}

/** The response in a reply. Throws BACKEND_REFUSED, BACKEND_DOWN or BACKEND_GARBLED where there is none to use. */
export function answerOf(south: South, reply: WireReply, op: string): Result | Failure {
  const name = south.options.name;
  if (reply.status === 401 || reply.status === 403) throw refusalOf(reply.status, name, op) as Fault;
  const response = responseOf(reply, south.limits);
  if (response !== null) return response;
  throw refusalOf(reply.status, name, op) ?? silentOf(reply, name, op);
}

/** A status without any JSON-RPC answer. */
function silentOf(reply: WireReply, name: string, op: string): Fault {
  const { status } = reply;
  if (reply.resume) return fault("BACKEND_GONE", { backend: name, op, detail: "its answer ended before the response" });
  if (status >= 400) return fault("BACKEND_REFUSED", { backend: name, op, detail: `HTTP ${status}` });
  return fault("BACKEND_GARBLED", { backend: name, op, detail: `HTTP ${status} without an answer` });
}
