/** The backend room's words: one upstream server and the pool that shares it. */
import type { Cancel } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Listed, Target, UpstreamFacts } from "../era/index.ts";
import type { Call, Kind, Outcome, RawObject } from "../protocol/index.ts";
import type { Sharer } from "./sharing.ts";

/**
 * States as people see them. "degraded": connected, but what asks whether it still answers gets no answer. "idle": on
 * demand, without a process or connection; the next call starts it. "needs-login": a remote server that wants a login
 * which nobody has; it is tried again when somebody has logged in, or after a long time.
 */
export type BackendState = "disabled" | "misconfigured" | "starting" | "ready" | "degraded" | "backing-off" | "needs-login" | "idle" | "draining" | "stopped";

/** Whether tries go on as usual ("closed"), are made only now and then ("open"), or one of those is under way ("half-open"). */
export type BreakerState = "closed" | "open" | "half-open";

export interface BackendStatus {
  readonly name: string;
  readonly state: BackendState;
  /** When it came into this state, ms since the epoch. */
  readonly since: number;
  /** While backing off, or waiting for a login: when it is tried again, ms since the epoch. */
  readonly retryAt: number | null;
  /** The last failure, scrubbed; it stays when the server is back. */
  readonly lastError: { readonly message: string; readonly at: number } | null;
  readonly breaker: BreakerState;
  /** Where its lists come from: from the server itself, or from what it offered in an earlier life of this program; null: none are known. */
  readonly lists: "live" | "remembered" | null;
  /** stdio: the child's process id while it runs. */
  readonly pid: number | null;
  /** Why it is not ready: one sentence, scrubbed. */
  readonly reason: string | null;
  /** The last lines of its stderr. */
  readonly stderr: readonly string[];
  readonly restarts: number;
  /** Calls that were made again because the server fell under them. */
  readonly retried: number;
  readonly inFlight: number;
  readonly revision: string | null;
  /** How it is reached; "auto" until that is found out. Told by whoever knows the configuration. */
  readonly transport?: "stdio" | "http" | "sse" | "auto";
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
  /**
   * What it offers, or offered last; `status().lists` says which. Stays through a crash, for a while. Null before anything
   * is known, and once it has been away for too long.
   */
  offered(): Offered | null;
  /**
   * Whether this call, under which the server fell, is to be made again: the budget has room, and the server is back
   * soon. Waits for that. Whether it is safe is for the caller to know.
   */
  again(call: Call): Promise<boolean>;
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
  /** The program ends: nothing is started any more, and every server that has no calls now is ended. */
  endIdle(): void;
  /** Ends every process and connection, in order: stdin end, TERM, KILL; those that still have calls without delay. Closing twice is fine. */
  close(): Promise<void>;
  /** Sends KILL to every process and its descendants, without waiting: for a program that must end at once. */
  kill(): void;
}
