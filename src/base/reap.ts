/**
 * Ending all that descends from a child of ours, wherever it went: in the child's group, in its session, or, on Linux, in
 * a session of its own but with our mark in its environment. Nothing else is ever signalled: numbers are given anew, so
 * a group counts as ours only while somebody in it is known to be.
 */
import { type Clock, sleep } from "./clock.ts";
import { allProcesses, type Seen, startOf } from "./processes.ts";
import { outputOf } from "./spawn.ts";

/** Who is meant. */
export interface Kin {
  /** The mark, or the beginning of marks up to a point. */
  readonly mark: string;
  /** Leaders of groups by number, with the time of their start; null: not known, and nobody else can have it yet. */
  readonly groups: ReadonlyMap<number, number | null>;
  /** The earliest start that one of them can have. */
  readonly since: number;
}

export interface Patience {
  /** They may end by themselves for so long. */
  readonly graceMs: number;
  /** After TERM, and again after KILL. */
  readonly termMs: number;
  /** Nobody at all counts only after so long: a child that is just being started does not show its mark yet. */
  readonly settleMs: number;
}

export interface Reaped {
  /** How many were told to end, by TERM or KILL. */
  readonly ended: number;
  /** Who is there still. */
  readonly left: readonly number[];
}

export interface Reaping {
  readonly kin: Kin;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly platform?: string;
  /** All processes; for those who share one look with others. */
  readonly look?: () => Promise<readonly Seen[]>;
}

// Nothing announces the end of a stranger's child; we look this often, and less often as time goes by.
const lookMsMin = 10;
const lookMsMax = 200;

/** Waits for them to end, then sends TERM, then KILL; also to those that appear meanwhile. */
export async function reap(reaping: Reaping): Promise<Reaped> {
  const { graceMs, termMs } = reaping.patience;
  const pursuit = new Pursuit(reaping);
  for (const [signal, ms] of [[null, graceMs], ["SIGTERM", termMs], ["SIGKILL", termMs]] as const) {
    if (await pursuit.go(signal, ms)) break;
  }
  return { ended: pursuit.told.size, left: pursuit.left.map(({ pid }) => pid) };
}

class Pursuit {
  readonly told = new Set<string>();
  left: readonly Seen[] = [];
  readonly #clock: Clock;
  readonly #platform: string;
  readonly #search: Search;
  readonly #settledAt: number;

  constructor({ kin, patience, clock, platform = process.platform, look = () => allProcesses(kin.since, platform) }: Reaping) {
    this.#clock = clock;
    this.#platform = platform;
    this.#search = new Search(kin, look);
    this.#settledAt = clock.now() + patience.settleMs;
  }

  /** Tells all, and waits; true when nobody is left. */
  async go(signal: NodeJS.Signals | null, ms: number): Promise<boolean> {
    const until = this.#clock.now() + ms;
    const asked = new Set<string>();
    for (let pause = lookMsMin; ; pause = Math.min(pause * 2, lookMsMax)) {
      this.left = await this.#search.next();
      if (this.left.length === 0 && this.#clock.now() >= this.#settledAt) return true;
      if (signal !== null) await this.#tell(signal, asked);
      if (this.left.length > 0 && this.#clock.now() >= until) return false;
      await sleep(this.#clock, pause);
    }
  }

  async #tell(signal: NodeJS.Signals, asked: Set<string>): Promise<void> {
    for (const one of this.left) {
      if (asked.has(keyOf(one))) continue;
      asked.add(keyOf(one));
      this.told.add(keyOf(one));
      await strike(one, signal, this.#platform);
    }
  }
}

const keyOf = ({ pid, start }: Seen): string => `${pid}@${start}`;

/** Looks again and again, and remembers who was found. */
class Search {
  readonly #kin: Kin;
  readonly #look: () => Promise<readonly Seen[]>;
  #known: ReadonlySet<string> = new Set();

  constructor(kin: Kin, look: () => Promise<readonly Seen[]>) {
    this.#kin = kin;
    this.#look = look;
  }

  async next(): Promise<readonly Seen[]> {
    const all = (await this.#look()).filter(({ pid }) => pid !== process.pid);
    const proven = new Set(all.filter((one) => this.#proves(one)).flatMap(({ group, session }) => [group, session]).filter((group) => this.#kin.groups.has(group)));
    const found = all.filter((one) => this.#isMarked(one) || proven.has(one.group) || proven.has(one.session));
    this.#known = new Set(found.map(keyOf));
    return found;
  }

  #isMarked({ mark }: Seen): boolean {
    return mark !== null && (mark === this.#kin.mark || mark.startsWith(`${this.#kin.mark}.`));
  }

  /** The number of a group is not given anew while somebody is in it: one of ours in it proves all. */
  #proves(one: Seen): boolean {
    const { groups } = this.#kin;
    const isLeader = groups.has(one.pid) && (groups.get(one.pid) ?? one.start) === one.start;
    return isLeader || this.#isMarked(one) || this.#known.has(keyOf(one));
  }
}

async function strike({ pid, start }: Seen, signal: NodeJS.Signals, platform: string): Promise<void> {
  // Between the look and now it may have gone, and its number to somebody else.
  if (platform === "linux" && startOf(pid) !== start) return;
  if (platform === "win32") return endTree(pid);
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone, or has become another user's and is not ours to end.
  }
}

/** Ends a process and those it started, as far as the system still knows them: the nearest thing Windows has to a group. */
export async function endTree(pid: number): Promise<void> {
  await outputOf(["taskkill", "/pid", String(pid), "/t", "/f"]).catch(() => "");
}
