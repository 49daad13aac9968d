import { expect, test } from "bun:test";
import { OpenTasks } from "../../src/backend/openTasks.ts";
import { defaultLimits, fault } from "../../src/base/index.ts";
import { type Outcome, rpcErrorOf } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { done, objectFrom } from "../fixtures/pool.ts";

function stage(openTasksMax: number = defaultLimits.openTasksMax) {
  const clock = createTestClock();
  const tasks = new OpenTasks(clock, { ...defaultLimits, openTasksMax });
  return {
    clock,
    tasks,
    begin: (id: string, more = "") => tasks.noticed(callOf("tools/call", "{}"), { kind: "task", result: objectFrom(`{"taskId":"${id}","status":"working"${more}}`), backend: "b" }),
    ask: (method: string, id: string, outcome: Outcome) => tasks.noticed(callOf(method, `{"taskId":"${id}"}`), outcome),
  };
}
const failed: Outcome = { kind: "failed", error: rpcErrorOf(fault("NAME_UNKNOWN")) };

test("a task is open until its end was heard of, it was given up, or the server does not know it any more", () => {
  for (const [method, outcome] of [["tasks/get", done('{"status":"completed"}')], ["tasks/get", done('{"status":"failed"}')], ["tasks/cancel", done("{}")], ["tasks/get", failed]] as const) {
    const { tasks, begin, ask } = stage();
    expect(tasks.any).toBe(false);
    begin("1");
    ask("tasks/get", "1", done('{"status":"input_required"}'));
    ask("tasks/update", "1", done("{}"));
    ask(method, "other", outcome);
    expect(tasks.any).toBe(true);
    ask(method, "1", outcome);
    expect(tasks.any).toBe(false);
  }
});

test("a task is open no longer than the server keeps it, or than its client may ask for it", async () => {
  const { clock, tasks, begin } = stage();
  begin("1", ',"ttlMs":500');
  await clock.advance(499);
  expect(tasks.any).toBe(true);
  await clock.advance(1);
  expect(tasks.any).toBe(false);
  for (const ttl of ["", ',"ttlMs":null', ',"ttlMs":1e99']) begin(`2${ttl.length}`, ttl);
  await clock.advance(defaultLimits.taskMsMax - 1);
  expect(tasks.any).toBe(true);
  await clock.advance(1);
  expect(tasks.any).toBe(false);
});

test("what was over at once, names no task or is none is not waited for", () => {
  const { tasks } = stage();
  tasks.noticed(callOf("tools/call", "{}"), { kind: "task", result: objectFrom('{"status":"completed","taskId":"2"}'), backend: "b" });
  tasks.noticed(callOf("tools/call", "{}"), { kind: "task", result: objectFrom("{}"), backend: "b" });
  tasks.noticed(callOf("tools/call", "{}"), done("{}"));
  tasks.noticed(callOf("tasks/get", "{}"), failed);
  expect(tasks.any).toBe(false);
});

test("of more than limits.openTasksMax the oldest are forgotten", () => {
  const { tasks, begin, ask } = stage(2);
  for (const id of ["1", "2", "3"]) begin(id);
  for (const id of ["2", "3"]) ask("tasks/cancel", id, done("{}"));
  expect(tasks.any).toBe(false);
});
