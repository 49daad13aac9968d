import { expect, test } from "bun:test";
import { createBreaker } from "../../src/backend/breaker.ts";
import { createTestClock } from "../fixtures/clock.ts";

const limits = { backoffMsMin: 100, backoffMsMax: 1000, backoffResetMs: 5000, breakerFailuresMax: 3 };

test("waits double, spread over their upper half, and stop growing at the longest", () => {
  const breaker = createBreaker(createTestClock(), limits);
  for (const whole of [100, 200, 400, 800, 1000, 1000]) {
    const wait = breaker.failed();
    expect(wait).toBeGreaterThanOrEqual(whole / 2);
    expect(wait).toBeLessThanOrEqual(whole);
  }
});

test("after thousands of failures the wait is still the longest one, and still one", () => {
  const breaker = createBreaker(createTestClock(), limits);
  for (let tries = 0; tries < 5000; tries++) breaker.failed();
  expect(breaker.failed()).toBeGreaterThanOrEqual(500);
  expect(breaker.failed()).toBeLessThanOrEqual(1000);
});

test("a server that stayed ready long enough starts from the shortest wait again, one that did not goes on", async () => {
  const clock = createTestClock();
  const breaker = createBreaker(clock, limits);
  for (let tries = 0; tries < 5; tries++) breaker.failed();
  breaker.ready();
  await clock.advance(4999);
  expect(breaker.failed()).toBeGreaterThanOrEqual(500);
  breaker.ready();
  await clock.advance(5000);
  expect(breaker.failed()).toBeLessThanOrEqual(100);
});
