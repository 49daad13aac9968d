import { expect, test } from "bun:test";
import { Noise } from "../../src/backend/noise.ts";
import { createTestClock } from "../fixtures/clock.ts";

const make = () => {
  const clock = createTestClock();
  return { clock, noise: new Noise(clock, { noiseBytesMax: 10_000, noiseWindowMs: 1000 }) };
};

test("within its allowance nobody waits", () => {
  const { noise } = make();
  for (let line = 0; line < 100; line++) noise.line(52);
  expect(noise.pause()).toBeNull();
});

test("beyond it reading waits until the allowance has grown as much, and goes on at that pace", async () => {
  const { clock, noise } = make();
  let read = 0;
  const reading = (async () => {
    for (; read < 100; read += 1) {
      noise.line(952);
      await noise.pause();
    }
  })();
  await clock.advance(0);
  const atOnce = read;
  expect(atOnce).toBeLessThanOrEqual(11);
  for (let second = 0; second < 5; second++) await clock.advance(1000);
  expect(read - atOnce).toBeGreaterThanOrEqual(45);
  expect(read - atOnce).toBeLessThanOrEqual(55);
  await clock.advance(10_000);
  await reading;
});

test("short lines cost what they cost to read, and what is only passed over costs little", () => {
  const { noise } = make();
  for (let line = 0; line < 210; line++) noise.line(0);
  expect(noise.pause()).not.toBeNull();
  const { noise: other } = make();
  other.passed(150_000);
  expect(other.pause()).toBeNull();
  other.passed(50_000);
  expect(other.pause()).not.toBeNull();
});

test("one huge line holds up what follows for no longer than the window", async () => {
  const { clock, noise } = make();
  noise.line(1_000_000_000);
  let isOver = false;
  void noise.pause()?.then(() => (isOver = true));
  await clock.advance(999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(isOver).toBe(true);
  expect(noise.pause()).toBeNull();
});

test("of a chunk counts what it completes and is no answer; within a long line it is passed over", () => {
  const { noise } = make();
  noise.chunk(new Uint8Array(100_000).fill(97), 0);
  noise.chunk(new Uint8Array(10_000).fill(10), 9_900);
  noise.chunk(new Uint8Array(10_000).fill(10), 20_000);
  expect(noise.pause()).toBeNull();
  noise.chunk(new Uint8Array(10_000).fill(10), 0);
  expect(noise.pause()).not.toBeNull();
});
