import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CancelSource } from "../../src/base/index.ts";
import { Envelope, paramsOf, plainMetaOf, targetNameOf } from "../../src/era/envelope.ts";
import { callOf } from "../fixtures/calls.ts";
import { benchOf } from "../fixtures/wire.ts";

const { south } = benchOf("stdio", () => "silent");
const target = { backend: "box", name: null, timeoutMs: 1, tool: null };
const named = { ...target, name: 'lo"cal' };

describe("parameters", () => {
  test.each([
    ["tools/call", '{"name":"x", "arguments":{"a":1}}', '{"name":"lo\\"cal", "arguments":{"a":1}}'],
    ["prompts/get", '{"arguments":{},"name":"x"}', '{"arguments":{},"name":"lo\\"cal"}'],
    ["resources/read", '{"uri":"x"}', '{"uri":"lo\\"cal"}'],
    ["completion/complete", '{"ref":{"type":"ref/prompt","name":"x"}}', '{"ref":{"type":"ref/prompt","name":"lo\\"cal"}}'],
    ["completion/complete", '{"ref":{"type":"ref/resource","name":"n","uri":"x://{y}"}}', '{"ref":{"type":"ref/resource","name":"n","uri":"lo\\"cal"}}'],
    ["completion/complete", '{"ref":{"type":"ref/resource"}}', '{"ref":{"type":"ref/resource"}}'],
    ["completion/complete", '{"ref":7}', '{"ref":7}'],
    ["x/own", '{"name":"x"}', '{"name":"x"}'],
  ])("of %s name the target as the backend does", (method, params, expected) => {
    expect(paramsOf(callOf(method, params), named, null)).toBe(expected);
    expect(paramsOf(callOf(method, params), target, null)).toBe(params);
  });

  test("lose what must not go through", () => {
    expect(paramsOf(callOf("tools/call", '{"name":"x","task":{},"_meta":{"a":1}}'), target, '{"b":2}', { task: null })).toBe('{"name":"x","_meta":{"b":2}}');
  });

  test("of a repeated call carry its state to the backend that gave it, and to no other", () => {
    const repeated = { ...callOf("tools/call", '{"name":"x","requestState":"sealed"}'), resume: { responses: '{"a":1}', state: "inner", backend: "box" } };
    expect(paramsOf(repeated, target, null)).toBe('{"name":"x","requestState":"inner","inputResponses":{"a":1}}');
    expect(() => paramsOf(repeated, { ...target, backend: "other" }, null)).toThrow("another server");
  });

  test("tell the target's name, decoded", () => {
    expect(targetNameOf(callOf("tools/call", '{"name":"\\u0061"}'), target)).toBe("a");
    expect(targetNameOf(callOf("tools/call", '{"name":"x"}'), named)).toBe('lo"cal');
    expect(targetNameOf(callOf("tools/call", "{}"), target)).toBeNull();
    expect(targetNameOf(callOf("tools/list", '{"name":"x"}'), named)).toBeNull();
  });
});

describe("`_meta` for a backend with a handshake", () => {
  test.each([
    [null, false, null],
    ['{"a":1}', false, '{"a":1}'],
    [null, true, '{"progressToken":5}'],
    ["{ }", true, '{"progressToken":5}'],
    ['{"a":1}', true, '{"progressToken":5,"a":1}'],
  ])("%p with progress %p is %p", (meta, progress, expected) => {
    expect(plainMetaOf(callOf("tools/call", "{}", { meta, progress }), 5)).toBe(expected);
  });
});

describe("`_meta` for a backend without one", () => {
  const envelope = new Envelope(south, "2026-07-28");
  const parsed = (more: Parameters<typeof callOf>[2]): Record<string, unknown> => JSON.parse(envelope.metaOf(callOf("tools/call", "{}", more), 5)) as Record<string, unknown>;
  const own = (meta: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(meta).map(([key, value]) => [key.replace("io.modelcontextprotocol/", ""), value]));

  test("always says revision and capabilities, and gives our identity where the client gave none", () => {
    expect(own(parsed({}))).toMatchObject({ protocolVersion: "2026-07-28", clientInfo: { name: "1mcp" }, clientCapabilities: {} });
    expect(own(parsed({ client: { info: null, capabilities: "[]" } }))).toMatchObject({ clientCapabilities: {} });
  });

  test("follows the client from call to call", () => {
    const clients = ["a", "a", "b", "a"].map((name) => ({ info: `{"name":"${name}"}`, capabilities: name === "a" ? '{"roots":{},"tasks":{}}' : "{}" }));
    expect(clients.map((client) => own(parsed({ client })))).toMatchObject([
      { clientInfo: { name: "a" }, clientCapabilities: { roots: {} } },
      { clientInfo: { name: "a" }, clientCapabilities: { roots: {} } },
      { clientInfo: { name: "b" }, clientCapabilities: {} },
      { clientInfo: { name: "a" }, clientCapabilities: { roots: {} } },
    ]);
  });

  test("tells a session's client from one without, and one server alone from all of them, though they declared the same", () => {
    const client = { info: '{"name":"a"}', capabilities: '{"extensions":{"io.modelcontextprotocol/tasks":{},"dev.example/x":{}}}' };
    const session = { id: "s", ended: new CancelSource() };
    const calls = [{ client }, { client, session }, { client, selection: { server: "box" } }, { client, session, selection: { server: "box" } }, { client }];
    const told = calls.map((more) => Object.keys((own(parsed(more))["clientCapabilities"] as { extensions?: object }).extensions ?? {}).map((key) => key.split("/")[1]));
    expect(told).toEqual([["tasks"], [], ["tasks", "x"], ["x"], ["tasks"]]);
  });

  test("holds our key once, even when another proxy of our kind is the client", () => {
    const first = envelope.metaOf(callOf("tools/call"), 5);
    const vendor = Object.keys(JSON.parse(first) as object).find((key) => !key.startsWith("io.")) as string;
    const again = envelope.metaOf(callOf("tools/call", "{}", { meta: `{"kept":1,"${vendor}":{"name":"other"}}` }), 5);
    expect(again.split(vendor)).toHaveLength(2);
    expect(JSON.parse(again)).toMatchObject({ kept: 1, [vendor]: { name: "1mcp" } });
  });

  test("keeps whatever the client's own `_meta` holds", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (given, progress) => {
        const kept = Object.fromEntries(Object.entries(given).filter(([key]) => key !== "progressToken" && key !== "__proto__"));
        const meta = JSON.stringify(kept);
        const modern = JSON.parse(envelope.metaOf(callOf("tools/call", "{}", { meta, progress, client: { info: null, capabilities: "{}" } }), 5)) as object;
        expect(modern).toMatchObject(JSON.parse(meta) as object);
        const plain = JSON.parse(plainMetaOf(callOf("tools/call", "{}", { meta, progress }), 5) ?? "{}") as object;
        expect(plain).toEqual({ ...(JSON.parse(meta) as object), ...(progress ? { progressToken: 5 } : {}) });
      }),
    );
  });

  test("of our own requests says that we can do nothing, or what those can do for whom they are", () => {
    const said = (abilities?: string): unknown => JSON.parse(envelope.ownMeta(abilities));
    expect(said()).toMatchObject({ "io.modelcontextprotocol/clientInfo": { name: "1mcp", version: "9.9.9" }, "io.modelcontextprotocol/clientCapabilities": {} });
    expect(said('{"roots":{}}')).toMatchObject({ "io.modelcontextprotocol/clientCapabilities": { roots: {} } });
  });
});
