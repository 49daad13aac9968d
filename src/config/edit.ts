/**
 * The way back into the configuration file, for every command that changes it: nothing but what was asked for is
 * touched, what would come out is checked before it is written, a copy of what there was is kept beside it, and a reader
 * sees the old file or the new one. One writer at a time: who comes second sees what the first one wrote.
 */
import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Clock, createPrivateFile, ensurePrivateDir, fault, fixedBounds, removeFile, sleep, writeFileAtomic } from "../base/index.ts";
import { keepBackup } from "./backups.ts";
import { type Content, contentOf, mark } from "./content.ts";
import { differenceOf } from "./difference.ts";
import { objectIn, parseDocument } from "./document.ts";
import { changedText, type ConfigChange } from "./jsonc.ts";
import { parseConfig } from "./load.ts";
import type { Issue } from "./types.ts";

interface Writing {
  /** The file; it need not exist yet. */
  readonly path: string;
  readonly clock: Clock;
  /** Only say what would come of it. */
  readonly dryRun: boolean;
  /** From now on the file is for its owner alone, since there is a secret in it. Absent: its mode stays. */
  readonly isPrivate?: boolean;
}

/** A change of the file that is to be made. */
export interface ConfigEdit extends Writing {
  /** What to change, given the file's value; throws a Fault where that cannot be done. None: nothing is written. */
  changes(file: Readonly<Record<string, unknown>>): readonly ConfigChange[];
}

/** Another text in the file's place. */
export interface ConfigRewrite extends Writing {
  /** The new text, given the old one, null for no file; throws a Fault where there is none to be had. */
  text(before: string | null): string;
}

/** What came of it; or why the file, as it is or as it would become, cannot be used. */
export type Edited =
  | {
      readonly ok: true;
      /** Absolute; of a link what it leads to. */
      readonly path: string;
      /** The lines that differ; "" where none does. */
      readonly difference: string;
      readonly written: boolean;
      /** Where the file's old content is; null: nothing was written, or there was none. */
      readonly backup: string | null;
      /** Others could read the file, and cannot any more. */
      readonly closed: boolean;
    }
  | { readonly ok: false; readonly path: string; readonly issues: readonly Issue[] };

/** Changes the configuration file. Throws CONFIG_UNREADABLE, LIMIT_REACHED while somebody else goes on changing it, STATE_UNWRITABLE, and what `changes` throws. */
export const editConfig = ({ changes, ...writing }: ConfigEdit): Promise<Edited> => write(writing, (text) => changed(text ?? "{\n}\n", changes));

/** Puts another text in the file's place, whatever is there now. Throws as `editConfig`, and what `text` throws. */
export const rewriteConfig = ({ text, ...writing }: ConfigRewrite): Promise<Edited> => write(writing, (before) => ({ text: text(before), issues: [] }));

/** Keeps a copy of the file as it is; gives where. Throws CONFIG_UNREADABLE, also where there is no file, and STATE_UNWRITABLE. */
export async function backupConfig({ path: given, clock }: Pick<Writing, "path" | "clock">): Promise<string> {
  const path = await pathOf(given);
  const found = await contentOf(path);
  if (found === null) throw fault("CONFIG_UNREADABLE", { detail: `${path}: there is no file` });
  return keepBackup(path, found.bytes, clock);
}

const pathOf = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

interface After {
  readonly text: string;
  readonly issues: readonly Issue[];
}

async function write(writing: Writing, after: (before: string | null) => After): Promise<Edited> {
  const path = await pathOf(writing.path);
  if (writing.dryRun) return written(writing, path, after);
  await ensureFolder(dirname(path));
  const unlock = await lock(path, writing.clock);
  try {
    return await written(writing, path, after);
  } finally {
    await unlock();
  }
}

async function written(writing: Writing, path: string, after: (before: string | null) => After): Promise<Edited> {
  const found = await contentOf(path);
  const before = found?.text ?? null;
  const { text, issues: first } = after(before);
  const issues = first.length > 0 ? first : issuesOf(text, path);
  if (issues.length > 0) return { ok: false, path, issues };
  const difference = differenceOf(before ?? "", text);
  if (writing.dryRun || text === before) return { ok: true, path, difference, written: false, backup: null, closed: false };
  return { ok: true, path, difference, written: true, ...(await replace(writing, path, found, text)) };
}

/** Gives where the old content is, and whether others could read it. */
async function replace({ clock, isPrivate = false }: Writing, path: string, found: Content | null, text: string): Promise<{ readonly backup: string | null; readonly closed: boolean }> {
  if (found === null) {
    await writeFileAtomic(path, text);
    return { backup: null, closed: false };
  }
  const mode = found.mode & 0o777;
  const closed = isPrivate && (mode & ~ownMode) !== 0;
  const backup = await keepBackup(path, found.bytes, clock);
  await writeFileAtomic(path, (found.marked ? mark : "") + text, { mode: closed ? mode & ownMode : mode });
  return { backup, closed };
}

const ownMode = 0o600;

/** The text after the changes, or what is wrong with the text before. */
function changed(text: string, changes: ConfigEdit["changes"]): After {
  const { document, issues } = parseDocument(text);
  if (document === null) return { text, issues };
  return { text: changes(objectIn(document.value)).reduce(changedText, text), issues: [] };
}

/** What is wrong with a text that is to be the configuration at `path`, its servers aside that are out alone. */
export function issuesOf(text: string, path: string): readonly Issue[] {
  const checked = parseConfig({ text, path, variables: new Map(), hash: "" });
  return checked.ok ? [] : checked.issues;
}

// A folder that is there already may be anybody's: it is not ours to close.
async function ensureFolder(path: string): Promise<void> {
  const isThere = await stat(path).then(() => true, () => false);
  if (!isThere) await ensurePrivateDir(path);
}

/** Takes the file for oneself, and gives what ends that. Whoever holds it longer than any change takes is dead. */
async function lock(path: string, clock: Clock): Promise<() => Promise<void>> {
  const { configLockMsMax, configLockLookMs } = fixedBounds;
  const name = `${path}.lock`;
  const until = clock.now() + 2 * configLockMsMax;
  for (;;) {
    // Looking is far cheaper than trying, which writes a file each time.
    const since = await stat(name).then(({ mtimeMs }) => mtimeMs, () => null);
    if (since === null && (await createPrivateFile(name, `${process.pid}\n`))) return () => removeFile(name);
    if (since !== null && clock.now() - since > configLockMsMax) await removeFile(name);
    else if (clock.now() > until) throw fault("LIMIT_REACHED", { op: "change the configuration", detail: `after ${2 * configLockMsMax} ms ${name} is still another program's` });
    else await sleep(clock, configLockLookMs);
  }
}
