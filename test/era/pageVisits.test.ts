/** Whether a call that is made again after a visit waits, and what ends the wait; a clock moved by hand. */
import { expect, test } from "bun:test";
import { CancelSource, createCallIds, defaultLimits, type Limits } from "../../src/base/index.ts";
import { ClientCall, nowhere } from "../../src/era/clientCall.ts";
import { PageVisits } from "../../src/era/pageVisits.ts";
import { emptyObject } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { alice } from "../fixtures/era.ts";

const caller = (): ClientCall =>
  new ClientCall(
    { callIds: createCallIds("t"), id: "1", round: 0, method: "tools/call", params: emptyObject, meta: null, principal: alice, selection: { server: null }, client: { info: null, capabilities: "{}" }, progressToken: null, logLevel: null, resume: null, session: null, backend: null, paramHeaders: null },
    nowhere,
    { ask: () => Promise.reject(new Error("not asked")), visited: () => undefined },
  );
const required = (...ids: unknown[]) => ({ code: -32042, message: "visit", data: JSON.stringify({ elicitations: ids.map((elicitationId) => ({ elicitationId })) }), raw: "{}" });
const setUp = (limits: Partial<Limits> = {}) => {
  const clock = createTestClock();
  return { clock, visits: new PageVisits(clock, { ...defaultLimits, ...limits }) };
};
const never = new CancelSource();
/** What a wait has come to by now. */
const watched = (wait: Promise<void> | null): { over: boolean } => {
  const state = { over: wait === null };
  void wait?.then(() => (state.over = true));
  return state;
};

test("waits until the backend said of the last page that it is done with, and told nothing by strangers", async () => {
  const { visits, clock } = setUp();
  const [call, other] = [caller(), caller()];
  const name = visits.begin(call, required("a", "b"));
  const [one, two] = [watched(visits.over(name, never)), watched(visits.over(name, never))];
  for (const [who, id] of [[call, "a"], [other, "b"], [call, "c"], [call, null]] as const) visits.ended(who, id);
  await clock.settle();
  expect([one.over, two.over]).toEqual([false, false]);
  visits.ended(call, "b");
  await clock.settle();
  expect([one.over, two.over, clock.pending]).toEqual([true, true, 0]);
  expect(visits.over(name, never)).toBeNull();
});

test("does not wait where the visit is over before, the backend cannot tell of it, or nobody knows it", () => {
  const { visits } = setUp({ elicitationsMax: 2, visitIdCharsMax: 3 });
  const call = caller();
  const name = visits.begin(call, required("a"));
  visits.ended(call, "a");
  expect([visits.over(name, never), visits.over("", never), visits.over("unknown", never)]).toEqual([null, null, null]);
  const bare = { code: -32042, message: "", raw: "{}" };
  for (const error of [required(), required(7), required("long"), { ...bare, data: null }, { ...bare, data: "[]" }, { ...bare, data: '{"elicitations":{}}' }]) expect(visits.begin(call, error)).toBe("");
});

test("waits no longer than its time, nor for a client that has gone", async () => {
  const { visits, clock } = setUp();
  const name = visits.begin(caller(), required("a"));
  const source = new CancelSource();
  const [left, patient] = [watched(visits.over(name, source)), watched(visits.over(name, never))];
  source.cancel("gone");
  await clock.settle();
  expect([left.over, patient.over]).toEqual([true, false]);
  await clock.advance(defaultLimits.visitMsMax - 1);
  expect(patient.over).toBe(false);
  await clock.advance(1);
  expect([patient.over, clock.pending]).toEqual([true, 0]);
  expect(watched(visits.over(name, source)).over).toBe(false);
  await clock.settle();
  expect(clock.pending).toBe(0);
});

test("remembers the newest visits, as long as their states last, and of one only some pages", async () => {
  const { visits, clock } = setUp({ pageVisitsMax: 2, elicitationsMax: 1 });
  const call = caller();
  const names = ["a", "b", "c"].map((id) => visits.begin(call, required(id)));
  const known = (): boolean[] => names.map((name) => {
    const source = new CancelSource();
    const wait = visits.over(name, source);
    source.cancel("looked");
    return wait !== null;
  });
  expect(known()).toEqual([false, true, true]);
  await clock.advance(defaultLimits.stateMsMax);
  const late = caller();
  const last = visits.begin(late, required("d", "e"));
  expect(known()).toEqual([false, false, false]);
  visits.ended(late, "d");
  expect(visits.over(last, never)).toBeNull();
});
