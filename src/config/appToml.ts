/**
 * Changes of a TOML text. The library tells where each table and each key stands; only whole tables and whole lines of
 * the servers concerned are cut, and what is new comes at the end, where a table header begins afresh.
 */
import { type AST, parseTOML } from "toml-eslint-parser";
import type { AppChange, Form, Notation } from "./notation.ts";

export const toml: Notation = Object.freeze({
  parse: (text: string): unknown => Bun.TOML.parse(text),
  change(text: string, { key }: Form, { remove, set }: AppChange): string {
    const names = [...remove, ...(set === null ? [] : [set.name])];
    const without = names.reduce((left, name) => cut(left, [...key, name]), text);
    return set === null ? without : appended(without, [...key, set.name], set.value);
  },
});

type Place = readonly [from: number, to: number];

function cut(text: string, path: readonly string[]): string {
  const places = parseTOML(text).body[0].body.flatMap((node) => placesIn(node, path, []));
  return places.toReversed().reduce((left, [from, to]) => left.slice(0, lineStart(left, from)) + left.slice(lineEnd(left, to)), text);
}

function placesIn(node: AST.TOMLKeyValue | AST.TOMLTable, path: readonly string[], around: readonly (string | number)[]): Place[] {
  const own = node.type === "TOMLTable" ? node.resolvedKey : [...around, ...node.key.keys.map((key) => (key.type === "TOMLBare" ? key.name : key.value))];
  if (path.every((step, at) => own[at] === step)) return [node.range];
  return node.type === "TOMLTable" ? node.body.flatMap((inner) => placesIn(inner, path, own)) : [];
}

const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;

/** Behind the line's break, and one empty line more, so that no gap grows with each change. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  if (end < 0) return text.length;
  const blank = /^[ \t]*\r?\n/.exec(text.slice(end + 1));
  return end + 1 + (blank?.[0].length ?? 0);
}

function appended(text: string, path: readonly string[], value: Readonly<Record<string, unknown>>): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const gap = text === "" || /\n\r?\n$/.test(text) ? "" : text.endsWith("\n") ? eol : `${eol}${eol}`;
  const header = `[${path.map((step) => (/^[\w-]+$/.test(step) ? step : JSON.stringify(step))).join(".")}]`;
  // JSON's strings, numbers and lists of them are TOML's too.
  return `${text}${gap}${[header, ...Object.entries(value).map(([name, one]) => `${name} = ${JSON.stringify(one)}`)].join(eol)}${eol}`;
}
