/**
 * What an older backend asks of us, its client. It may ask at any time, even before its handshake is complete; a question
 * left open would hang it, so each gets an answer at once. Questions to the person behind a client are refused: we
 * declare no capability for them.
 */
import { faultOf } from "../base/index.ts";
import { errorText, type Request, resultText } from "../protocol/index.ts";
import type { South } from "./south.ts";

/** Answers a request of the backend. Never throws: a backend that cannot be answered any more has nothing to wait for. */
export function answerPeer(south: South, request: Request, headers: Readonly<Record<string, string>>): void {
  const text = request.method === "ping" ? resultText(request.id, "{}") : errorText(request.id, { code: -32601, message: `this client does not offer ${request.method}` });
  south.wire.send(text, headers).catch((thrown: unknown) => {
    south.log.debug("a server's request could not be answered", { backend: south.options.name, method: request.method, code: faultOf(thrown).code });
  });
}
