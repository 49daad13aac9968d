import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findNodeAtLocation, parse, parseTree } from "jsonc-parser";
import { changedText } from "../../src/config/jsonc.ts";

const set = (text: string, path: readonly string[], value: unknown): string => changedText(text, { path, value });
const remove = (text: string, ...path: readonly string[]): string => changedText(text, { path, value: undefined });

test("a new member comes behind what is said about the last one, with its indent and line ends", () => {
  expect(set('{\r\n\t"a": 1 // about a\r\n\t/* the end */\r\n}\r\n', ["b"], { c: [2] })).toBe('{\r\n\t"a": 1, // about a\r\n\t/* the end */\r\n\t"b": {\r\n\t\t"c": [\r\n\t\t\t2\r\n\t\t]\r\n\t}\r\n}\r\n');
});

test("whoever ends the last member with a comma finds one behind the new one", () => {
  expect(set('{\n  "a": 1, // x\n}', ["b"], 2)).toBe('{\n  "a": 1, // x\n  "b": 2,\n}');
});

test("objects that are missing on the way are made, also in an empty one with a comment", () => {
  expect(set("{\n}\n", ["a", "b", "c"], true)).toBe('{\n  "a": {\n    "b": {\n      "c": true\n    }\n  }\n}\n');
  expect(set('{\n  "a": { // nothing yet\n  }\n}', ["a", "b"], 1)).toBe('{\n  "a": { // nothing yet\n    "b": 1\n  }\n}');
  expect(set("{}", ["a"], 1)).toBe('{\n  "a": 1\n}');
});

test("an object on one line stays on it", () => {
  expect(set('{ "a": { "x": 1 } }', ["a", "y"], [1, 2])).toBe('{ "a": { "x": 1, "y": [1,2] } }');
  expect(set('{ "a": 1, }', ["b"], 2)).toBe('{ "a": 1, "b": 2 }');
});

test("a member that is there gets the new value in its place", () => {
  expect(set('{\n  // one\n  "a": { "b": 1 }, // two\n  "c": 3\n}', ["a"], { d: 4 })).toBe('{\n  // one\n  "a": {\n    "d": 4\n  }, // two\n  "c": 3\n}');
});

test("a member goes with its line and what is said behind it; what stands on lines of its own stays", () => {
  const text = '{\n  // all\n  "a": 1, // first\n  // about b\n  "b": 2 // second\n}';
  expect(remove(text, "a")).toBe('{\n  // all\n  // about b\n  "b": 2 // second\n}');
  expect(remove(text, "b")).toBe('{\n  // all\n  "a": 1 // first\n  // about b\n}');
  expect(remove('{ "a": 1, "b": 2 }', "a")).toBe('{ "b": 2 }');
  expect(remove('{ "a": 1, "b": 2 }', "b")).toBe('{ "a": 1 }');
  expect(remove('{\n  "a": 1,\n  "b": 2,\n}', "b")).toBe('{\n  "a": 1,\n}');
});

test("what is not there is not taken away", () => {
  expect(remove('{ "a": 1 }', "b", "c")).toBe('{ "a": 1 }');
});

test("something that is no object is not overwritten by what should be inside it", () => {
  expect(() => set('{ "a": 1 }', ["a", "b"], 2)).toThrow("“a” is not an object");
  expect(() => set("[]", ["a"], 2)).toThrow("what is in the file is not an object");
  expect(() => set(" // nothing", ["a"], 2)).toThrow("there is no value");
});

// ---- Any document, written in any style

const keys = fc.constantFrom("a", "b", "c", "d");
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.dictionary(keys, tie("json"), { noNullPrototype: true }), fc.array(tie("json"), { maxLength: 2 })),
}));
const objects: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(keys, json, { noNullPrototype: true });

/** A text of this value, with a comment behind and above every member of its outermost object, and around it. */
function commented(value: Readonly<Record<string, unknown>>, { eol, trailing, unit }: { readonly eol: string; readonly trailing: boolean; readonly unit: string }): string {
  const entries = Object.entries(value);
  const lines = entries.flatMap(([key, member], place) => [
    `${unit}// above ${key}`,
    `${unit}${JSON.stringify(key)}: ${JSON.stringify(member, null, unit).replaceAll("\n", eol + unit)}${place < entries.length - 1 || trailing ? "," : ""} // behind ${key}`,
  ]);
  return ["// head", "{", ...lines, `${unit}/* end */`, "}", "// foot", ""].join(eol);
}

const styles = fc.record({ eol: fc.constantFrom("\n", "\r\n"), trailing: fc.boolean(), unit: fc.constantFrom("  ", "    ", "\t") });

test("any member set in any text reads back, and changes nothing else", () => {
  fc.assert(
    fc.property(objects, styles, fc.array(keys, { minLength: 1, maxLength: 3 }), json, (value, style, path, given) => {
      const text = commented(value, style);
      const root = parseTree(text, [], { allowTrailingComma: true });
      const blocked = path.slice(0, -1).some((_, depth) => !["object", undefined].includes(root && findNodeAtLocation(root, path.slice(0, depth + 1))?.type));
      if (blocked) return void expect(() => set(text, path, given)).toThrow();
      const after = set(text, path, given);
      const errors: never[] = [];
      const read = parse(after, errors, { allowTrailingComma: true }) as Record<string, unknown>;
      expect(errors).toEqual([]);
      expect(read).toEqual(withSet(value, path, given) as Record<string, unknown>);
      for (const key of Object.keys(value)) expect(after).toContain(`// above ${key}`);
      for (const key of Object.keys(value)) expect(after).toContain(`// behind ${key}`);
      expect(after.endsWith(`// foot${style.eol}`)).toBe(true);
    }),
  );
});

test("any member taken from any text is gone, and nothing else is", () => {
  fc.assert(
    fc.property(objects, styles, keys, (value, style, key) => {
      const after = remove(commented(value, style), key);
      const { [key]: _, ...rest } = value;
      const errors: never[] = [];
      expect(parse(after, errors, { allowTrailingComma: true }) as unknown).toEqual(rest);
      expect(errors).toEqual([]);
      expect(parse(after, errors, { allowTrailingComma: style.trailing })).toEqual(rest);
      for (const other of Object.keys(rest)) expect(after).toContain(`// behind ${other}`);
      for (const any of Object.keys(value)) expect(after).toContain(`// above ${any}`);
    }),
  );
});

function withSet(value: unknown, [key = "", ...rest]: readonly string[], given: unknown): unknown {
  const around = (value ?? {}) as Record<string, unknown>;
  return { ...around, [key]: rest.length === 0 ? given : withSet(around[key], rest, given) };
}

describe("one item of a list", () => {
  const list = '{\n  "a": [\n    "x", // about x\n    "y" // about y\n  ]\n}\n';
  const change = (text: string, item: "add" | "drop", value: string, path = ["a"]) => changedText(text, { path, value, item });

  test("comes behind the others, and goes with what is said behind it; the rest stays", () => {
    expect(change(list, "add", "z")).toBe('{\n  "a": [\n    "x", // about x\n    "y", // about y\n    "z"\n  ]\n}\n');
    expect(change(list, "drop", "x")).toBe('{\n  "a": [\n    "y" // about y\n  ]\n}\n');
    expect(change(list, "drop", "y")).toBe('{\n  "a": [\n    "x" // about x\n  ]\n}\n');
    expect(change('{ "a": ["x"] }', "add", "y")).toBe('{ "a": ["x", "y"] }');
    expect(change('{ "a": [] }', "add", "y")).toBe('{ "a": ["y"] }');
  });

  test("is there once; one that is not there is not missed; the first one makes the list", () => {
    expect([change(list, "add", "x"), change(list, "drop", "q"), change("{}", "drop", "q")]).toEqual([list, list, "{}"]);
    expect(JSON.parse(change("{}", "add", "q", ["b", "c"]))).toEqual({ b: { c: ["q"] } });
  });
});
