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
  const deed = fc.record({ what: fc.constantFrom("run", "end", "cancel", "wait", "max"), pick: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 60 }), async (deeds) => {
      const { run, running, clock, bulkhead } = make(3, { queuedMax: 3, callsPerPrincipalMax: 5 });
      const cancels: CancelSource[] = [];
      const ends: Promise<unknown>[] = [];
      const open = new Set<PromiseWithResolvers<Outcome>>();
      let seen = 0;
      let max = 3;
      for (const { what, pick } of deeds) {
        if (what === "run") {
          const cancel = new CancelSource();
          cancels.push(cancel);
          ends.push(run(passenger(`p${pick % 2}`, cancel), 50));
        } else if (what === "end") {
          const one = [...open][pick % Math.max(1, open.size)];
          if (one !== undefined) open.delete(one);
          one?.resolve(done);
        } else if (what === "cancel") cancels[pick % Math.max(1, cancels.length)]?.cancel("x");
        else if (what === "wait") await clock.advance(pick);
        else {
          max = Math.max(max, 1 + (pick % 4));
          bulkhead.max = 1 + (pick % 4);
        }
        await clock.settle();
        for (; seen < running.length; seen += 1) open.add(running[seen] as PromiseWithResolvers<Outcome>);
        expect(open.size).toBeLessThanOrEqual(max);
      }
      await clock.advance(100);
      for (; open.size > 0 || seen < running.length; ) {
        for (; seen < running.length; seen += 1) open.add(running[seen] as PromiseWithResolvers<Outcome>);
        for (const one of open) one.resolve(done);
        open.clear();
        await clock.settle();
      }
      await Promise.all(ends);
      expect([bulkhead.size, clock.pending]).toEqual([0, 0]);
    }),
    { numRuns: 100 },
  );
});
