/** Rows for a person in columns; the same in a pipe with a tab between the fields, which no field can hold. */
import { escapeControls } from "../base/index.ts";
import type { Output } from "./terminal.ts";

/** The rows as lines, whatever is in them: nothing drives the terminal. The first row is the head. */
export async function tableText(rows: readonly (readonly string[])[], stdout: Pick<Output, "isTerminal">): Promise<string> {
  const plain = rows.map((row) => row.map(escapeControls));
  const lines = (await stdout.isTerminal()) ? aligned(plain) : plain.map((row) => row.join("\t"));
  return lines.map((line) => `${line}\n`).join("");
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}
