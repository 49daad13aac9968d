import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Kept } from "../../src/era/kept.ts";
import { placeOf, Replay } from "../../src/era/replay.ts";
import { createTestClock } from "../fixtures/clock.ts";

// What an event takes beside its text.
const overhead = 256;
const replayOf = (replayEventsMax = 10, events = 10, bytes = 1000) => {
  const limits = { ...defaultLimits, replayEventsMax, replayBytesMax: events * overhead + bytes };
  return new Replay(limits, new Kept(createTestClock(), limits));
};
const place = (id: string) => placeOf(id) ?? { stream: "none", number: 0 };

describe("what was sent", () => {
  test("is given again for its own stream only, after the place that was reached", () => {
    const replay = replayOf();
    const start = replay.mark("p1");
    replay.add("p1", "a");
    replay.add("g2", "other");
    const last = replay.add("p1", "b");
    expect(replay.after(place(start)).map((event) => event.data)).toEqual(["a", "b"]);
    expect(replay.after(place(last))).toEqual([]);
    expect([replay.knows("p1"), replay.knows("p3")]).toEqual([true, false]);
  });

  test("is forgotten oldest first, by number and by size", () => {
    const few = replayOf(2);
    const start = few.mark("p1");
    for (const data of ["a", "b", "c"]) few.add("p1", data);
    expect(few.after(place(start)).map((event) => event.data)).toEqual(["b", "c"]);
    const small = replayOf(10, 2, 5);
    const first = small.mark("p1");
    for (const data of ["aa", "bb", "cc"]) small.add("p1", data);
    expect(small.after(place(first)).map((event) => event.data)).toEqual(["bb", "cc"]);
  });

  test("is not kept at all of a stream with something too large, and is of the others", () => {
    const replay = replayOf(10, 2, 5);
    replay.add("p1", "a");
    replay.add("p2", "b");
    replay.add("p1", "x".repeat(2 * overhead));
    expect([replay.knows("p1"), replay.knows("p2")]).toEqual([false, true]);
  });

  test("never shares an id", () => {
    const replay = replayOf();
    expect(new Set([replay.mark("p1"), replay.add("p1", ""), replay.add("g1", ""), replay.mark("g1")]).size).toBe(4);
  });
});

test("an event id of ours names a place, any other none", () => {
  expect(placeOf("g12_345")).toEqual({ stream: "g12", number: 345 });
  for (const id of ["", "12", "x1_1", "g1_", "g1_1 ", "g1_-1", `g1_${"9".repeat(20)}`]) expect(placeOf(id)).toBeNull();
});
