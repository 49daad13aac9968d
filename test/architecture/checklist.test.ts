/** Every row of docs/checklist.md is named by a test: in its title, or in a comment `Checklist: …` above it. */
import { describe, expect, test } from "bun:test";
import { readTree } from "./tree.ts";

/** Rows of a part of the program that is not there yet. */
const later: Readonly<Record<string, string>> = Object.freeze({
  N34: "authorization: scopes and audiences",
  N35: "authorization: scopes and audiences",
  N36: "authorization: scopes and audiences",
});

/** The ids of the page's rows, in its order. */
const rowsOf = (page: string): string[] => [...page.matchAll(/^\| ([NOLBSG]\d+) \| .+ \|$/gmu)].map(([, id = ""]) => id);

/** The ids that a test file names: at the beginning or the end of a title, or in a tag. */
const namedIn = (text: string): string[] => {
  const tags = [...text.matchAll(/\/\/ Checklist: (.+)$/gmu)].map(([, ids = ""]) => ids);
  const titles = [...text.matchAll(/\btest(?:\.each\([^\n]*\))?\(\s*["'`]([^"'`\n]*)/gu)].map(([, title = ""]) => title);
  const inTitles = titles.flatMap((title) => [/^((?:[NOLBSG]\d+(?:, )?)+):/u.exec(title)?.[1], /\(((?:[NOLBSG]\d+(?:, )?)+)\)$/u.exec(title)?.[1]]);
  return [...tags, ...inTitles].flatMap((ids) => ids?.split(", ") ?? []);
};

const unshown = (rows: readonly string[], named: ReadonlySet<string>): string[] => rows.filter((id) => !named.has(id) && later[id] === undefined);
const tree = await readTree();
const rows = rowsOf(tree.get("docs/checklist.md") ?? "");
const tests = [...tree].filter(([path]) => path.endsWith(".test.ts") && path !== "test/architecture/checklist.test.ts");
const named = new Set(tests.flatMap(([, text]) => namedIn(text)));

describe("the checklist", () => {
  test("has each row once, without gaps", () => {
    const counts = { N: 36, O: 6, L: 15, B: 30, S: 12, G: 11 };
    expect(rows).toEqual(Object.entries(counts).flatMap(([letter, count]) => Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)));
  });

  test("has a test that names each row", () => expect(unshown(rows, named)).toEqual([]));

  test("is named in rows that it has, and puts none off that is shown", () => {
    expect([...named].filter((id) => !rows.includes(id))).toEqual([]);
    expect(Object.keys(later).filter((id) => named.has(id))).toEqual([]);
  });
});

describe("a row", () => {
  test("is named by a tag, or by a title", () => {
    expect(namedIn('  // Checklist: N1, B22\n  test("that holds", f);\n  test("O1, O2: both", f);\n  test("is nobody\'s", g); test(`that ${era} has (L7, L14)`, f);')).toEqual(["N1", "B22", "O1", "O2", "L7", "L14"]);
  });

  test("that nothing names is found", () => expect(unshown(["N1", "N2", "N34"], new Set(["N1"]))).toEqual(["N2"]));
});
