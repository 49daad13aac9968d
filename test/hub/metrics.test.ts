import { describe, expect, test } from "bun:test";
import { createMeter, defaultLimits, fault } from "../../src/base/index.ts";
import { createHub } from "../../src/hub/index.ts";
import { nullLog } from "../../src/base/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { parseExposition } from "../fixtures/exposition.ts";
import { configOf, createScriptedPool, done, objectFrom, type ScriptedPool, specOf, tool } from "../fixtures/pool.ts";
import { textOf } from "../fixtures/stage.ts";

async function stage() {
  const meter = createMeter(defaultLimits);
  let pool: ScriptedPool | null = null;
  const hub = createHub({ createPool: (events) => (pool = createScriptedPool(events)), clock: createTestClock(), log: nullLog, identity: { name: "1mcp", version: "0" }, cursorKey: new Uint8Array(32), empty: configOf(), meter });
  await hub.propose(configOf(specOf("alpha")));
  const made = pool as ScriptedPool | null;
  const backend = made?.backend("alpha") ?? expect.unreachable();
  backend.offer({ tools: [tool("echo")] });
  const numbers = () => parseExposition(meter.text("openmetrics", (number) => `life-${number}`), "openmetrics");
  /** The value of the one sample with these labels; null: there is none. */
  const valueOf = (family: string, labels: Record<string, string>): number | null => numbers().get(family)?.samples.find((sample) => Object.entries(labels).every(([name, value]) => sample.labels[name] === value))?.value ?? null;
  return { hub, backend, numbers, valueOf };
}

const toolCall = (name = "alpha__echo") => callOf("tools/call", JSON.stringify({ name }));

describe("a call", () => {
  test("is counted by its server, its method and what came of it", async () => {
    const { hub, backend, valueOf } = await stage();
    const outcome = (name: string, method = "tools/call", server = "alpha") => valueOf("onemcp_requests", { server, method, outcome: name });
    await hub.call(toolCall());
    backend.answer = async () => done('{"content":[],"isError":true}');
    await hub.call(toolCall());
    backend.answer = async () => ({ kind: "failed", error: { code: -5, message: "own", data: null, raw: "{}" } });
    await hub.call(toolCall());
    backend.answer = async () => ({ kind: "input", result: objectFrom("{}"), state: null, backend: "alpha" });
    await hub.call(toolCall());
    backend.answer = () => Promise.reject(fault("BACKEND_TIMEOUT", { backend: "alpha" }));
    await hub.call(toolCall());
    await hub.call(callOf("tools/list"));
    expect(["ok", "tool_error", "error", "input", "fault", "task"].map((name) => outcome(name))).toEqual([1, 1, 1, 1, 1, 0]);
    expect(outcome("ok", "tools/list", "")).toBe(1);
    expect([valueOf("onemcp_errors", { server: "alpha", code: "server" }), valueOf("onemcp_errors", { server: "alpha", code: "BACKEND_TIMEOUT" })]).toEqual([1, 1]);
    expect(valueOf("onemcp_request_duration_seconds", { server: "alpha", method: "tools/call", le: "+Inf" })).toBe(5);
  });

  test("has its id in the example of its range and in the data of an error of ours, and not in a server's", async () => {
    const { hub, backend, numbers } = await stage();
    expect(textOf(await hub.call({ ...toolCall("nobody"), number: 41, callId: "life-41" }))).toContain('"callId":"life-41"');
    backend.answer = () => Promise.reject(fault("BACKEND_TIMEOUT", { backend: "alpha" }));
    expect(textOf(await hub.call({ ...toolCall(), number: 42, callId: "life-42" }))).toContain('"callId":"life-42"');
    backend.answer = async () => ({ kind: "failed", error: { code: -5, message: "own", data: '{"origin":"1mcp"}', raw: '{"code":-5,"message":"own","data":{"origin":"1mcp"}}' } });
    expect(textOf(await hub.call(toolCall()))).toBe('{"code":-5,"message":"own","data":{"origin":"1mcp"}}');
    const examples = numbers().get("onemcp_request_duration_seconds")?.samples.map(({ exemplar }) => exemplar?.labels["call_id"]);
    expect(examples).toContain("life-41");
  });

  test("of a method that nobody knows is counted as other, however many there are", async () => {
    const { hub, numbers, valueOf } = await stage();
    for (let n = 0; n < 50; n += 1) await hub.call(callOf(`vendor/${n}`));
    expect(valueOf("onemcp_requests", { method: "other", outcome: "fault" })).toBe(50);
    expect(numbers().get("onemcp_requests")?.samples.filter(({ labels }) => labels["method"]?.startsWith("vendor"))).toEqual([]);
  });

  test("that comes when the end has begun is counted too", async () => {
    const { hub, valueOf } = await stage();
    await hub.close(0);
    expect(textOf(await hub.call(toolCall()))).toContain('"callId"');
    expect(valueOf("onemcp_errors", { code: "SHUTTING_DOWN" })).toBe(1);
  });
});

test("servers and configuration are told as they are when somebody looks", async () => {
  const { hub, backend, valueOf } = await stage();
  const is = (family: string, state: string) => valueOf(family, { server: "alpha", state });
  expect([is("onemcp_server_state", "ready"), is("onemcp_server_state", "backing-off"), is("onemcp_server_breaker", "closed"), is("onemcp_server_breaker", "open")]).toEqual([1, 0, 1, 0]);
  backend.settle("backing-off");
  expect([is("onemcp_server_state", "ready"), is("onemcp_server_state", "backing-off")]).toEqual([0, 1]);
  for (const family of ["onemcp_server_restarts", "onemcp_server_retries", "onemcp_server_calls_in_flight"]) expect(valueOf(family, { server: "alpha" })).toBe(0);
  expect([valueOf("onemcp_calls_in_flight", {}), valueOf("onemcp_config_valid", {}), valueOf("onemcp_config_reloads", { result: "valid" }), valueOf("onemcp_config_reloads", { result: "rejected" })]).toEqual([0, 1, 1, 0]);
  hub.reject([], "/c.json");
  expect([valueOf("onemcp_config_valid", {}), valueOf("onemcp_config_reloads", { result: "rejected" })]).toEqual([0, 1]);
  expect(valueOf("onemcp_config_last_reload_timestamp_seconds", {})).toBe(Date.UTC(2026, 0, 1) / 1000);
});
