/**
 * A call that this program makes itself, without a client on any wire: its notices and questions are functions of whoever
 * makes it. A server that answers "more input is wanted" is asked again with the answers, as for any client that waits.
 */
import { faultOf } from "../base/index.ts";
import { type Outcome, type Raw, rpcErrorOf } from "../protocol/index.ts";
import { type Asker, ClientCall, nowhere, type Sink } from "./clientCall.ts";
import type { North } from "./north.ts";
import { serveRounds } from "./rounds.ts";
import type { OwnRequest } from "./types.ts";
import { newestLegacy } from "./version.ts";

/** Makes the call and resolves with what it comes to in the end. Never throws for an expected failure. */
export async function callOwn(north: North, request: OwnRequest): Promise<Outcome> {
  const call = clientCallOf(north, request);
  const stop = request.cancel.onCancel((reason) => call.abandon(reason));
  try {
    const outcome = await north.serve.call(call);
    return outcome.kind === "input" ? await serveRounds(north, call, newestLegacy, outcome) : outcome;
  } catch (thrown) {
    return { kind: "failed", error: rpcErrorOf(faultOf(thrown)) };
  } finally {
    stop();
    call.abandon("it has come to its end");
  }
}

const token: Raw = "1";

function clientCallOf(north: North, { method, params, principal, selection, capabilities, notice, ask }: OwnRequest): ClientCall {
  const sink: Sink = { ...nowhere, notice };
  const asker: Asker = { ask: (_call, question) => ask(question), visited: nowhere.none };
  const client = { info: north.identity, capabilities };
  return new ClientCall({ callIds: north.callIds, id: token, method, params, meta: null, principal, selection, client, progressToken: token, logLevel: null, resume: null, session: null, backend: null, round: 0, paramHeaders: null }, sink, asker);
}
