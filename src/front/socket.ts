/**
 * Unix sockets that only their owner can open. A socket is made under a name of its own and then moved to the one that
 * people know, so that it takes the place of what a dead server left, and a server that ends never takes away the socket
 * of the one that came after it.
 */
import { lstat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ensurePrivateDir, fingerprint, moveFile, removeFile } from "../base/index.ts";

/** A socket that stands at its path. */
export interface Placed<T> {
  readonly server: T;
  readonly path: string;
  /** Takes the path away, unless somebody else's socket is there by now. */
  remove(): Promise<void>;
}

// What a socket's address can hold differs; this is less than all of them, with room for the name it is made under.
const pathBytesMax = 80;

/** Where the socket of this name of a folder lies: in it, or, where that path is too long, in a private folder of the system's temporary one. */
export function socketPathOf(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= pathBytesMax) return path;
  return join(tmpdir(), `1mcp-${process.getuid?.() ?? "user"}-${fingerprint(folder).slice(0, 16)}`, name);
}

/** Runs `make` so that the socket it makes has mode 0600 from its first moment: only its owner can open it. */
export function privately<T>(make: () => T): T {
  const before = process.umask(0o177);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** What listens. */
interface Stoppable {
  stop(force: boolean): Promise<void>;
}

/** Has `make` listen, and puts its socket at `path`. Throws what `make` throws, STATE_UNSAFE, STATE_UNWRITABLE. */
export async function place<T extends Stoppable>(path: string, make: (unix: string) => T): Promise<Placed<T>> {
  await ensurePrivateDir(dirname(path));
  const made = `${path}.${process.pid}`;
  await removeFile(made);
  const server = privately(() => make(made));
  try {
    await moveFile(made, path);
  } catch (thrown) {
    await server.stop(true);
    await removeFile(made);
    throw thrown;
  }
  const { ino } = await lstat(path);
  return {
    server,
    path,
    async remove() {
      const found = await lstat(path).catch(() => null);
      if (found?.ino === ino) await removeFile(path);
    },
  };
}
