import { describe, expect, test } from "bun:test";
import { openSession } from "../../src/era/handshake.ts";
import { SouthLegacy } from "../../src/era/southLegacy.ts";
import { type Bench, benchOf, faultCodeOf, initialized, legacyScript, type Said, type Script, textOf } from "../fixtures/wire.ts";

const able = '{"resources":{"subscribe":true,"listChanged":true}}';

async function open(transport: "stdio" | "http", rest: Script, opening: Said = { result: initialized(able) }): Promise<{ bench: Bench; south: SouthLegacy; updates: string[] }> {
  const updates: string[] = [];
  const bench = benchOf(transport, legacyScript(rest, opening), { updated: (uri, params) => updates.push(`${uri} ${textOf(params)}`) });
  const south = new SouthLegacy(bench.south, await openSession(bench.south));
  bench.wire.onMessage = (message) => south.onMessage(message);
  await bench.clock.settle();
  return { bench, south, updates };
}

const said = (bench: Bench): string[] => bench.wire.arrived.filter(({ method }) => method.startsWith("resources/")).map(({ method, params }) => `${method.slice(10)} ${(JSON.parse(textOf(params)) as { uri: string }).uri}`);

describe("a resource of a backend with sessions", () => {
  test("is subscribed to by the session's own request, heard of as the backend says it, and given back", async () => {
    const { bench, south, updates } = await open("stdio", () => ({ result: "{}" }));
    expect(await south.subscribe('a://"1"', "{}")).toBe(true);
    bench.wire.push('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1/part","title":1.10}}');
    bench.wire.push('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{}}');
    bench.wire.push('{"jsonrpc":"2.0","method":"notifications/resources/updated"}');
    expect(updates).toEqual(['a://1/part {"uri":"a://1/part","title":1.10}']);
    await south.unsubscribe('a://"1"', "{}");
    await south.unsubscribe("a://never", "{}");
    expect(said(bench)).toEqual(['subscribe a://"1"', 'unsubscribe a://"1"']);
    expect(bench.wire.last("resources/subscribe").timeoutMs).toBe(bench.south.limits.subscribeMsMax);
  });

  test("is not asked about where the backend does not say that it can", async () => {
    const { bench, south } = await open("stdio", () => ({ result: "{}" }), { result: initialized('{"resources":{}}') });
    expect([await south.subscribe("a://1", "{}"), south.facts.subscribes, said(bench)]).toEqual([false, false, []]);
  });

  test("is asked for once, whatever those can do who want it, and given back by the last of them", async () => {
    const { south, bench } = await open("stdio", () => ({ result: "{}" }));
    expect([await south.subscribe("a://1", "{}"), await south.subscribe("a://1", '{"roots":{}}')]).toEqual([true, true]);
    await south.unsubscribe("a://1", "{}");
    await south.unsubscribe("a://1", "{}");
    expect(said(bench)).toEqual(["subscribe a://1"]);
    await south.unsubscribe("a://1", '{"roots":{}}');
    expect(said(bench)).toEqual(["subscribe a://1", "unsubscribe a://1"]);
  });

  test("that is refused, or fails, is not subscribed to", async () => {
    const { bench, south } = await open("stdio", ({ params }) => (textOf(params).includes("bad") ? { error: '{"code":-32002,"message":"no"}' } : { fault: "BACKEND_TIMEOUT" }));
    expect(await south.subscribe("a://bad", "{}").catch((thrown: unknown) => thrown)).toMatchObject({ code: "BACKEND_REFUSED", error: { code: -32002, message: "no" } });
    expect(await faultCodeOf(south.subscribe("a://1", "{}"))).toBe("BACKEND_TIMEOUT");
    await south.unsubscribe("a://1", "{}");
    expect(said(bench)).toEqual(["subscribe a://bad", "subscribe a://1"]);
  });

  test("that cannot be given back is no trouble", async () => {
    const { south } = await open("stdio", ({ method }) => (method === "resources/unsubscribe" ? { fault: "BACKEND_GONE" } : { result: "{}" }));
    await south.subscribe("a://1", "{}");
    await south.unsubscribe("a://1", "{}");
  });

  // Checklist: B27, S7
  test("is subscribed to anew in a new session, and may have changed meanwhile", async () => {
    let session = 0;
    const opening: Said = { result: initialized(able), headers: { get "mcp-session-id"() { return `s${(session += 1)}`; } } };
    const { bench, south, updates } = await open("http", ({ method, headers }) => (headers["mcp-session-id"] === "s1" && method === "resources/list" ? { status: 404 } : { result: '{"resources":[]}' }), opening);
    await south.subscribe("a://1", "{}");
    await south.subscribe("a://2", "{}");
    await south.unsubscribe("a://2", "{}");
    await south.page("resources", null);
    await bench.clock.settle();
    expect(bench.wire.arrived.filter(({ method }) => method === "resources/subscribe").map(({ headers, params }) => `${headers["mcp-session-id"]} ${textOf(params)}`)).toEqual(['s1 {"uri":"a://1"}', 's1 {"uri":"a://2"}', 's2 {"uri":"a://1"}']);
    expect(updates).toEqual(['a://1 {"uri":"a://1"}']);
  });

  test("that the new session refuses costs the others nothing", async () => {
    let session = 0;
    const opening: Said = { result: initialized(able), headers: { get "mcp-session-id"() { return `s${(session += 1)}`; } } };
    const { south, bench } = await open("http", ({ method, headers }) => (headers["mcp-session-id"] === "s1" ? (method === "resources/list" ? { status: 404 } : { result: "{}" }) : method === "resources/subscribe" ? { fault: "BACKEND_TIMEOUT" } : { result: '{"resources":[]}' }), opening);
    await south.subscribe("a://1", "{}");
    expect(await south.page("resources", null)).not.toBeNull();
    expect(said(bench).filter((one) => one.startsWith("subscribe"))).toEqual(["subscribe a://1", "subscribe a://1"]);
  });
});
