import { describe, expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import type { Config } from "../../src/config/index.ts";
import { createHub, type Hub } from "../../src/hub/index.ts";
import { type Outcome, rawOf } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { createTestClock, type TestClock } from "../fixtures/clock.ts";
import { nullLog } from "../../src/base/index.ts";
import { configOf, createScriptedPool, done, type ScriptedPool, specOf, tool } from "../fixtures/pool.ts";

interface Stage {
  readonly hub: Hub;
  readonly pool: ScriptedPool;
  readonly clock: TestClock;
}

async function stageOf(config: Config): Promise<Stage> {
  const clock = createTestClock();
  let pool: ScriptedPool | null = null;
  const hub = createHub({
    createPool: (events) => (pool = createScriptedPool(events)),
    clock,
    log: nullLog,
    identity: { name: "1mcp", version: "0" },
    cursorKey: new Uint8Array(32),
    empty: configOf(),
  });
  await hub.propose(config);
  if (pool === null) throw new Error("no pool was made");
  return { hub, pool, clock };
}

const textOf = (outcome: Outcome): string => (outcome.kind === "failed" ? outcome.error.raw : rawOf(outcome.result));
const callTool = (hub: Hub, name: string): Promise<string> => hub.call(callOf("tools/call", JSON.stringify({ name }))).then(textOf);
const listTools = (hub: Hub): Promise<string> => hub.call(callOf("tools/list")).then(textOf);

describe("a call", () => {
  test("goes to the backend that owns the public name, under its local name", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("beta").offer({ tools: [tool("echo")] });
    expect(await callTool(hub, "beta__echo")).toContain('"text":"beta"');
    expect(pool.backend("beta").calls).toEqual([{ method: "tools/call", name: "echo" }]);
    expect(pool.backend("alpha").calls).toEqual([]);
  });

  test("of an unknown name is refused with -32602, and of an unknown method with -32601", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({});
    expect(await callTool(hub, "alpha__none")).toContain('"code":-32602');
    expect(textOf(await hub.call(callOf("vendor/thing")))).toContain('"code":-32601');
  });

  test("on one server's own endpoint passes names and methods through that it does not list, but not what is switched off", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha", { disabledTools: ["off"] })));
    pool.backend("alpha").offer({ tools: [tool("echo"), tool("off")] });
    const selection = { server: "alpha" };
    const call = (method: string, params: object): Promise<string> => hub.call(callOf(method, JSON.stringify(params), { selection })).then(textOf);
    expect(await call("tools/call", { name: "unlisted" })).toContain('"text":"alpha"');
    expect(await call("vendor/thing", {})).toContain('"text":"alpha"');
    expect(await call("tools/call", { name: "off" })).toContain('"code":-32602');
  });

  test("that is without a name is refused as such", async () => {
    const { hub } = await stageOf(configOf());
    expect(textOf(await hub.call(callOf("tools/call", '{"name":7}')))).toContain("must be a string");
    expect(textOf(await hub.call(callOf("resources/read", "{}")))).toContain("must be a string");
    expect(textOf(await hub.call(callOf("completion/complete", "{}")))).toContain("must be an object");
  });

  test("whose backend is down fails with the backend's name, and the others go on", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("beta").offer({ tools: [tool("echo")] });
    pool.backend("alpha").answer = () => Promise.reject(fault("BACKEND_DOWN", { backend: "alpha" }));
    expect(await callTool(hub, "alpha__echo")).toContain('"backend":"alpha"');
    expect(await callTool(hub, "beta__echo")).toContain('"text":"beta"');
  });

  test("to a server that is just starting waits for it instead of being refused", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    const waiting = callTool(hub, "alpha__echo");
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    expect(await waiting).toContain('"text":"alpha"');
  });

  test("to a ready server does not wait for another that is starting", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("slow")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    expect(await callTool(hub, "alpha__echo")).toContain('"text":"alpha"');
  });
});

describe("resources", () => {
  const resource = (uri: string): string => `{"uri":"${uri}","name":"r"}`;

  test("are read from the backend that lists them, by their unmodified URI", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ resources: [resource("a://1")] });
    pool.backend("beta").offer({ resources: [resource("b://1")] });
    await hub.call(callOf("resources/read", '{"uri":"b://1"}'));
    expect(pool.backend("beta").calls).toEqual([{ method: "resources/read", name: null }]);
    expect(pool.backend("alpha").calls).toEqual([]);
  });

  test("are asked of the next candidate only when the one before does not know them", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    const template = '{"uriTemplate":"x://{id}","name":"t"}';
    pool.backend("alpha").offer({ templates: [template] });
    pool.backend("beta").offer({ templates: [template] });
    const failure = (code: number): Outcome => ({ kind: "failed", error: { code, message: "no", data: null, raw: `{"code":${code},"message":"no"}` } });
    pool.backend("alpha").answer = async () => failure(-32002);
    expect(textOf(await hub.call(callOf("resources/read", '{"uri":"x://1"}')))).toContain("beta");
    pool.backend("alpha").answer = async () => failure(-32603);
    expect(textOf(await hub.call(callOf("resources/read", '{"uri":"x://1"}')))).toContain("-32603");
  });

  test("that nobody owns are refused with their URI", async () => {
    const { hub } = await stageOf(configOf());
    expect(textOf(await hub.call(callOf("resources/read", '{"uri":"q://none"}')))).toContain('"uri":"q://none"');
  });
});

describe("completion", () => {
  test("goes to the prompt's owner under the local name, and is empty where the owner does not complete", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ prompts: ['{"name":"p"}'] });
    pool.backend("beta").offer({ prompts: ['{"name":"p"}'] }, { prompts: "{}" });
    const complete = (name: string): Promise<string> => hub.call(callOf("completion/complete", JSON.stringify({ ref: { type: "ref/prompt", name }, argument: { name: "a", value: "" } }))).then(textOf);
    expect(await complete("alpha__p")).toContain('"text":"alpha"');
    expect(pool.backend("alpha").calls).toEqual([{ method: "completion/complete", name: "p" }]);
    expect(await complete("beta__p")).toContain('"values":[]');
    expect(pool.backend("beta").calls).toEqual([]);
    expect(await complete("alpha__none")).toContain('"code":-32602');
  });
});

describe("a list", () => {
  test("waits for servers that start for the first time, but not for ever", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("alpha"), specOf("slow")));
    const listed = listTools(hub);
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("slow").settle("backing-off");
    expect(await listed).toContain("alpha__echo");
    await clock.advance(configOf().limits.listWaitMsMax);
    expect(await listTools(hub)).toContain("alpha__echo");
  });

  test("keeps the tools of a crashed server", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("alpha").settle("backing-off");
    expect(await listTools(hub)).toContain("alpha__echo");
  });

  test("is cut into pages with cursors that only its caller can use", async () => {
    const { hub, pool } = await stageOf({ ...configOf(specOf("alpha")), pageSize: 1 });
    pool.backend("alpha").offer({ tools: [tool("a"), tool("b")] });
    const first = JSON.parse(await listTools(hub)) as { tools: { name: string }[]; nextCursor: string };
    const next = (principal = operator): Promise<string> => hub.call(callOf("tools/list", JSON.stringify({ cursor: first.nextCursor }), { principal })).then(textOf);
    expect(first.tools.map((one) => one.name)).toEqual(["alpha__a"]);
    expect(JSON.parse(await next())).toMatchObject({ tools: [{ name: "alpha__b" }] });
    expect(await next({ id: "another", scopes: null })).toContain('"code":-32602');
  });
});

describe("a new configuration", () => {
  test("keeps the hold on unchanged servers and lets go of removed ones when their last call has ended", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("kept"), specOf("removed")));
    pool.backend("kept").offer({ tools: [tool("t")] });
    pool.backend("removed").offer({ tools: [tool("t")] });
    const running = Promise.withResolvers<Outcome>();
    pool.backend("removed").answer = () => running.promise;
    const call = callTool(hub, "removed__t");
    await hub.propose(configOf(specOf("kept")));
    expect([pool.backend("kept").holds, pool.backend("removed").holds]).toEqual([2, 1]);
    expect(await callTool(hub, "removed__t")).toContain('"code":-32602');
    running.resolve(done('{"content":[]}'));
    await call;
    expect([pool.backend("kept").holds, pool.backend("removed").holds]).toEqual([1, 0]);
  });

  test("gives a removed server's running call up at the drain limit", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("removed")));
    pool.backend("removed").offer({ tools: [tool("t")] });
    pool.backend("removed").answer = () => new Promise(() => undefined);
    void callTool(hub, "removed__t");
    await hub.propose(configOf());
    expect(pool.backend("removed").holds).toBe(1);
    await clock.advance(configOf().limits.drainMsMax);
    expect(pool.backend("removed").holds).toBe(0);
  });

  test("starts a changed server beside the old one and swaps when it is ready", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("old")] });
    const proposed = hub.propose(configOf(specOf("alpha", { fingerprint: "2" })));
    await Promise.resolve();
    expect(await listTools(hub)).toContain("alpha__old");
    pool.backends.get("alpha#2")?.offer({ tools: [tool("new")] });
    await proposed;
    expect(await listTools(hub)).toContain("alpha__new");
    expect(pool.backends.get("alpha#1")?.holds).toBe(0);
  });

  test("that was refused changes only the status", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    await listTools(hub);
    const generation = hub.status().generation;
    hub.reject([{ path: [], line: 3, column: 5, message: "unknown key", hint: null, server: null }], "/test/mcp.json");
    expect(hub.status()).toMatchObject({ generation, config: { state: "rejected", issues: [{ line: 3 }] } });
    expect(await callTool(hub, "alpha__t")).toContain('"text":"alpha"');
  });

  test("with a server that is switched off shows it in the status and starts nothing", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("off", { disabled: true })));
    expect(hub.status().backends).toMatchObject([{ name: "off", state: "disabled" }]);
    expect(pool.backends.size).toBe(0);
  });
});

describe("describe", () => {
  test("names ourselves on all servers, and the server itself on its own endpoint", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({});
    const all = await hub.describe(operator, { server: null });
    expect(all.info).toBe('{"name":"1mcp","version":"0"}');
    expect(all.instructions).toContain("about alpha");
    const own = await hub.describe(operator, { server: "alpha" });
    expect(own).toMatchObject({ info: '{"name":"alpha","version":"1"}', instructions: "about alpha" });
  });

  test("refuses a server that does not exist, is out of the grant, or does not come up", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").settle("backing-off");
    expect(hub.describe(operator, { server: "none" })).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    expect(hub.describe({ id: "p", scopes: [] }, { server: "alpha" })).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    expect(hub.describe(operator, { server: "alpha" })).rejects.toMatchObject({ code: "BACKEND_DOWN" });
  });
});

describe("the end", () => {
  test("lets running calls finish, refuses new ones, and closes the pool", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    const running = Promise.withResolvers<Outcome>();
    pool.backend("alpha").answer = () => running.promise;
    const call = callTool(hub, "alpha__t");
    const closed = hub.close(5000);
    expect(await callTool(hub, "alpha__t")).toContain("shutting down");
    expect(pool.closed).toBe(false);
    running.resolve(done('{"content":[]}'));
    await call;
    await closed;
    expect(pool.closed).toBe(true);
  });

  test("does not wait longer than it is told", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    pool.backend("alpha").answer = () => new Promise(() => undefined);
    void callTool(hub, "alpha__t");
    const closed = hub.close(5000);
    await clock.advance(5000);
    await closed;
    expect(pool.closed).toBe(true);
  });
});
