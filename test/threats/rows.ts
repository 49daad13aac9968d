/**
 * The threat table of docs/security.md, the tests that are named by its rows, and what a run of them came to. A test is of
 * a row when its title, or that of the group it stands in, begins with the row's number: `42: …`, or `71, 73: …`.
 */

/** One row of the table. */
export interface Row {
  readonly number: number;
  readonly threat: string;
  readonly outcome: string;
  /** Files of test/threats, without their ending. */
  readonly files: readonly string[];
}

/** How many rows the table has. */
export const rowsMax = 100;

const numbers = String.raw`((?:\d{1,3}, )*\d{1,3}): `;

/** The rows of the table in that page, in their order. */
export const tableIn = (page: string): Row[] =>
  [...page.matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gmu)].map(([, number, threat = "", outcome = "", files = ""]) => ({ number: Number(number), threat, outcome, files: [...files.matchAll(/`([\w-]+)`/gu)].map(([, name = ""]) => name) }));

/** The numbers that titles in a test file begin with. */
export function numbersIn(text: string): Set<number> {
  const found = [...text.matchAll(new RegExp(String.raw`\(\s*["'\x60]${numbers}`, "gu"))];
  return new Set(found.flatMap(([, list = ""]) => list.split(", ").map(Number)));
}

/** What is wrong between the table and the tests: `files` are the test files' texts by name. */
export function gapsBetween(table: readonly Row[], files: ReadonlyMap<string, string>): string[] {
  const named = new Map([...files].map(([name, text]) => [name, numbersIn(text)] as const));
  const expected = Array.from({ length: rowsMax }, (_, index) => index + 1);
  const wrongRows = table.map(({ number }) => number).join() === expected.join() ? [] : [`the table has the rows ${table.map(({ number }) => number).join(", ")}`];
  const untested = table.filter(({ files: own }) => own.length === 0).map(({ number }) => `${number} names no test`);
  const missing = table.flatMap(({ number, files: own }) => own.filter((name) => named.get(name)?.has(number) !== true).map((name) => `${number} names ${name}, where no title begins with it`));
  const unnamed = [...named].flatMap(([name, all]) => [...all].filter((number) => !(table[number - 1]?.files.includes(name) ?? false)).map((number) => `${number} does not name ${name}`));
  return [...wrongRows, ...untested, ...missing, ...unnamed];
}

/** One test of a run. */
export interface Tried {
  readonly rows: readonly number[];
  readonly title: string;
  readonly outcome: "expected" | "otherwise" | "left out";
  /** How many answers were looked at. */
  readonly inputs: number;
}

const attributeOf = (attributes: string, name: string): string => new RegExp(`\\b${name}="([^"]*)"`, "u").exec(attributes)?.[1] ?? "";

/** The tests in a JUnit report that are of a row. */
export function triedIn(report: string): Tried[] {
  return [...report.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gsu)].flatMap(([, attributes = "", inside = ""]) => {
    const title = [attributeOf(attributes, "classname"), attributeOf(attributes, "name")].filter((part) => part !== "").join(" &gt; ");
    const rows = [...title.matchAll(new RegExp(`(?:^|&gt; )${numbers}`, "gu"))].flatMap(([, list = ""]) => list.split(", ").map(Number));
    const outcome = inside.includes("<skipped") ? "left out" : /<(?:failure|error)/u.test(inside) ? "otherwise" : "expected";
    return rows.length === 0 ? [] : [{ rows, title, outcome, inputs: Number(attributeOf(attributes, "assertions")) }];
  });
}

/** A run in words, and whether all rows held. */
export function summaryOf(what: string, tried: readonly Tried[]): { readonly text: string; readonly holds: boolean } {
  const of = (outcome: Tried["outcome"]): readonly Tried[] => tried.filter((one) => one.outcome === outcome);
  const wrong = new Set(of("otherwise").flatMap(({ rows }) => rows));
  const right = new Set(of("expected").flatMap(({ rows }) => rows).filter((row) => !wrong.has(row)));
  const silent = Array.from({ length: rowsMax }, (_, index) => index + 1).filter((row) => !right.has(row) && !wrong.has(row));
  const inputs = (some: readonly Tried[]): number => some.reduce((sum, one) => sum + one.inputs, 0);
  const lines = [
    `${what}: ${right.size} of ${rowsMax} rows hold; ${tried.length - of("left out").length} attacks with ${inputs(tried)} answers looked at: ${of("expected").length} as expected, ${of("otherwise").length} otherwise, ${of("left out").length} left out here`,
    ...of("otherwise").map(({ title }) => `  otherwise: ${title.replaceAll("&gt;", ">")}`),
    ...(silent.length === 0 ? [] : [`  not tried here: ${silent.join(", ")}`]),
  ];
  return { text: lines.join("\n"), holds: right.size === rowsMax };
}
