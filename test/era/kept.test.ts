import { describe, expect, test } from "bun:test";
import { Kept } from "../../src/era/kept.ts";
import { createTestClock } from "../fixtures/clock.ts";

const worldOf = (replayAllBytesMax = 100, replayMsMax = 1000) => {
  const clock = createTestClock();
  const kept = new Kept(clock, { replayAllBytesMax, replayMsMax });
  const forgotten: string[] = [];
  const keeperOf = (name: string) => {
    let held = 0;
    const keeper = {
      clear: () => {
        forgotten.push(name);
        kept.shrunk(keeper, held, true);
        held = 0;
      },
      grow: (bytes: number) => {
        held += bytes;
        kept.grown(keeper, bytes);
      },
    };
    return keeper;
  };
  return { clock, kept, keeperOf, forgotten };
};

describe("what all sessions keep together", () => {
  test("is bounded: whoever had nothing new for longest loses it", () => {
    const { keeperOf, forgotten } = worldOf();
    const [first, second, third] = [keeperOf("first"), keeperOf("second"), keeperOf("third")];
    first.grow(40);
    second.grow(40);
    first.grow(10);
    third.grow(40);
    expect(forgotten).toEqual(["second"]);
    third.grow(90);
    expect(forgotten).toEqual(["second", "first", "third"]);
  });

  test("is not held for ever: each keeper for a time after its last news", async () => {
    const { clock, keeperOf, forgotten } = worldOf();
    const [first, second] = [keeperOf("first"), keeperOf("second")];
    first.grow(1);
    await clock.advance(600);
    second.grow(1);
    await clock.advance(399);
    expect(forgotten).toEqual([]);
    await clock.advance(1);
    expect(forgotten).toEqual(["first"]);
    await clock.advance(600);
    expect([forgotten, clock.pending]).toEqual([["first", "second"], 0]);
  });

  test("leaves no timer behind when nothing is left", () => {
    const { clock, keeperOf } = worldOf();
    const one = keeperOf("one");
    one.grow(1);
    expect(clock.pending).toBe(1);
    one.clear();
    expect(clock.pending).toBe(0);
  });
});
