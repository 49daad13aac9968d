import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import type { BackendSpec } from "../../src/config/index.ts";
import { toolNameOf } from "../../src/hub/inner.ts";
import type { Call, Outcome } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { configOf, done, objectFrom, specOf, tool } from "../fixtures/pool.ts";
import { stageOf, textOf } from "../fixtures/stage.ts";

const configWith = (...backends: readonly BackendSpec[]) => ({ ...configOf(...backends), catalog: "search" as const });
const pair = (name: "search" | "call", args: string, more: Partial<Call> = {}): Call => callOf("tools/call", `{"name":"1mcp__${name}","arguments":${args},"_meta":{"k":1}}`, more);
const textsIn = (outcome: Outcome): string[] => (JSON.parse(textOf(outcome)) as { content: { text: string }[] }).content.flatMap(({ text }) => text.split("\n"));

async function stage() {
  const all = await stageOf(configWith(specOf("alpha", { disabledTools: ["off"] }), specOf("beta", { hidden: true })));
  all.pool.backend("alpha").offer({ tools: [tool("say"), tool("off")] });
  all.pool.backend("beta").offer({ tools: [tool("say"), tool("hide")] });
  return all;
}

describe("a call through the pair", () => {
  test("reaches the server as the inner call, with everything else as it came", async () => {
    const { hub, pool } = await stage();
    const got: Call[] = [];
    pool.backend("alpha").answer = async (call) => (got.push(call), done('{"content":[],"structuredContent":{"n":1.10},"isError":true,"x":1}'));
    const outer = pair("call", '{"name":"alpha__say","arguments":{"n":1.10,"__proto__":2}}', { progress: true, resume: { responses: "{}", state: "s", backend: "alpha" } });
    expect(textOf(await hub.call(outer))).toBe('{"content":[],"structuredContent":{"n":1.10},"isError":true,"x":1}');
    expect(pool.backend("alpha").calls).toEqual([{ method: "tools/call", name: "say" }]);
    expect(got[0]?.params.text).toBe('{"name":"alpha__say","arguments":{"n":1.10,"__proto__":2},"_meta":{"k":1}}');
    for (const key of ["number", "callId", "principal", "client", "cancel", "progress", "resume"] as const) expect(got[0]?.[key]).toBe(outer[key]);
  });

  test("without arguments has none inside either", async () => {
    const { hub, pool } = await stage();
    const got: string[] = [];
    pool.backend("alpha").answer = async (call) => (got.push(call.params.text), done("{}"));
    await hub.call(pair("call", '{"name":"alpha__say"}'));
    expect(got).toEqual(['{"name":"alpha__say","_meta":{"k":1}}']);
  });

  test("is refused as a direct one is: what is switched off, not granted, hidden or not there", async () => {
    const { hub, pool } = await stage();
    const ada = { principal: { id: "ada", scopes: ["server:alpha"] } };
    const both = async (name: string, more: Partial<Call>) => {
      const direct = textOf(await hub.call(callOf("tools/call", `{"name":"${name}"}`, more)));
      expect(textOf(await hub.call(pair("call", `{"name":"${name}"}`, more)))).toBe(direct);
      return direct;
    };
    expect(await both("alpha__off", {})).toContain("-32602");
    expect(await both("beta__say", ada)).not.toContain("requiredScopes");
    expect(await both("gamma__say", ada)).toContain("-32602");
    expect(await both("alpha__say", { principal: { id: "bob", scopes: ["server:none"] } })).toContain('"requiredScopes":["server:alpha"]');
    expect([...pool.backend("alpha").calls, ...pool.backend("beta").calls]).toEqual([]);
  });

  test("that names no tool, or gives what are no arguments, is told so that a model can mend it", async () => {
    const { hub } = await stage();
    const all = [pair("call", "{}"), pair("call", '{"name":7}'), pair("call", '{"name":"1mcp__call"}'), pair("call", '{"name":"1mcp__search"}'), callOf("tools/call", '{"name":"1mcp__call"}'), pair("call", '{"name":"alpha__say","arguments":"{}"}'), pair("call", '{"name":"alpha__say","arguments":{"a":1,"a":2}}')];
    const said = await Promise.all(all.map(async (call) => textOf(await hub.call(call))));
    for (const text of said.slice(0, 6)) expect(text).toContain('"isError":true');
    expect(said[0]).toContain("“name” must be the name of a tool");
    expect(said[5]).toContain("“arguments” must be an object");
  });

  test("waits for a server that starts, as a direct one does", async () => {
    const { hub, pool } = await stageOf(configWith(specOf("alpha")));
    const waiting = hub.call(pair("call", '{"name":"alpha__say"}'));
    pool.backend("alpha").offer({ tools: [tool("say")] });
    expect(textOf(await waiting)).toContain('"text":"alpha"');
  });

  test("is nothing where tools are listed, or one server alone is asked", async () => {
    const full = await stageOf(configOf(specOf("alpha")));
    full.pool.backend("alpha").offer({ tools: [tool("say")] });
    expect(textOf(await full.hub.call(pair("call", '{"name":"alpha__say"}')))).toContain("-32602");
    const { hub, pool } = await stage();
    await hub.call(pair("call", '{"name":"say"}', { selection: { server: "alpha" } }));
    expect(pool.backend("alpha").calls).toEqual([{ method: "tools/call", name: null }]);
  });
});

describe("a search", () => {
  test("gives a line of JSON for each match: the public name, the description, the schema", async () => {
    const { hub, pool } = await stage();
    pool.backend("alpha").offer({ tools: ['{"name":"say","title":"T","description":"Says \\"it\\".","inputSchema":{"type":"object","properties":{"n":{"default":1.10}}},"outputSchema":{"type":"object"}}'] });
    expect(textsIn(await hub.call(pair("search", '{"query":"alpha"}')))).toEqual(['{"name":"alpha__say","description":"Says \\"it\\".","inputSchema":{"type":"object","properties":{"n":{"default":1.10}}}}']);
  });

  test("gives five where nothing else is said, and as many as is said", async () => {
    const { hub, pool } = await stage();
    pool.backend("alpha").offer({ tools: Array.from({ length: 30 }, (_, at) => tool(`t${at}`)) });
    const count = async (args: string): Promise<number> => textsIn(await hub.call(pair("search", args))).length;
    expect([await count('{"query":"alpha"}'), await count('{"query":"alpha","limit":1}'), await count('{"query":"alpha","limit":20}')]).toEqual([5, 1, 20]);
    // Models say null for what they leave out.
    expect(await count('{"query":"alpha","limit":null}')).toBe(5);
    for (const limit of ["0", "21", "1.5", '"5"', "true"]) expect(textOf(await hub.call(pair("search", `{"query":"alpha","limit":${limit}}`)))).toContain("must be a whole number from 1 to 20");
    expect(textOf(await hub.call(pair("search", "{}")))).toContain("“query” must be a text");
  });

  test("leaves the schema out beyond the bound, and says so", async () => {
    const { hub, pool } = await stageOf({ ...configWith(specOf("alpha")), limits: { ...defaultLimits, searchCharsMax: 120 } });
    pool.backend("alpha").offer({ tools: [tool("say"), tool("say_more"), tool("say_most")] });
    const lines = textsIn(await hub.call(pair("search", '{"query":"say"}')));
    expect(lines.map((line) => typeof (JSON.parse(line) as { inputSchema: unknown }).inputSchema)).toEqual(["object", "object", "string"]);
    expect(lines[2]).toContain("left out; search for this name alone");
  });

  test("that finds nothing says of whom there are tools, of those whom the caller sees", async () => {
    const { hub } = await stage();
    expect(textsIn(await hub.call(pair("search", '{"query":"zebra"}')))).toEqual(["Nothing matches. There are tools of: alpha, beta."]);
    expect(textsIn(await hub.call(pair("search", '{"query":"zebra"}', { principal: { id: "ada", scopes: ["server:alpha"] } })))).toEqual(["Nothing matches. There are tools of: alpha."]);
    expect(textsIn(await hub.call(pair("search", '{"query":"zebra"}', { principal: { id: "bob", scopes: [] } })))).toEqual(["Nothing matches. There are tools of: no server."]);
  });

  test("waits for servers that start, as a list does, and tells of those that are not there", async () => {
    const { hub, pool } = await stageOf(configWith(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ tools: [tool("say")] });
    const waiting = hub.call(pair("search", '{"query":"say"}'));
    pool.backend("beta").offer({ tools: [tool("say")] });
    expect(textsIn(await waiting).map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(["alpha__say", "beta__say"]);
    const late = await stageOf(configWith(specOf("alpha"), specOf("beta")));
    late.pool.backend("alpha").offer({ tools: [tool("say")] });
    late.pool.backend("beta").settle("backing-off");
    const from = late.clock.now();
    const lines = textsIn(await late.hub.call(pair("search", '{"query":"say"}')));
    expect(lines.at(-1)).toBe("Not searched, since they are not there at the moment: beta.");
    expect([lines.length, late.clock.now()]).toEqual([2, from]);
  });
});

test("what models are told can be asked for, with the way in which they are told it", async () => {
  const { hub } = await stage();
  const { catalog, servers, pair: two } = hub.definitions();
  expect([catalog, two.length]).toEqual(["search", 2]);
  expect(servers.map(({ name, tools }) => [name, tools.map((one) => one.name)])).toEqual([["alpha", ["alpha__say"]], ["beta", ["beta__hide", "beta__say"]]]);
});

test("the name of a tool is the inner one, whichever way it is called", () => {
  const nameOf = (text: string): string | null => toolNameOf(objectFrom(text), true);
  expect([nameOf('{"name":"a"}'), nameOf('{"name":"1mcp__call","arguments":{"name":"a"}}'), nameOf('{"name":"1mcp__call"}'), nameOf("{}")]).toEqual(["a", "a", "1mcp__call", null]);
});
