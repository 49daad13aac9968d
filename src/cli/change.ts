/**
 * What every command does that changes the configuration file: with `--dry-run` it shows the lines that would differ, else
 * it writes them, waits until the running server has them, and says so.
 */
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { fault } from "../base/index.ts";
import type { Reloaded } from "../compose.ts";
import { type ConfigEdit, defaultConfigPath, editConfig } from "../config/index.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { issueText } from "./print.ts";

/** What came of a change. With `--json` it is printed so. */
export interface Changed {
  /** The file. */
  readonly path: string;
  /** Lines that go (-) and come (+), by the line at which they stand. */
  readonly difference: string;
  readonly written: boolean;
  /** Where the file as it was is kept; null: it was not there, or is as it was. */
  readonly backup: string | null;
  /** What the running server made of it; null: none was told. */
  readonly server: "has it" | "has another file" | "rejected" | "failed" | null;
}

/** The configuration file that the command line means. */
export const configPathOf = ({ settings, env }: Pick<Occasion, "settings" | "env">): string => (settings.config === null ? defaultConfigPath(env) : resolve(settings.config));

/** Changes the file and says what came of it: `done` in words, or everything as JSON. Gives the exit code. Throws CONFIG_INVALID, and what changing throws. */
export async function changeConfig(occasion: Occasion, done: string, changes: ConfigEdit["changes"]): Promise<number> {
  const { settings, clock, stdout, stderr } = occasion;
  const edited = await editConfig({ path: configPathOf(occasion), clock, dryRun: settings.dryRun, changes });
  if (!edited.ok) {
    for (const issue of edited.issues) stderr.write(issueText(edited.path, issue));
    throw fault("CONFIG_INVALID", { detail: `${edited.path}; it is as it was` });
  }
  const { path, difference, written, backup } = edited;
  const server = written ? await told(occasion, path) : null;
  const changed: Changed = { path, difference, written, backup, server };
  if (settings.json) stdout.write(`${JSON.stringify(changed, null, 2)}\n`);
  else stdout.write(settings.dryRun ? difference : changedText(changed, done));
  return server === "rejected" || server === "failed" ? 1 : 0;
}

const verdicts: Readonly<Record<NonNullable<Changed["server"]>, string>> = Object.freeze({
  "has it": "the running server has it",
  "has another file": "the running server has another file and is as it was",
  rejected: "the running server refuses the file and goes on as it was: `1mcp config reload` says why",
  failed: "the running server could not put it in place and goes on as it was",
});

function changedText({ path, written, backup, server }: Changed, done: string): string {
  const lines = written ? [done, `  file:    ${path}`, ...(backup === null ? [] : [`  before:  ${backup}`]), `  server:  ${server === null ? "none runs" : verdicts[server]}`] : ["it is so already"];
  return lines.map((line) => `${line}\n`).join("");
}

/** Has the running server look at the file, and gives what it says of it; null: none runs. */
export async function reloadTold(occasion: Occasion, path: string): Promise<string | null> {
  const server = await told(occasion, await realpath(path).catch(() => path));
  return server === "rejected" || server === "failed" || server === null ? server : verdicts[server];
}

/** It would notice by itself, a moment later; the command wants to say what came of it. */
async function told(occasion: Occasion, path: string): Promise<Changed["server"]> {
  const asked = await askOperator<Reloaded>(occasion, "POST", "/reload");
  if (asked.kind !== "answer") return null;
  const { result, path: served } = asked.value;
  if (result === "rejected" || result === "failed") return result;
  return served !== null && (await realpath(served).catch(() => served)) === path ? "has it" : "has another file";
}
