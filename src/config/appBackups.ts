/**
 * What applications' files were before they were changed: their bytes, in a file for the owner alone, and beside it what
 * is to be known about them. The bytes come first, so whatever has a record can be given back.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, fault, readPrivateFile, removeFile } from "../base/index.ts";
import { type AppFile, digestOf, type FileDoor } from "./appFiles.ts";

/** What is known about one backup. */
export interface AppBackup {
  /** The application's word and the moment. */
  readonly id: string;
  readonly app: string;
  /** The file that it is of. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What was about to be done. */
  readonly before: "consolidate" | "connect" | "disconnect" | "restore";
  /** SHA-256 of its bytes; null: there was no file. */
  readonly digest: string | null;
  readonly mode: number;
  /** SHA-256 of what was written then; null: the file was taken away. */
  readonly after: string | null;
  /** Servers that went into our configuration then, with the fingerprints of their entries. */
  readonly moved: Readonly<Record<string, string>>;
}

/** Where they are kept. */
export const appBackupFolder = (stateDir: string): string => join(stateDir, "apps");

/** Keeps a file's bytes. Gives the record. Throws STATE_UNWRITABLE, STATE_UNSAFE. */
export async function keepAppFile(stateDir: string, file: AppFile, facts: Pick<AppBackup, "app" | "before" | "after" | "moved">, { clock, files }: { readonly clock: Clock; readonly files: FileDoor }): Promise<AppBackup> {
  const folder = appBackupFolder(stateDir);
  await files.ensurePrivateDir(folder);
  let at = clock.now();
  while (!(await files.createPrivateFile(join(folder, `${facts.app}.${at}.bytes`), file.bytes ?? ""))) at += 1;
  const backup: AppBackup = { id: `${facts.app}.${at}`, path: file.path, at, digest: digestOf(file.bytes), mode: file.mode, ...facts };
  await files.createPrivateFile(join(folder, `${backup.id}.json`), `${JSON.stringify(backup, null, 2)}\n`);
  return backup;
}

/** All of them, the newest first. Throws STATE_UNSAFE, STATE_BROKEN. */
export async function appBackups(stateDir: string): Promise<readonly AppBackup[]> {
  const folder = appBackupFolder(stateDir);
  const names = await readdir(folder).catch((cause: unknown): string[] => {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    // Whoever looks for what he had must not be told that there is nothing.
    throw fault("STATE_BROKEN", { op: "read", detail: folder, cause });
  });
  const all = await Promise.all(names.filter((name) => /^[a-z0-9-]+\.\d+\.json$/.test(name)).map((name) => recordIn(join(folder, name))));
  return all.filter((one) => one !== null).toSorted((a, b) => b.at - a.at);
}

async function recordIn(path: string): Promise<AppBackup | null> {
  const text = await readPrivateFile(path);
  try {
    return text === null ? null : (JSON.parse(text) as AppBackup);
  } catch (cause) {
    throw fault("STATE_BROKEN", { op: "read", detail: path, cause });
  }
}

/** The bytes of one; null: there was no file. Throws STATE_BROKEN where they are not what they were. */
export async function keptBytes(stateDir: string, { id, digest }: AppBackup): Promise<Uint8Array | null> {
  if (digest === null) return null;
  const path = join(appBackupFolder(stateDir), `${id}.bytes`);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fault("STATE_BROKEN", { op: "read", detail: path, cause });
  });
  if (digestOf(bytes) !== digest) throw fault("STATE_BROKEN", { op: "read", detail: `${path} is not what was kept`, hint: "choose another backup: `1mcp app backups --verify`" });
  return bytes;
}

/** Takes backups away. The record goes first: what has one can be given back. Throws STATE_UNWRITABLE. */
export async function forgetAppBackups(stateDir: string, backups: readonly AppBackup[]): Promise<void> {
  for (const { id } of backups) {
    await removeFile(join(appBackupFolder(stateDir), `${id}.json`));
    await removeFile(join(appBackupFolder(stateDir), `${id}.bytes`));
  }
}
