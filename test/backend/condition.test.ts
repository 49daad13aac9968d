import { expect, test } from "bun:test";
import { Condition } from "../../src/backend/condition.ts";
import { CancelSource } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

function stage() {
  const clock = createTestClock();
  const told: string[] = [];
  const condition = new Condition(clock, "starting", () => told.push(condition.state));
  return { clock, told, condition };
}

test("a change tells the state, since when, why and when it is tried again, and forgets the reason of the state before", async () => {
  const { clock, told, condition } = stage();
  await clock.advance(500);
  condition.failed("it crashed");
  const at = clock.now();
  condition.become("backing-off", { reason: "it crashed", retryAt: at + 250 });
  expect(condition.facts).toEqual({ state: "backing-off", since: at, reason: "it crashed", retryAt: at + 250, lastError: { message: "it crashed", at } });
  await clock.advance(250);
  condition.become("ready");
  expect(condition.facts).toEqual({ state: "ready", since: at + 250, reason: null, retryAt: null, lastError: { message: "it crashed", at } });
  expect(told).toEqual(["backing-off", "ready"]);
});

test("what was so from the beginning has its reason, and is no change", () => {
  const { told, condition } = stage();
  condition.explain("no such variable");
  expect(condition.facts).toMatchObject({ reason: "no such variable", lastError: { message: "no such variable" } });
  expect(told).toEqual([]);
});

test("who waits goes on at the next change, after the time, or when cancelled, and leaves nothing behind", async () => {
  const { clock, condition } = stage();
  const cancel = new CancelSource();
  const ends: string[] = [];
  void condition.next(1000).then(() => ends.push("change"));
  void condition.next(100).then(() => ends.push("time"));
  void condition.next(1000, cancel).then(() => ends.push("cancelled"));
  expect(condition.waiting).toBe(3);
  await clock.advance(100);
  cancel.cancel("enough");
  await clock.settle();
  condition.become("ready");
  await clock.settle();
  expect(ends).toEqual(["time", "cancelled", "change"]);
  expect([condition.waiting, clock.pending]).toEqual([0, 0]);
});

test("from being stopped nothing leads anywhere but to having stopped, whatever comes a moment too late", () => {
  const { told, condition } = stage();
  condition.become("draining");
  for (const state of ["ready", "degraded", "backing-off"] as const) condition.become(state, { reason: "late" });
  expect([condition.isOver, condition.facts.reason, told]).toEqual([true, null, ["draining"]]);
  condition.become("stopped");
  condition.become("ready");
  expect(told).toEqual(["draining", "stopped"]);
});

test("being stopped and being stopped already are over, nothing else is", () => {
  const { condition } = stage();
  for (const state of ["starting", "ready", "degraded", "idle", "backing-off"] as const) {
    condition.become(state);
    expect(condition.isOver).toBe(false);
  }
  for (const state of ["draining", "stopped"] as const) {
    condition.become(state);
    expect(condition.isOver).toBe(true);
  }
});
