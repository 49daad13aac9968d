/** Reads the imports of a source file: static, re-exported, dynamic, of types. */
import { dirname, join } from "node:path/posix";
import type { Files } from "./rule.ts";
import { sourcesOf } from "./rule.ts";
import { codeOf, type Token, valueOf } from "./tokens.ts";

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Path from the top of the repository for a relative import, else null. */
  readonly path: string | null;
  /** The names taken; `default`, `*` for a namespace or a whole re-export; empty for side effects and dynamic imports. */
  readonly names: readonly string[];
  readonly dynamic: boolean;
  readonly reexport: boolean;
  readonly line: number;
}

/** Every import of the file at `from`. */
export function importsOf(from: string, text: string): Import[] {
  const tokens = codeOf(text);
  return tokens.flatMap((token, index) => {
    if (token.text === "import" && tokens[index + 1]?.text === "(") return importAt(from, tokens[index + 2], [], true, false);
    return token.depth === 0 && isClauseWord(token) ? statementAt(from, tokens, index) : [];
  });
}

const isClauseWord = ({ kind, text }: Token): boolean => kind === "word" && (text === "import" || text === "export");

function statementAt(from: string, tokens: readonly Token[], index: number): Import[] {
  const next = tokens[index + 1];
  const bare = tokens[index]?.text === "import" && next?.kind === "string";
  return bare ? importAt(from, next, [], false, false) : clauseAt(from, tokens, index);
}

// `import|export … from "x"`: no statement without a `from` holds a string before its first `;`, `=` or `(`.
function clauseAt(from: string, tokens: readonly Token[], start: number): Import[] {
  const rest = tokens.slice(start + 1);
  const end = rest.findIndex(({ kind, text }) => kind === "string" || /^(?:[;=(]|function|class|const|interface|enum|let|var)$/.test(text));
  if (rest[end]?.kind !== "string" || rest[end - 1]?.text !== "from") return [];
  return importAt(from, rest[end], namesOf(rest.slice(0, end - 1)), false, tokens[start]?.text === "export");
}

function namesOf(clause: readonly Token[]): string[] {
  return clause.flatMap(({ kind, text, depth }, index) => {
    if (text === "*") return ["*"];
    if (kind !== "word" || text === "type" || text === "as" || clause[index - 1]?.text === "as") return [];
    return [depth === 0 ? "default" : text];
  });
}

function importAt(from: string, token: Token | undefined, names: readonly string[], dynamic: boolean, reexport: boolean): Import[] {
  const specifier = valueOf(token);
  if (specifier === null || token === undefined) return [];
  const path = specifier.startsWith(".") ? join(dirname(from), specifier) : null;
  return [{ specifier, path, names, dynamic, reexport, line: token.line }];
}

/** Who imports whom among the program's own files. */
export const graphOf = (files: Files): ReadonlyMap<string, readonly string[]> =>
  new Map(sourcesOf(files).map(([path, text]) => [path, importsOf(path, text).flatMap(({ path: to }) => (to === null ? [] : [to]))]));
