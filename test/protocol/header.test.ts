import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { defaultLimits, Fault } from "../../src/base/index.ts";
import { decodeHeader, encodeHeader, type Mirrored, mirroredArguments, mirrorHeaders } from "../../src/protocol/header.ts";
import { parseObject, type RawObject } from "../../src/protocol/raw.ts";

const located = (value: unknown): RawObject => parseObject(typeof value === "string" ? value : JSON.stringify(value), defaultLimits) as RawObject;
const argumentsOf = (inputSchema: unknown): Mirrored => mirroredArguments(located({ name: "t", inputSchema }), defaultLimits);

/** A function inside the official client or server, which exports it to its own parts only. */
async function official<F>(side: "client" | "server", name: string): Promise<F> {
  const dist = dirname(Bun.resolveSync(`@modelcontextprotocol/${side}`, import.meta.dir));
  for (const file of readdirSync(dist).filter((f) => /^src-.*\.mjs$/.test(f))) {
    const found = Object.values((await import(join(dist, file))) as Record<string, unknown>).find((f) => typeof f === "function" && f.name === name);
    if (found !== undefined) return found as F;
  }
  throw new Error(`${side} has no ${name} any more`);
}

type Declaration = { path: string[]; headerName: string; type: string };
type Scanned = { valid: boolean; declarations?: Declaration[] };
const build = await official<(declarations: Declaration[], args: unknown) => Record<string, string>>("client", "buildMcpParamHeaders");
const scan = await official<(schema: unknown) => Scanned>("client", "scanXMcpHeaderDeclarations");
const validate = await official<(declarations: Declaration[], args: unknown, headers: Headers) => unknown>("server", "validateMcpParamHeaders");

const declared: Declaration[] = [{ path: ["a"], headerName: "A", type: "string" }];
/** How the official client writes a value. */
const officiallyEncoded = (value: string): string | undefined => build(declared, { a: value })["Mcp-Param-A"];
/** Whether the official server takes a header for a value. */
const officiallyEqual = (header: string, value: string): boolean =>
  validate(declared, { a: value }, { get: () => header } as unknown as Headers) === undefined;

test.each([
  ["", ""],
  ["plain text!", "plain text!"],
  ["a\tb", "a\tb"],
  [" a", "=?base64?IGE=?="],
  ["a\t", "=?base64?YQk=?="],
  ["é", "=?base64?w6k=?="],
  ["a\nb", "=?base64?YQpi?="],
  ["\u007f", "=?base64?fw==?="],
  ["=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="],
  ["=?base64?", "=?base64?"],
  ["=?BASE64?YQ==?=", "=?BASE64?YQ==?="],
])("%p is written as %p and read back", (value, header) => {
  expect(encodeHeader(value)).toBe(header);
  expect(decodeHeader(header)).toBe(value);
});

test.each([
  ["=?base64?SGVsbG8=?=", "Hello"],
  ["  \t=?base64?SGVsbG8=?=\t ", "Hello"],
  [" x y ", "x y"],
  ["=?base64??=", ""],
  ["=?base64?77u/YQ==?=", "\ufeffa"],
  ["=?base64?SGVsbG8=", "=?base64?SGVsbG8="],
  ["SGVsbG8=?=", "SGVsbG8=?="],
  ["=?Base64?SGVsbG8=?=", "=?Base64?SGVsbG8=?="],
  ["=?base64?=", "=?base64?="],
  ["\u00a0x", "\u00a0x"],
])("%p is read as %p", (header, value) => {
  expect(decodeHeader(header)).toBe(value);
});

test.each(["SGVsbG8", "SGVsbG8==", "SGVs bG8=", "SGVsbG8=\n", "SGVs_G8=", "SGVsbG8=SGVs", "=", "/w==", "7aCA"])("the sentinel around %p is broken", (content) => {
  expect(decodeHeader(`=?base64?${content}?=`)).toBeNull();
});

test("any value survives, and is what a header may hold", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string()), (value) => {
      const header = encodeHeader(value);
      expect(header).toMatch(/^[\t\x20-\x7e]*$/);
      expect(header.trim()).toBe(header);
      expect(decodeHeader(header)).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

// Checklist: S3
test("values are written as the official client writes them, the empty one apart, and its server takes ours", () => {
  const tricky = fc.constantFrom("=?base64?", "?=", "=?base64?YQ==?=", "=?base64?=", " ", "\t", "é", "\u007f");
  const value = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.array(tricky, { maxLength: 4 }).map((parts) => parts.join("")));
  fc.assert(
    fc.property(value, (text) => {
      if (text !== "") expect(encodeHeader(text)).toBe(officiallyEncoded(text) as string);
      expect(officiallyEqual(encodeHeader(text), text)).toBe(true);
      expect(decodeHeader(officiallyEncoded(text) as string)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test("headers are read as the official server reads them", () => {
  const content = fc.oneof(fc.base64String(), fc.stringMatching(/^[A-Za-z0-9+/=_ -]{0,8}$/));
  fc.assert(
    fc.property(content, (text) => {
      const header = `=?base64?${text}?=`;
      const value = decodeHeader(header);
      // The official decoder loses a byte order mark at the beginning.
      if (value === null) expect(officiallyEqual(header, "")).toBe(false);
      else if (!value.startsWith("\ufeff")) expect(officiallyEqual(header, value)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("annotated arguments are found at any depth of properties", () => {
  const schema = {
    type: "object",
    properties: {
      region: { type: "string", "x-mcp-header": "Region" },
      page: { type: "object", properties: { size: { type: "integer", "x-mcp-header": "Page-Size" }, "x-mcp-header": { type: "boolean" } } },
      plain: { type: "number", default: { "x-mcp-header": "data, not an annotation" } },
    },
  };
  expect(argumentsOf(schema)).toEqual({
    ok: true,
    args: [
      { header: "Region", path: ["region"], type: "string" },
      { header: "Page-Size", path: ["page", "size"], type: "integer" },
    ],
  });
  expect(mirroredArguments(located('{"inputSchema":{"properties":{"a":{"type":"string","x\\u002dmcp-header":"A"}}}}'), defaultLimits)).toEqual({
    ok: true,
    args: [{ header: "A", path: ["a"], type: "string" }],
  });
});

test("a tool without annotations or without a schema has none", () => {
  for (const schema of [{}, { properties: { a: { type: "string" } } }, null, 7, "x-mcp-header"]) expect(argumentsOf(schema)).toEqual({ ok: true, args: [] });
  expect(mirroredArguments(located({ name: "t" }), defaultLimits)).toEqual({ ok: true, args: [] });
});

const annotated = (type: unknown, header: unknown): object => ({ properties: { a: { type, "x-mcp-header": header } } });

test.each([
  ["the root", { type: "string", "x-mcp-header": "A" }],
  ["an empty name", annotated("string", "")],
  ["a name that is no token", annotated("string", "A B")],
  ["a name with a line break", annotated("string", "A\r\nB")],
  ["a name that is no string", annotated("string", 1)],
  ["a number", annotated("number", "A")],
  ["an object", annotated("object", "A")],
  ["several types", annotated(["string", "null"], "A")],
  ["no type", annotated(undefined, "A")],
  ["equal names but for case", { properties: { a: { type: "string", "x-mcp-header": "Ab" }, b: { type: "string", "x-mcp-header": "aB" } } }],
  ...["items", "not", "if", "then", "else", "additionalProperties", "contains", "propertyNames"].map((k) => [k, { properties: { a: { [k]: { type: "string", "x-mcp-header": "A" } } } }]),
  ...["oneOf", "anyOf", "allOf", "prefixItems"].map((k) => [k, { [k]: [{ properties: { a: { type: "string", "x-mcp-header": "A" } } }] }]),
  ...["$defs", "definitions", "patternProperties", "dependentSchemas"].map((k) => [k, { [k]: { d: { type: "string", "x-mcp-header": "A" } } }]),
] as [string, unknown][])("an annotation is refused: %s", (_, schema) => {
  const read = argumentsOf(schema);
  expect(read.ok).toBe(false);
  expect(read.ok ? "" : read.reason).toContain("x-mcp-header");
  expect(scan(schema).valid).toBe(false);
});

// Checklist: S4
test("annotations are judged as the official client judges them", () => {
  const leaf = fc.record(
    { type: fc.constantFrom("string", "integer", "boolean", "number", "object"), "x-mcp-header": fc.constantFrom("A", "a", "B-1", "C", "", "D E") },
    { requiredKeys: ["type"] },
  );
  const { schema } = fc.letrec<{ schema: object }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      leaf,
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("schema"), { noNullPrototype: true }).map((properties) => ({ type: "object", properties })),
      fc.tuple(fc.constantFrom("items", "anyOf", "$defs", "enum"), tie("schema")).map(([k, s]) => ({ [k]: k === "anyOf" || k === "enum" ? [s] : k === "$defs" ? { d: s } : s })),
    ),
  }));
  fc.assert(
    fc.property(schema, (input) => {
      const ours = argumentsOf(input);
      const theirs = scan(input);
      expect(ours.ok).toBe(theirs.valid);
      if (ours.ok) expect(ours.args.map((a) => ({ path: [...a.path], headerName: a.header, type: a.type }))).toEqual(theirs.declarations as never);
    }),
    { numRuns: 2000 },
  );
});

const args = [
  { header: "S", path: ["s"], type: "string" },
  { header: "N", path: ["o", "n"], type: "integer" },
  { header: "B", path: ["b"], type: "boolean" },
] as const;

test("arguments are mirrored: strings, integers, booleans; nothing for absent or null ones", () => {
  expect(mirrorHeaders(args, located('{"arguments":{"s":"é\\n","o":{"n":42},"b":false}}'), defaultLimits)).toEqual({
    "Mcp-Param-S": "=?base64?w6kK?=",
    "Mcp-Param-N": "42",
    "Mcp-Param-B": "false",
  });
  expect(mirrorHeaders(args, located('{"arguments":{"s":"","o":{"n":4.2e1},"b":null}}'), defaultLimits)).toEqual({ "Mcp-Param-S": "", "Mcp-Param-N": "42" });
  for (const none of ['{"arguments":{"s":null,"o":7}}', '{"arguments":{"s":[],"o":{"n":{}}}}', '{"arguments":{"o":{"n":9007199254740993}}}', '{"arguments":[]}', "{}"])
    expect(mirrorHeaders(args, located(none), defaultLimits)).toEqual({});
  expect(mirrorHeaders([], located("{}"), defaultLimits)).toEqual({});
});

test("an argument that came twice is refused, for the header could say another thing than the body", () => {
  for (const text of ['{"arguments":{"s":"a","s":"b"}}', '{"arguments":{"o":{"n":1,"\\u006e":2}}}']) expect(() => mirrorHeaders(args, located(text), defaultLimits)).toThrow(Fault);
});

test("mirrored headers are those of the official client, empty strings apart", () => {
  const value = fc.oneof(fc.string({ minLength: 1 }), fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const given = fc.record({ s: value, o: fc.oneof(fc.record({ n: value }), value), b: value }, { requiredKeys: [] });
  const declarations = args.map((a) => ({ path: [...a.path], headerName: a.header, type: a.type }));
  fc.assert(
    fc.property(given, (input) => {
      const text = JSON.stringify({ arguments: input });
      expect(mirrorHeaders(args, located(text), defaultLimits)).toEqual(build(declarations, (JSON.parse(text) as { arguments: unknown }).arguments));
    }),
    { numRuns: 1000 },
  );
});
