/**
 * Changes of a YAML text. The library tells where each item stands; only whole lines of the servers concerned are cut,
 * and what is new comes behind the last one, as far in as that.
 */
import { isMap, isSeq, type Node, type Pair, parseDocument, stringify, type YAMLMap, type YAMLSeq } from "yaml";
import type { AppChange, Form, Notation } from "./notation.ts";

export const yaml: Notation = Object.freeze({
  parse(text: string): unknown {
    const document = parseDocument(text);
    const [first] = document.errors;
    if (first !== undefined) throw first;
    return (document.toJS() as unknown) ?? {};
  },
  change(text: string, { key: [key = ""], shape }: Form, { remove, set }: AppChange): string {
    const names = [...remove, ...(set === null ? [] : [set.name])];
    const without = names.reduce((left, name) => cut(left, key, name), text);
    return set === null ? without : added(without, key, stringify(shape === "list" ? [set.value] : { [set.name]: set.value }, { lineWidth: 0 }));
  },
});

type Items = YAMLMap<Node, Node> | YAMLSeq<Node>;

interface Held {
  readonly pair: Pair<Node, Node | null>;
  readonly items: Items | null;
}

function heldIn(text: string, key: string): Held | null {
  const { contents } = parseDocument(text);
  const pair = isMap<Node, Node>(contents) ? contents.items.find((one) => nameOf(one.key) === key) : undefined;
  if (pair === undefined) return null;
  return { pair, items: isMap<Node, Node>(pair.value) || isSeq<Node>(pair.value) ? (pair.value as Items) : null };
}

const nameOf = (node: Node): string => String(node.toJSON());

const startOf = ({ range }: Node): number => range?.[0] ?? 0;
const endOf = ({ range }: Node): number => range?.[1] ?? 0;

const placesOf = (held: Held | null): readonly Placed[] => (held === null || held.items === null ? [] : startsOf(held.items));

interface Placed {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Where each server stands, with its name. */
const startsOf = (items: Items): Placed[] =>
  isMap<Node, Node>(items)
    ? items.items.map(({ key, value }) => ({ name: nameOf(key), from: startOf(key), to: endOf(value ?? key) }))
    : items.items.map((item) => ({ name: isMap(item) ? String(item.get("name")) : "", from: startOf(item), to: endOf(item) }));

function cut(text: string, key: string, name: string): string {
  const held = heldIn(text, key);
  const starts = placesOf(held);
  const found = starts.find((one) => one.name === name);
  if (held === null || found === undefined) return text;
  // A key without anything behind it is no list any more, but nothing.
  return withoutLines(text, starts.length === 1 ? startOf(held.pair.key) : found.from, found.to);
}

const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;

const withoutLines = (text: string, from: number, to: number): string => text.slice(0, lineStart(text, from)) + text.slice(behind(text, to));

/** Behind the line on which a value ends; one that is written over lines ends with the break of the last one. */
function behind(text: string, to: number): number {
  const end = text[to - 1] === "\n" ? to : text.indexOf("\n", to) + 1;
  return end === 0 ? text.length : end;
}

function added(text: string, key: string, block: string): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const held = heldIn(text, key);
  const last = placesOf(held).at(-1);
  if (last === undefined) return `${ended(held === null ? text : withoutPair(text, held), eol)}${key}:${eol}${indented(block, "  ", eol)}`;
  const indent = /^[ \t]*/.exec(text.slice(lineStart(text, last.from)))?.[0] ?? "";
  const at = behind(text, last.to);
  return ended(text.slice(0, at), eol) + indented(block, indent, eol) + text.slice(at);
}

/** `key: []`, `key: {}` and `key:` give way to the key with something in it. */
const withoutPair = (text: string, { pair }: Held): string => withoutLines(text, startOf(pair.key), pair.value?.range?.[1] ?? startOf(pair.key));

const ended = (text: string, eol: string): string => (text === "" || text.endsWith("\n") ? text : text + eol);

const indented = (block: string, indent: string, eol: string): string => block.trimEnd().split("\n").map((line) => `${indent}${line}${eol}`).join("");
