/** Reads a request's body, never more of it than allowed. */

/**
 * The body's bytes; null when there are more than `bytesMax`. A body of known length was checked by its header, and the
 * server holds it to that; one without is counted while it comes. Throws when the client goes away in the middle.
 */
export function readBody(request: Request, bytesMax: number): Promise<Uint8Array | null> {
  return request.headers.has("content-length") ? request.bytes() : readCounted(request, bytesMax);
}

async function readCounted(request: Request, bytesMax: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
