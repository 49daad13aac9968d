/**
 * What an older backend asks of us, its client, that no caller has to do with. It may ask at any time, even before its
 * handshake is complete; a question left open would hang it, so each gets an answer at once.
 */
import { faultOf } from "../base/index.ts";
import { errorText, type Raw, type Request, resultText } from "../protocol/index.ts";
import { isDeclared } from "./profile.ts";
import type { South } from "./south.ts";

type Headers = Readonly<Record<string, string>>;

/** Answers a request of the backend that belongs to no call. Never throws. */
export function answerPeer(south: South, request: Request, headers: Headers): void {
  const result = resultOf(south, request.method);
  const text = result === null ? errorText(request.id, { code: -32601, message: `this client does not offer ${request.method}` }) : resultText(request.id, result);
  reply(south, request, text, headers);
}

/** Sends a response. Never throws: a backend that cannot be answered any more has nothing to wait for. */
export function reply(south: South, request: Request, text: string, headers: Headers): void {
  south.wire.send(text, headers).catch((thrown: unknown) => {
    south.log.debug("a server's request could not be answered", { backend: south.options.name, method: request.method, code: faultOf(thrown).code });
  });
}

// Roots of nobody in particular are none; but what was declared must not be unknown.
function resultOf(south: South, method: string): Raw | null {
  if (method === "ping") return "{}";
  return method === "roots/list" && isDeclared(south.options.capabilities, "roots", south.limits) ? '{"roots":[]}' : null;
}
