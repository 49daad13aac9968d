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

test("a tool whose public name another server's has is shown under none", () => {
  const offers = ["a", "b"].map((name) => offerOf(name, { tools: ["t"], offer: { prefix: "" } }));
  for (const searched of [false, true]) {
    const catalog = buildCatalog(offers, { separator: "__", limits: defaultLimits, searched });
    expect(["a", "b"].map((name) => toolsOf(catalog, offers, name))).toEqual([
      [{ name: "t", public: "t", because: "no rule of “a” hides it" }],
      [{ name: "t", public: null, because: "another server that is seen has its public name" }],
    ]);
  }
});
