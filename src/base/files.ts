/**
 * The only file that writes to disk. A file appears whole or not at all (temporary file, fsync, rename), and what is
 * private stays so: folders 0700, files 0600, and what others could have read or changed since is refused, because a
 * key or token from such a file proves nothing any more.
 */
import { constants, copyFileSync, fstatSync, rmSync, type Stats, statSync, truncateSync } from "node:fs";
import { chmod, type FileHandle, link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Fault, fault } from "./errors.ts";
import { fixedBounds } from "./limits.ts";

const privateFileMode = 0o600;
const privateDirMode = 0o700;
const othersMask = 0o077;

/**
 * Replaces a file, or makes it, in one step: a reader sees the old content or the new, also after a power cut.
 * Throws STATE_UNWRITABLE.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, options: { readonly mode?: number } = {}): Promise<void> {
  await viaTemporary(path, content, options.mode ?? privateFileMode, (temporary) => rename(temporary, path));
}

/**
 * Makes a private file that must not exist yet, whole in one step. Gives false, and changes nothing, if it exists (two
 * processes may start at once; one of them wins). Throws STATE_UNWRITABLE.
 */
export async function createPrivateFile(path: string, content: string | Uint8Array): Promise<boolean> {
  return viaTemporary(path, content, privateFileMode, async (temporary) => {
    // link, unlike rename, refuses to replace.
    const made = await link(temporary, path).then(() => true, falseIfExists);
    await rm(temporary, { force: true });
    return made;
  });
}

async function viaTemporary<T>(path: string, content: string | Uint8Array, mode: number, place: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, content, mode);
    const placed = await place(temporary);
    await syncDir(dirname(path));
    return placed;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw unwritable("write", path, error);
  }
}

async function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  // "wx": a temporary name that exists already is somebody else's doing.
  await using file = await open(path, "wx", mode);
  await file.chmod(mode); // the umask may have taken bits away
  await file.writeFile(content);
  await file.sync();
}

async function syncDir(path: string): Promise<void> {
  if (process.platform === "win32") return; // folders cannot be opened there
  await using folder = await open(path, "r");
  await folder.sync();
}

/** Makes a folder and its parents for ourselves alone, or checks the one that is there. Throws STATE_UNSAFE, STATE_UNWRITABLE. */
export async function ensurePrivateDir(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: privateDirMode }).catch((error: unknown) => {
    throw unwritable("make folder", path, error);
  });
  if (made !== undefined) await chmod(path, privateDirMode);
  const found = await stat(path);
  if (!found.isDirectory()) throw fault("STATE_UNWRITABLE", { op: "make folder", detail: `${path} is no folder` });
  refuseLoosened(path, found);
}

/**
 * The text of a private file, or null if there is none. Looks at the opened file, not at the name, so that nobody can
 * exchange it in between. Throws STATE_UNSAFE (readable by others, not ours, a link), STATE_BROKEN (no file, too large).
 */
export async function readPrivateFile(path: string, options: { readonly bytesMax?: number } = {}): Promise<string | null> {
  const file = await openPrivate(path);
  if (file === null) return null;
  await using opened = file;
  const found = await soundStat(path, opened);
  const bytesMax = options.bytesMax ?? fixedBounds.stateBytesMax;
  if (found.size > bytesMax) throw fault("STATE_BROKEN", { op: "read", detail: `${path} is larger than ${bytesMax} bytes` });
  return opened.readFile("utf8");
}

/** The end of a private file, at most so many bytes of it, from the beginning of a line; null if there is none. Throws as reading it whole would. */
export async function readPrivateTail(path: string, bytesMax: number): Promise<string | null> {
  const file = await openPrivate(path);
  if (file === null) return null;
  await using opened = file;
  const found = await soundStat(path, opened);
  const from = Math.max(0, found.size - bytesMax);
  const { buffer, bytesRead } = await opened.read(Buffer.alloc(found.size - from), 0, found.size - from, from);
  const text = buffer.toString("utf8", 0, bytesRead);
  return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
}

/**
 * Opens a private file to add to its end, whoever else does; makes it if there is none. Throws STATE_UNSAFE, as reading
 * it would, and STATE_UNWRITABLE.
 */
export async function openPrivateLog(path: string): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, privateFileMode).catch((error: unknown) => {
    throw codeOf(error) === "ELOOP" ? fault("STATE_UNSAFE", { op: "open", detail: path, cause: error }) : unwritable("open", path, error);
  });
  try {
    refuseLoosened(path, await file.stat());
    return file;
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

/** The size of the file at `path` if this process writes to it through that descriptor; null if it is another file, or none. */
export function sizeBehind(descriptor: number, path: string): number | null {
  const [behind, there] = [statOf(() => fstatSync(descriptor)), statOf(() => statSync(path))];
  return behind !== null && behind.isFile() && behind.ino === there?.ino && behind.dev === there.dev ? behind.size : null;
}

/**
 * Empties a file that others hold open to add to, after its content went to `kept`. In one go, so that nothing is
 * written in between. Throws STATE_UNWRITABLE where the copy failed; the file is empty then too, for that it stays within
 * its bound is what counts.
 */
export function setAside(path: string, kept: string): void {
  try {
    rmSync(kept, { force: true });
    copyFileSync(path, kept, constants.COPYFILE_EXCL);
  } catch (error) {
    throw unwritable("keep", kept, error);
  } finally {
    truncateSync(path, 0);
  }
}

/** Removes a file; one that is gone already is fine. Throws STATE_UNWRITABLE. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw unwritable("remove", path, error);
  });
}

/** Gives a file, or a socket, another name; what had that name before is gone. Throws STATE_UNWRITABLE. */
export async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    throw unwritable("rename", from, error);
  });
}

/** Opens a file of somebody's to read it. A named pipe in its place holds nobody up, so who opens it looks at what it is. Throws what the system says. */
export function openToRead(path: string): Promise<FileHandle> {
  // The flag does not exist on Windows.
  const { O_RDONLY, O_NONBLOCK = 0 } = constants;
  return open(path, O_RDONLY | O_NONBLOCK);
}

function openPrivate(path: string): Promise<FileHandle | null> {
  // NONBLOCK, so that a named pipe in the file's place cannot hold the start up. Neither flag exists on Windows.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    if (codeOf(error) === "ELOOP") throw fault("STATE_UNSAFE", { op: "read", detail: `${path} is a symbolic link`, cause: error });
    throw fault("STATE_BROKEN", { op: "read", detail: path, cause: error });
  });
}

async function soundStat(path: string, file: FileHandle): Promise<Stats> {
  const found = await file.stat();
  if (!found.isFile()) throw fault("STATE_BROKEN", { op: "read", detail: `${path} is no file` });
  refuseLoosened(path, found);
  return found;
}

function refuseLoosened(path: string, found: { readonly mode: number; readonly uid: number }): void {
  const own = process.getuid?.();
  if (own === undefined) return; // Windows: access lists of the profile folder protect it, there are no modes to read
  if (found.uid !== own && found.uid !== 0) {
    throw fault("STATE_UNSAFE", { op: "check", detail: `${path} belongs to another user`, hint: "chown it, or choose another --state-dir" });
  }
  if ((found.mode & othersMask) !== 0) {
    throw fault("STATE_UNSAFE", { op: "check", detail: `${path} has mode ${(found.mode & 0o777).toString(8)}` });
  }
}

function statOf(look: () => Stats): Stats | null {
  try {
    return look();
  } catch {
    return null; // closed, or gone
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Which file, and why in the system's own words, without its code, its call and the path once more. */
function unwritable(op: string, path: string, cause: unknown): Fault {
  const why = /^[A-Z0-9]+: ([^,]+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
  return fault("STATE_UNWRITABLE", { op, detail: why === undefined ? path : `${path}: ${why}`, cause });
}

const falseIfExists = (error: unknown): false => {
  if (codeOf(error) !== "EEXIST") throw error;
  return false;
};

/** Closes a folder, or a file, of ours to everybody else. Throws STATE_UNWRITABLE. */
export async function makePrivate(path: string): Promise<void> {
  try {
    await chmod(path, (await stat(path)).isDirectory() ? privateDirMode : privateFileMode);
  } catch (cause) {
    throw unwritable("close to others", path, cause);
  }
}

/** Whether there can be a file in a folder: what is full, or may only be read, is told by trying alone. Nothing is left of it. Throws STATE_UNWRITABLE. */
export async function tryWriting(folder: string): Promise<void> {
  await viaTemporary(join(folder, "tried"), "x".repeat(triedChars), privateFileMode, (temporary) => rm(temporary));
}

// An empty file has room on a full disk.
const triedChars = 4096;
