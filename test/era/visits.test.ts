import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Visits } from "../../src/era/visits.ts";
import type { Call, Notice, Notification } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { objectFrom } from "../fixtures/pool.ts";
import { messageOf } from "../fixtures/wire.ts";

const ended = (id: string): Notification => messageOf(`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":${id}}}`) as Notification;
const caller = (): { call: Call; notices: Notice[] } => {
  const notices: Notice[] = [];
  return { call: callOf("tools/call", "{}", { notice: (notice) => notices.push(notice) }), notices };
};
const required = (data: string, code = -32042) => ({ code, message: "visit", data, raw: "{}" });

test("the end of a visit is told once, to the call that was sent on it and to no other", () => {
  const visits = new Visits(defaultLimits);
  const [one, two] = [caller(), caller()];
  visits.asked(objectFrom('{"mode":"url","elicitationId":"a"}'), one.call);
  visits.failed(required('{"elicitations":[{"elicitationId":"b","url":"https://x.example"},{"elicitationId":"c"},7,{}]}'), two.call);
  expect(["a", "c", "c", "x"].map((id) => visits.ended(ended(`"${id}"`)))).toEqual([true, true, false, false]);
  expect(one.notices).toMatchObject([{ kind: "other", method: "notifications/elicitation/complete" }]);
  expect(two.notices).toHaveLength(1);
  visits.clear();
  expect(visits.ended(ended('"b"'))).toBe(false);
});

test("what names no visit is none", () => {
  const visits = new Visits(defaultLimits);
  const { call, notices } = caller();
  visits.asked(objectFrom('{"mode":"form"}'), call);
  visits.asked(objectFrom('{"elicitationId":7}'), call);
  for (const error of [required('{"elicitations":[{"elicitationId":"b"}]}', -32602), required("[]"), required('{"elicitations":{}}'), required("{}"), { code: -32042, message: "", data: null, raw: "{}" }]) visits.failed(error, call);
  expect([ended("7"), ended('"b"'), messageOf('{"jsonrpc":"2.0","method":"notifications/elicitation/complete"}') as Notification].map((one) => visits.ended(one))).toEqual([false, false, false]);
  expect(notices).toEqual([]);
});

test("an id that is too long to be kept is none", () => {
  const visits = new Visits({ ...defaultLimits, visitIdCharsMax: 3 });
  const { call } = caller();
  for (const id of ["abc", "abcd"]) visits.asked(objectFrom(`{"elicitationId":"${id}"}`), call);
  expect(["abc", "abcd"].map((id) => visits.ended(ended(`"${id}"`)))).toEqual([true, false]);
});

test("of too many the oldest are forgotten; one that is named again is young again", () => {
  const visits = new Visits({ ...defaultLimits, visitsMax: 2 });
  const { call } = caller();
  for (const id of ["a", "b", "a", "c"]) visits.asked(objectFrom(`{"elicitationId":"${id}"}`), call);
  expect(["a", "b", "c"].map((id) => visits.ended(ended(`"${id}"`)))).toEqual([true, false, true]);
});
