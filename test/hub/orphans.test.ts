import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Orphans } from "../../src/hub/orphans.ts";
import { createTestClock } from "../fixtures/clock.ts";

const limits = { ...defaultLimits, subscribeTriesMax: 3, backoffMsMin: 100, backoffMsMax: 250 };

/** Everybody who is asked would not, unless the test says otherwise. */
function stage() {
  const clock = createTestClock();
  const looked: string[] = [];
  const willing = new Set<string>();
  const orphans: Orphans<string> = new Orphans({
    clock,
    limits: () => limits,
    look(wish) {
      looked.push(wish);
      if (willing.has(wish)) orphans.delete(wish);
      else orphans.later();
    },
  });
  return { clock, looked, willing, orphans };
}

test("who would not tell is asked again in growing waits, a few times, and anew when the world changes", async () => {
  const { clock, looked, orphans } = stage();
  orphans.add("x");
  orphans.later();
  await clock.advance(49);
  expect(looked.length).toBe(0);
  await clock.advance(51);
  expect(looked.length).toBe(1);
  await clock.advance(60_000);
  expect([looked.length, clock.pending]).toEqual([3, 0]);
  orphans.retry();
  expect(looked.length).toBe(4);
  await clock.advance(60_000);
  expect([looked.length, clock.pending]).toEqual([7, 0]);
});

test("nobody is looked at who has somebody by now, and no timer is left of the last", async () => {
  const { clock, looked, willing, orphans } = stage();
  for (const wish of ["x", "y"]) orphans.add(wish);
  willing.add("x");
  orphans.later();
  orphans.later();
  expect(clock.pending).toBe(1);
  await clock.advance(100);
  expect(looked).toEqual(["x", "y"]);
  await clock.advance(250);
  expect(looked).toEqual(["x", "y", "y"]);
  orphans.delete("y");
  expect(clock.pending).toBe(0);
  orphans.later();
  expect(clock.pending).toBe(0);
});

test("after the end nobody is looked at", async () => {
  const { clock, looked, orphans } = stage();
  orphans.add("x");
  orphans.later();
  orphans.close();
  orphans.add("y");
  orphans.later();
  orphans.retry();
  await clock.advance(60_000);
  expect([looked, clock.pending]).toEqual([[], 0]);
});
