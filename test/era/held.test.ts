/** What a call has to say while its client is away, and how much of it is kept. */
import { expect, test } from "bun:test";
import { HeldLines } from "../../src/era/held.ts";

const texts = (held: HeldLines): readonly string[] => held.take().map(({ text }) => text);
const line = (text: string) => ({ level: "info" as const, text });

test("lines come out once, in their order", () => {
  const held = new HeldLines({ parkedLinesMax: 3, parkedLineBytesMax: 1000 });
  for (const text of ["a", "b"]) held.add(line(text));
  expect(texts(held)).toEqual(["a", "b"]);
  expect(texts(held)).toEqual([]);
});

test("of too many lines the newest are kept, by number and by bytes, and one too large costs nobody else's place", () => {
  const few = new HeldLines({ parkedLinesMax: 2, parkedLineBytesMax: 1000 });
  for (const text of ["a", "b", "c", "d"]) few.add(line(text));
  expect(texts(few)).toEqual(["c", "d"]);
  const small = new HeldLines({ parkedLinesMax: 100, parkedLineBytesMax: 300 });
  for (const text of ["a".repeat(100), "b".repeat(100), "c".repeat(1000), "é".repeat(50)]) small.add(line(text));
  expect(texts(small)).toEqual(["b".repeat(100), "é".repeat(50)].slice(-1));
  for (const text of ["x".repeat(80), "y".repeat(80)]) small.add(line(text));
  expect(texts(small)).toEqual(["x".repeat(80), "y".repeat(80)]);
});
