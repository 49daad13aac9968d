/** How the real program tells how it is: health, numbers, spans, status and reload, over its doors and its command line. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createCollector } from "../fixtures/collector.ts";
import { parseExposition } from "../fixtures/exposition.ts";
import { type Program, projectDir, runProgram, startProgram } from "../fixtures/program.ts";
import { type Sent, sendModern } from "../fixtures/rpc.ts";

const backend = (more: object = {}) => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), "modern"], ...more });
const call = (program: Program, name: string, options: Partial<Parameters<typeof sendModern>[1]> = {}): Promise<Sent> => sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":{}`, ...options });
const told = async (program: Program, path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(program.origin + path, { headers: { authorization: `Bearer ${program.token}`, ...headers } });
const flags = (program: Program): string[] => ["--state-dir", join(program.dir, "state")];
/** The parameters that the server got. */
const received = (sent: Sent): { _meta: Record<string, string> } => (JSON.parse((JSON.parse(sent.text) as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "{}") as { params: { _meta: Record<string, string> } }).params;

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = `00-${trace}-00f067aa0ba902b7-01`;

describe("numbers", () => {
  test("can be read strictly in both formats, and lead from an error over the log to the call", async () => {
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } } });
    await call(program, "raw__pid");
    const failed = JSON.parse((await call(program, "raw__crash")).text) as { error: { data: { callId: string } } };
    const { callId } = failed.error.data;
    expect(callId).toMatch(/^[0-9a-z]{6}-[0-9a-z]+$/);
    await program.said(`"callId":"${callId}"`);
    await program.said('"starts":2');
    await call(program, "raw__pid");
    const plain = parseExposition(await (await told(program, "/metrics")).text(), "prometheus");
    expect(plain.get("onemcp_errors_total")?.samples.find(({ labels }) => labels["server"] === "raw" && labels["code"] === "BACKEND_GONE")?.value).toBe(1);
    expect(plain.get("onemcp_server_restarts_total")?.samples[0]?.value).toBe(1);
    const open = parseExposition(await (await told(program, "/metrics", { accept: "application/openmetrics-text; version=1.0.0" })).text(), "openmetrics");
    const ids = open.get("onemcp_request_duration_seconds")?.samples.map(({ exemplar }) => exemplar?.labels["call_id"]?.split("-")[0]);
    expect(ids).toContain(callId.split("-")[0] ?? "");
    expect([...open.keys()]).toEqual(expect.arrayContaining(["onemcp_sessions", "onemcp_streams", "onemcp_parked_calls", "process_resident_memory_bytes", "onemcp_build", "onemcp_config_reloads", "onemcp_server_breaker", "onemcp_client_bytes"]));
  });

  test("and details are for whoever has the token, and nobody else", async () => {
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } } });
    await call(program, "raw__pid");
    expect((await fetch(`${program.origin}/health/mcp`)).status).toBe(401);
    expect((await fetch(`${program.origin}/metrics`)).status).toBe(401);
    expect((await told(program, "/health", { authorization: "Bearer 1mcp_wrong" })).status).toBe(401);
    const health = await told(program, "/health");
    expect([health.status, health.headers.get("x-health-status"), await health.json()]).toMatchObject([200, "healthy", { status: "healthy", servers: { total: 1, healthy: 1 }, configuration: { state: "valid", authEnabled: true } }]);
    expect(await (await told(program, "/health/mcp/raw")).json()).toMatchObject({ name: "raw", state: "ready" });
  });
});

describe("a trace", () => {
  test("goes on to the server without a collector: what the header says comes to stand in _meta, and _meta wins", async () => {
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } } });
    expect(received(await call(program, "raw__raw", { headers: { traceparent: parent, tracestate: "a=1", baggage: "k=v" } }))._meta).toMatchObject({ traceparent: parent, tracestate: "a=1", baggage: "k=v" });
    const own = parent.replace(trace, "a".repeat(32));
    expect(received(await call(program, "raw__raw", { headers: { traceparent: parent }, meta: `,"traceparent":"${own}"` }))._meta["traceparent"]).toBe(own);
    expect(received(await call(program, "raw__raw"))._meta).not.toHaveProperty("traceparent");
  });

  test("has a span here and one towards the server, which is told of it, where a collector is named", async () => {
    await using collector = createCollector();
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } }, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_SERVICE_NAME: "mine" } });
    const got = received(await call(program, "raw__raw", { headers: { traceparent: parent } }))._meta["traceparent"];
    const spans = await collector.collected(2);
    const [above, below] = [spans.find(({ kind }) => kind === 2), spans.find(({ kind }) => kind === 3)];
    expect(above).toMatchObject({ traceId: trace, parentSpanId: "00f067aa0ba902b7", name: "tools/call raw__raw" });
    expect(below).toMatchObject({ traceId: trace, parentSpanId: above?.spanId ?? "", name: "tools/call raw" });
    expect(got).toBe(`00-${trace}-${below?.spanId}-01`);
    expect(collector.posts[0]?.resourceSpans[0]?.resource.attributes).toContainEqual({ key: "service.name", value: { stringValue: "mine" } });
  });

  test("whose collector hangs or is down costs no call anything, and the end neither", async () => {
    await using hanging = createCollector();
    const never = Promise.withResolvers<Response>();
    hanging.answer = () => never.promise;
    for (const url of [hanging.url, "http://127.0.0.1:1"]) {
      await using program = await startProgram({ config: { mcpServers: { raw: backend() } }, env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "1" } });
      const answers = await Promise.all(Array.from({ length: 200 }, () => call(program, "raw__pid")));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      program.signal("SIGTERM");
      expect(await program.exited).toBe(0);
    }
    never.resolve(new Response());
  });
});

describe("the operator", () => {
  test("is told how the program is, and has it reload, from the shell", async () => {
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } } });
    await call(program, "raw__pid");
    const status = await runProgram(["status", ...flags(program)]);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining(`(process ${program.pid})`)]);
    expect(JSON.parse((await runProgram(["status", "raw", "--json", ...flags(program)])).stdout)).toMatchObject({ name: "raw", state: "ready", healthy: true });
    await program.writeConfig({ mcpServers: { raw: backend(), more: backend() } });
    const reloaded = await runProgram(["config", "reload", ...flags(program)]);
    expect(reloaded).toMatchObject({ code: 0, stdout: expect.stringMatching(/added: {3}more|kept: {4}raw, more/u) });
    await program.writeConfig('{ "mcpServers": { "raw": 1 },\n  "prot": 2 }');
    const refused = await runProgram(["config", "reload", ...flags(program)]);
    expect([refused.code, refused.stderr]).toEqual([78, expect.stringMatching(/mcp\.json:1:\d+: [^]*mcp\.json:2:3: “prot”/u)]);
    expect(JSON.parse((await runProgram(["status", "--json", ...flags(program)])).stdout)).toMatchObject({ configuration: { state: "rejected" }, servers: [{ name: "raw" }, { name: "more" }] });
    program.signal("SIGTERM");
    await program.exited;
    expect((await runProgram(["status", ...flags(program)])).code).toBe(3);
  });

  test("cannot start a second one on the same state folder, and is told whose it is; one that was killed is no owner", async () => {
    await using program = await startProgram({ config: { mcpServers: {} } });
    const second = ["serve", "--port", "0", "--config", program.configPath, ...flags(program)];
    expect(await runProgram(second)).toMatchObject({ code: 1, stderr: expect.stringContaining(`process ${program.pid}`) });
    program.signal("SIGKILL");
    await program.exited;
    expect((await runProgram(["status", ...flags(program)])).code).toBe(3);
    await using next = await startProgram({ config: { mcpServers: {} }, args: flags(program), auth: false });
    expect((await runProgram(["status", ...flags(program)])).stdout).toContain(`(process ${next.pid})`);
  });
});
