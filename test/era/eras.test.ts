import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/protocol/index.ts";
import { alice, allJson, createWorld, gate, modernVersion } from "../fixtures/era.ts";
import { done, located } from "../fixtures/serve.ts";

describe("one endpoint for every revision", () => {
  // Checklist: L14
  test("serves clients of both eras at once, each in its own way", async () => {
    const { modern, post, session } = createWorld();
    const headers = await session("2025-06-18");
    const [one, other] = await Promise.all([modern("tools/call", { name: "x" }), post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "x" } }, { headers })]);
    expect(one.json.result.resultType).toBe("complete");
    expect(other.json.result).toEqual({ content: [{ type: "text", text: "tools/call" }] });
  });

  // Checklist: N15
  test("refuses what cannot be read, with an id where there is one", async () => {
    const { post, eras } = createWorld();
    const code = async (text: string) => {
      const { status, json } = await post(text, { headers: { "mcp-protocol-version": modernVersion } });
      return [status, json.error.code, json.id];
    };
    expect(await code('{"jsonrpc":"2.0"')).toEqual([400, -32700, null]);
    expect(await code('{"jsonrpc":"1.0","id":7,"method":"x"}')).toEqual([400, -32600, 7]);
    expect(await code("")).toEqual([400, -32700, null]);
    expect(await code("17")).toEqual([400, -32600, null]);
    const http = { verb: "POST", header: () => null, headersFrom: () => ({}), principal: { id: "a", scopes: null }, selection: { server: null }, onGone: () => undefined } as const;
    const bad = new Uint8Array([0x7b, 0xff, 0x7d]);
    expect((await eras.http({ ...http, body: bad })).status).toBe(400);
    expect((await eras.http({ ...http, body: null })).status).toBe(400);
    expect((await eras.sseMessage({ ...http, body: bad }, "x")).status).toBe(400);
  });

  test("makes a bug the failure of one request", async () => {
    const { modern, serve } = createWorld();
    serve.tool = () => {
      throw new Error("a bug");
    };
    expect((await modern("tools/call", { name: "x" })).status).toBe(500);
    expect((await modern("tools/list")).status).toBe(200);
  });

  test("tells what browsers may send and read", () => {
    const { eras } = createWorld();
    expect([...eras.requestHeaders].sort()).toEqual(["last-event-id", "mcp-method", "mcp-name", "mcp-param-*", "mcp-protocol-version", "mcp-session-id"]);
    expect(eras.responseHeaders).toEqual(["mcp-session-id"]);
  });

  test("counts its sessions and streams", async () => {
    const { eras, session, get } = createWorld();
    const headers = await session();
    await get({ headers }).answer;
    expect(eras.status()).toEqual({ sessions: 1, streams: 1, parked: 0 });
  });
});

describe("the end of the program", () => {
  test("answers what waits, whether its stream is open or not, and ends the rest", async () => {
    const { eras, modernSent, send, get, session, serve, clock } = createWorld();
    const headers = await session("2025-06-18");
    serve.answer = (call) => {
      if (call.progress) call.notice({ kind: "progress", params: located('{"progressToken":1,"progress":1}') });
      return new Promise<Outcome>(() => undefined);
    };
    const waiting = modernSent("tools/call", { name: "x" }, { id: 41 });
    const streaming = modernSent("tools/call", { name: "x" }, { id: 42, meta: { progressToken: 1 } });
    const old = send({ jsonrpc: "2.0", id: 43, method: "tools/call", params: { name: "x" } }, { headers });
    const standing = await get({ headers }).answer;
    const stream = await streaming.answer;
    await eras.close();
    const answer = await waiting.answer;
    expect([answer.status, answer.json.id, answer.json.error.data.code]).toEqual([503, 41, "SHUTTING_DOWN"]);
    expect((await allJson(stream)).at(-1)).toMatchObject({ id: 42, error: { data: { code: "SHUTTING_DOWN" } } });
    expect((await old.answer).json.error.data.code).toBe("SHUTTING_DOWN");
    expect(await allJson(standing)).toEqual([]);
    expect(serve.calls.every((call) => call.cancel.cancelled)).toBe(true);
    expect(eras.status()).toEqual({ sessions: 0, streams: 0, parked: 0 });
    await clock.advance(60_000);
    await eras.close();
  });

  test("refuses whatever comes after", async () => {
    const { eras, modern, sse } = createWorld();
    await eras.close();
    expect((await modern("tools/list")).status).toBe(503);
    expect((await sse().answer).status).toBe(503);
    const posted = { verb: "POST", header: () => null, headersFrom: () => ({}), body: new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"ping"}'), principal: { id: "a", scopes: null }, selection: { server: null }, onGone: () => undefined } as const;
    expect((await eras.sseMessage(posted, "gone")).status).toBe(404);
  });

  test("leaves a late answer without a place to go", async () => {
    const { eras, modernSent, serve } = createWorld();
    const outcome = gate<Outcome>();
    serve.answer = () => outcome.promise;
    const sent = modernSent("tools/call", { name: "x" });
    await eras.close();
    outcome.open(done({ content: [] }));
    expect((await sent.answer).status).toBe(503);
  });
});

describe("where the older era is switched off", () => {
  const world = (): ReturnType<typeof createWorld> => createWorld({}, { clientEra: "modern" });
  const initialize = { jsonrpc: "2.0", id: "h", method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "old", version: "1" } } };

  // Checklist: N33
  test("its verbs and its stream are refused, and a modern client is served", async () => {
    const { verb, sse, modern } = world();
    for (const answer of [await verb("GET"), await verb("DELETE", { headers: { "mcp-session-id": "x" } }), await sse().answer]) expect([answer.status, answer.headers["allow"]]).toEqual([405, "POST"]);
    expect((await modern("tools/call", { name: "x" })).json.result.content).toEqual([{ type: "text", text: "tools/call" }]);
  });

  test("its handshake is refused with the versions that there are, and opens no session", async () => {
    const { post, eras } = world();
    const answer = await post(initialize);
    expect([answer.status, answer.json.id, answer.json.error.code, answer.json.error.data.supported, answer.json.error.data.requested]).toEqual([400, "h", -32022, ["2026-07-28"], "2025-11-25"]);
    expect([answer.headers["mcp-session-id"], eras.status().sessions]).toEqual([undefined, 0]);
  });

  test("its requests, responses and batches are refused as a modern server refuses them", async () => {
    const { post, serve } = world();
    const codeOf = async (message: unknown): Promise<unknown> => {
      const { status, json } = await post(message, { headers: { "mcp-session-id": "x", "mcp-protocol-version": "2025-11-25" } });
      return [status, json?.error.code ?? null];
    };
    expect(await codeOf({ jsonrpc: "2.0", id: 1, method: "tools/list" })).toEqual([400, -32602]);
    expect(await codeOf({ jsonrpc: "2.0", id: 1, result: {} })).toEqual([400, -32600]);
    expect(await codeOf([initialize])).toEqual([400, -32600]);
    expect(await codeOf({ jsonrpc: "2.0", method: "notifications/initialized" })).toEqual([202, null]);
    expect(serve.calls).toEqual([]);
  });

  test("a client on stdio is served in the modern way alone", async () => {
    const { eras } = world();
    const said: ReturnType<typeof JSON.parse>[] = [];
    const pipe = eras.stdio({ principal: alice, selection: { server: null }, send: (line) => said.push(JSON.parse(line)) });
    for (const message of [initialize, { jsonrpc: "2.0", id: 2, method: "ping" }, [initialize]]) pipe.receive(JSON.stringify(message));
    expect(said.map(({ id, error }) => [id, error.code])).toEqual([["h", -32022], [2, -32602], [null, -32600]]);
    pipe.end();
  });
});
