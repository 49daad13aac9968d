/**
 * Ending a child with all its descendants. A child leads a process group of its own, because ending only the child
 * leaves what it started: the `npx` of an entry dies and the server under it lives on.
 */
import { readdirSync, readFileSync } from "node:fs";
import { allProcesses, type Clock, endTree, reap, singleFlight, sleep, startOf } from "../base/index.ts";

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

/** A child as others know it. */
export interface Member {
  /** Leads the group. */
  readonly pid: number;
  /** The time of its start; null where the system has not said it yet. */
  readonly start: number | null;
  readonly server: string;
}

/** Somebody who must know of all groups, for the case that we cannot end them ourselves. */
export interface Witness {
  /** A child is about to be started. */
  expect(): void;
  /** It has been started; told again when more is known of it. */
  took(member: Member): void;
  /** Nothing of it is left. */
  lost(pid: number): void;
  /** No other will be started. */
  close(): Promise<void>;
}

export interface GroupsOptions {
  readonly platform: string;
  /** The beginning of all marks. */
  readonly life: string;
  readonly witnesses: readonly Witness[];
}

/** All groups that run or are being ended, so that a program which must end at once leaves none behind. */
export class Groups {
  readonly #leaders = new Map<Leader, string>();
  readonly #platform: string;
  readonly #life: string;
  readonly #witnesses: readonly Witness[];
  // No child of ours started before us.
  readonly #since = startOf(process.pid) ?? 0;
  /** One look serves all that end at the same time. */
  readonly #look = singleFlight(() => allProcesses(this.#since));
  #marks = 0;
  #most: Patience = { stdinEndMs: Number.POSITIVE_INFINITY, termMs: Number.POSITIVE_INFINITY };

  constructor({ platform = process.platform, life = crypto.randomUUID().replaceAll("-", ""), witnesses = [] }: Partial<GroupsOptions> = {}) {
    this.#platform = platform;
    this.#life = life;
    this.#witnesses = witnesses;
  }

  /** A child is about to be started: gives the mark that it is to carry in its environment. */
  expect(): string {
    for (const witness of this.#witnesses) witness.expect();
    this.#marks += 1;
    return `${this.#life}.${this.#marks}`;
  }

  add(leader: Leader, mark: string, server: string): void {
    this.#leaders.set(leader, mark);
    const start = startOf(leader.pid);
    this.#tell({ pid: leader.pid, start, server });
    if (start === null) void this.#learn(leader, server);
  }

  /** The program ends: nobody who is ended from now on gets more time than this. */
  hurry(most: Patience): void {
    this.#most = most;
  }

  /** Ends a child whose stdin was closed, with everything that descends from it. */
  async end(leader: Leader, clock: Clock, usual: Patience): Promise<void> {
    const patience = { stdinEndMs: Math.min(usual.stdinEndMs, this.#most.stdinEndMs), termMs: Math.min(usual.termMs, this.#most.termMs) };
    await endGroup(leader, clock, patience, this.#platform);
    const mark = this.#leaders.get(leader);
    if (mark !== undefined && this.#platform === "linux") await this.#sweep(mark, clock, patience.termMs);
    // The group is empty: its number may belong to strangers from now on.
    this.#leaders.delete(leader);
    for (const witness of this.#witnesses) witness.lost(leader.pid);
  }

  /** Sends KILL to all, without waiting for anything. */
  kill(): void {
    for (const leader of this.#leaders.keys()) {
      if (this.#platform === "win32") void endTree(leader.pid).then(() => leader.kill("SIGKILL"));
      else signalGroup(leader, "SIGKILL");
    }
  }

  /** All has been ended. */
  async close(): Promise<void> {
    await Promise.all(this.#witnesses.map((witness) => witness.close()));
  }

  // What has left the group, for a session of its own, still carries the mark.
  async #sweep(mark: string, clock: Clock, termMs: number): Promise<void> {
    const kin = { mark, groups: new Map<number, number>(), since: this.#since };
    try {
      await reap({ kin, clock, patience: { graceMs: 0, termMs, settleMs: 0 }, look: this.#look });
    } catch {
      // Where nobody can be looked for, nobody is found; the group has been ended all the same.
    }
  }

  #tell(member: Member): void {
    for (const witness of this.#witnesses) witness.took(member);
  }

  // Where the system does not say at once when a process started, it does when it is asked for all of them.
  async #learn(leader: Leader, server: string): Promise<void> {
    const all = await allProcesses(0, this.#platform).catch(() => []);
    const found = all.find(({ pid }) => pid === leader.pid);
    if (found !== undefined && this.#leaders.has(leader)) this.#tell({ pid: leader.pid, start: found.start, server });
  }
}

/**
 * Waits for a child whose stdin was closed, and makes it end: TERM after `stdinEndMs`, KILL after another `termMs`. What
 * it leaves behind in its group gets the same TERM and KILL. Resolves when the group is empty, or killed.
 */
export async function endGroup(leader: Leader, clock: Clock, patience: Patience, platform: string = process.platform): Promise<void> {
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

// Windows has no groups and no TERM: a child that ignores the end of its stdin is terminated with those that it started.
async function endAlone(leader: Leader, clock: Clock, patience: Patience): Promise<void> {
  if (await endedWithin(leader.exited, clock, patience.stdinEndMs)) return;
  await endTree(leader.pid);
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
