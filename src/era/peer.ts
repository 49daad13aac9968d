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
  reply(south, request, peerText(south, request), headers);
}

/** The answer to a request of the backend that belongs to no call. */
export function peerText(south: South, { id, method }: Request): string {
  const result = resultOf(south, method);
  return result === null ? errorText(id, { code: -32601, message: `this client does not offer ${method}` }) : resultText(id, result);
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
