import { expect, test } from "bun:test";
import { changesOf } from "../../src/catalog/index.ts";
import { offerOf, type OfferSketch, viewOn } from "../fixtures/offers.ts";

const changes = (before: OfferSketch, after: OfferSketch, server: string | null = null): string[] =>
  [...changesOf(viewOn([offerOf("a", before)], server), viewOn([offerOf("a", after)], server))].sort();

test("equal lists are no change, however often they were fetched", () => {
  expect(changes({ tools: ["t"], fetchedAt: 1 }, { tools: ["t"], fetchedAt: 2 })).toEqual([]);
});
test("an item that came, went or was described anew is a change of its list alone", () => {
  expect(changes({ tools: ["t"] }, { tools: ["t", "u"] })).toEqual(["tools"]);
  expect(changes({ prompts: ["p"] }, {})).toEqual(["prompts"]);
  expect(changes({ tools: ["t"] }, { tools: ['{"name":"t","title":"T","inputSchema":{"type":"object"}}'] })).toEqual(["tools"]);
});
test("templates are told as resources", () => {
  expect(changes({}, { templates: ["x://{a}"] })).toEqual(["resources"]);
  expect(changes({ resources: ["x://1"] }, { resources: ["x://1", "x://2"], templates: ["x://{a}"] })).toEqual(["resources"]);
});
test("another order is a change only where order shows", () => {
  expect(changes({ tools: ["t", "u"] }, { tools: ["u", "t"] })).toEqual([]);
  expect(changes({ tools: ["t", "u"] }, { tools: ["u", "t"] }, "a")).toEqual(["tools"]);
});
test("what is not visible does not show", () => {
  const before = viewOn([offerOf("a"), offerOf("b")], "a");
  expect([...changesOf(before, viewOn([offerOf("a"), offerOf("b", { tools: ["t"] })], "a"))]).toEqual([]);
});
