import { expect, test } from "bun:test";
import { wordOf } from "../../src/cli/finding.ts";

test("a word of a command line is what a shell reads as that word", () => {
  expect(["/a/b.json", "a b", "it's", "$x", ""].map(wordOf)).toEqual(["/a/b.json", "'a b'", "'it'\\''s'", "'$x'", "''"]);
});
