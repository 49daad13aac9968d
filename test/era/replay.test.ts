import { describe, expect, test } from "bun:test";
import { placeOf, Replay } from "../../src/era/replay.ts";

const replayOf = (replayEventsMax = 10, replayBytesMax = 1000) => new Replay({ replayEventsMax, replayBytesMax });
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
    const small = replayOf(10, 5);
    const first = small.mark("p1");
    for (const data of ["aa", "bb", "cc"]) small.add("p1", data);
    expect(small.after(place(first)).map((event) => event.data)).toEqual(["bb", "cc"]);
    small.add("p1", "much too long to be kept");
    expect(small.knows("p1")).toBe(false);
    small.add("p1", "dd");
    expect(small.after(place(first)).map((event) => event.data)).toEqual(["dd"]);
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
