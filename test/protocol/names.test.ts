import { expect, test } from "bun:test";
import fc from "fast-check";
import { publicName } from "../../src/protocol/names.ts";

const word = fc.string({ unit: "binary" });

test("a name that fits is prefix, separator and local name; without prefix it is the local name alone", () => {
  expect(publicName("files", "__", "read_file")).toBe("files__read_file");
  expect(publicName("files", "_1mcp_", "a.b-c")).toBe("files_1mcp_a.b-c");
  expect(publicName("", "__", "read_file")).toBe("read_file");
  expect(publicName("s", "__", "x".repeat(61))).toBe(`s__${"x".repeat(61)}`);
});

test("a name that is too long is cut and ends with the same hash on every machine", () => {
  const name = publicName("s", "__", "x".repeat(62));
  expect(name).toBe(`s__${"x".repeat(52)}_${name.slice(-8)}`);
  expect(name).toMatch(/_[0-9a-f]{8}$/);
  expect(publicName("s", "__", "x".repeat(62))).toBe(name);
  expect(publicName("s", "__", `${"x".repeat(61)}y`)).not.toBe(name);
  expect(publicName("files", "__", "a b")).toBe("files__a_b_cd1b02fc");
});

test("what is rewritten stays apart from what it looks like afterwards", () => {
  expect(new Set([publicName("s", "__", "a b"), publicName("s", "__", "a_b"), publicName("s", "__", "a/b"), publicName("s", "__", "é")]).size).toBe(4);
});

test("every name keeps to 64 characters that model APIs and the protocol take", () => {
  fc.assert(fc.property(fc.oneof(word, fc.string()), fc.constantFrom("__", "_1mcp_", "-"), fc.oneof(word, fc.string({ maxLength: 200 })), (prefix, separator, local) => {
    fc.pre(prefix !== "" || local !== "");
    expect(publicName(prefix, separator, local)).toMatch(/^[A-Za-z0-9_.-]{1,64}$/);
  }));
});

test("different local names of one server have different public names", () => {
  fc.assert(fc.property(fc.uniqueArray(fc.oneof(word, fc.string({ minLength: 60, maxLength: 80 })), { maxLength: 20 }), (locals) => {
    expect(new Set(locals.map((local) => publicName("srv", "__", local))).size).toBe(locals.length);
  }));
});
