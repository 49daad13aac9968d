/**
 * What one message of a 2025 session means: the handshake, the session's own requests, the notices, and the calls that
 * go to the proxy's middle. Where the answers go (a POST's own stream, a batch, the one stream of HTTP+SSE) is the
 * sink's business.
 */
import { fault, type Fault } from "../base/index.ts";
import { editObject, emptyObject, errorText, memberOf, type Message, type Notification, objectOf, type Outcome, parseObject, type Raw, type RawObject, rawOf, type Request, resultText, type RpcError, rpcErrorOf, stringOf } from "../protocol/index.ts";
import { tokenFault } from "./admission.ts";
import { initializeResult } from "./announce.ts";
import { ClientCall, logLevelOf, type Sink } from "./clientCall.ts";
import { legacyResult } from "./convert.ts";
import { refusalText } from "./exchange.ts";
import { readMeta } from "./hop.ts";
import { methodOf } from "./methods.ts";
import type { North } from "./north.ts";
import { legacyError, thrownError } from "./refusals.ts";
import type { Running, Session } from "./session.ts";
import type { HttpIn } from "./types.ts";
import { type LegacyRevision, legacyRevisionOf, newestLegacy } from "./version.ts";

/** Takes one message of this session. A request is answered through the sink, now or later; nothing else is. */
export function take(north: North, session: Session, message: Message, request: HttpIn, sink: Sink): void {
  if (message.kind === "request") return takeRequest(north, session, message, request, sink);
  if (message.kind === "notification") takeNotice(session, message);
  // A response answers a question of ours, and none is open: it came too late.
}

function takeNotice(session: Session, { method, params }: Notification): void {
  if (method !== "notifications/cancelled" || params === null) return;
  const id = memberOf(params, "requestId");
  if (id !== null) session.cancel(id, stringOf(params, "reason") ?? "the client cancelled it");
}

type Own = (north: North, session: Session, message: Request, request: HttpIn, sink: Sink) => void;

const own: Readonly<Record<string, Own>> = Object.freeze({
  initialize,
  ping: (_north, _session, { id }, _request, sink) => sink.answer(200, resultText(id, "{}")),
  "logging/setLevel": setLevel,
} satisfies Record<string, Own>);

function takeRequest(north: North, session: Session, message: Request, request: HttpIn, sink: Sink): void {
  const { method } = message;
  const service = methodOf(method).legacy;
  if (service === null) return refuse(message.id, fault("METHOD_UNKNOWN", { detail: method }), sink);
  if (session.revision === null && method !== "initialize" && method !== "ping") return refuse(message.id, fault("SESSION_MISSING", { detail: "no handshake yet" }), sink);
  if (service === "proxy") return call(north, session, session.revision ?? newestLegacy, message, request, sink);
  own[method]?.(north, session, message, request, sink);
}

// Once a session stands, a refused request is an answer like any other; its HTTP status would be taken for the session's.
const refuse = (id: Raw, refused: Fault, sink: Sink): void => sink.answer(200, refusalText(id, refused));

function initialize(north: North, session: Session, { id, params }: Request, request: HttpIn, sink: Sink): void {
  if (session.revision !== null) return refuse(id, fault("MESSAGE_INVALID", { detail: "the handshake is done" }), sink);
  const asked = params === null ? null : stringOf(params, "protocolVersion");
  if (params === null || asked === null) return refuse(id, fault("PARAMS_INVALID", { detail: '"protocolVersion" must be a string' }), sink);
  const revision = legacyRevisionOf(asked) ?? newestLegacy;
  session.revision = revision;
  session.client = Object.freeze({ info: rawMember(params, "clientInfo"), capabilities: rawMember(params, "capabilities") ?? "{}" });
  const opening = new Opening(sink);
  session.begin(id, opening);
  north.serve.describe(request.principal, request.selection).then(
    (description) => {
      session.finish(id, opening);
      opening.interrupt(200, resultText(id, initializeResult(description, revision, north.limits)));
    },
    (thrown: unknown) => {
      opening.interrupt(200, errorText(id, thrownError(thrown)));
      session.end("its handshake failed");
    },
  );
}

/** A handshake that waits for what is to be announced. It cannot be cancelled (2025-11-25, basic/utilities/cancellation). */
class Opening implements Running {
  readonly #sink: Sink;
  #over = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  abandon(): void {
    // Nothing is to be stopped, and an answer that nobody waits for harms nobody.
  }

  interrupt(status: number, text: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.answer(status, text);
  }
}

function rawMember(params: RawObject, key: string): Raw | null {
  const object = objectOf(params, key);
  return object === null ? null : rawOf(object);
}

function setLevel(_north: North, session: Session, { id, params }: Request, _request: HttpIn, sink: Sink): void {
  const level = logLevelOf(params === null ? null : stringOf(params, "level"));
  if (level === null) return refuse(id, fault("PARAMS_INVALID", { detail: "unknown log level" }), sink);
  session.logLevel = level;
  sink.answer(200, resultText(id, "{}"));
}

function call(north: North, session: Session, revision: LegacyRevision, message: Request, request: HttpIn, sink: Sink): void {
  const { id, method } = message;
  const hop = readMeta(message.meta);
  const refused = tokenFault(hop.progressToken);
  if (refused !== null) return refuse(id, refused, sink);
  const { principal, selection } = request;
  const { client, logLevel } = session;
  const params = withoutTask(message.params ?? emptyObject, north);
  const running = new ClientCall({ method, params, meta: hop.rest, principal, selection, client, progressToken: hop.progressToken, logLevel, resume: null, paramHeaders: null }, sink);
  const barred = session.begin(id, running);
  if (barred !== null) return refuse(id, barred, sink);
  const finish = (text: string): void => {
    session.finish(id, running);
    running.answer(200, text);
  };
  north.serve.call(running).then(
    (outcome) => finish(answerText(north, revision, id, method, outcome)),
    (thrown: unknown) => finish(errorText(id, thrownError(thrown))),
  );
}

// We are no server of 2025-11-25 tasks, so the wish for one is ignored, as that revision asks; a backend must not see it.
function withoutTask(params: RawObject, { limits }: North): RawObject {
  if (memberOf(params, "task") === null) return params;
  return parseObject(editObject(params, { task: null }), limits) ?? params;
}

function answerText({ limits }: North, revision: LegacyRevision, id: Raw, method: string, outcome: Outcome): string {
  if (outcome.kind === "done") return resultText(id, legacyResult(outcome.result, method, revision, limits));
  return errorText(id, legacyError(outcome.kind === "failed" ? outcome.error : unasked(outcome.backend), method, revision, limits));
}

const unasked = (backend: string): RpcError => rpcErrorOf(fault("ASK_REFUSED", { backend, detail: "it asks in a way that this client's protocol revision has no word for" }));
