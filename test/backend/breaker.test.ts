import { expect, test } from "bun:test";
import { createBreaker } from "../../src/backend/breaker.ts";
import { createTestClock } from "../fixtures/clock.ts";

const limits = { backoffMsMin: 100, backoffMsMax: 1000, backoffReadyMsMax: 600, backoffResetMs: 5000, breakerFailuresMax: 3 };

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

test("a server that stayed ready long enough starts from the shortest wait again", async () => {
  const clock = createTestClock();
  const breaker = createBreaker(clock, limits);
  for (let tries = 0; tries < 5; tries++) breaker.failed();
  breaker.ready();
  await clock.advance(5000);
  expect(breaker.failed()).toBeLessThanOrEqual(100);
});

test("one that had been ready for a while waits at most a quarter of that; one that fell over at once waits longer than before, up to a bound", async () => {
  const clock = createTestClock();
  const breaker = createBreaker(clock, limits);
  for (let tries = 0; tries < 5; tries++) breaker.failed();
  for (const readyMs of [4900, 3200, 1600, 800, 400]) {
    breaker.ready();
    await clock.advance(readyMs);
    expect(breaker.failed()).toBeLessThanOrEqual(readyMs / 4);
  }
  for (const whole of [200, 400, 600, 600, 600]) {
    breaker.ready();
    await clock.advance(50);
    const wait = breaker.failed();
    expect(wait).toBeGreaterThanOrEqual(whole / 2);
    expect(wait).toBeLessThanOrEqual(600);
  }
});

test("it is open after so many failures in a row, half-open while it is tried after that, and closed by success", async () => {
  const clock = createTestClock();
  const breaker = createBreaker(clock, limits);
  const states = [breaker.state];
  for (let tries = 0; tries < 3; tries++) {
    breaker.failed();
    states.push(breaker.state);
    breaker.trying();
    states.push(breaker.state);
  }
  expect(states).toEqual(["closed", "closed", "closed", "closed", "closed", "open", "half-open"]);
  breaker.ready();
  expect(breaker.state).toBe("closed");
  await clock.advance(1000);
  breaker.failed();
  expect(breaker.state).toBe("closed");
});
