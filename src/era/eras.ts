/**
 * The door's function: one object that serves every revision in front and speaks every revision behind. It only
 * decides who takes a request: by verb, by shape, by era.
 */
import { fault, type Fault, faultOf, type Log } from "../base/index.ts";
import { decodeText, type Message, parseMessage } from "../protocol/index.ts";
import { bareHeader } from "./admission.ts";
import { classify, olderFault } from "./classify.ts";
import { refusalOut } from "./exchange.ts";
import { endSession, openPipe, openStream, serveBatch, serveLegacy, servePiped, unreadable, verbRefused } from "./legacy.ts";
import { serveModern } from "./modern.ts";
import { createNorth } from "./north.ts";
import { callOwn } from "./own.ts";
import { createPipe, type OpenPipe } from "./pipe.ts";
import { Sessions } from "./sessions.ts";
import type { EraOptions, Eras, HttpIn, HttpOut } from "./types.ts";
import { connectUpstream } from "./upstream.ts";
import { headers, paramPrefix } from "./words.ts";

const requestHeaders = Object.freeze([...Object.values(headers), `${paramPrefix}*`]);
const responseHeaders = Object.freeze([headers.session]);

/** Makes the era room; see Eras. Closing ends every stream and session. */
export function createEras(options: EraOptions): Eras {
  const { clock, limits, log } = options;
  const north = createNorth(options);
  const { heads, streams } = north;
  const sessions = new Sessions(clock, limits, streams);
  const pipes = new Set<OpenPipe>();
  let closed = false;

  const serveText = (text: string, request: HttpIn): Promise<HttpOut> => {
    if (isBatch(text)) return north.isModernOnly ? Promise.resolve(refusalOut(null, noBatches())) : serveBatch(north, sessions, text, request);
    const parsed = parseMessage(text, limits);
    if (!parsed.ok) return Promise.resolve(refusalOut(parsed.id, unreadable(parsed)));
    const { message } = parsed;
    if (classify(message, bareHeader(request, headers.version)) === "modern") return serveModern(north, message, request);
    if (!north.isModernOnly) return serveLegacy(north, sessions, message, request);
    return message.kind === "request" ? Promise.resolve(refusalOut(message.id, olderFault(message))) : serveModern(north, message, request);
  };

  const byVerb = (request: HttpIn): Promise<HttpOut> => {
    if (closed) return Promise.resolve(refusalOut(null, fault("SHUTTING_DOWN")));
    if (north.isModernOnly && request.verb !== "POST") return Promise.resolve(verbRefused(fault("VERB_REFUSED")));
    if (request.verb === "GET") return Promise.resolve(openStream(north, sessions, request));
    if (request.verb === "DELETE") return Promise.resolve(endSession(sessions, request));
    const text = textOf(request);
    return text === null ? Promise.resolve(refusalOut(null, notUtf8())) : serveText(text, request);
  };

  const piped = (request: HttpIn, sessionId: string | null): HttpOut => {
    const message = messageOf(request);
    return "kind" in message ? servePiped(north, sessions, sessionId, message, request) : refusalOut(null, message);
  };

  const messageOf = (request: HttpIn): Message | Fault => {
    const text = textOf(request);
    if (text === null) return notUtf8();
    const parsed = parseMessage(text, limits);
    return parsed.ok ? parsed.message : unreadable(parsed);
  };

  return {
    http: (request) => guarded(log, () => byVerb(request)),
    sse(request, messages) {
      if (closed) return refusalOut(null, fault("SHUTTING_DOWN"));
      return north.isModernOnly ? verbRefused(fault("VERB_REFUSED")) : openPipe(north, sessions, request, messages);
    },
    stdio(client) {
      if (closed) throw fault("SHUTTING_DOWN");
      const pipe = createPipe(client, { north, sessions, log, closed: (one) => pipes.delete(one) });
      pipes.add(pipe);
      return pipe;
    },
    sseMessage: (request, sessionId) => guarded(log, () => Promise.resolve(piped(request, sessionId))),
    call: (request) => callOwn(north, request),
    connect: (wire, connect) => connectUpstream(wire, connect, options),
    requestHeaders,
    responseHeaders,
    status: () => ({ sessions: sessions.size, streams: streams.size, parked: north.parking.size }),
    end(principalIds) {
      const ended = new Set(principalIds);
      sessions.endOf(ended);
      north.parking.endOf(ended);
    },
    retire: () => north.parking.retire(),
    close() {
      closed = true;
      for (const pipe of pipes) pipe.shutDown();
      heads.close();
      sessions.close();
      streams.close();
      north.parking.close();
      return Promise.resolve();
    },
  };
}

/** A bug in serving one request is that request's failure alone. */
function guarded(log: Log, serve: () => Promise<HttpOut>): Promise<HttpOut> {
  try {
    return serve();
  } catch (thrown) {
    const refused = faultOf(thrown);
    log.error("a request failed inside", { code: refused.code, reason: String(refused.cause ?? refused) });
    return Promise.resolve(refusalOut(null, refused));
  }
}

const noBatches = (): Fault => fault("MESSAGE_INVALID", { detail: "there are no batches" });

const notUtf8 = (): Fault => fault("MESSAGE_INVALID_JSON", { detail: "not UTF-8" });

const textOf = ({ body }: HttpIn): string | null => (body === null ? "" : decodeText(body));

// White space before the bracket is rare and still a batch.
const isBatch = (text: string): boolean => text.charCodeAt(0) === 0x5b || (text.charCodeAt(0) !== 0x7b && text.trimStart().startsWith("["));
