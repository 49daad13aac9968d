/**
 * The supervisor: starts the server of a state folder and starts it again when it falls, after a wait that doubles; falls
 * it too often, the supervisor stays to say so. A server that ends by itself, or never came up, is not started again: the
 * one was meant, and the other is for a person to see to.
 */
import { type Clock, fault, type FixedBounds, fixedBounds, openPrivateLog, sleep, startSelf } from "../base/index.ts";
import { lastAnnounced, readPresence } from "../config/index.ts";
import { stateDirOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { serveLogPath } from "./serveLog.ts";
import { claimSupervision, forgetSupervision, type Supervision, writeSupervision } from "./supervision.ts";

/** The variable that tells a supervisor the flags of its server, as JSON. */
export const supervisedVariable = "ONE_MCP_SUPERVISES";

/** One life of the server. */
export interface Worker {
  readonly pid: number;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  kill(signal: "SIGTERM" | "SIGHUP"): void;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly limits: Pick<FixedBounds, "superviseRestartsMax" | "superviseWaitMsMin" | "superviseStableMs">;
  readonly flags: readonly string[];
  start(): Worker | Promise<Worker>;
  /** Whether it listens, or has listened since it was started. */
  cameUp(worker: Worker): Promise<boolean>;
  record(supervision: Supervision): Promise<void>;
}

/** Supervises one server until it is stopped. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #stopped = Promise.withResolvers<void>();
  #worker: Worker | null = null;
  #isStopping = false;
  #restarts = 0;
  #lastExit: string | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Runs to the end; gives the exit code: that of a server that never came up, else 0. */
  async run(): Promise<number> {
    for (;; await this.#pause()) {
      const code = this.#isStopping ? 0 : await this.#codeOfLife();
      if (code !== null) return code;
      if (this.#restarts >= this.#options.limits.superviseRestartsMax) return this.#givenUp();
    }
  }

  /** One life of the server; gives the exit code if that was all, null if it is to be started again. */
  async #codeOfLife(): Promise<number | null> {
    const { clock, limits } = this.#options;
    const since = clock.now();
    const { end, cameUp } = await this.#oneLife();
    if (this.#isStopping || end === 0) return 0;
    if (!cameUp && this.#lastExit === null) return typeof end === "number" ? end : 1;
    this.#lastExit = typeof end === "number" ? `it ended with ${end}` : `it was ended by ${end}`;
    if (clock.now() - since >= limits.superviseStableMs) this.#restarts = 0;
    return null;
  }

  /** Ends the server, and with it the supervision. Twice is fine. */
  stop(): void {
    this.#isStopping = true;
    this.#worker?.kill("SIGTERM");
    this.#stopped.resolve();
  }

  /** Has the server look at its configuration. */
  reload(): void {
    this.#worker?.kill("SIGHUP");
  }

  async #oneLife(): Promise<{ readonly end: number | string; readonly cameUp: boolean }> {
    const worker = await this.#options.start();
    this.#worker = worker;
    if (this.#isStopping) worker.kill("SIGTERM");
    await this.#record("running", null);
    const cameUp = this.#options.cameUp(worker);
    const end = await worker.ended;
    this.#worker = null;
    return { end, cameUp: await cameUp };
  }

  async #pause(): Promise<void> {
    const { clock, limits } = this.#options;
    const ms = limits.superviseWaitMsMin * 2 ** this.#restarts;
    this.#restarts += 1;
    await this.#record("restarting", clock.now() + ms);
    await Promise.race([sleep(clock, ms), this.#stopped.promise]);
  }

  async #givenUp(): Promise<number> {
    await this.#record("crash-loop", null);
    await this.#stopped.promise;
    return 0;
  }

  #record(phase: Supervision["phase"], retryAt: number | null): Promise<void> {
    return this.#options.record({ phase, worker: this.#worker?.pid ?? null, restarts: this.#restarts, retryAt, lastExit: this.#lastExit, flags: this.#options.flags });
  }
}

// Nothing announces that a server listens.
const lookMs = 50;

/** Supervises the server of the state folder. Throws USAGE when nobody told it which, STATE_OWNED. */
export const supervise: Run = async (occasion) => {
  const { env, clock, signals } = occasion;
  const flags = flagsIn(env[supervisedVariable]);
  const stateDir = stateDirOf(occasion);
  const claim = await claimSupervision({ stateDir, clock });
  const supervisor = new Supervisor({
    clock,
    limits: fixedBounds,
    flags,
    start: () => started(occasion, stateDir, flags),
    cameUp: (worker) => cameUp(stateDir, worker, clock),
    record: (supervision) => writeSupervision(stateDir, supervision),
  });
  const listeners = { SIGTERM: () => supervisor.stop(), SIGINT: () => supervisor.stop(), SIGHUP: () => supervisor.reload() };
  for (const [name, listener] of Object.entries(listeners)) signals.on(name, listener);
  try {
    return await supervisor.run();
  } finally {
    for (const [name, listener] of Object.entries(listeners)) signals.off(name, listener);
    await forgetSupervision(stateDir);
    await claim.release();
  }
};

function flagsIn(text: string | undefined): readonly string[] {
  const flags: unknown = text === undefined ? null : JSON.parse(text);
  if (!Array.isArray(flags)) throw fault("USAGE", { detail: "the supervisor is started by `1mcp serve --background`" });
  return flags.map(String);
}

async function started({ selfArgv, env }: Occasion, stateDir: string, flags: readonly string[]): Promise<Worker> {
  await using log = await openPrivateLog(serveLogPath(stateDir));
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => name !== supervisedVariable));
  const child = startSelf({ argv: [...selfArgv, "serve", "--state-dir", stateDir, ...flags], cwd: stateDir, env: kept, stdin: "ignore", stderr: log.fd });
  return { pid: child.pid, ended: child.exited.then(() => child.signalCode ?? child.exitCode ?? 1), kill: (signal) => child.kill(signal) };
}

async function cameUp(stateDir: string, worker: Worker, clock: Clock): Promise<boolean> {
  let isOver = false;
  void worker.ended.then(() => (isOver = true));
  while (!isOver) {
    if ((await readPresence(stateDir, clock))?.pid === worker.pid) return true;
    await sleep(clock, lookMs);
  }
  // One that was killed between two looks has left its announcement behind.
  return (await lastAnnounced(stateDir)) === worker.pid;
}
