import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../src/base/index.ts";
import { Pending } from "../../src/backend/pending.ts";
import { createTestClock } from "../fixtures/clock.ts";

const make = (pendingMax = 10) => {
  const clock = createTestClock();
  return { clock, pending: new Pending<string>({ clock, pendingMax, backend: "b" }) };
};
const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "answered", (thrown: Fault) => thrown.code);

test("an answer reaches the request of its id, once", async () => {
  const { pending } = make();
  const [a, b] = [pending.nextId(), pending.nextId()];
  const answers = [pending.open(a, 100, null), pending.open(b, 100, null)];
  expect(pending.settle(b, "for b")).toBe(true);
  expect(pending.settle(a, "for a")).toBe(true);
  expect(pending.settle(a, "again")).toBe(false);
  expect(await Promise.all(answers)).toEqual(["for a", "for b"]);
  expect(pending.size).toBe(0);
});

test("each request fails at its own deadline, with one timer for all", async () => {
  const { pending, clock } = make();
  const codes: string[] = [];
  let dropped = 0;
  for (const ms of [300, 100, 200]) void codeOf(pending.open(pending.nextId(), ms, () => (dropped += 1))).then((code) => codes.push(`${code} ${ms}`));
  expect(clock.pending).toBe(1);
  await clock.advance(99);
  expect(codes).toEqual([]);
  await clock.advance(1);
  expect(codes).toEqual(["BACKEND_TIMEOUT 100"]);
  await clock.advance(200);
  expect(codes).toEqual(["BACKEND_TIMEOUT 100", "BACKEND_TIMEOUT 200", "BACKEND_TIMEOUT 300"]);
  expect(dropped).toBe(3);
  expect(clock.pending).toBe(0);
});

test("a table that is full refuses the next request and says that it was not sent", () => {
  const { pending } = make(1);
  void pending.open(pending.nextId(), 100, null);
  expect(() => pending.open(pending.nextId(), 100, null)).toThrow(expect.objectContaining({ code: "BACKEND_BUSY", data: { sent: false } }));
});

test("an abandoned request rejects, its resources are dropped, and its late answer reaches nobody", async () => {
  const { pending } = make();
  let dropped = false;
  const id = pending.nextId();
  const code = codeOf(pending.open(id, 100, () => (dropped = true)));
  pending.abandon(id);
  pending.abandon(id);
  expect(await code).toBe("CALL_CANCELLED");
  expect(dropped).toBe(true);
  expect(pending.settle(id, "late")).toBe(false);
});

test("whatever the order of answers, deadlines and abandonments, every request ends exactly once", async () => {
  const deed = fc.record({ what: fc.constantFrom("open", "settle", "abandon", "wait"), pick: fc.nat(30), ms: fc.integer({ min: 1, max: 500 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 60 }), async (deeds) => {
      const { pending, clock } = make(20);
      const ends = new Map<number, number>();
      let opened = 0;
      const open = (ms: number): void => {
        if (pending.size === 20) return;
        const id = pending.nextId();
        opened += 1;
        const end = () => void ends.set(id, (ends.get(id) ?? 0) + 1);
        pending.open(id, ms, null).then(end, end);
      };
      for (const { what, pick, ms } of deeds) {
        if (what === "open") open(ms);
        else if (what === "settle") pending.settle(pick, "x");
        else if (what === "abandon") pending.abandon(pick);
        else await clock.advance(ms);
      }
      await clock.advance(1000);
      expect(pending.size).toBe(0);
      expect([...ends.values()]).toEqual(Array.from({ length: opened }, () => 1));
    }),
    { numRuns: 60 },
  );
});

test("a request that is meant to stay open is none that anybody waits for, however it ends", async () => {
  const { pending } = make();
  const [answered, failed, waited] = [pending.nextId(), pending.nextId(), pending.nextId()];
  const standing = [pending.open(answered, 100, null, true), codeOf(pending.open(failed, 100, null, true))];
  const call = pending.open(waited, 100, null);
  expect(pending.size).toBe(1);
  pending.settle(answered, "done");
  pending.abandon(failed);
  expect(await Promise.all(standing)).toEqual(["done", "CALL_CANCELLED"]);
  expect(pending.size).toBe(1);
  pending.settle(waited, "call");
  expect([await call, pending.size]).toEqual(["call", 0]);
});

test("a deadline can be put off, and drawn in again", async () => {
  const { pending, clock } = make();
  const [id, other] = [pending.nextId(), pending.nextId()];
  let code = "";
  void codeOf(pending.open(id, 100, null)).then((fault) => (code = fault));
  void codeOf(pending.open(other, 10_000, null));
  pending.postpone(id, 1_000);
  await clock.advance(999);
  expect(code).toBe("");
  pending.postpone(id, 50);
  await clock.advance(49);
  expect(code).toBe("");
  await clock.advance(1);
  expect(code).toBe("BACKEND_TIMEOUT");
  pending.postpone(id, 50);
  pending.abandon(other);
  expect(pending.size).toBe(0);
});

test("a request that ran out of time while nothing was heard is told of, once for all that are due; one under which something was heard is not", async () => {
  const clock = createTestClock();
  let late = 0;
  const pending = new Pending<string>({ clock, pendingMax: 10, backend: "b", late: () => (late += 1) });
  for (const ms of [100, 100]) void codeOf(pending.open(pending.nextId(), ms, null));
  await clock.advance(100);
  expect(late).toBe(1);
  void codeOf(pending.open(pending.nextId(), 100, null));
  pending.hear();
  expect(pending.heard).toBe(1);
  await clock.advance(100);
  expect(late).toBe(1);
  // What is meant to stay open proves nothing by doing so.
  void codeOf(pending.open(pending.nextId(), 100, null, true));
  await clock.advance(100);
  expect(late).toBe(1);
});

test("who waited in vain learns of whom, and for how long, however often the end was put off", async () => {
  const { pending, clock } = make();
  const id = pending.nextId();
  let message = "";
  void pending.open(id, 100, null).catch((thrown: Fault) => (message = thrown.message));
  await clock.advance(90);
  pending.postpone(id, 100);
  await clock.advance(100);
  expect(message).toBe("b: the server did not answer in time (nothing within 190 ms)");
});

test("an answer that cannot be read, or came under our id made text, fails its request alone", async () => {
  const { pending } = make();
  const [a, b] = [pending.nextId(), pending.nextId()];
  const ends = [codeOf(pending.open(a, 100, null)), codeOf(pending.open(b, 100, null))];
  expect([pending.garbled(99, "x"), pending.misdirected('"99"'), pending.misdirected('"x"'), pending.misdirected("1")]).toEqual([false, false, false, false]);
  expect([pending.garbled(a, "x"), pending.misdirected(`"${b}"`)]).toEqual([true, true]);
  expect(await Promise.all(ends)).toEqual(["BACKEND_GARBLED", "BACKEND_GARBLED"]);
});
