import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLines } from "../../src/protocol/lines.ts";

const utf8 = new TextEncoder();

interface Seen {
  readonly lines: string[];
  readonly problems: string[];
}

function readAll(chunks: readonly Uint8Array[], options: { bytesMax?: number; blank?: boolean; end?: boolean } = {}): Seen {
  const seen: Seen = { lines: [], problems: [] };
  const reader = createLines({
    bytesMax: options.bytesMax ?? 1000,
    ...(options.blank === undefined ? {} : { blank: options.blank }),
    onText: (line) => seen.lines.push(line),
    onProblem: (what) => seen.problems.push(what),
  });
  for (const chunk of chunks) reader.feed(chunk);
  if (options.end !== false) reader.end();
  return seen;
}

/** Bytes cut at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((p) => p % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((to, i) => bytes.subarray(sorted[i], to));
}

test("lines come out the same wherever the chunks are split, within characters too", () => {
  const text = '{"a":"é€😀"}\r\n{"b":1}\n\n\r\nx\u2028y\u0085z\n';
  const bytes = utf8.encode(text);
  const expected = { lines: ['{"a":"é€😀"}', '{"b":1}', "x\u2028y\u0085z"], problems: [] };
  for (let a = 0; a <= bytes.length; a += 1) for (let b = a; b <= bytes.length; b += 1) expect(readAll(cut(bytes, [a, b]))).toEqual(expected);
});

test("any lines in any chunks are read as they were written", () => {
  const line = fc.string({ unit: "binary" }).filter((s) => !/[\r\n]/.test(s) && !s.startsWith("\ufeff"));
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom("\n", "\r\n"), fc.array(fc.nat()), (lines, end, places) => {
      const bytes = utf8.encode(lines.map((l) => l + end).join(""));
      expect(readAll(cut(bytes, places), { blank: true, bytesMax: 10_000 })).toEqual({ lines, problems: [] });
    }),
    { numRuns: 500 },
  );
});

test("a line over the bound is dropped and reported once, and the next one is read, wherever the chunks are split", () => {
  const bytes = utf8.encode(`1234567890\n12345678901\r\n${"x".repeat(40)}\n1234567890\r\nend\n`);
  const expected = { lines: ["1234567890", "1234567890", "end"], problems: ["too-long", "too-long"] };
  for (let a = 0; a <= bytes.length; a += 1) for (let b = a; b <= bytes.length; b += 1) expect(readAll(cut(bytes, [a, b]), { bytesMax: 10 })).toEqual(expected);
  expect(readAll(Array.from(bytes, (byte) => new Uint8Array([byte])), { bytesMax: 10 })).toEqual(expected);
});

test("a line that is not UTF-8 costs only itself", () => {
  const bytes = new Uint8Array([...utf8.encode("a\n"), 0xff, 10, 0xed, 0xa0, 0x80, 10, ...utf8.encode("é\r\n")]);
  for (let a = 0; a <= bytes.length; a += 1) expect(readAll(cut(bytes, [a]))).toEqual({ lines: ["a", "é"], problems: ["not-utf8", "not-utf8"] });
});

test("a byte order mark is dropped at the beginning of the stream and kept anywhere else", () => {
  const bytes = utf8.encode("\ufeffa\n\ufeffb\nc\ufeff\n");
  for (let a = 0; a <= bytes.length; a += 1) expect(readAll(cut(bytes, [a])).lines).toEqual(["a", "\ufeffb", "c\ufeff"]);
});

test("a last line without line break counts; nothing is read after the end", () => {
  const lines: string[] = [];
  const reader = createLines({ bytesMax: 10, onText: (line) => lines.push(line), onProblem: () => lines.push("problem") });
  reader.feed(utf8.encode("a\nb"));
  reader.end();
  reader.end();
  reader.feed(utf8.encode("c\n"));
  expect(lines).toEqual(["a", "b"]);
});

test("a chunk may be reused by its owner as soon as feed returns", () => {
  const lines: string[] = [];
  const reader = createLines({ bytesMax: 100, onText: (line) => lines.push(line), onProblem: () => undefined });
  const chunk = utf8.encode("abc");
  reader.feed(chunk);
  chunk.fill(120);
  reader.feed(utf8.encode("d\n"));
  expect(lines).toEqual(["abcd"]);
});

test("a line of 64 MiB in chunks of 64 KiB is read in linear time, and so is the next", () => {
  const lengths: number[] = [];
  const reader = createLines({ bytesMax: 64 * 1024 * 1024, onText: (line) => lengths.push(line.length), onProblem: (what) => lengths.push(what.length) });
  const chunk = new Uint8Array(64 * 1024).fill(97);
  const begun = performance.now();
  for (let i = 0; i < 1024; i += 1) reader.feed(chunk);
  reader.feed(utf8.encode("\nshort\n"));
  expect(lengths).toEqual([64 * 1024 * 1024, 5]);
  // Growing by the chunk would copy 32 GiB.
  expect(performance.now() - begun).toBeLessThan(3000);
});

test("a stream without any line break holds no more than the bound, however small its chunks", () => {
  const problems: string[] = [];
  const reader = createLines({ bytesMax: 1024 * 1024, onText: () => undefined, onProblem: (what) => problems.push(what) });
  const byte = new Uint8Array([97]);
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 4 * 1024 * 1024; i += 1) reader.feed(byte);
  expect(problems).toEqual(["too-long"]);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
});
