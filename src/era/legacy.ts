/**
 * The 2025 era in front, over both of its HTTP transports: sessions, streams that can be resumed, batches of the one
 * revision that has them, and HTTP+SSE. Here a broken connection cancels nothing.
 */
import { fault, type Fault, faultOf } from "../base/index.ts";
import { elementsOf, type Message, parseMessage, type Parsed, type Raw, sseEvent } from "../protocol/index.ts";
import { bareHeader } from "./admission.ts";
import { claimsVersion } from "./classify.ts";
import { nowhere } from "./clientCall.ts";
import { take } from "./dialogue.ts";
import { type Channel, emptyOut, Exchange, jsonOut, refusalOut, refusalText } from "./exchange.ts";
import type { North } from "./north.ts";
import { placeOf } from "./replay.ts";
import { isPrimed, type Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Connection } from "./sessionStream.ts";
import { type OpenStream, standing, streamOut } from "./streams.ts";
import { watchOf } from "./subscribe.ts";
import type { HttpIn, HttpOut } from "./types.ts";
import { legacyRevisionOf, legacyRevisions, modernRevisionOf } from "./version.ts";
import { headers } from "./words.ts";

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** One POST of a session: the answer's stream can be resumed, and nothing is cancelled when its connection breaks. */
class LegacyExchange extends Exchange {
  readonly #session: Session;
  readonly #headers: Readonly<Record<string, string>>;
  #connection: OpenStream | null = null;

  constructor(north: North, session: Session, request: HttpIn, id: Raw | null, batch: number | null, extra = noHeaders) {
    super(north.heads, request, id, batch, extra === noHeaders ? undefined : { "content-type": "application/json", ...extra });
    this.#session = session;
    this.#headers = extra;
  }

  protected override open(): { channel: Channel; out: HttpOut } {
    const stream = this.#session.openAnswer();
    const { reader, out } = stream.connection;
    this.#connection = reader;
    return { channel: stream, out: { ...out, headers: { ...out.headers, ...this.#headers } } };
  }

  /** A call that takes a while becomes one that can be resumed, where the revision knows how to begin without a message. */
  override watchClient(): void {
    super.watchClient();
    if (isPrimed(this.#session)) this.openHead();
  }

  /** The connection is gone. Before the stream is open there is no place to resume from, so the answer is lost. */
  protected override gone(): void {
    if (this.#connection === null) this.drop();
    else this.#connection.cut();
  }
}

/** Serves one message, not a batch, of the 2025 era on Streamable HTTP. */
export function serveLegacy(north: North, sessions: Sessions, message: Message, request: HttpIn): Promise<HttpOut> {
  if (message.kind === "request" && message.method === "initialize") return openSession(north, sessions, message, request);
  const id = message.kind === "request" ? message.id : null;
  const session = sessionOf(sessions, request);
  if (!("revision" in session)) return Promise.resolve(refusalOut(id, session));
  if (id === null) {
    take(north, session, message, request, nowhere);
    return Promise.resolve(emptyOut(202));
  }
  const exchange = new LegacyExchange(north, session, request, id, null);
  take(north, session, message, request, exchange);
  return exchange.out;
}

function openSession(north: North, sessions: Sessions, message: Message & { kind: "request" }, request: HttpIn): Promise<HttpOut> {
  try {
    const session = sessions.open(request.principal, request.selection);
    const exchange = new LegacyExchange(north, session, request, message.id, null, { [headers.session]: session.id });
    take(north, session, message, request, exchange);
    if (session.revision === null) session.end("its handshake was refused");
    return exchange.out;
  } catch (thrown) {
    return Promise.resolve(refusalOut(message.id, faultOf(thrown)));
  }
}

/** The session that a request belongs to, or why there is none. */
function sessionOf(sessions: Sessions, request: HttpIn): Session | Fault {
  const version = bareHeader(request, headers.version);
  if (version !== null && legacyRevisionOf(version) === null) return fault("VERSION_REFUSED", { data: { supported: legacyRevisions } });
  const id = bareHeader(request, headers.session);
  if (id === null) return fault("SESSION_MISSING");
  return sessions.find(id, request.principal, request.selection) ?? fault("SESSION_UNKNOWN");
}

/** Serves a batch, which only 2025-03-26 has (basic: Batching). */
export function serveBatch(north: North, sessions: Sessions, text: string, request: HttpIn): Promise<HttpOut> {
  const { limits } = north;
  const elements = elementsOf(text, limits);
  if (elements === null) return Promise.resolve(refusalOut(null, unreadable(parseMessage(text, limits))));
  const batch = elements.map((element) => parseMessage(element, limits));
  const session = sessionOf(sessions, request);
  const refused = batchFault(batch, limits.batchMax) ?? ("revision" in session ? null : session);
  if (refused !== null || !("revision" in session)) return Promise.resolve(refusalOut(null, refused ?? fault("SESSION_MISSING")));
  if (session.revision !== "2025-03-26") return Promise.resolve(refusalOut(null, invalid("the session's revision has no batches")));
  return takeBatch(north, session, batch, request);
}

const invalid = (detail: string): Fault => fault("MESSAGE_INVALID", { detail });

/** The Fault of a text that is no message. */
export const unreadable = (parsed: Parsed): Fault => (parsed.ok ? invalid("not a batch") : fault(parsed.code, { detail: parsed.detail }));

/** What is wrong with a batch as a whole, or null. */
export function batchFault(batch: readonly Parsed[], max: number): Fault | null {
  if (batch.length === 0) return invalid("an empty batch");
  if (batch.length > max) return fault("LIMIT_REACHED", { detail: "limits.batchMax" });
  const foreign = batch.some((parsed) => parsed.ok && (claimsVersion(parsed.message) || isHandshake(parsed.message)));
  return foreign ? invalid("a message that cannot be in a batch") : null;
}

const isHandshake = (message: Message): boolean => message.kind === "request" && message.method === "initialize";

function takeBatch(north: North, session: Session, batch: readonly Parsed[], request: HttpIn): Promise<HttpOut> {
  const due = batch.filter((parsed) => !parsed.ok || parsed.message.kind === "request").length;
  if (due === 0) {
    for (const parsed of batch) if (parsed.ok) take(north, session, parsed.message, request, nowhere);
    return Promise.resolve(emptyOut(202));
  }
  const exchange = new LegacyExchange(north, session, request, null, due);
  for (const parsed of batch) {
    if (parsed.ok) take(north, session, parsed.message, request, exchange);
    else exchange.answer(400, refusalText(parsed.id, unreadable(parsed)));
  }
  return exchange.out;
}

/** Opens or resumes a stream beside the calls (GET). */
export function openStream(north: North, sessions: Sessions, request: HttpIn): HttpOut {
  const session = sessionOfVerb(sessions, request);
  if (!("revision" in session)) return verbRefused(session);
  try {
    const { reader, out } = connectionOf(north, session, request);
    request.onGone(() => reader.cut());
    return standing(out);
  } catch (thrown) {
    return verbRefused(faultOf(thrown));
  }
}

function connectionOf(north: North, session: Session, request: HttpIn): Connection {
  const last = bareHeader(request, headers.lastEvent);
  const resumed = last === null ? null : session.resume(last);
  if (resumed !== null) return resumed.connection;
  // The rest of an answer is gone for good; any other stream is as good as the one that is lost. There is no such stream
  // to open is what clients understand without a word (2025-11-25, basic/transports: 405).
  if (last !== null && placeOf(last)?.stream.startsWith("p") === true) throw fault("STREAM_GONE");
  watchOf(north, session, request);
  return session.openStandalone().connection;
}

/** Ends a session (DELETE). */
export function endSession(sessions: Sessions, request: HttpIn): HttpOut {
  const session = sessionOfVerb(sessions, request);
  if (!("revision" in session)) return verbRefused(session);
  session.end("the client ended its session");
  return emptyOut(204);
}

// GET and DELETE are words of this era; a modern client learns that it has no use for them.
function sessionOfVerb(sessions: Sessions, request: HttpIn): Session | Fault {
  const version = bareHeader(request, headers.version);
  return modernRevisionOf(version) === null ? sessionOf(sessions, request) : fault("VERB_REFUSED");
}

/** What is left to do, by what was refused: a status of 405 must say so (RFC 9110, 15.5.6). */
const allowed: Readonly<Partial<Record<string, string>>> = Object.freeze({ VERB_REFUSED: "POST", STREAM_GONE: "GET, POST, DELETE" });

export function verbRefused(refused: Fault): HttpOut {
  const allow = allowed[refused.code];
  return jsonOut(refused.row.http, refusalText(null, refused), allow === undefined ? undefined : { "content-type": "application/json", allow });
}

/** Opens an HTTP+SSE stream (2024-11-05): the stream is the session, and its first event says where to post. */
export function openPipe(north: North, sessions: Sessions, request: HttpIn, messages: string): HttpOut {
  let session: Session | null = null;
  try {
    session = sessions.open(request.principal, request.selection);
    return pipeOf(north, session, request, messages);
  } catch (thrown) {
    session?.end("its stream could not be opened");
    return refusalOut(null, faultOf(thrown));
  }
}

function pipeOf(north: North, session: Session, request: HttpIn, messages: string): HttpOut {
  watchOf(north, session, request);
  const pipe = north.streams.open({ gone: () => session.end("its stream is gone") });
  session.pipe = { send: (text) => pipe.send(sseEvent({ event: "message", data: text })), end: () => pipe.end() };
  request.onGone(() => pipe.cut());
  pipe.send(sseEvent({ event: "endpoint", data: `${messages}${messages.includes("?") ? "&" : "?"}sessionId=${session.id}` }));
  return standing(streamOut(pipe));
}

/** Serves one message of the HTTP+SSE transport; its answer goes to the session's stream. */
export function servePiped(north: North, sessions: Sessions, sessionId: string | null, message: Message, request: HttpIn): HttpOut {
  if (sessionId === null) return refusalOut(null, fault("SESSION_MISSING"));
  const session = sessions.find(sessionId, request.principal, request.selection);
  if (session === null || session.pipe === null) return refusalOut(null, fault("SESSION_UNKNOWN"));
  const send = (text: string): void => session.pipe?.send(text);
  take(north, session, message, request, { ...nowhere, notice: send, answer: (_status, text) => send(text) });
  return emptyOut(202);
}
