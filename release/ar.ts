/** Writes the common `ar` archive, the outer wrapping of a Debian package (deb(5)): three members in the order given. */
import { joined } from "./entry.ts";

export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The archive. `mtime` in seconds. */
export function arOf(members: readonly Member[], mtime: number): Uint8Array<ArrayBuffer> {
  const parts = members.flatMap(({ name, bytes }) => [header(name, bytes.length, mtime), bytes, new Uint8Array(bytes.length % 2).fill(0x0a)]);
  return joined([new TextEncoder().encode("!<arch>\n"), ...parts]);
}

const header = (name: string, size: number, mtime: number): Uint8Array =>
  new TextEncoder().encode(`${name.padEnd(16)}${String(mtime).padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(size).padEnd(10)}\`\n`);
