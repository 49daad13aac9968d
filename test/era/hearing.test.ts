import { expect, test } from "bun:test";
import { Hearing } from "../../src/era/hearing.ts";
import { createTestClock } from "../fixtures/clock.ts";

test("who is told in time waits no longer, and leaves no timer behind", async () => {
  const clock = createTestClock();
  const hearing = new Hearing();
  const waited = hearing.wait(clock, 1_000);
  expect(hearing.settle()).toBe(false);
  await waited;
  expect(clock.pending).toBe(0);
});

test("nobody waits for ever, and what comes later comes too late", async () => {
  const clock = createTestClock();
  const hearing = new Hearing();
  const waited = hearing.wait(clock, 1_000);
  await clock.advance(1_000);
  await waited;
  expect(hearing.settle()).toBe(true);
});
