/**
 * What one message of a 2025 session means: the handshake, the session's own requests, the notices, and the calls that
 * go to the proxy's middle. Where the answers go (a POST's own stream, a batch, the one stream of HTTP+SSE) is the
 * sink's business.
 */
import { fault, type Fault, type Limits } from "../base/index.ts";
import { editObject, emptyObject, errorText, memberOf, type Message, type Notification, objectOf, type Outcome, parseObject, type Raw, type RawObject, rawOf, type Request, resultText, type RpcError, stringOf } from "../protocol/index.ts";
import { tokenFault } from "./admission.ts";
import { initializeResult } from "./announce.ts";
import { ClientCall, logLevelOf, type Sink } from "./clientCall.ts";
import { metaWithContext } from "./context.ts";
import { legacyResult } from "./convert.ts";
import { refusalText } from "./exchange.ts";
import { readMeta } from "./hop.ts";
import { methodOf } from "./methods.ts";
import type { North } from "./north.ts";
import { isShed, isVisitError, legacyError, scopesLacked, scopeStatus, shedStatus, thrownError, toolFailure } from "./refusals.ts";
import { serveRounds } from "./rounds.ts";
import type { Running, Session } from "./session.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";
import type { Caller } from "./types.ts";
import { isBefore, type LegacyRevision, legacyRevisionOf, newestLegacy } from "./version.ts";

/** Takes one message of this session. A request is answered through the sink, now or later; nothing else is. */
export function take(north: North, session: Session, message: Message, caller: Caller, sink: Sink): void {
  if (message.kind === "request") return takeRequest(north, session, message, caller, sink);
  if (message.kind === "notification") return takeNotice(session, message);
  session.questions.answered(message);
}

function takeNotice(session: Session, notification: Notification): void {
  const { method, params } = notification;
  if (method !== "notifications/cancelled") return session.roots.take(notification);
  if (params === null) return;
  const id = memberOf(params, "requestId");
  if (id !== null) session.cancel(id, stringOf(params, "reason") ?? "the client cancelled it");
}

type Own = (north: North, session: Session, message: Request, caller: Caller, sink: Sink) => void;

const own: Readonly<Record<string, Own>> = Object.freeze({
  initialize,
  ping: (_north, _session, { id }, _caller, sink) => sink.answer(200, resultText(id, "{}")),
  "logging/setLevel": setLevel,
  "resources/subscribe": subscribe,
  "resources/unsubscribe": unsubscribe,
} satisfies Record<string, Own>);

function takeRequest(north: North, session: Session, message: Request, caller: Caller, sink: Sink): void {
  const { method } = message;
  const service = methodOf(method).legacy;
  if (service === null) return refuse(message.id, fault("METHOD_UNKNOWN", { detail: method }), sink);
  if (session.revision === null && method !== "initialize" && method !== "ping") return refuse(message.id, fault("SESSION_MISSING", { detail: "no handshake yet" }), sink);
  if (service === "proxy") return call(north, session, session.revision ?? newestLegacy, message, caller, sink);
  own[method]?.(north, session, message, caller, sink);
}

// Once a session stands, a refused request is an answer like any other; its HTTP status would be taken for the session's.
const refuse = (id: Raw, refused: Fault, sink: Sink): void => sink.answer(200, refusalText(id, refused));

function initialize(north: North, session: Session, { id, params }: Request, caller: Caller, sink: Sink): void {
  if (session.revision !== null) return refuse(id, fault("MESSAGE_INVALID", { detail: "the handshake is done" }), sink);
  const asked = params === null ? null : stringOf(params, "protocolVersion");
  if (params === null || asked === null) return refuse(id, fault("PARAMS_INVALID", { detail: '"protocolVersion" must be a string' }), sink);
  const revision = legacyRevisionOf(asked) ?? newestLegacy;
  session.revision = revision;
  session.client = Object.freeze({ info: rawMember(params, "clientInfo"), capabilities: rawMember(params, "capabilities") ?? "{}" });
  const opening = new Opening(sink);
  session.begin(id, opening);
  north.serve.describe(caller.principal, caller.selection).then(
    (description) => {
      session.finish(id, opening);
      opening.interrupt(200, resultText(id, initializeResult(description, revision, north.limits)));
    },
    (thrown: unknown) => {
      const error = thrownError(thrown);
      opening.refuse(errorText(id, error), scopesLacked(error));
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
    this.#answer(status, text);
  }

  /** Nothing is announced to whoever may not see it; where that is for lack of scopes, the status says so. */
  refuse(text: string, scopes: readonly string[] | undefined): void {
    this.#answer(scopes === undefined ? 200 : scopeStatus, text, scopes);
  }

  #answer(status: number, text: string, scopes?: readonly string[]): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.answer(status, text, scopes);
  }
}

function rawMember(params: RawObject, key: string): Raw | null {
  const object = objectOf(params, key);
  return object === null ? null : rawOf(object);
}

function setLevel(_north: North, session: Session, { id, params }: Request, _caller: Caller, sink: Sink): void {
  const level = logLevelOf(params === null ? null : stringOf(params, "level"));
  if (level === null) return refuse(id, fault("PARAMS_INVALID", { detail: "unknown log level" }), sink);
  session.logLevel = level;
  sink.answer(200, resultText(id, "{}"));
}

function call(north: North, session: Session, revision: LegacyRevision, message: Request, caller: Caller, sink: Sink): void {
  const { id, method } = message;
  const hop = readMeta(message.meta);
  const refused = tokenFault(hop.progressToken);
  if (refused !== null) return refuse(id, refused, sink);
  const { principal, selection } = caller;
  const { client, logLevel } = session;
  const params = withoutForeign(message.params ?? emptyObject, north);
  const running = new ClientCall({ callIds: north.callIds, id, method, params, meta: metaWithContext(hop.rest, caller, north.limits), principal, selection, client, progressToken: hop.progressToken, logLevel, resume: null, session: session.tie, backend: null, round: 0, paramHeaders: null }, sink, session.questions);
  const barred = session.begin(id, running);
  if (barred !== null) return refuse(id, barred, sink);
  const finish = (text: string, status = 200, scopes?: readonly string[]): void => {
    session.finish(id, running);
    running.answer(status, text, scopes);
  };
  const fail = (thrown: unknown): void => finish(errorText(id, thrownError(thrown)));
  const settle = (outcome: Outcome): void => finish(answerText(north, session, revision, running, outcome), statusOf(outcome), lackedBy(outcome));
  north.serve.call(running).then((outcome) => {
    if (outcome.kind === "input") serveRounds(north, running, revision, outcome).then(settle, fail);
    else settle(outcome);
  }, fail);
}

/** Whatever a call came to is an answer; only one that was not even begun is none. */
function statusOf(outcome: Outcome): number {
  if (lackedBy(outcome) !== undefined) return scopeStatus;
  return outcome.kind === "failed" && isShed(outcome.error) ? shedStatus : 200;
}

const lackedBy = (outcome: Outcome): readonly string[] | undefined => (outcome.kind === "failed" ? scopesLacked(outcome.error) : undefined);

/**
 * What a session's client has no business to say. We are no server of 2025-11-25 tasks, so the wish for one is ignored, as
 * that revision asks. The other two are words of the newer era, where a state is only ever taken back sealed.
 */
const notTheirs = Object.freeze({ task: null, inputResponses: null, requestState: null });

const isNotTheirs = ({ key }: { readonly key: string }): boolean => Object.hasOwn(notTheirs, key);

function withoutForeign(params: RawObject, { limits }: North): RawObject {
  if (!params.members.some(isNotTheirs)) return params;
  return parseObject(editObject(params, notTheirs), limits) ?? params;
}

function answerText({ limits }: North, session: Session, revision: LegacyRevision, { id, method }: ClientCall, outcome: Outcome): string {
  if (outcome.kind === "done") return resultText(id, legacyResult(outcome.result, method, revision, limits));
  if (outcome.kind !== "failed") return errorText(id, thrownError(fault("BACKEND_GARBLED", { backend: outcome.backend, detail: `a ${outcome.kind} for a client that knows none` })));
  return isVisitError(outcome.error) ? visitText(session, revision, id, method, outcome.error, limits) : errorText(id, legacyError(outcome.error, method, revision, limits));
}

/** "Visit these pages, then call again" goes through where it is a word; a tool can say it in any. */
function visitText(session: Session, revision: LegacyRevision, id: Raw, method: string, error: RpcError, limits: Limits): string {
  const failure = method === "tools/call" && isBefore(revision, "2025-11-25") ? toolFailure(error) : null;
  if (failure?.kind === "done") return resultText(id, legacyResult(failure.result, method, revision, limits));
  session.questions.sentTo(error);
  return errorText(id, legacyError(error, method, revision, limits));
}
