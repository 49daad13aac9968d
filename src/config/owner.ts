/**
 * What one living process alone may have, each by a file that says which: a state folder is the one server's that
 * listens for it, a configuration file the one writer's. The file is made in one step, so that of two which want it at
 * once one is refused; it counts only while the process that made it lives, which is told by more than its number, since
 * numbers are given anew.
 */
import { join } from "node:path";
import { bootOf, type Clock, createPrivateFile, ensurePrivateDir, fault, fingerprint, readPrivateFile, removeFile, startOf, startOfLiving, writeFileAtomic } from "../base/index.ts";
import { processLives } from "./presence.ts";

/** A living owner. */
export interface Owner {
  readonly pid: number;
}

/** It is ours. */
export interface Claim {
  /** Gives it back, unless another process has taken over since. Twice is fine. */
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
  const text = await entryText(clock);
  if (takeover) await writeFileAtomic(path, text);
  const owner = takeover ? null : await claimFree(path, text);
  if (owner !== null) throw owned(path, owner);
  return claimed(path, text);
}

/** Takes what the file at `path` stands for, or gives the living owner. Throws STATE_UNWRITABLE, STATE_UNSAFE. */
export async function claimFile(path: string, clock: Clock): Promise<Claim | Owner> {
  const text = await entryText(clock);
  return (await claimFree(path, text)) ?? claimed(path, text);
}

/** The living owner of a state folder, or null. Throws STATE_UNSAFE, STATE_BROKEN. */
export const readOwner = (stateDir: string): Promise<Owner | null> => ownerIn(pathOf(stateDir));

/** The living owner of what the file at `path` stands for, or null. Throws STATE_UNSAFE, STATE_BROKEN. */
export const ownerIn = async (path: string): Promise<Owner | null> => livingIn(await readPrivateFile(path, { bytesMax }));

async function entryText(clock: Clock): Promise<string> {
  const entry: Entry = { pid: process.pid, start: startOf(process.pid), boot: await bootOf(), at: clock.now(), mark: crypto.randomUUID() };
  return `${JSON.stringify(entry)}\n`;
}

const claimed = (path: string, text: string): Claim => ({
  async release() {
    if ((await readPrivateFile(path, { bytesMax })) === text) await removeFile(path);
  },
});

/**
 * Makes the file, or takes the place of a dead owner; else gives the living one. Of those that find the same one dead
 * only one may be its heir: that right is claimed in the same way, at a name made of what was found, and what was found
 * must still be there then.
 */
async function claimFree(path: string, text: string): Promise<Owner | null> {
  if (await createPrivateFile(path, text)) return null;
  const found = await readPrivateFile(path, { bytesMax });
  const owner = await livingIn(found);
  if (owner !== null) return owner;
  return found === null ? claimFree(path, text) : inherited(path, found, text);
}

async function inherited(path: string, found: string, text: string): Promise<Owner | null> {
  const right = `${path}.${fingerprint(found).slice(0, 16)}`;
  const heir = await claimFree(right, text);
  if (heir !== null) return heir;
  try {
    if ((await readPrivateFile(path, { bytesMax })) === found) {
      await writeFileAtomic(path, text);
      return null;
    }
  } finally {
    await removeFile(right);
  }
  return claimFree(path, text);
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
