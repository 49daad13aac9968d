/**
 * The text of a configuration as a value, with the place of everything in it. Comments and trailing commas are
 * allowed; what other readers resolve silently (a key given twice, a name that reaches an object's prototype) is not.
 */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Issue } from "./types.ts";

export type Path = readonly (string | number)[];

/** A one-based place; zero where there is none. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A text that could be read as one JSON value. */
export interface Document {
  readonly value: unknown;
  /** The place of the value at `path`; of the nearest one around it where that does not exist. */
  valuePlace(path: Path): Place;
  /** The place of the key that `path` ends with; else as `valuePlace`. */
  keyPlace(path: Path): Place;
}

export type Read = { readonly document: Document | null; readonly issues: readonly Issue[] };

/** The members of an object; none of anything else. For values that nobody has checked yet. */
export const objectIn = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

// The deepest place of the schema is five levels down; the parser recurses, so the bound comes before it.
const depthMax = 64;

// One missing quote makes a dozen follow-up errors: the first of each line, and few lines, are what helps.
const syntaxIssuesMax = 10;

const syntaxWords: Readonly<Record<string, string>> = Object.freeze({
  InvalidSymbol: "unexpected word",
  InvalidNumberFormat: "this is not a number",
  PropertyNameExpected: "a key in double quotes is expected here",
  ValueExpected: "a value is expected here",
  ColonExpected: "a colon is expected here",
  CommaExpected: "a comma is expected here",
  CloseBraceExpected: "a closing brace is missing",
  CloseBracketExpected: "a closing bracket is missing",
  EndOfFileExpected: "nothing may follow the end of the configuration",
  UnexpectedEndOfComment: "the comment does not end",
  UnexpectedEndOfString: "the string does not end on its line",
  UnexpectedEndOfNumber: "the number does not end",
  InvalidUnicode: "this is no unicode escape (\\uXXXX)",
  InvalidEscapeCharacter: "this is no escape that JSON knows",
  InvalidCharacter: "a control character must be written as an escape",
});

// The library's SyntaxKind exists for its own compiler only; these are its published numbers.
const tokens = Object.freeze({ openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, end: 17 });

const inertKeys: readonly string[] = Object.freeze(["__proto__", "prototype", "constructor"]);

/** Reads the text. With syntax errors there is no document; with keys given twice or of no use there is one, and issues. */
export function parseDocument(text: string): Read {
  const places = placesOf(text);
  const deep = firstTooDeep(text);
  if (deep !== null) return { document: null, issues: [syntaxIssue(`nested more than ${depthMax} levels deep`, places(deep))] };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (errors.length > 0 || root === undefined) return { document: null, issues: syntaxIssuesOf(text, errors, places) };
  const issues: Issue[] = [];
  const value = valueOf(root, [], (node, path, message) => issues.push({ ...syntaxIssue(message, places(node.offset)), path }));
  return { document: documentOf(root, value, places), issues };
}

function documentOf(root: Node, value: unknown, places: (offset: number) => Place): Document {
  return {
    value,
    valuePlace: (path) => places(nearestNode(root, path).offset),
    keyPlace(path) {
      const node = nearestNode(root, path);
      const isThere = depthOf(node) === path.length;
      return places(isThere && node.parent?.type === "property" ? node.parent.offset : node.offset);
    },
  };
}

/** The text's lines as a function from offset to place; CR LF, LF and CR end a line, columns count UTF-16 units as editors do. */
export function placesOf(text: string): (offset: number) => Place {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (match) => match.index + match[0].length)];
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

function firstTooDeep(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token: number = scanner.scan(); token !== tokens.end; token = scanner.scan()) {
    if (token === tokens.openBrace || token === tokens.openBracket) depth += 1;
    else if (token === tokens.closeBrace || token === tokens.closeBracket) depth -= 1;
    if (depth > depthMax) return scanner.getTokenOffset();
  }
  return null;
}

function syntaxIssuesOf(text: string, errors: readonly ParseError[], places: (offset: number) => Place): Issue[] {
  if (text.trim() === "") return [syntaxIssue("the file is empty", { line: 1, column: 1 })];
  const byLine = new Map<number, Issue>();
  for (const error of errors) {
    const place = places(error.offset);
    if (!byLine.has(place.line)) byLine.set(place.line, syntaxIssue(syntaxWords[printParseErrorCode(error.error)] ?? "this is not JSON", place));
  }
  // Only comments: the parser gives neither a value nor, always, an error.
  if (byLine.size === 0) return [syntaxIssue("there is no value in the file", { line: 1, column: 1 })];
  return [...byLine.values()].slice(0, syntaxIssuesMax);
}

const syntaxIssue = (message: string, place: Place): Issue => ({ path: [], ...place, message, hint: null, server: null });

type Report = (node: Node, path: Path, message: string) => void;

function valueOf(node: Node, path: Path, report: Report): unknown {
  if (node.type === "array") return (node.children ?? []).map((child, index) => valueOf(child, [...path, index], report));
  if (node.type === "object") return objectOf(node, path, report);
  return node.value;
}

function objectOf(node: Node, path: Path, report: Report): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const [key, value, property] of membersOf(node)) {
    const here = [...path, key];
    if (inertKeys.includes(key)) report(property, here, `“${key}” cannot be used as a key`);
    else if (Object.hasOwn(members, key)) report(property, here, `“${key}” is given twice`);
    else members[key] = valueOf(value, here, report);
  }
  return members;
}

function* membersOf(node: Node): Generator<readonly [key: string, value: Node, property: Node]> {
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key !== undefined && value !== undefined) yield [String(key.value), value, property];
  }
}

function nearestNode(root: Node, path: Path): Node {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) return node;
    node = next;
  }
  return node;
}

function childOf(node: Node, step: string | number): Node | undefined {
  if (node.type === "array") return node.children?.[Number(step)];
  for (const [key, value] of membersOf(node)) {
    if (key === String(step)) return value;
  }
  return undefined;
}

function depthOf(node: Node): number {
  let depth = 0;
  for (let at = node.parent; at !== undefined; at = at.parent) depth += at.type === "property" ? 0 : 1;
  return depth;
}
