/**
 * The one file of another application: read with its bytes, so that it can be given back as it was, and replaced only if
 * it is still what was read. A link is followed, as the application follows it.
 */
import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createPrivateFile, ensurePrivateDir, fault, fixedBounds, removeFile, writeFileAtomic } from "../base/index.ts";

/** Everything that is written while something moves: one door, so that a crash can be tried at each step. */
export interface FileDoor {
  readonly writeFileAtomic: typeof writeFileAtomic;
  readonly createPrivateFile: typeof createPrivateFile;
  readonly removeFile: typeof removeFile;
  readonly ensurePrivateDir: typeof ensurePrivateDir;
}

/** The real one. */
export const fileDoor: FileDoor = Object.freeze({ writeFileAtomic, createPrivateFile, removeFile, ensurePrivateDir });

/** A file as it was read. */
export interface AppFile {
  /** Absolute; of a link what it leads to. */
  readonly path: string;
  /** null: there is none. */
  readonly bytes: Uint8Array | null;
  /** Without the mark that editors on Windows begin with. */
  readonly text: string;
  readonly isMarked: boolean;
  readonly mode: number;
}

const mark = "\uFEFF";
const newMode = 0o600;

export const digestOf = (bytes: Uint8Array | string | null): string | null => (bytes === null ? null : Bun.SHA256.hash(bytes, "hex"));

/** The first of the files that is there, else the last one, which is to be made. Throws APP_UNREADABLE. */
export async function readAppFile(places: readonly string[]): Promise<AppFile> {
  for (const place of places) {
    const found = await readOne(place);
    if (found !== null) return found;
  }
  return { path: resolve(places.at(-1) ?? ""), bytes: null, text: "", isMarked: false, mode: newMode };
}

async function readOne(place: string): Promise<AppFile | null> {
  try {
    const path = await realpath(place);
    const found = await stat(path);
    if (!found.isFile()) throw new Error("it is no file");
    if (found.size > fixedBounds.appFileBytesMax) throw new Error(`it is larger than ${fixedBounds.appFileBytesMax} bytes`);
    const bytes = await readFile(path);
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const isMarked = text.startsWith(mark);
    return { path, bytes, text: isMarked ? text.slice(1) : text, isMarked, mode: found.mode & 0o777 };
  } catch (cause) {
    // A link to nothing yet (a disk that is away) is somebody's all the same: a file in its place would be one too many.
    const isNone = ["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "") && !(await isLink(place));
    if (isNone) return null;
    throw fault("APP_UNREADABLE", { detail: `${place}: ${cause instanceof Error ? cause.message : String(cause)}`, cause });
  }
}

const isLink = (path: string): Promise<boolean> => lstat(path).then((found) => found.isSymbolicLink(), () => false);

/** The bytes of the file with another text. */
export const bytesWith = ({ isMarked }: AppFile, text: string): Uint8Array => new TextEncoder().encode(isMarked ? mark + text : text);

/** Replaces the file, or takes it away for null, if it is still as it was read. Throws APP_UNREADABLE, STATE_UNWRITABLE. */
export async function replaceAppFile(file: AppFile, bytes: Uint8Array | null, mode: number, files: FileDoor): Promise<void> {
  const now = await readOne(file.path);
  if (digestOf(now?.bytes ?? null) !== digestOf(file.bytes)) throw fault("APP_UNREADABLE", { detail: `${file.path} was changed meanwhile`, hint: "close the application, and do it again" });
  if (bytes === null) return files.removeFile(file.path);
  const folder = dirname(file.path);
  // A folder that is there already is the application's.
  const isThere = await stat(folder).then(() => true, () => false);
  if (!isThere) await files.ensurePrivateDir(folder);
  await files.writeFileAtomic(file.path, bytes, { mode });
}
