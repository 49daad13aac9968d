/** What goes into an archive: a file with its bytes, whoever packs it. Everything that differs between two computers (owners, times, order) is decided here and nowhere else. */

/** A file, or with `bytes` null a folder. */
export interface Entry {
  /** Relative, with slashes; a folder's without a slash at its end. */
  readonly path: string;
  readonly bytes: Uint8Array | null;
  readonly mode: number;
}

export const fileEntry = (path: string, content: Uint8Array | string, mode = 0o644): Entry => ({ path, bytes: typeof content === "string" ? new TextEncoder().encode(content) : content, mode });

/** The entries and the folders that they lie in, each folder before what it holds, by code points: no locale has a say. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) for (const folder of foldersOf(path)) if (!all.has(folder)) all.set(folder, { path: folder, bytes: null, mode: 0o755 });
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const foldersOf = (path: string): string[] => path.split("/").slice(0, -1).map((_, index, parts) => parts.slice(0, index + 1).join("/"));

/** One array of many. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Compressed at the level that is used everywhere, without a name or a time. */
export const gzipped = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => Bun.gzipSync(bytes, { library: "libdeflate", level: 9 });
