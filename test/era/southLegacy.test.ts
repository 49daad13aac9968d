import { describe, expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";
import { openSession } from "../../src/era/handshake.ts";
import { SouthLegacy } from "../../src/era/southLegacy.ts";
import type { Target } from "../../src/era/types.ts";
import type { Call, Notice } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { type Arrived, type Bench, benchOf, faultCodeOf, initialized, legacyScript, type Said, type Script, textOf, unknownMethod } from "../fixtures/wire.ts";

const target: Target = { backend: "box", name: null, timeoutMs: 5_000, tool: null };
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const traced = `{"traceparent":"${traceparent}"}`;
const everything = '{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":true},"logging":{},"completions":{}}';

async function open(transport: "stdio" | "http", rest: Script, opening: Said = { result: initialized(everything) }): Promise<{ bench: Bench; south: SouthLegacy }> {
  const bench = benchOf(transport, legacyScript(rest, opening));
  const south = new SouthLegacy(bench.south, await openSession(bench.south));
  bench.wire.onMessage = (message) => south.onMessage(message);
  await bench.clock.settle();
  return { bench, south };
}

test("a connection that is closed hears nothing more of its client's roots", async () => {
  const listeners = new Set<() => void>();
  const onRoots = (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const beside = { ask: () => Promise.reject(new Error("not asked")), notice: () => false, onRoots };
  const bench = benchOf("stdio", legacyScript(() => "silent", { result: initialized() }), { capabilities: '{"roots":{"listChanged":true}}', beside });
  const south = new SouthLegacy(bench.south, await openSession(bench.south));
  for (const listener of listeners) listener();
  expect([listeners.size, bench.wire.sent.at(-1)?.text]).toEqual([1, '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}']);
  await south.close();
  expect(listeners.size).toBe(0);
});

const noticed = (more: Partial<Call> = {}): { call: Call; notices: Notice[] } => {
  const notices: Notice[] = [];
  return { call: callOf("tools/call", '{"name":"a"}', { notice: (notice) => notices.push(notice), ...more }), notices };
};
const logText = (level: string): string => `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":"hm"}}`;

describe("a call", () => {
  test("goes out under the backend's own name, everything else byte for byte", async () => {
    const { bench, south } = await open("stdio", () => ({ result: '{"content":[],"weight":1.10}' }));
    const outcome = await south.call(callOf("tools/call", '{"_meta":{"progressToken":7},"name":"box__a","arguments":{"n":12345678901234567890, "w":1.10},"x":[1]}', { meta: '{"dev.example/kept":1}' }), { ...target, name: "a" });
    const arrived = bench.wire.last("tools/call");
    expect(arrived.text).toBe(`{"jsonrpc":"2.0","id":${arrived.id},"method":"tools/call","params":{"_meta":{"dev.example/kept":1},"name":"a","arguments":{"n":12345678901234567890, "w":1.10},"x":[1]}}`);
    expect(arrived.headers).toEqual({});
    expect(arrived.timeoutMs).toBe(5_000);
    expect(outcome.kind === "done" && textOf(outcome.result)).toBe('{"content":[],"weight":1.10}');
  });

  test("has no `_meta` when there is nothing to say, and no task", async () => {
    const { bench, south } = await open("stdio", () => ({ result: "{}" }));
    await south.call(callOf("tools/call", '{"name":"a","task":{"ttl":1},"_meta":{"progressToken":7}}'), target);
    expect(textOf(bench.wire.last("tools/call").params)).toBe('{"name":"a"}');
  });

  test("carries the session and the revision over HTTP", async () => {
    const { bench, south } = await open("http", () => ({ result: "{}" }), { result: initialized(), headers: { "mcp-session-id": "s-1" } });
    await south.call(callOf("tools/call", '{"name":"a"}'), target);
    expect(bench.wire.last("tools/call").headers).toEqual({ "mcp-protocol-version": "2025-11-25", "mcp-session-id": "s-1" });
    // What stands before the server looks for the trace there.
    await south.call(callOf("tools/call", '{"name":"a"}', { meta: traced }), target);
    expect(bench.wire.last("tools/call").headers).toEqual({ "mcp-protocol-version": "2025-11-25", "mcp-session-id": "s-1", traceparent });
    const program = await open("stdio", () => ({ result: "{}" }));
    await program.south.call(callOf("tools/call", '{"name":"a"}', { meta: traced }), target);
    expect(program.bench.wire.last("tools/call").headers).toEqual({});
  });

  test("fails with the backend's own error, data and all", async () => {
    const error = '{"code":-32002,"message":"gone","data":{"uri":"a:b","n":1.10},"more":1}';
    const { south } = await open("stdio", () => ({ error }));
    const outcome = await south.call(callOf("resources/read", '{"uri":"a:b"}'), target);
    expect(outcome).toMatchObject({ kind: "failed", error: { code: -32002, message: "gone", data: '{"uri":"a:b","n":1.10}', raw: error } });
  });

  test("that must wait for a visit to a page fails as the backend said, and hears of the end of the visit", async () => {
    const error = '{"code":-32042,"message":"visit","data":{"elicitations":[{"mode":"url","elicitationId":"v","url":"https://x.example"}]}}';
    const { bench, south } = await open("stdio", () => ({ error }));
    const one = noticed();
    expect(await south.call(one.call, target)).toMatchObject({ kind: "failed", error: { code: -32042, raw: error } });
    for (const id of ["w", "v"]) bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"${id}"}}`);
    expect(one.notices).toMatchObject([{ kind: "other", method: "notifications/elicitation/complete" }]);
  });

  test("keeps a result that only looks like a question, without the type that would make it one", async () => {
    const { south } = await open("stdio", () => ({ result: '{"resultType":"input_required","content":[]}' }));
    const outcome = await south.call(callOf("tools/call", '{"name":"a"}'), target);
    expect(outcome.kind === "done" && textOf(outcome.result)).toBe('{"content":[]}');
  });

  test("drops a completion's context for revisions that do not know it, and maps the prompt's name", async () => {
    const params = '{"ref":{"type":"ref/prompt","name":"box__p","x":1},"argument":{"name":"a","value":"v"},"context":{"arguments":{}}}';
    const old = await open("stdio", () => ({ result: "{}" }), { result: initialized(everything, "2025-03-26") });
    await old.south.call(callOf("completion/complete", params), { ...target, name: "p" });
    expect(textOf(old.bench.wire.last("completion/complete").params)).toBe('{"ref":{"type":"ref/prompt","name":"p","x":1},"argument":{"name":"a","value":"v"}}');
    const newer = await open("stdio", () => ({ result: "{}" }), { result: initialized(everything, "2025-06-18") });
    await newer.south.call(callOf("completion/complete", params), target);
    expect(textOf(newer.bench.wire.last("completion/complete").params)).toBe(params);
  });

  test.each([
    [401, "BACKEND_REFUSED"],
    [418, "BACKEND_REFUSED"],
    [503, "BACKEND_DOWN"],
    [202, "BACKEND_GARBLED"],
  ])("ends with a fault on HTTP %d without an answer", async (status, code) => {
    const { south } = await open("http", () => ({ status }));
    expect(await faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}'), target))).toBe(code);
  });
});

describe("cancellation", () => {
  test.each(["stdio", "http"] as const)("is told to the backend with its own id on %s, and nobody waits", async (transport) => {
    const { bench, south } = await open(transport, () => "silent");
    const cancel = new CancelSource();
    const running = faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}', { cancel }), target));
    const { id } = bench.wire.last("tools/call");
    cancel.cancel("the client is gone");
    expect(await running).toBe("CALL_CANCELLED");
    expect(bench.wire.sent.at(-1)?.text).toBe(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":"the client is gone"}}`);
    expect(bench.wire.abandoned).toEqual([id]);
  });

  test("before it was sent sends nothing", async () => {
    const { bench, south } = await open("stdio", () => "silent");
    const cancel = new CancelSource();
    cancel.cancel("early");
    expect(await faultCodeOf(south.call(callOf("tools/call", "{}", { cancel }), target))).toBe("CALL_CANCELLED");
    expect(bench.wire.methods()).toEqual(["initialize"]);
  });

  test("follows a time-out", async () => {
    const { bench, south } = await open("stdio", () => ({ fault: "BACKEND_TIMEOUT" }));
    expect(await faultCodeOf(south.call(callOf("tools/call", "{}"), target))).toBe("BACKEND_TIMEOUT");
    expect(bench.wire.sent.at(-1)?.text).toContain("notifications/cancelled");
  });

  test("that cannot be told is not the caller's trouble", async () => {
    const { bench, south } = await open("stdio", () => "silent");
    const cancel = new CancelSource();
    const running = faultCodeOf(south.call(callOf("tools/call", "{}", { cancel }), target));
    bench.wire.sendFails = true;
    cancel.cancel("x");
    expect(await running).toBe("CALL_CANCELLED");
  });
});

describe("notices", () => {
  const withOpenCalls = async (calls: readonly Call[], transport: "stdio" | "http" = "stdio"): Promise<{ bench: Bench; arrived: Arrived[]; finish(): Promise<void> }> => {
    const { bench, south } = await open(transport, (one) => (one.method === "logging/setLevel" ? { result: "{}" } : "silent"));
    const running = calls.map((call) => south.call(call, target));
    await bench.clock.settle();
    const arrived = bench.wire.arrived.filter((one) => one.method === "tools/call");
    const finish = async (): Promise<void> => {
      for (const one of arrived) bench.wire.answer(one.id, { result: "{}" });
      await Promise.all(running);
    };
    return { bench, arrived, finish };
  };
  const progressText = (token: number | string, value: number): string => `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${value}}}`;

  test("progress finds its call by the token we gave, rises, and stops with the answer", async () => {
    const one = noticed({ progress: true });
    const two = noticed({ progress: true });
    const { bench, arrived, finish } = await withOpenCalls([one.call, two.call]);
    expect(arrived[0]?.text).toContain(`"_meta":{"progressToken":${arrived[0]?.id}}`);
    for (const value of [1, 1, 0.5, 2]) bench.wire.push(progressText(arrived[1]?.id ?? 0, value));
    bench.wire.push(progressText('"nobody"', 3));
    await finish();
    bench.wire.push(progressText(arrived[1]?.id ?? 0, 9));
    expect(one.notices).toEqual([]);
    expect(two.notices.map((notice) => notice.kind === "progress" && JSON.parse(textOf(notice.params)).progress)).toEqual([1, 2]);
  });

  test("progress that nobody asked for goes nowhere", async () => {
    const one = noticed();
    const { bench, arrived, finish } = await withOpenCalls([one.call]);
    bench.wire.push(progressText(arrived[0]?.id ?? 0, 1));
    await finish();
    expect(one.notices).toEqual([]);
  });

  test("a log line on a pipe belongs to the only call that can have caused it", async () => {
    const one = noticed({ logLevel: "info" });
    const { bench, finish } = await withOpenCalls([one.call]);
    for (const level of ["debug", "info", "error", "shouting"]) bench.wire.push(logText(level));
    await finish();
    expect(one.notices.map((notice) => notice.kind === "log" && notice.level)).toEqual(["info", "error"]);
    expect(bench.logged).toHaveLength(1);
  });

  test("a log line that several calls can have caused reaches no client, whatever they declared", async () => {
    const one = noticed({ logLevel: "debug" });
    const two = noticed();
    const { bench, finish } = await withOpenCalls([one.call, two.call]);
    bench.wire.push(logText("error"));
    await finish();
    bench.wire.push(logText("error"));
    expect([...one.notices, ...two.notices]).toEqual([]);
    expect(bench.logged).toHaveLength(2);
  });

  test("over HTTP a notice on a call's own stream is that call's", async () => {
    const one = noticed({ logLevel: "debug" });
    const two = noticed({ logLevel: "debug" });
    const second = { ...two.call, params: callOf("tools/call", '{"name":"second"}').params };
    const { bench, arrived, finish } = await withOpenCalls([one.call, second], "http");
    const stream = arrived.find((arrival) => arrival.text.includes('"second"'));
    stream?.push(logText("info"));
    stream?.push('{"jsonrpc":"2.0","method":"notifications/own","params":{"a":1}}');
    stream?.push('{"jsonrpc":"2.0","id":5,"method":"ping"}');
    await finish();
    expect(one.notices).toEqual([]);
    expect(two.notices.map((notice) => notice.kind)).toEqual(["log", "other"]);
    expect(bench.wire.sent.at(-1)?.text).toBe('{"jsonrpc":"2.0","id":5,"result":{}}');
  });

  test("list changes are told on; cancellations and what nobody knows are let go", async () => {
    const { bench } = await open("stdio", () => "silent");
    for (const what of ["tools", "prompts", "resources"]) bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/${what}/list_changed"}`);
    bench.wire.push('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    bench.wire.push('{"jsonrpc":"2.0","method":"notifications/unheard"}');
    bench.wire.push('{"jsonrpc":"2.0","id":99,"result":{}}');
    expect(bench.changed).toEqual(["tools", "prompts", "resources"]);
  });
});

describe("the backend's own requests", () => {
  test("that belong to no call are answered at once: ping, and nothing else", async () => {
    const { bench } = await open("stdio", () => "silent");
    bench.wire.push('{"jsonrpc":"2.0","id":"p","method":"ping"}');
    for (const method of ["roots/list", "sampling/createMessage", "elicitation/create"]) bench.wire.push(`{"jsonrpc":"2.0","id":"q","method":"${method}"}`);
    const [ping, ...others] = bench.wire.sent.slice(1).map((one) => one.text);
    expect(ping).toBe('{"jsonrpc":"2.0","id":"p","result":{}}');
    for (const text of others) expect(JSON.parse(text ?? "")).toMatchObject({ id: "q", error: { code: -32601 } });
    expect(others).toHaveLength(3);
  });
});

describe("the log level of the session", () => {
  const levels = (bench: Bench): unknown[] => bench.wire.arrived.filter((one) => one.method === "logging/setLevel").map((one) => JSON.parse(textOf(one.params)).level);

  test("is set before the call that wants it, raised at once, and lowered when nobody needs it", async () => {
    const held: Arrived[] = [];
    const { bench, south } = await open("stdio", (one) => {
      if (one.method === "tools/call" && textOf(one.params).includes("held")) held.push(one);
      return held.includes(one) ? "silent" : { result: "{}" };
    });
    const say = (logLevel: Call["logLevel"], name = "a"): Promise<unknown> => south.call(callOf("tools/call", `{"name":"${name}"}`, { logLevel }), target);
    await say(null);
    expect(levels(bench)).toEqual([]);
    await say("warning");
    await say("warning");
    expect(bench.wire.methods().slice(1)).toEqual(["tools/call", "logging/setLevel", "tools/call", "tools/call"]);
    const holding = say("debug", "held");
    await say("warning");
    expect(levels(bench)).toEqual(["warning", "debug"]);
    bench.wire.answer(held[0]?.id ?? 0, { result: "{}" });
    await holding;
    await say("warning");
    expect(levels(bench)).toEqual(["warning", "debug", "warning"]);
  });

  // Checklist: B28
  test("is never lowered below what a call in flight wants, and each gets only its own", async () => {
    const held: Arrived[] = [];
    const { bench, south } = await open("http", (one) => {
      if (one.method === "tools/call") held.push(one);
      return one.method === "tools/call" ? "silent" : { result: "{}" };
    });
    const callers = (["debug", "info", "error"] as const).map((logLevel) => noticed({ logLevel }));
    const [verbose, middle, quiet] = callers as [(typeof callers)[0], (typeof callers)[0], (typeof callers)[0]];
    const one = south.call(verbose.call, target);
    await bench.clock.settle();
    const two = south.call(middle.call, target);
    await bench.clock.settle();
    bench.wire.answer(held[0]?.id ?? 0, { result: "{}" });
    await one;
    const three = south.call(quiet.call, target);
    await bench.clock.settle();
    expect(levels(bench)).toEqual(["debug", "info"]);
    for (const stream of held.slice(1)) for (const level of ["debug", "info", "error"]) stream.push(logText(level));
    const heard = callers.map(({ notices }) => notices.map((notice) => notice.kind === "log" && notice.level));
    expect(heard).toEqual([[], ["info", "error"], ["error"]]);
    for (const { id } of held.slice(1)) bench.wire.answer(id, { result: "{}" });
    await Promise.all([two, three]);
  });

  test("does not send a call that was cancelled while it was set", async () => {
    const { bench, south } = await open("http", (one) => (one.method === "logging/setLevel" ? "silent" : { result: "{}" }));
    const cancel = new CancelSource();
    const running = faultCodeOf(south.call(callOf("tools/call", "{}", { logLevel: "debug", cancel }), target));
    cancel.cancel("x");
    bench.wire.answer(bench.wire.last("logging/setLevel").id, { result: "{}" });
    expect(await running).toBe("CALL_CANCELLED");
    expect(bench.wire.methods()).not.toContain("tools/call");
  });

  test("is left alone where the backend has no log, and a refusal is no trouble", async () => {
    const without = await open("stdio", () => ({ result: "{}" }), { result: initialized() });
    await without.south.call(callOf("tools/call", "{}", { logLevel: "debug" }), target);
    expect(levels(without.bench)).toEqual([]);
    const refusing = await open("http", (one) => (one.method === "logging/setLevel" ? { fault: "BACKEND_DOWN" } : { result: "{}" }));
    expect((await refusing.south.call(callOf("tools/call", "{}", { logLevel: "debug" }), target)).kind).toBe("done");
  });
});

describe("facts and lists", () => {
  test("say what the handshake said", async () => {
    const { south } = await open("stdio", () => "silent");
    expect(south.facts).toMatchObject({ info: '{"name":"old","version":"1"}', instructions: "be quick", revision: "2025-11-25", announces: true, mute: false });
    expect([...south.facts.capabilities.keys()]).toEqual(["tools", "prompts", "resources", "logging", "completions"]);
  });

  test("over HTTP changes are announced only while the standing stream is open", async () => {
    const without = await open("http", () => "silent");
    expect(without.south.facts.announces).toBe(false);
    const bench = benchOf("http", legacyScript(() => "silent", { result: initialized(everything) }));
    bench.wire.listenStatus = [200];
    const south = new SouthLegacy(bench.south, await openSession(bench.south));
    await bench.clock.settle();
    expect(south.facts.announces).toBe(true);
    await south.close();
  });

  test("a page is asked for with its cursor as it came; missing templates are none, other errors are faults", async () => {
    const { bench, south } = await open("stdio", (one) => (one.method === "tools/list" ? { result: '{"tools":[]}' } : { error: unknownMethod }));
    await south.page("tools", '"\\u0061"');
    expect(textOf(bench.wire.last("tools/list").params)).toBe('{"cursor":"\\u0061"}');
    expect(await south.page("templates", null)).toBeNull();
    expect(await faultCodeOf(south.page("resources", null))).toBe("BACKEND_DOWN");
  });
});
