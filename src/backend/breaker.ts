/**
 * When to try a failed server again: waits that double from try to try, spread at random so that many servers that fell
 * together do not come back together, never longer than `backoffMsMax`, and never given up for ever.
 */
import type { Clock, Limits } from "../base/index.ts";

export interface Breaker {
  /** The server failed: how long to wait before the next try. */
  failed(): number;
  /** The server is ready from now on. */
  ready(): void;
}

/** Makes a breaker without failures. A server that stayed ready for `backoffResetMs` starts from the shortest wait again. */
export function createBreaker(clock: Clock, limits: Pick<Limits, "backoffMsMin" | "backoffMsMax" | "backoffResetMs">): Breaker {
  let failures = 0;
  let readyAt: number | null = null;
  return {
    failed() {
      if (readyAt !== null && clock.now() - readyAt >= limits.backoffResetMs) failures = 0;
      readyAt = null;
      // The exponent is bounded only so that it stays a finite number over years of failures.
      const whole = Math.min(limits.backoffMsMax, limits.backoffMsMin * 2 ** Math.min(failures, 30));
      failures += 1;
      return whole * (0.5 + clock.random() / 2);
    },
    ready() {
      readyAt = clock.now();
    },
  };
}
