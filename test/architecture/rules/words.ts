/** Words: those of the eras stay in their room, drawers without a name are not made, and the project speaks of itself alone. */
import { basename } from "node:path/posix";
import type { Files, Rule } from "./rule.ts";
import { filesBelow, sourcesOf } from "./rule.ts";
import { codeOf, tokensOf } from "./tokens.ts";

const eraWords = /initialize|mcp-session-id|server\/discover|resultType|input_required|2025-|2026-|last-event-id/i;

/** Era words stand in src/era only. A comment may cite a revision: it decides nothing. */
export const eras: Rule = (files) =>
  sourcesOf(files)
    .filter(([path]) => !path.startsWith("src/era/"))
    .flatMap(([path, text]) => codeOf(text).flatMap(({ text: word, line }) => matchesIn(eraWords, word).map((found) => `${path}:${line} knows of an era: ${found}`)));

const drawers = /^(?:utils?|commons?|misc|helpers?|managers?|services?|stuff|things|v\d|new|old|fixed)$/i;
const wordsOf = (name: string): string[] => name.split(/(?=[A-Z])|[^A-Za-z0-9]|(?<=[a-z])(?=\d)/);

/** The command `1mcp service` has that name in the user's own field. */
const named: readonly string[] = Object.freeze(["src/cli/service.ts", "test/cli/service.test.ts"]);

/** Names of files and classes say what is inside; a file is one lower-case word, two make camelCase. */
export const names: Rule = (files) => [
  ...typescriptOf(files).flatMap(([path]) => {
    const name = basename(path).replace(/(?:\.test)?\.tsx?$/, "");
    if (!named.includes(path) && wordsOf(name).some((word) => drawers.test(word))) return [`${path} is a drawer without a name`];
    return /^[a-z][A-Za-z0-9]*$/.test(name) || path.startsWith("test/") ? [] : [`${path} is not named by a word in camelCase`];
  }),
  ...sourcesOf(files).flatMap(([path, text]) => {
    const tokens = codeOf(text);
    const declared = tokens.filter((_, at) => /^(?:class|interface)$/.test(tokens[at - 1]?.text ?? ""));
    return declared.filter(({ text: name }) => /(?:Manager|Service|Helper|Utils?)$/.test(name)).map(({ text: name, line }) => `${path}:${line} ${name} says nothing`);
  }),
];

const typescriptOf = (files: Files): [path: string, text: string][] => [...sourcesOf(files), ...filesBelow(files, "test", ".ts", ".tsx")];

/** What is left to do is no comment: it is done, or written where work is planned. */
export const unfinished: Rule = (files) =>
  typescriptOf(files).flatMap(([path, text]) =>
    tokensOf(text)
      .filter(({ kind }) => kind === "comment")
      .flatMap(({ text: comment, line }) => matchesIn(/\b(?:TODO|FIXME|XXX|HACK)\b/, comment).map((word) => `${path}:${line} has a ${word}`)),
  );

/** A comment may switch off a named rule where it says why, but never the gate on complexity, and never all rules. */
export const exceptions: Rule = (files) =>
  typescriptOf(files).flatMap(([path, text]) =>
    tokensOf(text)
      .filter(({ kind, text: comment }) => kind === "comment" && /lint-disable/.test(comment))
      .filter(({ text: comment }) => !/lint-disable(?:-next-line|-line)? (?!.*complexity)[\w/-]+.* -- \w/.test(comment))
      .map(({ line }) => `${path}:${line} makes an exception that is not allowed`),
  );

/** Every source file begins by saying what it hides and why it exists. */
export const heads: Rule = (files) =>
  sourcesOf(files).flatMap(([path, text]) => {
    const [first, second] = tokensOf(text);
    const head = first?.text.startsWith("#!") ? second : first;
    return head?.text.startsWith("/**") ? [] : [`${path} does not begin with a comment on what it is for`];
  });

// Addresses of package registries, paths of somebody's machine, numbers of somebody's tracker.
const foreign = /\bregistry(?:\.[\w-]+)+\.(?:org|com|net|io|dev)\b|(?<![\w.~$}])\/(?:work|root)\/[\w.]+|\bissues? #?\d+\b/i;

/** The project speaks of itself alone. The architecture tests name what they forbid. */
export const itself: Rule = (files) =>
  [...files]
    .filter(([path]) => !path.startsWith("test/architecture/") && path !== "LICENSE")
    .flatMap(([path, text]) => text.split("\n").flatMap((line, index) => matchesIn(foreign, line).map((found) => `${path}:${index + 1} speaks of something foreign: ${found}`)));

const matchesIn = (pattern: RegExp, text: string): string[] => {
  const found = pattern.exec(text)?.[0];
  return found === undefined ? [] : [found];
};
