import { describe, expect, test } from "bun:test";
import { Heads } from "../../src/era/heads.ts";
import { createTestClock } from "../fixtures/clock.ts";

const waiting = (name: string, log: string[]) => ({ watchClient: () => void log.push(`${name} watched`), openHead: () => void log.push(`${name} opened`), shutDown: () => void log.push(`${name} ended`) });

describe("open heads", () => {
  test("are opened one by one, each at its own time, after a look at its client", async () => {
    const clock = createTestClock();
    const heads = new Heads(clock, { patienceMs: 20, headMsMax: 100 });
    const log: string[] = [];
    heads.enter(waiting("a", log));
    await clock.advance(50);
    heads.enter(waiting("b", log));
    await clock.advance(50);
    expect(log).toEqual(["a watched", "b watched", "a opened"]);
    expect(clock.pending).toBe(1);
    await clock.advance(49);
    expect(log).toHaveLength(3);
    await clock.advance(1);
    expect(log.at(-1)).toBe("b opened");
    expect(clock.pending).toBe(0);
  });

  test("that were left are not opened", async () => {
    const clock = createTestClock();
    const heads = new Heads(clock, { patienceMs: 20, headMsMax: 100 });
    const log: string[] = [];
    const one = waiting("a", log);
    heads.enter(one);
    heads.leave(one);
    await clock.advance(1000);
    expect(log).toEqual([]);
    const late = waiting("b", log);
    heads.enter(late);
    await clock.advance(50);
    heads.leave(late);
    await clock.advance(1000);
    expect(log).toEqual(["b watched"]);
  });

  test("are all ended at the end, and none is opened after it", async () => {
    const clock = createTestClock();
    const heads = new Heads(clock, { patienceMs: 20, headMsMax: 100 });
    const log: string[] = [];
    heads.enter(waiting("a", log));
    await clock.advance(50);
    heads.enter(waiting("b", log));
    heads.close();
    await clock.advance(1000);
    expect(log).toEqual(["a watched", "b ended", "a ended"]);
  });
});
