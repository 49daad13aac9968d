import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { configOf, specOf, tool } from "../fixtures/pool.ts";
import { listTools, stageOf, textOf } from "../fixtures/stage.ts";

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

describe("a tool or prompt", () => {
  test("that is named twice but for the case is refused: a server that minds no case would take the other one", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha", { disabledTools: ["wipe"] })));
    pool.backend("alpha").offer({ tools: [tool("read"), tool("wipe")] });
    for (const selection of [{ server: "alpha" }, { server: null }]) {
      const name = selection.server === null ? "alpha__read" : "read";
      for (const params of [`{"name":"${name}","Name":"wipe"}`, `{"NAME":"wipe","name":"${name}","arguments":{}}`]) {
        for (const method of ["tools/call", "prompts/get"]) expect(textOf(await hub.call(callOf(method, params, { selection })))).toContain('"code":-32602');
      }
      // In what the server's own schema describes it may be so.
      expect(textOf(await hub.call(callOf("tools/call", `{"name":"${name}","arguments":{"name":"a","Name":"b"},"names":1}`, { selection })))).toContain("alpha");
    }
    expect(pool.backend("alpha").calls.map(({ method }) => method)).toEqual(["tools/call", "tools/call"]);
  });
});

describe("what no row is for", () => {
  test("goes to the server that its id was issued for, if its caller sees that one", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    for (const name of ["alpha", "beta"]) pool.backend(name).offer({});
    const get = (more: object): Promise<string> => hub.call(callOf("tasks/get", '{"taskId":"i"}', { backend: "beta", ...more })).then(textOf);
    expect(await get({})).toContain('"text":"beta"');
    expect(await get({ selection: { server: "beta" } })).toContain('"text":"beta"');
    expect(pool.backend("beta").calls[0]).toEqual({ method: "tasks/get", name: null });
    for (const more of [{ selection: { server: "alpha" } }, { backend: "gone" }]) expect(await get(more)).toContain('"code":-32602');
    expect(await get({ principal: { id: "p", scopes: ["server:alpha"] } })).toContain('"requiredScopes":["server:beta"]');
    expect(pool.backend("alpha").calls).toEqual([]);
  });

  test("goes to the only server that has an extension which its caller declares, and to nobody where that is unclear", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta"), specOf("gamma")));
    const having = (...names: string[]) => ({ extensions: JSON.stringify(Object.fromEntries(names.map((name) => [name, {}]))) });
    pool.backend("alpha").offer({}, having("x/a", "x/shared"));
    pool.backend("beta").offer({}, having("x/b", "x/shared"));
    pool.backend("gamma").offer({}, having("io.modelcontextprotocol/ui"));
    const declaring = (...names: string[]) => ({ client: { info: null, capabilities: JSON.stringify({ extensions: Object.fromEntries(names.map((name) => [name, {}])) }) } });
    const ask = (more: object): Promise<string> => hub.call(callOf("com.example/do", "{}", more)).then(textOf);
    expect(await ask(declaring("x/a"))).toContain('"text":"alpha"');
    expect(await ask(declaring("x/b", "x/shared", "x/none"))).toContain('"text":"beta"');
    for (const more of [{}, declaring("x/a", "x/b"), declaring("x/shared"), declaring("io.modelcontextprotocol/ui"), { ...declaring("x/a"), principal: { id: "p", scopes: ["server:beta"] } }]) expect(await ask(more)).toContain('"code":-32601');
    expect(await ask({ ...declaring("x/shared"), principal: { id: "p", scopes: ["server:beta"] } })).toContain('"text":"beta"');
  });

  test("waits for a server that starts, where its caller speaks of an extension", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    const asked = hub.call(callOf("com.example/do", "{}", { client: { info: null, capabilities: '{"extensions":{"x/a":{}}}' } })).then(textOf);
    pool.backend("alpha").offer({}, { extensions: '{"x/a":{}}' });
    expect(await asked).toContain('"text":"alpha"');
  });

  test("is not known on all servers, and its own business on one", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({});
    expect(textOf(await hub.call(callOf("com.example/do")))).toContain('"code":-32601');
    expect(textOf(await hub.call(callOf("com.example/do", "{}", { selection: { server: "alpha" } })))).toContain('"text":"alpha"');
    expect(textOf(await hub.call(callOf("com.example/do", "{}", { selection: { server: "none" } })))).toContain('"code":-32601');
  });
});

describe("completion", () => {
  test("goes to the prompt's owner under the local name, whether or not that announced it, and is empty where the owner knows no such method", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ prompts: ['{"name":"p"}'] });
    pool.backend("beta").offer({ prompts: ['{"name":"p"}'] }, { prompts: "{}" });
    const complete = (name: string, server: string | null = null): Promise<string> => hub.call(callOf("completion/complete", JSON.stringify({ ref: { type: "ref/prompt", name }, argument: { name: "a", value: "" } }), { selection: { server } })).then(textOf);
    const failure = (code: number): Outcome => ({ kind: "failed", error: { code, message: "no", data: null, raw: `{"code":${code},"message":"no"}` } });
    expect(await complete("alpha__p")).toContain('"text":"alpha"');
    expect(pool.backend("alpha").calls).toEqual([{ method: "completion/complete", name: "p" }]);
    // The oldest revision completes without a word for it.
    expect(await complete("beta__p")).toContain('"text":"beta"');
    pool.backend("beta").answer = async () => failure(-32601);
    expect(await complete("beta__p")).toContain('"values":[]');
    expect(await complete("p", "beta")).toContain('"code":-32601');
    pool.backend("beta").answer = async () => failure(-32603);
    expect(await complete("beta__p")).toContain('"code":-32603');
    expect(await complete("alpha__none")).toContain('"code":-32602');
  });
});

describe("a list of pages", () => {
  test("has cursors with cursors that only its caller can use", async () => {
    const { hub, pool } = await stageOf({ ...configOf(specOf("alpha")), pageSize: 1 });
    pool.backend("alpha").offer({ tools: [tool("a"), tool("b")] });
    const first = JSON.parse(await listTools(hub)) as { tools: { name: string }[]; nextCursor: string };
    const next = (principal = operator): Promise<string> => hub.call(callOf("tools/list", JSON.stringify({ cursor: first.nextCursor }), { principal })).then(textOf);
    expect(first.tools.map((one) => one.name)).toEqual(["alpha__a"]);
    expect(JSON.parse(await next())).toMatchObject({ tools: [{ name: "alpha__b" }] });
    expect(await next({ id: "another", scopes: null })).toContain('"code":-32602');
  });

  test("refuses a cursor that is no string", async () => {
    const { hub } = await stageOf(configOf());
    expect(textOf(await hub.call(callOf("tools/list", '{"cursor":7}')))).toContain('"code":-32602');
  });
});
