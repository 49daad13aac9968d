import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type AskedTool, explainTool, selectedServers } from "../../src/catalog/explain.ts";
import { buildCatalog } from "../../src/catalog/merge.ts";
import type { Offer } from "../../src/catalog/types.ts";
import { viewOf } from "../../src/catalog/view.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { parseFilter } from "../../src/config/index.ts";
import { offerOf } from "../fixtures/offers.ts";

const presets = new Map(Object.entries({ work: "web && !old" }).map(([name, text]) => {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(text);
  return [name, { query: parsed.query }];
}));
const around = (offers: readonly Offer[], more: readonly { readonly name: string; readonly prefix: string; readonly state: string }[] = []) => ({
  catalog: buildCatalog(offers, { separator: "__", limits: defaultLimits, presets }),
  offers,
  servers: [...offers.map(({ name, prefix }) => ({ name, prefix, state: "ready" })), ...more],
});
const offers = [
  offerOf("a", { tools: ["t", "off", "new"], offer: { tags: ["web"], disabledTools: ["off"], withheld: new Set(["tools/new"]) } }),
  offerOf("b", { tools: ["t"], offer: { prefix: "", tags: ["old"] } }),
  offerOf("c", { tools: ["t"], offer: { prefix: "" } }),
  { ...offerOf("d"), inventory: null },
];
const known = around(offers, [{ name: "e", prefix: "ee", state: "disabled" }]);
const ask = (name: string, asked: Partial<AskedTool> = {}) => explainTool(known, { name, scopes: null, filter: null, ...asked });
/** The rules that hide, with why. */
const hidden = (name: string, asked: Partial<AskedTool> = {}) => ask(name, asked).map(({ server, steps }) => [server, ...steps.filter(({ shows }) => !shows).map(({ because }) => because)]);

test("a tool that is seen has every rule's yes, and its public name", () => {
  expect(ask("a__t")).toEqual([
    {
      server: "a",
      tool: "t",
      public: "a__t",
      steps: [
        { rule: "server", shows: true, because: "server “a” is ready" },
        { rule: "definition", shows: true, because: "it lists the tool “t”" },
        { rule: "tools", shows: true, because: "no rule of “a” hides it" },
        { rule: "grant", shows: true, because: "everything is granted" },
        { rule: "name", shows: true, because: "it is seen as “a__t”" },
      ],
    },
  ]);
});

test("it is found by its public name, its own, and server/tool; several can be meant", () => {
  expect(ask("a/t").map(({ server }) => server)).toEqual(["a"]);
  expect(ask("t").map(({ server, public: shown }) => [server, shown])).toEqual([["a", "a__t"], ["b", "t"], ["c", null]]);
  expect(ask("nothing")).toEqual([]);
});

describe("each rule that hides it says so", () => {
  test("a tool that is switched off", () => expect(hidden("a__off")).toEqual([["a", "“disabledTools” of “a” names it"]]));
  test("one that is not trusted", () => expect(hidden("a__new")).toEqual([["a", "it is not what was trusted, and “pin” of “a” is “block”: see `1mcp mcp pins a`"]]));
  test("a name that another one has", () => expect(hidden("c/t")).toEqual([["c", "another server that is seen has its public name"]]));
  test("a grant that does not cover it", () => {
    expect(hidden("a/t", { scopes: ["server:b"] })).toEqual([["a", "none of its scopes (server:b) covers the server: that takes server:a or tag:web"]]);
    expect(hidden("c/t", { scopes: [] })).toEqual([["c", "none of its scopes (none) covers the server: that takes server:c"]]);
    expect(ask("a/t", { scopes: ["tag:web"] })[0]?.steps[3]).toEqual({ rule: "grant", shows: true, because: "the scope tag:web covers the server" });
  });
  test("a selection that leaves its server out, with what is true of it and what not", () => {
    expect(hidden("b/t", { filter: "preset:work" })).toEqual([["b", "the selection preset:work leaves out the server: web is false, old is true"]]);
    expect(hidden("a/t", { filter: "preset:gone" })).toEqual([["a", "the selection preset:gone leaves out the server: preset:gone is false"]]);
    expect(hidden("a/t", { filter: "a &&" })).toEqual([["a", "the selection a && leaves out the server: "]]);
    expect(ask("a/t", { filter: "preset:work" })[0]?.steps[4]?.because).toBe("the selection preset:work takes the server: web is true, old is false");
  });
  test("every rule that hides it is told at once", () => {
    expect(hidden("a/off", { scopes: [], filter: "!web" })[0]?.length).toBe(4);
  });
  test("a tool with a flaw is told with the reason", () => {
    const [flawed] = explainTool(around([offerOf("x", { tools: ['{"name":"","inputSchema":{"type":"object"}}'] })]), { name: "x/", scopes: null, filter: null });
    expect(flawed?.steps.find(({ rule }) => rule === "tools")?.shows).toBe(false);
  });
});

test("a name that begins like a tool of a server which has none of that name is told as that", () => {
  expect(hidden("a__tt")).toEqual([["a", "it lists no tool “tt”; did you mean “t”?"]]);
  expect(hidden("a__zzzz")).toEqual([["a", "it lists no tool “zzzz”"]]);
  expect(hidden("d__t")).toEqual([["d", "nothing is known yet of what it offers"]]);
  expect(hidden("ee__t")).toEqual([["e", "server “e” is switched off"]]);
});

test("whatever is asked, a tool is seen when all rules show it, and only then", () => {
  const scopes = fc.option(fc.subarray(["server:a", "server:b", "tag:web", "tag:old", "server:c"]));
  const filters = fc.option(fc.constantFrom("web", "!web", "preset:work", "server:c", "cap:tools", "cap:prompts", "web || old"));
  fc.assert(
    fc.property(fc.constantFrom("t", "off", "new"), scopes, filters, (name, granted, filter) => {
      const view = viewOf(known.catalog, { id: "", scopes: granted }, filter === null ? { server: null } : { server: null, filter });
      for (const { server, tool, public: shown, steps } of ask(name, { scopes: granted, filter })) {
        expect(shown !== null).toBe(steps.every(({ shows }) => shows));
        expect(shown).toBe(view.lists.tools.entries.find(({ route }) => route.backend === server && route.local === tool)?.public ?? null);
      }
    }),
  );
});

test("where the catalog is searched the same tools are seen, for the same reasons", () => {
  const searched = { ...known, catalog: buildCatalog(offers, { separator: "__", limits: defaultLimits, presets, searched: true }) };
  // The last word alone differs: where a client has it.
  const instead = (name: string) => ({ rule: "name", shows: true, because: `it is in no list of tools, since “catalog” is “search”: 1mcp__search finds it as “${name}”, and 1mcp__call calls it` }) as const;
  for (const name of ["a__t", "t", "off", "new", "d__t"]) {
    const full = ask(name).map(({ steps, ...tool }) => ({ ...tool, steps: tool.public === null ? steps : [...steps.slice(0, -1), instead(tool.public)] }));
    expect(explainTool(searched, { name, scopes: null, filter: null })).toEqual(full);
  }
});

test("all servers are listed with whether an expression selects them, and what they have to show", () => {
  expect(selectedServers(known.catalog, "preset:work").map(({ name, selected, tools }) => [name, selected, tools])).toEqual([["a", true, 1], ["b", false, 1], ["c", false, 1], ["d", false, 0]]);
});
