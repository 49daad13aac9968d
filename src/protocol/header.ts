/**
 * Values in HTTP headers (2026-07-28, basic/transports/streamable-http: Value Encoding, and x-mcp-header): plain where
 * that is safe, else Base64 of UTF-8 in a sentinel; and the arguments of a tool that are mirrored into headers.
 */
import { fault, type Limits } from "../base/index.ts";
import { memberNamed, memberOf, objectOf } from "./object.ts";
import type { Raw, RawObject } from "./raw.ts";

/** An argument that a tool wants as a header of its own. */
export interface MirroredArgument {
  /** As annotated, without "Mcp-Param-". */
  readonly header: string;
  /** Property names from `arguments` down to the value. */
  readonly path: readonly string[];
  readonly type: "string" | "integer" | "boolean";
}

/** A tool's mirrored arguments, or what is wrong with their annotations. */
export type Mirrored = { readonly ok: true; readonly args: readonly MirroredArgument[] } | { readonly ok: false; readonly reason: string };

const sentinelOpen = "=?base64?";
const sentinelClose = "?=";
const safe = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// A mark at the beginning is part of the value here, not of the encoding.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A value as a header value: as it is, or in the sentinel. A lone surrogate has no UTF-8 and becomes U+FFFD. */
export function encodeHeader(value: string): string {
  const ambiguous = value.startsWith(sentinelOpen) && value.endsWith(sentinelClose);
  return safe.test(value) && !ambiguous ? value : `${sentinelOpen}${Buffer.from(value, "utf8").toString("base64")}${sentinelClose}`;
}

/**
 * The value of a header, surrounding spaces and tabs removed. Only both halves of the sentinel, in exactly this case,
 * make one; null where its content is no well-formed Base64 of UTF-8.
 */
export function decodeHeader(value: string): string | null {
  const text = trimmed(value);
  const length = text.length - sentinelOpen.length - sentinelClose.length;
  if (length < 0 || !text.startsWith(sentinelOpen) || !text.endsWith(sentinelClose)) return text;
  const encoded = text.slice(sentinelOpen.length, -sentinelClose.length);
  if (!base64.test(encoded)) return null;
  try {
    return utf8.decode(Buffer.from(encoded, "base64"));
  } catch {
    return null;
  }
}

const isPadding = (c: number): boolean => c === 32 || c === 9;

// Not trim(): that would take other white space too. Not a pattern: on a long run of inner spaces it is quadratic.
function trimmed(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isPadding(value.charCodeAt(from))) from += 1;
  while (to > from && isPadding(value.charCodeAt(to - 1))) to -= 1;
  return value.slice(from, to);
}

/** Keywords under which a schema stands that no chain of `properties` reaches. */
const detours: readonly string[] = Object.freeze([
  "items",
  "prefixItems",
  "additionalItems",
  "contains",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
  "propertyNames",
  "oneOf",
  "anyOf",
  "allOf",
  "not",
  "if",
  "then",
  "else",
  "contentSchema",
]);
/** The same, where the keyword holds schemas by name. */
const namedDetours: readonly string[] = Object.freeze(["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"]);
const annotation = "x-mcp-header";

type Json = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The `x-mcp-header` annotations of a tool's inputSchema. Not ok: an annotation breaks a rule, and the tool must not be
 * offered (2026-07-28, server/tools). A schema that is no object has none; whether it may be offered is not asked here.
 */
export function mirroredArguments(tool: RawObject, limits: Limits): Mirrored {
  const schema = memberOf(tool, "inputSchema");
  // Escapes could spell the annotation otherwise; a schema without either cannot hold one, and need not be read.
  if (schema === null || !(schema.includes(annotation) || schema.includes("\\u"))) return { ok: true, args: [] };
  const args: MirroredArgument[] = [];
  const reason = visit(JSON.parse(schema), [], true, args, limits.depthMax);
  return reason === null ? { ok: true, args } : { ok: false, reason };
}

/** Collects the annotations below one schema; gives the first rule that is broken. Recursion is bounded by `depth`. */
function visit(schema: unknown, path: readonly string[], reachable: boolean, args: MirroredArgument[], depth: number): string | null {
  if (!isObject(schema)) return null;
  if (depth <= 0) return "the schema is nested too deeply";
  const broken = Object.hasOwn(schema, annotation) ? annotate(schema, path, reachable, args) : null;
  return broken ?? visitProperties(schema, path, reachable, args, depth) ?? visitDetours(schema, path, args, depth);
}

function annotate(schema: Json, path: readonly string[], reachable: boolean, args: MirroredArgument[]): string | null {
  const where = path.length === 0 ? "the root" : path.join(".");
  if (!reachable || path.length === 0) return `${where}: ${annotation} is allowed only on what a chain of properties reaches`;
  const header = schema[annotation];
  if (typeof header !== "string" || !token.test(header)) return `${where}: ${annotation} is no header name`;
  const type = schema["type"];
  if (!isMirrorable(type)) return `${where}: ${annotation} is allowed only on string, integer and boolean`;
  const lower = header.toLowerCase();
  if (args.some((other) => other.header.toLowerCase() === lower)) return `${where}: ${annotation} ${header} is used twice`;
  args.push({ header, path, type });
  return null;
}

const isMirrorable = (type: unknown): type is MirroredArgument["type"] => type === "string" || type === "integer" || type === "boolean";

function visitProperties(schema: Json, path: readonly string[], reachable: boolean, args: MirroredArgument[], depth: number): string | null {
  const properties = schema["properties"];
  if (!isObject(properties)) return null;
  for (const [name, child] of Object.entries(properties)) {
    const broken = visit(child, [...path, name], reachable, args, depth - 1);
    if (broken !== null) return broken;
  }
  return null;
}

function visitDetours(schema: Json, path: readonly string[], args: MirroredArgument[], depth: number): string | null {
  for (const keyword of [...detours, ...namedDetours]) {
    const value = schema[keyword];
    if (typeof value !== "object" || value === null) continue;
    const branches = Array.isArray(value) || namedDetours.includes(keyword) ? Object.values(value) : [value];
    for (const branch of branches) {
      const broken = visit(branch, [...path, `<${keyword}>`], false, args, depth - 1);
      if (broken !== null) return broken;
    }
  }
  return null;
}

/**
 * The headers of one call: each mirrored argument that is present and not null. Throws PARAMS_INVALID where an object
 * on the way to one has two members of one name, since then the header might say another thing than the body does.
 */
export function mirrorHeaders(args: readonly MirroredArgument[], params: RawObject, limits: Limits): Record<string, string> {
  const headers: Record<string, string> = {};
  if (args.length === 0) return headers;
  const root = below(params, "arguments");
  for (const { header, path } of args) {
    const value = root === null ? null : valueAt(root, path);
    const text = value === null || value.length > limits.bodyBytesMax ? null : headerTextOf(value);
    if (text !== null) headers[`Mcp-Param-${header}`] = encodeHeader(text);
  }
  return headers;
}

function valueAt(root: RawObject, path: readonly string[]): string | Raw | null {
  let at: RawObject | null = root;
  for (let i = 0; i < path.length - 1 && at !== null; i += 1) at = below(at, path[i] as string);
  const name = path[path.length - 1] as string;
  return at === null ? null : memberOf(at, name);
}

/** The object in a member, or null where there is none. */
function below(o: RawObject, name: string): RawObject | null {
  const inner = objectOf(o, name);
  if (inner !== null) return inner;
  const member = memberNamed(o, name);
  if (member !== null && o.text.charAt(member.start) === "{") throw fault("PARAMS_INVALID", { detail: `duplicate or too many members in ${name}` });
  return null;
}

/** Strings as they are, integers and other numbers in decimal, booleans as words; null for all that has no such form. */
function headerTextOf(raw: Raw): string | null {
  if (raw === "null") return null;
  const value: unknown = /^["\-\dtf]/.test(raw) ? JSON.parse(raw) : null;
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  return typeof value === "number" && isExact(value) ? String(value) : null;
}

const isExact = (value: number): boolean => Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
