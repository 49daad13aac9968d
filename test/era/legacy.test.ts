import { describe, expect, test } from "bun:test";
import type { Call, Outcome } from "../../src/protocol/index.ts";
import { allEvents, allJson, bob, createWorld, gate, key, nextEvent, nextJson, type Json } from "../fixtures/era.ts";
import { done, failure, located, question } from "../fixtures/serve.ts";

const initialize = (protocolVersion: unknown, id: number | string = 0) => ({ jsonrpc: "2.0", id, method: "initialize", params: { protocolVersion, capabilities: {}, clientInfo: { name: "c", version: "1" } } });
const call = (id: number | string, name = "x", meta?: unknown) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name, ...(meta === undefined ? {} : { _meta: meta }) } });
const progress = (value: number) => ({ kind: "progress", params: located(`{"progressToken":0,"progress":${value}}`) }) as const;

describe("the 2025 handshake", () => {
  // Checklist: L1
  test("answers with the version that was asked for, or the newest of its era", async () => {
    const { post } = createWorld();
    for (const version of ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]) {
      expect((await post(initialize(version))).json.result.protocolVersion).toBe(version);
    }
    expect((await post(initialize("1999-01-01"))).json.result.protocolVersion).toBe("2025-11-25");
    expect((await post(initialize("2026-07-28"))).json.result.protocolVersion).toBe("2025-11-25");
  });

  test("gives identity, instructions, capabilities of its era, and an unguessable session", async () => {
    const { post } = createWorld();
    const [one, other] = [await post(initialize("2025-11-25", "init")), await post(initialize("2025-11-25"))];
    expect(one.json).toEqual({
      jsonrpc: "2.0",
      id: "init",
      result: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, completions: {}, logging: {}, extensions: { "com.example/x": {} } },
        serverInfo: { name: "1mcp", version: "9.9.9" },
        instructions: 'Say "please".',
      },
    });
    expect(one.headers["mcp-session-id"]).toMatch(/^[\x21-\x7e]{32,}$/);
    expect(one.headers["mcp-session-id"]).not.toBe(other.headers["mcp-session-id"]);
  });

  test("that cannot succeed leaves no session behind", async () => {
    const { post, serve, eras } = createWorld();
    expect((await post(initialize(7))).json.error.code).toBe(-32602);
    serve.description = () => {
      throw new Error("a bug");
    };
    expect((await post(initialize("2025-11-25"))).json.error.code).toBe(-32603);
    expect(eras.status().sessions).toBe(0);
  });

  test("is refused when no session can give way", async () => {
    const { post, get, session } = createWorld({ sessionsMax: 1 });
    await get({ headers: await session() }).answer;
    const refused = await post(initialize("2025-11-25", 7));
    expect([refused.status, refused.json.id, refused.headers["mcp-session-id"]]).toEqual([429, 7, undefined]);
  });

  test("that is waited for when the program ends gets an error, on a stream too", async () => {
    const { send, serve, clock, eras } = createWorld();
    serve.description = () => Promise.withResolvers<never>().promise;
    const streamed = send(initialize("2025-11-25", "a"));
    await clock.advance(100);
    const plain = send(initialize("2025-11-25", "b"));
    await eras.close();
    expect((await allJson(await streamed.answer)).map(({ id, error }) => [id, error.data.code])).toEqual([["a", "SHUTTING_DOWN"]]);
    expect((await plain.answer).json).toMatchObject({ id: "b", error: { data: { code: "SHUTTING_DOWN" } } });
  });

  test("is waited for with an open stream when it takes long, and the session is named there", async () => {
    const { send, serve, clock } = createWorld({ headMsMax: 100 });
    const described = gate<{ info: string; capabilities: string; instructions: null }>();
    serve.description = () => described.promise;
    const sent = send(initialize("2025-06-18"));
    await clock.advance(100);
    const answer = await sent.answer;
    expect(answer.headers["mcp-session-id"]).toBeString();
    described.open({ info: "{}", capabilities: "{}", instructions: null });
    expect((await nextJson(answer)).result.protocolVersion).toBe("2025-06-18");
  });
});

describe("a 2025 session", () => {
  // Checklist: L2
  test("is asked for, and unknown to anybody but its principal on its own endpoint", async () => {
    const { post, session } = createWorld();
    const headers = await session();
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    expect((await post(ping)).status).toBe(400);
    expect((await post(ping, { headers: { "mcp-session-id": "nobody" } })).status).toBe(404);
    expect((await post(ping, { headers, principal: bob })).status).toBe(404);
    expect((await post(ping, { headers, server: "one" })).status).toBe(404);
    expect((await post(ping, { headers })).status).toBe(200);
  });

  // Checklist: L3
  test("ends by DELETE, with whatever runs in it", async () => {
    const { verb, post, send, session, serve, eras } = createWorld();
    const headers = await session();
    serve.answer = () => new Promise(() => undefined);
    const running = send(call(1), { headers });
    expect((await verb("DELETE", { headers, principal: bob })).status).toBe(404);
    expect((await verb("DELETE", { headers })).status).toBe(204);
    expect(serve.calls[0]?.cancel.cancelled).toBe(true);
    expect((await running.answer).body).toBeNull();
    expect((await verb("DELETE", { headers })).status).toBe(404);
    expect((await post({ jsonrpc: "2.0", id: 2, method: "ping" }, { headers })).status).toBe(404);
    expect(eras.status().sessions).toBe(0);
  });

  // Checklist: L4
  test("takes any version header of its era or none, and refuses others", async () => {
    const { post, verb, session } = createWorld();
    const headers = await session("2025-06-18");
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    expect((await post(ping, { headers: { ...headers, "mcp-protocol-version": "2025-03-26" } })).status).toBe(200);
    expect((await post(ping, { headers: { "mcp-session-id": headers["mcp-session-id"] as string } })).status).toBe(200);
    expect((await post(ping, { headers: { ...headers, "mcp-protocol-version": "1999-01-01" } })).status).toBe(400);
    for (const method of ["GET", "DELETE"] as const) {
      const answer = await verb(method, { headers: { ...headers, "mcp-protocol-version": "2026-07-28" } });
      expect([answer.status, answer.headers["allow"]]).toEqual([405, "POST"]);
    }
  });

  // Checklist: L5, L12
  test("answers pings and log levels itself, with nothing in them", async () => {
    const { post, session, serve } = createWorld();
    const headers = await session();
    expect((await post({ jsonrpc: "2.0", id: "p", method: "ping" }, { headers })).body).toBe('{"jsonrpc":"2.0","id":"p","result":{}}');
    expect((await post({ jsonrpc: "2.0", id: 2, method: "logging/setLevel", params: { level: "error" } }, { headers })).json.result).toEqual({});
    expect((await post({ jsonrpc: "2.0", id: 3, method: "logging/setLevel", params: { level: "loud" } }, { headers })).json.error.code).toBe(-32602);
    expect((await post({ jsonrpc: "2.0", id: 4, method: "logging/setLevel" }, { headers })).json.error.code).toBe(-32602);
    await post(call(5), { headers });
    expect(serve.calls[0]?.logLevel).toBe("error");
  });

  test("has no methods of the other era", async () => {
    const { post, session } = createWorld();
    const headers = await session();
    for (const method of ["server/discover", "subscriptions/listen", "tasks/list", "com.example/unknown"]) {
      const answer = await post({ jsonrpc: "2.0", id: 1, method }, { headers });
      expect([answer.status, answer.json.error.code]).toEqual([200, -32601]);
    }
  });

  // Checklist: L6
  test("gives its calls what the handshake said, and its client results of its own era", async () => {
    const { post, session, serve } = createWorld();
    const headers = await session("2025-11-25", { capabilities: { roots: {} } });
    serve.answer = () => done({ resultType: "complete", ttlMs: 5, cacheScope: "public", content: [], _meta: { [key.serverInfo]: { name: "b" }, kept: 1 } });
    const answer = await post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "x", task: { ttl: 1 }, _meta: { progressToken: 1, traceparent: "t" } } }, { headers });
    expect(answer.json.result).toEqual({ content: [], _meta: { kept: 1 } });
    const made = serve.calls[0] as Call;
    expect(made.client).toEqual({ info: '{"name":"old","version":"1"}', capabilities: '{"roots":{}}' });
    expect([made.progress, made.logLevel, made.meta, made.resume]).toEqual([true, "warning", '{"traceparent":"t"}', null]);
    expect(made.params.members.map((member) => member.key)).toEqual(["name", "_meta"]);
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await post({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "x" } }, { headers: { ...headers, traceparent } });
    expect(serve.calls[1]?.meta).toBe(`{"traceparent":"${traceparent}"}`);
  });

  // Checklist: L15
  test("sees a missing resource in its own code, and no code of the other era", async () => {
    const { post, session, serve } = createWorld();
    const headers = await session();
    const codeOf = async (outcome: Outcome, method = "resources/read") => {
      serve.answer = () => outcome;
      const answer = await post({ jsonrpc: "2.0", id: 1, method, params: { uri: "a://b", name: "x" } }, { headers });
      return [answer.status, answer.json.error.code];
    };
    expect(await codeOf(failure(-32602, "gone", { uri: "a://b" }))).toEqual([200, -32002]);
    expect(await codeOf(failure(-32602, "bad"))).toEqual([200, -32602]);
    expect(await codeOf(failure(-32602, "gone", { uri: "a://b" }), "tools/call")).toEqual([200, -32602]);
    for (const code of [-32020, -32021, -32022]) expect(await codeOf(failure(code, "odd"))).toEqual([200, -32603]);
    expect(await codeOf(failure(-32042, "url"))).toEqual([200, -32042]);
    expect(await codeOf(question(undefined, null))).toEqual([200, -32603]);
    const old = await session("2025-06-18");
    serve.answer = () => failure(-32042, "url");
    expect((await post(call(1), { headers: old })).json.result).toEqual({ content: [{ type: "text", text: "url" }], isError: true });
  });

  test("cancels a call when asked to, and only then", async () => {
    const { post, send, session, serve, clock } = createWorld();
    const headers = await session("2025-06-18");
    serve.answer = () => new Promise(() => undefined);
    const one = send(call(1), { headers });
    const other = send(call("1"), { headers });
    await clock.advance(50);
    other.hangUp();
    expect((await other.answer).body).toBeNull();
    expect((await post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 99 } }, { headers })).status).toBe(202);
    expect((await post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1, reason: "enough" } }, { headers })).status).toBe(202);
    expect([(await one.answer).status, (await one.answer).body]).toEqual([202, null]);
    expect(serve.calls.map((running) => running.cancel.cancelled)).toEqual([true, false]);
  });

  test("accepts late responses and other notices without a word", async () => {
    const { post, session, serve } = createWorld();
    const headers = await session();
    expect((await post({ jsonrpc: "2.0", id: 5, result: {} }, { headers })).status).toBe(202);
    expect((await post({ jsonrpc: "2.0", method: "notifications/roots/list_changed" }, { headers })).status).toBe(202);
    expect(serve.calls).toHaveLength(0);
  });

  test("refuses an id that is still in use, a bad token, and more calls than the limit", async () => {
    const { post, send, session, serve } = createWorld({ pendingMax: 2 });
    const headers = await session();
    serve.answer = () => new Promise(() => undefined);
    void send(call(1), { headers });
    expect((await post(call(1), { headers })).json.error.code).toBe(-32600);
    expect((await post(call(2, "x", { progressToken: [] }), { headers })).json.error.code).toBe(-32602);
    void send(call(3), { headers });
    expect((await post(call(4), { headers })).json.error.data.code).toBe("LIMIT_REACHED");
  });

  test("turns a fault of the proxy into an error, and runs on", async () => {
    const { post, session, serve } = createWorld();
    const headers = await session();
    serve.answer = () => Promise.reject(new Error("a bug"));
    expect((await post(call(1), { headers })).json.error.data.code).toBe("INTERNAL");
    expect((await post(call(1), { headers })).json.error.data.code).toBe("INTERNAL");
  });
});

describe("streams of a 2025 session", () => {
  // Checklist: L7
  test("carry each call's own notices and answer, and nobody else's", async () => {
    const { send, session, serve } = createWorld();
    const headers = await session();
    const gates = [gate<Outcome>(), gate<Outcome>(), gate<Outcome>()];
    serve.answer = (made) => {
      const number = serve.calls.length;
      made.notice(progress(number));
      return gates[number - 1]?.promise as Promise<Outcome>;
    };
    const answers = await Promise.all([1, 2, 3].map((id) => send(call(id, "x", { progressToken: `t${id}` }), { headers }).answer));
    for (const [index, { open }] of gates.entries()) open(done({ content: [], number: index + 1 }));
    for (const [index, answer] of answers.entries()) {
      const messages = await allJson(answer);
      expect(messages.map((one) => one.params?.progressToken ?? one.result.number)).toEqual([`t${index + 1}`, index + 1]);
    }
  });

  // Checklist: L10
  test("begin with an event that only has an id for the newest revision, and for no other", async () => {
    const { post, session, serve } = createWorld();
    serve.answer = (made) => {
      made.notice(progress(1));
      return done({ content: [] });
    };
    const newest = await allEvents(await post(call(1, "x", { progressToken: 1 }), { headers: await session("2025-11-25") }));
    expect(newest.map((event) => event.data === "")).toEqual([true, false, false]);
    expect(newest[0]?.retry).toMatch(/^\d+$/);
    for (const revision of ["2025-06-18", "2025-03-26", "2024-11-05"]) {
      const older = await allEvents(await post(call(1, "x", { progressToken: 1 }), { headers: await session(revision) }));
      expect(older.map((event) => event.data === "")).toEqual([false, false]);
    }
    expect(new Set(newest.map((event) => event.id)).size).toBe(3);
  });

  // Checklist: L8
  test("outlive their connection: the call runs on, and its rest is read by Last-Event-ID", async () => {
    const { send, get, session, serve } = createWorld();
    const headers = await session();
    const outcome = gate<Outcome>();
    serve.answer = (made) => {
      made.notice(progress(1));
      return outcome.promise;
    };
    const sent = send(call(1, "x", { progressToken: 1 }), { headers });
    const answer = await sent.answer;
    const primed = await nextEvent(answer);
    sent.hangUp();
    expect(serve.calls[0]?.cancel.cancelled).toBe(false);
    serve.calls[0]?.notice(progress(2));
    const resumed = await get({ headers: { ...headers, "last-event-id": primed?.id ?? "" } }).answer;
    serve.calls[0]?.notice(progress(3));
    outcome.open(done({ content: [] }));
    expect((await allJson(resumed)).map((one) => one.params?.progress ?? one.id)).toEqual([1, 2, 3, 1]);
    const again = await get({ headers: { ...headers, "last-event-id": primed?.id ?? "" } }).answer;
    expect((await allJson(again)).map((one) => one.params?.progress ?? one.id)).toEqual([1, 2, 3, 1]);
  });

  test("are opened soon for a call that takes a while, where they can begin with a place to resume from", async () => {
    const { send, get, session, serve, clock } = createWorld();
    const [newest, older] = [await session("2025-11-25"), await session("2025-06-18")];
    const outcome = gate<Outcome>();
    serve.answer = () => outcome.promise;
    const sent = send(call(1), { headers: newest });
    const plain = send(call(2), { headers: older });
    await clock.advance(50);
    const primed = await nextEvent(await sent.answer);
    expect([primed?.data, primed?.id !== null]).toEqual(["", true]);
    sent.hangUp();
    outcome.open(done({ content: [] }));
    expect((await plain.answer).json.id).toBe(2);
    const resumed = await get({ headers: { ...newest, "last-event-id": primed?.id ?? "" } }).answer;
    expect((await allJson(resumed)).map((one) => one.id)).toEqual([1]);
  });

  test("end with an error for every answer that is due when the program ends", async () => {
    const { send, session, serve, eras } = createWorld();
    serve.answer = (made) => {
      made.notice(progress(1));
      return Promise.withResolvers<Outcome>().promise;
    };
    const one = await send(call("a", "x", { progressToken: 1 }), { headers: await session() }).answer;
    const both = await send([call(1, "x", { progressToken: 1 }), call(2, "x", { progressToken: 2 })], { headers: await session("2025-03-26") }).answer;
    await eras.close();
    const ends = async (answer: typeof one) => (await allJson(answer)).filter(({ id }) => id !== undefined).map(({ id, error }) => [id, error?.data?.code]);
    expect(await ends(one)).toEqual([["a", "SHUTTING_DOWN"]]);
    expect(await ends(both)).toEqual([[1, "SHUTTING_DOWN"], [2, "SHUTTING_DOWN"]]);
    expect(serve.calls.map(({ cancel }) => cancel.cancelled)).toEqual([true, true, true]);
  });

  // Checklist: L9
  test("are resumed each for itself", async () => {
    const { post, get, session, serve } = createWorld();
    const headers = await session("2025-06-18");
    serve.answer = (made) => {
      made.notice(progress(serve.calls.length));
      return done({ content: [] });
    };
    const [one] = await Promise.all([post(call(1, "x", { progressToken: 1 }), { headers }), post(call(2, "x", { progressToken: 2 }), { headers })]);
    const first = await nextEvent(one);
    const resumed = await get({ headers: { ...headers, "last-event-id": first?.id ?? "" } }).answer;
    expect((await allJson(resumed)).map((message) => message.id)).toEqual([1]);
  });

  test("are kept for resumption as far as all sessions together have room, and for a while", async () => {
    const { send, get, session, serve, clock } = createWorld({ replayAllBytesMax: 40_000, replayMsMax: 1000 });
    serve.answer = (made) => {
      made.notice(progress(1));
      return done({ content: [{ type: "text", text: "x".repeat(10_000) }] });
    };
    const sessions = await Promise.all(Array.from({ length: 5 }, () => session()));
    const places: string[] = [];
    for (const headers of sessions) places.push((await allEvents(await send(call(1, "x", { progressToken: 1 }), { headers }).answer))[0]?.id ?? "");
    const resumed = () => Promise.all(sessions.map(async (headers, index) => (await get({ headers: { ...headers, "last-event-id": places[index] ?? "" } }).answer).status));
    expect(await resumed()).toEqual([405, 405, 200, 200, 200]);
    await clock.advance(1000);
    expect(await resumed()).toEqual([405, 405, 405, 405, 405]);
  });

  test("of which nothing is kept cannot be resumed, unless any other would do", async () => {
    const { get, session } = createWorld();
    const headers = await session();
    const refused = await get({ headers: { ...headers, "last-event-id": "p77_3" } }).answer;
    expect([refused.status, refused.headers["allow"], refused.json.error.data.code]).toEqual([405, "GET, POST, DELETE", "STREAM_GONE"]);
    expect((await get({ headers: { ...headers, "last-event-id": "g77_3" } }).answer).status).toBe(200);
    expect((await get({ headers: { ...headers, "last-event-id": "not ours" } }).answer).status).toBe(200);
  });

  test("opened by GET hear of changed lists, each change on exactly one of them", async () => {
    const { get, session, serve, verb } = createWorld();
    const headers = await session("2025-06-18");
    const older = await get({ headers }).answer;
    const newer = get({ headers });
    const stream = await newer.answer;
    serve.announce("tools");
    expect(await nextJson(stream)).toEqual({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    newer.hangUp();
    serve.announce("prompts");
    expect(await nextJson(older)).toEqual({ jsonrpc: "2.0", method: "notifications/prompts/list_changed" });
    expect(serve.watches.size).toBe(1);
    await verb("DELETE", { headers });
    expect(await nextJson(older)).toBeNull();
    expect(serve.watches.size).toBe(0);
  });

  test("opened by GET keep what nobody reads for the one who resumes", async () => {
    const { get, session, serve } = createWorld();
    const headers = await session();
    const first = get({ headers });
    const primed = await nextEvent(await first.answer);
    first.hangUp();
    serve.announce("resources");
    const again = await get({ headers: { ...headers, "last-event-id": primed?.id ?? "" } }).answer;
    expect((await nextJson(again)).method).toBe("notifications/resources/list_changed");
    serve.announce("tools");
    expect((await nextJson(again)).method).toBe("notifications/tools/list_changed");
  });

  test("opened by GET need a session, and are bounded", async () => {
    const { get, session, serve, verb } = createWorld({ sessionStreamsMax: 2 });
    const headers = await session();
    expect((await verb("GET")).status).toBe(400);
    const one = get({ headers });
    await one.answer;
    await get({ headers }).answer;
    expect((await get({ headers }).answer).status).toBe(429);
    one.hangUp();
    expect((await get({ headers }).answer).status).toBe(200);
    serve.watchesMax = 1;
    expect((await get({ headers: await session() }).answer).status).toBe(429);
  });

  // Checklist: B28
  test("carry log messages of the session's level, and progress only where it was wanted", async () => {
    const { post, session, serve } = createWorld();
    const headers = await session("2025-06-18");
    serve.answer = (made) => {
      made.notice(progress(1));
      for (const level of ["info", "warning"] as const) made.notice({ kind: "log", level, params: located(`{"level":"${level}"}`) });
      return done({ content: [] });
    };
    const messages = await allJson(await post(call(1), { headers }));
    expect(messages.map((one) => one.params?.level)).toEqual(["warning", undefined]);
  });
});

describe("batches", () => {
  const headersOf = async (world: ReturnType<typeof createWorld>, revision: string) => {
    const { "mcp-protocol-version": _, ...headers } = await world.session(revision);
    return headers as Record<string, string>;
  };

  // Checklist: L11
  test("are taken apart and answered together for the revision that has them", async () => {
    const world = createWorld();
    const headers = await headersOf(world, "2025-03-26");
    const batch = [call(1), { jsonrpc: "2.0", method: "notifications/initialized" }, { jsonrpc: "2.0", id: "b", method: "ping" }, { nonsense: true }];
    const answer = await world.post(batch, { headers });
    expect(answer.status).toBe(200);
    expect(answer.json.map((one: Json) => one.id).sort()).toEqual([1, "b", null].sort());
    expect(answer.json.find((one: Json) => one.id === null).error.code).toBe(-32600);
    const quiet = await world.post([{ jsonrpc: "2.0", method: "notifications/initialized" }, { jsonrpc: "2.0", id: 9, result: {} }], { headers });
    expect([quiet.status, quiet.body]).toEqual([202, null]);
  });

  test("become a stream when something comes before the answers", async () => {
    const world = createWorld();
    const headers = await headersOf(world, "2025-03-26");
    const outcome = gate<Outcome>();
    world.serve.answer = () => outcome.promise;
    const sent = world.send([{ jsonrpc: "2.0", id: 1, method: "ping" }, call(2, "x", { progressToken: 7 })], { headers });
    world.serve.calls[0]?.notice(progress(1));
    outcome.open(done({ content: [] }));
    expect((await allJson(await sent.answer)).map((one) => one.id ?? one.method)).toEqual([1, "notifications/progress", 2]);
  });

  test("of which a part was cancelled are answered with the rest", async () => {
    const world = createWorld();
    const headers = await headersOf(world, "2025-03-26");
    world.serve.answer = () => new Promise(() => undefined);
    const sent = world.send([{ jsonrpc: "2.0", id: 1, method: "ping" }, call(2)], { headers });
    await world.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 2 } }, { headers });
    expect((await sent.answer).json.map((one: Json) => one.id)).toEqual([1]);
  });

  // Checklist: L11
  test("are refused everywhere else", async () => {
    const world = createWorld({ batchMax: 2 });
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    const refused = async (batch: unknown, headers?: Record<string, string>) => {
      const answer = await world.post(batch, headers === undefined ? {} : { headers });
      return [answer.status, answer.json.error.code];
    };
    const headers = await headersOf(world, "2025-03-26");
    expect(await refused([ping], await headersOf(world, "2025-06-18"))).toEqual([400, -32600]);
    expect(await refused([ping])).toEqual([400, -32600]);
    expect(await refused([ping], { "mcp-protocol-version": "2026-07-28" })).toEqual([400, -32600]);
    expect(await refused([], headers)).toEqual([400, -32600]);
    expect(await refused([initialize("2025-03-26")], headers)).toEqual([400, -32600]);
    expect(await refused([{ ...ping, params: { _meta: { [key.version]: "2026-07-28" } } }], headers)).toEqual([400, -32600]);
    expect(await refused([ping, ping, ping], headers)).toEqual([429, -32603]);
    expect(await refused("[1,", headers)).toEqual([400, -32700]);
    expect(await refused(" [] ", headers)).toEqual([400, -32600]);
  });
});

describe("HTTP+SSE", () => {
  const open = async (world: ReturnType<typeof createWorld>) => {
    const stream = world.sse();
    const answer = await stream.answer;
    const endpoint = await nextEvent(answer);
    const [path, sessionId] = (endpoint?.data ?? "").split("?sessionId=");
    const post = async (message: unknown, principal = { id: "alice", scopes: null }, id: string | null = sessionId ?? null) => {
      const body = new TextEncoder().encode(typeof message === "string" ? message : JSON.stringify(message));
      const out = await world.eras.sseMessage({ verb: "POST", header: () => null, headersFrom: () => ({}), body, principal, selection: { server: null }, onGone: () => undefined }, id);
      return out.status;
    };
    return { stream, answer, endpoint, path, post };
  };

  // Checklist: L13
  test("says first where to post, and answers everything on its one stream", async () => {
    const world = createWorld();
    const { answer, endpoint, path, post } = await open(world);
    expect([endpoint?.event, path]).toEqual(["endpoint", "/messages"]);
    const narrowed = await nextEvent(await world.sse({}, "/messages?tags=a").answer);
    expect(narrowed?.data).toMatch(/^\/messages\?tags=a&sessionId=[\w-]{32}$/);
    expect(await post(initialize("2024-11-05"))).toBe(202);
    expect((await nextJson(answer)).result.protocolVersion).toBe("2024-11-05");
    expect(await post({ jsonrpc: "2.0", method: "notifications/initialized" })).toBe(202);
    world.serve.answer = (made) => {
      made.notice(progress(1));
      return done({ content: [{ type: "text", text: "hi" }] });
    };
    expect(await post(call(1, "x", { progressToken: "t" }))).toBe(202);
    const note = await nextEvent(answer);
    expect([note?.event, JSON.parse(note?.data ?? "").params.progressToken]).toEqual(["message", "t"]);
    expect((await nextJson(answer)).result.content[0].text).toBe("hi");
    world.serve.announce("tools");
    expect((await nextJson(answer)).method).toBe("notifications/tools/list_changed");
  });

  test("says on its stream which answers will not come when the program ends", async () => {
    const world = createWorld();
    const { answer, post } = await open(world);
    await post(initialize("2024-11-05"));
    await nextJson(answer);
    world.serve.answer = () => Promise.withResolvers<Outcome>().promise;
    await post(call("late"));
    await world.eras.close();
    expect((await allJson(answer)).map(({ id, error }) => [id, error?.data?.code])).toEqual([["late", "SHUTTING_DOWN"]]);
  });

  // Checklist: L13
  test("negotiates any revision of its era, once", async () => {
    const { answer, post } = await open(createWorld());
    await post(initialize("2025-11-25"));
    expect((await nextJson(answer)).result.protocolVersion).toBe("2025-11-25");
    await post(initialize("2025-11-25", "again"));
    expect((await nextJson(answer)).error.code).toBe(-32600);
  });

  test("answers only pings before the handshake", async () => {
    const { answer, post } = await open(createWorld());
    await post(call(1));
    expect((await nextJson(answer)).error.code).toBe(-32600);
    await post({ jsonrpc: "2.0", id: 2, method: "ping" });
    expect((await nextJson(answer)).result).toEqual({});
  });

  test("is nobody else's, and refuses what is no message", async () => {
    const { post } = await open(createWorld());
    expect(await post(initialize("2024-11-05"), { id: "bob", scopes: null })).toBe(404);
    expect(await post(initialize("2024-11-05"), undefined, "unknown")).toBe(404);
    expect(await post("{")).toBe(400);
    expect(await post(initialize("2024-11-05"), undefined, null)).toBe(400);
  });

  test("ends its session with its stream", async () => {
    const world = createWorld();
    const { stream, answer, post } = await open(world);
    await post(initialize("2024-11-05"));
    await nextJson(answer);
    world.serve.answer = () => new Promise(() => undefined);
    await post(call(1));
    stream.hangUp();
    expect(world.serve.calls[0]?.cancel.cancelled).toBe(true);
    expect(world.eras.status()).toEqual({ sessions: 0, streams: 0, parked: 0 });
    expect(world.serve.watches.size).toBe(0);
    expect(await post(call(2))).toBe(404);
  });

  test("is refused when watches or sessions run out", async () => {
    const world = createWorld({ sessionsMax: 1 });
    world.serve.watchesMax = 0;
    expect((await world.sse().answer).status).toBe(429);
    expect(world.eras.status().sessions).toBe(0);
  });
});
