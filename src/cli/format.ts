/** How commands that machines and people read alike show what they found: the format that was asked for, or what suits who reads. */
import { escapeControls } from "../base/index.ts";
import type { Occasion } from "./occasion.ts";
import { toonText } from "./toon.ts";

export type Format = "toon" | "json" | "text" | "compact";

/** The format of `--format`; without it a person gets text, and a program what costs a model least. */
export async function formatOf({ given, stdout }: Pick<Occasion, "given" | "stdout">): Promise<Format> {
  if (given.has("raw")) return "json";
  const asked = given.get("format");
  if (asked !== undefined) return asked as Format;
  return (await stdout.isTerminal()) ? "text" : "toon";
}

/** A value in a format; `text` is what a person reads. */
export function shownAs(format: Format, value: unknown, text: () => string): string {
  if (format === "json") return `${JSON.stringify(value, null, 2)}\n`;
  return format === "toon" ? `${toonText(value)}\n` : text();
}

/** The text with nothing in it that drives a terminal, line by line. */
export const tameText = (text: string): string => text.split("\n").map((line) => escapeControls(line.replaceAll("\t", "    ").replace(/\r$/, ""))).join("\n");
