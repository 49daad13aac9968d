/** Nothing is offered that nobody takes: an export without a taker is dead code that looks alive. */
import { importsOf } from "./imports.ts";
import type { Files, Rule } from "./rule.ts";
import { filesBelow, sourcesOf } from "./rule.ts";
import { codeOf, type Token } from "./tokens.ts";

/**
 * Every value that a file exports, or a door passes on, is imported somewhere by the program or its tests. Types are left
 * out: a function's own types belong to it, whether or not somebody has to name them yet.
 */
export const unused: Rule = (files) => {
  const taken = takenOf(files);
  return sourcesOf(files).flatMap(([path, text]) => {
    const names = taken.get(path) ?? new Set<string>();
    if (names.has("*") || path === "src/main.ts") return [];
    return exportsOf(text).filter((name) => !names.has(name)).map((name) => `${path} exports ${name}, which nobody takes`);
  });
};

function takenOf(files: Files): ReadonlyMap<string, ReadonlySet<string>> {
  const taken = new Map<string, Set<string>>();
  const all = [...sourcesOf(files), ...filesBelow(files, "test", ".ts", ".tsx"), ...filesBelow(files, "release", ".ts"), ...[...files].filter(([path]) => path === "build.ts")];
  for (const { path, names, dynamic } of all.flatMap(([from, text]) => importsOf(from, text))) {
    if (path === null) continue;
    const of = taken.get(path) ?? new Set<string>();
    taken.set(path, of);
    // A dynamic import gives the whole module; which of it is used, only the compiler could say.
    for (const name of dynamic ? ["*"] : names) of.add(name);
  }
  return taken;
}

function exportsOf(text: string): string[] {
  const tokens = codeOf(text);
  return tokens.flatMap((token, at) => {
    if (token.text !== "export" || token.depth > 0) return [];
    return tokens[at + 1]?.text === "{" ? listedAt(tokens, at + 2) : declaredAt(tokens, at + 1);
  });
}

// `{ a, b as c, type D }` gives a and c: what it is known by outside.
function listedAt(tokens: readonly Token[], start: number): string[] {
  const list = tokens.slice(start, tokens.findIndex(({ text }, at) => at >= start && text === "}"));
  return list.filter(({ kind }, at) => kind === "word" && !["type", "as"].includes(list[at]?.text ?? "") && list[at - 1]?.text !== "type" && list[at + 1]?.text !== "as").map(({ text }) => text);
}

const before = /^(?:const|function|class|async|abstract|\*)$/;

function declaredAt(tokens: readonly Token[], start: number): string[] {
  const length = tokens.slice(start).findIndex(({ text }) => !before.test(text));
  const name = tokens[start + length];
  return length > 0 && name?.kind === "word" ? [name.text] : [];
}
