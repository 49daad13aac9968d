import { expect, test } from "bun:test";
import fc from "fast-check";
import { differenceOf } from "../../src/config/difference.ts";

test("equal texts have no difference, whatever ends their lines", () => {
  expect(differenceOf("a\nb\n", "a\r\nb\r\n")).toBe("");
  expect(differenceOf("", "")).toBe("");
});

test("each group of lines stands under its place, and no line that is the same is shown", () => {
  expect(differenceOf("a\nsecret\nb\nc\nd", "a\nsecret\nB\nc\nd\ne")).toBe("@@ line 3 @@\n-b\n+B\n@@ line 6 @@\n+e\n");
});

test("what goes and what comes make the new text of the old one, for any two texts", () => {
  const texts = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 }).map((lines) => lines.join("\n"));
  fc.assert(fc.property(texts, texts, (before, after) => expect(applied(before, differenceOf(before, after))).toBe(after)));
});

test("very different large texts are one group, without a table for every pair of their lines", () => {
  // One line in the middle is the same: only a comparison of every pair would find it.
  const many = (word: string, count: number): string => Array.from({ length: count }, (_, n) => (n === 1500 ? "same" : `${word}${n}`)).join("\n");
  const difference = differenceOf(many("a", 3000), many("b", 3000));
  expect(difference.split("\n").length).toBe(6002);
  expect(differenceOf(many("a", 1600), many("b", 1600)).match(/^@@/gm)).toHaveLength(2);
});

/** The text after the difference. */
function applied(before: string, difference: string): string {
  const lines = before.split("\n");
  const groups = difference.split(/^@@ line (\d+) @@\n/m).slice(1);
  let shift = 0;
  for (let at = 0; at < groups.length; at += 2) {
    const changes = (groups[at + 1] ?? "").split("\n").slice(0, -1);
    const gone = changes.filter((line) => line.startsWith("-"));
    const come = changes.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
    const from = Number(groups[at]) - 1 + shift;
    expect(lines.slice(from, from + gone.length)).toEqual(gone.map((line) => line.slice(1)));
    lines.splice(from, gone.length, ...come);
    shift += come.length - gone.length;
  }
  return lines.join("\n");
}
