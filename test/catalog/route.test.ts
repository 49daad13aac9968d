import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { buildCatalog, completionRoute, ownersOf, routeOf, viewOf } from "../../src/catalog/index.ts";
import { parseObject, type RawObject } from "../../src/protocol/index.ts";
import { everybody, offerOf, toolText, viewOn } from "../fixtures/offers.ts";

const object = (value: unknown): RawObject => parseObject(JSON.stringify(value), defaultLimits) as RawObject;

describe("a public name", () => {
  const view = viewOn([offerOf("a", { tools: ["t", "same"], prompts: ["p"] }), offerOf("b", { tools: ["same", "a__t"] })]);

  test("leads to its backend, its own name there, and its definition", () => {
    expect(routeOf(view, "tools", "a__t")).toEqual({ backend: "a", local: "t", tool: toolText("t") });
    expect(routeOf(view, "prompts", "a__p")).toEqual({ backend: "a", local: "p", tool: null });
  });
  test("is exact: neither another case nor a part of it leads anywhere", () => {
    for (const name of ["A__t", "a__T", "a__", "__t", "a__t ", "", "constructor", "__proto__"]) expect(routeOf(view, "tools", name)).toBeNull();
    expect(routeOf(view, "prompts", "a__t")).toBeNull();
  });
  // Checklist: G9
  test("without its prefix leads to the only backend that has it, never to one of several", () => {
    expect(routeOf(view, "tools", "t")).toMatchObject({ backend: "a", local: "t" });
    expect(routeOf(view, "tools", "same")).toBeNull();
  });
  test("with its prefix comes before another's own name", () => {
    expect(routeOf(view, "tools", "b__a__t")).toMatchObject({ backend: "b", local: "a__t" });
    expect(routeOf(view, "tools", "a__t")).toMatchObject({ backend: "a" });
  });
  test("without its prefix is not listed", () => {
    expect(view.lists.tools.entries.map((entry) => entry.public)).not.toContain("t");
  });
  test("on one server is that server's own", () => {
    const alone = viewOn([offerOf("a", { tools: ["t"] }), offerOf("b", { tools: ["u"] })], "a");
    expect(routeOf(alone, "tools", "t")).toMatchObject({ backend: "a", local: "t" });
    expect(routeOf(alone, "tools", "a__t")).toBeNull();
    expect(routeOf(alone, "tools", "u")).toBeNull();
  });
});

describe("the owners of a URI", () => {
  const offers = [
    offerOf("a", { resources: ["file:///x", "both://1"], templates: ["file:///{+path}"] }),
    offerOf("b", { resources: ["both://1"], templates: ["file:///src/{name}", "wide://{a}"] }),
    offerOf("c", { tools: ['{"name":"app","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://app/main"}}}'], resources: ["odd:1"] }),
  ];
  const view = viewOn(offers);
  const owners = (uri: string): string[] => ownersOf(view, uri).map((route) => route.backend);

  test("who lists it comes first, in the configured order", () => {
    expect(owners("both://1")).toEqual(["a", "b"]);
    expect(owners("file:///x")).toEqual(["a"]);
  });
  test("then whose template fits, the most literal first", () => expect(owners("file:///src/main.ts")).toEqual(["b", "a"]));
  test("then who alone uses its scheme", () => {
    expect(owners("odd:other")).toEqual(["c"]);
    expect(owners("WIDE://a/b")).toEqual(["b"]);
    expect(owners("both://2")).toEqual([]);
  });
  test("who named it in a result comes behind who lists it and before all others, in the configured order", () => {
    const told = (uri: string, ...learned: string[]): string[] => ownersOf(view, uri, learned).map((route) => route.backend);
    expect(told("https://example.org/", "c", "a")).toEqual(["a", "c"]);
    expect(told("file:///x", "b")).toEqual(["a", "b"]);
    expect(told("ui://app/main", "a")).toEqual(["a", "c"]);
    expect(told("file:///src/main.ts", "c")).toEqual(["c", "b", "a"]);
    expect(told("https://example.org/", "gone")).toEqual([]);
  });
  test("an alias leads to its server alone, with the URI that it stands for", () => {
    expect(ownersOf(view, "x-1mcp://b/both%3A%2F%2F1")).toEqual([{ backend: "b", local: "both://1", tool: null }]);
    expect(ownersOf(view, "x-1mcp://gone/both%3A%2F%2F1")).toEqual([]);
  });
  test("an alias of a server is that server's whoever lists it, and a template of aliases too; who does is read under an alias of its own", () => {
    const offers = [offerOf("a", { resources: ["x-1mcp://b/u", "x-1mcp://gone/u", "x://1"], templates: ["x-1mcp://b/-/y://{id}"] }), offerOf("b", { resources: ["x://1"] })];
    const listed = viewOn(offers);
    const to = (uri: string): string[][] => ownersOf(listed, uri).map(({ backend, local }) => [backend, local]);
    expect(listed.lists.resources.entries.map((entry) => entry.public)).toEqual(["x-1mcp://a/x-1mcp%3A%2F%2Fb%2Fu", "x-1mcp://b/x%3A%2F%2F1", "x-1mcp://gone/u", "x://1"]);
    expect(listed.lists.templates.entries.map((entry) => entry.public)).toEqual(["x-1mcp://a/-/x-1mcp://b/-/y://{id}"]);
    expect([to("x-1mcp://b/u"), to("x-1mcp://b/-/y://1")]).toEqual([[["b", "u"]], [["b", "y://1"]]]);
    expect([to("x-1mcp://a/x-1mcp%3A%2F%2Fb%2Fu"), to("x-1mcp://a/-/x-1mcp://b/-/y://1"), to("x-1mcp://gone/u")]).toEqual([[["a", "x-1mcp://b/u"]], [["a", "x-1mcp://b/-/y://1"]], [["a", "x-1mcp://gone/u"]]]);
  });
  test("whose template fits everything is not asked for the aliases of servers that are not there", () => {
    const wide = viewOn([offerOf("a", { templates: ['{"uriTemplate":"{+any}"}'] }), offerOf("b", { templates: ["x-1mcp://inner/-/doc://{id}"], resources: ["y:1"] })]);
    const to = (uri: string): string[] => ownersOf(wide, uri).map(({ backend }) => backend);
    expect([to("x-1mcp://gone/doc%3A%2F%2F1"), to("X-1mcp://b/y%3A1"), to("x-1mcp://inner/-/doc://1"), to("z://1")]).toEqual([["b"], ["b"], ["b"], ["a"]]);
    const alone = viewOn([offerOf("a", { templates: ['{"uriTemplate":"{+any}"}'] })]);
    for (const uri of ["x-1mcp://gone/doc%3A%2F%2F1", "X-1MCP://a/u", "x-1mcp://a/%"]) expect(ownersOf(alone, uri)).toEqual([]);
  });
  test("an app's page that a tool names leads to that tool's backend, unlisted as it is", () => expect(owners("ui://app/main")).toEqual(["c"]));
  test("nobody is asked who cannot be meant", () => {
    expect(owners("https://example.org/")).toEqual([]);
    expect(owners("")).toEqual([]);
  });
  test("the URI goes to them unmodified", () => expect(ownersOf(view, "file:///src/main.ts")[0]).toEqual({ backend: "b", local: "file:///src/main.ts", tool: null }));
  test("on one server it is always that server, and nobody where it is not found", () => {
    expect(ownersOf(viewOn(offers, "c"), "file:///x")).toEqual([{ backend: "c", local: "file:///x", tool: null }]);
    expect(ownersOf(viewOn(offers, "gone"), "file:///x")).toEqual([]);
  });
  test("matching templates stops at its bound, whatever a backend has listed", () => {
    const templates = Array.from({ length: 50 }, (_, index) => `w{a}{b}${index}`).concat("z://{x}");
    const limits = { ...defaultLimits, matchStepsMax: 400 };
    const bounded = viewOf(buildCatalog([offerOf("a", { templates })], { separator: "__", limits }), everybody, { server: null });
    expect(ownersOf(bounded, "z://1").map((route) => route.backend)).toEqual(["a"]);
    expect(ownersOf(bounded, "w-short0").map((route) => route.backend)).toEqual(["a"]);
    expect(ownersOf(bounded, `w${"1".repeat(400)}0`)).toEqual([]);
  });
});

test("matching stays within its bound where a template's text repeats itself", () => {
  const templates = Array.from({ length: 200 }, (_, index) => `a{+v}${"a".repeat(4000 + index)}b`);
  const view = viewOn([offerOf("a", { templates })]);
  const steps = view.patterns.reduce((sum, pattern) => sum + pattern.steps, 0);
  expect(steps).toBeGreaterThan((200 * 4000) / 64);
  expect(ownersOf(view, "a".repeat(8000))).toEqual([]);
});

test("a server cannot use up the steps that another's templates need", () => {
  const greedy = Array.from({ length: 1000 }, (_, index) => `z://{a}{b}${index}`);
  const limits = { ...defaultLimits, matchStepsMax: 1000 };
  const view = viewOf(buildCatalog([offerOf("greedy", { templates: greedy }), offerOf("other", { templates: ["z://{x}"] })], { separator: "__", limits }), everybody, { server: null });
  expect(ownersOf(view, "z://abc").map(({ backend }) => backend)).toContain("other");
});

describe("a reference to complete", () => {
  const view = viewOn([offerOf("a", { prompts: ["p"], templates: ["x://{id}"] }), offerOf("b", { templates: ["x://{id}", "y://{id}"], resources: ["z://1"] })]);

  test("a prompt goes to its owner under its own name there", () => {
    expect(completionRoute(view, object({ type: "ref/prompt", name: "a__p" }))).toMatchObject({ backend: "a", local: "p" });
    expect(completionRoute(view, object({ type: "ref/prompt", name: "nope" }))).toBeNull();
    expect(completionRoute(view, object({ type: "ref/prompt" }))).toBeNull();
  });
  test("a template goes to the first that lists it as it is written, a URI to its owner", () => {
    expect(completionRoute(view, object({ type: "ref/resource", uri: "x://{id}" }))).toMatchObject({ backend: "a", local: "x://{id}" });
    expect(completionRoute(view, object({ type: "ref/resource", uri: "y://{id}" }))).toMatchObject({ backend: "b" });
    expect(completionRoute(view, object({ type: "ref/resource", uri: "z://1" }))).toMatchObject({ backend: "b", local: "z://1" });
    expect(completionRoute(view, object({ type: "ref/resource" }))).toBeNull();
    expect(completionRoute(view, object({ type: "ref/resource", uri: "x-1mcp://b/-/x://{id}" }))).toMatchObject({ backend: "b", local: "x://{id}" });
    expect(completionRoute(view, object({ type: "ref/resource", uri: "x-1mcp://b/z%3A%2F%2F1" }))).toMatchObject({ backend: "b", local: "z://1" });
    expect(completionRoute(view, object({ type: "ref/resource", uri: "https://q" }), () => ["b"])).toMatchObject({ backend: "b", local: "https://q" });
    expect(completionRoute(view, object({ type: "ref/resource", uri: "https://q" }))).toBeNull();
  });
  test("anything else is nobody's", () => expect(completionRoute(view, object({ type: "ref/else", name: "a__p" }))).toBeNull());
  test("on one server it is that server's, even where it lists no such thing", () => {
    const alone = viewOn([offerOf("a", {})], "a");
    expect(completionRoute(alone, object({ type: "ref/prompt", name: "any" }))).toEqual({ backend: "a", local: "any", tool: null });
    expect(completionRoute(alone, object({ type: "ref/resource", uri: "q://{x}" }))).toMatchObject({ backend: "a" });
    expect(completionRoute(alone, object({ type: "ref/else" }))).toMatchObject({ backend: "a" });
    expect(completionRoute(viewOn([], "a"), object({ type: "ref/prompt", name: "any" }))).toBeNull();
  });
});
