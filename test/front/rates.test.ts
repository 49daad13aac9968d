import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits } from "../../src/base/index.ts";
import { Rates, ratesOf } from "../../src/front/rates.ts";
import { createTestClock } from "../fixtures/clock.ts";

const rate = { name: "r", burst: 20, periodMs: 60_000 };

describe("a rate", () => {
  test("lets a burst pass, says when the next one may come, and fills evenly", async () => {
    const clock = createTestClock();
    const rates = new Rates(clock, { ratesMax: 10 });
    for (let index = 0; index < 20; index += 1) expect(rates.take(rate, "a")).toBe(0);
    expect(rates.take(rate, "a")).toBeCloseTo(3000, 3);
    await clock.advance(2999);
    expect(rates.take(rate, "a")).toBeCloseTo(1, 3);
    await clock.advance(1);
    expect([rates.take(rate, "a"), rates.take(rate, "a") > 0]).toEqual([0, true]);
    await clock.advance(60_000);
    for (let index = 0; index < 20; index += 1) expect(rates.take(rate, "a")).toBe(0);
    expect(rates.take(rate, "a")).toBeGreaterThan(0);
  });

  test("is none the longer for a clock that is set back", () => {
    const at = { now: 10_000_000 };
    const rates = new Rates({ ...createTestClock(), now: () => at.now }, { ratesMax: 10 });
    for (let index = 0; index < 3; index += 1) expect(rates.take(rate, "a")).toBe(0);
    at.now -= 3_600_000;
    expect(rates.take(rate, "a")).toBeLessThanOrEqual(3000.01);
    at.now += 3001;
    expect(rates.take(rate, "a")).toBe(0);
  });

  test("counts everybody for himself, and everything for itself", () => {
    const rates = new Rates(createTestClock(), { ratesMax: 10 });
    const one = { ...rate, burst: 1 };
    expect([rates.take(one, "a"), rates.take(one, "b"), rates.take({ ...one, name: "s" }, "a")]).toEqual([0, 0, 0]);
    expect(rates.take(one, "a")).toBeGreaterThan(0);
  });

  test("counts an IPv6 network as one, and an IPv4 address in whatever form as itself", () => {
    const rates = new Rates(createTestClock(), { ratesMax: 10 });
    const one = { ...rate, burst: 1 };
    expect(["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "192.0.2.1", "::ffff:192.0.2.1", "unix"].map((address) => rates.takeFrom(one, address) === 0)).toEqual([true, false, true, true, false, true]);
  });

  test("never lets more pass in any period than the burst and what has been filled since", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100_000 }), fc.array(fc.nat({ max: 5_000 }), { maxLength: 200 }), (burst, periodMs, waits) => {
        let now = 0;
        const rates = new Rates({ ...createTestClock(), now: () => now }, { ratesMax: 10 });
        let taken = 0;
        for (const wait of waits) {
          now += wait;
          if (rates.take({ name: "r", burst, periodMs }, "a") === 0) taken += 1;
          expect(taken).toBeLessThanOrEqual(burst + Math.ceil((now * burst) / periodMs) + 1);
        }
      }),
    );
  });
});

test("no more are remembered than limits.ratesMax: first those are forgotten that are full again, then the least used", async () => {
  const clock = createTestClock();
  const rates = new Rates(clock, { ratesMax: 3 });
  const one = { ...rate, burst: 1 };
  for (const who of ["a", "b", "c"]) rates.take(one, who);
  rates.take(one, "d");
  expect([rates.size, rates.take(one, "b") > 0, rates.take(one, "a")]).toEqual([3, true, 0]);
  const others = new Rates(clock, { ratesMax: 2 });
  const two = { ...rate, burst: 2 };
  for (const who of ["a", "b", "a", "c"]) others.take(two, who);
  // Twice was used up by whoever came again, who is not the one that was forgotten.
  expect([others.take(two, "a") > 0, others.size]).toEqual([true, 2]);
  await clock.advance(60_000);
  rates.take(one, "e");
  expect(rates.size).toBe(1);
});

test("the rates are those of the limits", () => {
  const { badTokens, registers } = ratesOf(defaultLimits);
  expect([badTokens, registers]).toEqual([
    { name: "bad tokens", burst: 20, periodMs: 60_000 },
    { name: "registers", burst: 20, periodMs: 3_600_000 },
  ]);
});
