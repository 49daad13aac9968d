/** What tests owe: one for each file, real objects, no waiting, nothing left out. */
import type { Rule } from "./rule.ts";
import { filesBelow, sourcesOf } from "./rule.ts";
import { codeOf, type Token } from "./tokens.ts";

/** The test that belongs to a source file. */
export const mirrorOf = (path: string): string => path.replace(/^src\//, "test/").replace(/\.tsx?$/, ".test.ts");

// A file of types holds nothing that runs, a door nothing of its own.
const hasNothing = (path: string, text: string): boolean =>
  path.endsWith("/index.ts") || !codeOf(text).some(({ kind, text: word, depth }) => kind === "word" && depth === 0 && /^(?:const|function|class|async|await|let|var)$/.test(word));

/** Every source file has its test in the same place below test/. Doors and files of types hold nothing to test. */
export const mirror: Rule = (files) =>
  sourcesOf(files)
    .filter(([path, text]) => !hasNothing(path, text))
    .flatMap(([path]) => {
      const test = files.get(mirrorOf(path));
      if (test === undefined) return [`${path} has no ${mirrorOf(path)}`];
      return codeOf(test).some(({ text }) => text === "expect") ? [] : [`${mirrorOf(path)} expects nothing`];
    });

const forbidden: readonly { readonly words: readonly (string | RegExp)[]; readonly why: string }[] = Object.freeze([
  { words: ["mock", ".", "module"], why: "mocks a module; pass a real object in instead" },
  { words: ["vi", ".", "mock"], why: "mocks a module; pass a real object in instead" },
  { words: ["jest", ".", "mock"], why: "mocks a module; pass a real object in instead" },
  { words: [".", "only", "("], why: "leaves the other tests out" },
  { words: [".", "todo", "("], why: "is a test that cannot fail" },
  { words: [".", "failing", "("], why: "expects to be broken" },
  { words: ["Bun", ".", "sleep"], why: "waits for real time; move a test clock, or wait for the event itself" },
  { words: ["setDefaultTimeout"], why: "raises the time-out of all tests" },
  { words: ["retry", ":", /^\d/], why: "tries again what should be right the first time" },
]);

const isWord = (text: string, word: string | RegExp): boolean => (typeof word === "string" ? text === word : word.test(text));

// What nobody waits for fails when the test is over, or never.
const startsStatement = /^(?:[;{})]|else)$/;

function unawaited(tokens: readonly Token[]): Token[] {
  return tokens.filter(({ text, depth }, at) => {
    if (text !== "expect" || !startsStatement.test(tokens[at - 1]?.text ?? ";")) return false;
    const rest = tokens.slice(at + 1);
    const end = rest.findIndex((token) => token.depth < depth || (token.depth === depth && token.text === ";"));
    return rest.slice(0, end === -1 ? rest.length : end).some((token, step) => token.depth === depth && /^(?:rejects|resolves)$/.test(token.text) && rest[step - 1]?.text === ".");
  });
}

/** Tests neither mock modules nor skip, wait or repeat, and wait for what they expect of promises. */
export const honest: Rule = (files) =>
  filesBelow(files, "test", ".test.ts", ".test.tsx").flatMap(([path, text]) => {
    const tokens = codeOf(text);
    const found = forbidden.flatMap(({ words, why }) =>
      tokens.filter((_, at) => words.every((word, step) => isWord(tokens[at + step]?.text ?? "", word))).map(({ line }) => `${path}:${line} ${why}`),
    );
    return [...found, ...unawaited(tokens).map(({ line }) => `${path}:${line} expects something of a promise and does not wait for it`)];
  });
