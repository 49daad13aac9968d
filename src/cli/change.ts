/**
 * What every command does that changes the configuration file: with `--dry-run` it shows the lines that would differ, else
 * it writes them, waits until the running server has them, and says so.
 */
import { realpath } from "node:fs/promises";
import { escapeControls, Fault, fault } from "../base/index.ts";
import type { Reloaded } from "../compose/index.ts";
import { type ConfigEdit, type Edited, editConfig } from "../config/index.ts";
import { configPathOf } from "./configPath.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { issueText } from "./print.ts";
import { awaitServer, type Verdict } from "./verdict.ts";

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
  readonly server: "has it" | "has another file" | "rejected" | "failed" | "does not answer" | null;
}

/** What a command says of its change, and waits for. */
export interface Done {
  /** In words, when it is done. */
  readonly done: string;
  /** The server that is to come up then; absent: none. */
  readonly server?: string;
  /** How long that is waited for. */
  readonly waitMs?: number;
  /** There is a secret in what is written. */
  readonly isPrivate?: boolean;
}

/**
 * Changes the file and says what came of it: `done` in words, or everything as JSON. Gives the exit code: 1 where the
 * running server does not take it or the one that was waited for does not come up, 3 where that one wants a login.
 * Throws CONFIG_INVALID, and what changing throws.
 */
export async function changeConfig(occasion: Occasion, done: string | Done, changes: ConfigEdit["changes"]): Promise<number> {
  const { settings, clock } = occasion;
  const wanted = typeof done === "string" ? { done } : done;
  return tellEdited(occasion, await editConfig({ path: configPathOf(occasion), clock, dryRun: settings.dryRun, changes, isPrivate: wanted.isPrivate ?? false }), wanted);
}

/** The same for a change that has been made. */
export async function tellEdited(occasion: Occasion, edited: Edited, wanted: Done): Promise<number> {
  const { settings, stdout, stderr } = occasion;
  if (!edited.ok) {
    for (const issue of edited.issues) stderr.write(issueText(edited.path, issue));
    throw fault("CONFIG_INVALID", { detail: `${edited.path}; it is as it was` });
  }
  const { path, difference, written, backup, closed } = edited;
  const server = written ? await told(occasion, path) : null;
  const verdict = server === "has it" ? await awaited(occasion, wanted) : null;
  const changed: Changed = { path, difference, written, backup, server };
  if (settings.json) stdout.write(`${JSON.stringify(shapeOf(changed, wanted, verdict), null, 2)}\n`);
  else stdout.write(settings.dryRun ? difference : [...changedLines(changed, wanted, closed), ...linesOf(verdict)].map((line) => `${line}\n`).join(""));
  return codeOf(server, verdict);
}

/** Where a server was to come up, how it is: null where nobody waited for it. */
const shapeOf = (changed: Changed, { server }: Done, verdict: Verdict | null): object => (server === undefined ? changed : { ...changed, state: verdict?.facts ?? null });

const closedLine = "  mode:    600: it holds a secret, so others cannot read it any more";

const linesOf = (verdict: Verdict | null): readonly string[] => verdict?.text.map(escapeControls) ?? [];

const codeOf = (server: Changed["server"], verdict: Verdict | null): number => (server === "rejected" || server === "failed" ? 1 : (verdict?.code ?? 0));

async function awaited(occasion: Occasion, { server, waitMs = 0 }: Done): Promise<Verdict | null> {
  return server === undefined || waitMs === 0 ? null : awaitServer(occasion, server, waitMs).catch(unlessAway);
}

// It had the change: that it is gone since then makes no failure of that.
function unlessAway(thrown: unknown): null {
  if (thrown instanceof Fault && thrown.code === "SERVER_AWAY") return null;
  throw thrown;
}

const verdicts: Readonly<Record<NonNullable<Changed["server"]>, string>> = Object.freeze({
  "has it": "the running server has it",
  "has another file": "the running server has another file and is as it was",
  rejected: "the running server refuses the file and goes on as it was: `1mcp config reload` says why",
  failed: "the running server could not put it in place and goes on as it was",
  "does not answer": "one runs that does not answer now; it looks at the file by itself",
});

const noneText = (isFor: string | undefined): string => (isFor === undefined ? "none runs" : "none runs; `1mcp serve` starts it");

function changedLines({ path, written, backup, server }: Changed, { done, server: isFor }: Done, closed: boolean): string[] {
  if (!written) return ["it is so already"];
  return [done, `  file:    ${path}`, ...(backup === null ? [] : [`  before:  ${backup}`]), `  server:  ${server === null ? noneText(isFor) : verdicts[server]}`, ...(closed ? [closedLine] : [])];
}

/** Has the running server look at the file, and gives what it says of it; null: none runs. */
export async function reloadTold(occasion: Occasion, path: string): Promise<string | null> {
  const server = await told(occasion, await realpath(path).catch(() => path));
  return server === "rejected" || server === "failed" || server === null ? server : verdicts[server];
}

/** It would notice by itself, a moment later; the command wants to say what came of it. */
async function told(occasion: Occasion, path: string): Promise<Changed["server"]> {
  const asked = await askOperator<Reloaded>(occasion, "POST", "/reload");
  if (asked.kind !== "answer") return asked.kind === "none" ? null : "does not answer";
  const { result, path: served } = asked.value;
  if (result === "rejected" || result === "failed") return result;
  return served !== null && (await realpath(served).catch(() => served)) === path ? "has it" : "has another file";
}
