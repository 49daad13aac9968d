import { expect, test } from "bun:test";
import type { Backend } from "../../src/backend/backend.ts";
import { Instances } from "../../src/backend/instances.ts";
import { CancelSource, defaultLimits } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { statusOf } from "../fixtures/pool.ts";

const idleMs = 1000;

/** Instances that do nothing but say when they are closed. */
function stageOf(instancesMax = 3) {
  const clock = createTestClock();
  const instances = new Instances({ name: "b", clock, limits: { ...defaultLimits, instancesMax, instanceIdleMsMax: idleMs }, ended: () => undefined });
  const closed: string[] = [];
  const busy = new Set<string>();
  const add = (key: string, session: CancelSource | null = null): Backend =>
    instances.add(key, session && { id: key, ended: session }, () => ({
      call: () => Promise.reject(new Error("nobody calls")),
      ready: () => Promise.resolve(),
      subscribe: () => Promise.resolve(false),
      unsubscribe: () => Promise.resolve(),
      offered: () => null,
      facts: null,
      login: null,
      settledAnew: () => Promise.resolve(),
      again: async () => false,
      want: () => undefined,
      moved: null,
      noticed: () => undefined,
      suspect: () => undefined,
      status: () => statusOf("b"),
      settled: () => Promise.resolve(),
      get inFlight() {
        return busy.has(key) ? 1 : 0;
      },
      get idle() {
        return !busy.has(key);
      },
      adjust: () => undefined,
      close: async () => void closed.push(key),
    }));
  return { clock, instances, closed, busy, add };
}

test("an instance is found again by its key, and ended when nobody has used it for long", async () => {
  const { clock, instances, closed, add } = stageOf();
  const [a, b] = [add("a"), add("b")];
  await clock.advance(idleMs - 1);
  expect(instances.use("a")).toBe(a);
  expect([...instances.backends()]).toEqual([a, b]);
  await clock.advance(1);
  expect(closed).toEqual(["b"]);
  expect(instances.use("b")).toBeNull();
  await clock.advance(idleMs - 1);
  expect(closed).toEqual(["b", "a"]);
  expect(clock.pending).toBe(0);
});

test("an instance at work is not idle, and its time starts when the work is over", async () => {
  const { clock, closed, busy, add } = stageOf();
  add("a");
  busy.add("a");
  await clock.advance(5 * idleMs);
  busy.delete("a");
  await clock.advance(idleMs - 1);
  expect(closed).toEqual([]);
  await clock.advance(1);
  expect(closed).toEqual(["a"]);
});

test("an instance ends with its session, and the session keeps nothing of one that has ended before", async () => {
  const { clock, closed, add } = stageOf();
  const [one, two] = [new CancelSource(), new CancelSource()];
  add("one", one);
  add("two", two);
  one.cancel("closed");
  await clock.settle();
  expect(closed).toEqual(["one"]);
  await clock.advance(idleMs);
  two.cancel("closed");
  expect(closed).toEqual(["one", "two"]);
});

test("there are no more than the limit says: the idle one that was used longest ago makes room, and none at work", async () => {
  const { clock, instances, closed, busy, add } = stageOf(3);
  add("a");
  await clock.advance(1);
  add("b");
  await clock.advance(1);
  instances.use("a");
  add("c");
  expect(closed).toEqual(["b"]);
  busy.add("a").add("c");
  expect(() => add("d")).toThrow(expect.objectContaining({ code: "LIMIT_REACHED", message: expect.stringContaining("limits.instancesMax is 3") }));
  busy.delete("a");
  add("d");
  expect(closed).toEqual(["b", "a"]);
});

test("closing ends all, and nothing is looked after any more", async () => {
  const { clock, instances, closed, add } = stageOf();
  add("a");
  add("b", new CancelSource());
  await instances.close();
  expect(closed).toEqual(["a", "b"]);
  expect(clock.pending).toBe(0);
  expect([...instances.backends()]).toEqual([]);
});
