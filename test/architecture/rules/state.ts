/** No state at module level: it could not be closed, not be had twice in one process, and not be given to a test. */
import type { Rule } from "./rule.ts";
import { sourcesOf } from "./rule.ts";
import { codeOf, type Token } from "./tokens.ts";

// What `new` may make at module level: things that do not change by being used.
const harmless = /^(?:TextEncoder|TextDecoder|RegExp|Intl|URLPattern|Secret)$/;

/** Only frozen values, functions, types and classes at module level; no static fields that can be written. */
export const state: Rule = (files) =>
  sourcesOf(files).flatMap(([path, text]) => {
    const tokens = codeOf(text);
    const say = ({ line }: Token, problem: string): string => `${path}:${line} ${problem}`;
    return tokens.flatMap((token, index) => {
      if (token.text === "static" && isWritableStatic(tokens, index)) return [say(token, "has a static field that can be written")];
      if (token.depth > 0 || token.kind !== "word") return [];
      if (token.text === "let" || token.text === "var") return [say(token, `has a module-level ${token.text}`)];
      if (token.text !== "const") return [];
      return constProblem(tokens, index).map((problem) => say(token, problem));
    });
  });

// `static name = …`, `static name: …`, `static name;`: neither a method nor readonly.
function isWritableStatic(tokens: readonly Token[], index: number): boolean {
  const [word, name, after] = tokens.slice(index, index + 3);
  const isField = word?.kind === "word" && name?.kind === "word" && name.text !== "readonly";
  return isField && after !== undefined && /^[=:;]$/.test(after.text);
}

function constProblem(tokens: readonly Token[], index: number): string[] {
  const name = tokens[index + 1]?.text ?? "";
  const value = valueAfter(tokens, index);
  const made = madeIn(value);
  if (made !== null) return [`keeps a ${made} at module level: ${name}`];
  const start = value.slice(0, 2).map(({ text }) => text).join("");
  if (/^[[{]/.test(start)) return [`has a literal that is not frozen: ${name}`];
  return /^(?:create[A-Z]\w*|open[A-Z]\w*|getInstance)\($/.test(start) ? [`has a singleton: ${name}`] : [];
}

/** The tokens of the initialiser, up to the end of the statement. */
function valueAfter(tokens: readonly Token[], index: number): Token[] {
  const equals = tokens.findIndex(({ text, depth }, at) => at > index && depth === 0 && text === "=");
  if (equals < 0) return [];
  const end = tokens.findIndex(({ text, depth, kind }, at) => at > equals && depth === 0 && isEnd(kind, text));
  return tokens.slice(equals + 1, end < 0 ? undefined : end);
}

const isEnd = (kind: Token["kind"], text: string): boolean => text === ";" || (kind === "word" && /^(?:export|const|function|interface|type|class)$/.test(text));

// What a function makes when it is called is no module state; so nothing behind the first arrow or `function` counts.
function madeIn(value: readonly Token[]): string | null {
  const body = value.findIndex(({ text }) => text === "=>" || text === "function" || text === "class");
  const own = body < 0 ? value : value.slice(0, body);
  const made = own.find(({ text }, at) => own[at - 1]?.text === "new" && !harmless.test(text));
  return made?.text ?? null;
}
