import { expect, test } from "bun:test";
import fc from "fast-check";
import { createBudget } from "../../src/backend/budget.ts";

test("there is some in hand, and then a share of the calls", () => {
  const budget = createBudget({ retriesMax: 3, callsPerRetryMin: 10 });
  expect([1, 1, 1, 1].map(() => budget.take(0))).toEqual([true, true, true, false]);
  expect([budget.take(9), budget.take(10), budget.take(10)]).toEqual([false, true, false]);
  expect([1, 1, 1, 1].map(() => budget.take(1_000_000))).toEqual([true, true, true, false]);
});

test("whatever happens, never more than what was in hand and the share of all calls", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(20))), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (rounds, retriesMax, callsPerRetryMin) => {
      const budget = createBudget({ retriesMax, callsPerRetryMin });
      let [calls, taken] = [0, 0];
      for (const [more, asks] of rounds) {
        calls += more;
        for (let ask = 0; ask < asks; ask += 1) taken += budget.take(calls) ? 1 : 0;
      }
      // Sums of parts of one are not exact.
      expect(taken).toBeLessThanOrEqual(retriesMax + calls / callsPerRetryMin + 1e-6);
    }),
  );
});
