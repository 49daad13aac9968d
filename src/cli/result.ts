/** What a tool gave, for whoever asked at the shell: its text, its structure, or exactly what came. */
import { type Format, tameText } from "./format.ts";
import { toonText } from "./toon.ts";

/** The members of a result that are looked at. */
export interface ToolResult {
  readonly content?: readonly Block[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

interface Block {
  readonly type?: string;
  readonly text?: string;
  readonly data?: string;
  readonly mimeType?: string;
  readonly uri?: string;
  readonly resource?: { readonly uri?: string; readonly text?: string; readonly mimeType?: string };
}

export interface Shown {
  readonly text: string;
  /** So many characters were left out. */
  readonly cut: number;
}

/** The result as `format` has it, with at most so many characters (0: all), of which JSON knows nothing: half of it is worthless. */
export function shownResult(format: Format, raw: string, charsMax: number, isTerminal: boolean): Shown {
  if (format === "json") return { text: `${raw}\n`, cut: 0 };
  const result = JSON.parse(raw) as ToolResult;
  const whole = format === "toon" ? toonOf(result) : textOf(result);
  const line = format === "compact" ? whole.replace(/\s+/g, " ").trim() : whole;
  const kept = charsMax === 0 ? line : cutTo(line, charsMax);
  return { text: `${isTerminal ? tameText(kept) : kept}\n`, cut: line.length - kept.length };
}

/** Never half a character. */
function cutTo(text: string, charsMax: number): string {
  const kept = text.slice(0, charsMax);
  return /[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept;
}

const textOf = ({ content = [], structuredContent }: ToolResult): string =>
  content.length === 0 && structuredContent !== undefined ? JSON.stringify(structuredContent, null, 2) : content.map(blockText).join("\n");

/** Structure where there is some, be it written as text; else the text. */
function toonOf(result: ToolResult): string {
  if (result.structuredContent !== undefined) return toonText(result.structuredContent);
  const text = textOf(result);
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" ? toonText(value) : text;
  } catch {
    return text;
  }
}

const kinds: Readonly<Record<string, (block: Block) => string>> = Object.freeze({
  text: ({ text = "" }) => text,
  resource: ({ resource = {} }) => resource.text ?? `[resource ${resource.uri ?? "?"} ${resource.mimeType ?? ""}]`,
  resource_link: ({ uri = "?" }) => `[resource ${uri}]`,
} satisfies Record<string, (block: Block) => string>);

const blockText = (block: Block): string => (kinds[block.type ?? ""] ?? otherText)(block);

const otherText = ({ type = "content", mimeType = "of an unknown type", data = "" }: Block): string => `[${type}, ${mimeType}, ${Math.floor((data.length * 3) / 4)} bytes; --format json has it]`;
