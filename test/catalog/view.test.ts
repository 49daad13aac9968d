import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ownersOf, serverScope, tagScope, type View, viewKeyOf, viewOf } from "../../src/catalog/index.ts";
import { parseObject, type Principal } from "../../src/protocol/index.ts";
import { listResult, schemeOf } from "../../src/catalog/view.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { catalogOf, everybody, namesOf, offerOf, viewOn } from "../fixtures/offers.ts";

const holder = (...scopes: string[]): Principal => ({ id: "p", scopes });
const three = [
  offerOf("a", { tools: ["t"], resources: ["x://1"], offer: { tags: ["web", "dev tools"] } }),
  offerOf("b", { tools: ["t", "only"], resources: ["x://1"], offer: { tags: ["dev"] } }),
  offerOf("c", { tools: ["u"] }),
];

describe("what a caller sees", () => {
  const seen = (principal: Principal, server: string | null = null): string[] => viewOf(catalogOf(...three), principal, { server }).servers.map(({ name }) => name);

  test("without scopes of his own: everything", () => expect(seen(everybody)).toEqual(["a", "b", "c"]));
  // Checklist: G4
  test("with scopes: the servers named and those with a tag named, nothing else", () => {
    expect(seen(holder("server:c"))).toEqual(["c"]);
    expect(seen(holder("tag:web", "server:c"))).toEqual(["a", "c"]);
    expect(seen(holder())).toEqual([]);
    expect(seen(holder("server:*", "tag:*", "a", "offline_access"))).toEqual([]);
  });
  test("what an expression left over may be kept by nobody else, though the whole list may", () => {
    const catalog = catalogOf(offerOf("a", { tools: ["t"], cache: { tools: { ttlMs: 1000, scope: "public" } }, offer: { tags: ["web"] } }));
    expect([{ server: null }, { server: null, filter: "web" }].map((selection) => viewOf(catalog, everybody, selection).lists.tools.fresh.scope)).toEqual(["public", "private"]);
  });
  test("a name that a scope cannot hold is percent-encoded in it", () => {
    expect(tagScope("dev tools")).toBe("tag:dev%20tools");
    expect(serverScope('"ü%\\')).toBe("server:%22%C3%BC%25%5C");
    expect(serverScope("plain-1.x_y!#[]~")).toBe("server:plain-1.x_y!#[]~");
    expect(seen(holder("tag:dev%20tools"))).toEqual(["a"]);
  });
  test("one server selected: that one, if it is his to see", () => {
    expect(seen(everybody, "b")).toEqual(["b"]);
    expect(seen(holder("server:a"), "b")).toEqual([]);
  });
  test("a selected server that is not there or not his is not found, and both look the same", () => {
    const catalog = catalogOf(...three);
    expect(viewOf(catalog, holder("server:a"), { server: "b" })).toMatchObject({ found: false, servers: [] });
    expect(viewOf(catalog, holder("server:a"), { server: "nope" })).toMatchObject({ found: false, servers: [] });
    expect(viewOf(catalog, holder(), { server: null }).found).toBe(true);
  });
  test("of two servers with one template the second's is shown under an alias, and leads to it however it is expanded", () => {
    const view = viewOn([offerOf("a", { templates: ["x://{id}"] }), offerOf("b", { templates: ["x://{id}"] })]);
    expect(view.lists.templates.entries.map((entry) => [entry.public, entry.route.backend])).toEqual([["x-1mcp://b/-/x://{id}", "b"], ["x://{id}", "a"]]);
    expect(ownersOf(view, "x://a%20b").map(({ backend }) => backend)).toEqual(["a", "b"]);
    expect(ownersOf(view, "x-1mcp://b/-/x://a%20b")).toEqual([{ backend: "b", local: "x://a%20b", tool: null }]);
  });
  test("a URI of two servers is the first one's, or the one's that he may see; the second of two is shown under an alias", () => {
    const shown = (principal: Principal) => viewOf(catalogOf(...three), principal, { server: null }).lists.resources.entries.map((entry) => [entry.public, entry.route.backend]);
    expect(shown(everybody)).toEqual([["x-1mcp://b/x%3A%2F%2F1", "b"], ["x://1", "a"]]);
    expect(shown(holder("server:b"))).toEqual([["x://1", "b"]]);
  });
});

test("a name that a server has which he may not see is free for another's", () => {
  const catalog = catalogOf(offerOf("x", { tools: ["t"], prompts: ["p"], offer: { prefix: "" } }), offerOf("y", { tools: ["t"], prompts: ["p"], offer: { prefix: "" } }));
  const seen = (...scopes: string[]) => {
    const { lists } = viewOf(catalog, holder(...scopes), { server: null });
    return (["tools", "prompts"] as const).map((kind) => [...lists[kind].entries.map((entry) => [entry.public, entry.route.backend]), [...lists[kind].routes.values()].map(({ backend }) => backend)]);
  };
  expect(seen("server:y")).toEqual([[["t", "y"], ["y"]], [["p", "y"], ["y"]]]);
  expect(seen("server:x", "server:y")).toEqual([[["t", "x"], ["x"]], [["p", "x"], ["x"]]]);
});

test("what is hidden leaves no trace in anything that a view holds", () => {
  const word = fc.constantFrom("t", "x://1", "x://{id}", "x-1mcp://b/x%3A%2F%2F1", "x-1mcp://a/-/x://{id}");
  const sketch = fc.record({ tools: fc.array(word, { maxLength: 3 }), prompts: fc.array(word, { maxLength: 3 }), resources: fc.array(word, { maxLength: 3 }), templates: fc.array(word, { maxLength: 3 }), prefix: fc.constantFrom("", "p") });
  const offer = (name: string, { prefix, ...lists }: { tools: string[]; prompts: string[]; resources: string[]; templates: string[]; prefix: string }) => offerOf(name, { ...lists, offer: { prefix } });
  const traces = (view: View): unknown => [
    Object.values(view.lists).map((list) => [list.whole().result.text, [...list.routes], list.fresh.until]),
    [...view.owners, ...view.schemes],
    ["x://1", "x://2", "x-1mcp://a/x%3A%2F%2F1", "x-1mcp://b/x%3A%2F%2F1", "x-1mcp://hidden/u"].map((uri) => ownersOf(view, uri, ["hidden"])),
  ];
  fc.assert(
    fc.property(sketch, sketch, sketch, fc.nat(2), (hidden, one, other, at) => {
      const shown = [offer("a", one), offer("b", other)];
      const all = [...shown];
      all.splice(at, 0, offer("hidden", hidden));
      const seenBy = (offers: typeof shown) => viewOf(catalogOf(...offers), holder("server:a", "server:b"), { server: null });
      expect(traces(seenBy(all))).toEqual(traces(seenBy(shown)));
    }),
  );
});

test("for any scopes, nothing that can be reached lies outside what is visible", () => {
  const scope = fc.constantFrom<string[]>("server:a", "server:b", "server:c", "tag:web", "tag:dev", "tag:", "server:", "x");
  const reached = (view: View): string[] => {
    const routes = Object.values(view.lists).flatMap((list) => [...list.routes.values(), ...list.entries.map((entry) => entry.route)]);
    return [...routes, ...["x://1", "x://other", "x-1mcp://b/x%3A%2F%2F1"].flatMap((uri) => ownersOf(view, uri, ["a", "b", "c"]))].map((route) => route.backend);
  };
  fc.assert(
    fc.property(fc.array(scope), fc.constantFrom(null, "a", "b", "c", "d"), (scopes, server) => {
      const allowed = new Set(three.filter(({ name, tags }) => scopes.includes(`server:${name}`) || tags.some((tag) => scopes.includes(`tag:${tag}`))).map(({ name }) => name));
      const view = viewOf(catalogOf(...three), holder(...scopes), { server });
      expect(view.servers.every(({ name }) => allowed.has(name) && (server === null || name === server))).toBe(true);
      expect(reached(view).every((backend) => view.servers.some(({ name }) => name === backend))).toBe(true);
    }),
  );
});

test("callers with the same scopes in any order share a view, others do not", () => {
  const key = (principal: Principal, server: string | null): string => viewKeyOf(principal, { server });
  expect(key(holder("x", "y"), null)).toBe(key({ id: "q", scopes: ["y", "x"] }, null));
  expect(new Set([key(everybody, null), key(holder(), null), key(holder("x y"), null), key(holder("x", "y"), null), key(everybody, "a"), key(everybody, "null")]).size).toBe(6);
});

test("a list is joined once and then handed out as it is", () => {
  const { tools } = viewOn(three).lists;
  expect(tools.whole()).toBe(tools.whole());
  expect(tools.whole().items).toHaveLength(4);
});

test("a list's result is located as a scan would locate it", () => {
  for (const cursor of [null, 'with "quotes"']) {
    const { text, open, close, members } = listResult("templates", ['{"a":1}', "2"], cursor);
    const scanned = parseObject(text, defaultLimits);
    expect({ open, close }).toEqual({ open: scanned?.open ?? -1, close: scanned?.close ?? -1 });
    expect(members.map(({ key, from, start, end }) => ({ key, from, start, end }))).toEqual((scanned?.members ?? []).map(({ key, from, start, end }) => ({ key, from, start, end })));
  }
});

test("a view is frozen, its lists too", () => {
  const view = viewOn(three);
  expect([view, view.lists, view.lists.tools, view.lists.tools.entries, view.patterns].every(Object.isFrozen)).toBe(true);
  expect(namesOf(view, "tools")).toEqual(["a__t", "b__only", "b__t", "c__u"]);
});

test("a scheme is told in lower case, and what has none has none", () => {
  expect(schemeOf("HTTPS://x")).toBe("https");
  expect(schemeOf("no-scheme")).toBeNull();
  expect(schemeOf("{+any}")).toBeNull();
});
