/**
 * Starts `serve` as a process of its own that outlives this one, and waits until it is there. Two may do so at the same
 * time: the one that cannot listen ends, and the other is the server of both.
 */
import { join } from "node:path";
import { type Clock, ensurePrivateDir, fault, sleep, writeFileAtomic } from "../base/index.ts";
import { type Presence, readPresence } from "../config/index.ts";

export interface LaunchOptions {
  readonly stateDir: string;
  /** How this program is started. */
  readonly selfArgv: readonly string[];
  /** The flags of `serve`. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** How long it may take until it listens. */
  readonly msMax: number;
}

// Nothing announces that a server is there; who waits looks this often.
const lookMs = 20;
/** Between listening and announcing it. */
const giveWayMs = 500;
/** Variables that were meant for this command, not for the server. */
const own = Object.freeze(["ONE_MCP_STDIO", "ONE_MCP_TOKEN", "ONE_MCP_TOKEN_FILE", "ONE_MCP_URL", "ONE_MCP_START", "ONE_MCP_TIMEOUT"]);

/** The running server of the state folder, started now if there is none. Throws SERVER_AWAY when it does not come up. */
export async function ensureServer(options: LaunchOptions): Promise<Presence> {
  const { stateDir, clock, msMax } = options;
  const logPath = join(stateDir, "serve.log");
  const found = await readPresence(stateDir, clock);
  if (found !== null) return found;
  const child = await launch(options, logPath);
  let until = clock.now() + msMax;
  let ended = false;
  while (clock.now() < until) {
    const presence = await readPresence(stateDir, clock);
    if (presence !== null) return presence;
    // It may have given way to another one, which then is there in a moment.
    if (child.exitCode !== null && !ended) until = Math.min(until, clock.now() + giveWayMs);
    ended = child.exitCode !== null;
    await sleep(clock, lookMs);
  }
  const detail = child.exitCode === null ? `it does not listen after ${msMax} ms` : `it ended with ${child.exitCode}`;
  throw fault("SERVER_AWAY", { op: "start", detail, hint: `see ${logPath}` });
}

async function launch({ stateDir, selfArgv, flags, env }: LaunchOptions, logPath: string) {
  await ensurePrivateDir(stateDir);
  // Made first, so that it is private from its first byte.
  await writeFileAtomic(logPath, "");
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name)));
  const child = Bun.spawn([...selfArgv, "serve", "--state-dir", stateDir, ...flags], {
    cwd: stateDir,
    env: kept,
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(logPath),
    // A signal to the group of this process is not meant for it.
    detached: true,
  });
  child.unref();
  return child;
}
