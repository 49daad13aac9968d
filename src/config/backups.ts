/**
 * The copies that are kept of the configuration file, beside it: `<file>.backup.<moment>`, for their owner alone. Of many
 * the newest ones, and none for ever; the watch does not look at these names.
 */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Clock, createPrivateFile, fixedBounds, removeFile } from "../base/index.ts";

/** One copy. */
export interface Backup {
  readonly path: string;
  /** When it was made, ms since the epoch. */
  readonly at: number;
}

/** Keeps a copy with the moment in its name, and gives where. Throws STATE_UNWRITABLE. */
export async function keepBackup(path: string, bytes: Uint8Array, clock: Clock): Promise<string> {
  let at = clock.now();
  while (!(await createPrivateFile(nameOf(path, at), bytes))) at += 1;
  const { configBackupsMax, configBackupMsMax } = fixedBounds;
  const old = (await backupsOf(path)).filter((backup, place) => backup.at !== at && (place >= configBackupsMax || backup.at < at - configBackupMsMax));
  for (const backup of old) await removeFile(backup.path);
  return nameOf(path, at);
}

const nameOf = (path: string, at: number): string => `${path}.backup.${at}`;

/** The copies of a configuration file, newest first; none where its folder cannot be read. */
export async function backupsOf(path: string): Promise<readonly Backup[]> {
  const start = `${basename(path)}.backup.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const moments = names.filter((name) => name.startsWith(start) && /^\d{1,16}$/.test(name.slice(start.length))).map((name) => Number(name.slice(start.length)));
  return moments.sort((a, b) => b - a).map((at) => ({ path: join(dirname(path), `${start}${at}`), at }));
}
