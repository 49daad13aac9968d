/**
 * The running server of a state folder: `server.json`, written when it listens and removed at its end, by which other
 * commands of the same user find it. A program that was killed leaves its file behind, so a file counts only while the
 * process that wrote it lives.
 */
import { uptime } from "node:os";
import { join } from "node:path";
import { type Clock, ensurePrivateDir, readPrivateFile, removeFile, writeFileAtomic } from "../base/index.ts";

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
  const presence: Presence = { url: reachable(server.url), pid: process.pid, version: server.version, startedAt: clock.now(), operator: server.operator };
  const text = `${JSON.stringify(presence)}\n`;
  await writeFileAtomic(path, text);
  return {
    async withdraw() {
      if ((await readPrivateFile(path, { bytesMax })) === text) await removeFile(path);
    },
  };
}

/** The running server of a state folder, or null: there is none, or only what one left behind. Throws STATE_UNSAFE, STATE_BROKEN. */
export async function readPresence(stateDir: string, clock: Clock): Promise<Presence | null> {
  const text = await readPrivateFile(presencePath(stateDir), { bytesMax });
  const presence = text === null ? null : parsed(text);
  return presence !== null && lives(presence, clock) ? presence : null;
}

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

function parsed(text: string): Presence | null {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof Presence, unknown>> | null;
    // A server of an older version has no such socket.
    return isPresence(value) ? { ...value, operator: value.operator ?? null } : null;
  } catch {
    // Nobody writes half a file here; whatever it is, it names no server.
    return null;
  }
}

function isPresence(value: Partial<Record<keyof Presence, unknown>> | null): value is Presence {
  if (value === null || typeof value !== "object") return false;
  const { url, pid, version, startedAt } = value;
  return typeof url === "string" && typeof version === "string" && typeof startedAt === "number" && Number.isSafeInteger(pid) && (pid as number) > 0;
}

// A process number is given anew after a restart of the machine; a file from before names nobody.
const lives = ({ pid, startedAt }: Presence, clock: Clock): boolean => startedAt >= clock.now() - uptime() * 1000 && processLives(pid);

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
