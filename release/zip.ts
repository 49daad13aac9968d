/** Writes zip archives, for Windows, whose bytes depend on nothing but their entries and one time. Files only: unpackers make the folders. */
import { crc32 } from "node:zlib";
import { type Entry, inOrder, joined } from "./entry.ts";

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const versionNeeded = 20;
/** Made on Unix, so that the mode counts. */
const madeBy = (3 << 8) | versionNeeded;
const deflated = 8;
const utf8Names = 0x0800;
const regularFile = 0o100000;

/** The archive. `mtime` in seconds; the format knows only times from 1980 on, and here all are in UTC. */
export function zipOf(entries: readonly Entry[], mtime: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const { path, bytes, mode } of inOrder(entries)) {
    if (bytes === null) continue;
    const packed = Bun.deflateSync(new Uint8Array(bytes), { library: "libdeflate", level: 9 });
    const name = Buffer.from(path);
    const fields = fieldsOf(crc32(bytes), packed.length, bytes.length, name.length, mtime);
    parts.push(local(fields), name, packed);
    central.push(listed(fields, mode, offset), name);
    offset += localLength + name.length + packed.length;
  }
  const directory = joined(central);
  return joined([...parts, directory, end(central.length / 2, directory.length, offset)]);
}

const localLength = 30;

/** What the entry and its row in the directory have in common: from the version needed to the length of extras. */
function fieldsOf(sum: number, packed: number, size: number, nameLength: number, mtime: number): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(versionNeeded, 0);
  fields.writeUInt16LE(utf8Names, 2);
  fields.writeUInt16LE(deflated, 4);
  fields.writeUInt32LE(dosTime(mtime), 6);
  fields.writeUInt32LE(sum, 10);
  fields.writeUInt32LE(packed, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(nameLength, 22);
  return fields;
}

function local(fields: Buffer): Buffer {
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(localSignature);
  return Buffer.concat([signature, fields]);
}

function listed(fields: Buffer, mode: number, offset: number): Buffer {
  const [before, after] = [Buffer.alloc(6), Buffer.alloc(14)];
  before.writeUInt32LE(centralSignature, 0);
  before.writeUInt16LE(madeBy, 4);
  after.writeUInt32LE(((regularFile | mode) << 16) >>> 0, 6);
  after.writeUInt32LE(offset, 10);
  return Buffer.concat([before, fields, after]);
}

function end(count: number, length: number, offset: number): Buffer {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(endSignature, 0);
  bytes.writeUInt16LE(count, 8);
  bytes.writeUInt16LE(count, 10);
  bytes.writeUInt32LE(length, 12);
  bytes.writeUInt32LE(offset, 16);
  return bytes;
}

/** Date above, time below; seconds by twos. */
function dosTime(seconds: number): number {
  const time = new Date(seconds * 1000);
  const date = ((Math.max(time.getUTCFullYear(), 1980) - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
  return ((date << 16) | (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1)) >>> 0;
}
