import { describe, expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { ServerError } from "../../src/protocol/index.ts";
import { createWorld, gate, nextEvent, nextJson, type World } from "../fixtures/era.ts";

const request = (method: "subscribe" | "unsubscribe", uri: unknown = "a://1", id: number | string = 5) => ({ jsonrpc: "2.0", id, method: `resources/${method}`, params: { uri } });

async function opened(world: World = createWorld()) {
  const headers = await world.session();
  const ask = async (method: "subscribe" | "unsubscribe", uri: unknown = "a://1") => (await world.post(request(method, uri), { headers })).json;
  const stream = async () => {
    const answer = await world.get({ headers }).answer;
    await nextEvent(answer);
    return answer;
  };
  return { ...world, headers, ask, stream };
}

describe("a 2025 session", () => {
  // Checklist: L12, B26
  test("subscribes, hears of that resource on its GET stream as the server said it, and unsubscribes", async () => {
    const { ask, stream, serve } = await opened();
    expect(await ask("subscribe")).toEqual({ jsonrpc: "2.0", id: 5, result: {} });
    expect(serve.subscribed()).toEqual(["a://1"]);
    const answer = await stream();
    serve.update("a://other");
    serve.update("a://1", { uri: "a://1", title: "one" });
    expect(await nextJson(answer)).toEqual({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri: "a://1", title: "one" } });
    expect(await ask("unsubscribe")).toEqual({ jsonrpc: "2.0", id: 5, result: {} });
    expect(serve.subscribed()).toEqual([]);
  });

  test("shares one watch between its subscriptions and its streams, and ends it with itself", async () => {
    const { ask, stream, serve, verb, headers } = await opened();
    await ask("subscribe");
    await stream();
    await ask("subscribe", "a://2");
    expect([serve.watches.size, serve.subscribed()]).toEqual([1, ["a://1", "a://2"]]);
    await verb("DELETE", { headers });
    expect([serve.watches.size, serve.subscribed()]).toEqual([0, []]);
  });

  test("over HTTP+SSE hears on its one stream", async () => {
    const { sse, eras, serve } = createWorld();
    const answer = await sse().answer;
    const id = new URLSearchParams((await nextEvent(answer))?.data.split("?")[1]).get("sessionId");
    const post = (message: unknown) =>
      eras.sseMessage({ verb: "POST", header: () => null, headersFrom: () => ({}), body: new TextEncoder().encode(JSON.stringify(message)), principal: { id: "alice", scopes: null }, selection: { server: null }, onGone: () => undefined }, id);
    await post({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2024-11-05", capabilities: {}, clientInfo: { name: "c", version: "1" } } });
    expect((await nextJson(answer)).result.capabilities.resources).toEqual({ listChanged: true, subscribe: true });
    await post(request("subscribe"));
    expect(await nextJson(answer)).toEqual({ jsonrpc: "2.0", id: 5, result: {} });
    serve.update("a://1");
    expect((await nextJson(answer)).params).toEqual({ uri: "a://1" });
  });

  test("learns that nobody has the resource, with its URI and by the code of its era", async () => {
    const { ask } = await opened();
    expect((await ask("subscribe", "b://1")).error).toMatchObject({ code: -32002, data: { code: "NAME_UNKNOWN", uri: "b://1" } });
  });

  test("learns that the owner takes no subscriptions, and of a server's own failure", async () => {
    const { ask, serve } = await opened();
    serve.subscribe = () => "unsupported";
    expect((await ask("subscribe")).error).toMatchObject({ code: -32601, data: { uri: "a://1" } });
    serve.subscribe = () => Promise.reject(fault("LIMIT_REACHED", { detail: "limits.subscriptionsPerWatchMax" }));
    expect((await ask("subscribe")).error).toMatchObject({ code: -32603, data: { code: "LIMIT_REACHED" } });
  });

  test("is refused in the server's own words, to the byte", async () => {
    const { ask, serve, send, headers } = await opened();
    const raw = '{"code":-32602,"message":"no sub","data":{"why":1.10},"extra":true}';
    serve.subscribe = () => Promise.reject(new ServerError("box", "resources/subscribe", { code: -32602, message: "no sub", data: '{"why":1.10}', raw }));
    expect((await ask("subscribe")).error.message).toBe("no sub");
    expect((await send(request("subscribe"), { headers }).answer).body).toContain(`"error":${raw}`);
  });

  test.each(["subscribe", "unsubscribe"] as const)("must name a resource to %s", async (method) => {
    const { ask } = await opened();
    expect((await ask(method, 7)).error.code).toBe(-32602);
  });

  test("may unsubscribe from what it never subscribed to", async () => {
    const { ask } = await opened();
    expect((await ask("unsubscribe", "b://never")).result).toEqual({});
  });

  test("is refused where no further watch may be opened", async () => {
    const { ask, serve } = await opened();
    serve.watchesMax = 0;
    expect((await ask("subscribe")).error.data.code).toBe("LIMIT_REACHED");
    expect((await ask("unsubscribe")).error.data.code).toBe("LIMIT_REACHED");
  });

  test("that ends while it subscribes leaves nothing behind", async () => {
    const { send, headers, serve, verb } = await opened();
    const slow = gate<"subscribed">();
    serve.subscribe = () => slow.promise;
    const sent = send(request("subscribe"), { headers });
    await verb("DELETE", { headers });
    slow.open("subscribed");
    expect((await sent.answer).json.result).toEqual({});
    expect(serve.subscribed()).toEqual([]);
  });
});
