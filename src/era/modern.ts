/**
 * The modern era in front: a request carries all it needs, becomes a Call, and the outcome becomes its response. Nothing
 * is remembered between two requests; a client that goes away cancels what it was waiting for.
 */
import { Fault, fault } from "../base/index.ts";
import { emptyObject, errorText, type Message, type Outcome, type Raw, type RawObject, type Request, resultText, type RpcError, sseEvent } from "../protocol/index.ts";
import { clientOf, refusalOf } from "./admission.ts";
import { discoverResult } from "./announce.ts";
import { ClientCall, logLevelOf } from "./clientCall.ts";
import { type HopMeta, readMeta, textOf } from "./hop.ts";
import { type Channel, emptyOut, Exchange, refusalOut, refusalText } from "./exchange.ts";
import { questionFault, resumeOf, sealedState } from "./input.ts";
import { listen } from "./listen.ts";
import { methodOf } from "./methods.ts";
import type { North } from "./north.ts";
import { modernError, modernStatus, thrownError } from "./refusals.ts";
import { streamOut } from "./streams.ts";
import type { HttpIn, HttpOut } from "./types.ts";
import { paramPrefix } from "./words.ts";

/** One modern POST: a client that has gone cancels its call. */
class ModernExchange extends Exchange {
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
  if (methodOf(message.method).modern === "proxy") return callOf(north, message, params, envelope, request);
  if (message.method === "subscriptions/listen") return Promise.resolve(listen(north, message, params, request));
  return discover(north, message, request);
}

function discover(north: North, { id }: Request, request: HttpIn): Promise<HttpOut> {
  const { serve, identity, limits } = north;
  const { principal, selection } = request;
  const exchange = new ModernExchange(north, request, id);
  serve.describe(principal, selection).then(
    (description) => exchange.answer(200, resultText(id, discoverResult(description, selection.server, identity, limits))),
    (thrown: unknown) => exchange.answer(thrown instanceof Fault ? thrown.row.http : 200, errorText(id, thrownError(thrown))),
  );
  return exchange.out;
}

function callOf(north: North, message: Request, params: RawObject, envelope: HopMeta, request: HttpIn): Promise<HttpOut> {
  const { principal, selection } = request;
  const resume = resumeOf({ method: message.method, params, principal, selection }, north.seal);
  if (resume instanceof Fault) return Promise.resolve(refusalOut(message.id, resume));
  const exchange = new ModernExchange(north, request, message.id);
  const call = new ClientCall(
    {
      method: message.method,
      params,
      meta: envelope.rest,
      principal,
      selection,
      client: clientOf(envelope),
      progressToken: envelope.progressToken,
      logLevel: logLevelOf(textOf(envelope.logLevel)),
      resume,
      paramHeaders: () => request.headersFrom(paramPrefix),
    },
    exchange,
  );
  exchange.call = call;
  north.serve.call(call).then(
    (outcome) => answer(north, message.id, call, outcome),
    (thrown: unknown) => failed(north, message.id, call, thrownError(thrown)),
  );
  return exchange.out;
}

function answer(north: North, id: Raw, call: ClientCall, outcome: Outcome): void {
  const { server } = call.selection;
  if (outcome.kind === "done") return call.answer(200, north.stamp.response(id, call.method, server, outcome.result, outcome.cache));
  if (outcome.kind === "failed") return failed(north, id, call, outcome.error);
  const refused = questionFault(outcome, call, north.limits);
  if (refused !== null) return refuse(id, call, refused);
  call.answer(200, north.stamp.question(id, server, outcome.result, sealedState(outcome, call, north.seal)));
}

const refuse = (id: Raw, call: ClientCall, refused: Fault): void => call.answer(refused.row.http, refusalText(id, refused));

function failed({ limits }: North, id: Raw, call: ClientCall, error: RpcError): void {
  const shown = modernError(error, call, limits);
  call.answer(modernStatus(shown.code), errorText(id, shown));
}

