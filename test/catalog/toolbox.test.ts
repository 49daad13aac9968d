import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { buildCatalog } from "../../src/catalog/merge.ts";
import { toolsOf } from "../../src/catalog/toolbox.ts";
import { offerOf } from "../fixtures/offers.ts";

test("all tools of a server are told, shown or not, and why; of one of which nothing is known, that", () => {
  const offers = [offerOf("a", { tools: ["t", "off"], offer: { disabledTools: ["off"] } }), { ...offerOf("b"), inventory: null }];
  const catalog = buildCatalog(offers, { separator: "__", limits: defaultLimits });
  expect(toolsOf(catalog, offers, "a")).toEqual([
    { name: "t", public: "a__t", because: "no rule of “a” hides it" },
    { name: "off", public: null, because: "“disabledTools” of “a” names it" },
  ]);
  expect([toolsOf(catalog, offers, "b"), toolsOf(catalog, offers, "c")]).toEqual([null, null]);
});
