import { describe, expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";
import { verdictOf } from "../../src/era/probe.ts";
import { SouthModern } from "../../src/era/southModern.ts";
import type { Target } from "../../src/era/types.ts";
import { type Notice, type RawObject, taskTopic } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { type Arrived, type Bench, benchOf, discovered, faultCodeOf, metaOf, modernScript, type Said, type Script, textOf, unknownMethod } from "../fixtures/wire.ts";

const target: Target = { backend: "box", name: null, timeoutMs: 5_000, tool: null };
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const traced = `{"traceparent":"${traceparent}"}`;
const done: Said = { result: '{"resultType":"complete","content":[]}' };

async function open(transport: "stdio" | "http", rest: Script, capabilities?: string): Promise<{ bench: Bench; south: SouthModern }> {
  const bench = benchOf(transport, modernScript(rest, { result: discovered(capabilities) }));
  const verdict = await verdictOf(bench.south);
  if (verdict.era !== "modern") throw new Error("not modern");
  const south = new SouthModern(bench.south, verdict);
  bench.wire.onMessage = (message) => south.onMessage(message);
  return { bench, south };
}

const client = { info: '{"name":"editor","version":"3"}', capabilities: '{"elicitation":{"url":{}},"sampling":{},"extensions":{"x/y":{}},"experimental":{}}' };
const tool = '{"name":"a","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"Count"}}}}';

describe("a request", () => {
  // Checklist: S3
  test("carries all that a server may ask for, and the client's own identity", async () => {
    const { bench, south } = await open("stdio", () => done);
    await south.call(callOf("tools/call", '{"name":"box__a","arguments":{"n": 1.10},"_meta":{"x":1}}', { client, progress: true, logLevel: "info", meta: '{"dev.example/kept":[1, 2]}' }), { ...target, name: "a" });
    const arrived = bench.wire.last("tools/call");
    expect(arrived.text).toStartWith(`{"jsonrpc":"2.0","id":${arrived.id},"method":"tools/call","params":{"name":"a","arguments":{"n": 1.10},"_meta":{`);
    expect(arrived.text).toContain('"dev.example/kept":[1, 2]');
    const { "dev.example/kept": _, ...meta } = metaOf(arrived);
    const [vendor] = Object.keys(meta).filter((key) => !key.startsWith("io.modelcontextprotocol/") && key !== "progressToken");
    expect(meta).toEqual({
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "editor", version: "3" },
      "io.modelcontextprotocol/clientCapabilities": { elicitation: { url: {} }, sampling: {} },
      "io.modelcontextprotocol/logLevel": "info",
      progressToken: arrived.id,
      [vendor ?? ""]: { name: "1mcp", version: "9.9.9" },
    });
    expect(arrived.headers).toEqual({});
  });

  // Checklist: S3
  test("repeats in headers over HTTP what intermediaries look at, encoded where it must be", async () => {
    const { bench, south } = await open("http", () => done);
    await south.call(callOf("tools/call", '{"name":"box__ä","arguments":{"region":" eu","n":42}}'), { ...target, name: "ä", tool });
    expect(bench.wire.last("tools/call").headers).toEqual({
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "=?base64?w6Q=?=",
      "Mcp-Param-Region": "=?base64?IGV1?=",
      "Mcp-Param-Count": "42",
    });
    await south.call(callOf("resources/read", '{"uri":"a:b"}'), target);
    expect(bench.wire.last("resources/read").headers).toEqual({ "mcp-protocol-version": "2026-07-28", "mcp-method": "resources/read", "mcp-name": "a:b" });
    await south.call(callOf("completion/complete", "{}"), target);
    expect(bench.wire.last("completion/complete").headers).toEqual({ "mcp-protocol-version": "2026-07-28", "mcp-method": "completion/complete" });
    // What stands before the server looks for the trace there.
    await south.call(callOf("completion/complete", "{}", { meta: traced }), target);
    expect(bench.wire.last("completion/complete").headers).toEqual({ "mcp-protocol-version": "2026-07-28", "mcp-method": "completion/complete", traceparent });
  });

  // Checklist: S6
  test("made again carries the responses and the state byte for byte, and only then", async () => {
    const { bench, south } = await open("stdio", () => done);
    const sealed = '{"name":"a","inputResponses":{"k":0},"requestState":"sealed"}';
    await south.call(callOf("tools/call", sealed, { resume: { responses: '{"k":{"action":"accept"}}', state: 'q"\n', backend: "box" } }), target);
    expect(bench.wire.last("tools/call").text).toContain('"inputResponses":{"k":{"action":"accept"}},"requestState":"q\\"\\n"');
    await south.call(callOf("tools/call", '{"name":"a","inputResponses":{"k":0}}', { resume: { responses: '{"k":0}', state: null, backend: null } }), target);
    expect(bench.wire.last("tools/call").text).not.toContain("requestState");
    await south.call(callOf("tools/call", '{"name":"a"}'), target);
    expect(bench.wire.last("tools/call").text).not.toContain("inputResponses");
  });

  test("of our own says who we are and that we can do nothing", async () => {
    const { bench, south } = await open("http", () => ({ result: '{"resultType":"complete","tools":[]}' }));
    await south.page("tools", '""');
    expect(textOf(bench.wire.last("tools/list").params)).toStartWith('{"cursor":"",');
    expect(metaOf(bench.wire.last("tools/list"))["io.modelcontextprotocol/clientCapabilities"]).toEqual({});
    expect(bench.wire.last("tools/list").headers).toEqual({ "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" });
  });
});

describe("a result", () => {
  test.each([
    ["tools/call", '{"content":[]}', "done"],
    ["tools/call", '{"resultType":"complete"}', "done"],
    ["tools/call", '{"resultType":"input_required","inputRequests":{}}', "input"],
    ["prompts/get", '{"resultType":"input_required","requestState":"s"}', "input"],
    ["resources/read", '{"resultType":"input_required","inputRequests":{}}', "input"],
  ])("%s with %s is %s", async (method, result, kind) => {
    const { south } = await open("stdio", () => ({ result }));
    const outcome = await south.call(callOf(method), target);
    expect(outcome.kind).toBe(kind as "done");
    if (outcome.kind === "input") expect(outcome).toMatchObject({ backend: "box", state: result.includes("requestState") ? "s" : null });
  });

  test.each([
    ["tools/call", '{"resultType":"task","taskId":"1"}'],
    ["tools/call", '{"resultType":7}'],
    ["tools/call", '{"resultType":"input_required"}'],
    ["completion/complete", '{"resultType":"input_required","inputRequests":{}}'],
  ])("%s with %s cannot be read", async (method, result) => {
    const { south } = await open("stdio", () => ({ result }));
    expect(await faultCodeOf(south.call(callOf(method), target))).toBe("BACKEND_GARBLED");
  });

  test("is a task for clients that declared the extension, for tools, and outside of sessions", async () => {
    const { south } = await open("stdio", () => ({ result: '{"resultType":"task","taskId":"1"}' }));
    const client = { info: null, capabilities: '{"extensions":{"io.modelcontextprotocol/tasks":{}}}' };
    expect(await south.call(callOf("tools/call", "{}", { client }), target)).toMatchObject({ kind: "task", backend: "box" });
    expect(await faultCodeOf(south.call(callOf("prompts/get", "{}", { client }), target))).toBe("BACKEND_GARBLED");
    expect(await faultCodeOf(south.call(callOf("tools/call", "{}", { client, session: { id: "s", ended: new CancelSource() } }), target))).toBe("BACKEND_GARBLED");
  });

  test("of an extension's own type goes through where client and backend are alone with each other", async () => {
    const { south } = await open("stdio", () => ({ result: '{"resultType":"com.example/odd","n":1.10}' }));
    const outcome = await south.call(callOf("com.example/do", "{}", { selection: { server: "box" } }), target);
    expect(outcome.kind === "done" && textOf(outcome.result)).toBe('{"resultType":"com.example/odd","n":1.10}');
    expect(await faultCodeOf(south.call(callOf("com.example/do"), target))).toBe("BACKEND_GARBLED");
  });

  test.each(["stdio", "http"] as const)("about a task is asked for by the backend's own id (%s)", async (transport) => {
    const { bench, south } = await open(transport, () => ({ result: '{"resultType":"complete","taskId":"i"}' }));
    await south.call(callOf("tasks/get", '{"taskId":"i"}'), target);
    if (transport === "http") expect(bench.wire.last("tasks/get").headers).toMatchObject({ "mcp-method": "tasks/get", "mcp-name": "i" });
    else expect(textOf(bench.wire.last("tasks/get").params)).toStartWith('{"taskId":"i",');
  });

  test("that is an error is the backend's own", async () => {
    const { south } = await open("http", () => ({ error: '{"code":-32021,"message":"need","data":{"requiredCapabilities":{"roots":{}}}}', status: 400 }));
    expect(await south.call(callOf("tools/call"), target)).toMatchObject({ kind: "failed", error: { code: -32021, data: '{"requiredCapabilities":{"roots":{}}}' } });
  });

  test("whose stream broke is lost", async () => {
    const { south } = await open("http", () => ({ status: 200, resume: { lastEventId: "1", retryMs: null } }));
    expect(await faultCodeOf(south.call(callOf("tools/call"), target))).toBe("BACKEND_GONE");
  });
});

describe("complaints about this hop", () => {
  const mismatch: Said = { error: '{"code":-32020,"message":"header"}', status: 400 };
  const refused = (supported: string): Said => ({ error: `{"code":-32022,"message":"version","data":{"supported":[${supported}]}}`, status: 400 });

  // Checklist: S5
  test("a header mismatch fetches the definition anew and tries once more", async () => {
    const replies = [mismatch, done];
    const { bench, south } = await open("http", (one) => (one.method === "tools/list" ? { result: `{"tools":[{"name":"z"},${tool}]}` } : (replies.shift() as Said)));
    const outcome = await south.call(callOf("tools/call", '{"name":"a","arguments":{"region":"eu"}}'), { ...target, tool: '{"name":"a","inputSchema":{}}' });
    expect(outcome.kind).toBe("done");
    expect(bench.wire.methods().slice(1)).toEqual(["tools/call", "tools/list", "tools/call"]);
    expect(bench.wire.last("tools/call").headers["Mcp-Param-Region"]).toBe("eu");
    expect(bench.changed).toEqual(["tools"]);
  });

  test("a second one, and one about something else than a tool, is a fault and never the client's", async () => {
    const { south } = await open("http", (one) => (one.method === "tools/list" ? { result: '{"tools":[]}' } : mismatch));
    expect(await faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}'), target))).toBe("BACKEND_GARBLED");
    expect(await faultCodeOf(south.call(callOf("prompts/get", '{"name":"a"}'), target))).toBe("BACKEND_GARBLED");
  });

  test("an unsupported version is negotiated anew, once", async () => {
    const replies = [refused('"2026-07-28"'), done, refused('"2026-07-28"'), refused('"2026-07-28"')];
    const { south } = await open("http", () => replies.shift() as Said);
    expect((await south.call(callOf("tools/call"), target)).kind).toBe("done");
    expect(await faultCodeOf(south.call(callOf("tools/call"), target))).toBe("BACKEND_GARBLED");
  });

  test("one that does not say what is supported is this call's failure alone", async () => {
    for (const data of ["", ',"data":[1.10]', ',"data":{"supported":[]}', ',"data":{"supported":"2031-01-01"}']) {
      const { bench, south } = await open("stdio", () => ({ error: `{"code":-32022,"message":"version"${data}}` }));
      expect(await faultCodeOf(south.call(callOf("tools/call"), target))).toBe("BACKEND_GARBLED");
      expect(bench.lost).toEqual([]);
    }
  });

  test("a version that nobody here speaks ends the connection", async () => {
    const { bench, south } = await open("http", () => refused('"2031-01-01"'));
    expect(await faultCodeOf(south.call(callOf("tools/call"), target))).toBe("BACKEND_DOWN");
    expect(bench.lost).toHaveLength(1);
  });
});

describe("cancellation", () => {
  test.each([
    ["stdio", 1],
    ["http", 0],
  ] as const)("on %s sends %d notifications", async (transport, count) => {
    const { bench, south } = await open(transport, () => "silent");
    const cancel = new CancelSource();
    const running = faultCodeOf(south.call(callOf("tools/call", "{}", { cancel }), target));
    cancel.cancel("gone");
    expect(await running).toBe("CALL_CANCELLED");
    expect(bench.wire.sent.filter((one) => one.text.includes(`"requestId":${bench.wire.last("tools/call").id}`))).toHaveLength(count);
    expect(bench.wire.abandoned).toEqual([bench.wire.last("tools/call").id]);
  });
});

describe("messages", () => {
  const log = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":1}}';

  test("a log line on a pipe goes to the only call that opted in; requests of the server are ignored", async () => {
    const { bench, south } = await open("stdio", () => "silent");
    const notices: Notice[] = [];
    const opted = south.call(callOf("completion/complete", "{}", { logLevel: "error", notice: (notice) => notices.push(notice) }), target);
    const other = south.call(callOf("tools/call"), target);
    bench.wire.push(log);
    bench.wire.push('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    for (const one of bench.wire.arrived) bench.wire.answer(one.id, done);
    await Promise.all([opted, other]);
    expect(notices.map((notice) => notice.kind)).toEqual(["log"]);
    expect(bench.wire.sent).toEqual([]);
  });

  test("a log line on a stream whose call did not opt in is kept from its client", async () => {
    const { bench, south } = await open("http", () => "silent");
    const running = south.call(callOf("tools/call"), target);
    bench.wire.last("tools/call").push(log);
    bench.wire.answer(bench.wire.last("tools/call").id, done);
    await running;
    expect(bench.logged).toHaveLength(1);
  });
});

describe("facts", () => {
  test("are those of the discovery", async () => {
    const { bench, south } = await open("stdio", () => done, '{"tools":{"listChanged":true},"prompts":{}}');
    expect(south.facts).toMatchObject({ info: '{"name":"new","version":"2"}', instructions: "be kind", revision: "2026-07-28", announces: false, mute: false });
    const listen = bench.wire.last("subscriptions/listen");
    expect(textOf(listen.params)).toStartWith('{"notifications":{"toolsListChanged":true},"_meta":{');
    bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":${listen.id}}}}`);
    expect(south.facts.announces).toBe(true);
    await south.close();
    expect(bench.wire.abandoned).toEqual([listen.id]);
  });

  test("a server that announces nothing is not listened to", async () => {
    const { bench } = await open("stdio", () => done);
    expect(bench.wire.methods()).toEqual(["server/discover"]);
  });

  test("missing templates are none, other errors are faults", async () => {
    const { south } = await open("stdio", () => ({ error: unknownMethod }));
    expect(await south.page("templates", null)).toBeNull();
    expect(await faultCodeOf(south.page("tools", null))).toBe("BACKEND_DOWN");
  });
});

describe("an extension that this server alone has", () => {
  const client = { info: null, capabilities: '{"extensions":{"x/own":{"n":1.10},"x/other":{}}}' };
  const target: Target = { backend: "box", name: null, timeoutMs: 5_000, tool: null, extensions: ["x/own", "x/more"] };
  const odd = { result: '{"resultType":"x/odd"}' };

  test("is declared to it as its client does, among all servers too, and for that call alone", async () => {
    const { bench, south } = await open("stdio", () => done);
    const declared = async (to: Target): Promise<unknown> => {
      await south.call(callOf("tools/call", '{"name":"a"}', { client }), to);
      return metaOf(bench.wire.last("tools/call"))["io.modelcontextprotocol/clientCapabilities"];
    };
    expect([await declared(target), await declared({ ...target, extensions: null }), await declared(target)]).toEqual([{ extensions: { "x/own": { n: 1.1 } } }, {}, { extensions: { "x/own": { n: 1.1 } } }]);
  });

  test("may have results of its own type, for clients that declared it and have types", async () => {
    const { south } = await open("stdio", () => odd);
    const outcome = await south.call(callOf("x/do", "{}", { client }), target);
    expect(outcome.kind).toBe("done");
    for (const more of [{}, { client, session: { id: "s", ended: new CancelSource() } }]) expect(await faultCodeOf(south.call(callOf("x/do", "{}", more), target))).toBe("BACKEND_GARBLED");
    expect(await faultCodeOf(south.call(callOf("x/do", "{}", { client }), { ...target, extensions: null }))).toBe("BACKEND_GARBLED");
  });

  test("hears the header that names what its method is about", async () => {
    const { bench, south } = await open("http", () => done);
    await south.call(callOf("x/do", "{}", { paramHeaders: () => ({ "mcp-name": "=?base64?w6Q=?=", "mcp-param-a": "1" }) }), target);
    expect(bench.wire.last("x/do").headers).toMatchObject({ "mcp-method": "x/do", "mcp-name": "=?base64?w6Q=?=", "mcp-param-a": "1" });
  });
});

describe("a task that is followed", () => {
  const abilities = '{"extensions":{"io.modelcontextprotocol/tasks":{}}}';
  const having = `{"tools":{},${abilities.slice(1)}`;
  const topic = taskTopic("t-1");

  async function following(transport: "stdio" | "http", state: Said = { result: '{"resultType":"complete","taskId":"t-1","status":"working","n":1.10,"_meta":{"a":1}}' }) {
    const { bench, south } = await open(transport, ({ method }) => (method === "tasks/get" ? state : "silent"), having);
    const news: string[] = [];
    Object.assign(bench.south.options, { updated: (uri: string, params: RawObject, of: string) => news.push(`${JSON.stringify(uri)} ${textOf(params)} ${of === abilities}`) });
    const acknowledge = async (): Promise<Arrived> => {
      await bench.clock.settle();
      const arrived = bench.wire.last("subscriptions/listen");
      const { notifications } = JSON.parse(textOf(arrived.params));
      arrived.push(JSON.stringify({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params: { notifications, _meta: { "io.modelcontextprotocol/subscriptionId": arrived.id } } }));
      await bench.clock.settle();
      return arrived;
    };
    return { bench, south, news, acknowledge };
  }

  test("is listened to with what its follower can do, apart from resources, and told as it stands then and later", async () => {
    const { bench, south, news, acknowledge } = await following("http");
    const wish = south.subscribe(topic, abilities);
    const arrived = await acknowledge();
    expect(await wish).toBe(true);
    expect(JSON.parse(textOf(arrived.params)).notifications).toEqual({ taskIds: ["t-1"] });
    expect(metaOf(arrived)["io.modelcontextprotocol/clientCapabilities"]).toEqual(JSON.parse(abilities));
    const look = bench.wire.last("tasks/get");
    expect([look.headers["mcp-method"], look.headers["mcp-name"]]).toEqual(["tasks/get", "t-1"]);
    arrived.push(`{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t-1","status":"completed","_meta":{"io.modelcontextprotocol/subscriptionId":${arrived.id}}}}`);
    arrived.push('{"jsonrpc":"2.0","method":"notifications/tasks","params":{"status":"completed"}}');
    await bench.clock.settle();
    expect(news).toEqual(['"\\u0000t-1" {"taskId":"t-1","status":"working","n":1.10} true', '"\\u0000t-1" {"taskId":"t-1","status":"completed"} true']);
    await south.unsubscribe(topic, abilities);
    expect(bench.wire.abandoned).toContain(arrived.id);
  });

  test("is asked after again when it could not be heard for a while", async () => {
    const { bench, south, news, acknowledge } = await following("http");
    const wish = south.subscribe(topic, abilities);
    const { id } = await acknowledge();
    await wish;
    bench.wire.answer(id, { fault: "BACKEND_GONE" });
    await bench.clock.advance(1_000);
    await acknowledge();
    expect(news).toHaveLength(2);
  });

  test("is not followed where the server has no tasks; that its state cannot be asked harms nothing", async () => {
    const { south } = await open("stdio", () => "silent");
    expect(await south.subscribe(topic, abilities)).toBe(false);
    for (const state of [{ error: '{"code":-32602,"message":"gone"}' }, { fault: "BACKEND_TIMEOUT" }] as const) {
      const { south: other, news, acknowledge } = await following("http", state);
      const wish = other.subscribe(topic, abilities);
      await acknowledge();
      expect([await wish, news]).toEqual([true, []]);
      await other.close();
    }
  });
});
