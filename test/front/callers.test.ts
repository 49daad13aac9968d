import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Callers, type OpenRequest } from "../../src/front/callers.ts";
import { createTestClock } from "../fixtures/clock.ts";

const world = (streamsPerGrantMax = 2) => {
  const clock = createTestClock();
  const callers = new Callers(clock, { ...defaultLimits, streamsPerGrantMax });
  const cut: string[] = [];
  const open = (name: string, id: string, scopes: readonly string[] | null = []): OpenRequest => {
    const request = { principal: { id, scopes }, cut: () => void cut.push(name) };
    callers.enter(request);
    return request;
  };
  return { clock, callers, cut, open };
};

describe("the end of a grant", () => {
  test("cuts everything that is open to it, and nothing of others", () => {
    const { callers, cut, open } = world();
    open("a1", "a");
    open("a2", "a");
    open("b", "b");
    callers.leave(open("a3", "a"));
    callers.end(["a", "nobody"]);
    expect(cut).toEqual(["a1", "a2"]);
  });
});

describe("streams that stand", () => {
  test("are limited for each grant, and one that has ended makes room", () => {
    const { callers, open } = world();
    const first = open("1", "a");
    callers.stand(first, null);
    expect(callers.hasRoom(first.principal)).toBe(true);
    callers.stand(open("2", "a"), null);
    open("only a call", "a");
    expect([callers.hasRoom(first.principal), callers.hasRoom({ id: "b", scopes: [] })]).toEqual([false, true]);
    callers.leave(first);
    callers.leave(first);
    expect(callers.hasRoom(first.principal)).toBe(true);
  });

  test("of the operator are not counted: his programs share one token", () => {
    const { callers, open } = world(1);
    const own = open("1", "operator", null);
    callers.stand(own, null);
    expect(callers.hasRoom(own.principal)).toBe(true);
  });

  test("end with what they were opened with, however far that is, unless they have ended before", async () => {
    const { clock, callers, cut, open } = world();
    const yearMs = 365 * 24 * 60 * 60 * 1000;
    callers.stand(open("soon", "a"), clock.now() + 5_000);
    callers.stand(open("late", "a"), clock.now() + yearMs);
    const left = open("left", "a");
    callers.stand(left, clock.now() + 5_000);
    callers.leave(left);
    await clock.advance(5_000);
    expect(cut).toEqual(["soon"]);
    await clock.advance(yearMs);
    expect(cut).toEqual(["soon", "late"]);
    expect(clock.pending).toBe(0);
  });
});
