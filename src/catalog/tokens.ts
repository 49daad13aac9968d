/**
 * What the definitions of servers cost a model: the texts that it is given of each tool, and what they come to in each way
 * of showing them. Whoever counts brings the tokenizer along; it is large, and nothing else needs it.
 */
import type { Limits } from "../base/index.ts";
import { emptyObject, memberOf, parseObject, quote, type Raw } from "../protocol/index.ts";
import { pairEntries } from "./pair.ts";
import type { Catalog, Entry } from "./types.ts";

/** One tool, as a model is told of it. */
export interface Defined {
  readonly name: string;
  readonly text: string;
}

/** All that a model can be told of tools. */
export interface Definitions {
  readonly catalog: "full" | "search";
  readonly servers: readonly { readonly name: string; readonly tools: readonly Defined[]; readonly instructions: string | null }[];
  /** Those that stand for all others where the catalog is searched. */
  readonly pair: readonly Defined[];
}

/** The definitions of everything that there is for whoever may see all of it. */
export function definitionsOf({ servers, searched, limits }: Catalog): Definitions {
  return {
    catalog: searched ? "search" : "full",
    servers: servers.map(({ name, merged, instructions }) => ({ name, tools: merged.tools.map((entry) => definedOf(entry, limits)), instructions })),
    pair: pairEntries.map((entry) => definedOf(entry, limits)),
  };
}

// Clients give their models these three; what else stands in a definition is for the client.
const told = Object.freeze(["description", "inputSchema"] as const);

function definedOf({ public: name, raw }: Entry, limits: Limits): Defined {
  const tool = parseObject(raw, limits) ?? emptyObject;
  const members = told.flatMap((member): Raw[] => {
    const value = memberOf(tool, member);
    return value === null ? [] : [`${quote(member)}:${value}`];
  });
  return { name, text: `{${[`"name":${quote(name)}`, ...members].join(",")}}` };
}

/** What they come to, in tokens. */
export interface Costs {
  readonly catalog: Definitions["catalog"];
  readonly servers: readonly { readonly name: string; readonly tools: number; readonly toolTokens: number; readonly instructionTokens: number; readonly each: readonly { readonly name: string; readonly tokens: number }[] }[];
  readonly modes: {
    /** Every tool listed; and the pair in their place. Instructions count in both. */
    readonly full: { readonly tokens: number };
    readonly search: { readonly tokens: number; readonly saved: number; readonly savedPercent: number };
  };
}

/** The costs of definitions, the dearest server and tool first; `count` gives the tokens of a text. */
export function costsOf({ catalog, servers, pair }: Definitions, count: (text: string) => number): Costs {
  const counted = servers.map(({ name, tools, instructions }) => {
    const each = tools.map((tool) => ({ name: tool.name, tokens: count(tool.text) })).sort((a, b) => b.tokens - a.tokens);
    return { name, tools: tools.length, toolTokens: sumOf(each), instructionTokens: instructions === null ? 0 : count(instructions), each };
  });
  const instructions = counted.reduce((sum, { instructionTokens }) => sum + instructionTokens, 0);
  const full = counted.reduce((sum, { toolTokens }) => sum + toolTokens, instructions);
  const search = sumOf(pair.map(({ text }) => ({ tokens: count(text) }))) + instructions;
  const savedPercent = full === 0 ? 0 : Math.round(((full - search) / full) * 1000) / 10;
  return { catalog, servers: counted.sort((a, b) => b.toolTokens - a.toolTokens), modes: { full: { tokens: full }, search: { tokens: search, saved: full - search, savedPercent } } };
}

const sumOf = (parts: readonly { readonly tokens: number }[]): number => parts.reduce((sum, { tokens }) => sum + tokens, 0);
