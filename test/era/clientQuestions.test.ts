/** Questions to a client of a 2025 session: real requests on the call's stream, answered by POST or through the pipe. */
import { describe, expect, test } from "bun:test";
import { CancelSource, defaultLimits, type Limits } from "../../src/base/index.ts";
import type { Answer as Given, Ask, Beside, Call, Outcome } from "../../src/protocol/index.ts";
import { allJson, createWorld, gate, type Json, nextEvent, nextJson, type World } from "../fixtures/era.ts";
import { done, failure, located } from "../fixtures/serve.ts";

const { askMsMax } = defaultLimits;
const all = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: { listChanged: true } };
const ask = (kind: Ask["kind"], params: Json = {}, cancel = new CancelSource()): Ask => ({ kind, params: located(JSON.stringify(params)), backend: "asker", cancel });
const textOf = (given: Given): string => (given.ok ? given.result : `error ${given.error.code} ${given.error.message}`);
const told = (...texts: string[]): Outcome => done({ content: texts.map((text) => ({ type: "text", text })) });
const heard = (call: Call, asked: Ask): Promise<string> => call.ask(asked).then(textOf, (thrown: { code: string }) => thrown.code);
const call = (id: Json, params: Json = {}) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "x", ...params } });

/** The next message of a stream that begins with an event without data. */
async function spoken(answer: Parameters<typeof nextEvent>[0]): Promise<Json> {
  for (;;) {
    const event = await nextEvent(answer);
    if (event === null) return null;
    if (event.data !== "") return JSON.parse(event.data);
  }
}

async function setUp(revision = "2025-11-25", capabilities: Json = all, limits: Partial<Limits> = {}): Promise<World & { headers: Record<string, string>; say(message: Json): Promise<number> }> {
  const world = createWorld(limits);
  const headers = await world.session(revision, { capabilities });
  return { ...world, headers, say: async (message) => (await world.post({ jsonrpc: "2.0", ...message }, { headers })).status };
}

describe("a question in a session", () => {
  test("is a request of ours on the call's own stream, and the client's response is its answer, byte for byte", async () => {
    const { serve, send, headers, say } = await setUp();
    serve.answer = async (running) => told(await heard(running, ask("elicitation", { message: "Who?" })));
    const answer = await send(call(7), { headers }).answer;
    const question = await spoken(answer);
    expect(question).toEqual({ jsonrpc: "2.0", id: 1, method: "elicitation/create", params: { message: "[asker] Who?" } });
    expect(await say({ id: 2, result: { action: "decline" } })).toBe(202);
    expect(await say({ id: "1", result: { action: "decline" } })).toBe(202);
    expect(await say({ method: "notifications/roots/list_changed" })).toBe(202);
    expect((await send('{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"n":9007199254740993}}}', { headers }).answer).status).toBe(202);
    const end = await spoken(answer);
    expect([end.id, end.result.content[0].text]).toEqual([7, '{"action":"accept","content":{"n":9007199254740993}}']);
  });

  test("does not say who asks where only one could", async () => {
    const world = createWorld();
    const headers = await world.session("2025-11-25", { capabilities: all, server: "asker" });
    world.serve.answer = async (running) => told(await heard(running, ask("elicitation", { message: "Who?" })));
    const answer = await world.send(call(1), { headers, server: "asker" }).answer;
    expect((await spoken(answer)).params.message).toBe("Who?");
  });

  test("may be one of several at once, each with its own answer, an error among them", async () => {
    const { serve, send, headers, say } = await setUp();
    serve.answer = async (running) => told(...(await Promise.all([heard(running, ask("sampling")), heard(running, ask("roots"))])));
    const answer = await send(call(1), { headers }).answer;
    const questions = [await spoken(answer), await spoken(answer)];
    expect(questions.map(({ id, method }) => [id, method])).toEqual([[1, "sampling/createMessage"], [2, "roots/list"]]);
    await say({ id: 2, result: { roots: [] } });
    expect((await send({ jsonrpc: "2.0", id: 9, method: "ping" }, { headers }).answer).json.result).toEqual({});
    await say({ id: 1, error: { code: -1, message: "no" } });
    expect((await spoken(answer)).result.content.map(({ text }: Json) => text)).toEqual(["error -1 no", '{"roots":[]}']);
  });

  test("goes over the one stream of HTTP+SSE as well", async () => {
    const { serve, sse, eras } = createWorld();
    serve.answer = async (running) => told(await heard(running, ask("roots")));
    const stream = await sse().answer;
    const sessionId = new URL((await nextEvent(stream))?.data ?? "", "http://x").searchParams.get("sessionId");
    const say = (message: Json) => eras.sseMessage({ verb: "POST", header: () => null, headersFrom: () => ({}), body: new TextEncoder().encode(JSON.stringify({ jsonrpc: "2.0", ...message })), principal: { id: "alice", scopes: null }, selection: { server: null }, onGone: () => undefined }, sessionId);
    await say({ id: 0, method: "initialize", params: { protocolVersion: "2024-11-05", capabilities: { roots: {} } } });
    await nextEvent(stream);
    await say(call(1));
    expect(await nextJson(stream)).toMatchObject({ id: 1, method: "roots/list" });
    await say({ id: 1, result: { roots: [] } });
    expect((await nextJson(stream)).result.content[0].text).toBe('{"roots":[]}');
  });

  test("is refused where the client's capabilities, its revision or the method do not allow it", async () => {
    const code = async (revision: string, capabilities: Json, asked: Ask, method = "tools/call") => {
      const { serve, send, headers } = await setUp(revision, capabilities);
      let came = "";
      serve.answer = async (running) => {
        came = await heard(running, asked);
        return done({ content: [] });
      };
      const answer = await send({ ...call(1), method }, { headers }).answer;
      expect(answer.stream).toBeNull();
      return came.split(" ")[1];
    };
    expect(await code("2025-11-25", {}, ask("elicitation"))).toBe("-32601");
    expect(await code("2025-11-25", { elicitation: {} }, ask("elicitation", { mode: "url" }))).toBe("-32602");
    expect(await code("2025-06-18", all, ask("elicitation", { mode: "url" }))).toBe("-32602");
    expect(await code("2025-03-26", all, ask("elicitation"))).toBe("-32602");
    expect(await code("2025-11-25", {}, ask("sampling"))).toBe("-32601");
    expect(await code("2025-11-25", {}, ask("roots"))).toBe("-32601");
    expect(await code("2025-11-25", all, ask("roots"), "completion/complete")).toBe("-32601");
  });

  test("that an older revision cannot express is cancelled, never asked wrongly", async () => {
    const { serve, send, headers } = await setUp("2025-06-18", { elicitation: {} });
    serve.answer = async (running) => told(await heard(running, ask("elicitation", { message: "?", requestedSchema: { type: "object", properties: { a: { type: "array" } } } })));
    expect((await send(call(1), { headers }).answer).json.result.content[0].text).toBe('{"action":"cancel"}');
  });

  test("is over in time, and the client is told so", async () => {
    const { serve, send, headers, clock } = await setUp();
    serve.answer = async (running) => told(...(await Promise.all((["elicitation", "sampling", "roots"] as const).map((kind) => heard(running, ask(kind))))));
    const answer = await send(call(1), { headers }).answer;
    await clock.advance(askMsMax);
    const said = await allJson(answer);
    expect(said.slice(3, 6).map(({ method, params }) => [method, params.requestId])).toEqual([1, 2, 3].map((id) => ["notifications/cancelled", id]));
    expect(said[6].result.content.map(({ text }: Json) => text.slice(0, 18))).toEqual(['{"action":"cancel"', "error -1 nobody an", "error -32603 nobod"]);
  });

  test("that the backend takes back is taken back from the client", async () => {
    const { serve, send, headers, say } = await setUp();
    const source = new CancelSource();
    serve.answer = async (running) => told(await heard(running, ask("roots", {}, source)));
    const answer = await send(call(1), { headers }).answer;
    await spoken(answer);
    source.cancel('not "needed"');
    expect(await spoken(answer)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 1, reason: 'not "needed"' } });
    expect(await say({ id: 1, result: { roots: [] } })).toBe(202);
    expect((await spoken(answer)).result.content[0].text).toBe("CALL_CANCELLED");
  });

  test("ends with its call, whoever ends that", async () => {
    const { serve, send, headers, say, clock } = await setUp();
    const outcomes: string[] = [];
    const finish = gate<void>();
    serve.answer = async (running) => {
      void heard(running, ask("roots")).then((text) => outcomes.push(text));
      await finish.promise;
      return told("did not wait");
    };
    const cancelled = await send(call(1), { headers }).answer;
    const answered = await send(call(2), { headers }).answer;
    for (const answer of [cancelled, answered]) expect((await spoken(answer)).method).toBe("roots/list");
    await say({ method: "notifications/cancelled", params: { requestId: 1, reason: "enough" } });
    expect(await spoken(cancelled)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 1 } });
    expect(await spoken(cancelled)).toBeNull();
    finish.open();
    expect(await spoken(answered)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 2 } });
    expect((await spoken(answered)).result.content[0].text).toBe("did not wait");
    expect(outcomes).toEqual(["CALL_CANCELLED", "CALL_CANCELLED"]);
    expect(serve.calls[0]?.cancel.cancelled).toBe(true);
    await expect(serve.calls[0]?.ask(ask("roots"))).rejects.toMatchObject({ code: "CALL_CANCELLED" });
    await clock.advance(askMsMax);
  });

  test("is refused beyond the bound", async () => {
    const { serve, send, headers } = await setUp("2025-11-25", all, { questionsMax: 1 });
    const came: string[] = [];
    serve.answer = async (running) => {
      void heard(running, ask("roots"));
      came.push(await heard(running, ask("roots")));
      return told("end");
    };
    await send(call(1), { headers }).answer;
    expect(came).toEqual(["LIMIT_REACHED"]);
  });
});

describe("a question beside the calls", () => {
  const opened = async (limits: Partial<Limits> = {}, revision = "2025-11-25", capabilities: Json = all) => {
    const world = await setUp(revision, capabilities, limits);
    await world.send(call(1), { headers: world.headers }).answer;
    const beside = world.serve.calls[0]?.session?.beside as Beside;
    const heardBeside = (asked: Ask): Promise<string> => beside.ask(asked).then(textOf, (thrown: { code: string }) => thrown.code);
    return { ...world, beside, heardBeside };
  };

  test("goes to the session's own stream, says who asks, and is answered by the client", async () => {
    const { get, headers, say, heardBeside } = await opened();
    const standalone = await get({ headers }).answer;
    const given = heardBeside(ask("elicitation", { message: "Who?" }));
    expect(await spoken(standalone)).toEqual({ jsonrpc: "2.0", id: 1, method: "elicitation/create", params: { message: "[asker] Who?" } });
    await say({ id: 1, result: { action: "decline" } });
    expect(await given).toBe('{"action":"decline"}');
  });

  test("is refused where no such stream is read: none was opened, or it has gone", async () => {
    const { get, headers, heardBeside } = await opened();
    expect(await heardBeside(ask("roots"))).toBe("ASK_REFUSED");
    const sent = get({ headers });
    await sent.answer;
    sent.hangUp();
    expect(await heardBeside(ask("roots"))).toBe("ASK_REFUSED");
  });

  test("is bounded as any other: by what the client declared, in number and in time", async () => {
    const { get, headers, heardBeside, clock } = await opened({ questionsMax: 1 }, "2025-11-25", { roots: {} });
    const standalone = await get({ headers }).answer;
    expect(await heardBeside(ask("sampling"))).toContain("error -32601");
    const first = heardBeside(ask("roots"));
    expect(await heardBeside(ask("roots"))).toBe("LIMIT_REACHED");
    await clock.advance(askMsMax);
    expect(await first).toContain("error -32603");
    expect((await spoken(standalone)).method).toBe("roots/list");
    expect(await spoken(standalone)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 1 } });
  });

  test("ends with its session, and with the backend's wish", async () => {
    const { get, headers, verb, heardBeside } = await opened();
    await get({ headers }).answer;
    const source = new CancelSource();
    const unwanted = heardBeside(ask("roots", {}, source));
    source.cancel("not needed");
    expect(await unwanted).toBe("CALL_CANCELLED");
    const left = heardBeside(ask("roots"));
    await verb("DELETE", { headers });
    expect(await left).toBe("CALL_CANCELLED");
    expect(await heardBeside(ask("roots"))).toBe("ASK_REFUSED");
  });

  test("may send to a page, and the client hears when the visit is over", async () => {
    const { get, headers, heardBeside, beside } = await opened();
    const standalone = await get({ headers }).answer;
    void heardBeside(ask("elicitation", { mode: "url", url: "https://a", message: "?", elicitationId: "e" }));
    expect((await spoken(standalone)).params.elicitationId).toBe("e");
    beside.notice({ kind: "other", method: "notifications/elicitation/complete", params: null });
    beside.notice({ kind: "other", method: "notifications/elicitation/complete", params: located('{"elicitationId":"e"}') });
    expect(await spoken(standalone)).toMatchObject({ method: "notifications/elicitation/complete", params: { elicitationId: "e" } });
  });
});

describe("a notice beside the calls", () => {
  test("of an extension, and a log line of the session's level, go to the session's own stream; what the protocol itself defines does not", async () => {
    const world = await setUp();
    const { get, headers, send } = world;
    await send(call(1), { headers }).answer;
    const beside = world.serve.calls[0]?.session?.beside as Beside;
    expect(beside.notice({ kind: "other", method: "notifications/x/y", params: null })).toBe(false);
    const standalone = await get({ headers }).answer;
    expect(beside.notice({ kind: "other", method: "notifications/tools/list_changed", params: null })).toBe(false);
    expect(beside.notice({ kind: "progress", params: located("{}") })).toBe(false);
    expect(beside.notice({ kind: "log", level: "info", params: located('{"level":"info","data":1}') })).toBe(true);
    expect(beside.notice({ kind: "log", level: "error", params: located('{"level":"error","data":2}') })).toBe(true);
    expect(beside.notice({ kind: "other", method: "notifications/x/y", params: located('{"z":1.0}') })).toBe(true);
    expect(await spoken(standalone)).toEqual({ jsonrpc: "2.0", method: "notifications/message", params: { level: "error", data: 2 } });
    expect(await spoken(standalone)).toEqual({ jsonrpc: "2.0", method: "notifications/x/y", params: { z: 1 } });
  });
});

describe("the end of a visit to a page", () => {
  const complete = (running: Call, elicitationId: string): void => running.notice({ kind: "other", method: "notifications/elicitation/complete", params: located(JSON.stringify({ elicitationId })) });
  const page = (elicitationId: string) => ask("elicitation", { mode: "url", url: "https://a", message: "?", elicitationId });

  test("is told on the call's stream to the session that was sent there, once", async () => {
    const { serve, send, headers, say } = await setUp();
    serve.answer = async (running) => {
      complete(running, "e");
      const text = await heard(running, page("e"));
      for (const id of ["other", "e", "e"]) complete(running, id);
      return told(text);
    };
    const answer = await send(call(1), { headers }).answer;
    expect((await spoken(answer)).params.elicitationId).toBe("e");
    await say({ id: 1, result: { action: "accept" } });
    expect(await spoken(answer)).toEqual({ jsonrpc: "2.0", method: "notifications/elicitation/complete", params: { elicitationId: "e" } });
    expect((await spoken(answer)).id).toBe(1);
  });

  test("is told beside the calls when the call is over, as after an error that sent there", async () => {
    const { serve, send, get, headers } = await setUp();
    const standalone = await get({ headers }).answer;
    serve.answer = () => failure(-32042, "visit first", { elicitations: [{ mode: "url", elicitationId: "e", url: "https://a" }] });
    expect((await send(call(1), { headers }).answer).json.error.code).toBe(-32042);
    complete(serve.calls[0] as Call, "e");
    expect(await spoken(standalone)).toMatchObject({ params: { elicitationId: "e" } });
  });

  test("is nothing that an older session has a word for, and only the last are remembered", async () => {
    const old = await setUp("2025-06-18");
    old.serve.answer = (running) => {
      complete(running, "e");
      return told("plain");
    };
    expect((await old.send(call(1), { headers: old.headers }).answer).stream).toBeNull();
    const { serve, send, headers } = await setUp("2025-11-25", all, { elicitationsMax: 1 });
    serve.answer = (running) => {
      for (const id of ["first", "second"]) void heard(running, page(id));
      for (const id of ["first", "second"]) complete(running, id);
      return told("end");
    };
    const said = await allJson(await send(call(1), { headers }).answer);
    expect(said.filter(({ method }) => method === "notifications/elicitation/complete").map(({ params }) => params.elicitationId)).toEqual(["second"]);
  });
});
