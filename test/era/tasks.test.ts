import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { aimOf, declaresTasks, isAboutTasks, taskFault, taskOutcome, taskResult, tasksExtension } from "../../src/era/tasks.ts";
import { createSeal } from "../../src/era/seal.ts";
import type { North } from "../../src/era/north.ts";
import { type Outcome, rawOf, stringOf } from "../../src/protocol/index.ts";
import { alice, bob, createWorld, key, type World } from "../fixtures/era.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { done, failure, located } from "../fixtures/serve.ts";

const declared = { [key.capabilities]: { extensions: { [tasksExtension]: {} } } };
const innerId = "inner-1";
const made = '{"resultType":"task","taskId":"inner-1","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttlMs":null,"pollIntervalMs":1.50}';
const taskMade = (): Outcome => ({ kind: "task", result: located(made), backend: "box" });

/** A world whose backend answers a tool with a task, and the id that the client got. */
async function withTask(world: World = createWorld()): Promise<{ world: World; taskId: string; result: Record<string, unknown> }> {
  world.serve.answer = taskMade;
  const { json } = await world.modern("tools/call", { name: "box__slow" }, { meta: declared });
  return { world, taskId: json.result.taskId, result: json.result };
}

describe("a tool that answers with a task", () => {
  // Checklist: B29
  test("gives the client an id of ours, and the rest as it came", async () => {
    const { result, taskId } = await withTask();
    expect(taskId).not.toContain(innerId);
    expect(Buffer.from(taskId, "base64url").toString("latin1")).not.toContain(innerId);
    expect(result).toMatchObject({ resultType: "task", status: "working", ttlMs: null, pollIntervalMs: 1.5 });
    expect(result).not.toHaveProperty("content");
    expect(result["_meta"]).toEqual({ [key.serverInfo]: { name: "1mcp", version: "9.9.9" } });
  });

  test("without an id is not passed on", async () => {
    const { modern, serve } = createWorld();
    serve.answer = () => ({ kind: "task", result: located('{"resultType":"task"}'), backend: "box" });
    expect((await modern("tools/call", { name: "x" }, { meta: declared })).json.error).toMatchObject({ code: -32603, data: { code: "BACKEND_GARBLED", backend: "box" } });
  });

  test("has no meaning for a session", async () => {
    const world = createWorld();
    const headers = await world.session();
    world.serve.answer = taskMade;
    const answer = await world.post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "x" } }, { headers });
    expect(answer.json.error.data.code).toBe("BACKEND_GARBLED");
    for (const method of ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"]) {
      expect((await world.post({ jsonrpc: "2.0", id: 2, method, params: { taskId: "x" } }, { headers })).json.error.code).toBe(-32601);
    }
  });
});

describe("a request about a task", () => {
  test.each(["tasks/get", "tasks/update", "tasks/cancel"])("%s goes to the backend that has it, under the backend's own id", async (method) => {
    const { world, taskId } = await withTask();
    world.serve.answer = () => done('{"resultType":"complete","taskId":"inner-1","status":"completed","result":{"content":[],"weight":1.10}}');
    const answer = await world.modern(method, { taskId, inputResponses: { a: { action: "accept" } } }, { meta: declared });
    const call = world.serve.calls.at(-1);
    expect([call?.method, call?.backend, call && stringOf(call.params, "taskId")]).toEqual([method, "box", innerId]);
    expect(call && rawOf(call.params)).toContain('"inputResponses":{"a":{"action":"accept"}}');
    expect(answer.json.result).toMatchObject({ resultType: "complete", taskId, status: "completed" });
    expect(answer.body).toContain('"result":{"content":[],"weight":1.10}');
    expect(answer.body).not.toContain(innerId);
  });

  test("shows who asks when the task wants input", async () => {
    const { world, taskId } = await withTask();
    world.serve.answer = () => done({ resultType: "complete", taskId: innerId, status: "input_required", inputRequests: { q: { method: "elicitation/create", params: { mode: "form", message: "Name?" } } } });
    expect((await world.modern("tasks/get", { taskId }, { meta: declared })).json.result.inputRequests.q.params.message).toBe("[box] Name?");
    expect((await world.modern("tasks/get", { taskId }, { meta: declared, server: "box" })).json.result.inputRequests.q.params.message).toBe("Name?");
  });

  // Checklist: B29
  test("of another principal is about nothing, and so is one with an id that was never given, or is too old", async () => {
    const { world, taskId } = await withTask();
    const codeOf = async (id: string, principal = alice): Promise<unknown> => (await world.modern("tasks/get", { taskId: id }, { meta: declared, principal })).json.error?.code;
    const asked = world.serve.calls.length;
    expect(await codeOf(taskId, bob)).toBe(-32602);
    expect(await codeOf(innerId)).toBe(-32602);
    expect(await codeOf(`${taskId.slice(0, -2)}AA`)).toBe(-32602);
    await world.clock.advance(defaultLimits.taskMsMax + 1);
    expect(await codeOf(taskId)).toBe(-32602);
    expect(world.serve.calls).toHaveLength(asked);
  });

  test("from a client that did not declare the extension is refused, and so is its wish to hear of tasks", async () => {
    const { world, taskId } = await withTask();
    const required = { extensions: { [tasksExtension]: {} } };
    for (const [method, params] of [["tasks/get", { taskId }], ["tasks/cancel", { taskId: "x" }], ["subscriptions/listen", { notifications: { taskIds: [taskId] } }]] as const) {
      const answer = await world.modern(method, params);
      expect([answer.status, answer.json.error.code, answer.json.error.data.requiredCapabilities]).toEqual([400, -32021, required]);
    }
  });

  test("must name it in the header too, as the client knows it", async () => {
    const { world, taskId } = await withTask();
    expect((await world.modern("tasks/get", { taskId }, { meta: declared, headers: { "mcp-name": "" } })).json.error.code).toBe(-32020);
    expect((await world.modern("tasks/get", { taskId }, { meta: declared, headers: { "mcp-name": innerId } })).json.error.code).toBe(-32020);
    expect((await world.modern("tasks/get", {}, { meta: declared })).json.error.code).toBe(-32602);
  });

  test("is answered with the backend's own error", async () => {
    const { world, taskId } = await withTask();
    world.serve.answer = () => failure(-32602, "no such task here");
    expect((await world.modern("tasks/get", { taskId }, { meta: declared })).json.error).toMatchObject({ code: -32602, message: "no such task here" });
  });

  test("survives a restart, for the id holds all that is known", async () => {
    const { taskId } = await withTask();
    const { modern, serve } = createWorld();
    serve.answer = () => done('{"resultType":"complete"}');
    expect((await modern("tasks/cancel", { taskId }, { meta: declared })).json.result.resultType).toBe("complete");
    expect(serve.calls[0]?.backend).toBe("box");
  });
});

test("a wish to hear of tasks is left out of what is acknowledged", async () => {
  const { modern } = createWorld();
  const { stream } = await modern("subscriptions/listen", { notifications: { toolsListChanged: true, taskIds: ["x"] } }, { meta: declared });
  const first = (await stream?.next()) ?? "";
  expect(first).toContain('"notifications":{"toolsListChanged":true}');
  stream?.cancel();
});

describe("the parts", () => {
  const seal = createSeal({ key: new Uint8Array(32), clock: createTestClock(), msMax: 1000 });
  const north = { seal, limits: defaultLimits } as unknown as North;

  test("know by the capabilities alone who declared the extension", () => {
    expect(declaresTasks(`{"extensions":{"${tasksExtension}":{}}}`, defaultLimits)).toBe(true);
    for (const text of [null, "{}", `{"experimental":{"${tasksExtension}":{}}}`, `{"extensions":"${tasksExtension}"}`]) expect(declaresTasks(text, defaultLimits)).toBe(false);
    expect(taskFault(false, null, defaultLimits)).toBeNull();
    expect(taskFault(true, "{}", defaultLimits)?.code).toBe("CAPABILITY_MISSING");
    expect(isAboutTasks("subscriptions/listen", located("{}"))).toBe(false);
  });

  test("take no other sealed text for a task's id", () => {
    const text = seal.seal({ kind: "relay", backend: "box", state: "s", round: 0 }, JSON.stringify(["task", "alice"]));
    expect(aimOf(north, { method: "tasks/get", params: located(JSON.stringify({ taskId: text })), principal: alice })).toHaveProperty("code", "NAME_UNKNOWN");
    const params = located('{"taskId":"x"}');
    expect(aimOf(north, { method: "tools/call", params, principal: alice })).toEqual({ params, backend: null });
  });

  test("open what they sealed", () => {
    const given = taskResult(north, { principal: alice }, { kind: "task", result: located(made), backend: "box" });
    const taskId = "text" in given ? stringOf(given, "taskId") : null;
    const aim = aimOf(north, { method: "tasks/get", params: located(JSON.stringify({ taskId })), principal: alice });
    expect("params" in aim && [aim.backend, rawOf(aim.params)]).toEqual(["box", '{"taskId":"inner-1"}']);
  });

  test("leave alone what names no task", () => {
    const outcome = done("{}");
    expect(taskOutcome(outcome, located('{"taskId":"x"}'), "box", { selection: { server: null } }, defaultLimits)).toBe(outcome);
  });
});
