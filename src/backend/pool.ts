/**
 * All backends, shared. It hides who shares which process: leases of one entry hold the same one as long as the entry
 * means the same, and under `isolation: "principal"` each principal gets an instance of its own behind the same lease.
 *
 * `isolation: "session"` is served as "principal": a caller has no session here that could outlive one call.
 */
import { type Clock, type Egress, fault, type KnownSecrets, type Limits, type Log } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Eras, Target } from "../era/index.ts";
import type { Call, Outcome } from "../protocol/index.ts";
import { type Backend, createBackend } from "./backend.ts";
import { Groups } from "./group.ts";
import { createHttpLink } from "./http.ts";
import type { Link } from "./link.ts";
import { createStdioLink } from "./stdio.ts";
import type { BackendStatus, Lease, Offered, Pool, PoolEvents } from "./types.ts";

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
  /** Where children without a folder of their own get a private one. */
  readonly stateDir: string;
}

/** Makes an empty pool. */
export const createPool = (options: PoolOptions, events: PoolEvents): Pool => new LeasePool(options, events);

class LeasePool implements Pool {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ending = new Set<Promise<void>>();
  readonly #events: PoolEvents;
  readonly #groups = new Groups();
  #closed = false;

  constructor(options: PoolOptions, events: PoolEvents) {
    this.#options = options;
    this.#events = events;
  }

  acquire(spec: BackendSpec): Lease {
    if (this.#closed) throw fault("SHUTTING_DOWN", { backend: spec.name });
    const key = keyOf(spec);
    const entry = this.#entries.get(key) ?? new Entry(spec, { ...this.#options, groups: this.#groups }, () => this.#events.changed(spec.name));
    this.#entries.set(key, entry);
    entry.leases += 1;
    entry.adjust(spec);
    return new EntryLease(spec, entry, () => this.#release(key, entry));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const [key, entry] of this.#entries) this.#end(key, entry);
    await Promise.all(this.#ending);
  }

  kill(): void {
    this.#groups.kill();
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
const keyOf = (spec: BackendSpec): string => JSON.stringify([spec.name, spec.fingerprint, spec.era, spec.disabled, spec.issue?.message ?? null]);

type EntryOptions = PoolOptions & { readonly groups: Groups };

/** The instances behind all leases of one entry. */
class Entry {
  leases = 0;
  readonly #options: EntryOptions;
  /** The newest of those that mean this one: they may differ in their times. */
  #spec: BackendSpec;
  /** Runs from the start: it gives the lists, and serves all, or the principal that called first. */
  readonly #first: Backend;
  #firstOwner: string | null = null;
  /** Further instances by principal, least lately used first. */
  readonly #others = new Map<string, Backend>();
  readonly #ending = new Set<Promise<void>>();

  constructor(spec: BackendSpec, options: EntryOptions, changed: () => void) {
    this.#spec = spec;
    this.#options = options;
    for (const secret of spec.secrets) options.secrets.add(secret);
    this.#first = this.#create(changed);
  }

  get first(): Backend {
    return this.#first;
  }

  adjust(spec: BackendSpec): void {
    this.#spec = spec;
    for (const backend of [this.#first, ...this.#others.values()]) backend.adjust(spec);
  }

  /** The instance of this principal. Throws LIMIT_REACHED. */
  instanceOf(principalId: string): Backend {
    this.#firstOwner ??= principalId;
    if (this.#firstOwner === principalId) return this.#first;
    const instance = this.#others.get(principalId) ?? this.#another();
    this.#others.delete(principalId);
    this.#others.set(principalId, instance);
    return instance;
  }

  async close(): Promise<void> {
    const all = [this.#first, ...this.#others.values()];
    this.#others.clear();
    await Promise.all([...all.map((backend) => backend.close()), ...this.#ending]);
  }

  #another(): Backend {
    // Changes of further instances change nothing that is listed: the lists are those of the first one.
    if (this.#others.size + 1 < this.#options.limits.instancesMax) return this.#create(() => undefined);
    const idle = [...this.#others].find(([, backend]) => backend.inFlight === 0);
    if (idle === undefined) throw fault("LIMIT_REACHED", { backend: this.#spec.name, detail: "instancesMax principals use it at once" });
    this.#others.delete(idle[0]);
    const ended = idle[1].close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    return this.#create(() => undefined);
  }

  #create(changed: () => void): Backend {
    const { connect, clock, limits, log, secrets } = this.#options;
    return createBackend({ spec: this.#spec, createLink: () => this.#link(), connect, clock, limits, log, secrets, changed });
  }

  #link(): Link {
    return this.#spec.kind === "stdio" ? createStdioLink({ ...this.#options, spec: this.#spec }) : createHttpLink({ ...this.#options, spec: this.#spec });
  }
}

class EntryLease implements Lease {
  readonly spec: BackendSpec;
  readonly #entry: Entry;
  #release: (() => void) | null;

  constructor(spec: BackendSpec, entry: Entry, release: () => void) {
    this.spec = spec;
    this.#entry = entry;
    this.#release = release;
  }

  call(call: Call, target: Omit<Target, "backend" | "timeoutMs">): Promise<Outcome> {
    const whole = { backend: this.spec.name, name: target.name, timeoutMs: this.spec.requestMs, tool: target.tool };
    return this.spec.isolation === "shared" ? this.#entry.first.call(call, whole) : this.#callOwn(call, whole);
  }

  async #callOwn(call: Call, target: Target): Promise<Outcome> {
    return this.#entry.instanceOf(call.principal.id).call(call, target);
  }

  offered(): Offered | null {
    return this.#entry.first.offered();
  }

  status(): BackendStatus {
    return this.#entry.first.status();
  }

  settled(ms: number): Promise<void> {
    return this.#entry.first.settled(ms);
  }

  release(): void {
    this.#release?.();
    this.#release = null;
  }
}
