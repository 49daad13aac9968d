/**
 * TOON: JSON's values in the fewest characters that a model still reads without mistake. Indentation stands for braces,
 * and a list of like objects is a table whose head says the names once (the TOON format, version 2: objects, inline lists,
 * tables and mixed lists, comma as delimiter).
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A value as TOON, without a line break at its end. What JSON cannot hold is left out as JSON leaves it out. */
export function toonText(value: unknown): string {
  const plain = JSON.parse(JSON.stringify(value) ?? "null") as Json;
  return linesOf("", plain, 0).join("\n");
}

const unit = "  ";
const isScalar = (value: Json): value is null | boolean | number | string => value === null || typeof value !== "object";
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const entriesOf = (value: Json): [string, Json][] => Object.entries(value as { readonly [name: string]: Json });

/** The lines of one value under its key; no key: it is the whole, or stands in a list. */
function linesOf(key: string, value: Json, depth: number): string[] {
  const pad = unit.repeat(depth);
  if (isScalar(value)) return [`${pad}${key === "" ? "" : `${key}: `}${scalarOf(value)}`];
  if (isList(value)) return listOf(`${pad}${key}`, value, depth);
  if (key === "") return entriesOf(value).flatMap(([name, one]) => linesOf(keyOf(name), one, depth));
  return [`${pad}${key}:`, ...entriesOf(value).flatMap(([name, one]) => linesOf(keyOf(name), one, depth + 1))];
}

function listOf(head: string, values: readonly Json[], depth: number): string[] {
  const counted = `${head}[${values.length}]`;
  if (values.every(isScalar)) return [`${counted}:${values.length === 0 ? "" : ` ${values.map(scalarOf).join(",")}`}`];
  const columns = columnsOf(values);
  const pad = unit.repeat(depth + 1);
  if (columns === null) return [`${counted}:`, ...values.flatMap((one) => itemOf(one, depth + 1))];
  const rows = values.map((row) => `${pad}${columns.map((column) => scalarOf((row as Record<string, Json>)[column] as string)).join(",")}`);
  return [`${counted}{${columns.map(keyOf).join(",")}}:`, ...rows];
}

/** The names that all have, where every one of them is an object of scalars with the same names; else null. */
function columnsOf(values: readonly Json[]): readonly string[] | null {
  const [first] = values;
  if (first === undefined || isScalar(first) || isList(first)) return null;
  const columns = Object.keys(first);
  const isRow = (row: Json): boolean => !isScalar(row) && !isList(row) && Object.keys(row).length === columns.length && columns.every((column) => Object.hasOwn(row, column) && isScalar((row as Record<string, Json>)[column] ?? null));
  return columns.length > 0 && values.every(isRow) ? columns : null;
}

/** One of a mixed list: its first line behind a dash, the others below it. */
function itemOf(value: Json, depth: number): string[] {
  const pad = unit.repeat(depth);
  const [first = "", ...others] = linesOf("", value, depth + 1);
  return [`${pad}- ${first.trimStart()}`.trimEnd(), ...others];
}

const keyOf = (name: string): string => (/^[A-Za-z_][\w.]*$/.test(name) ? name : JSON.stringify(name));

const scalarOf = (value: null | boolean | number | string): string => (typeof value === "string" && needsQuotes(value) ? JSON.stringify(value) : String(value));

/** A text that would read as something else, or end too early. */
const needsQuotes = (text: string): boolean =>
  text === "" || text !== text.trim() || /^(true|false|null)$|^-|^[+-]?\d/.test(text) || /[,:"\\[\]{}\u0000-\u001f]/.test(text);
