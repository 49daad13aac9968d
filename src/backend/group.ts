/**
 * Ending a child with all its descendants. A child leads a process group of its own, because ending only the child
 * leaves what it started: the `npx` of an entry dies and the server under it lives on.
 */
import { readdirSync, readFileSync } from "node:fs";
import { type Clock, sleep } from "../base/index.ts";

/** The part of a started process that is needed to end it. */
export interface Leader {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
}

export interface Patience {
  readonly stdinEndMs: number;
  readonly termMs: number;
}

// How often we look whether the rest of a group has gone; nothing announces it.
const lookMs = 20;

/** Sends `signal` to the leader's whole group; false when nobody is left in it. */
function signalGroup(leader: Leader, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader.pid, signal);
    return true;
  } catch {
    // ESRCH: the group is empty. EPERM: it has turned into something that is not ours.
    return false;
  }
}

/** All groups that run or are being ended, so that a program which must end at once leaves none behind. */
export class Groups {
  readonly #leaders = new Set<Leader>();
  readonly #platform: string;

  constructor(platform: string = process.platform) {
    this.#platform = platform;
  }

  add(leader: Leader): void {
    this.#leaders.add(leader);
  }

  /** The group is empty: its number may belong to strangers from now on. */
  remove(leader: Leader): void {
    this.#leaders.delete(leader);
  }

  /** Sends KILL to all, without waiting for anything. */
  kill(): void {
    for (const leader of this.#leaders) {
      if (this.#platform === "win32") leader.kill("SIGKILL");
      else signalGroup(leader, "SIGKILL");
    }
  }
}

/**
 * Waits for a child whose stdin was closed, and makes it end: TERM after `stdinEndMs`, KILL after another `termMs`. What
 * it leaves behind in its group gets the same TERM and KILL. Resolves when the group is empty, or killed.
 */
export async function endGroup(leader: Leader, clock: Clock, patience: Patience, platform = process.platform): Promise<void> {
  if (platform === "win32") return endAlone(leader, clock, patience);
  if (!(await endedWithin(leader.exited, clock, patience.stdinEndMs))) {
    signalGroup(leader, "SIGTERM");
    if (!(await endedWithin(leader.exited, clock, patience.termMs))) signalGroup(leader, "SIGKILL");
    await leader.exited;
  }
  await endRest(leader, clock, patience.termMs);
}

/** Ends what a leader that has exited left in its group. */
async function endRest(leader: Leader, clock: Clock, termMs: number): Promise<void> {
  if (!signalGroup(leader, "SIGTERM")) return;
  const until = clock.now() + termMs;
  while (clock.now() < until) {
    await sleep(clock, lookMs);
    if (!signalGroup(leader, 0) || isBuried(leader)) return;
  }
  signalGroup(leader, "SIGKILL");
}

// In a container nobody may collect the dead: they stay in their group, and answer to signals, for ever.
function isBuried(leader: Leader): boolean {
  return process.platform === "linux" && !readdirSync("/proc").some((name) => /^\d+$/.test(name) && runsInGroup(name, leader.pid));
}

function runsInGroup(pid: string, group: number): boolean {
  try {
    // The name of the program stands in parentheses and may hold anything; then come state, parent and group.
    const [state, , pgrp] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return Number(pgrp) === group && state !== "Z" && state !== "X";
  } catch {
    // It has gone while we looked.
    return false;
  }
}

// Windows has no groups and no TERM: a child that ignores the end of its stdin is terminated, its descendants are not.
async function endAlone(leader: Leader, clock: Clock, patience: Patience): Promise<void> {
  if (await endedWithin(leader.exited, clock, patience.stdinEndMs)) return;
  leader.kill("SIGKILL");
  await leader.exited;
}

async function endedWithin(exited: Promise<unknown>, clock: Clock, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = clock.timer(ms, () => late.resolve(false));
  const ended = await Promise.race([exited.then(() => true), late.promise]);
  timer.cancel();
  return ended;
}
