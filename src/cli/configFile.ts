/** `config backup`, `backups`, `restore` and `diff`: the copies of the configuration file, made by hand or before each change. */
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { fault } from "../base/index.ts";
import { type Backup, backupConfig, backupsOf, configText, differenceOf, issuesOf, rewriteConfig } from "../config/index.ts";
import { tellEdited } from "./change.ts";
import { configPathOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { issueText, spanText } from "./print.ts";
import { tableText } from "./table.ts";

/** Keeps a copy, and says where. Throws CONFIG_UNREADABLE where there is no file. */
export const backup: Run = async (occasion) => {
  const { clock, settings, stdout } = occasion;
  const path = configPathOf(occasion);
  const kept = await backupConfig({ path, clock });
  stdout.write(settings.json ? `${JSON.stringify({ path, backup: kept }, null, 2)}\n` : `${kept}\n`);
  return 0;
};

/** A line for each copy, newest first. */
export const backups: Run = async (occasion) => {
  const { settings, stdout, clock } = occasion;
  const all = await copiesOf(occasion);
  const shown = all.map(({ path, at }) => ({ copy: String(at), at: new Date(at).toISOString(), path }));
  if (settings.json) stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else stdout.write(await tableText([["COPY", "MADE", "AGO", "FILE"], ...shown.map(({ copy, at, path }) => [copy, at, spanText(clock.now() - Number(copy)), path])], stdout));
  return 0;
};

/** Puts a copy in the file's place, after keeping one of what is there now. Throws USAGE, CONFIG_INVALID where the copy cannot be used. */
export const restore: Run = async (occasion) => {
  const { settings, clock } = occasion;
  const from = await copyOf(occasion);
  const text = await textOf(from.path);
  refuseBroken(occasion, from.path, text);
  return tellEdited(occasion, await rewriteConfig({ path: configPathOf(occasion), clock, dryRun: settings.dryRun, text: () => text }), { done: `restored from ${from.path}` });
};

/** What is wrong stands in the copy, not in the file that it would replace. */
function refuseBroken(occasion: Occasion, copy: string, text: string): void {
  const issues = issuesOf(text, copy);
  for (const issue of issues) occasion.stderr.write(issueText(copy, issue));
  if (issues.length > 0) throw fault("CONFIG_INVALID", { detail: `${copy}; ${configPathOf(occasion)}: it is as it was`, hint: "`1mcp config backups` has other copies" });
}

/** The lines that differ between a copy and the file; gives 1 where any do. Throws USAGE, CONFIG_UNREADABLE. */
export const diff: Run = async (occasion) => {
  const from = await copyOf(occasion);
  const difference = differenceOf(await textOf(from.path), await textOf(configPathOf(occasion)));
  occasion.stdout.write(difference);
  return difference === "" ? 0 : 1;
};

const copiesOf = async (occasion: Occasion): Promise<readonly Backup[]> => {
  const path = configPathOf(occasion);
  return backupsOf(await realpath(path).catch(() => path));
};

/** The copy that was named, by its number or its path, or the newest. */
async function copyOf(occasion: Occasion): Promise<{ readonly path: string }> {
  const { operand } = occasion;
  const all = await copiesOf(occasion);
  const found = operand === null ? all[0] : all.find(({ at, path }) => String(at) === operand || path === resolve(operand));
  if (found !== undefined) return found;
  if (operand === null) throw fault("USAGE", { detail: "there is no copy of the configuration yet", hint: "one is made before each change, and by `1mcp config backup`" });
  if (/^\d+$/.test(operand)) throw fault("USAGE", { detail: `there is no copy ${operand}`, hint: "`1mcp config backups` has those there are" });
  return { path: resolve(operand) };
}

async function textOf(path: string): Promise<string> {
  const text = await configText(path);
  if (text === null) throw fault("CONFIG_UNREADABLE", { detail: `${path}: there is no such file` });
  return text;
}
