import { expect, test } from "bun:test";
import { offerOf, toolText } from "../fixtures/offers.ts";

test("each kind of item is known by its own identifying member, the text stays as it came", () => {
  const { inventory } = offerOf("a", { tools: ["t"], prompts: ["p"], resources: ["file:///r"], templates: ["file:///{x}"] });
  expect(inventory?.lists.tools).toMatchObject([{ id: "t", raw: toolText("t"), anywhere: true, linked: null, flaws: [] }]);
  expect(inventory?.lists.prompts[0]?.id).toBe("p");
  expect(inventory?.lists.resources[0]?.id).toBe("file:///r");
  expect(inventory?.lists.templates[0]?.id).toBe("file:///{x}");
});

test("an item without a name, or that is no object, gets an empty id instead of failing the list", () => {
  const { inventory } = offerOf("a", { tools: ['{"title":"x"}', "[1]", '{"name":7}', "good"] });
  expect(inventory?.lists.tools.map((item) => item.id)).toEqual(["", "", "", "good"]);
});

test("what an item loses among others, or why it is not there, is told with it", () => {
  const flawsOf = (...tools: string[]) => offerOf("a", { tools }).inventory?.lists.tools.map(({ anywhere, flaws, merged }) => [anywhere, merged !== null, ...flaws]);
  expect(flawsOf("good", '{"name":"t","title":null,"inputSchema":{}}', '{"name":"t"}', "[1]")).toEqual([
    [true, true],
    [true, true, "it is shown without what clients cannot read of title"],
    [true, false, "inputSchema is not an object"],
    [false, false, "it has no name or URI, or is no object"],
  ]);
  expect(offerOf("a", { prompts: ['{"name":"p","arguments":5}'] }).inventory?.lists.prompts).toMatchObject([{ anywhere: true, merged: null, flaws: ["what it holds is not what clients can read"] }]);
});

test("an inventory cannot be changed", () => {
  const { inventory } = offerOf("a", { tools: ["t"] });
  expect([inventory, inventory?.lists, inventory?.lists.tools, inventory?.lists.tools[0]].every(Object.isFrozen)).toBe(true);
});
