/** Writes tar archives (POSIX.1-1988 ustar) whose bytes depend on nothing but their entries and one time: owner 0, sorted. */
import { type Entry, inOrder, joined } from "./entry.ts";

const block = 512;
const nameMax = 100;
const prefixMax = 155;

/** The archive. `mtime` in seconds. Throws on a path that the format cannot hold. `root` stands before every path. */
export function tarOf(entries: readonly Entry[], mtime: number, root = ""): Uint8Array<ArrayBuffer> {
  const parts = inOrder(entries).flatMap(({ path, bytes, mode }) => [
    header(`${root}${path}${bytes === null ? "/" : ""}`, mode, bytes?.length ?? 0, mtime, bytes === null ? "5" : "0"),
    ...(bytes === null ? [] : [bytes, new Uint8Array(padding(bytes.length))]),
  ]);
  // Two blocks of zeros end it.
  return joined([...parts, new Uint8Array(2 * block)]);
}

const padding = (length: number): number => (block - (length % block)) % block;

function header(path: string, mode: number, size: number, mtime: number, kind: string): Uint8Array {
  const [prefix, name] = split(path);
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0);
  bytes.write(octal(mode, 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(size, 12), 124);
  bytes.write(octal(mtime, 12), 136);
  // While the sum is taken its own place counts as spaces.
  bytes.write(" ".repeat(8), 148);
  bytes.write(kind, 156);
  bytes.write("ustar\u000000", 257, "latin1");
  bytes.write("root", 265);
  bytes.write("root", 297);
  bytes.write(prefix, 345);
  bytes.write(`${octal(bytes.reduce((sum, byte) => sum + byte, 0), 7)} `, 148, "latin1");
  return bytes;
}

/** With the zero that ends it. */
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\u0000`;

function split(path: string): readonly [prefix: string, name: string] {
  if (path.length <= nameMax) return ["", path];
  const slash = path.indexOf("/", path.length - nameMax - 1);
  if (slash < 0 || slash > prefixMax || slash === path.length - 1) throw new Error(`${path} is too long for a tar archive`);
  return [path.slice(0, slash), path.slice(slash + 1)];
}
