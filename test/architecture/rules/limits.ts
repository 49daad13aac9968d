/** What a configuration may set is asked of one somewhere; what nobody asks of it belongs to the fixed bounds. */
import type { Rule } from "./rule.ts";
import { sourcesOf } from "./rule.ts";
import { codeOf, type Token, valueOf } from "./tokens.ts";

const home = "src/base/limits.ts";
const standard = "defaultLimits";

/** The names that `limits` of a configuration offers, as the table of limits has them. */
export function settableIn(text: string): string[] {
  const table = new RegExp(`export const ${standard} = [^]*?^}`, "m").exec(text)?.[0] ?? "";
  return Array.from(table.matchAll(/^ {2}(\w+):/gm), (match) => match[1] ?? "");
}

/** No settable limit is read from the standard ones alone: whoever sets it would be ignored without a word. */
export const limits: Rule = (files) => {
  const heeded = new Set(sourcesOf(files).filter(([path]) => path !== home).flatMap(([, text]) => askedIn(codeOf(text))));
  const settable = settableIn(files.get(home) ?? "");
  return settable.filter((name) => !heeded.has(name)).map((name) => `${home} offers ${name}, and no configuration is asked for it`);
};

/** What is taken from any object but the standard limits: as a member, by a pattern, or by a name that is handed on. */
const askedIn = (tokens: readonly Token[]): string[] =>
  tokens.flatMap((token, index) => {
    if (token.kind === "string") return isHandedOn(tokens, index) ? [valueOf(token) ?? ""] : [];
    return token.kind === "word" && (isMember(tokens, index) || isPattern(tokens, index)) ? [token.text] : [];
  });

const isMember = (tokens: readonly Token[], index: number): boolean => textOf(tokens, index - 1, 1) === "." && textOf(tokens, index - 2, 1) !== standard;

// `{ name } = limits`, `({ name }: Limits)`: told by what stands behind the brace.
function isPattern(tokens: readonly Token[], index: number): boolean {
  const beside = textOf(tokens, index - 1, 1) + textOf(tokens, index + 1, 1);
  if (!/^[{,][,}:=]$/.test(beside)) return false;
  const behind = textOf(tokens, endOf(tokens, index), 3);
  return /^\}[=:)},]/.test(behind) && !behind.startsWith(`}=${standard}`);
}

const textOf = (tokens: readonly Token[], from: number, count: number): string => tokens.slice(from, from + count).map(({ text }) => text).join("");

/** Where the innermost bracket around a token is closed. */
const endOf = (tokens: readonly Token[], index: number): number => tokens.findIndex((token, at) => at > index && token.depth < (tokens[index]?.depth ?? 0));

// `limits["name"]`, `limitIn(file, "name")`; the strings of a type are followed by other marks.
const isHandedOn = (tokens: readonly Token[], index: number): boolean => /^[\])]$/.test(textOf(tokens, index + 1, 1)) && textOf(tokens, index - 2, 2) !== `${standard}[`;
