import { expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits } from "../../src/base/index.ts";
import { editObject, emptyObject, memberNamed, memberOf, objectOf, quote, rawOf, stringOf } from "../../src/protocol/object.ts";
import { parseObject, type RawObject } from "../../src/protocol/raw.ts";

const located = (text: string): RawObject => parseObject(text, defaultLimits) as RawObject;

test("members are read by name: text, string, object", () => {
  const o = located('{"a": 1.10, "b":"x\\n\\ud800", "c":{"d":[ ]}, "e":null, "long":"0123456789012345678901234567890123456789012345\\u0021"}');
  expect(memberOf(o, "a")).toBe("1.10");
  expect(memberOf(o, "e")).toBe("null");
  expect(memberOf(o, "x")).toBeNull();
  expect(stringOf(o, "b")).toBe("x\n\ud800");
  expect(stringOf(o, "long")).toEndWith("45!");
  expect(stringOf(o, "a")).toBeNull();
  expect(stringOf(o, "x")).toBeNull();
  expect(objectOf(o, "a")).toBeNull();
  expect(objectOf(o, "x")).toBeNull();
  const c = objectOf(o, "c") as RawObject;
  expect(memberOf(c, "d")).toBe("[ ]");
  expect(rawOf(c)).toBe('{"d":[ ]}');
  expect(rawOf(o)).toBe(o.text);
  expect(memberNamed(o, "c")?.start).toBe(o.text.indexOf("{", 1));
});

test("a name from the prototype is no member", () => {
  expect(memberOf(located("{}"), "toString")).toBeNull();
  expect(memberOf(located("{}"), "__proto__")).toBeNull();
  expect(memberOf(located('{"__proto__":{"a":1}}'), "__proto__")).toBe('{"a":1}');
  expect(editObject(located('{"toString":1,"constructor":2}'), {})).toBe('{"toString":1,"constructor":2}');
});

test("an inner object with two members of one name is no object", () => {
  expect(objectOf(located('{"a":{"b":1,"b":2}}'), "a")).toBeNull();
});

test("an inner object that was deep enough for the message is deep enough here", () => {
  const deep = `{"a":{"b":${"[".repeat(100)}${"]".repeat(100)}}}`;
  const o = parseObject(deep, { ...defaultLimits, depthMax: 200 }) as RawObject;
  expect(objectOf(o, "a")).not.toBeNull();
});

test.each([
  ['{"a":1, "b":2 ,"c":3}', { a: null }, '{"b":2 ,"c":3}'],
  ['{"a":1, "b":2 ,"c":3}', { b: null, d: "4" }, '{"a":1 ,"c":3,"d":4}'],
  ['{"a":1, "b":2 ,"c":3 }', { c: null }, '{"a":1, "b":2 }'],
  ['{ "a":1, "b":2 }', { a: null, b: null }, "{  }"],
  ['{"a":1,"b":2}', { a: null, b: null, z: "[]" }, '{"z":[]}'],
  ['{"a":1,"b":2}', { a: "9", b: null, z: "[]" }, '{"a":9,"z":[]}'],
  ['{"\\u0061":1,"b":2}', { a: '"x"' }, '{"\\u0061":"x","b":2}'],
  ["{ }", { x: "1", y: "2" }, '{"x":1,"y":2 }'],
  ['{"a":1}', { x: null }, '{"a":1}'],
  ['{"a":1}', {}, '{"a":1}'],
] as const)("%p edited by %p is %p", (text, changes, expected) => {
  expect(editObject(located(text), changes)).toBe(expected);
});

test("an object within a longer text is edited alone", () => {
  const o = objectOf(located('{"x":[1],"a":{"b":1,"c":2},"y":3}'), "a") as RawObject;
  expect(editObject(o, { c: "9" })).toBe('{"b":1,"c":9}');
  expect(editObject(o, { d: "9" })).toBe('{"b":1,"c":2,"d":9}');
});

test("the empty object can be added to", () => {
  expect(rawOf(emptyObject)).toBe("{}");
  expect(editObject(emptyObject, { a: "1" })).toBe('{"a":1}');
});

test("editing text gives what editing the value gives, and keeps every other member's bytes", () => {
  const key = fc.oneof(fc.constantFrom("a", "b", "c", "d", "e"), fc.string({ maxLength: 3 })).filter((k) => k !== "__proto__");
  const json = fc.jsonValue({ maxDepth: 2 }).map((v) => JSON.stringify(v));
  const object = fc.uniqueArray(fc.tuple(key, json), { selector: ([k]) => k, maxLength: 6 });
  const gap = fc.constantFrom("", " ", "  ");
  fc.assert(
    fc.property(object, fc.dictionary(key, fc.option(json), { noNullPrototype: true, maxKeys: 5 }), gap, gap, (members, changes, before, behind) => {
      const text = `{${before}${members.map(([k, v]) => `${quote(k)}${behind}:${before}${v}`).join(`${behind},${before}`)}${behind}}`;
      const edited = located(editObject(located(text), changes));
      const kept = members.filter(([k]) => changes[k] !== null).map(([k, v]) => [k, (Object.hasOwn(changes, k) ? changes[k] : v) as string]);
      const added = Object.entries(changes).filter(([k, v]) => v !== null && !members.some(([m]) => m === k));
      expect(edited.members.map((m) => [m.key, edited.text.slice(m.start, m.end)])).toEqual([...kept, ...added] as string[][]);
      for (const [k, v] of members) if (!Object.hasOwn(changes, k)) expect(edited.text).toContain(`${quote(k)}${behind}:${before}${v}`);
    }),
    { numRuns: 2000 },
  );
});

test("a quoted string is read back", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (s) => stringOf(located(`{"a":${quote(s)}}`), "a") === s));
});
