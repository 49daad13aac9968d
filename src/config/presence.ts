/**
 * The running server of a state folder: `server.json`, written when it listens and removed at its end, by which other
 * commands of the same user find it. A program that was killed leaves its file behind, so a file counts only while the
 * process that wrote it lives, which is told by its number and its start; by the clock only where the system does not say
 * when a process started, for a clock may be set.
 */
import { uptime } from "node:os";
import { join } from "node:path";
import { bootOf, type Clock, ensurePrivateDir, readPrivateFile, removeFile, startOf, startOfLiving, writeFileAtomic } from "../base/index.ts";

/** What is known of a running server. */
export interface Presence {
  /** Its endpoint for all servers, as reached from this machine. */
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The path of its operator's socket; null: it has none. */
  readonly operator: string | null;
}

/** The same as it is written down. */
interface Entry extends Presence {
  /** When the process started, in the system's own measure, and the boot that this counts from; null where it does not tell. */
  readonly start: number | null;
  readonly boot: string | null;
}

/** An announcement that stands. */
export interface Announced {
  /** Takes it back, unless another server has announced itself since. Taking it back twice is fine. */
  withdraw(): Promise<void>;
}

const bytesMax = 64 * 1024;

/** The file of a state folder's running server. */
export const presencePath = (stateDir: string): string => join(stateDir, "server.json");

/** Announces this process as the running server. Throws STATE_UNWRITABLE, STATE_UNSAFE. */
export async function announcePresence(stateDir: string, server: Pick<Presence, "url" | "version" | "operator">, clock: Clock): Promise<Announced> {
  await ensurePrivateDir(stateDir);
  const path = presencePath(stateDir);
  const start = startOf(process.pid);
  const entry: Entry = { url: reachable(server.url), pid: process.pid, version: server.version, startedAt: clock.now(), operator: server.operator, start, boot: start === null ? null : await bootOf() };
  const text = `${JSON.stringify(entry)}\n`;
  await writeFileAtomic(path, text);
  return {
    async withdraw() {
      if ((await readPrivateFile(path, { bytesMax })) === text) await removeFile(path);
    },
  };
}

/** The running server of a state folder, or null: there is none, or only what one left behind. Throws STATE_UNSAFE, STATE_BROKEN. */
export async function readPresence(stateDir: string, clock: Clock): Promise<Presence | null> {
  const entry = await readEntry(stateDir);
  if (entry === null || !(await lives(entry, clock))) return null;
  const { start: _start, boot: _boot, ...presence } = entry;
  return presence;
}

/** The process that announced itself last and has not taken it back, whether it lives or not; null: none. Throws STATE_UNSAFE, STATE_BROKEN. */
export const lastAnnounced = async (stateDir: string): Promise<number | null> => (await readEntry(stateDir))?.pid ?? null;

/** The running server of a state folder, for somebody who talks to it for long. */
export interface FollowedPresence {
  /** See readPresence. */
  find(): Promise<Presence | null>;
  /** Whether the address is that of a server which was found and still runs; what else listens there now may be anybody. */
  admits(url: string): boolean;
}

/** Follows the server of a state folder, which may be killed, and come again elsewhere. */
export function followPresence(stateDir: string, clock: Clock): FollowedPresence {
  const pids = new Map<string, number>();
  return {
    async find() {
      const presence = await readPresence(stateDir, clock);
      for (const [origin, pid] of pids) if (!processLives(pid)) pids.delete(origin);
      if (presence !== null) pids.set(new URL(presence.url).origin, presence.pid);
      return presence;
    },
    admits: (url) => processLives(pids.get(URL.parse(url)?.origin ?? "") ?? Number.NaN),
  };
}

async function readEntry(stateDir: string): Promise<Entry | null> {
  const text = await readPrivateFile(presencePath(stateDir), { bytesMax });
  return text === null ? null : parsed(text);
}

function parsed(text: string): Entry | null {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof Entry, unknown>> | null;
    // A server of an older version has no such socket, and does not say when its process started.
    return isEntry(value) ? { ...value, operator: value.operator ?? null, start: value.start ?? null } : null;
  } catch {
    // Nobody writes half a file here; whatever it is, it names no server.
    return null;
  }
}

function isEntry(value: Partial<Record<keyof Entry, unknown>> | null): value is Entry {
  if (value === null || typeof value !== "object") return false;
  const { url, pid, version, startedAt } = value;
  return typeof url === "string" && typeof version === "string" && typeof startedAt === "number" && Number.isSafeInteger(pid) && (pid as number) > 0;
}

// A process number is given anew after a restart of the machine; a file from before names nobody.
async function lives({ pid, startedAt, start, boot }: Entry, clock: Clock): Promise<boolean> {
  if (!processLives(pid)) return false;
  if (start === null) return startedAt >= clock.now() - uptime() * 1000;
  return boot === (await bootOf()) && startOfLiving(pid) === start;
}

/** Whether a process of this user has this number. */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // Gone, or somebody else's by now.
    return false;
  }
}

/** An address to call: one that means "all of them" can be listened on only. */
export function reachable(url: string): string {
  const parts = new URL(url);
  if (parts.hostname === "0.0.0.0") parts.hostname = "127.0.0.1";
  if (parts.hostname === "[::]") parts.hostname = "[::1]";
  return parts.href;
}
