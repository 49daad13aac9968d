/** Newline framing for the benchmark's own ends: text is searched once, and a long line is joined once. */

/** Calls `onLine` for each line of the stream until it ends; `onTurn` after each chunk. */
export async function readLines(stream: AsyncIterable<Uint8Array>, onLine: (line: string) => void, onTurn?: () => unknown): Promise<void> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      const piece = text.slice(from, end);
      from = end + 1;
      if (parts.length === 0) onLine(piece);
      else {
        onLine(parts.join("") + piece);
        parts = [];
      }
    }
    if (from < text.length) parts.push(text.slice(from));
    await onTurn?.();
  }
}
