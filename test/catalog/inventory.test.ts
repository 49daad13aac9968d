import { expect, test } from "bun:test";
import { offerOf, toolText } from "../fixtures/offers.ts";

test("each kind of item is known by its own identifying member, the text stays as it came", () => {
  const { inventory } = offerOf("a", { tools: ["t"], prompts: ["p"], resources: ["file:///r"], templates: ["file:///{x}"] });
  expect(inventory?.lists.tools).toEqual([{ id: "t", raw: toolText("t") }]);
  expect(inventory?.lists.prompts[0]?.id).toBe("p");
  expect(inventory?.lists.resources[0]?.id).toBe("file:///r");
  expect(inventory?.lists.templates[0]?.id).toBe("file:///{x}");
});

test("an item without a name, or that is no object, gets an empty id instead of failing the list", () => {
  const { inventory } = offerOf("a", { tools: ['{"title":"x"}', "[1]", '{"name":7}', "good"] });
  expect(inventory?.lists.tools.map((item) => item.id)).toEqual(["", "", "", "good"]);
});

test("an inventory cannot be changed", () => {
  const { inventory } = offerOf("a", { tools: ["t"] });
  expect([inventory, inventory?.lists, inventory?.lists.tools, inventory?.lists.tools[0]].every(Object.isFrozen)).toBe(true);
});
