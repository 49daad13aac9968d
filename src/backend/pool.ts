/**
 * All backends, shared. It hides that leases of one entry hold the same thing as long as the entry means the same, and
 * which of its instances a call comes to.
 */
import type { RemoteLogin } from "../auth/index.ts";
import { type Cancel, type Clock, type Egress, fault, type KnownSecrets, type Limits, type Log } from "../base/index.ts";
import type { BackendSpec, RemoteSpec } from "../config/index.ts";
import type { Eras, Target } from "../era/index.ts";
import type { Call, Outcome } from "../protocol/index.ts";
import type { Backend } from "./backend.ts";
import { Principals } from "./bulkhead.ts";
import { Entry } from "./entry.ts";
import { Groups, type Witness } from "./group.ts";
import { createHttpLink } from "./http.ts";
import { createLedger } from "./ledger.ts";
import type { Link } from "./link.ts";
import { createStdioLink } from "./stdio.ts";
import type { Sharer } from "./sharing.ts";
import { createWatch } from "./watch.ts";
import type { BackendStatus, Lease, Offered, Pool, PoolEvents, Subscription, Variant } from "./types.ts";

export interface PoolOptions {
  /** Opens the handshake with a backend. */
  readonly connect: Eras["connect"];
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** The log's book of secrets: those of each entry are added. */
  readonly secrets: KnownSecrets;
  /** Our own environment, of which children inherit a part. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where children without a folder of their own get a private one, and where they are written down. */
  readonly stateDir: string;
  /** How this program is started as the watchdog; null: nobody watches. */
  readonly watchdogArgv: readonly string[] | null;
  /** How this program is started, to be a server's launcher; absent or null: servers are started as they are. */
  readonly selfArgv?: readonly string[] | null;
  /** What the server of this spec offered in an earlier life of this program; null: nothing is known. */
  readonly remembered?: (spec: BackendSpec) => Offered | null;
  /** The login of this owner at a remote server; null: none is to be had. Absent: nobody's anywhere. */
  readonly loginOf?: (spec: RemoteSpec, owner: string) => RemoteLogin | null;
  /** Makes a link that is not open yet; left out: to a process or over HTTP, as the entry says. */
  readonly createLink?: (spec: BackendSpec) => Link;
}

/** Makes an empty pool. */
export const createPool = (options: PoolOptions, events: PoolEvents): Pool => new LeasePool(options, events);

const witnessesOf = (life: string, options: PoolOptions): readonly Witness[] => [
  createLedger(life, options),
  ...(options.watchdogArgv === null ? [] : [createWatch({ ...options, argv: options.watchdogArgv, life })]),
];

class LeasePool implements Pool {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ending = new Set<Promise<void>>();
  readonly #events: PoolEvents;
  readonly #groups: Groups;
  readonly #principals: Principals;
  #closed = false;

  constructor(options: PoolOptions, events: PoolEvents) {
    this.#options = options;
    this.#events = events;
    this.#principals = new Principals(options.limits);
    const life = crypto.randomUUID().replaceAll("-", "");
    this.#groups = new Groups({ life, witnesses: witnessesOf(life, options) });
  }

  acquire(spec: BackendSpec): Lease {
    if (this.#closed) throw fault("SHUTTING_DOWN", { backend: spec.name });
    const key = keyOf(spec);
    const entry = this.#entries.get(key) ?? this.#create(spec);
    this.#entries.set(key, entry);
    entry.leases += 1;
    entry.adjust(spec);
    return new EntryLease(spec, entry, () => this.#release(key, entry));
  }

  endIdle(): void {
    this.#closed = true;
    const { stdinEndMs, lastTermMs } = this.#options.limits;
    this.#groups.hurry({ stdinEndMs, termMs: lastTermMs });
    for (const [key, entry] of this.#entries) if (entry.bulkhead.size === 0) this.#end(key, entry);
  }

  async close(): Promise<void> {
    if (!this.#closed) this.endIdle();
    // Who is still here had calls until a moment ago, and has been waited for.
    if (this.#entries.size > 0) this.#groups.hurry({ stdinEndMs: 0, termMs: this.#options.limits.lastTermMs });
    for (const [key, entry] of this.#entries) this.#end(key, entry);
    await Promise.all(this.#ending);
    await this.#groups.close();
  }

  kill(): void {
    this.#groups.kill();
  }

  #create(spec: BackendSpec): Entry {
    const { changed, updated } = this.#events;
    return new Entry(spec, { ...this.#options, principals: this.#principals, createLink: (newest, owner) => this.#link(newest, owner) }, { changed: () => changed(spec.name), updated: (uri, params, concerns) => updated(spec.name, uri, params, concerns) });
  }

  #link(spec: BackendSpec, owner: string): Link {
    if (this.#options.createLink !== undefined) return this.#options.createLink(spec);
    if (spec.kind === "stdio") return createStdioLink({ ...this.#options, groups: this.#groups, spec });
    return createHttpLink({ ...this.#options, spec, login: this.#options.loginOf?.(spec, owner) ?? null });
  }

  #release(key: string, entry: Entry): void {
    entry.leases -= 1;
    if (entry.leases === 0) this.#end(key, entry);
  }

  #end(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    const ended = entry.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

// What the fingerprint leaves out but a running backend does not take back: being switched off, or unusable.
const keyOf = (spec: BackendSpec): string => JSON.stringify([spec.name, spec.fingerprint, spec.era, spec.disabled, spec.issue?.message ?? null, spec.life ?? 0]);

class EntryLease implements Lease {
  readonly spec: BackendSpec;
  readonly #entry: Entry;
  /** Taken back with the lease. */
  readonly #subscriptions = new Set<Subscription>();
  #release: (() => void) | null;

  constructor(spec: BackendSpec, entry: Entry, release: () => void) {
    this.spec = spec;
    this.#entry = entry;
    this.#release = release;
  }

  call(call: Call, target: Omit<Target, "backend" | "timeoutMs">): Promise<Outcome> {
    const { name: backend, requestMs, methodMs, totalMs } = this.spec;
    const begin = (timeoutMs: number): Promise<Outcome> => {
      const whole = { backend, name: target.name, timeoutMs, totalMs, tool: target.tool, extensions: target.extensions ?? null };
      return this.#entry.isForAll ? this.#entry.first.call(call, whole) : this.#callOwn(call, whole);
    };
    return this.#entry.bulkhead.run(call, methodMs[call.method] ?? requestMs, begin);
  }

  async #callOwn(call: Call, target: Target): Promise<Outcome> {
    const instance = this.#entry.instanceOf(call) ?? (await this.#entry.settledInstanceOf(call));
    const outcome = await this.#entry.connecting(instance, call, () => instance.call(call, target));
    instance.noticed(call, outcome);
    return outcome;
  }

  async subscribe(uri: string, who: Sharer): Promise<Subscription | null> {
    if (this.#release === null) return null;
    // What is known is not waited for: who takes over from another lease must count before that one ends.
    const instance = this.#entry.isForAll ? this.#entry.first : (this.#entry.instanceOf(who) ?? (await this.#settledInstanceOf(who)));
    const abilities = this.#entry.abilitiesOf(who);
    if (instance === null || !(await instance.subscribe(uri, abilities))) return null;
    return this.#hold(() => instance.unsubscribe(uri, abilities));
  }

  async #settledInstanceOf(who: Sharer): Promise<Backend | null> {
    await this.#entry.first.settled(this.spec.connectMs);
    return this.#entry.instanceOf(who);
  }

  #hold(end: () => Promise<void>): Subscription | null {
    const subscription: Subscription = {
      end: async () => {
        if (this.#subscriptions.delete(subscription)) await end();
      },
    };
    this.#subscriptions.add(subscription);
    if (this.#release !== null) return subscription;
    // Released meanwhile: nobody else would take it back.
    void subscription.end();
    return null;
  }

  again(call: Call): Promise<boolean> {
    return (this.#entry.instanceOf(call) ?? this.#entry.first).again(call);
  }

  offered(): Offered | null {
    return this.#entry.first.offered();
  }

  variants(): readonly Variant[] {
    return this.#entry.variants();
  }

  status(): BackendStatus {
    return this.#entry.status();
  }

  settled(ms: number, cancel?: Cancel): Promise<void> {
    return this.#entry.first.settled(ms, cancel);
  }

  release(): void {
    const release = this.#release;
    this.#release = null;
    for (const subscription of this.#subscriptions) void subscription.end();
    release?.();
  }
}
