import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseDocument, placesOf } from "../../src/config/document.ts";

test("comments and trailing commas are read over", () => {
  const { document, issues } = parseDocument('{ // one\n  "a": [1, 2,], /* two */\n}');
  expect(issues).toEqual([]);
  expect(document?.value).toEqual({ a: [1, 2] });
});

test("a syntax error says what is missing, with line and column", () => {
  const { document, issues } = parseDocument('{\n  "a": 1\n  "b": 2\n}');
  expect(document).toBeNull();
  expect(issues).toEqual([{ path: [], line: 3, column: 3, message: "a comma is expected here", hint: null, server: null }]);
});

test("one missing quote does not drown the reader in follow-up errors", () => {
  const { issues } = parseDocument(`{ "a: 1,\n${'"b": x y z,\n'.repeat(100)}`);
  expect(issues.length).toBeLessThanOrEqual(10);
  expect(new Set(issues.map((issue) => issue.line)).size).toBe(issues.length);
  expect(issues[0]).toMatchObject({ line: 1, message: "the string does not end on its line" });
});

test("an empty file, and one of comments only, say so", () => {
  expect(parseDocument(" \n").issues[0]?.message).toBe("the file is empty");
  expect(parseDocument("// later\n").issues.length).toBe(1);
  expect(parseDocument("// later\n").document).toBeNull();
});

test("nesting is bounded before anything recurses", () => {
  const { document, issues } = parseDocument("[".repeat(300_000));
  expect(document).toBeNull();
  expect(issues[0]).toMatchObject({ message: "nested more than 64 levels deep", line: 1, column: 65 });
});

test("a key given twice is an issue at its second place", () => {
  const { document, issues } = parseDocument('{"a": 1,\n "b": {"x": 1, "x": 2}, "a": 3}');
  expect(document?.value).toEqual({ a: 1, b: { x: 1 } });
  expect(issues.map(({ message, line, column, path }) => ({ message, line, column, path }))).toEqual([
    { message: "“x” is given twice", line: 2, column: 16, path: ["b", "x"] },
    { message: "“a” is given twice", line: 2, column: 25, path: ["a"] },
  ]);
});

test("keys that reach the prototype are reported and change nothing", () => {
  const { document, issues } = parseDocument('{"__proto__": {"polluted": true}, "constructor": 1, "a": {"prototype": 2}}');
  expect(issues.map((issue) => issue.message)).toEqual([
    "“__proto__” cannot be used as a key",
    "“constructor” cannot be used as a key",
    "“prototype” cannot be used as a key",
  ]);
  expect(document?.value).toEqual({ a: {} });
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(Object.getPrototypeOf(document?.value)).toBe(Object.prototype);
});

test("places of keys and values, also of what is not there", () => {
  const { document } = parseDocument('{\n  "a": {\n    "b": [true, false]\n  }\n}');
  expect(document?.valuePlace(["a", "b", 1])).toEqual({ line: 3, column: 17 });
  expect(document?.keyPlace(["a", "b"])).toEqual({ line: 3, column: 5 });
  expect(document?.valuePlace(["a", "missing"])).toEqual({ line: 2, column: 8 });
  expect(document?.keyPlace(["a", "missing"])).toEqual({ line: 2, column: 8 });
  expect(document?.keyPlace([])).toEqual({ line: 1, column: 1 });
});

test("a place is where the text, cut into lines, has the character", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "é", "😀", "\n", "\r\n", "\r", '"'), { minLength: 1 }), fc.nat(), (pieces, seed) => {
      const text = pieces.join("");
      const offset = seed % text.length;
      fc.pre(!(text[offset] === "\n" && text[offset - 1] === "\r"));
      const { line, column } = placesOf(text)(offset);
      const lines = text.split(/(?<=\r\n|\n|\r(?!\n))/);
      expect(lines[line - 1]?.[column - 1]).toBe(text[offset] as string);
      expect(lines.slice(0, line - 1).join("").length + column - 1).toBe(offset);
    }),
  );
});

test("every value of any JSON is found at its place", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.array(fc.integer(), { minLength: 1 }), { minKeys: 1 }), fc.nat(), (value, indent) => {
      const text = JSON.stringify(value, null, indent % 5);
      const { document } = parseDocument(text);
      const lines = text.split("\n");
      for (const [key, list] of Object.entries(value)) {
        const { line, column } = document?.keyPlace([key]) ?? { line: 0, column: 0 };
        expect(lines[line - 1]?.slice(column - 1).startsWith(JSON.stringify(key))).toBeTrue();
        list.forEach((item, index) => {
          const place = document?.valuePlace([key, index]) ?? { line: 0, column: 0 };
          expect(lines[place.line - 1]?.slice(place.column - 1).startsWith(String(item))).toBeTrue();
        });
      }
    }),
  );
});

test("no text makes it throw: there is a document, or an issue with a place", () => {
  const piece = fc.oneof(fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "//", "/*", "*/", "\n", "1", "true", '"a"', "\\", "\u0000"), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { document, issues } = parseDocument(pieces.join(""));
      expect(document !== null || issues.length > 0).toBeTrue();
      for (const { line, column } of issues) expect(Math.min(line, column)).toBeGreaterThan(0);
    }),
  );
});
