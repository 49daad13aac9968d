/**
 * The state of one backend as others see it: since when, why, what went wrong last, and who waits for it to change. It
 * knows no reasons for a change of state; those are in backend.ts.
 */
import type { Cancel, Clock } from "../base/index.ts";
import type { BackendState, BackendStatus } from "./types.ts";

/** What may be said with a new state. */
export interface Circumstances {
  /** Why it is not ready: one sentence, scrubbed. */
  readonly reason?: string | null;
  /** When it is tried again, ms since the epoch. */
  readonly retryAt?: number;
}

export class Condition {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #waiters = new Set<() => void>();
  #state: BackendState;
  #since: number;
  #reason: string | null = null;
  #retryAt: number | null = null;
  #lastError: BackendStatus["lastError"] = null;

  constructor(clock: Clock, state: BackendState, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
    this.#state = state;
    this.#since = clock.now();
  }

  get state(): BackendState {
    return this.#state;
  }

  /** It is being stopped, or is. */
  get isOver(): boolean {
    return this.#state === "draining" || this.#state === "stopped";
  }

  /** Who waits for a change. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** The part of a status that is known here. */
  get facts(): Pick<BackendStatus, "state" | "since" | "retryAt" | "lastError" | "reason"> {
    return { state: this.#state, since: this.#since, retryAt: this.#retryAt, lastError: this.#lastError, reason: this.#reason };
  }

  /** From being stopped nothing leads back: whatever comes a moment too late changes nothing. */
  become(state: BackendState, { reason = null, retryAt }: Circumstances = {}): void {
    if (this.isOver && state !== "stopped") return;
    this.#state = state;
    this.#since = this.#clock.now();
    this.#reason = reason;
    this.#retryAt = retryAt ?? null;
    for (const waiter of [...this.#waiters]) waiter();
    this.#changed();
  }

  /** Why it is as it was from the beginning. */
  explain(reason: string): void {
    this.#reason = reason;
    this.failed(reason);
  }

  /** Something went wrong; it is remembered when all is well again, too. */
  failed(message: string): void {
    this.#lastError = Object.freeze({ message, at: this.#clock.now() });
  }

  /** Resolves at the next change of state, after `ms`, or when `cancel` is cancelled. */
  async next(ms: number, cancel?: Cancel): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiters.add(done.resolve);
    const timer = this.#clock.timer(ms, done.resolve);
    const unhook = cancel?.onCancel(() => done.resolve());
    await done.promise;
    unhook?.();
    timer.cancel();
    this.#waiters.delete(done.resolve);
  }
}
