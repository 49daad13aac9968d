/**
 * Who owns a state folder: the one server that listens for it. `owner.json` is made in one step, so that of two which
 * start at once one is refused; a file counts only while the process that made it lives, which is told by more than its
 * number, since numbers are given anew.
 */
import { join } from "node:path";
import { bootOf, type Clock, createPrivateFile, ensurePrivateDir, fault, fingerprint, readPrivateFile, removeFile, startOf, startOfLiving, writeFileAtomic } from "../base/index.ts";
import { processLives } from "./presence.ts";

/** A living owner. */
export interface Owner {
  readonly pid: number;
}

/** The folder is ours. */
export interface Claim {
  /** Gives it back, unless another server has taken over since. Twice is fine. */
  release(): Promise<void>;
}

interface Entry extends Owner {
  /** When the process started, in the system's own measure; null where it does not tell. */
  readonly start: number | null;
  /** The boot that `start` counts from. */
  readonly boot: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Makes two entries of one process differ. */
  readonly mark: string;
}

export interface ClaimOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  /** Taken from a living owner too: we are about to take over from it. */
  readonly takeover: boolean;
}

const bytesMax = 4096;
const pathOf = (stateDir: string): string => join(stateDir, "owner.json");

/** Makes this process the owner. Throws STATE_OWNED with the owner's process id, STATE_UNWRITABLE, STATE_UNSAFE. */
export async function claimState({ stateDir, clock, takeover }: ClaimOptions): Promise<Claim> {
  await ensurePrivateDir(stateDir);
  const path = pathOf(stateDir);
  const entry: Entry = { pid: process.pid, start: startOf(process.pid), boot: await bootOf(), at: clock.now(), mark: crypto.randomUUID() };
  const text = `${JSON.stringify(entry)}\n`;
  if (takeover) await writeFileAtomic(path, text);
  else await claimFree(path, text);
  return {
    async release() {
      if ((await readPrivateFile(path, { bytesMax })) === text) await removeFile(path);
    },
  };
}

/** The living owner of a state folder, or null. Throws STATE_UNSAFE, STATE_BROKEN. */
export const readOwner = async (stateDir: string): Promise<Owner | null> => livingIn(await readPrivateFile(pathOf(stateDir), { bytesMax }));

/**
 * Makes the file, or takes the place of a dead owner. Of those that find the same one dead only one may be its heir: that
 * right is claimed in the same way, at a name made of what was found, and what was found must still be there then.
 */
async function claimFree(path: string, text: string): Promise<void> {
  if (await createPrivateFile(path, text)) return;
  const found = await readPrivateFile(path, { bytesMax });
  const owner = await livingIn(found);
  if (owner !== null) throw owned(path, owner);
  if (found === null || !(await inherited(path, found, text))) await claimFree(path, text);
}

async function inherited(path: string, found: string, text: string): Promise<boolean> {
  const right = `${path}.${fingerprint(found).slice(0, 16)}`;
  await claimFree(right, text);
  try {
    const isStillThere = (await readPrivateFile(path, { bytesMax })) === found;
    if (isStillThere) await writeFileAtomic(path, text);
    return isStillThere;
  } finally {
    await removeFile(right);
  }
}

const owned = (path: string, { pid }: Owner) => fault("STATE_OWNED", { op: "start", detail: `process ${pid}, by ${path}`, data: { pid } });

async function livingIn(text: string | null): Promise<Owner | null> {
  const entry = text === null ? null : parsed(text);
  if (entry === null || !processLives(entry.pid)) return null;
  if (entry.start === null) return { pid: entry.pid };
  const isSame = entry.boot === (await bootOf()) && startOfLiving(entry.pid) === entry.start;
  return isSame ? { pid: entry.pid } : null;
}

const isNumber = (pid: unknown): pid is number => Number.isSafeInteger(pid) && (pid as number) > 0;

function parsed(text: string): Pick<Entry, "pid" | "start" | "boot"> | null {
  try {
    const value = JSON.parse(text) as Partial<Entry> | null;
    return value !== null && isNumber(value.pid) ? { pid: value.pid, start: value.start ?? null, boot: value.boot ?? "" } : null;
  } catch {
    // Nobody writes half a file here; whatever it is, it names no owner.
    return null;
  }
}
