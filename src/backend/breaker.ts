/**
 * When to try a failed server again: waits that double from try to try, spread at random so that many servers that fell
 * together do not come back together, never longer than `backoffMsMax`, and never given up for ever.
 *
 * How long it had been ready counts: who crashes now and then is back soon each time, who falls over at once waits
 * `backoffReadyMsMax` at most, and only who never gets going waits longer and longer.
 */
import type { Clock, Limits } from "../base/index.ts";
import type { BreakerState } from "./types.ts";

export interface Breaker {
  /** The server failed: how long to wait before the next try. */
  failed(): number;
  /** It is tried again. */
  trying(): void;
  /** The server is ready from now on. */
  ready(): void;
  /** "open" from `breakerFailuresMax` failures in a row on, "half-open" while it is tried after so many. */
  readonly state: BreakerState;
}

type BreakerLimits = Pick<Limits, "backoffMsMin" | "backoffMsMax" | "backoffReadyMsMax" | "backoffResetMs" | "breakerFailuresMax">;

/** Its next wait is at most this part of the time that a server had been ready. */
const partOfReady = 4;

/** Makes a breaker without failures. A server that stayed ready for `backoffResetMs` starts from the shortest wait again. */
export function createBreaker(clock: Clock, limits: BreakerLimits): Breaker {
  let failures = 0;
  let readyAt: number | null = null;
  let isTrying = true;
  return {
    failed() {
      const most = readyAt === null ? limits.backoffMsMax : limits.backoffReadyMsMax;
      if (readyAt !== null) failures = failuresAfter(failures, clock.now() - readyAt, limits);
      readyAt = null;
      isTrying = false;
      // The exponent is bounded only so that it stays a finite number over years of failures.
      const whole = Math.min(most, limits.backoffMsMin * 2 ** Math.min(failures, 30));
      failures += 1;
      return whole * (0.5 + clock.random() / 2);
    },
    trying() {
      isTrying = true;
    },
    ready() {
      readyAt = clock.now();
    },
    get state() {
      if (readyAt !== null || failures < limits.breakerFailuresMax) return "closed";
      return isTrying ? "half-open" : "open";
    },
  };
}

/** What is left of the failures before, once it had been ready for so long. */
function failuresAfter(failures: number, readyMs: number, { backoffMsMin, backoffResetMs }: BreakerLimits): number {
  if (readyMs >= backoffResetMs) return 0;
  const doublings = Math.floor(Math.log2(readyMs / partOfReady / backoffMsMin));
  // Fallen over at once: that is hardly better than not to get ready at all.
  return doublings < 0 ? failures : Math.min(failures, doublings);
}
