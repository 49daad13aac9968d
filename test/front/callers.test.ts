import { describe, expect, test } from "bun:test";
import { defaultLimits, type Limits } from "../../src/base/index.ts";
import { Callers, type OpenRequest } from "../../src/front/callers.ts";
import { createTestClock } from "../fixtures/clock.ts";

const always = (): number => Number.POSITIVE_INFINITY;

const world = (streamsPerGrantMax = 2, more: Partial<Limits> = {}) => {
  const clock = createTestClock();
  const callers = new Callers(clock, { ...defaultLimits, streamsPerGrantMax, ...more });
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
    callers.stand(first, null, always);
    expect(callers.hasRoom(first.principal)).toBe(true);
    callers.stand(open("2", "a"), null, always);
    open("only a call", "a");
    expect([callers.hasRoom(first.principal), callers.hasRoom({ id: "b", scopes: [] })]).toEqual([false, true]);
    callers.leave(first);
    callers.leave(first);
    expect(callers.hasRoom(first.principal)).toBe(true);
  });

  test("of the operator are not counted: his programs share one token", () => {
    const { callers, open } = world(1);
    const own = open("1", "operator", null);
    callers.stand(own, null, always);
    expect(callers.hasRoom(own.principal)).toBe(true);
  });

  test("end with what they were opened with, however far that is, unless they have ended before", async () => {
    const { clock, callers, cut, open } = world(2, { tokenMemoMs: 7 * 24 * 60 * 60 * 1000 });
    const yearMs = 365 * 24 * 60 * 60 * 1000;
    const stand = (name: string, leftMs: number): OpenRequest => {
      const [request, until] = [open(name, "a"), clock.now() + leftMs];
      callers.stand(request, until, () => until);
      return request;
    };
    stand("soon", 5_000);
    stand("late", yearMs);
    callers.leave(stand("left", 5_000));
    await clock.advance(5_000);
    expect(cut).toEqual(["soon"]);
    await clock.advance(yearMs);
    expect(cut).toEqual(["soon", "late"]);
    expect(clock.pending).toBe(0);
  });

  test("are looked at again as often as calls are, and end with what was taken back or given less time meanwhile", async () => {
    const { clock, callers, cut, open } = world();
    const { tokenMemoMs } = defaultLimits;
    const until = { gone: Number.POSITIVE_INFINITY, shorter: Number.POSITIVE_INFINITY, stays: Number.POSITIVE_INFINITY };
    for (const name of ["gone", "shorter", "stays"] as const) callers.stand(open(name, name), clock.now() + 86_400_000, () => until[name]);
    await clock.advance(tokenMemoMs);
    until.gone = 0;
    until.shorter = clock.now() + 2.5 * tokenMemoMs;
    await clock.advance(tokenMemoMs);
    expect(cut).toEqual(["gone"]);
    await clock.advance(1.5 * tokenMemoMs);
    expect(cut).toEqual(["gone", "shorter"]);
    await clock.advance(tokenMemoMs);
    expect(cut).toEqual(["gone", "shorter"]);
  });
});
