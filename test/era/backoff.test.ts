import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Backoff } from "../../src/era/backoff.ts";
import { createTestClock } from "../fixtures/clock.ts";

const full = { ...createTestClock(), random: () => 1 };

test("waits double up to a bound", () => {
  const backoff = new Backoff(full, defaultLimits);
  expect(Array.from({ length: 9 }, () => backoff.delayMs())).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("waits are spread, but never below half", () => {
  const backoff = new Backoff({ ...full, random: () => 0 }, defaultLimits);
  expect(backoff.delayMs()).toBe(125);
});

test("a stream that lasted starts the series anew, one that broke at once does not", async () => {
  const clock = createTestClock();
  const backoff = new Backoff({ now: () => clock.now(), timer: (ms, run) => clock.timer(ms, run), random: () => 1 }, defaultLimits);
  backoff.delayMs();
  backoff.begun();
  expect(backoff.delayMs()).toBe(500);
  backoff.begun();
  await clock.advance(defaultLimits.backoffResetMs);
  expect(backoff.delayMs()).toBe(250);
});
