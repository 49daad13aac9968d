/**
 * Tag expressions: which servers somebody wants to see, in a URL, on a command line, in a preset. NOT binds more than
 * AND, AND more than OR. What is written in one of many ways (`a+b`, `a && b`, `a b`) has one canonical text, which is
 * what selections are compared by. A mistake is an error with its place and never an empty selection.
 */
import { fixedBounds, nearestOf } from "../base/index.ts";

/** One expression, in canonical form: no operator directly inside the same one, no double NOT, no operand twice. */
export type TagQuery =
  /** A tag in lower case. */
  | { readonly kind: "tag"; readonly name: string }
  /** One server, by its exact name. */
  | { readonly kind: "server"; readonly name: string }
  /** Servers that offer something of this kind. */
  | { readonly kind: "cap"; readonly name: Cap }
  /** What the preset of this name selects. */
  | { readonly kind: "preset"; readonly name: string }
  | { readonly kind: "not"; readonly of: TagQuery }
  | { readonly kind: "and" | "or"; readonly of: readonly TagQuery[] };

export type Cap = (typeof caps)[number];

/** What is wrong with an expression, and where: `at` counts UTF-16 units from 0. */
export interface FilterMistake {
  readonly ok: false;
  readonly at: number;
  readonly problem: string;
}

export type ParsedFilter = { readonly ok: true; readonly query: TagQuery } | FilterMistake;

const caps = Object.freeze(["tools", "resources", "prompts"] as const);
const predicates = Object.freeze(["server", "cap", "preset"] as const);
const isCap = (word: string): word is Cap => (caps as readonly string[]).includes(word);
const isPredicate = (word: string): word is (typeof predicates)[number] => (predicates as readonly string[]).includes(word);

/** Reads an expression. Never throws. `allowsPresets: false`: it may not name one (it is one itself). */
export function parseFilter(text: string, { allowsPresets = true }: { readonly allowsPresets?: boolean } = {}): ParsedFilter {
  const { filterCharsMax } = fixedBounds;
  if (text.length > filterCharsMax) return mistake(filterCharsMax, tooLong);
  const tokens = tokensOf(text, allowsPresets);
  if (!Array.isArray(tokens)) return tokens;
  const query = new Reading(tokens, text.length).whole();
  // Longer than what was written it may be, but it has to be readable itself.
  if ("ok" in query) return query;
  return printFilter(query).length > filterCharsMax ? mistake(0, tooLong) : { ok: true, query };
}

const tooLong = `the expression is longer than ${fixedBounds.filterCharsMax} characters`;
const mistake = (at: number, problem: string): FilterMistake => ({ ok: false, at, problem });

/** The canonical text; read again it gives the same query, and the same text. */
export function printFilter(query: TagQuery): string {
  switch (query.kind) {
    case "and":
      return query.of.map((one) => (one.kind === "or" ? `(${printFilter(one)})` : printFilter(one))).join(" && ");
    case "or":
      return query.of.map(printFilter).join(" || ");
    case "not":
      return query.of.kind === "and" || query.of.kind === "or" ? `!(${printFilter(query.of)})` : `!${printFilter(query.of)}`;
    case "tag":
      return tagText(query.name);
    default:
      return `${query.kind}:${query.name}`;
  }
}

const plainTag = /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/;
const tagText = (name: string): string => (plainTag.test(name) && !Object.hasOwn(keywords, name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`);

/** All of these at once. */
export const bothOf = (queries: readonly TagQuery[]): TagQuery => joined("and", queries);

/** Any of these tags, as a comma list has them; an empty list is a mistake. */
export function parseTagList(text: string): ParsedFilter {
  const words = text.split(",").map((word) => word.trim()).filter((word) => word !== "");
  if (words.length === 0) return mistake(0, "there is no tag");
  if (text.length > fixedBounds.filterCharsMax) return mistake(fixedBounds.filterCharsMax, tooLong);
  // The canonical text of many tags is longer than their list.
  return parseFilter(words.map((word) => tagText(word.toLowerCase())).join(","));
}

/** A mistake as two lines: the expression, and a caret under the place. What is not to be seen in a terminal is shown as a dot. */
export const caretText = (text: string, { at }: FilterMistake): string => `  ${text.replace(/[\p{C}\p{Z}]/gu, (one) => (one === " " ? one : "·".repeat(one.length)))}\n  ${" ".repeat(at)}^\n`;

/** The first preset that an expression names and that there is none of; null: they are all there. */
export function missingPreset(query: TagQuery, presets: { has(name: string): boolean }): string | null {
  if (query.kind === "preset") return presets.has(query.name) ? null : query.name;
  if (query.kind === "not") return missingPreset(query.of, presets);
  if (query.kind !== "and" && query.kind !== "or") return null;
  for (const one of query.of) {
    const missing = missingPreset(one, presets);
    if (missing !== null) return missing;
  }
  return null;
}

// ---- Words and signs

type Token =
  | { readonly kind: "atom"; readonly at: number; readonly spaced: boolean; readonly query: TagQuery }
  | { readonly kind: "and" | "or" | "not" | "(" | ")"; readonly at: number; readonly spaced: boolean };

const keywords: Readonly<Record<string, "and" | "or" | "not">> = Object.freeze({ and: "and", or: "or", not: "not" });
const signs: Readonly<Record<string, "and" | "or" | "not" | "(" | ")">> = Object.freeze({ "&&": "and", "+": "and", "||": "or", ",": "or", "!": "not", "-": "not", "(": "(", ")": ")" });

// In this order: white space, a sign, a quoted tag, a word with what follows its colon.
const pattern = /(\s+)|(&&|\|\||[+,!()-])|"((?:[^"\\]|\\["\\])+)"|([A-Za-z0-9_.][A-Za-z0-9_.-]*)(?::([A-Za-z0-9_.-]*))?/y;

function tokensOf(text: string, allowsPresets: boolean): Token[] | FilterMistake {
  const tokens: Token[] = [];
  let spaced = true;
  const scanner = new RegExp(pattern);
  while (scanner.lastIndex < text.length) {
    const at = scanner.lastIndex;
    const found = scanner.exec(text);
    if (found === null) return mistake(at, strayed(text, at));
    const [, space, sign, quoted, word, value] = found;
    if (space === undefined) {
      const token = tokenOf({ at, spaced }, { sign, quoted, word, value }, allowsPresets);
      if ("ok" in token) return token;
      tokens.push(token);
    }
    spaced = space !== undefined;
  }
  return tokens;
}

interface Found {
  readonly sign: string | undefined;
  readonly quoted: string | undefined;
  readonly word: string | undefined;
  readonly value: string | undefined;
}

function tokenOf(place: { readonly at: number; readonly spaced: boolean }, { sign, quoted, word = "", value }: Found, allowsPresets: boolean): Token | FilterMistake {
  if (sign !== undefined) return { ...place, kind: signs[sign] ?? "not" };
  if (quoted !== undefined) return { ...place, kind: "atom", query: Object.freeze({ kind: "tag", name: quoted.replace(/\\(.)/g, "$1").toLowerCase() }) };
  const lower = word.toLowerCase();
  if (value !== undefined) return predicateOf(place, lower, value, allowsPresets);
  const keyword = Object.hasOwn(keywords, lower) ? keywords[lower] : undefined;
  return keyword === undefined ? { ...place, kind: "atom", query: Object.freeze({ kind: "tag", name: lower }) } : { ...place, kind: keyword };
}

function predicateOf(place: { readonly at: number; readonly spaced: boolean }, word: string, value: string, allowsPresets: boolean): Token | FilterMistake {
  const valueAt = place.at + word.length + 1;
  if (!isPredicate(word)) return mistake(place.at, `“${word}:” is not known; there are server:, cap: and preset:${suggestion(word, predicates)}`);
  if (word === "preset" && !allowsPresets) return mistake(place.at, "a preset cannot name another one");
  if (value === "") return mistake(valueAt, `a name must follow “${word}:”`);
  if (word !== "cap") return { ...place, kind: "atom", query: Object.freeze({ kind: word, name: value }) };
  const cap = value.toLowerCase();
  return isCap(cap) ? { ...place, kind: "atom", query: Object.freeze({ kind: "cap", name: cap }) } : mistake(valueAt, `“${value}” is none of ${caps.join(", ")}${suggestion(value, caps)}`);
}

function suggestion(word: string, words: Iterable<string>): string {
  const near = nearestOf(word, words);
  return near === null ? "" : `; did you mean “${near}”?`;
}

const strays: Readonly<Record<string, string>> = Object.freeze({
  "&": "AND is written “&&”, “+” or “and”",
  "|": "OR is written “||”, “,” or “or”",
  '"': "this quote is not closed, or there is nothing in it",
  ":": "a word must stand before the colon: server:, cap: or preset:",
});

const strayed = (text: string, at: number): string => strays[text[at] ?? ""] ?? `“${String.fromCodePoint(text.codePointAt(at) ?? 0)}” cannot be part of a tag; put the tag into double quotes`;

// ---- Their order

/** Goes over the tokens once, from the weakest operator down. */
class Reading {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  whole(): TagQuery | FilterMistake {
    const query = this.#any();
    const rest = this.#tokens[this.#next];
    if ("ok" in query || rest === undefined) return query;
    return mistake(rest.at, rest.kind === ")" ? "no parenthesis is open here" : "an operator is missing here: “,” for OR, a space or “+” for AND");
  }

  #any(): TagQuery | FilterMistake {
    return this.#chain("or", () => this.#all(), (token) => token.kind === "or");
  }

  #all(): TagQuery | FilterMistake {
    return this.#chain("and", () => this.#one(), (token) => token.kind === "and" || (token.spaced && begins(token)));
  }

  #chain(kind: "and" | "or", operand: () => TagQuery | FilterMistake, goesOn: (token: Token) => boolean): TagQuery | FilterMistake {
    const operands: TagQuery[] = [];
    for (;;) {
      const query = operand();
      if ("ok" in query) return query;
      operands.push(query);
      const token = this.#tokens[this.#next];
      if (token === undefined || !goesOn(token)) return joined(kind, operands);
      if (token.kind === kind) this.#next += 1;
    }
  }

  #one(): TagQuery | FilterMistake {
    const token = this.#tokens[this.#next];
    if (token === undefined || !begins(token)) return mistake(token?.at ?? this.#end, "a tag is missing here");
    this.#next += 1;
    if (token.kind === "atom") return token.query;
    if (this.#depth >= fixedBounds.filterDepthMax) return mistake(token.at, `nested deeper than ${fixedBounds.filterDepthMax}`);
    this.#depth += 1;
    const query = token.kind === "not" ? negated(this.#one()) : this.#group(token.at);
    this.#depth -= 1;
    return query;
  }

  #group(at: number): TagQuery | FilterMistake {
    const query = this.#any();
    if ("ok" in query) return query;
    const token = this.#tokens[this.#next];
    if (token === undefined) return mistake(at, "this parenthesis is not closed");
    if (token.kind !== ")") return mistake(token.at, "an operator is missing here: “,” for OR, a space or “+” for AND");
    this.#next += 1;
    return query;
  }
}

const begins = ({ kind }: Token): boolean => kind === "atom" || kind === "not" || kind === "(";

function negated(query: TagQuery | FilterMistake): TagQuery | FilterMistake {
  if ("ok" in query) return query;
  return query.kind === "not" ? query.of : Object.freeze({ kind: "not", of: query });
}

function joined(kind: "and" | "or", operands: readonly TagQuery[]): TagQuery {
  const flat = new Map<string, TagQuery>();
  for (const operand of operands.flatMap((one) => (one.kind === kind ? one.of : [one]))) flat.set(printFilter(operand), operand);
  const [only, ...others] = flat.values();
  return only !== undefined && others.length === 0 ? only : Object.freeze({ kind, of: Object.freeze([...flat.values()]) });
}
