import { expect, test } from "bun:test";
import { Errands } from "../../src/backend/errands.ts";
import { defaultLimits, fault, type Limits } from "../../src/base/index.ts";
import { rpcErrorOf } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { done, objectFrom } from "../fixtures/pool.ts";

const begin = callOf("tools/call", "{}");
const about = (id: string, method = "tasks/get") => callOf(method, JSON.stringify({ taskId: id }));
const task = (text: string) => ({ kind: "task", result: objectFrom(text), backend: "b" }) as const;

function stage(limits: Partial<Limits> = {}) {
  const clock = createTestClock();
  return { clock, errands: new Errands(clock, { ...defaultLimits, ...limits }) };
}

test("a task is at work until somebody hears that it has ended, in whichever way", () => {
  const { errands } = stage();
  for (const id of ["a", "b", "c", "d"]) errands.note(begin, task(`{"taskId":"${id}","status":"working"}`));
  errands.note(about("a"), done('{"taskId":"a","status":"input_required"}'));
  expect(errands.size).toBe(4);
  errands.note(about("a"), done('{"taskId":"a","status":"completed"}'));
  errands.note(about("b", "tasks/cancel"), done('{"taskId":"b","status":"cancelled"}'));
  errands.note(about("c"), done('{"taskId":"c","status":"failed"}'));
  expect(errands.size).toBe(1);
  errands.note(about("d"), { kind: "failed", error: rpcErrorOf(fault("NAME_UNKNOWN")) });
  expect(errands.size).toBe(0);
});

test("one that has ended when it is told of, that has no name, or that nobody began, is none", () => {
  const { errands } = stage();
  errands.note(begin, task('{"taskId":"a","status":"completed"}'));
  errands.note(begin, task('{"status":"working"}'));
  errands.note(begin, done('{"taskId":"a","status":"working"}'));
  errands.note(callOf("tasks/get", "{}"), done('{"status":"completed"}'));
  expect(errands.size).toBe(0);
});

test("a task is given up when its server forgets it, or after the longest time; with the server all of them", async () => {
  const { clock, errands } = stage({ taskMsMax: 10_000 });
  errands.note(begin, task('{"taskId":"short","ttlMs":1000}'));
  errands.note(begin, task('{"taskId":"long","ttlMs":99999999}'));
  errands.note(begin, task('{"taskId":"silent"}'));
  errands.note(begin, task('{"taskId":"odd","ttlMs":"soon"}'));
  expect(errands.size).toBe(4);
  await clock.advance(1000);
  expect(errands.size).toBe(3);
  await clock.advance(9000);
  expect(errands.size).toBe(0);
  errands.note(begin, task('{"taskId":"a"}'));
  errands.clear();
  expect(errands.size).toBe(0);
});

test("of very many the oldest are forgotten", () => {
  const { errands } = stage({ pendingMax: 3 });
  for (let id = 0; id < 10; id += 1) errands.note(begin, task(`{"taskId":"${id}"}`));
  expect(errands.size).toBe(3);
});
