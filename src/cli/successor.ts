/**
 * Restarting without refusing anybody: a new process of the same command line, from whatever executable lies there by
 * now, starts beside this one and listens on the same port; once it does, this one leaves new connections to it, answers
 * what is under way, and ends. If it does not come up, this one goes on as if nothing had been.
 */
import { type Cancel, CancelSource, type Clock, defaultLimits, fixedBounds, sleep, startSuccessor } from "../base/index.ts";
import { readPresence } from "../config/index.ts";
import type { Occasion } from "./occasion.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What a successor is told of the process before it. */
export interface Predecessor {
  readonly pid: number;
  readonly port: number;
}

/** The variable that tells it. */
export const predecessorVariable = "ONE_MCP_SUCCEEDS";

// Nothing announces that a server is there; who waits looks this often.
const lookMs = 20;
const portMax = 65_535;

/** The process that this one takes the place of; null: none. */
export function predecessorOf(env: Env): Predecessor | null {
  const [, pid, port] = /^([1-9]\d{0,9}) (\d{1,5})$/.exec(env[predecessorVariable] ?? "") ?? [];
  return pid === undefined || Number(port) > portMax ? null : { pid: Number(pid), port: Number(port) };
}

export interface SuccessionOptions {
  readonly occasion: Pick<Occasion, "argv" | "selfArgv" | "env" | "stderr" | "clock">;
  readonly cwd: string;
  readonly stateDir: string;
  /** Where this process listens. */
  readonly url: string;
  /** The new one listens: it is the main process now. */
  readonly handOver: (pid: number) => Promise<void>;
  readonly msMax?: number;
}

/** Starting one, and leaving off. */
export interface Succession {
  /** Starts a successor and hands over to it; while one starts, another is not. Never throws. */
  succeed(): Promise<void>;
  /** Ends the one that starts, if any, and waits for its end; one that has taken over goes on. */
  abandon(): Promise<void>;
}

/** Makes it; nothing is started yet. */
export function successionOf(options: SuccessionOptions): Succession {
  const { stderr } = options.occasion;
  const abandoned = new CancelSource();
  let running: Promise<void> | null = null;
  let starting: Promise<Bun.Subprocess | string> | null = null;
  const succeed = async (): Promise<void> => {
    stderr.write("1mcp starts a new process to take its place\n");
    starting = started(options, abandoned).catch(String);
    const outcome = await starting;
    if (typeof outcome === "string") return void stderr.write(`1mcp goes on, for the new process is not there: ${outcome}\n`);
    stderr.write(`1mcp leaves to process ${outcome.pid} what comes from now on, and ends when it has answered what is under way\n`);
    await options.handOver(outcome.pid);
  };
  return {
    succeed() {
      if (running !== null) stderr.write("1mcp is handing over already\n");
      return (running ??= succeed().finally(() => (running = null)));
    },
    async abandon() {
      abandoned.cancel("told to end");
      await starting;
    },
  };
}

/** The successor once it listens, or why there is none. */
async function started(options: SuccessionOptions, abandoned: Cancel): Promise<Bun.Subprocess | string> {
  const { occasion, stateDir, msMax = fixedBounds.launchMsMax } = options;
  const { clock } = occasion;
  const child = launched(options);
  const until = clock.now() + msMax;
  while (child.exitCode === null && child.signalCode === null) {
    const isThere = await isPresent(stateDir, child.pid, clock);
    if (abandoned.cancelled) return ended(child, clock, "both are told to end");
    if (isThere) return child;
    if (clock.now() >= until) return ended(child, clock, `it does not listen after ${msMax} ms`);
    await sleep(clock, lookMs);
  }
  return `it ended with ${child.exitCode ?? child.signalCode}`;
}

function launched({ occasion: { argv, selfArgv, env }, cwd, url }: SuccessionOptions): Bun.Subprocess {
  // How often a sign of life is due stays; whose it is does not.
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => name !== "WATCHDOG_PID"));
  const port = new URL(url).port || "80";
  return startSuccessor({ argv: [...selfArgv, ...argv], cwd, env: { ...kept, [predecessorVariable]: `${process.pid} ${port}` } });
}

const isPresent = async (stateDir: string, pid: number, clock: Clock): Promise<boolean> => (await readPresence(stateDir, clock))?.pid === pid;

async function ended(child: Bun.Subprocess, clock: Clock, why: string): Promise<string> {
  child.kill("SIGTERM");
  await Promise.race([child.exited, sleep(clock, defaultLimits.shutdownMsMax)]);
  child.kill("SIGKILL");
  return why;
}
