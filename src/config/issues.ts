/**
 * Everything that is wrong with the shape of a configuration, all at once, each in one sentence with its place. The
 * schema library stops at the first unknown key of an object and quotes values, which may be secrets; so unknown keys
 * are looked for here, along the same schema, and every sentence is made here.
 */
import * as v from "valibot";
import { type FixedBounds, fixedBounds, nearestOf } from "../base/index.ts";
import type { Document, Path } from "./document.ts";
import { adviceOn, type Level } from "./foreign.ts";
import { pathText } from "./pathText.ts";
import { type ConfigFile, configSchema, isRemote, remoteEntry, stdioEntry } from "./schema.ts";
import type { Issue } from "./types.ts";

/** What a check found: the file if its shape is right, and what is wrong otherwise. */
export interface Checked {
  readonly file: ConfigFile | null;
  readonly issues: readonly Issue[];
}

/** Checks a document against the schema. */
export function checkShape(document: Document): Checked {
  const parsed = v.safeParse(configSchema, document.value);
  const lists = listsForObjects(configSchema, document.value, []);
  const isOurs = (found: Found): boolean => !isUnknownKey(found) && !lists.some((list) => startsWith(pathOf(found), list));
  const issues = [
    ...(parsed.issues ?? []).filter(isOurs).slice(0, issuesMax + 1).map((found) => issueOf(found, document)),
    ...oddKeys(configSchema, document.value, []).slice(0, issuesMax + 1).map((path) => unknownKeyIssue(path, document)),
    ...lists.map((path) => valueIssue(document, path, "must be an object, not a list")),
  ];
  return { file: parsed.success && issues.length === 0 ? parsed.output : null, issues };
}

/** An issue about the value at `path`. */
export const valueIssue = (document: Document, path: Path, message: string, hint: string | null = null, server: string | null = null): Issue =>
  Object.freeze({ path: Object.freeze([...path]), ...document.valuePlace(path), message: `${lastOf(path)}${message}`, hint, server });

/** An issue about the key that `path` ends with. */
export const keyIssue = (document: Document, path: Path, message: string, hint: string | null = null): Issue =>
  Object.freeze({ path: Object.freeze([...path]), ...document.keyPlace(path), message: `${lastOf(path)}${message}`, hint, server: null });

// More than anybody reads; finding the place of each takes time that grows with the square.
const issuesMax = 200;

/** In the order of the text; of very many the first ones, and how many there are. */
export function inOrder(issues: readonly Issue[]): readonly Issue[] {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  if (sorted.length <= issuesMax) return Object.freeze(sorted);
  const more: Issue = Object.freeze({ path: Object.freeze([]), line: 0, column: 0, message: `at least ${sorted.length - issuesMax} more issues are not shown`, hint: null, server: null });
  return Object.freeze([...sorted.slice(0, issuesMax), more]);
}

const lastOf = (path: Path): string => (path.length === 0 ? "" : `“${path.findLast((step) => typeof step === "string") ?? ""}” `);

type Found = v.BaseIssue<unknown>;

const isUnknownKey = (found: Found): boolean => found.type === "strict_object" && found.expected === "never";
const aboutKey = (found: Found): boolean => found.path?.at(-1)?.origin === "key";
const pathOf = (found: Found): Path => (found.path ?? []).map((item) => item.key as string | number);

const startsWith = (path: Path, start: Path): boolean => start.every((step, index) => path[index] === step);

function issueOf(found: Found, document: Document): Issue {
  const path = pathOf(found);
  if (found.type === "strict_object" && aboutKey(found)) return missingKeyIssue(path, document);
  if (aboutKey(found)) return keyIssue(document, path, found.message);
  if (found.kind === "validation") return valueIssue(document, path, found.message);
  return valueIssue(document, path, `must be ${wanted(found)}, not ${given(found.input)}`, hintFor(found));
}

function missingKeyIssue(path: Path, document: Document): Issue {
  const entry = path.slice(0, -1);
  const hint = levelOf(entry) === "server" ? "a server has a command (a program) or a url (an address)" : null;
  return Object.freeze({ path, ...document.valuePlace(entry), message: `“${path.at(-1)}” is missing in ${pathText(entry)}`, hint, server: null });
}

const nouns: Readonly<Record<string, string>> = Object.freeze({
  string: "a string",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  record: "an object",
  strict_object: "an object",
  union: "a string or a number",
});

function wanted(found: Found): string {
  if (found.type === "picklist") return optionsOf(found).map((option) => `“${option}”`).join(" or ");
  return nouns[found.type] ?? found.expected ?? "something else";
}

const optionsOf = (found: Found): string[] => Array.from((found.expected ?? "").matchAll(/"([^"]*)"/g), (match) => match[1] ?? "");

function given(input: unknown): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "string") return "this string";
  return nouns[typeof input] ?? "an object";
}

function hintFor(found: Found): string | null {
  const { input } = found;
  if (found.type === "picklist") return typeof input === "string" ? didYouMean(input, optionsOf(found)) : null;
  if (found.type !== "string") return null;
  if (typeof input === "number" || typeof input === "boolean") return "put it into double quotes";
  if (typeof input === "object" && input !== null && Object.keys(input).some((key) => key.startsWith("$"))) return "references to secrets may stand in args, env, headers, and for clientSecret and privateKey; write ${VAR} here";
  return null;
}

function didYouMean(word: string, words: Iterable<string>): string | null {
  const near = nearestOf(word, words);
  return near === null ? null : `did you mean “${near}”?`;
}

function unknownKeyIssue(path: Path, document: Document): Issue {
  const entryPath = path.slice(0, -1);
  const key = String(path.at(-1));
  const level = levelOf(entryPath);
  const advice = adviceOn(level, key);
  if (advice !== null) return keyIssue(document, path, "is not supported by this version", advice);
  if (isFixed(entryPath, key)) return keyIssue(document, path, "cannot be changed", `it is always ${fixedBounds[key as keyof FixedBounds]}; remove it`);
  const entry = valueAt(document.value, entryPath);
  if (level === "server" && Object.hasOwn(otherForm(entry).entries, key)) return keyIssue(document, path, `has no meaning for a server with ${isRemote(entry) ? "url" : "command"}`);
  return keyIssue(document, path, "is not a known key", didYouMean(key, knownKeys(configSchema, document.value, entryPath)));
}

const isFixed = (path: Path, key: string): boolean => path.length === 1 && path[0] === "limits" && Object.hasOwn(fixedBounds, key);

const otherForm = (entry: unknown) => (isRemote(entry) ? stdioEntry : remoteEntry);

function levelOf(path: Path): Level | null {
  if (path.length === 0) return "top";
  if ((path[0] === "mcpServers" || path[0] === "mcpTemplates") && path.length === 2) return "server";
  return path[0] === "serverDefaults" && path.length === 1 ? "defaults" : null;
}

// What the schema says about objects, seen through what wraps it.
interface Shape {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly getter?: (input: unknown) => Shape;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly value?: Shape;
  readonly item?: Shape;
}

function bare(shape: Shape, value: unknown): Shape {
  if (shape.wrapped !== undefined) return bare(shape.wrapped, value);
  return shape.getter === undefined ? shape : bare(shape.getter(value), value);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

const memberShape = (shape: Shape, key: string): Shape | undefined =>
  shape.entries !== undefined && Object.hasOwn(shape.entries, key) ? shape.entries[key] : shape.type === "record" ? shape.value : undefined;

function oddKeys(schema: Shape, value: unknown, path: Path): Path[] {
  const shape = bare(schema, value);
  const { item } = shape;
  if (item !== undefined && Array.isArray(value)) return value.flatMap((one, index) => oddKeys(item, one, [...path, index]));
  if (!isObject(value) || (shape.entries === undefined && shape.type !== "record")) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const inner = memberShape(shape, key);
    return inner === undefined ? [[...path, key]] : oddKeys(inner, member, [...path, key]);
  });
}

// The library takes a list for an object.
function listsForObjects(schema: Shape, value: unknown, path: Path): Path[] {
  const shape = bare(schema, value);
  const takesObject = shape.entries !== undefined || shape.type === "record";
  if (takesObject && Array.isArray(value)) return [path];
  if (!takesObject || !isObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const inner = memberShape(shape, key);
    return inner === undefined ? [] : listsForObjects(inner, member, [...path, key]);
  });
}

function knownKeys(schema: Shape, value: unknown, path: Path): string[] {
  const shape = bare(schema, value);
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(shape.entries ?? {});
  const inner = typeof step === "number" ? shape.item : memberShape(shape, step);
  return inner === undefined ? [] : knownKeys(inner, valueAt(value, [step]), rest);
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((at, step) => (typeof at === "object" && at !== null && Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined), value);
