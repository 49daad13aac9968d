/** Reads a request's body, never more of it than allowed. */
import { type Fault, fault } from "../base/index.ts";
import { tooLarge } from "./guard.ts";

/**
 * The body's bytes, or why there are none: more than `bytesMax`, or a client that went away in the middle. A body of
 * known length was checked by its header, and the server holds it to that; one without is counted while it comes.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array | Fault> {
  try {
    return await (request.headers.has("content-length") ? request.bytes() : readCounted(request, bytesMax));
  } catch (cause) {
    // The runtime tells a broken connection by throwing; a client may do that at any time, so it is no fault of ours.
    return fault("MESSAGE_INVALID", { detail: "the body broke off", cause });
  }
}

async function readCounted(request: Request, bytesMax: number): Promise<Uint8Array | Fault> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > bytesMax) return tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
