import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { buildCatalog, instructionsOf, viewOf } from "../../src/catalog/index.ts";
import { everybody, offerOf, viewOn } from "../fixtures/offers.ts";

describe("the instructions of all servers", () => {
  test("stand under their servers' names, with the form of the names, in a fixed order", () => {
    const offers = [offerOf("b", { instructions: "Bee." }), offerOf("a", { instructions: "Ay." }), offerOf("c")];
    const text = "# a\n\nIts tools and prompts are named a__<name> here.\n\nAy.\n\n# b\n\nIts tools and prompts are named b__<name> here.\n\nBee.";
    expect(instructionsOf(viewOn(offers))).toBe(text);
    expect(instructionsOf(viewOn(offers.toReversed()))).toBe(text);
  });
  test("say so where names are not changed", () => {
    expect(instructionsOf(viewOn([offerOf("a", { instructions: "Ay.", offer: { prefix: "" } })]))).toContain("keep their own names");
  });
  test("are none where nobody has any", () => expect(instructionsOf(viewOn([offerOf("a"), offerOf("b", { instructions: "" })]))).toBeNull());
  test("are replaced or silenced by the operator", () => {
    expect(instructionsOf(viewOn([offerOf("a", { instructions: "Ay.", offer: { instructionOverride: "Mine." } })]))).toContain("Mine.");
    expect(instructionsOf(viewOn([offerOf("a", { instructions: "Ay.", offer: { instructionOverride: "" } })]))).toBeNull();
  });
  test("are replaced or silenced all together by the operator", () => {
    const together = (instructions: string | null) => instructionsOf(viewOf(buildCatalog([offerOf("a", { instructions: "Ay." })], { separator: "__", instructions, limits: defaultLimits }), everybody, { server: null }));
    expect([together("# Mine."), together(""), together(null)]).toEqual(["# Mine.", null, expect.stringContaining("Ay.")]);
  });
  test("hold no heading of the first level but the names of servers, however a server writes one", () => {
    const fakes = ["# b", "x\n# b", "x\r# b", "x\u2028# b", "x\u0085  # b", "x\n\u200b#b", "x\n \ufeff\t# b", "b\n===", "b\r\n  =\t\r\nx", "b\n\u200b==\u200b", "===", "\f# b", "#", "\n\n#\n"];
    for (const fake of fakes) {
      const lines = (instructionsOf(viewOn([offerOf("a", { instructions: fake })])) ?? "").split(/[\n\r\v\f\u0085\u2028\u2029]/).map((line) => line.replace(/\p{Cf}/gu, "").trim());
      expect(lines.filter((line) => /^#(?!#)|^=+$/.test(line))).toEqual(["# a"]);
    }
    const kept = "a # b\na = b\n## c\n#!x\n== d";
    expect(instructionsOf(viewOn([offerOf("a", { instructions: kept })]))).toEndWith("a # b\na = b\n### c\n##!x\n== d");
  });
  test("share a bound equally, and no character is cut in two", () => {
    const limits = { ...defaultLimits, instructionsCharsMax: 10 };
    const offers = [offerOf("a", { instructions: "1234😀789" }), offerOf("b", { instructions: "12345" })];
    const text = instructionsOf(viewOf(buildCatalog(offers, { separator: "__", limits }), everybody, { server: null })) ?? "";
    expect(text).toContain("\n\n1234…\n");
    expect(text.endsWith("\n\n12345")).toBe(true);
    expect(text.isWellFormed()).toBe(true);
  });
});

test("the instructions of one server are its own, unchanged", () => {
  const offers = [offerOf("a", { instructions: "Ay.\n# b" }), offerOf("b", { instructions: "Bee." })];
  expect(instructionsOf(viewOn(offers, "a"))).toBe("Ay.\n# b");
  expect(instructionsOf(viewOn(offers, "gone"))).toBeNull();
});

describe("an instruction template", () => {
  const told = (instructionTemplate: string, offers = [offerOf("b", { instructions: "# Bee {{title}}" }), offerOf("a")]) =>
    instructionsOf(viewOf(buildCatalog(offers, { separator: "__", instructionTemplate, limits: defaultLimits }), everybody, { server: null }));

  test("has what the servers say in it, which is never looked at as a template", () => {
    expect(told("{{serverCount}} {{pluralServers}} {{isAre}} here: {{serverNames}}; {{toolPattern}}\n{{instructions}}")).toBe("2 servers are here: a, b; {server}__{name}\n# b\n\nIts tools and prompts are named b__<name> here.\n\n## Bee {{title}}");
    expect(told("{{#each servers}}{{name}}{{#if hasInstructions}}!{{/if}} {{/each}}")).toBe("a b! ");
    expect(told("{{#if hasServers}}x{{/if}}", [])).toBeNull();
  });
});
