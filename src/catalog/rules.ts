/**
 * What the operator's rules make of one server's tools: which there are, what they are called and what is said of them.
 * What a rule says of a tool that the server does not have is told, since it is mostly a slip; it may be a deny that
 * denies nothing.
 */
import { type Limits, nearestOf } from "../base/index.ts";
import type { ToolRules } from "../config/index.ts";
import { editObject, parseObject, quote, type Raw, type RawObject } from "../protocol/index.ts";
import type { Item } from "./types.ts";

/** The rules of a server's entry. */
export interface Ruled {
  readonly disabledTools: readonly string[];
  readonly tools?: ToolRules | null;
}

/** Whether there is a tool of this name (the server's own) for anybody. */
export function isPermitted({ disabledTools, tools }: Ruled, local: string): boolean {
  if (disabledTools.includes(local)) return false;
  if (tools === undefined || tools === null) return true;
  if (tools.allow !== null && !tools.allow.some((pattern) => matches(pattern, local))) return false;
  return !tools.deny.some((pattern) => matches(pattern, local));
}

/** Whether a name fits a pattern of plain characters, * for any and ? for one. Takes no more steps than the product of their lengths. */
export function matches(pattern: string, name: string): boolean {
  let [at, star, resume] = [0, -1, 0];
  for (let from = 0; from < name.length; ) {
    const wanted = pattern[at];
    if (wanted === "*") [star, at, resume] = [at, at + 1, from];
    else if (wanted === "?" || wanted === name[from]) [at, from] = [at + 1, from + 1];
    else if (star === -1) return false;
    // The last star takes one more character; what came before it never has to be looked at again.
    else [resume, at, from] = [resume + 1, star + 1, resume + 1];
  }
  return !/[^*]/.test(pattern.slice(at));
}

/** A tool under the name and with the words that it is to have. */
export interface Shown {
  /** Before any prefix. */
  readonly name: string;
  readonly raw: Raw;
  /** As Item.merged. */
  readonly merged: RawObject | null;
}

/** What each tool of a server is shown as, and what of the rules cannot be followed. */
export class Appearance {
  /** By the tool's own name: why it keeps it. */
  readonly refused = new Map<string, string>();
  readonly #rules: ToolRules | null;
  readonly #limits: Limits;
  readonly #names = new Map<string, string>();

  constructor(ruled: Ruled, items: readonly Item[], limits: Limits) {
    this.#rules = ruled.tools ?? null;
    this.#limits = limits;
    if (this.#rules !== null) this.#give(this.#rules.rename, new Set(items.filter(({ id }) => isPermitted(ruled, id)).map(({ id }) => id)));
  }

  // Who has a name already keeps it, and so does he whose new name is not free: nothing vanishes for a rule.
  #give(rename: ToolRules["rename"], present: ReadonlySet<string>): void {
    const staying = new Set([...present].filter((id) => !rename.has(id)));
    for (const [local, name] of rename) {
      if (!present.has(local)) continue;
      if (staying.has(name)) this.refused.set(local, `it cannot be renamed to ${quote(name)}, which another tool of the server is called`);
      else this.#names.set(local, name);
    }
  }

  of({ id, raw, merged }: Item): Shown {
    const name = this.#names.get(id) ?? id;
    const changes = this.#changes(id, name);
    if (changes === null) return { name, raw, merged };
    const own = parseObject(raw, this.#limits);
    return { name, raw: own === null ? raw : editObject(own, changes), merged: merged === null ? null : parseObject(editObject(merged, changes), this.#limits) };
  }

  #changes(id: string, name: string): Record<string, Raw | null> | null {
    const description = this.#rules?.descriptions.get(id);
    if (name === id && description === undefined) return null;
    return { ...(name === id ? {} : { name: quote(name) }), ...(description === undefined ? {} : { description: description === "" ? null : quote(description) }) };
  }
}

/** Each name and pattern of the rules that no tool of the server has, with a sentence about it. */
export function unmetRules({ disabledTools, tools }: Ruled, items: readonly Item[]): readonly { readonly id: string; readonly reason: string }[] {
  const ids = items.map(({ id }) => id);
  const written: readonly (readonly [rule: string, words: Iterable<string>])[] = [
    ["disabledTools", disabledTools],
    ["tools.allow", tools?.allow ?? []],
    ["tools.deny", tools?.deny ?? []],
    ["tools.rename", tools?.rename.keys() ?? []],
    ["tools.descriptions", tools?.descriptions.keys() ?? []],
  ];
  return written.flatMap(([rule, words]) => {
    const takesPatterns = rule === "tools.allow" || rule === "tools.deny";
    const isMet = (word: string): boolean => ids.some((id) => id === word || (takesPatterns && matches(word, id)));
    return [...words].filter((word) => !isMet(word)).map((id) => ({ id, reason: unmetReason(rule, id, ids) }));
  });
}

function unmetReason(rule: string, word: string, ids: readonly string[]): string {
  const near = nearestOf(word, ids);
  return `${rule} names it, and the server has no such tool${near === null ? "" : `; did you mean ${quote(near)}?`}`;
}
