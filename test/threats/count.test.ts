/** No row of the threat table without an attack that is named by it, and no attack that the table does not know. */
import { describe, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectDir } from "../fixtures/program.ts";
import { gapsBetween, numbersIn, type Row, rowsMax, summaryOf, tableIn, triedIn } from "./rows.ts";

async function attacks(): Promise<Map<string, string>> {
  const names = (await readdir(import.meta.dir)).filter((name) => /^[a-z]-\w+\.test\.ts$/.test(name));
  return new Map(await Promise.all(names.map(async (name) => [name.replace(".test.ts", ""), await readFile(join(import.meta.dir, name), "utf8")] as const)));
}

test("each of the hundred rows has a sentence of its own and names its attacks, and there are no others", async () => {
  const table = tableIn(await readFile(join(projectDir, "docs", "security.md"), "utf8"));
  expect(table).toHaveLength(rowsMax);
  expect(new Set(table.map(({ threat }) => threat)).size).toBe(rowsMax);
  expect(gapsBetween(table, await attacks())).toEqual([]);
});

describe("the count", () => {
  const row = (number: number, ...files: string[]): Row => ({ number, threat: "t", outcome: "o", files });
  const full = Array.from({ length: rowsMax }, (_, index) => row(index + 1, "a"));
  const all = full.map(({ number }) => `test("${number}: x", f);`).join("\n");

  test("reads numbers at the beginning of titles, wherever they are", () => {
    expect([...numbersIn('test("1: a", f); describe("2, 3: b", f);\ntest.each([1])("4: %d", f); test.skipIf(x)(\n  `5: c`, f); test("a 6: d", f); // 7: e')]).toEqual([1, 2, 3, 4, 5]);
  });

  test("reads the table", () => expect(tableIn("| # | a | b | c |\n| --- | --- | --- | --- |\n| 7 | Who lies | is told so | `a-b`, `c` |\n")).toEqual([{ number: 7, threat: "Who lies", outcome: "is told so", files: ["a-b", "c"] }]));

  test("finds a row that is missing, one without a test, one that names the wrong file, and a test that no row names", () => {
    expect(gapsBetween(full, new Map([["a", all]]))).toEqual([]);
    expect(gapsBetween(full.slice(1), new Map([["a", all]]))[0]).toStartWith("the table has the rows 2,");
    expect(gapsBetween([row(1), ...full.slice(1)], new Map([["a", all]]))).toEqual(["1 names no test", "1 does not name a"]);
    expect(gapsBetween([row(1, "a", "b"), ...full.slice(1)], new Map([["a", all]]))).toEqual(["1 names b, where no title begins with it"]);
    expect(gapsBetween(full, new Map([["a", all], ["b", 'test("9: y", f);']]))).toEqual(["9 does not name b"]);
  });

  test("says what a run came to: one that failed counts against its row, one that was left out does not count", () => {
    const report = '<testcase name="1: a" classname="" assertions="3" />\n<testcase name="b" classname="2, 3: g" assertions="2">\n<failure type="x">\n</failure>\n</testcase><testcase name="4: c" classname="in &gt; deep" assertions="0">\n<skipped />\n</testcase><testcase name="other" classname="" assertions="9" />';
    const tried = triedIn(report);
    expect(tried.map(({ rows, outcome, inputs }) => [rows, outcome, inputs])).toEqual([[[1], "expected", 3], [[2, 3], "otherwise", 2], [[4], "left out", 0]]);
    const { text, holds } = summaryOf("source", tried);
    expect([holds, text.split("\n").slice(0, 2)]).toEqual([false, ["source: 1 of 100 rows hold; 2 attacks with 5 answers looked at: 1 as expected, 1 otherwise, 1 left out here", "  otherwise: 2, 3: g > b"]]);
    expect(summaryOf("x", full.map(({ number }) => ({ rows: [number], title: "t", outcome: "expected", inputs: 1 }))).holds).toBe(true);
  });
});
