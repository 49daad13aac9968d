/**
 * A PNG image from a function of the coordinates. The demonstration draws its picture with this, so that a client shows
 * something real although nothing but the program is installed.
 */
import { deflateSync } from "node:zlib";

/** Red, green and blue, each 0 to 255. */
export type Color = readonly [number, number, number];

/** Draws `width` times `height` pixels; `colorOf` is called once for each. */
export function pngOf(width: number, height: number, colorOf: (x: number, y: number) => Color): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits a channel, colour type 2 (RGB), the only compression and filter methods, no interlace.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  const pixels = deflateSync(rowsOf(width, height, colorOf));
  return Buffer.concat([signature, chunkOf("IHDR", header), chunkOf("IDAT", pixels), chunkOf("IEND", Buffer.alloc(0))]);
}

function rowsOf(width: number, height: number, colorOf: (x: number, y: number) => Color): Buffer {
  const rowBytes = 1 + width * 3;
  const rows = Buffer.alloc(rowBytes * height);
  for (let y = 0; y < height; y += 1)
    // The row's first byte is its filter type and stays 0 (none).
    for (let x = 0; x < width; x += 1) rows.set(colorOf(x, y), y * rowBytes + 1 + x * 3);
  return rows;
}

function chunkOf(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(Bun.hash.crc32(body) >>> 0, body.length + 4);
  return framed;
}
