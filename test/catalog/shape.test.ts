import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ListPromptsResultSchema, ListResourcesResultSchema, ListResourceTemplatesResultSchema, ListToolsResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { defaultLimits } from "../../src/base/index.ts";
import { legacyResult } from "../../src/era/convert.ts";
import { shapedOf } from "../../src/catalog/shape.ts";
import { type Kind, parseObject, type Raw, rawOf, type RawObject } from "../../src/protocol/index.ts";
import { catalogOf, offerOf, viewOn } from "../fixtures/offers.ts";

const object = (raw: Raw): RawObject => parseObject(raw, defaultLimits) as RawObject;
const shaped = (kind: Kind, raw: Raw) => shapedOf(kind, object(raw), "the id", defaultLimits);
const textOf = (kind: Kind, raw: Raw): Raw | null => {
  const found = shaped(kind, raw);
  return found === null ? null : rawOf(found.item);
};

const sound: readonly (readonly [Kind, Raw])[] = [
  ["tools", '{ "name":"t","x":1.10,"annotations":{"readOnlyHint":true,"own":null},"outputSchema":{"type":"object","properties":{"a":{}},"required":["a"]},"execution":{"taskSupport":"optional"},"icons":[{"src":"a","sizes":["1x1"],"theme":"dark"}]}'],
  ["tools", '{"name":"t","outputSchema":{"type":"array","items":true}}'],
  ["prompts", '{"name":"p","title":"T","arguments":[ {"name":"a","required":false} ],"_meta":{"a":12345678901234567890}}'],
  ["resources", '{"uri":"u","name":"r","size":1e3,"mimeType":"a/b","annotations":{"audience":["user"],"priority":0.5,"lastModified":"2025-01-12T15:00:58+02:00"}}'],
  ["templates", '{"uriTemplate":"u","name":"r","description":"\\u00e9"}'],
];

describe("an item beside those of other servers", () => {
  test.each(sound)("of %s that is sound keeps every byte", (kind, raw) => {
    expect(textOf(kind, raw)).toBe(raw);
    expect(shaped(kind, raw)?.lost).toEqual([]);
  });

  test.each<[Kind, Raw, Raw]>([
    ["tools", '{"name":"t","description":null,"x":null}', '{"name":"t","x":null}'],
    ["tools", '{"name":"t","title":5,"_meta":[]}', '{"name":"t"}'],
    ["tools", '{"name":"t","annotations":{"readOnlyHint":null,"destructiveHint":"no","openWorldHint":true}}', '{"name":"t","annotations":{"openWorldHint":true}}'],
    ["tools", '{"name":"t","icons":[{"src":"a","theme":"blue"},{"mimeType":"a/b"},7]}', '{"name":"t","icons":[{"src":"a"}]}'],
    ["tools", '{"name":"t","outputSchema":true}', '{"name":"t"}'],
    ["tools", '{"name":"t","outputSchema":{"type":"object","required":"a"}}', '{"name":"t"}'],
    ["tools", '{"name":"t","outputSchema":{"type":"object","properties":{"a":true,"b":false,"c":{}}}}', '{"name":"t","outputSchema":{"type":"object","properties":{"a":{},"b":{"not":{}},"c":{}}}}'],
    ["prompts", '{"name":"p","arguments":[{"name":"a","required":"yes"}]}', '{"name":"p","arguments":[{"name":"a"}]}'],
    ["resources", '{"uri":"u","name":"r","size":"5","mimeType":null,"annotations":{"audience":["user","robot"],"priority":2,"lastModified":"yesterday"}}', '{"uri":"u","name":"r","annotations":{"audience":["user"]}}'],
    ["resources", '{"uri":"u","name":"r","annotations":{"lastModified":"2025-13-45T25:00:00Z"}}', '{"uri":"u","name":"r","annotations":{}}'],
  ])("of %s loses what no client reads: %s", (kind, raw, expected) => {
    expect(textOf(kind, raw)).toBe(expected);
    expect(shaped(kind, raw)?.lost).not.toEqual([]);
  });

  test("that has no name is known by its URI", () => {
    expect(textOf("resources", '{"uri":"u"}')).toBe('{"uri":"u","name":"the id"}');
    expect(textOf("templates", '{"name":null,"uriTemplate":"u"}')).toBe('{"name":"the id","uriTemplate":"u"}');
  });

  test("that is a prompt with arguments nobody can read is not shown", () => {
    for (const args of ["5", '{"a":1}', '[{"title":"without name"}]', '["a"]']) expect(shaped("prompts", `{"name":"p","arguments":${args}}`)).toBeNull();
  });
});

// One malformed item would cost the client the lists of all servers: what it checks is checked here by its own schema.
describe("whatever a server lists", () => {
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(null, true, "object", "user", [], {}, [null], [{}], { type: "object" }, { type: "object", properties: { a: true } }, { type: "object", properties: [] }, { src: 5 }, [{ src: "x", sizes: "1x1" }], [{ name: 1 }], { audience: "user" }, { priority: "1" }),
  );
  const member = fc.constantFrom("title", "description", "icons", "_meta", "annotations", "outputSchema", "inputSchema", "execution", "arguments", "size", "mimeType", "name", "x");
  const item = fc.dictionary(member, odd, { maxKeys: 5 });
  const kinds = [
    ["tools", "name", ListToolsResultSchema],
    ["prompts", "name", ListPromptsResultSchema],
    ["resources", "uri", ListResourcesResultSchema],
    ["templates", "uriTemplate", ListResourceTemplatesResultSchema],
  ] as const;

  test.each(kinds)("its %s can be read by clients that check them, and what is lost is told", (kind, id, schema) => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 4 }), (items) => {
        const listed = items.map((one, index) => JSON.stringify({ inputSchema: { type: "object" }, ...one, [id]: `i${index}` }));
        const offers = [offerOf("odd", { [kind]: listed }), offerOf("good", { [kind]: ["fine"] })];
        const list = viewOn(offers).lists[kind];
        const told2025 = legacyResult(list.whole().result, kind === "templates" ? "resources/templates/list" : `${kind}/list`, "2025-11-25", defaultLimits);
        expect(schema.safeParse(JSON.parse(told2025)).error?.message).toBeUndefined();
        expect(list.entries.some(({ route }) => route.backend === "good")).toBe(true);
        const told = new Set(catalogOf(...offers).problems.map((problem) => problem.id));
        for (const [index] of items.entries()) if (!list.entries.some(({ route }) => route.local === `i${index}`)) expect(told.has(`i${index}`)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
