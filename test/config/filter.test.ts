import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fixedBounds } from "../../src/base/index.ts";
import { bothOf, caretText, type FilterMistake, missingPreset, type ParsedFilter, parseFilter, parseTagList, printFilter, type TagQuery } from "../../src/config/filter.ts";

const canonical = (text: string): string => {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.at} ${parsed.problem}`);
  return printFilter(parsed.query);
};
const mistakeIn = (parsed: ParsedFilter): Pick<FilterMistake, "at" | "problem"> => {
  if (parsed.ok) throw new Error(`read as ${printFilter(parsed.query)}`);
  return { at: parsed.at, problem: parsed.problem };
};

describe("what is written in many ways has one canonical text", () => {
  for (const text of ["a,b", "a || b", "a or b", "a OR b", " a  ||b ", "A,B", "(a),(b)", "a,b,a", "((a,b))"]) test(`${text}: OR`, () => expect(canonical(text)).toBe("a || b"));
  for (const text of ["a+b", "a && b", "a and b", "a b", "a AND B", "(a) (b)", "a+b+a", "a + b", "a\tb"]) test(`${text}: AND`, () => expect(canonical(text)).toBe("a && b"));
  for (const text of ["!a", "not a", "-a", "! a", "NOT a", "!!!a", "-(a)", "not not not a", "!-!a"]) test(`${text}: NOT`, () => expect(canonical(text)).toBe("!a"));
});

test("NOT binds more than AND, AND more than OR, and parentheses most of all", () => {
  expect(canonical("!a+b,c")).toBe("!a && b || c");
  expect(canonical("a,b+c")).toBe("a || b && c");
  expect(canonical("(a,b)+c")).toBe("(a || b) && c");
  expect(canonical("-(b,c) a")).toBe("!(b || c) && a");
  expect(canonical("!(a b)")).toBe("!(a && b)");
});

test("a dash inside a word is part of it, and before one it is NOT", () => {
  expect(canonical("production-test")).toBe("production-test");
  expect(canonical("production -test")).toBe("production && !test");
  expect(canonical("production,-test")).toBe("production || !test");
  expect(canonical("(-test)")).toBe("!test");
  expect(canonical("a- b")).toBe("a- && b");
  expect(canonical("-a-b")).toBe("!a-b");
});

test("a plus that a URL made a space of keeps its meaning", () => {
  const sent = new URLSearchParams("filter=a+b&other=a,+b&third=a+-b");
  expect([...sent.values()].map(canonical)).toEqual(["a && b", "a || b", "a && !b"]);
});

test("servers, kinds and presets are named with a colon; only a server's and a preset's name keeps its case", () => {
  expect(canonical("SERVER:GitHub or cap:TOOLS")).toBe("server:GitHub || cap:tools");
  expect(canonical("preset:Dev -server:a-b")).toBe("preset:Dev && !server:a-b");
});

test("a tag with other characters, or one that is a key word, stands in quotes", () => {
  expect(canonical('"My Tag" "and" "plain"')).toBe('"my tag" && "and" && plain');
  expect(canonical('"a\\"b\\\\c", "-x", "ü"')).toBe('"a\\"b\\\\c" || "-x" || "ü"');
});

describe("a mistake has its place and what to do, and is never an empty selection", () => {
  const cases: readonly (readonly [text: string, at: number, problem: string])[] = [
    ["", 0, "a tag is missing here"],
    ["   ", 3, "a tag is missing here"],
    ["a &&", 4, "a tag is missing here"],
    ["a,,b", 2, "a tag is missing here"],
    ["a -", 3, "a tag is missing here"],
    [",a", 0, "a tag is missing here"],
    ["()", 1, "a tag is missing here"],
    ["a and or b", 6, "a tag is missing here"],
    ["a && (b || c", 5, "this parenthesis is not closed"],
    ["a)", 1, "no parenthesis is open here"],
    ["a(b)", 1, "an operator is missing here: “,” for OR, a space or “+” for AND"],
    ["(a!b)", 2, "an operator is missing here: “,” for OR, a space or “+” for AND"],
    ['"a"-b', 3, "an operator is missing here: “,” for OR, a space or “+” for AND"],
    ["a & b", 2, "AND is written “&&”, “+” or “and”"],
    ["a|b", 1, "OR is written “||”, “,” or “or”"],
    ['a "b', 2, "this quote is not closed, or there is nothing in it"],
    ['""', 0, "this quote is not closed, or there is nothing in it"],
    [":x", 0, "a word must stand before the colon: server:, cap: or preset:"],
    ["a böse", 3, "“ö” cannot be part of a tag; put the tag into double quotes"],
    ["😀", 0, "“😀” cannot be part of a tag; put the tag into double quotes"],
    ["sever:x", 0, "“sever:” is not known; there are server:, cap: and preset:; did you mean “server”?"],
    ["x zzzzzz:y", 2, "“zzzzzz:” is not known; there are server:, cap: and preset:"],
    ["a server:", 9, "a name must follow “server:”"],
    ["cap:tool", 4, "“tool” is none of tools, resources, prompts; did you mean “tools”?"],
    ["cap:x", 4, "“x” is none of tools, resources, prompts"],
  ];
  for (const [text, at, problem] of cases) test(JSON.stringify(text), () => expect(mistakeIn(parseFilter(text))).toEqual({ at, problem }));
});

test("a preset may not name another one", () => {
  expect(mistakeIn(parseFilter("a preset:b", { allowsPresets: false }))).toEqual({ at: 2, problem: "a preset cannot name another one" });
});

test("the caret stands under the place, whatever stands before it", () => {
  const text = "a\t&& (b";
  const mistake = parseFilter(text);
  if (mistake.ok) throw new Error("read");
  expect(caretText(text, mistake)).toBe("  a·&& (b\n       ^\n");
});

test("length and depth are bounded, and the bound of one is told at its place", () => {
  const { filterCharsMax, filterDepthMax } = fixedBounds;
  expect(mistakeIn(parseFilter("a".repeat(filterCharsMax + 1))).at).toBe(filterCharsMax);
  expect(parseFilter("a".repeat(filterCharsMax)).ok).toBe(true);
  expect(parseFilter(`${"(".repeat(filterDepthMax)}a${")".repeat(filterDepthMax)}`).ok).toBe(true);
  expect(mistakeIn(parseFilter("(".repeat(filterCharsMax)))).toEqual({ at: filterDepthMax, problem: `nested deeper than ${filterDepthMax}` });
  expect(mistakeIn(parseFilter("!".repeat(filterCharsMax))).at).toBe(filterDepthMax);
  // Its canonical text would be longer than anything that is read.
  const many = Array.from({ length: filterCharsMax / 4 }, (_, n) => `t${n.toString(36)}`).join(",").slice(0, filterCharsMax - 1);
  expect(mistakeIn(parseFilter(many))).toMatchObject({ at: 0 });
});

test("a list of tags is any of them, whatever characters they have", () => {
  const listed = (text: string): string => {
    const parsed = parseTagList(text);
    return parsed.ok ? printFilter(parsed.query) : `${parsed.at} ${parsed.problem}`;
  };
  expect(listed("web, My Tag,,a&b,-x,server:y")).toBe('web || "my tag" || "a&b" || "-x" || "server:y"');
  expect(listed(" , ")).toBe("0 there is no tag");
  expect(listed("a".repeat(fixedBounds.filterCharsMax + 1))).toStartWith(`${fixedBounds.filterCharsMax} `);
});

test("the first preset that is not there is found, wherever it stands", () => {
  const query = (text: string): TagQuery => {
    const parsed = parseFilter(text);
    if (!parsed.ok) throw new Error(text);
    return parsed.query;
  };
  const presets = new Set(["a"]);
  expect(missingPreset(query("x && !(preset:a || preset:b)"), presets)).toBe("b");
  expect(missingPreset(query("x && !(preset:a || y)"), presets)).toBeNull();
});

// ---- Anything at all

const names = fc.oneof(fc.stringMatching(/^[a-z0-9_.][a-z0-9_.-]{0,5}$/), fc.constantFrom("and", "or", "not", "-x", "a b", 'q"\\', "server:x", "ü"), fc.string({ minLength: 1, maxLength: 4 }).map((text) => text.toLowerCase()));
/** Queries in any form, canonical or not. */
const { query: queries } = fc.letrec<{ query: TagQuery }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    names.map((name): TagQuery => ({ kind: "tag", name })),
    fc.stringMatching(/^[A-Za-z0-9_.-]{1,6}$/).map((name): TagQuery => ({ kind: "server", name })),
    fc.constantFrom("tools" as const, "resources" as const, "prompts" as const).map((name): TagQuery => ({ kind: "cap", name })),
    tie("query").map((of): TagQuery => ({ kind: "not", of })),
    fc.tuple(fc.constantFrom("and" as const, "or" as const), fc.array(tie("query"), { minLength: 1, maxLength: 3 })).map(([kind, of]): TagQuery => ({ kind, of })),
  ),
}));

/** Writes a query in some way that is allowed: any operator, any space, more parentheses than needed. */
function anyhow(query: TagQuery, pick: (count: number) => number): string {
  const one = <T>(words: readonly T[]): T => words[pick(words.length)] as T;
  if (query.kind === "not") return `${one(["!", "not ", "-", "! "])}(${anyhow(query.of, pick)})`;
  if ("of" in query) return (query.of as readonly TagQuery[]).map((part) => `(${anyhow(part, pick)})`).join(one(query.kind === "and" ? ["&&", " + ", " and ", " "] : [",", "||", " or ", " , "]));
  if (query.kind === "tag") return `"${query.name.replace(/["\\]/g, "\\$&")}"`;
  return `${one([query.kind, query.kind.toUpperCase()])}:${query.name}`;
}

test("the canonical text of anything that can be read is read as the same, and printed as the same", () => {
  fc.assert(
    fc.property(queries, fc.infiniteStream(fc.nat()), (query, picks) => {
      const parsed = parseFilter(anyhow(query, (count) => (picks.next().value as number) % count));
      if (!parsed.ok) return void expect(parsed.problem).toContain("limits.");
      const text = printFilter(parsed.query);
      expect(parseFilter(text)).toEqual(parsed);
      expect(canonical(text)).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test("no text makes it throw; it is read, or there is a mistake inside it", () => {
  const words = fc.array(fc.constantFrom("a", "b-c", " ", "  ", "(", ")", "!", "-", "&&", "&", "||", "|", ",", "+", "and", "or", "not", '"', '"x y"', "\\", "server:", "cap:tools", "cap:", ":", "é", "\n", "\u{1f600}"), { maxLength: 14 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(words, fc.string({ unit: "binary", maxLength: 40 })), (text) => {
      const parsed = parseFilter(text);
      if (parsed.ok) return void expect(canonical(printFilter(parsed.query))).toBe(printFilter(parsed.query));
      expect(parsed.at).toBeGreaterThanOrEqual(0);
      expect(parsed.at).toBeLessThanOrEqual(text.length);
      expect(parsed.problem).not.toBe("");
      expect(caretText(text, parsed).split("\n")[1]?.length).toBe(parsed.at + 3);
    }),
    { numRuns: 2000 },
  );
});

test("any list of tags is read as those tags", () => {
  const tags = fc.array(fc.string({ minLength: 1, maxLength: 8 }).filter((tag) => !tag.includes(",") && tag.trim() !== ""), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(tags, (list) => {
      const parsed = parseTagList(list.join(","));
      const wanted = [...new Set(list.map((tag) => tag.trim().toLowerCase()))].map((name): TagQuery => ({ kind: "tag", name }));
      expect(parsed).toEqual({ ok: true, query: wanted.length === 1 ? (wanted[0] as TagQuery) : { kind: "or", of: wanted } });
    }),
  );
});

test("two expressions at once are one in canonical form", () => {
  fc.assert(
    fc.property(queries, queries, (a, b) => {
      const [one, two] = [parseFilter(anyhow(a, () => 0)), parseFilter(anyhow(b, () => 0))];
      if (!one.ok || !two.ok) return;
      const both = bothOf([one.query, two.query]);
      expect(bothOf([one.query, both])).toEqual(both);
      if (printFilter(both).length <= fixedBounds.filterCharsMax) expect(canonical(printFilter(both))).toBe(printFilter(both));
    }),
  );
});
