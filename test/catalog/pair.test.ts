import { describe, expect, test } from "bun:test";
import { defaultLimits, fingerprint } from "../../src/base/index.ts";
import { buildCatalog, callName, changesOf, type Offer, pageOf, routeOf, searchName, viewOf } from "../../src/catalog/index.ts";
import { matchesMax, matchesUsual, pairEntries } from "../../src/catalog/pair.ts";
import { catalogOf, everybody, offerOf, toolText } from "../fixtures/offers.ts";

const searched = (...offers: readonly Offer[]) => buildCatalog(offers, { separator: "__", searched: true, limits: defaultLimits });
const seen = (catalog: ReturnType<typeof searched>, scopes: readonly string[] | null = null, server: string | null = null) => viewOf(catalog, { id: "p", scopes }, { server });
const listed = (view: ReturnType<typeof seen>): string => {
  const page = pageOf(view, "tools", { cursor: null, pageSize: 1000, principalId: "p", key: null, now: 0 });
  return page.ok ? page.page.result.text : "";
};

describe("the pair", () => {
  test("is two definitions that say of themselves what they are", () => {
    const [call, search] = pairEntries.map(({ raw }) => JSON.parse(raw) as { name: string; inputSchema: { properties: Record<string, { maximum?: number; description: string }>; required: string[] } });
    expect([call?.name, search?.name]).toEqual([callName, searchName]);
    expect([call?.inputSchema.required, search?.inputSchema.required]).toEqual([["name"], ["query"]]);
    expect(search?.inputSchema.properties["limit"]?.maximum).toBe(matchesMax);
    expect(search?.inputSchema.properties["limit"]?.description).toContain(`Default: ${matchesUsual}.`);
  });

  test("is all that is listed of tools, the same bytes whoever asks and whatever there is", () => {
    const catalogs = [searched(), searched(offerOf("a", { tools: ["t"] })), searched(offerOf("b", { tools: ["u", "v"] }), offerOf("a", { tools: ["w"] }))];
    const lists = catalogs.flatMap((catalog) => [listed(seen(catalog)), listed(seen(catalog, ["server:a"])), listed(seen(catalog, []))]);
    expect(new Set(lists).size).toBe(1);
    // Whoever changes a definition changes what every model has learned of it, and what caches hold: on purpose only.
    expect(fingerprint(lists[0] ?? "").slice(0, 16)).toBe("4248a0aec8975603");
  });

  test("is announced as changed when it comes and goes, and at no other time", () => {
    const offers = [offerOf("a", { tools: ["t"] })];
    expect([...changesOf(seen(catalogOf(...offers)), seen(searched(...offers)))]).toEqual(["tools"]);
    expect([...changesOf(seen(searched(...offers)), seen(searched(offerOf("a", { tools: ["t", "u"] }))))]).toEqual([]);
  });

  test("leaves everything callable by its name, one server's own list as it was, and other lists alone", () => {
    const catalog = searched(offerOf("a", { tools: ["t"], prompts: ["p"] }));
    expect(routeOf(seen(catalog), "tools", "a__t")).toMatchObject({ backend: "a", local: "t" });
    expect(seen(catalog).lists.prompts.entries.map((entry) => entry.public)).toEqual(["a__p"]);
    expect(viewOf(catalog, everybody, { server: "a" }).lists.tools.entries.map((entry) => entry.public)).toEqual(["t"]);
    expect(routeOf(seen(catalog, [], null), "tools", "a__t")).toBeNull();
  });

  test("has names that no tool of a server can have among all servers, however it is configured", () => {
    const offers = [offerOf("a", { tools: [toolText(callName), "t"], offer: { prefix: "" } }), offerOf("1mcp", { tools: ["search"] })];
    for (const catalog of [catalogOf(...offers), searched(...offers)]) {
      expect(catalog.problems.map(({ backend, id, reason }) => [backend, id, reason])).toEqual([
        ["1mcp", "search", '"1mcp__search" is a name of the proxy\'s own tools'],
        ["a", callName, '"1mcp__call" is a name of the proxy\'s own tools'],
      ]);
    }
    expect(routeOf(seen(searched(...offers)), "tools", callName)?.backend).toBe("1mcp");
    expect(routeOf(seen(catalogOf(...offers)), "tools", callName)).toBeNull();
  });
});
