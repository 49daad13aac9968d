import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits, Fault, fixedBounds } from "../../src/base/index.ts";
import { parseFilter } from "../../src/config/index.ts";
import { queryOf, Selections } from "../../src/front/selection.ts";

const presets = new Set(["dev", "x.y-1"]);
const selections = new Selections(presets, { ...defaultLimits, selectionsMax: 3 });
const url = (query: string): string => `http://127.0.0.1:3050/mcp${query}`;
const filterIn = (query: string, filter?: string): string | undefined => {
  const chosen = selections.of(url(query), filter === undefined ? { server: null } : { server: null, filter });
  if (chosen instanceof Fault) throw chosen;
  return chosen.filter;
};
const refusal = (query: string) => {
  const chosen = selections.of(url(query), { server: null });
  if (!(chosen instanceof Fault)) throw new Error("taken");
  return { code: chosen.code, message: chosen.message, data: chosen.data };
};

test("each parameter comes to one canonical expression", () => {
  expect(filterIn("?preset=dev")).toBe("preset:dev");
  expect(filterIn("?tags=Web,%20My%20Tag")).toBe('web || "my tag"');
  expect(filterIn("?tag-filter=a%2Bb,-c")).toBe("a && b || !c");
  // A plus that the URL makes a space of is AND all the same.
  expect(filterIn("?filter=a+b")).toBe("a && b");
  expect(filterIn("?filter=preset:x.y-1+-a")).toBe("preset:x.y-1 && !a");
  expect(filterIn("?app=x&pagination=true&filter=a&sessionId=1")).toBe("a");
});

test("who asks for nothing gets the very selection of the path", () => {
  const selection = { server: "a" };
  for (const query of ["", "?", "?app=x&pagination=true", "?Preset=dev", "?__proto__=1"]) expect(selections.of(url(query), selection)).toBe(selection);
});

test("what the proxy was started with stays, and is narrowed once", () => {
  expect(filterIn("?filter=b,c", "a")).toBe("a && (b || c)");
  expect(filterIn(`?filter=${encodeURIComponent("a && (b || c)")}`, "a")).toBe("a && (b || c)");
  expect(filterIn("", "a")).toBe("a");
  const long = Array.from({ length: 300 }, (_, n) => `tag${n}`).join(" && ");
  const chosen = selections.of(url(`?filter=${encodeURIComponent(long)}`), { server: null, filter: long.replaceAll("tag", "gat") });
  expect(chosen).toMatchObject({ code: "SELECTION_INVALID" });
  expect(chosen instanceof Fault && chosen.message).toContain(`longer than ${fixedBounds.filterCharsMax} characters`);
});

describe("what cannot be used is refused, with its place where it has one", () => {
  const cases: readonly (readonly [query: string, message: string, data: Readonly<Record<string, unknown>>])[] = [
    ["?tag-filter=a%26%26", "tag-filter, character 4: a tag is missing here", { parameter: "tag-filter", position: 3 }],
    ["?filter=", "filter, character 1: a tag is missing here", { parameter: "filter", position: 0 }],
    ["?tags=,", "tags, character 1: there is no tag", { parameter: "tags", position: 0 }],
    ["?preset=", "preset, character 1: this is not the name of a preset", { parameter: "preset", position: 0 }],
    ["?preset=dev%20x", "preset, character 1: this is not the name of a preset", { parameter: "preset", position: 0 }],
    ["?preset=gone", "there is no preset “gone”", { parameter: "preset" }],
    ["?filter=a+preset:gone", "there is no preset “gone”", { parameter: "filter" }],
    ["?preset=dev&tags=a", "preset and tags are given; only one of them can be", { parameter: "preset" }],
    ["?tags=a&tags=b", "tags is given twice", { parameter: "tags" }],
  ];
  for (const [query, message, data] of cases) test(query, () => expect(refusal(query)).toEqual({ code: "SELECTION_INVALID", message: `the selection of servers cannot be used (${message})`, data }));
});

test("no query makes it throw, and what it takes can be read again, from a query too", () => {
  fc.assert(
    fc.property(fc.constantFrom("preset", "tags", "tag-filter", "filter"), fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom("a", "b", " ", ",", "!", "(", ")", "%", "&", "=", '"') })), fc.boolean(), (name, text, isEncoded) => {
      const asked = url(`?${name}=${isEncoded ? encodeURIComponent(text.toWellFormed()) : text}`);
      const chosen = selections.of(asked, { server: null });
      if (chosen instanceof Fault) return void expect(chosen.code).toBe("SELECTION_INVALID");
      if (chosen.filter === undefined) return;
      expect(parseFilter(chosen.filter).ok).toBe(true);
      expect(selections.of(url(queryOf(asked)), { server: null })).toEqual(chosen);
    }),
    { numRuns: 500 },
  );
});

test("an address that is handed out has of the query what selects, and nothing else", () => {
  expect(["", "?app=x", "?app=x&preset=dev&sessionId=1", "?tags=a+b,c"].map((query) => queryOf(url(query)))).toEqual(["", "", "?preset=dev", "?tags=a+b%2Cc"]);
});

test("what came before is as what comes for the first time, also when it made room for others, or a preset has gone meanwhile", () => {
  const names = new Set(["dev"]);
  const twoAtMost = new Selections(names, { ...defaultLimits, selectionsMax: 2 });
  const filterOf = (query: string, server: string | null = null) => {
    const chosen = twoAtMost.of(url(query), { server });
    return chosen instanceof Fault ? chosen.code : [chosen.server, chosen.filter];
  };
  for (let round = 0; round < 3; round += 1) {
    expect(filterOf("?preset=dev")).toEqual([null, "preset:dev"]);
    expect(filterOf("?tags=a", "git")).toEqual(["git", "a"]);
    expect(filterOf("?tags=b")).toEqual([null, "b"]);
    expect(filterOf("?tags=b", "git")).toEqual(["git", "b"]);
    expect(filterOf(`?tags=b&app=${"x".repeat(fixedBounds.filterCharsMax)}`)).toEqual([null, "b"]);
    expect(twoAtMost.size).toBe(2);
  }
  expect(filterOf("?preset=dev")).toEqual([null, "preset:dev"]);
  names.delete("dev");
  expect(filterOf("?preset=dev")).toBe("SELECTION_INVALID");
  expect(twoAtMost.of(url("?tags=b"), { server: null, filter: "z" })).toEqual({ server: null, filter: "z && b" });
  expect(filterOf("?tags=b")).toEqual([null, "b"]);
});
