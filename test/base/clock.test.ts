import { describe, expect, test } from "bun:test";
import { type Cancel, CancelSource, monotonicMs, sleep, systemClock } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

describe("the system clock", () => {
  test("tells the time of day and gives numbers in [0, 1)", () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
    expect(systemClock.random()).toBeWithin(0, 1);
  });

  test("fires timers in the order of their times", async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      // Unlike the rest of the program a test must keep the process alive for its timers.
      const alive = setInterval(() => undefined, 1000);
      systemClock.timer(20, () => {
        fired.push("later");
        clearInterval(alive);
        resolve();
      });
      systemClock.timer(1, () => fired.push("sooner"));
    });
    expect(fired).toEqual(["sooner", "later"]);
  });

  test("a cancelled timer does not fire, and cancelling twice is fine", async () => {
    const fired: string[] = [];
    const timer = systemClock.timer(1, () => fired.push("cancelled"));
    timer.cancel();
    timer.cancel();
    await sleep(systemClock, 5);
    expect(fired).toEqual([]);
  });
});

describe("a pause", () => {
  test("ends at its time, or as soon as it is cancelled, and leaves neither timer nor listener", async () => {
    const clock = createTestClock();
    const source = new CancelSource();
    const ended: string[] = [];
    const listeners = new Set<() => void>();
    const watched: Cancel = {
      get cancelled() {
        return source.cancelled;
      },
      onCancel(listener) {
        const unhook = source.onCancel(listener);
        listeners.add(unhook);
        return () => void (listeners.delete(unhook), unhook());
      },
    };
    void sleep(clock, 10, watched).then(() => ended.push("in time"));
    await clock.advance(10);
    expect([ended, listeners.size, clock.pending]).toEqual([["in time"], 0, 0]);
    void sleep(clock, 10, source).then(() => ended.push("cancelled"));
    source.cancel("enough");
    void sleep(clock, 10, source).then(() => ended.push("cancelled before"));
    await clock.settle();
    expect([ended, clock.pending]).toEqual([["in time", "cancelled", "cancelled before"], 0]);
  });
});

describe("the test clock", () => {
  test("stands still until moved, then fires what falls due, in order", async () => {
    const clock = createTestClock({ now: 0 });
    const fired: [string, number][] = [];
    clock.timer(20, () => fired.push(["second", clock.now()]));
    clock.timer(10, () => fired.push(["first", clock.now()]));
    clock.timer(21, () => fired.push(["not yet", clock.now()]));
    await clock.settle();
    expect(fired).toEqual([]);
    await clock.advance(20);
    expect(fired).toEqual([["first", 10], ["second", 20]]);
    expect(clock.now()).toBe(20);
    expect(clock.pending).toBe(1);
  });

  test("fires timers that promises started on the way", async () => {
    const clock = createTestClock({ now: 0 });
    const woken: number[] = [];
    void (async () => {
      for (let round = 0; round < 3; round += 1) {
        await sleep(clock, 10);
        woken.push(clock.now());
      }
    })();
    await clock.advance(30);
    expect(woken).toEqual([10, 20, 30]);
  });

  test("forgets cancelled timers", async () => {
    const clock = createTestClock();
    const fired: string[] = [];
    clock.timer(5, () => fired.push("cancelled")).cancel();
    await clock.advance(10);
    expect(fired).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("gives the same numbers for the same seed, spread over [0, 1)", () => {
    const draw = (seed: number): number[] => {
      const clock = createTestClock({ seed });
      return Array.from({ length: 1000 }, () => clock.random());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const numbers = draw(7);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(numbers.reduce((sum, number) => sum + number, 0) / 1000).toBeWithin(0.45, 0.55);
  });
});

test("what something took is told in parts of a millisecond, and never runs backwards", () => {
  const told = Array.from({ length: 1000 }, monotonicMs);
  expect(told.every((one, place) => place === 0 || one >= (told[place - 1] ?? 0))).toBeTrue();
  expect(told.some((one) => !Number.isInteger(one))).toBeTrue();
});
