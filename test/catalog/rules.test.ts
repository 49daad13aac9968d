import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits } from "../../src/base/index.ts";
import { buildCatalog, routeOf } from "../../src/catalog/index.ts";
import { matches } from "../../src/catalog/rules.ts";
import type { ToolRules } from "../../src/config/index.ts";
import { catalogOf, namesOf, offerOf, type OfferSketch, viewOn } from "../fixtures/offers.ts";

interface Sketch {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly rename?: Readonly<Record<string, string>>;
  readonly descriptions?: Readonly<Record<string, string>>;
}

const rulesOf = ({ allow, deny = [], rename = {}, descriptions = {} }: Sketch): ToolRules => ({ allow: allow ?? null, deny, rename: new Map(Object.entries(rename)), descriptions: new Map(Object.entries(descriptions)) });
const ruled = (rules: Sketch, tools: OfferSketch["tools"], more: OfferSketch["offer"] = {}) => offerOf("git", { ...(tools === undefined ? {} : { tools }), offer: { tools: rulesOf(rules), ...more } });
const shown = (rules: Sketch, ...tools: string[]): string[] => namesOf(viewOn([ruled(rules, tools)]), "tools");
const told = (rules: Sketch, ...tools: string[]): string[] => catalogOf(ruled(rules, tools)).problems.map(({ id, reason }) => `${id}: ${reason}`);

describe("which tools there are", () => {
  test("is what allow names and deny does not", () => {
    expect(shown({ allow: ["get_*", "log"] }, "get_a", "get_b", "log", "push")).toEqual(["git__get_a", "git__get_b", "git__log"]);
    expect(shown({ deny: ["push*"] }, "log", "push", "push_force")).toEqual(["git__log"]);
    expect(shown({ allow: ["*"], deny: ["?ush"] }, "log", "push")).toEqual(["git__log"]);
    expect(shown({ allow: [] }, "log")).toEqual([]);
  });

  test("is the same when their server alone is asked, and for whoever calls by the server's own name", () => {
    const offers = [ruled({ deny: ["push"], rename: { log: "history" } }, ["push", "log"])];
    expect(namesOf(viewOn(offers, "git"), "tools")).toEqual(["history"]);
    for (const server of ["git", null]) for (const name of ["push", "git__push"]) expect(routeOf(viewOn(offers, server), "tools", name)).toBeNull();
  });

  test("a pattern means what a regular expression of the same form means", () => {
    const piece = fc.constantFrom("a", "b", "ab", "*", "?", ".", "_");
    const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "_"), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), text, (pieces, name) => {
        const source = pieces.map((one) => (one === "*" ? "[^]*" : one === "?" ? "[^]" : one.replace(".", "\\."))).join("");
        expect(matches(pieces.join(""), name)).toBe(new RegExp(`^${source}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });

  test("a pattern of many stars takes no time to speak of", () => {
    // What this process worked for it: whatever else the computer does meanwhile takes time too.
    const before = process.cpuUsage();
    expect(matches(`${"*a".repeat(63)}*`, `${"a".repeat(62)}${"b".repeat(66)}`)).toBe(false);
    expect(process.cpuUsage(before).user).toBeLessThan(50_000);
  });
});

describe("a tool that is renamed", () => {
  test("has its new name in every list, the rest of it byte for byte, and goes to the server under its own", () => {
    const raw = '{"inputSchema":{ "type":"object","9":1.10},"name" : "log","zz":12345678901234567890}';
    const offers = [ruled({ rename: { log: "history" } }, [raw, "push"])];
    for (const [server, name] of [[null, "git__history"], ["git", "history"]] as const) {
      const view = viewOn(offers, server);
      expect(routeOf(view, "tools", name)).toMatchObject({ backend: "git", local: "log", tool: raw });
      expect(view.lists.tools.entries[0]?.raw).toBe(raw.replace('"log"', JSON.stringify(name)));
    }
  });

  test("keeps its name where another one is called so, and that is told", () => {
    expect(shown({ rename: { log: "push" } }, "log", "push")).toEqual(["git__log", "git__push"]);
    expect(told({ rename: { log: "push" } }, "log", "push")).toEqual(['log: it cannot be renamed to "push", which another tool of the server is called']);
    expect(shown({ rename: { log: "push", push: "log" } }, "log", "push")).toEqual(["git__log", "git__push"]);
    expect(routeOf(viewOn([ruled({ rename: { log: "push", push: "log" } }, ["log", "push"])]), "tools", "git__push")?.local).toBe("log");
    expect(shown({ rename: { log: "push" }, deny: ["push"] }, "log", "push")).toEqual(["git__push"]);
  });

  test("is known by the server's own name to its apps still", () => {
    expect(routeOf(viewOn([ruled({ rename: { log: "history" } }, ["log"])]), "tools", "log")?.local).toBe("log");
  });
});

describe("what is said of a tool", () => {
  test("is what the operator says, or nothing where he says nothing", () => {
    const tools = ['{"name":"a","description":"A","inputSchema":{"type":"object"}}', '{"name":"b","description":"B","inputSchema":{"type":"object"}}', '{"name":"c","inputSchema":{"type":"object"}}'];
    const rules = { descriptions: { a: 'It "says".', b: "", c: "C" } };
    for (const server of [null, "git"]) {
      const all = viewOn([ruled(rules, tools)], server).lists.tools.entries.map(({ raw }) => (JSON.parse(raw) as { description?: string }).description);
      expect(all).toEqual(['It "says".', undefined, "C"]);
    }
  });

  test("is said of a tool that cannot stand beside others in its own list alone", () => {
    const broken = '{"name":"a","inputSchema":{"type":"string"}}';
    expect(namesOf(viewOn([ruled({ rename: { a: "b" } }, [broken])], "git"), "tools")).toEqual(["b"]);
    expect(shown({ rename: { a: "b" } }, broken)).toEqual([]);
  });
});

describe("rules that name no tool", () => {
  test("are told, with the tool that was probably meant", () => {
    const rules = { allow: ["l*", "z*"], deny: ["pusch"], rename: { lgo: "x" }, descriptions: { gone: "" } };
    expect(told(rules, "log", "push")).toEqual([
      "gone: tools.descriptions names it, and the server has no such tool",
      'lgo: tools.rename names it, and the server has no such tool; did you mean "log"?',
      'pusch: tools.deny names it, and the server has no such tool; did you mean "push"?',
      "z*: tools.allow names it, and the server has no such tool",
    ]);
    expect(catalogOf(offerOf("git", { tools: ["log"], offer: { disabledTools: ["gone"] } })).problems.map(({ id, reason }) => [id, reason])).toEqual([["gone", "disabledTools names it, and the server has no such tool"]]);
  });

  test("are not told while nobody knows what the server has", () => {
    const unknown = { ...ruled({ deny: ["gone"] }, []), inventory: null };
    const stale = ruled({ deny: ["gone"] }, ["log"], { stale: true });
    for (const offer of [unknown, stale]) expect(buildCatalog([offer], { separator: "__", limits: defaultLimits }).problems).toEqual([]);
  });
});
