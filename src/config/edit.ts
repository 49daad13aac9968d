/**
 * The way back into the configuration file, for every command that changes it: nothing but what was asked for is
 * touched, what would come out is checked before it is written, a copy of what there was is kept beside it, and a reader
 * sees the old file or the new one. One writer at a time: who comes second sees what the first one wrote.
 */
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Clock, createPrivateFile, defaultLimits, ensurePrivateDir, fault, removeFile, sleep, writeFileAtomic } from "../base/index.ts";
import { differenceOf } from "./difference.ts";
import { parseDocument } from "./document.ts";
import { changedText, type ConfigChange } from "./jsonc.ts";
import { parseConfig } from "./load.ts";
import type { Issue } from "./types.ts";

/** A change of the file that is to be made. */
export interface ConfigEdit {
  /** The file; it need not exist yet. */
  readonly path: string;
  readonly clock: Clock;
  /** Only say what would come of it. */
  readonly dryRun: boolean;
  /** From now on the file is for its owner alone, since there is a secret in it. Absent: its mode stays. */
  readonly isPrivate?: boolean;
  /** What to change, given the file's value; throws a Fault where that cannot be done. None: nothing is written. */
  changes(file: Readonly<Record<string, unknown>>): readonly ConfigChange[];
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
    }
  | { readonly ok: false; readonly path: string; readonly issues: readonly Issue[] };

// Byte order mark, which editors on Windows write.
const mark = "\uFEFF";

/** Changes the configuration file. Throws CONFIG_UNREADABLE, LIMIT_REACHED while somebody else goes on changing it, STATE_UNWRITABLE, and what `changes` throws. */
export async function editConfig(edit: ConfigEdit): Promise<Edited> {
  const path = await realpath(edit.path).catch(() => resolve(edit.path));
  if (edit.dryRun) return edited(edit, path);
  await ensureFolder(dirname(path));
  const unlock = await lock(path, edit.clock);
  try {
    return await edited(edit, path);
  } finally {
    await unlock();
  }
}

async function edited({ changes, dryRun, clock, isPrivate }: ConfigEdit, path: string): Promise<Edited> {
  const found = await contentOf(path);
  const { text: after, issues } = changed(found?.text ?? "{\n}\n", path, changes);
  if (issues.length > 0) return { ok: false, path, issues };
  const difference = differenceOf(found?.text ?? "", after);
  if (dryRun || after === found?.text) return { ok: true, path, difference, written: false, backup: null };
  return { ok: true, path, difference, written: true, backup: await replace(path, found, after, { clock, isPrivate }) };
}

/** The text after the changes, and what is wrong with it, or with the text before. */
function changed(text: string, path: string, changes: ConfigEdit["changes"]): { readonly text: string; readonly issues: readonly Issue[] } {
  const { document, issues } = parseDocument(text);
  if (document === null) return { text, issues };
  const after = changes(objectOf(document.value)).reduce(changedText, text);
  const checked = parseConfig({ text: after, path, variables: new Map(), hash: "" });
  return { text: after, issues: checked.ok ? [] : checked.issues };
}

/** Gives where the old content is. */
async function replace(path: string, found: Content | null, text: string, { clock, isPrivate }: { readonly clock: Clock; readonly isPrivate: boolean | undefined }): Promise<string | null> {
  if (found === null) {
    await writeFileAtomic(path, text);
    return null;
  }
  const backup = await keep(path, found.bytes, clock);
  await writeFileAtomic(path, (found.marked ? mark : "") + text, { mode: found.mode & (isPrivate === true ? 0o700 : 0o777) });
  return backup;
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

interface Content {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly marked: boolean;
  readonly mode: number;
}

async function contentOf(path: string): Promise<Content | null> {
  try {
    const { mode, size } = await stat(path);
    if (size > defaultLimits.configBytesMax) throw new Error(`larger than ${defaultLimits.configBytesMax} bytes`);
    const bytes = await readFile(path);
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const marked = text.startsWith(mark);
    return { bytes, text: marked ? text.slice(1) : text, marked, mode };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw fault("CONFIG_UNREADABLE", { detail: path, cause });
  }
}

// A folder that is there already may be anybody's: it is not ours to close.
async function ensureFolder(path: string): Promise<void> {
  const isThere = await stat(path).then(() => true, () => false);
  if (!isThere) await ensurePrivateDir(path);
}

/** Keeps a copy, with the moment in its name; of many the newest ones, and none for ever. The watch does not look at these names. */
async function keep(path: string, bytes: Uint8Array, clock: Clock): Promise<string> {
  const start = `${basename(path)}.backup.`;
  let at = clock.now();
  while (!(await createPrivateFile(`${path}.backup.${at}`, bytes))) at += 1;
  const moments = (await readdir(dirname(path))).filter((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length))).map((name) => Number(name.slice(start.length)));
  const newest = moments.sort((a, b) => b - a);
  const old = newest.filter((moment, place) => moment !== at && (place >= defaultLimits.configBackupsMax || moment < at - defaultLimits.configBackupMsMax));
  for (const moment of old) await removeFile(join(dirname(path), `${start}${moment}`));
  return `${path}.backup.${at}`;
}

/** Takes the file for oneself, and gives what ends that. Whoever holds it longer than any change takes is dead. */
async function lock(path: string, clock: Clock): Promise<() => Promise<void>> {
  const { configLockMsMax, configLockLookMs } = defaultLimits;
  const name = `${path}.lock`;
  const until = clock.now() + 2 * configLockMsMax;
  while (!(await createPrivateFile(name, `${process.pid}\n`))) {
    const since = await stat(name).then(({ mtimeMs }) => mtimeMs, () => null);
    if (since !== null && clock.now() - since > configLockMsMax) await removeFile(name);
    else if (clock.now() > until) throw fault("LIMIT_REACHED", { op: "change the configuration", detail: `limits.configLockMsMax: ${name} is another program's` });
    else await sleep(clock, configLockLookMs);
  }
  return () => removeFile(name);
}
