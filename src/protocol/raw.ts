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
const colon = 58;
const bracket = 91;
const brace = 123;
/** A closing bracket or brace stands this far behind its opening one in ASCII. */
const closing = 2;
/** Strings up to this length are cheaper by hand than by a native search. */
const shortChars = 16;
/** Fewer members than this are compared pairwise; more go through a set. */
const pairwiseMembersMax = 12;


/**
 * One pass over one text that holds no control character (`compactText`). Every method takes the offset where its
 * subject begins and gives the offset behind it, or -1 with `flaw` and `detail` set. Offsets only grow and both
 * look-aheads are remembered, so the time is linear in the text whatever it holds; nothing recurses on input.
 */
export class Scan implements Ahead {
  readonly text: string;
  private readonly limits: Limits;
  flaw: Flaw | null = null;
  detail = "";
  /** Members of the outermost located object, as far as they were read: a refused message still has its id. */
  top: RawMember[] = [];
  /** Opening characters of the containers that are open within the value being skipped. */
  private readonly open: number[] = [];
  nextQuote = -1;
  nextBackslash = -1;
  /** Escapes seen so far. */
  private escapes = 0;

  constructor(text: string, limits: Limits) {
    this.text = text;
    this.limits = limits;
  }

  /** The first offset at or behind `at` that is not white space (there is none but spaces). */
  skip(at: number): number {
    let i = at;
    while (this.text.charCodeAt(i) === space) i += 1;
    return i;
  }

  /** Validates the value that begins at `at` and stands `depth` containers deep. */
  value(at: number, depth: number): number {
    const c = this.text.charCodeAt(at);
    if (c === quotation) return this.string(at);
    if (c === brace || c === bracket) return this.container(at, depth);
    return this.scalar(at, c);
  }

  /**
   * Validates the object that opens at `at` and locates its members. `level` 0 is an envelope, whose payload is located
   * too, 1 a payload, whose `_meta` is; 2 locates nothing further. Null: see `flaw`.
   */
  object(at: number, depth: number, level: number): RawObject | null {
    if (depth >= this.limits.depthMax) {
      this.deep();
      return null;
    }
    const members: RawMember[] = [];
    if (depth === 0) this.top = members;
    const first = this.skip(at + 1);
    const close = this.text.charCodeAt(first) === brace + closing ? first + 1 : this.members(first, depth + 1, level, members);
    if (close < 0) return null;
    if (members.length > pairwiseMembersMax && hasDuplicates(members)) this.shape("duplicate member name");
    return { text: this.text, open: at, close, members };
  }

  /** Reports the elements of the array that opens at `at`, located. */
  array(at: number, elements: Raw[], elementsMax: number): number {
    let i = this.skip(at + 1);
    if (this.text.charCodeAt(i) === bracket + closing) return i + 1;
    for (;;) {
      const end = this.value(i, 1);
      if (end < 0) return -1;
      if (elements.length >= elementsMax) return this.shape("too many elements");
      elements.push(this.text.slice(i, end));
      i = this.skip(end);
      const c = this.text.charCodeAt(i);
      if (c === bracket + closing) return i + 1;
      if (c !== comma) return this.json(i);
      i = this.skip(i + 1);
    }
  }

  /** True when nothing but white space follows `at`. */
  ends(at: number): boolean {
    const end = this.skip(at);
    if (end === this.text.length) return true;
    this.json(end);
    return false;
  }

  /** Records a breach of our own rules and lets the scan go on: text that is no JSON at all outranks it. */
  private shape(detail: string): -1 {
    this.flaw ??= "shape";
    this.detail ||= detail;
    return -1;
  }

  private json(at: number): -1 {
    this.flaw = "json";
    this.detail = at < this.text.length ? `unexpected character at offset ${at}` : "unexpected end";
    return -1;
  }

  private deep(): -1 {
    this.flaw = "deep";
    this.detail = `nested deeper than ${this.limits.depthMax}`;
    return -1;
  }

  private members(first: number, depth: number, level: number, members: RawMember[]): number {
    let from = first;
    for (;;) {
      const escapesBefore = this.escapes;
      const keyEnd = this.text.charCodeAt(from) === quotation ? this.string(from) : this.json(from);
      if (keyEnd < 0) return -1;
      const key = this.key(from, keyEnd, this.escapes !== escapesBefore);
      const start = this.colon(keyEnd);
      const end = start < 0 ? -1 : this.member(key, from, start, depth, level, members);
      if (end < 0) return -1;
      const next = this.skip(end);
      const c = this.text.charCodeAt(next);
      if (c === brace + closing) return next + 1;
      if (c !== comma) return this.json(next);
      from = this.skip(next + 1);
    }
  }

  private member(key: string, from: number, start: number, depth: number, level: number, members: RawMember[]): number {
    let inner: RawObject | null = null;
    let end: number;
    if (this.text.charCodeAt(start) === brace && isLocated(key, level)) {
      inner = this.object(start, depth, level + 1);
      end = inner === null ? -1 : inner.close;
    } else end = this.value(start, depth);
    if (end < 0) return -1;
    if (members.length >= this.limits.membersMax) this.shape("too many members");
    else {
      if (members.length < pairwiseMembersMax && hasKey(members, key)) this.shape("duplicate member name");
      members.push({ key, from, start, end, inner });
    }
    return end;
  }

  private key(from: number, end: number, escaped: boolean): string {
    return escaped ? (JSON.parse(this.text.slice(from, end)) as string) : this.text.slice(from + 1, end - 1);
  }

  /** From behind a key to the beginning of its value. */
  private colon(at: number): number {
    const i = this.skip(at);
    return this.text.charCodeAt(i) === colon ? this.skip(i + 1) : this.json(i);
  }

  /** From an object's opening or comma to the beginning of its next value. */
  private nextMember(at: number): number {
    const end = this.text.charCodeAt(at) === quotation ? this.string(at) : this.json(at);
    return end < 0 ? -1 : this.colon(end);
  }

  private container(at: number, depth: number): number {
    let i = at;
    do {
      i = this.descend(i, depth);
      if (i >= 0) i = this.afterValue(i);
    } while (i >= 0 && this.open.length > 0);
    return i;
  }

  /** Opens containers down to the first value that is none, or to an empty one; behind that value, or at the closing of the empty one. */
  private descend(at: number, depth: number): number {
    const { open, text } = this;
    for (let i = at; ; ) {
      const c = text.charCodeAt(i);
      if (c === quotation) return this.string(i);
      if (c !== brace && c !== bracket) return this.scalar(i, c);
      if (depth + open.length >= this.limits.depthMax) return this.deep();
      open.push(c);
      i = this.skip(i + 1);
      if (text.charCodeAt(i) === c + closing) return i;
      if (c === brace) i = this.nextMember(i);
      if (i < 0) return -1;
    }
  }

  /** From behind a value to the beginning of the next one, closing what closes; behind the last closing when none is open. */
  private afterValue(at: number): number {
    const open = this.open;
    let i = this.skip(at);
    let top = open[open.length - 1] ?? 0;
    while (this.text.charCodeAt(i) === top + closing) {
      open.pop();
      if (open.length === 0) return i + 1;
      top = open[open.length - 1] ?? 0;
      i = this.skip(i + 1);
    }
    if (this.text.charCodeAt(i) !== comma) return this.json(i);
    i = this.skip(i + 1);
    return top === brace ? this.nextMember(i) : i;
  }

  private string(at: number): number {
    const { text } = this;
    let i = at + 1;
    let stop = i + shortChars;
    for (;;) {
      const c = text.charCodeAt(i);
      if (c === quotation) return i + 1;
      if (c === backslash) {
        i = this.escape(i);
        if (i < 0) return -1;
        stop = i + shortChars;
      } else if ((i += 1) >= stop) {
        i = endOfPlain(text, i, this);
        if (i >= text.length) return this.json(i);
      }
    }
  }

  private escape(at: number): number {
    this.escapes += 1;
    const c = this.text.charCodeAt(at + 1);
    if (c === 117) return isHex(this.text, at + 2) ? at + 6 : this.json(at);
    return isEscape(c) ? at + 2 : this.json(at);
  }

  private scalar(at: number, c: number): number {
    if (c === minus || (c >= zero && c <= 57)) return this.number(at);
    const word = c === 116 ? "true" : c === 102 ? "false" : "null";
    return this.text.startsWith(word, at) ? at + word.length : this.json(at);
  }

  private number(at: number): number {
    const first = this.text.charCodeAt(at) === minus ? at + 1 : at;
    let end = this.text.charCodeAt(first) === zero ? first + 1 : this.digits(first);
    if (end >= 0 && this.text.charCodeAt(end) === dot) end = this.digits(end + 1);
    return end < 0 ? -1 : this.exponent(end);
  }

  private exponent(at: number): number {
    const e = this.text.charCodeAt(at);
    if (e !== 101 && e !== 69) return at;
    const sign = this.text.charCodeAt(at + 1);
    return this.digits(sign === minus || sign === 43 ? at + 2 : at + 1);
  }

  /** At least one digit. */
  private digits(at: number): number {
    let i = at;
    for (let c = this.text.charCodeAt(i); c >= zero && c <= 57; c = this.text.charCodeAt(i)) i += 1;
    return i > at ? i : this.json(i);
  }
}

/** One of n " \ t r b f and the slash, the likeliest first. */
function isEscape(c: number): boolean {
  return c === 110 || c === quotation || c === backslash || c === 116 || c === 114 || c === 47 || c === 98 || c === 102;
}

/** Four hexadecimal digits. */
function isHex(text: string, at: number): boolean {
  for (let i = at; i < at + 4; i += 1) {
    const c = text.charCodeAt(i) | 32;
    if (!((c >= zero && c <= 57) || (c >= 97 && c <= 102))) return false;
  }
  return true;
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

/** Validates one value that must be an object, and locates its members. Null: no JSON, no object, too deep, too many or duplicate members. */
export function parseObject(text: string, limits: Limits): RawObject | null {
  const compact = compactText(text);
  if (compact === null) return null;
  const scan = new Scan(compact, limits);
  const at = scan.skip(0);
  if (compact.charCodeAt(at) !== brace) return null;
  const object = scan.object(at, 0, 2);
  return object !== null && scan.ends(object.close) && scan.flaw === null ? object : null;
}

/** The elements of an array's text. Null: no JSON, no array, too deep, or more elements than `limits.listItemsMax`. */
export function elementsOf(raw: Raw, limits: Limits): Raw[] | null {
  const compact = compactText(raw);
  if (compact === null) return null;
  const scan = new Scan(compact, limits);
  const at = scan.skip(0);
  if (compact.charCodeAt(at) !== bracket) return null;
  const elements: Raw[] = [];
  const end = scan.array(at, elements, limits.listItemsMax);
  return end >= 0 && scan.ends(end) ? elements : null;
}
