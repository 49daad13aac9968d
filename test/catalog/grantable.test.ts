import { expect, test } from "bun:test";
import { grantableOf } from "../../src/catalog/index.ts";
import { catalogOf, offerOf } from "../fixtures/offers.ts";

test("every tag and every server can be granted, with the tools that stand behind it at the moment, hidden ones too", () => {
  const catalog = catalogOf(offerOf("b", { tools: ["t"], offer: { tags: ["z y", "a"], hidden: true } }), offerOf("a", { tools: ["u", "v"], offer: { tags: ["a"] } }));
  const [a, b] = [{ name: "a", tools: ["u", "v"] }, { name: "b", tools: ["t"] }];
  expect(grantableOf(catalog)).toEqual([
    { scope: "tag:a", servers: [b, a] },
    { scope: "tag:z%20y", servers: [b] },
    { scope: "server:b", servers: [b] },
    { scope: "server:a", servers: [a] },
    { scope: "admin:read", servers: [] },
    { scope: "admin:write", servers: [] },
  ]);
});
