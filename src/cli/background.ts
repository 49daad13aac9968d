/**
 * Starts a server with its supervisor, as processes of their own that outlive this one, and waits until it is there. Of
 * several that want one at the same time, one starts it.
 */
import { join } from "node:path";
import { type Clock, createPrivateFile, ensurePrivateDir, type Fault, fault, faults, fixedBounds, readPrivateFile, removeFile, sleep, startSelf } from "../base/index.ts";
import { type Presence, processLives, readPresence } from "../config/index.ts";
import { openServeLog, serveLogPath } from "./serveLog.ts";
import { supervisedVariable } from "./supervise.ts";
import { givenUpText, readSupervision } from "./supervision.ts";

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
/** Variables that were meant for this command, not for the server. */
const own = Object.freeze(["ONE_MCP_STDIO", "ONE_MCP_TOKEN", "ONE_MCP_TOKEN_FILE", "ONE_MCP_URL", "ONE_MCP_START", "ONE_MCP_TIMEOUT", "ONE_MCP_PRESET", "ONE_MCP_TAGS", "ONE_MCP_TAG_FILTER", "ONE_MCP_FILTER"]);

/** The running server of the state folder, started now if there is none. Throws SERVER_AWAY when it does not come up. */
export async function ensureServer(options: LaunchOptions): Promise<Presence> {
  const { stateDir, clock, msMax } = options;
  await ensurePrivateDir(stateDir);
  const lock = new Lock(join(stateDir, "serve.starting"));
  let child: Bun.Subprocess | null = null;
  try {
    for (const until = clock.now() + msMax; clock.now() < until; await sleep(clock, lookMs)) {
      const presence = await readPresence(stateDir, clock);
      if (presence !== null) return presence;
      if (child !== null && child.exitCode !== null) throw failed(stateDir, `it ended with ${child.exitCode}`, child.exitCode);
      if (child === null && (await nobodySupervises(stateDir)) && (await lock.take())) child = await launch(options);
    }
    throw failed(stateDir, `it does not listen after ${msMax} ms`);
  } finally {
    await lock.release();
  }
}

/** Whether a server is to be started: one that fell a moment ago is started again by its supervisor, and another would only be in its way. Throws SERVER_AWAY when that has given up. */
async function nobodySupervises(stateDir: string): Promise<boolean> {
  const supervised = await readSupervision(stateDir);
  if (supervised.supervisor === null) return true;
  if (supervised.phase !== "crash-loop") return false;
  throw fault("SERVER_AWAY", { op: "start", detail: `its supervisor has ${givenUpText(supervised)}`, hint: `see ${serveLogPath(stateDir)}, then: 1mcp serve --restart` });
}

/** Scripts tell a wrong configuration by the exit code, whoever it was that read it. */
const failed = (stateDir: string, detail: string, code = 1): Fault => fault(code === faults.CONFIG_INVALID.exit ? "CONFIG_INVALID" : "SERVER_AWAY", { op: "start", detail, hint: `see ${serveLogPath(stateDir)}` });

/** Who starts the server; whoever comes while it is held waits for that server. */
class Lock {
  readonly #path: string;
  #held = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes it if it is free, or if who held it is no more. */
  async take(): Promise<boolean> {
    const holder = Number(await readPrivateFile(this.#path, { bytesMax: 64 }));
    if (holder > 0 && !processLives(holder)) await removeFile(this.#path);
    this.#held = await createPrivateFile(this.#path, String(process.pid));
    return this.#held;
  }

  async release(): Promise<void> {
    if (this.#held) await removeFile(this.#path);
    this.#held = false;
  }
}

async function launch({ stateDir, selfArgv, flags, env }: LaunchOptions): Promise<Bun.Subprocess> {
  await using log = await openServeLog(stateDir, fixedBounds.launchLogBytesMax);
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name)));
  return startSelf({ argv: [...selfArgv, "supervise", "--state-dir", stateDir], cwd: stateDir, env: { ...kept, [supervisedVariable]: JSON.stringify(flags) }, stdin: "ignore", stderr: log.fd });
}
