/**
 * The opening towards a backend of the older era: `initialize`, what came of it, and the words that every later request
 * carries because of it. A backend that does not take it over Streamable HTTP may still speak HTTP+SSE, so that is tried
 * here too.
 */
import { fault } from "../base/index.ts";
import { type Failure, memberOf, notificationText, objectOf, type Raw, type RawObject, rawOf, requestText, type Result, stringOf } from "../protocol/index.ts";
import { versionUnsupported } from "./probe.ts";
import { profileOf } from "./profile.ts";
import { answerOf, identityOf, namelessOf, noHeaders, responseOf, type South } from "./south.ts";
import type { WireReply } from "./types.ts";
import { type LegacyRevision, legacyRevisionOf, newestLegacy } from "./version.ts";
import { headers as words } from "./words.ts";

/** What a backend said of itself. */
export interface Self {
  readonly info: Raw;
  readonly capabilities: ReadonlyMap<string, Raw>;
  readonly instructions: string | null;
}

/** One session with a backend. */
export interface Opened extends Self {
  readonly revision: LegacyRevision;
  /** The session's id, if the backend gave one (HTTP). */
  readonly session: string | null;
  /** HTTP headers of every later request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads identity, capabilities and instructions out of a result. */
export function selfOf(south: South, result: RawObject, info: Raw | null): Self {
  const capabilities = new Map<string, Raw>();
  const object = objectOf(result, "capabilities");
  for (const member of object?.members ?? []) capabilities.set(member.key, memberOf(object as RawObject, member.key) as Raw);
  return { info: info ?? namelessOf(south.options.name), capabilities, instructions: stringOf(result, "instructions") };
}

/**
 * Opens a session. `id` is the id of the first request, so that the caller can abandon it. We declare what whoever
 * shares the connection can do (`ConnectOptions.capabilities`), once and for all, and the name of its client where that
 * is one alone. Throws faults of the wire, and BACKEND_REFUSED when the
 * backend declines or answers with a revision unknown here.
 */
export async function openSession(south: South, id = south.wire.nextId()): Promise<Opened> {
  const reply = await initialize(south, id);
  if (isNotHere(reply) && (await south.wire.openSse?.()) === true) return await opened(south, await initialize(south, south.wire.nextId()));
  return await opened(south, reply);
}

/** The codes by which a server says that it knows no such opening, or none of its revisions. */
const notTaken: readonly number[] = Object.freeze([versionUnsupported, -32600, -32601, -32602]);

/** The same, with null where the backend answers that it takes no client of this era. */
export async function openIfTaken(south: South): Promise<Opened | null> {
  const reply = await initialize(south, south.wire.nextId());
  const response = responseOf(reply, south.limits);
  return response?.kind === "failure" && notTaken.includes(response.error.code) ? null : await opened(south, reply);
}

/** The statuses by which an HTTP server says that this is not how it is spoken to. */
const isNotHere = (reply: WireReply): boolean => reply.status === 400 || reply.status === 404 || reply.status === 405;

function initialize(south: South, id: number): Promise<WireReply> {
  const { capabilities } = profileOf(south.options.capabilities, south.limits, { isAlone: true, isOne: south.options.beside !== undefined });
  const params = `{"protocolVersion":"${newestLegacy}","capabilities":${capabilities},"clientInfo":${south.options.client ?? identityOf(south.identity)}}`;
  return south.wire.request({ id, text: requestText(id, "initialize", params), headers: noHeaders, timeoutMs: south.limits.readyMsMax });
}

async function opened(south: South, reply: WireReply): Promise<Opened> {
  const result = acceptedOf(south, answerOf(south, reply, "initialize"));
  const revision = legacyRevisionOf(stringOf(result, "protocolVersion"));
  if (revision === null) throw refused(south, `it speaks revision ${stringOf(result, "protocolVersion")}`);
  const session = sessionOf(south, reply);
  const headers = headersOf(revision, session);
  await south.wire.send(notificationText("notifications/initialized", null), headers);
  const info = objectOf(result, "serverInfo");
  return { ...selfOf(south, result, info === null ? null : rawOf(info)), revision, session, headers };
}

function acceptedOf(south: South, response: Result | Failure): RawObject {
  if (response.kind === "result") return response.result;
  throw refused(south, `error ${response.error.code}: ${response.error.message}`);
}

/** Visible ASCII only, so that the value can be a header again (2025-11-25, basic/transports: session management). */
function sessionOf(south: South, reply: WireReply): string | null {
  const session = reply.header(words.session);
  if (session === null || /^[\x21-\x7e]+$/.test(session)) return session;
  throw fault("BACKEND_GARBLED", { backend: south.options.name, op: "initialize", detail: "its session id holds characters that are not allowed" });
}

function headersOf(revision: LegacyRevision, session: string | null): Readonly<Record<string, string>> {
  return Object.freeze(session === null ? { [words.version]: revision } : { [words.version]: revision, [words.session]: session });
}

const refused = (south: South, detail: string): Error => fault("BACKEND_REFUSED", { backend: south.options.name, op: "initialize", detail });
