import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits } from "../../src/base/index.ts";
import { buildCatalog, type Offer } from "../../src/catalog/index.ts";
import { catalogOf, namesOf, offerOf, toolText, viewOn } from "../fixtures/offers.ts";

const allText = (offers: readonly Offer[]): string => {
  const { lists } = viewOn(offers);
  return JSON.stringify([lists.tools, lists.prompts, lists.resources, lists.templates].map((list) => list.whole().result.text));
};

describe("names on all servers", () => {
  test("tools and prompts carry their server's prefix, resources and templates keep their URIs", () => {
    const view = viewOn([offerOf("git", { tools: ["log"], prompts: ["review"], resources: ["file:///a"], templates: ["file:///{x}"] })]);
    expect(namesOf(view, "tools")).toEqual(["git__log"]);
    expect(namesOf(view, "prompts")).toEqual(["git__review"]);
    expect(namesOf(view, "resources")).toEqual(["file:///a"]);
    expect(namesOf(view, "templates")).toEqual(["file:///{x}"]);
  });

  test("an empty prefix leaves names alone, another prefix and separator are used as written", () => {
    expect(namesOf(viewOn([offerOf("git", { tools: ["log"], offer: { prefix: "" } })]), "tools")).toEqual(["log"]);
    const catalog = buildCatalog([offerOf("git", { tools: ["log"], offer: { prefix: "g" } })], { separator: "-", limits: defaultLimits });
    expect(catalog.servers[0]?.merged.tools[0]?.public).toBe("g-log");
  });

  test("only the name is changed, every other byte stays", () => {
    const raw = '{"inputSchema":{ "type":"object","9":1.10},"name" : "log","zz":12345678901234567890}';
    expect(catalogOf(offerOf("git", { tools: [raw] })).servers[0]?.merged.tools[0]?.raw).toBe('{"inputSchema":{ "type":"object","9":1.10},"name" : "git__log","zz":12345678901234567890}');
  });

  test("they stand in order of code units", () => {
    expect(namesOf(viewOn([offerOf("b", { tools: ["z", "A", "a"] }), offerOf("a", { tools: ["z"] })]), "tools")).toEqual(["a__z", "b__A", "b__a", "b__z"]);
  });
});

describe("what cannot be shown is told", () => {
  // Checklist: G1
  test("two servers whose prefixes make one name: the first configured has it", () => {
    const offers = [offerOf("x", { tools: ["b__c"], offer: { prefix: "a" } }), offerOf("y", { tools: ["c"], offer: { prefix: "a__b" } })];
    expect(viewOn(offers).lists.tools.entries.map((entry) => [entry.public, entry.route.backend])).toEqual([["a__b__c", "x"]]);
    expect(catalogOf(...offers).problems).toEqual([{ backend: "y", kind: "tools", id: "c", reason: '"a__b__c" is already taken by server "x"' }]);
  });

  // Checklist: G6
  test("one URI of two servers: the first configured has it, the other is kept behind it", () => {
    const offers = [offerOf("x", { resources: ["file:///a"] }), offerOf("y", { resources: ["file:///a"] })];
    expect(viewOn(offers).lists.resources.entries.filter((entry) => entry.public === "file:///a").map((entry) => entry.route.backend)).toEqual(["x"]);
    expect(catalogOf(...offers).problems).toMatchObject([{ backend: "y", kind: "resources", id: "file:///a" }]);
  });

  test("a name listed twice by one server counts once", () => {
    const catalog = catalogOf(offerOf("a", { tools: ["t", '{"name":"t","title":"second","inputSchema":{"type":"object"}}'] }));
    expect(catalog.servers[0]?.merged.tools.map((entry) => entry.raw)).toEqual(['{"name":"a__t","inputSchema":{"type":"object"}}']);
    expect(catalog.problems).toMatchObject([{ backend: "a", id: "t", reason: expect.stringContaining("more than once") }]);
  });

  test("items without a name, tools without a schema, tools with a broken header annotation", () => {
    const broken = '{"name":"b","inputSchema":{"type":"object","properties":{"p":{"type":"object","x-mcp-header":"P"}}}}';
    const offers = [offerOf("a", { tools: ['{"title":"x"}', '{"name":"s"}', broken, "good"] })];
    expect(catalogOf(...offers).problems.map(({ id }) => id)).toEqual(["", "b", "s"]);
    expect(namesOf(viewOn(offers), "tools")).toEqual(["a__good"]);
    expect(namesOf(viewOn(offers, "a"), "tools")).toEqual(["s", "good"]);
  });

  test("not what the operator switched off: it is gone without a word", () => {
    const offers = [offerOf("a", { tools: ["on", "off"], offer: { disabledTools: ["off"] } })];
    expect(catalogOf(...offers).problems).toEqual([]);
    expect(namesOf(viewOn(offers), "tools")).toEqual(["a__on"]);
    expect(namesOf(viewOn(offers, "a"), "tools")).toEqual(["on"]);
  });
});

test("one server alone lists every item as it came, in its own order", () => {
  const tools = ['{ "name":"z","inputSchema":{}}', toolText("a"), '{"name":"z","inputSchema":{"type":"object"}}'];
  const view = viewOn([offerOf("s", { tools }), offerOf("other", { tools: ["x"] })], "s");
  expect(view.lists.tools.entries.map((entry) => entry.raw)).toEqual(tools);
  expect(view.lists.tools.whole().result.text).toBe(`{"tools":[${tools.join(",")}]}`);
});

test("a server of which nothing is known yet is there and empty", () => {
  const catalog = catalogOf(offerOf("a", { offer: { inventory: null } }));
  expect(catalog.servers[0]).toMatchObject({ name: "a", info: null, instructions: null, capabilities: "{}" });
  expect(catalog.problems).toEqual([]);
});

test("a catalog is frozen all the way to its entries", () => {
  const catalog = catalogOf(offerOf("a", { tools: ["t"] }));
  const server = catalog.servers[0];
  expect([catalog, catalog.servers, catalog.problems, server, server?.merged, server?.own.tools, server?.merged.tools, server?.merged.tools[0]].every(Object.isFrozen)).toBe(true);
});

describe("for any offers", () => {
  const local = fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/);
  const sketch = fc.record({ tools: fc.array(local, { maxLength: 8 }), prompts: fc.array(local, { maxLength: 4 }) });
  // Servers whose names do not make each other's: without collisions the order of the offers must not show.
  const offersArb = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,6}$/), sketch), { selector: ([name]) => name, maxLength: 5 });
  const offers = (sketches: readonly [string, { tools: string[]; prompts: string[] }][]): Offer[] =>
    sketches.map(([name, { tools, prompts }]) => offerOf(name, { tools, prompts, resources: tools.map((tool) => `${name}://${tool}`) }));

  // Checklist: N19, G1
  test("the lists of all servers are the same bytes whatever order they arrive in", () => {
    fc.assert(
      fc.property(offersArb, (sketches) => {
        const forward = offers(sketches);
        fc.pre(catalogOf(...forward).problems.every((problem) => !problem.reason.includes("taken")));
        expect(allText(offers([...sketches].reverse()))).toBe(allText(forward));
      }),
    );
  });

  test("the same offers give the same bytes and the same problems", () => {
    fc.assert(
      fc.property(offersArb, (sketches) => {
        expect(allText(offers(sketches))).toBe(allText(offers(sketches)));
        expect(catalogOf(...offers(sketches)).problems).toEqual(catalogOf(...offers(sketches)).problems);
      }),
    );
  });

  test("every public name is unique and sorted", () => {
    fc.assert(
      fc.property(offersArb, (sketches) => {
        const names = namesOf(viewOn(offers(sketches)), "tools");
        expect(names).toEqual([...new Set(names)].sort((a, b) => (a < b ? -1 : 1)));
      }),
    );
  });
});
