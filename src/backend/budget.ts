/**
 * How many calls to one server may be made again after it fell under them: a share of all its calls, with a little in
 * hand. Without a bound a server that falls under a certain call would be felled twice as often by making it again, and a
 * thousand calls that were in flight would all fall upon it at the moment that it is back.
 */
import type { Limits } from "../base/index.ts";

export interface Budget {
  /** Takes one, if there is one left; `calls` is the number of all calls to the server so far. */
  take(calls: number): boolean;
}

/** Makes a full budget: `retriesMax` at once, and one more for each `callsPerRetryMin` calls. */
export function createBudget({ retriesMax, callsPerRetryMin }: Pick<Limits, "retriesMax" | "callsPerRetryMin">): Budget {
  let left = retriesMax;
  let seen = 0;
  return {
    take(calls) {
      left = Math.min(retriesMax, left + (calls - seen) / callsPerRetryMin);
      seen = calls;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
