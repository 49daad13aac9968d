import { expect, test } from "bun:test";
import fc from "fast-check";
import { Leisure } from "../../src/backend/leisure.ts";
import { createTestClock } from "../fixtures/clock.ts";

function stage() {
  const clock = createTestClock();
  const now = { idle: true, calls: 0, over: [] as number[] };
  const leisure = new Leisure({ clock, idle: () => now.idle, calls: () => now.calls, over: () => now.over.push(clock.now()) });
  return { clock, now, leisure };
}

test("it is over after the time without a call, told once", async () => {
  const { clock, now, leisure } = stage();
  const from = clock.now();
  leisure.watch(1000);
  await clock.advance(100_000);
  expect(now.over).toEqual([from + 1000]);
  expect(clock.pending).toBe(0);
});

test("ended it looks no more, and begun anew it counts from then", async () => {
  const { clock, now, leisure } = stage();
  leisure.watch(1000);
  await clock.advance(900);
  leisure.watch(1000);
  await clock.advance(900);
  expect(now.over).toEqual([]);
  leisure.end();
  await clock.advance(5000);
  expect([now.over.length, clock.pending]).toEqual([0, 0]);
});

test("begun while a call is under way it counts from the end of that one", async () => {
  const { clock, now, leisure } = stage();
  now.idle = false;
  leisure.watch(1000);
  await clock.advance(200);
  now.idle = true;
  const endedAt = clock.now();
  await clock.advance(5000);
  expect(now.over).toHaveLength(1);
  expect(now.over[0]).toBeGreaterThanOrEqual(endedAt + 1000);
  expect(now.over[0]).toBeLessThanOrEqual(endedAt + 1250);
});

test("whenever calls come and however long they run, it is over no earlier than the time after the last one's end, and a quarter later at most", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 3000 })), { maxLength: 8 }), async (calls) => {
      const { clock, now, leisure } = stage();
      leisure.watch(1000);
      let endedAt = clock.now();
      for (const [pause, length] of calls) {
        await clock.advance(pause);
        now.calls += 1;
        now.idle = false;
        await clock.advance(length);
        now.idle = true;
        endedAt = clock.now();
      }
      expect(now.over).toEqual([]);
      await clock.advance(5000);
      expect(now.over).toHaveLength(1);
      expect(now.over[0]).toBeGreaterThanOrEqual(endedAt + 1000);
      expect(now.over[0]).toBeLessThanOrEqual(endedAt + 1250);
    }),
    { numRuns: 50 },
  );
});
