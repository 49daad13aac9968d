/**
 * One change of a configuration's text that leaves everything else in it as a person wrote it: comments, order, indents,
 * line ends, trailing commas. The library's own edits take the comments of neighbours with them (a note behind the last
 * member goes to the new one, what stands above the next member goes with the removed one), so the places are worked out
 * here; it reads, and no more.
 */
import { createScanner, findNodeAtLocation, type Node, parseTree } from "jsonc-parser";
import { fault } from "../base/index.ts";

/** A member to set, made with the objects around it where they are missing; or, without a value, to take away. */
export interface ConfigChange {
  readonly path: readonly string[];
  /** JSON; undefined: the member goes. */
  readonly value: unknown;
  /** The value is not the member but one item of the list that it is: to come behind the others, or to go. */
  readonly item?: "add" | "drop";
}

// The library's SyntaxKind exists for its own compiler only; these are its published numbers.
const commaToken = 5;
const triviaTokens: readonly number[] = Object.freeze([12, 13, 14, 15]);

/** The text after the change. Throws CONFIG_INVALID where something that is no object stands in the way. */
export function changedText(text: string, { path, value, item }: ConfigChange): string {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (root === undefined) throw fault("CONFIG_INVALID", { detail: "there is no value in the file" });
  const found = findNodeAtLocation(root, [...path]);
  if (item !== undefined) return changedList(text, found, { path, value, item });
  if (value === undefined) return found?.parent === undefined ? text : without(text, found.parent);
  if (found !== undefined) return replaced(text, found, value);
  return inserted(text, root, path, value);
}

const itemOf = ({ children = [] }: Node, value: unknown): Node | undefined => children.find((child) => child.value === value);

/** What is no list has no items; the first one makes a list of it. */
function changedList(text: string, list: Node | undefined, { path, value, item }: ConfigChange): string {
  if (list?.type !== "array") return item === "drop" ? text : changedText(text, { path, value: [value] });
  return item === "drop" ? withoutItem(text, list, value) : withItem(text, list, value);
}

const withItem = (text: string, list: Node, value: unknown): string => (itemOf(list, value) === undefined ? withPart(text, list, (shown) => shown(value)) : text);

function withoutItem(text: string, list: Node, value: unknown): string {
  const item = itemOf(list, value);
  return item === undefined ? text : without(text, item);
}

interface Style {
  readonly unit: string;
  readonly eol: string;
}

const styleOf = (text: string): Style => ({ unit: /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ", eol: text.includes("\r\n") ? "\r\n" : "\n" });

const written = (value: unknown, indent: string, { unit, eol }: Style): string => JSON.stringify(value, null, unit).replaceAll("\n", `${eol}${indent}`);

const lineStart = (text: string, offset: number): number => Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;

/** The white space that the line of this place begins with. */
const indentAt = (text: string, offset: number): string => /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? "";

const endOf = ({ offset, length }: Node): number => offset + length;

const replaced = (text: string, node: Node, value: unknown): string =>
  text.slice(0, node.offset) + written(value, indentAt(text, node.offset), styleOf(text)) + text.slice(endOf(node));

function inserted(text: string, root: Node, path: readonly string[], value: unknown): string {
  let around = root;
  let depth = 0;
  for (let inner: Node | undefined = root; inner !== undefined && depth < path.length; ) {
    around = inner;
    inner = findNodeAtLocation(inner, [path[depth] ?? ""]);
    if (inner !== undefined) depth += 1;
  }
  if (around.type !== "object") throw fault("CONFIG_INVALID", { detail: depth === 0 ? "what is in the file is not an object" : `“${path.slice(0, depth).join(".")}” is not an object` });
  const [key = "", ...missing] = path.slice(depth);
  const whole = missing.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  return withMember(text, around, key, whole);
}

const withMember = (text: string, around: Node, key: string, value: unknown): string => withPart(text, around, (shown) => `${JSON.stringify(key)}: ${shown(value)}`);

/** What comes into an object or a list, given how a value is written at its place. */
type Part = (shown: (value: unknown) => string) => string;

function withPart(text: string, around: Node, part: Part): string {
  const style = styleOf(text);
  const last = around.children?.at(-1);
  const close = endOf(around) - 1;
  if (last === undefined) return withFirst(text, { around, close, style }, part);
  const comma = commaAfter(text, endOf(last));
  if (!/[\r\n]/.test(text.slice(endOf(last), close))) return splice(text, comma === null ? endOf(last) : comma + 1, `${comma === null ? "," : ""} ${part((value) => JSON.stringify(value))}`);
  const indent = indentAt(text, last.offset);
  // Behind whatever is said about the last one, and with a comma at the end where that had it.
  const end = text.slice(0, close).trimEnd().length;
  const added = splice(text, end, `${style.eol}${indent}${part((value) => written(value, indent, style))}${comma === null ? "" : ","}`);
  return comma === null ? splice(added, endOf(last), ",") : added;
}

function withFirst(text: string, { around, close, style }: { readonly around: Node; readonly close: number; readonly style: Style }, part: Part): string {
  // A list that was empty may well stay on its line.
  if (around.type === "array" && text.slice(around.offset + 1, close).trim() === "") return text.slice(0, around.offset + 1) + part((value) => JSON.stringify(value)) + text.slice(close);
  const outer = indentAt(text, around.offset);
  const indent = outer + style.unit;
  const inside = text.slice(0, close).trimEnd();
  return `${inside}${style.eol}${indent}${part((value) => written(value, indent, style))}${style.eol}${outer}${text.slice(close)}`;
}

const splice = (text: string, at: number, added: string): string => text.slice(0, at) + added + text.slice(at);

/** The place of the comma behind a member; null: there is none. */
function commaAfter(text: string, offset: number): number | null {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let token: number = scanner.scan();
  while (triviaTokens.includes(token)) token = scanner.scan();
  return token === commaToken ? scanner.getTokenOffset() : null;
}

// What is said on lines of its own stays, since nobody can say whom it is about; what is said behind the member goes.
function without(text: string, part: Node): string {
  const members = part.parent?.children ?? [];
  const place = members.indexOf(part);
  const comma = commaAfter(text, endOf(part));
  const cut = cutOf(text, part.offset, comma === null ? endOf(part) : comma + 1);
  const left = text.slice(0, cut.from) + text.slice(cut.to);
  const before = members[place - 1];
  if (before === undefined || comma !== null) return left;
  const dangling = commaAfter(text, endOf(before));
  return dangling === null ? left : left.slice(0, dangling) + left.slice(dangling + 1);
}

/** Whole lines, where nothing else stands on them. */
function cutOf(text: string, from: number, to: number): { readonly from: number; readonly to: number } {
  const start = lineStart(text, from);
  const rest = /^[ \t]*(?:\/\/[^\r\n]*|(?:\/\*[^\r\n]*?\*\/[ \t]*)*)(?:\r\n|\n|\r)/.exec(text.slice(to));
  if (text.slice(start, from).trim() === "" && rest !== null) return { from: start, to: to + rest[0].length };
  return { from, to: to + (/^[ \t]*/.exec(text.slice(to))?.[0].length ?? 0) };
}
