/**
 * Who owns a state folder: the one server that listens for it. `owner.json` is made in one step, so that of two which
 * start at once one is refused; a file counts only while the process that made it lives, which is told by more than its
 * number, since numbers are given anew.
 */
import { join } from "node:path";
import { bootOf, type Clock, createPrivateFile, ensurePrivateDir, fault, moveFile, readPrivateFile, removeFile, startOf, startOfLiving, writeFileAtomic } from "../base/index.ts";
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
  /** Milliseconds since the epoch; makes two entries of one process differ. */
  readonly at: number;
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
  const entry: Entry = { pid: process.pid, start: startOf(process.pid), boot: await bootOf(), at: clock.now() + performance.now() };
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

async function claimFree(path: string, text: string): Promise<void> {
  if (await createPrivateFile(path, text)) return;
  const found = await readPrivateFile(path, { bytesMax });
  const owner = await livingIn(found);
  if (owner !== null) throw owned(path, owner);
  // Another one may be here for the same reason, and quicker: what is put aside must be what was found dead.
  const aside = `${path}.${crypto.randomUUID()}.tmp`;
  if (found !== null) await moveFile(path, aside).catch(() => undefined);
  const taken = await readPrivateFile(aside, { bytesMax });
  if (taken !== null && taken !== found) await createPrivateFile(path, taken);
  await removeFile(aside);
  if (await createPrivateFile(path, text)) return;
  throw owned(path, (await livingIn(await readPrivateFile(path, { bytesMax }))) ?? { pid: 0 });
}

const owned = (path: string, { pid }: Owner) => fault("STATE_OWNED", { op: "start", detail: `process ${pid}, by ${path}`, data: { pid } });

async function livingIn(text: string | null): Promise<Owner | null> {
  const entry = text === null ? null : parsed(text);
  if (entry === null || !processLives(entry.pid)) return null;
  if (entry.start === null) return { pid: entry.pid };
  const isSame = entry.boot === (await bootOf()) && startOfLiving(entry.pid) === entry.start;
  return isSame ? { pid: entry.pid } : null;
}

function parsed(text: string): Entry | null {
  try {
    const value = JSON.parse(text) as Partial<Entry> | null;
    return typeof value?.pid === "number" && Number.isSafeInteger(value.pid) && value.pid > 0 ? { pid: value.pid, start: value.start ?? null, boot: value.boot ?? "", at: value.at ?? 0 } : null;
  } catch {
    // Nobody writes half a file here; whatever it is, it names no owner.
    return null;
  }
}
