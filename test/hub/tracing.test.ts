import { describe, expect, test } from "bun:test";
import { CancelSource, fault, nullLog } from "../../src/base/index.ts";
import { createTracer, type Finished, traceParentText } from "../../src/base/tracer.ts";
import { createHub } from "../../src/hub/index.ts";
import { traced, tracedPool } from "../../src/hub/tracing.ts";
import type { Call, Notice } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { configOf, createScriptedPool, done, type ScriptedPool, specOf, tool } from "../fixtures/pool.ts";

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const toolCall = (more: Partial<Call> = {}, name = "alpha__echo") => callOf("tools/call", JSON.stringify({ name }), more);

/** A hub and its pool with spans around both. */
async function stage(ratio = 1) {
  const finished: Finished[] = [];
  const clock = createTestClock();
  const spans = { tracer: createTracer({ ratio, followsParent: true }, clock, (span) => finished.push(span)), textOf: traceParentText };
  let pool: ScriptedPool | null = null;
  const hub = createHub({ createPool: (events) => tracedPool((pool = createScriptedPool(events)), spans), clock, log: nullLog, identity: { name: "1mcp", version: "0" }, cursorKey: new Uint8Array(32), empty: configOf() });
  await hub.propose(configOf(specOf("alpha")));
  const scripted = pool as ScriptedPool | null;
  if (scripted === null) throw new Error("no pool was made");
  const backend = scripted.backend("alpha");
  backend.offer({ tools: [tool("echo")], resources: ['{"uri":"x://1","name":"r"}'] });
  const sent: Call[] = [];
  backend.answer = async (call) => (sent.push(call), done('{"content":[]}'));
  return { serve: traced(hub, spans), hub, backend, finished, sent, pool: scripted };
}

const metaOf = (call: Call | undefined): Record<string, string> => JSON.parse(call?.meta ?? "{}") as Record<string, string>;

describe("a call", () => {
  test("has a span for the request, and below it one for each time that a server is asked, which the server is told of", async () => {
    const { serve, finished, sent } = await stage();
    await serve.call(toolCall({ meta: `{"x":1.0,"traceparent":"${parent}","tracestate":"a=1"}`, callId: "life-1" }));
    const [below, above] = finished;
    expect(above).toMatchObject({ kind: "server", name: "tools/call alpha__echo", traceId: "4bf92f3577b34da6a3ce929d0e0e4736", parentId: "00f067aa0ba902b7", error: null, attributes: { "mcp.method.name": "tools/call", "gen_ai.tool.name": "alpha__echo", "onemcp.call_id": "life-1" } });
    expect(below).toMatchObject({ kind: "client", name: "tools/call echo", traceId: above?.traceId ?? "", parentId: above?.spanId ?? "", attributes: { "onemcp.server": "alpha" } });
    expect(sent[0]?.meta).toBe(`{"x":1.0,"traceparent":"00-${below?.traceId}-${below?.spanId}-01","tracestate":"a=1"}`);
  });

  test("through the pair has the span of the server below that of the request, as a direct one", async () => {
    const { serve, hub, finished, sent } = await stage();
    await hub.propose({ ...configOf(specOf("alpha")), catalog: "search" });
    await serve.call(callOf("tools/call", '{"name":"1mcp__call","arguments":{"name":"alpha__echo"}}', { meta: `{"traceparent":"${parent}"}` }));
    const [below, above] = finished;
    expect([below?.name, below?.parentId, above?.parentId]).toEqual(["tools/call echo", above?.spanId ?? "", "00f067aa0ba902b7"]);
    expect(metaOf(sent[0])["traceparent"]).toBe(`00-${below?.traceId}-${below?.spanId}-01`);
  });

  test("begins a trace where none came with it, or none that is valid", async () => {
    const { serve, finished, sent } = await stage();
    await serve.call(toolCall());
    await serve.call(toolCall({ meta: '{"traceparent":"00-x"}' }));
    expect(finished.filter(({ kind }) => kind === "server").map(({ parentId }) => parentId)).toEqual([null, null]);
    for (const call of sent) expect(metaOf(call)["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test("that is not sampled is told to no collector, and to its server as such", async () => {
    const { serve, finished, sent } = await stage(0);
    await serve.call(toolCall());
    expect([finished.length, metaOf(sent[0])["traceparent"]?.slice(-3)]).toEqual([0, "-00"]);
  });

  test("that fails says why: with the code of ours, or with the server's", async () => {
    const { serve, backend, finished } = await stage();
    backend.answer = () => Promise.reject(fault("BACKEND_TIMEOUT", { backend: "alpha" }));
    await serve.call(toolCall());
    backend.answer = async () => ({ kind: "failed", error: { code: -5, message: "its own", data: null, raw: '{"code":-5,"message":"its own"}' } });
    await serve.call(toolCall());
    backend.answer = () => Promise.reject(new Error("a bug"));
    await serve.call(toolCall());
    expect(finished.map(({ kind, attributes, error }) => [kind, attributes["error.type"], error])).toMatchObject([
      ["client", "BACKEND_TIMEOUT", expect.stringContaining("in time")],
      ["server", "BACKEND_TIMEOUT", expect.stringContaining("in time")],
      ["client", "-5", "its own"],
      ["server", "-5", "its own"],
      ["client", "INTERNAL", "a bug"],
      ["server", "INTERNAL", expect.any(String)],
    ]);
  });

  test("of another kind is named for what it is, with no more names than there are methods", async () => {
    const { serve, finished } = await stage();
    await serve.call(callOf("resources/read", '{"uri":"x://1"}', { session: { id: "s", ended: new CancelSource() } }));
    await serve.call(callOf("tools/list"));
    await serve.call(callOf("resources/read", '{"uri":"x://1?key=abc#part"}'));
    expect(finished.map(({ name, attributes }) => [name, attributes["mcp.resource.uri"]])).toEqual([["resources/read", "x://1"], ["resources/read", "x://1"], ["tools/list", undefined], ["resources/read", "x://1"], ["resources/read", "x://1"]]);
  });

  test("is for its server what it was in every other way", async () => {
    const { serve, sent } = await stage();
    const notices: Notice[] = [];
    const call = toolCall({ progress: true, logLevel: "info", paramHeaders: () => ({ a: "b" }), notice: (notice) => void notices.push(notice), away: true, ask: async () => ({ ok: true, result: "{}" }) });
    await serve.call(call);
    const seen = sent[0] as Call;
    const { method, params, principal, selection, client, progress, logLevel, cancel, resume, session, backend, number, callId } = call;
    expect({ ...seen, method: seen.method, params: seen.params, principal: seen.principal, selection: seen.selection, client: seen.client, progress: seen.progress, logLevel: seen.logLevel, cancel: seen.cancel, resume: seen.resume, session: seen.session, backend: seen.backend, number: seen.number, callId: seen.callId }).toMatchObject({ method, params, principal, selection, client, progress, logLevel, cancel, resume, session, backend, number, callId });
    seen.notice({ kind: "other", method: "x", params: null });
    expect([notices.length, seen.away, seen.paramHeaders(), await seen.ask({} as never)]).toEqual([1, true, { a: "b" }, { ok: true, result: "{}" }]);
  });
});

test("everything but calls is the hub's and the pool's own", async () => {
  const { serve, hub, pool, backend } = await stage();
  const { principal, selection } = callOf("x");
  // A server that fell under a call is asked through the span's lease whether it is worth another try.
  let asked = 0;
  backend.again = () => ((asked += 1), false);
  backend.offer({ tools: ['{"name":"echo","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}'] });
  backend.answer = () => Promise.reject(fault("BACKEND_GONE", { backend: "alpha" }));
  await serve.call(toolCall());
  expect(asked).toBe(1);
  expect(serve.tool(principal, selection, "alpha__echo")).toBe(hub.tool(principal, selection, "alpha__echo"));
  expect(await serve.describe(principal, selection)).toEqual(await hub.describe(principal, selection));
  serve.watch({ principal, selection, client: { info: null, capabilities: "{}" }, session: null, changed: () => undefined, updated: () => undefined }).end();
  expect(hub.status().backends).toMatchObject([{ name: "alpha", state: "ready" }]);
  hub.kill();
  await hub.close(0);
  expect([pool.killed, pool.closed]).toEqual([true, true]);
});
