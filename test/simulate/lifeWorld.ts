/**
 * The program's middle as it is put together in earnest (hub, pool, dialects, memory), over played servers and a clock
 * that stands: what is in place, who holds what, and what has befallen whom. What must never happen is noted in `wrongs`.
 */
import { createPool, type Lease, type Offered, type Pool, type PoolEvents } from "../../src/backend/index.ts";
import { createKnownSecrets, defaultLimits, type Log, nullLog, sleep } from "../../src/base/index.ts";
import type { BackendSpec, Config } from "../../src/config/index.ts";
import { createEras, type Eras } from "../../src/era/index.ts";
import { createHub, type Hub, type Memory } from "../../src/hub/index.ts";
import { createTestClock, type TestClock } from "../fixtures/clock.ts";
import { configOf } from "../fixtures/pool.ts";
import { keyOf, type Manner, type Onlooker, ServerLife } from "./lifeServer.ts";

export const limits = {
  ...defaultLimits,
  drainMsMax: 350,
  swapMsMax: 300,
  listWaitMsMax: 200,
  readyMsMax: 400,
  probeMsMax: 400,
  listMsMax: 300,
  subscribeMsMax: 300,
  hearMsMax: 100,
  aliveMsMax: 150,
  noticeQuietMs: 40,
  rememberMs: 100,
  backoffMsMin: 60,
  backoffMsMax: 600,
  backoffReadyMsMax: 300,
  graceMsMax: 2000,
  soonMsMax: 200,
  againMsMax: 400,
};
export const connectMs = 500;
/** How long a round may wait for the memory. */
const recallMs = 60;

const identity = { name: "1mcp", version: "0" };
const key = new Uint8Array(32);
const manners: readonly Manner[] = ["quick", "quick", "quick", "quick", "quick", "slow", "slow", "failing", "rude", "mute"];

export type Counts = Record<string, number>;

/** What a process of this configuration is for a server of this name; null: it has none. */
export const runnableOf = (config: Config, name: string): BackendSpec | null => config.backends.find((spec) => spec.name === name && !spec.disabled) ?? null;

export const sorted = (all: Iterable<string>): string => [...all].sort().join(" ");

export class World implements Onlooker {
  readonly clock: TestClock;
  readonly hub: Hub;
  readonly eras: Eras;
  readonly lives: ServerLife[] = [];
  readonly wrongs: string[] = [];
  readonly counts: Counts = {};
  /** Stands for all that happened, when, and in which order. */
  story = 0n;
  readonly leases = new Map<string, Lease>();
  readonly holds = new Map<string, number>();
  readonly proposals = new Set<Promise<void>>();
  /** Every configuration that came into place, and when. */
  readonly placed: { readonly config: Config; readonly at: number }[] = [];
  /** Answers a call at once. */
  onArrival: (life: ServerLife, number: number) => boolean = () => false;
  /** Another configuration is in place. */
  onPlaced: (before: Config, now: Config) => void = () => undefined;
  newest: Config;
  isRejected = false;
  /** Files that are being read: each has a timer. */
  recalling = 0;
  /** From now on nothing goes wrong by itself. */
  isCalm = false;
  /** When whoever still runs may be ended, after the end was asked for. */
  endsAt = Number.POSITIVE_INFINITY;
  readonly #configs = new Map<string, Config>();
  readonly #trouble = new Map<string, number>();
  readonly #remembered = new Map<string, Offered>();

  constructor(seed: number) {
    this.clock = createTestClock({ seed });
    const empty = { ...configOf(), limits, path: "/none" };
    this.newest = empty;
    this.placed.push({ config: empty, at: this.clock.now() });
    const { clock } = this;
    const log: Log = { ...nullLog, info: (message, fields) => (message === "configuration in place" ? this.#place(String(fields?.["path"])) : undefined), error: (message, fields) => (message.includes("defect") || fields?.["code"] === "INTERNAL" ? this.wrong(`${message}: ${String(fields?.["reason"] ?? fields?.["cause"])}`) : undefined) };
    const connect: Eras["connect"] = (wire, how) => this.eras.connect(wire, how);
    const poolOf = (events: PoolEvents): Pool => createPool({ connect, clock, limits, log, secrets: createKnownSecrets(), env: {}, stateDir: "/nowhere", watchdogArgv: null, egress: null as never, createLink: (spec) => this.#born(spec), remembered: (spec) => this.#remembered.get(keyOf(spec)) ?? null }, events);
    this.hub = createHub({ createPool: (events) => this.#counted(poolOf(events)), clock, log, identity, cursorKey: key, memory: this.#memory(), empty });
    this.eras = createEras({ serve: this.hub, clock, limits, log, identity, sealKey: key });
  }

  // ---- dice ----------------------------------------------------------------------------------------------------

  chance(share: number): boolean {
    return this.clock.random() < share;
  }

  below(count: number): number {
    return Math.floor(this.clock.random() * count);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(from.length)];
  }

  count(what: string, by = 1): void {
    this.story = Bun.hash(`${this.clock.now()} ${what} ${by}`, this.story);
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  wrong(what: string): void {
    this.wrongs.push(what);
  }

  // ---- configurations ------------------------------------------------------------------------------------------

  /** The one in place. */
  get config(): Config {
    return (this.placed.at(-1) as { readonly config: Config }).config;
  }

  get isEnding(): boolean {
    return this.endsAt < Number.POSITIVE_INFINITY;
  }

  propose(backends: readonly BackendSpec[]): void {
    // The path says which one it is, when it comes into place.
    const path = `/${this.#configs.size + 1}`;
    this.newest = { ...configOf(...backends), limits, path };
    this.#configs.set(path, this.newest);
    this.isRejected = false;
    const latest = this.clock.now() + 2 * (limits.swapMsMax + recallMs);
    const proposed = this.hub.propose(this.newest);
    this.proposals.add(proposed);
    void proposed.finally(() => this.#decided(proposed, latest)).catch(() => this.wrong("a proposal failed"));
  }

  /** One round may run, and one wait: no server holds them up for longer than a swap may take. */
  #decided(proposed: Promise<void>, latest: number): void {
    this.proposals.delete(proposed);
    if (this.clock.now() > latest) this.wrong(`a proposal took ${this.clock.now() - latest} ms too long`);
  }

  /** How many came into place from now on to the end of what was proposed in `burst`. */
  async roundsOf(burst: () => void): Promise<number> {
    const before = this.placed.length;
    burst();
    await [...this.proposals].at(-1);
    return this.placed.length - before;
  }

  #place(path: string): void {
    const before = this.config;
    const now = this.#configs.get(path);
    if (now === undefined || this.isEnding) return this.wrong(`${path} came into place, which nobody proposed, or after the end`);
    this.placed.push({ config: now, at: this.clock.now() });
    this.count("swaps");
    this.onPlaced(before, now);
  }

  // ---- servers -------------------------------------------------------------------------------------------------

  mannerOf(): { manner: Manner; ms: number } {
    const manner = this.isCalm ? "quick" : (this.pick(manners) as Manner);
    this.count(`starts ${manner}`);
    return { manner, ms: 30 + this.below(connectMs) };
  }

  shyMsOf(): number {
    const isShy = !this.isCalm && this.chance(0.3);
    this.count("starts shy", isShy ? 1 : 0);
    return isShy ? this.below(2 * connectMs) : 0;
  }

  arrived(life: ServerLife, number: number): boolean {
    return this.onArrival(life, number);
  }

  /** The newest life of a server that can be talked to. */
  get live(): ServerLife[] {
    return this.lives.filter(({ isLive }) => isLive);
  }

  /** Something happens to a life that calls may suffer from. */
  harm(life: ServerLife): void {
    this.#trouble.set(life.key, this.clock.now());
  }

  spoil(life: ServerLife, how: "crash" | "hang"): void {
    this.harm(life);
    life[how]();
  }

  /** Whether a life of this key was in trouble at some moment since then. */
  wasInTrouble(of: string, since: number): boolean {
    return (this.#trouble.get(of) ?? 0) >= since || this.lives.some((life) => life.key === of && life.isHung && !life.isClosed);
  }

  /** Servers that are in trouble, or were a moment ago. */
  get troubled(): Set<string> {
    const since = this.clock.now() - 200;
    return new Set(this.config.backends.filter((spec) => this.wasInTrouble(keyOf(spec), since)).map(({ name }) => name));
  }

  ended(life: ServerLife): void {
    if (life.isReleased || life.isSpoilt || this.isEnding || this.#isLate(life)) return;
    if (this.#isUnused(life)) this.count("idle stops");
    else this.wrong(`life ${life.id} of ${life.key} was ended though it is in use`);
  }

  #isUnused({ key: of, held, told, usedAt }: ServerLife): boolean {
    // What an entry says of its times counts from when it was acquired, which is a little before it is in place.
    const spec = this.leases.get(of)?.spec;
    return spec?.start === "on-demand" && held.size === 0 && told.size === 0 && this.clock.now() - usedAt >= spec.idleMs;
  }

  /** The last lease of this key was given back. */
  #released(spec: BackendSpec): void {
    const now = runnableOf(this.config, spec.name);
    const of = keyOf(spec);
    if (now !== null && keyOf(now) === of && !this.isEnding) this.wrong(`nobody has a lease on ${of}, which is in place`);
    for (const life of this.lives) life.isReleased ||= life.key === of;
  }

  /** All that can happen at this moment has: what belongs to one process is not there twice. */
  async settle(): Promise<void> {
    await this.clock.settle();
    const left = this.lives.filter(({ isClosed }) => !isClosed);
    if (new Set(left.map(({ key: of }) => of)).size < left.length) this.wrong(`there are two lives of one server: ${left.map((life) => `${life.id} of ${life.key}`).join(", ")}`);
    if (!this.isEnding && this.proposals.size === 0 && this.hub.status().inFlight === 0) this.#lookAtHolds();
  }

  /** Nobody calls, nobody waits: each server of the configuration in place is held once, and no other. */
  #lookAtHolds(): void {
    const is = sorted([...this.holds].filter(([, count]) => count !== 0).map(([of, count]) => `${of}×${count}`));
    const due = sorted(this.config.backends.filter(({ disabled }) => !disabled).map((spec) => `${keyOf(spec)}×1`));
    this.count("looks at what is held");
    if (is !== due) this.wrong(`at rest ${is} are held, and not ${due}`);
  }

  #isLate({ manner, bornAt }: ServerLife): boolean {
    return manner !== "quick" && this.clock.now() - bornAt <= connectMs + 50;
  }

  #born(spec: BackendSpec): ServerLife {
    const life = new ServerLife(this.lives.length, spec, this);
    this.lives.push(life);
    if (life.manner !== "quick") this.harm(life);
    return life;
  }

  #counted(pool: Pool): Pool {
    const acquire = (spec: BackendSpec): Lease => {
      const lease = pool.acquire(spec);
      const of = keyOf(spec);
      this.holds.set(of, (this.holds.get(of) ?? 0) + 1);
      this.leases.set(of, lease);
      const release = lease.release.bind(lease);
      let isHeld = true;
      lease.release = () => {
        const left = (this.holds.get(of) ?? 0) - (isHeld ? 1 : 0);
        this.holds.set(of, left);
        if (isHeld && left === 0) this.#released(spec);
        isHeld = false;
        release();
      };
      return lease;
    };
    return { acquire, endIdle: () => pool.endIdle(), close: () => pool.close(), kill: () => pool.kill() };
  }

  // ---- memory --------------------------------------------------------------------------------------------------

  /** Files would come to their end in real time; this one takes as long as the dice say. */
  #memory(): Memory {
    return {
      recall: async () => {
        if (!this.chance(0.3)) return;
        this.recalling += 1;
        await sleep(this.clock, this.below(recallMs));
        this.recalling -= 1;
      },
      of: (spec) => this.#remembered.get(keyOf(spec)) ?? null,
      keep: (known) => {
        for (const { spec, offered } of known()) if (offered !== null) this.#remembered.set(keyOf(spec), offered);
      },
      close: () => Promise.resolve(),
    };
  }
}
