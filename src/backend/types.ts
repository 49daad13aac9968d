/** The backend room's words: one upstream server and the pool that shares it. */
import type { Cancel } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Listed, Target, UpstreamFacts } from "../era/index.ts";
import type { Call, Kind, Outcome, RawObject } from "../protocol/index.ts";
import type { Sharer } from "./sharing.ts";

/** States as people see them. */
export type BackendState = "disabled" | "misconfigured" | "starting" | "ready" | "backing-off" | "draining" | "stopped";

export interface BackendStatus {
  readonly name: string;
  readonly state: BackendState;
  /** stdio: the child's process id while it runs. */
  readonly pid: number | null;
  /** Why it is not ready: one sentence, scrubbed. */
  readonly reason: string | null;
  /** The last lines of its stderr. */
  readonly stderr: readonly string[];
  readonly restarts: number;
  readonly inFlight: number;
  readonly revision: string | null;
}

/** All that a ready backend offers, fetched at once. */
export interface Offered {
  readonly facts: UpstreamFacts;
  readonly lists: Readonly<Record<Kind, Listed>>;
  readonly fetchedAt: number;
}

/** Lists that changed while one instance ran. */
export type Moved = Readonly<Partial<Record<Kind, Listed>>>;

/** What some callers are offered in place of what everybody is. */
export interface Variant {
  readonly offered: Offered;
  concerns(who: Sharer): boolean;
}

/** A resource that a backend tells of. Ending twice is fine; it ends with its lease. */
export interface Subscription {
  end(): Promise<void>;
}

/** A counted hold on one backend. Releasing twice is fine. */
export interface Lease {
  readonly spec: BackendSpec;
  /** Runs one call on the process or connection this caller may share. Throws Faults (BACKEND_…). */
  call(call: Call, target: Omit<Target, "backend" | "timeoutMs">): Promise<Outcome>;
  /**
   * Asks the process or connection that `who` may share to tell of changes of one resource; counted, and lasting through
   * restarts. Null where it cannot. Throws LIMIT_REACHED and Faults (BACKEND_…).
   */
  subscribe(uri: string, who: Sharer): Promise<Subscription | null>;
  /** What it offers now; null before it was ready for the first time. Stays through a crash. */
  offered(): Offered | null;
  /** What some callers are offered in its place, whose own instance has changed its lists. */
  variants(): readonly Variant[];
  status(): BackendStatus;
  /**
   * Resolves when ready, or when it is known that it will not be soon (backing off, misconfigured), or after `ms`, or when
   * `cancel` is cancelled, or at once where as many wait as calls may be in flight.
   */
  settled(ms: number, cancel?: Cancel): Promise<void>;
  release(): void;
}

export interface PoolEvents {
  /** `offered()` or `status()` of a backend has changed; the hub makes a new snapshot at its own pace. */
  changed(name: string): void;
  /** A resource of a backend that somebody subscribed to has changed, or may have; for those alone whom it `concerns`. */
  updated(name: string, uri: string, params: RawObject, concerns: (who: Sharer) => boolean): void;
}

export interface Pool {
  /** Same fingerprint: the same process, count + 1. New: it starts now, without waiting. */
  acquire(spec: BackendSpec): Lease;
  /** Ends every process and connection, in order: stdin end, TERM, KILL. Closing twice is fine. */
  close(): Promise<void>;
  /** Sends KILL to every process and its descendants, without waiting: for a program that must end at once. */
  kill(): void;
}
