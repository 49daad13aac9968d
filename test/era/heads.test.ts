import { describe, expect, test } from "bun:test";
import { Heads } from "../../src/era/heads.ts";
import { createTestClock } from "../fixtures/clock.ts";

const waiting = (name: string, log: string[]) => ({ openHead: () => void log.push(`${name} opened`), shutDown: () => void log.push(`${name} ended`) });

describe("open heads", () => {
  test("are closed one by one, each at its own time, by one timer", async () => {
    const clock = createTestClock();
    const heads = new Heads(clock, 100);
    const log: string[] = [];
    heads.enter(waiting("a", log));
    await clock.advance(50);
    heads.enter(waiting("b", log));
    expect(clock.pending).toBe(1);
    await clock.advance(50);
    expect(log).toEqual(["a opened"]);
    await clock.advance(49);
    expect(log).toHaveLength(1);
    await clock.advance(1);
    expect(log).toEqual(["a opened", "b opened"]);
    expect(clock.pending).toBe(0);
  });

  test("that were left are not opened", async () => {
    const clock = createTestClock();
    const heads = new Heads(clock, 100);
    const log: string[] = [];
    const one = waiting("a", log);
    heads.enter(one);
    heads.leave(one);
    await clock.advance(1000);
    expect(log).toEqual([]);
    heads.enter(waiting("b", log));
    await clock.advance(100);
    expect(log).toEqual(["b opened"]);
  });

  test("are all ended at the end, and none is opened after it", async () => {
    const clock = createTestClock();
    const heads = new Heads(clock, 100);
    const log: string[] = [];
    heads.enter(waiting("a", log));
    heads.close();
    await clock.advance(1000);
    expect(log).toEqual(["a ended"]);
  });
});
