import { describe, expect, test } from "bun:test";
import { CancelSource, defaultLimits } from "../../src/base/index.ts";
import { openSession } from "../../src/era/handshake.ts";
import { needsTask } from "../../src/era/legacyTasks.ts";
import { SouthLegacy } from "../../src/era/southLegacy.ts";
import type { Target } from "../../src/era/types.ts";
import type { Answer, Ask, Call, Notice } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { type Arrived, type Bench, benchOf, faultCodeOf, initialized, legacyScript, type Said, type Script, textOf } from "../fixtures/wire.ts";

const capabilities = '{"tools":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}}';
const toolWith = (support: string): string => `{"name":"slow","inputSchema":{"type":"object"},"execution":{"taskSupport":"${support}"}}`;
const target: Target = { backend: "box", name: "slow", timeoutMs: 5_000, tool: toolWith("required") };
const task = (status: string, more = ""): string => `{"taskId":"t-1","status":"${status}","createdAt":"2025-11-25T00:00:00Z","lastUpdatedAt":"2025-11-25T00:00:00Z","ttl":null${more}}`;
const begun = (status = "working", more = ',"pollInterval":1000'): Said => ({ result: `{"task":${task(status, more)}}` });

interface Stage {
  readonly bench: Bench;
  readonly south: SouthLegacy;
  readonly cancel: CancelSource;
  readonly notices: Notice[];
  readonly asked: Ask[];
  run(): Promise<string>;
  /** Lets what is due happen. */
  pass(ms: number): Promise<void>;
}

async function stage(transport: "stdio" | "http", script: Script, answer: () => Promise<Answer> = () => Promise.resolve({ ok: true, result: '{"action":"decline"}' })): Promise<Stage> {
  const bench = benchOf(transport, legacyScript(script, { result: initialized(capabilities), headers: { "mcp-session-id": "s-1" } }));
  const south = new SouthLegacy(bench.south, await openSession(bench.south));
  bench.wire.onMessage = (message) => south.onMessage(message);
  const cancel = new CancelSource();
  const notices: Notice[] = [];
  const asked: Ask[] = [];
  const ask = (one: Ask): Promise<Answer> => {
    asked.push(one);
    return answer();
  };
  const call = callOf("tools/call", '{"name":"box__slow","task":{"ttl":1}}', { cancel, ask, progress: true, logLevel: "debug", notice: (notice) => notices.push(notice), client: { info: null, capabilities: '{"elicitation":{}}' } } satisfies Partial<Call>);
  return {
    bench,
    south,
    cancel,
    notices,
    asked,
    async run() {
      const outcome = await south.call(call, target);
      return outcome.kind === "failed" ? outcome.error.raw : textOf(outcome.result);
    },
    async pass(ms) {
      await bench.clock.advance(ms);
      await bench.clock.settle();
    },
  };
}

const methodsOf = ({ wire }: Bench): string[] => wire.methods().filter((method) => method !== "initialize");

describe("a tool that runs only as a task", () => {
  // Checklist: B30
  test.each(["stdio", "http"] as const)("is begun, asked after as often as it wants, and gives its result as any tool (%s)", async (transport) => {
    let polls = 0;
    const script = ({ method }: Arrived): Said => {
      if (method === "tools/call") return begun();
      if (method === "tasks/get") return { result: task((polls += 1) < 2 ? "working" : "completed", ',"pollInterval":2000') };
      return { result: '{"content":[],"weight":1.10,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}' };
    };
    const { bench, run, pass } = await stage(transport, script);
    const running = run();
    await pass(0);
    expect(textOf(bench.wire.last("tools/call").params)).toContain(`"name":"slow","task":{"ttl":${5_000 + defaultLimits.askMsMax}}`);
    await pass(999);
    expect(methodsOf(bench)).toEqual(["tools/call"]);
    await pass(1);
    expect(methodsOf(bench)).toEqual(["tools/call", "tasks/get"]);
    await pass(2000);
    expect(await running).toBe('{"content":[],"weight":1.10}');
    expect(methodsOf(bench)).toEqual(["tools/call", "tasks/get", "tasks/get", "tasks/result"]);
    expect(textOf(bench.wire.last("tasks/result").params)).toBe('{"taskId":"t-1"}');
    if (transport === "http") expect(bench.wire.last("tasks/get").headers).toEqual({ "mcp-protocol-version": "2025-11-25", "mcp-session-id": "s-1" });
  });

  test("is over at once where it was quick, and keeps what else its result says of itself", async () => {
    const { run } = await stage("stdio", ({ method }) => (method === "tools/call" ? begun("completed") : { result: '{"isError":true,"_meta":{"a":1,"io.modelcontextprotocol/related-task":{}}}' }));
    expect(await run()).toBe('{"isError":true,"_meta":{"a":1}}');
  });

  test("gives its result where the backend made no task of it, and its error where it failed", async () => {
    expect(await (await stage("stdio", () => ({ result: '{"content":[]}' }))).run()).toBe('{"content":[]}');
    const error = '{"code":-32001,"message":"no"}';
    expect(await (await stage("stdio", () => ({ error }))).run()).toBe(error);
    expect(await (await stage("stdio", ({ method }) => (method === "tools/call" ? begun("failed") : { error }))).run()).toBe(error);
    const { run, pass } = await stage("stdio", ({ method }) => (method === "tools/call" ? begun("working", "") : { error }));
    const running = run();
    await pass(defaultLimits.taskPollMs);
    expect(await running).toBe(error);
  });

  test("without an id cannot be followed", async () => {
    const { run } = await stage("stdio", () => ({ result: '{"task":{"status":"working"}}' }));
    expect(await faultCodeOf(run())).toBe("BACKEND_GARBLED");
  });

  test("reports progress under the call's own token to its end", async () => {
    const { bench, run, pass, notices } = await stage("stdio", ({ method }) => (method === "tools/call" ? begun() : method === "tasks/get" ? { result: task("completed") } : { result: "{}" }));
    const running = run();
    await pass(500);
    bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${bench.wire.last("tools/call").id},"progress":1}}`);
    await pass(500);
    await running;
    expect(notices).toMatchObject([{ kind: "progress" }]);
  });

  test("names its task to nobody, whatever it tells on the way", async () => {
    const { bench, run, pass, notices } = await stage("http", ({ method }) => (method === "tools/call" ? begun() : method === "tasks/get" ? { result: task("completed") } : { result: "{}" }));
    const running = run();
    await pass(500);
    const { id, push } = bench.wire.last("tools/call");
    const related = '"io.modelcontextprotocol/related-task":{"taskId":"t-1"}';
    push(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":1.50,"_meta":{${related}}}}`);
    push(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"x","_meta":{"a":1,${related}}}}`);
    push(`{"jsonrpc":"2.0","method":"notifications/com.example/odd","params":{"_meta":{${related}},"b":2}}`);
    await pass(500);
    await running;
    expect(notices.map(({ params }) => params && textOf(params))).toEqual([`{"progressToken":${id},"progress":1.50}`, '{"level":"error","data":"x","_meta":{"a":1}}', '{"b":2}']);
  });

  test.each(["stdio", "http"] as const)("asks the call's client what it wants to know, and has more time for that (%s)", async (transport) => {
    const answered = Promise.withResolvers<Answer>();
    const { bench, run, pass, asked } = await stage(transport, ({ method }) => (method === "tools/call" ? begun("input_required") : "silent"), () => answered.promise);
    const running = run();
    await pass(0);
    const waited = bench.wire.last("tasks/result");
    const question = '{"jsonrpc":"2.0","id":9,"method":"elicitation/create","params":{"message":"Sure?","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}';
    if (transport === "http") waited.push(question);
    else bench.wire.push(question);
    await pass(0);
    expect(asked).toHaveLength(1);
    answered.resolve({ ok: true, result: '{"action":"accept"}' });
    await pass(0);
    expect(bench.wire.sent.at(-1)?.text).toBe('{"jsonrpc":"2.0","id":9,"result":{"action":"accept"}}');
    bench.wire.answer(waited.id, { result: '{"content":[]}' });
    expect(await running).toBe('{"content":[]}');
  });
});

describe("a call that ends before its task", () => {
  test.each([
    ["between two looks", "working", "tools/call"],
    ["while the result is waited for", "input_required", "tasks/result"],
  ])("cancels it when its client does, %s", async (_when, status, last) => {
    const { bench, run, pass, cancel } = await stage("http", ({ method }) => (method === "tools/call" ? begun(status) : "silent"));
    const running = faultCodeOf(run());
    await pass(0);
    expect(methodsOf(bench).at(-1)).toBe(last);
    cancel.cancel("the client is gone");
    expect(await running).toBe("CALL_CANCELLED");
    expect(textOf(bench.wire.last("tasks/cancel").params)).toBe('{"taskId":"t-1"}');
    expect(bench.wire.sent.filter(({ text }) => text.includes("notifications/cancelled"))).toEqual([]);
  });

  test("cancels it when its time is over, which no number of looks prolongs", async () => {
    const { bench, run, pass } = await stage("stdio", ({ method }) => (method === "tools/call" ? begun() : { result: task("working", ',"pollInterval":1000') }));
    const running = faultCodeOf(run());
    for (let second = 0; second < 5; second += 1) await pass(1000);
    expect(await running).toBe("BACKEND_TIMEOUT");
    expect(methodsOf(bench)).toEqual(["tools/call", "tasks/get", "tasks/get", "tasks/get", "tasks/get", "tasks/cancel"]);
  });

  test("is not made again when the session ends: the task may have run", async () => {
    const { bench, run, pass } = await stage("http", ({ method }) => (method === "tools/call" ? begun() : { status: 404 }));
    const running = faultCodeOf(run());
    await pass(1000);
    expect(await running).toBe("BACKEND_GONE");
    expect(methodsOf(bench).filter((method) => method === "tools/call")).toHaveLength(1);
  });

  test("ends with the connection", async () => {
    const { run, pass, south } = await stage("stdio", ({ method }) => (method === "tools/call" ? begun() : "silent"));
    const running = faultCodeOf(run());
    await pass(0);
    await south.close();
    expect(await running).toBe("BACKEND_GONE");
  });

  test("does not mind a backend that cannot cancel it", async () => {
    const { run, pass, cancel } = await stage("stdio", ({ method }) => (method === "tools/call" ? begun() : { fault: "BACKEND_GONE" }));
    const running = faultCodeOf(run());
    await pass(0);
    cancel.cancel("enough");
    expect(await running).toBe("CALL_CANCELLED");
  });
});

test("no other call is made as a task", () => {
  const offered = new Map([["tasks", '{"requests":{"tools":{"call":{}}}}']]);
  const call = { method: "tools/call" };
  expect(needsTask(call, target, offered, defaultLimits)).toBe(true);
  for (const tool of [null, "{}", toolWith("optional"), toolWith("forbidden"), '{"description":"\\"taskSupport\\""}', '"taskSupport"']) expect(needsTask(call, { ...target, tool }, offered, defaultLimits)).toBe(false);
  expect(needsTask({ method: "prompts/get" }, target, offered, defaultLimits)).toBe(false);
  for (const tasks of ["{}", '{"requests":{}}', '{"requests":{"tools":{}}}', "1"]) expect(needsTask(call, target, new Map([["tasks", tasks]]), defaultLimits)).toBe(false);
  expect(needsTask(call, target, new Map(), defaultLimits)).toBe(false);
});
