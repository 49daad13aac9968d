import { expect, test } from "bun:test";
import { inflateSync } from "node:zlib";
import { pngOf } from "../../src/cli/picture.ts";

/** The chunks of a PNG, each checked against its own sum. */
function chunksOf(png: Uint8Array): { type: string; data: Buffer }[] {
  const bytes = Buffer.from(png);
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(Bun.hash.crc32(body) >>> 0);
    chunks.push({ type: body.toString("latin1", 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

test("a picture is a PNG of the size that was asked for", () => {
  const png = pngOf(3, 2, () => [0, 0, 0]);
  expect(Buffer.from(png.subarray(0, 8)).toString("hex")).toBe("89504e470d0a1a0a");
  const chunks = chunksOf(png);
  expect(chunks.map((chunk) => chunk.type)).toEqual(["IHDR", "IDAT", "IEND"]);
  expect([chunks[0]!.data.readUInt32BE(0), chunks[0]!.data.readUInt32BE(4)]).toEqual([3, 2]);
});

test("every pixel has the colour of its place", () => {
  const chunks = chunksOf(pngOf(2, 2, (x, y) => [x, y, 9]));
  expect([...inflateSync(chunks[1]!.data)]).toEqual([0, 0, 0, 9, 1, 0, 9, 0, 0, 1, 9, 1, 1, 9]);
});
