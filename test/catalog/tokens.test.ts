import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { buildCatalog, costsOf, definitionsOf } from "../../src/catalog/index.ts";
import { catalogOf, offerOf } from "../fixtures/offers.ts";

const tool = '{"name":"log","title":"Log","description":"Says \\"it\\".","inputSchema":{"type":"object"},"outputSchema":{"type":"object"}}';

test("a model is told of the name, the description and the schema of the arguments, under the public name", () => {
  const { catalog, servers, pair } = definitionsOf(catalogOf(offerOf("git", { tools: [tool, "push"], instructions: "Hi." }), offerOf("none")));
  expect(catalog).toBe("full");
  expect(servers).toEqual([
    { name: "git", instructions: "Hi.", tools: [{ name: "git__log", text: '{"name":"git__log","description":"Says \\"it\\".","inputSchema":{"type":"object"}}' }, { name: "git__push", text: '{"name":"git__push","inputSchema":{"type":"object"}}' }] },
    { name: "none", instructions: null, tools: [] },
  ]);
  expect(pair.map(({ name }) => name)).toEqual(["1mcp__call", "1mcp__search"]);
  expect(definitionsOf(buildCatalog([], { separator: "__", searched: true, limits: defaultLimits })).catalog).toBe("search");
});

test("costs are summed, the dearest first, and instructions count in each way of showing", () => {
  const text = (name: string, length: number) => ({ name, text: "x".repeat(length) });
  const servers = [{ name: "a", instructions: "four", tools: [text("s", 10)] }, { name: "b", instructions: null, tools: [text("t", 20), text("u", 66)] }];
  const costs = costsOf({ catalog: "full", servers, pair: [text("p", 6)] }, ({ length }) => length);
  expect(costs.modes).toEqual({ full: { tokens: 100 }, search: { tokens: 10, saved: 90, savedPercent: 90 } });
  expect(costs.servers).toEqual([
    { name: "b", tools: 2, toolTokens: 86, instructionTokens: 0, each: [{ name: "u", tokens: 66 }, { name: "t", tokens: 20 }] },
    { name: "a", tools: 1, toolTokens: 10, instructionTokens: 4, each: [{ name: "s", tokens: 10 }] },
  ]);
  expect(costsOf({ catalog: "full", servers: [], pair: [] }, () => 1).modes.search).toEqual({ tokens: 0, saved: 0, savedPercent: 0 });
});
