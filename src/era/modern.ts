/**
 * The modern era in front: a request carries all it needs, becomes a Call, and the outcome becomes its response. Nothing
 * is remembered between two requests; a client that goes away cancels what it was waiting for.
 */
import { Fault, fault } from "../base/index.ts";
import { emptyObject, errorText, type Message, type Outcome, type Raw, type Request, type Resume, resultText, sseEvent } from "../protocol/index.ts";
import { clientOf, refusalOf } from "./admission.ts";
import { discoverResult } from "./announce.ts";
import { ClientCall, type ClientRequest, logLevelOf, type Sink } from "./clientCall.ts";
import { metaWithContext } from "./context.ts";
import { type HopMeta, readMeta, textOf } from "./hop.ts";
import { type Channel, emptyOut, Exchange, refusalOut, refusalText } from "./exchange.ts";
import { afterVisit, questionChanges, questionFault, type Try, tryOf, visitsOf } from "./input.ts";
import { listen } from "./listen.ts";
import { isExtension, isRetryable, methodOf } from "./methods.ts";
import type { North } from "./north.ts";
import { failureOf, isShed, isVisitError, modernError, modernStatus, scopesLacked, scopeStatus, shedStatus, thrownError } from "./refusals.ts";
import type { SealedKind } from "./seal.ts";
import { streamOut } from "./streams.ts";
import { aimOf, taskOutcome, taskResult } from "./tasks.ts";
import type { Caller, HttpIn, HttpOut } from "./types.ts";
import { headers, paramPrefix } from "./words.ts";

/** What waits for the answer to a modern call, and is told which one it is, so that it can cancel it. */
export interface Expecting extends Sink {
  call: ClientCall | null;
}

/** One modern POST: a client that has gone cancels its call. */
class ModernExchange extends Exchange implements Expecting {
  readonly #north: North;
  /** What a vanished client cancels. */
  call: ClientCall | null = null;

  constructor(north: North, request: HttpIn, id: Raw) {
    super(north.heads, request, id, null);
    this.#north = north;
  }

  protected override open(): { channel: Channel; out: HttpOut } {
    const stream = this.#north.streams.open({ gone: () => this.gone(), goodbye: () => this.shutDown() });
    // Without ids: this era has no resumption.
    const channel = { send: (text: string) => stream.send(sseEvent({ data: text })), end: () => stream.end() };
    return { channel, out: streamOut(stream) };
  }

  override shutDown(): void {
    super.shutDown();
    this.call?.abandon("the proxy is shutting down");
  }

  protected override gone(): void {
    if (this.drop()) this.call?.abandon("the client has gone");
  }
}

/** Serves one message of the modern era. */
export function serveModern(north: North, message: Message, request: HttpIn): Promise<HttpOut> {
  if (message.kind === "request") return serveRequest(north, message, request);
  if (message.kind === "notification") return Promise.resolve(emptyOut(202));
  return Promise.resolve(refusalOut(message.id, fault("MESSAGE_INVALID", { detail: "nothing was asked of the client" })));
}

function serveRequest(north: North, message: Request, request: HttpIn): Promise<HttpOut> {
  const params = message.params ?? emptyObject;
  const envelope = readMeta(message.meta);
  const refused = refusalOf(message, params, envelope, request, north);
  if (refused !== null) return Promise.resolve(refusalOut(message.id, refused));
  if (message.method === "subscriptions/listen") return Promise.resolve(listen(north, message, request));
  const exchange = new ModernExchange(north, request, message.id);
  if (methodOf(message.method).modern === "here") discover(north, message.id, request, exchange);
  else beginCall(north, message, envelope, request, exchange, () => carriedHeaders(request, message.method));
  return exchange.out;
}

/** Headers that go on as they came: of the parameters, and of what an extension's method names, which only its server knows. */
function carriedHeaders(request: HttpIn, method: string): Readonly<Record<string, string>> {
  const named = isExtension(method) ? request.header(headers.name) : null;
  const params = request.headersFrom(paramPrefix);
  return named === null ? params : { [headers.name]: named, ...params };
}

/** Answers discovery, with the status that it has if it is an HTTP response. */
export function discover({ serve, identity, limits }: North, id: Raw, { principal, selection }: Caller, sink: Pick<Sink, "answer">): void {
  serve.describe(principal, selection).then(
    (description) => sink.answer(200, resultText(id, discoverResult(description, selection.server, identity, limits))),
    (thrown: unknown) => {
      const error = thrownError(thrown);
      sink.answer(thrown instanceof Fault ? thrown.row.http : 200, errorText(id, error), scopesLacked(error));
    },
  );
}

/** Starts the call of a request that was found in order, or goes on with one; all that comes of it goes to `expecting`. */
export function beginCall(north: North, message: Request, envelope: HopMeta, caller: Caller, expecting: Expecting, paramHeaders: ClientRequest["paramHeaders"] = null): void {
  const { id, method } = message;
  const { principal, selection } = caller;
  const asked = message.params ?? emptyObject;
  const attempt = tryOf({ method, params: asked, principal, selection }, north.seal);
  if (attempt instanceof Fault) return expecting.answer(attempt.row.http, refusalText(id, attempt));
  const aim = aimOf(north, { method, params: asked, principal });
  if (aim instanceof Fault) return expecting.answer(aim.row.http, refusalText(id, aim));
  const { params, backend } = aim;
  const call = new ClientCall(
    {
      callIds: north.callIds,
      id,
      method,
      params,
      meta: metaWithContext(envelope.rest, caller, north.limits),
      principal,
      selection,
      client: clientOf(envelope),
      progressToken: envelope.progressToken,
      logLevel: logLevelOf(textOf(envelope.logLevel)),
      resume: resumeOf(attempt),
      session: null,
      backend,
      round: "round" in attempt ? attempt.round : 0,
      paramHeaders,
    },
    expecting,
    north.parking,
  );
  expecting.call = call;
  if (attempt.kind === "parked") return goOn(north, call, attempt, expecting);
  if (attempt.kind === "declined") return answer(north, call, declined(call));
  run(north, call, attempt).then(
    (outcome) => settle(north, call, backend === null ? outcome : taskOutcome(outcome, asked, backend, call, north.limits)),
    (thrown: unknown) => settle(north, call, { kind: "failed", error: thrownError(thrown) }),
  );
}

/** Runs the call, if need be when the visit before it is over; not for a client that went away meanwhile. */
function run({ serve, pageVisits }: North, call: ClientCall, attempt: Try): Promise<Outcome> {
  const visit = attempt.kind === "visiting" ? pageVisits.over(attempt.visit, call.cancel) : null;
  if (visit === null) return serve.call(call);
  return visit.then(() => {
    if (call.cancel.cancelled) throw fault("CALL_CANCELLED", { op: call.method });
    return serve.call(call);
  });
}

/** The input that a try goes on with. */
function resumeOf(attempt: Try): Resume | null {
  if (attempt.kind === "call") return attempt.resume;
  return attempt.kind === "visiting" ? afterVisit : null;
}

/** The request is a further one of a call that waits. */
function goOn(north: North, next: ClientCall, { sealed, responses }: Extract<Try, { kind: "parked" }>, expecting: Expecting): void {
  const taken = north.parking.take(next, sealed, responses);
  if (taken instanceof Fault) return refuse(next, taken);
  expecting.call = taken.call;
  if (taken.outcome !== null) answer(north, taken.call, taken.outcome);
}

/** A person would not visit the page: nothing runs, and a tool's answer is for the model to read. */
const declined = (call: ClientCall): Outcome => failureOf(call.method, fault("ASK_REFUSED", { detail: "the client declined to visit the page", hint: "call again and accept" }));

function settle(north: North, call: ClientCall, outcome: Outcome): void {
  if (!north.parking.keeps(call, outcome)) answer(north, call, outcome);
}

function answer(north: North, call: ClientCall, outcome: Outcome): void {
  if (outcome.kind === "done") return call.answer(200, north.stamp.response(call.id, call.method, call.selection.server, outcome.result, outcome.cache));
  if (outcome.kind === "failed") return failed(north, call, outcome);
  if (outcome.kind === "task") return answerTask(north, call, outcome);
  ask(north, call, outcome, "relay");
}

function answerTask(north: North, call: ClientCall, outcome: Extract<Outcome, { kind: "task" }>): void {
  const result = taskResult(north, call, outcome);
  if (result instanceof Fault) return refuse(call, result);
  call.answer(200, north.stamp.response(call.id, call.method, call.selection.server, result, undefined));
}

/** Answers that input is wanted, as far as this client can give it. */
function ask({ limits, stamp, seal }: North, call: ClientCall, outcome: Extract<Outcome, { kind: "input" }>, kind: SealedKind): void {
  const refused = questionFault(outcome, call, limits);
  if (refused !== null) return refuse(call, refused);
  call.answer(200, stamp.question(call.id, call.selection.server, outcome.result, questionChanges(outcome, call, seal, kind)));
}

const refuse = (call: ClientCall, refused: Fault): void => call.answer(refused.row.http, refusalText(call.id, refused));

function failed(north: North, call: ClientCall, { error, backend }: Extract<Outcome, { kind: "failed" }>): void {
  const visits = isVisitError(error) && isRetryable(call.method) ? visitsOf(error, backend ?? "", north.limits, () => north.pageVisits.begin(call, error)) : null;
  if (visits !== null) return ask(north, call, visits, "url-wait");
  // Only what a backend itself makes of its refused question; that may well be our refusal, passed on.
  const lacked = backend === undefined ? null : north.parking.lacked(call);
  if (lacked !== null) return refuse(call, fault("CAPABILITY_MISSING", { data: { requiredCapabilities: lacked, original: JSON.parse(error.raw) as unknown } }));
  const scopes = scopesLacked(error);
  if (scopes !== undefined) return call.answer(scopeStatus, errorText(call.id, error), scopes);
  const shown = modernError(error, call, north.limits);
  call.answer(isShed(error) ? shedStatus : modernStatus(shown.code), errorText(call.id, shown));
}
