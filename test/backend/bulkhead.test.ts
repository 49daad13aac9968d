import { expect, test } from "bun:test";
import fc from "fast-check";
import { CancelSource, type Fault } from "../../src/base/index.ts";
import { Bulkhead, type Passenger, Principals } from "../../src/backend/bulkhead.ts";
import { emptyObject, type Outcome } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

const done: Outcome = { kind: "done", result: emptyObject };
const passenger = (id = "me", cancel = new CancelSource()): Passenger => ({ method: "tools/call", principal: { id, scopes: null }, cancel });
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const make = (max: number, limits: { queuedMax?: number; callsPerPrincipalMax?: number } = {}) => {
  const clock = createTestClock();
  const all = { queuedMax: 2, callsPerPrincipalMax: 100, ...limits };
  const bulkhead = new Bulkhead(max, { backend: "b", clock, limits: all, principals: new Principals(all) });
  const running: PromiseWithResolvers<Outcome>[] = [];
  const times: number[] = [];
  const run = (who = passenger(), timeoutMs = 1000): Promise<Fault | "done"> =>
    bulkhead
      .run(who, timeoutMs, (ms) => {
        times.push(ms);
        const one = Promise.withResolvers<Outcome>();
        running.push(one);
        return one.promise;
      })
      .then(() => "done" as const, (thrown: Fault) => thrown);
  return { clock, bulkhead, running, times, run };
};

test("as many as may be under way begin at once, the next wait in order, and one too many is refused with nothing sent", async () => {
  const { run, running, bulkhead } = make(2);
  const ends = [run(), run(), run(), run()];
  expect([running.length, bulkhead.size]).toEqual([2, 4]);
  const refused = (await run()) as Fault;
  expect(refused).toMatchObject({ code: "BACKEND_BUSY", data: { sent: false } });
  expect(refused.message).toBe("b: too many calls are in flight to the server (2 are under way, 2 wait for their turn)");
  for (let n = 0; n < 4; n++) {
    running[n]?.resolve(done);
    await turn();
  }
  expect(await Promise.all(ends)).toEqual(["done", "done", "done", "done"]);
  expect(bulkhead.size).toBe(0);
});

test("who waited has only what is left of its time, and none waits longer than that", async () => {
  const { run, running, times, clock, bulkhead } = make(1);
  void run();
  const second = run(passenger(), 500);
  const third = run(passenger(), 300) as Promise<Fault>;
  await clock.advance(300);
  expect(await third).toMatchObject({ code: "BACKEND_BUSY", data: { sent: false } });
  expect((await third).message).toContain("its turn did not come within 300 ms");
  await clock.advance(100);
  running[0]?.resolve(done);
  await turn();
  expect(times).toEqual([1000, 100]);
  running[1]?.reject(new Error("it failed"));
  expect(await second).toBeInstanceOf(Error);
  expect([bulkhead.size, clock.pending]).toEqual([0, 0]);
});

test("who is cancelled while it waits leaves the line and begins nothing", async () => {
  const { run, running, clock } = make(1);
  const cancel = new CancelSource();
  void run();
  const second = run(passenger("me", cancel));
  const third = run();
  cancel.cancel("not needed");
  expect(await second).toMatchObject({ code: "CALL_CANCELLED" });
  running[0]?.resolve(done);
  await turn();
  expect(running).toHaveLength(2);
  running[1]?.resolve(done);
  expect([await third, clock.pending]).toEqual(["done", 0]);
});

test("one principal has no more than its share over all servers, and others are served", async () => {
  const all = { queuedMax: 2, callsPerPrincipalMax: 2 };
  const principals = new Principals(all);
  const [one, other] = ["one", "other"].map((backend) => new Bulkhead(10, { backend, clock: createTestClock(), limits: all, principals })) as [Bulkhead, Bulkhead];
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const mine = [one.run(passenger(), 100, () => promise), other.run(passenger(), 100, () => promise)];
  const refused = await other.run(passenger(), 100, () => promise).catch((thrown: Fault) => thrown);
  expect(refused).toMatchObject({ code: "LIMIT_REACHED", data: { sent: false } });
  expect((refused as Fault).message).toContain("limits.callsPerPrincipalMax");
  const theirs = other.run(passenger("somebody else"), 100, () => promise);
  resolve(done);
  await Promise.all([...mine, theirs]);
  expect(await one.run(passenger(), 100, () => promise)).toBe(done);
});

test("a bound that is raised lets in who waits", async () => {
  const { run, running, bulkhead } = make(1);
  for (let n = 0; n < 3; n++) void run();
  bulkhead.max = 3;
  await turn();
  expect(running).toHaveLength(3);
});

test("whatever happens in whatever order, no more than the bound are under way, and every place comes free again", async () => {
  const deed = fc.record({ what: fc.constantFrom("run", "end", "cancel", "wait", "bound"), pick: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 60 }), async (deeds) => {
      const story = new Story();
      for (const { what, pick } of deeds) {
        await story[what](pick);
        await story.settle();
        expect(story.open.size).toBeLessThanOrEqual(story.max);
      }
      expect(await story.over()).toEqual([0, 0]);
    }),
    { numRuns: 100 },
  );
});

/** What can happen to a bulkhead of three places, with all that is under way in it. */
class Story {
  readonly open = new Set<PromiseWithResolvers<Outcome>>();
  /** The highest bound that there was. */
  max = 3;
  readonly #made = make(3, { queuedMax: 3, callsPerPrincipalMax: 5 });
  readonly #cancels: CancelSource[] = [];
  readonly #ends: Promise<unknown>[] = [];
  #seen = 0;

  run(pick: number): void {
    const cancel = new CancelSource();
    this.#cancels.push(cancel);
    this.#ends.push(this.#made.run(passenger(`p${pick % 2}`, cancel), 50));
  }

  end(pick: number): void {
    const one = [...this.open][pick % Math.max(1, this.open.size)];
    if (one === undefined) return;
    this.open.delete(one);
    one.resolve(done);
  }

  cancel(pick: number): void {
    this.#cancels[pick % Math.max(1, this.#cancels.length)]?.cancel("x");
  }

  wait(ms: number): Promise<void> {
    return this.#made.clock.advance(ms);
  }

  /** Another bound holds from now on. */
  bound(pick: number): void {
    this.max = Math.max(this.max, 1 + (pick % 4));
    this.#made.bulkhead.max = 1 + (pick % 4);
  }

  async settle(): Promise<void> {
    await this.#made.clock.settle();
    for (const one of this.#made.running.slice(this.#seen)) this.open.add(one);
    this.#seen = this.#made.running.length;
  }

  /** Ends everything; gives what is left of it. */
  async over(): Promise<readonly number[]> {
    await this.wait(100);
    for (await this.settle(); this.open.size > 0; await this.settle()) while (this.open.size > 0) this.end(0);
    await Promise.all(this.#ends);
    return [this.#made.bulkhead.size, this.#made.clock.pending];
  }
}
