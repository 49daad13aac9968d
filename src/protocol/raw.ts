/**
 * JSON that is relayed and not read. A message is scanned once: the whole text is validated (grammar, depth, no control
 * characters), and the members of the envelope, of `params`/`result`/`error` and of their `_meta` are located by offset.
 * Payloads are never turned into values, so numbers, key order and unknown members travel as they came.
 *
 * Text, not bytes: UTF-8 decoded fatally is a bijection, and on Bun slicing and joining strings is cheaper than copying
 * byte arrays (docs/decisions/0004-text-slices.md).
 */
import type { Limits } from "../base/index.ts";
import { type Ahead, backslash, comma, compactText, endOfPlain, quotation, space } from "./text.ts";

/** Valid JSON text of one value, without surrounding white space and without any line break. */
export type Raw = string;

/** One member: `from` is the offset of the key's opening quote, [start, end) the value's text. Offsets into the owner's `text`. */
export interface RawMember {
  readonly key: string;
  readonly from: number;
  readonly start: number;
  readonly end: number;
  /** The value's own members where they were located in the same pass; `objectOf` answers in every case. */
  readonly inner: RawObject | null;
}

/** An object whose members are located. [open, close) is its own text within `text`, braces included. */
export interface RawObject {
  readonly text: string;
  readonly open: number;
  readonly close: number;
  readonly members: readonly RawMember[];
}

/** Why a text is refused: no JSON, nested too deeply, or JSON that breaks one of our own rules. */
export type Flaw = "json" | "deep" | "shape";

const minus = 45;
const dot = 46;
const zero = 48;
const nine = 57;
const colon = 58;
const bracket = 91;
const brace = 123;
/** A closing bracket or brace stands this far behind its opening one in ASCII. */
const closing = 2;
/** Strings up to this length are cheaper by hand than by a native search. */
const shortChars = 24;
/** Fewer members than this are compared pairwise; more go through a set. */
const pairwiseMembersMax = 12;

/**
 * What one pass over one text remembers. The text holds no control character (`compactText`). Each function below takes
 * the offset where its subject begins and gives the offset behind it, or -1 with `flaw` and `detail` set. Offsets only
 * grow and both look-aheads are remembered, so the time is linear in the text whatever it holds; nothing recurses on
 * input. They are functions that are handed the text, and on a valid one they never read behind its end, for which they
 * would be compiled once it had happened: together that nearly halves the time of structured payloads.
 */
export class Scan implements Ahead {
  readonly text: string;
  readonly limits: Limits;
  flaw: Flaw | null = null;
  detail = "";
  /** Members of the outermost located object, as far as they were read: a refused message still has its id. */
  top: RawMember[] = [];
  /** Opening characters of the containers that are open within the value being skipped. */
  readonly open: number[] = [];
  nextQuote = -1;
  nextBackslash = -1;
  /** Escapes seen so far. */
  escapes = 0;

  constructor(text: string, limits: Limits) {
    this.text = text;
    this.limits = limits;
  }
}

// ---- Refusals

function notJson(scan: Scan, at: number): -1 {
  scan.flaw = "json";
  scan.detail = at < scan.text.length ? `unexpected character at offset ${at}` : "unexpected end";
  return -1;
}

function tooDeep(scan: Scan): -1 {
  scan.flaw = "deep";
  scan.detail = `nested deeper than ${scan.limits.depthMax}`;
  return -1;
}

/** Records a breach of our own rules and lets the scan go on: text that is no JSON at all outranks it. */
function misshapen(scan: Scan, detail: string): void {
  scan.flaw ??= "shape";
  scan.detail ||= detail;
}

// ---- Scalars

/** The first offset at or behind `at` that is not white space (there is none but spaces). */
export function afterSpace(text: string, at: number): number {
  let i = at;
  while (text.charCodeAt(i) === space) i += 1;
  return i;
}

/** True when nothing but white space follows `at`. */
export function isEnd(scan: Scan, at: number): boolean {
  // Nothing of the hot loops may ever read behind the end: they would be compiled for the case that it happens.
  if (at === scan.text.length) return true;
  const end = afterSpace(scan.text, at);
  if (end === scan.text.length) return true;
  notJson(scan, end);
  return false;
}

function endOfString(scan: Scan, text: string, at: number): number {
  const i = endOfRun(text, at + 1);
  return text.charCodeAt(i) === quotation ? i + 1 : endOfLongString(scan, text, i);
}

/** The next quotation mark or backslash, or where to go on natively. */
function endOfRun(text: string, at: number): number {
  const stop = Math.min(at + shortChars, text.length - 1);
  let i = at;
  for (; i < stop; i += 1) {
    const c = text.charCodeAt(i);
    if (c === quotation || c === backslash) return i;
  }
  return i;
}

/** From within a string that is long or has escapes. */
function endOfLongString(scan: Scan, text: string, at: number): number {
  for (let i = at; ; ) {
    i = endOfPlain(text, i, scan);
    if (i >= text.length) return notJson(scan, i);
    if (text.charCodeAt(i) === quotation) return i + 1;
    i = afterEscape(scan, text, i);
    if (i < 0) return -1;
    i = endOfRun(text, i);
  }
}

function afterEscape(scan: Scan, text: string, at: number): number {
  scan.escapes += 1;
  const c = text.charCodeAt(at + 1);
  if (c === 117) return isHex(text, at + 2) ? at + 6 : notJson(scan, at);
  return isEscape(c) ? at + 2 : notJson(scan, at);
}

/** One of n " \\ t r b f and the slash, the likeliest first. */
function isEscape(c: number): boolean {
  return c === 110 || c === quotation || c === backslash || c === 116 || c === 114 || c === 47 || c === 98 || c === 102;
}

/** Four hexadecimal digits. */
function isHex(text: string, at: number): boolean {
  for (let i = at; i < at + 4; i += 1) {
    const c = text.charCodeAt(i) | 32;
    if (!(isDigit(c) || (c >= 97 && c <= 102))) return false;
  }
  return true;
}

/** A string, number or word; `c` is its first character. */
function endOfScalar(scan: Scan, text: string, at: number, c: number): number {
  if (c === quotation) return endOfString(scan, text, at);
  if (c === minus || isDigit(c)) return endOfNumber(scan, text, at, c);
  const word = c === 116 ? "true" : c === 102 ? "false" : "null";
  return text.startsWith(word, at) ? at + word.length : notJson(scan, at);
}

function endOfNumber(scan: Scan, text: string, at: number, c: number): number {
  const first = c === minus ? at + 1 : at;
  let end = text.charCodeAt(first) === zero ? first + 1 : endOfDigits(scan, text, first);
  if (end < 0) return -1;
  if (text.charCodeAt(end) === dot) end = endOfDigits(scan, text, end + 1);
  return end < 0 ? -1 : endOfExponent(scan, text, end);
}

function endOfExponent(scan: Scan, text: string, at: number): number {
  const e = text.charCodeAt(at);
  if (e !== 101 && e !== 69) return at;
  const sign = text.charCodeAt(at + 1);
  return endOfDigits(scan, text, sign === minus || sign === 43 ? at + 2 : at + 1);
}

/** At least one digit. */
function endOfDigits(scan: Scan, text: string, at: number): number {
  let i = at;
  while (isDigit(text.charCodeAt(i))) i += 1;
  return i > at ? i : notJson(scan, i);
}

const isDigit = (c: number): boolean => c >= zero && c <= nine;

// ---- Values that are validated and passed over

/** Validates the value that begins at `at` and stands `depth` containers deep. */
export function endOfValue(scan: Scan, text: string, at: number, depth: number): number {
  const c = text.charCodeAt(at);
  return c === brace || c === bracket ? endOfContainer(scan, text, at, depth) : endOfScalar(scan, text, at, c);
}

function endOfContainer(scan: Scan, text: string, at: number, depth: number): number {
  const { open } = scan;
  let i = at;
  do {
    i = descend(scan, text, i, depth);
    if (i >= 0) i = afterValue(scan, text, i);
  } while (i >= 0 && open.length > 0);
  return i;
}

/** Opens containers down to the first value that is none, or to an empty one; behind that value, or at the closing of the empty one. */
function descend(scan: Scan, text: string, at: number, depth: number): number {
  const { open } = scan;
  for (let i = at; ; ) {
    const c = text.charCodeAt(i);
    if (c !== brace && c !== bracket) return endOfScalar(scan, text, i, c);
    if (depth + open.length >= scan.limits.depthMax) return tooDeep(scan);
    open.push(c);
    i = afterSpace(text, i + 1);
    if (text.charCodeAt(i) === c + closing) return i;
    if (c === brace) i = afterKey(scan, text, i);
    if (i < 0) return -1;
  }
}

/** From behind a value to the beginning of the next one, closing what closes; behind the last closing when none is open. */
function afterValue(scan: Scan, text: string, at: number): number {
  const { open } = scan;
  let i = afterSpace(text, at);
  let top = open[open.length - 1] ?? 0;
  while (text.charCodeAt(i) === top + closing) {
    open.pop();
    if (open.length === 0) return i + 1;
    top = open[open.length - 1] ?? 0;
    i = afterSpace(text, i + 1);
  }
  if (text.charCodeAt(i) !== comma) return notJson(scan, i);
  i = afterSpace(text, i + 1);
  return top === brace ? afterKey(scan, text, i) : i;
}

/** From a key's opening quotation mark to the beginning of its value. */
function afterKey(scan: Scan, text: string, at: number): number {
  const end = text.charCodeAt(at) === quotation ? endOfString(scan, text, at) : notJson(scan, at);
  return end < 0 ? -1 : afterColon(scan, text, end);
}

function afterColon(scan: Scan, text: string, at: number): number {
  const i = afterSpace(text, at);
  return text.charCodeAt(i) === colon ? afterSpace(text, i + 1) : notJson(scan, i);
}

// ---- Objects whose members are located

/**
 * Validates the object that opens at `at` and locates its members. `level` 0 is an envelope, whose payload is located
 * too, 1 a payload, whose `_meta` is; 2 locates nothing further. Null: see `flaw`.
 */
export function locate(scan: Scan, at: number, depth: number, level: number): RawObject | null {
  const { text } = scan;
  if (depth >= scan.limits.depthMax) {
    tooDeep(scan);
    return null;
  }
  const members: RawMember[] = [];
  if (depth === 0) scan.top = members;
  const first = afterSpace(text, at + 1);
  const close = text.charCodeAt(first) === brace + closing ? first + 1 : endOfMembers(scan, first, depth + 1, level, members);
  if (close < 0) return null;
  if (members.length > pairwiseMembersMax && hasDuplicates(members)) misshapen(scan, "duplicate member name");
  return { text, open: at, close, members };
}

function endOfMembers(scan: Scan, first: number, depth: number, level: number, members: RawMember[]): number {
  const { text } = scan;
  let from = first;
  for (;;) {
    const end = endOfMember(scan, text, from, depth, level, members);
    if (end < 0) return -1;
    const next = afterSpace(text, end);
    const c = text.charCodeAt(next);
    if (c === brace + closing) return next + 1;
    if (c !== comma) return notJson(scan, next);
    from = afterSpace(text, next + 1);
  }
}

function endOfMember(scan: Scan, text: string, from: number, depth: number, level: number, members: RawMember[]): number {
  const escapesBefore = scan.escapes;
  const keyEnd = text.charCodeAt(from) === quotation ? endOfString(scan, text, from) : notJson(scan, from);
  const start = keyEnd < 0 ? -1 : afterColon(scan, text, keyEnd);
  if (start < 0) return -1;
  const key = scan.escapes === escapesBefore ? text.slice(from + 1, keyEnd - 1) : (JSON.parse(text.slice(from, keyEnd)) as string);
  const isInner = text.charCodeAt(start) === brace && isLocated(key, level);
  const inner = isInner ? locate(scan, start, depth, level + 1) : null;
  const end = isInner ? closeOf(inner) : endOfValue(scan, text, start, depth);
  if (end >= 0) take(scan, members, { key, from, start, end, inner });
  return end;
}

const closeOf = (object: RawObject | null): number => (object === null ? -1 : object.close);

function take(scan: Scan, members: RawMember[], member: RawMember): void {
  if (members.length >= scan.limits.membersMax) return misshapen(scan, "too many members");
  if (members.length < pairwiseMembersMax && hasKey(members, member.key)) misshapen(scan, "duplicate member name");
  members.push(member);
}

/** Whether the members of this member's value are located with those of its owner. */
function isLocated(key: string, level: number): boolean {
  if (level === 0) return key === "params" || key === "result" || key === "error";
  return level === 1 && key === "_meta";
}

// Comparing the lengths first spares a native call for each key: a fresh slice has no comparable text of its own yet.
function hasKey(members: readonly RawMember[], key: string): boolean {
  for (const member of members) if (member.key.length === key.length && member.key === key) return true;
  return false;
}

const hasDuplicates = (members: readonly RawMember[]): boolean => new Set(members.map((member) => member.key)).size !== members.length;

// ---- What others ask for

/** Validates one value that must be an object, and locates its members. Null: no JSON, no object, too deep, too many or duplicate members. */
export function parseObject(text: string, limits: Limits): RawObject | null {
  const compact = compactText(text);
  if (compact === null) return null;
  const scan = new Scan(compact, limits);
  const at = afterSpace(compact, 0);
  if (compact.charCodeAt(at) !== brace) return null;
  const object = locate(scan, at, 0, 2);
  return object !== null && isEnd(scan, object.close) && scan.flaw === null ? object : null;
}

/** The elements of an array's text. Null: no JSON, no array, too deep, or more elements than `limits.listItemsMax`. */
export function elementsOf(raw: Raw, limits: Limits): Raw[] | null {
  const compact = compactText(raw);
  if (compact === null) return null;
  const scan = new Scan(compact, limits);
  const at = afterSpace(compact, 0);
  if (compact.charCodeAt(at) !== bracket) return null;
  const elements: Raw[] = [];
  const end = endOfElements(scan, compact, at, elements);
  return end >= 0 && isEnd(scan, end) ? elements : null;
}

/** Collects the elements of the array that opens at `at`. */
function endOfElements(scan: Scan, text: string, at: number, elements: Raw[]): number {
  let i = afterSpace(text, at + 1);
  if (text.charCodeAt(i) === bracket + closing) return i + 1;
  while (elements.length < scan.limits.listItemsMax) {
    const end = endOfValue(scan, text, i, 1);
    if (end < 0) return -1;
    elements.push(text.slice(i, end));
    i = afterSpace(text, end);
    const c = text.charCodeAt(i);
    if (c === bracket + closing) return i + 1;
    if (c !== comma) return notJson(scan, i);
    i = afterSpace(text, i + 1);
  }
  return -1;
}
