import { describe, expect, test } from "bun:test";
import { toonText } from "../../src/cli/toon.ts";

describe("TOON", () => {
  test.each<[string, unknown, string]>([
    ["an object by lines", { a: 1, b: "x", c: true, d: null }, "a: 1\nb: x\nc: true\nd: null"],
    ["objects within by indentation", { a: { b: { c: 1 } } }, "a:\n  b:\n    c: 1"],
    ["a list of scalars on one line", { tags: ["a", "b c", 3] }, "tags[3]: a,b c,3"],
    ["like objects as a table", { rows: [{ id: 1, name: "A" }, { id: 2, name: "B,C" }] }, 'rows[2]{id,name}:\n  1,A\n  2,"B,C"'],
    ["unlike things as a list of their own", { items: [{ a: 1 }, { b: [1, 2] }, "x"] }, "items[3]:\n  - a: 1\n  - b[2]: 1,2\n  - x"],
    ["an object with more than one member within a list", { items: [{ a: 1, b: { c: 2 } }] }, "items[1]:\n  - a: 1\n    b:\n      c: 2"],
    ["what is empty", { a: [], b: {}, c: "" }, 'a[0]:\nb:\nc: ""'],
    ["a list that is the whole", [1, 2], "[2]: 1,2"],
    ["a scalar that is the whole", "hi", "hi"],
    ["names that are no words in quotes", { "a b": 1, "x:y": 2 }, '"a b": 1\n"x:y": 2'],
    ["nothing as null", undefined, "null"],
  ])("shows %s", (_, value, text) => expect(toonText(value)).toBe(text));

  test.each(["true", "null", "12", "-x", " a", "a:b", "a,b", 'say "x"', "line\nbreak", "[x]", "{x}", "1.5e3"])("puts %j in quotes, so that it stays a text", (text) => {
    expect(toonText({ a: text })).toBe(`a: ${JSON.stringify(text)}`);
  });
});
