import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits, type Limits } from "../../src/base/index.ts";
import { buildCatalog, type Entry, viewOf } from "../../src/catalog/index.ts";
import { createFinder, Indexes } from "../../src/catalog/search.ts";
import { type Measured, measured } from "../fixtures/corpus.ts";
import { everybody, offerOf } from "../fixtures/offers.ts";

interface Sketch {
  readonly description?: string;
  readonly title?: string;
  readonly parameters?: readonly string[];
}

const entryOf = (name: string, { description, title, parameters = [] }: Sketch = {}): Entry => {
  const raw = JSON.stringify({ name, title, description, inputSchema: { type: "object", properties: Object.fromEntries(parameters.map((key) => [key, {}])) } });
  return { public: name, raw, route: { backend: "b", local: name, tool: raw } };
};
const find = (query: string, entries: readonly Entry[], max = 10, limits: Partial<Limits> = {}): string[] => createFinder(entries, { ...defaultLimits, ...limits }, new Indexes(defaultLimits)).find(query, max).map((entry) => entry.public);

describe("a search", () => {
  test("finds words of names, titles, descriptions and parameters, and nothing without any", () => {
    const tools = [entryOf("a__zebra"), entryOf("b__x", { title: "Zebras" }), entryOf("c__x", { description: "A zebra." }), entryOf("d__x", { parameters: ["zebra_id"] }), entryOf("e__x")];
    expect(find("zebra", tools).toSorted()).toEqual(["a__zebra", "b__x", "c__x", "d__x"]);
    expect(find("lion", tools)).toEqual([]);
    expect(find("", tools)).toEqual([]);
  });

  test("counts a name more than a description, and that more than a parameter", () => {
    const filler = Array.from({ length: 6 }, (_, at) => entryOf(`f__other${at}`, { description: "quite other words", parameters: ["other"] }));
    const tools = [entryOf("a__p", { description: "one two", parameters: ["zebra"] }), entryOf("a__d", { description: "zebra two", parameters: ["one"] }), entryOf("a__zebra", { description: "one two", parameters: ["one"] }), ...filler];
    expect(find("zebra", tools)).toEqual(["a__zebra", "a__d", "a__p"]);
  });

  test("has the tool of just that name before all others", () => {
    const tools = [entryOf("git__log_all", { description: "git log git log" }), entryOf("git__log"), entryOf("git__log_one")];
    expect(find("git__log", tools)[0]).toBe("git__log");
    expect(find("  git__log_one ", tools)[0]).toBe("git__log_one");
  });

  test("knows other words for the same, and two words that make one", () => {
    const tools = [entryOf("a__delete_file"), entryOf("a__rollback"), entryOf("a__other")];
    expect(find("remove a document and its file", tools)[0]).toBe("a__delete_file");
    expect(find("roll back", tools)).toEqual(["a__rollback"]);
  });

  test("gives no more than is asked for, and the same each time whatever came first", () => {
    const tools = Array.from({ length: 12 }, (_, at) => entryOf(`s__same_${at}`));
    const names = find("same", tools, 5);
    expect(names).toHaveLength(5);
    expect(find("same", tools.toReversed(), 5)).toEqual(names);
  });

  test("looks at no more of a query and of a description than the limits say", () => {
    const tools = [entryOf("a__x", { description: `${"word ".repeat(20)}zebra` }), entryOf("b__lion")];
    expect(find("zebra", tools)).toEqual(["a__x"]);
    expect(find("zebra", tools, 10, { searchDescriptionCharsMax: 50 })).toEqual([]);
    expect(find("sixteen letters! lion", tools, 10, { searchQueryCharsMax: 16 })).toEqual([]);
  });

  test("keeps as many indexes as the limit says, those that were used last, and finds the same without", () => {
    const indexes = new Indexes({ searchIndexesMax: 2 });
    const finders = ["a", "b", "c"].map((name) => createFinder([entryOf(`${name}__zebra`)], defaultLimits, indexes));
    for (const round of [1, 2, 3]) for (const finder of finders) expect([round, finder.find("zebra", 1).length]).toEqual([round, 1]);
    expect(indexes.size).toBe(2);
    let made = 0;
    const make = () => ((made += 1), new Map());
    for (const at of [2, 1, 2, 0, 2, 1]) if (finders[at] !== undefined) indexes.of(finders[at], make);
    expect(made).toBe(2);
  });

  test("takes definitions that cannot be read for their names alone, and never throws", () => {
    const broken: Entry = { public: "a__zebra", raw: "{", route: { backend: "b", local: "zebra", tool: null } };
    expect(find("zebra", [broken])).toEqual(["a__zebra"]);
    fc.assert(fc.property(fc.string(), fc.array(fc.record({ name: fc.string(), description: fc.string() }), { maxLength: 5 }), (query, tools) => {
      const names = tools.map(({ name }) => name);
      for (const found of find(query, tools.map(({ name, description }) => entryOf(name, { description })))) expect(names).toContain(found);
    }));
  });
});

describe("what a caller may not see", () => {
  const offers = [offerOf("open", { tools: ["say"] }), offerOf("secret", { tools: ["say", "say_more"], offer: { hidden: true } }), offerOf("off", { tools: ["say"], offer: { disabledTools: ["say"] } })];
  const catalog = buildCatalog(offers, { separator: "__", searched: true, limits: defaultLimits });
  const seen = (scopes: readonly string[] | null, query: string): readonly { public: string }[] => viewOf(catalog, { id: "p", scopes }, { server: null }).finder?.find(query, 20) ?? [];

  test("is not found, by no word and no name", () => {
    for (const query of ["say", "secret", "secret__say", "off__say", "more"]) expect(seen(["server:open"], query).filter((entry) => entry.public !== "open__say")).toEqual([]);
    expect(seen(null, "say").map((entry) => entry.public).toSorted()).toEqual(["open__say", "secret__say", "secret__say_more"]);
  });

  test("is not found whatever there is, whoever asks and for what: what is found is what would be listed, and can be called", () => {
    const word = fc.constantFrom("read", "write", "file", "user", "delete", "x1");
    const server = fc.record({ tools: fc.uniqueArray(fc.tuple(word, word).map((two) => two.join("_")), { maxLength: 4 }), tags: fc.subarray(["t1", "t2"]), hidden: fc.boolean(), prefix: fc.boolean(), deny: fc.subarray(["read_*", "*_file", "x?_*"]), disabled: fc.subarray(["user_user", "read_read"]) });
    const scopes = fc.option(fc.subarray(["server:s0", "server:s1", "tag:t1", "server:none"]));
    fc.assert(fc.property(fc.array(server, { maxLength: 4 }), scopes, fc.array(word, { minLength: 1, maxLength: 3 }), (sketches, held, query) => {
      const random = sketches.map(({ tools, tags, hidden, prefix, deny, disabled }, at) => offerOf(`s${at}`, { tools, offer: { tags, hidden, prefix: prefix ? `s${at}` : "", disabledTools: disabled, tools: { allow: null, deny, rename: new Map([["user_file", "renamed_file"]]), descriptions: new Map() } } }));
      const shown = (searched: boolean) => viewOf(buildCatalog(random, { separator: "__", searched, limits: defaultLimits }), { id: "p", scopes: held }, { server: null });
      const { routes, entries } = shown(false).lists.tools;
      const { lists, finder } = shown(true);
      const names = entries.map((entry) => entry.public);
      const found = (words: string): readonly Entry[] => finder?.find(words, 1000) ?? [];
      expect(names).toEqual(expect.arrayContaining(found(query.join(" ")).map((entry) => entry.public)));
      for (const entry of found(query.join(" "))) expect(lists.tools.routes.get(entry.public)).toBe(entry.route);
      expect([...lists.tools.routes.keys()].filter((name) => !name.startsWith("1mcp__")).toSorted()).toEqual([...routes.keys()].toSorted());
      expect(names.map((name) => found(name)[0]?.public)).toEqual(names);
    }));
  });

  test("changes nothing of the order of what he sees", () => {
    const alone = buildCatalog([offerOf("open", { tools: ["say", "list_say", "other"] })], { separator: "__", searched: true, limits: defaultLimits });
    const beside = buildCatalog([offerOf("open", { tools: ["say", "list_say", "other"] }), offerOf("secret", { tools: Array.from({ length: 50 }, (_, at) => `say_${at}`) })], { separator: "__", searched: true, limits: defaultLimits });
    const order = (of: typeof alone) => viewOf(of, { id: "p", scopes: ["server:open"] }, { server: null }).finder?.find("list what they say", 20).map((entry) => entry.public);
    expect(order(beside)).toEqual(order(alone) ?? []);
  });

  test("is all that is searched: there is nothing to search where tools are listed", () => {
    expect(viewOf(buildCatalog(offers, { separator: "__", limits: defaultLimits }), everybody, { server: null }).finder).toBeNull();
    expect(viewOf(catalog, everybody, { server: "open" }).finder).toBeNull();
  });
});

describe("over the definitions of real servers", () => {
  const shareOf = ({ top, questions }: Measured, count: 1 | 3 | 5 | 10): number => top[count] / questions;

  test("a tool that does what is asked is among the first five for nine questions in ten", async () => {
    const result = await measured("questions");
    expect([result.tools, result.servers, result.questions]).toEqual([511, 21, 100]);
    expect(shareOf(result, 5)).toBeGreaterThanOrEqual(0.9);
    expect(result.top).toEqual({ 1: 75, 3: 93, 5: 96, 10: 99 });
  });

  test("and for nine in ten of the questions that nothing was tuned with", async () => {
    const result = await measured("heldOut");
    expect(shareOf(result, 5)).toBeGreaterThanOrEqual(0.9);
    expect(result.top).toEqual({ 1: 37, 3: 45, 5: 48, 10: 49 });
  });
});
