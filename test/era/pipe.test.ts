import { describe, expect, test } from "bun:test";
import { CancelSource, defaultLimits, type Fault, fault } from "../../src/base/index.ts";
import type { Pipe } from "../../src/era/index.ts";
import { type Call, emptyObject } from "../../src/protocol/index.ts";
import { alice, createWorld, gate, type Json, key, modernVersion } from "../fixtures/era.ts";
import { done, located } from "../fixtures/serve.ts";

interface Client extends Pipe {
  /** Every line that came, parsed. */
  readonly got: Json[];
  readonly lines: string[];
  say(message: unknown): void;
  modern(id: number | string, method: string, params?: Record<string, unknown>): void;
  legacy(id: number | string, method: string, params?: Record<string, unknown>): void;
  /** Resolves when `count` lines have come. */
  lineCount(count: number): Promise<void>;
}

function clientOf(world: ReturnType<typeof createWorld>): Client {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const pipe = world.eras.stdio({
    principal: alice,
    selection: { server: null },
    send(line) {
      lines.push(line);
      for (const look of waiting) look();
    },
  });
  const say = (message: unknown): void => pipe.receive(typeof message === "string" ? message : JSON.stringify(message));
  const _meta = { [key.version]: modernVersion, [key.info]: { name: "test", version: "1" }, [key.capabilities]: {} };
  return {
    receive: (line) => pipe.receive(line),
    finish: (answered) => pipe.finish(answered),
    end: () => pipe.end(),
    lines,
    get got() {
      return lines.map((line) => JSON.parse(line));
    },
    say,
    modern: (id, method, params = {}) => say({ jsonrpc: "2.0", id, method, params: { ...params, _meta: { ..._meta, ...(params["_meta"] as object | undefined) } } }),
    legacy: (id, method, params) => say({ jsonrpc: "2.0", id, method, params }),
    lineCount: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

const shake = async (client: Client, revision = "2025-11-25"): Promise<void> => {
  const before = client.lines.length;
  client.legacy("hello", "initialize", { protocolVersion: revision, capabilities: {}, clientInfo: { name: "old", version: "1" } });
  await client.lineCount(before + 1);
  client.say({ jsonrpc: "2.0", method: "notifications/initialized" });
};

const cancel = (client: Client, requestId: number | string): void => client.say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId, reason: "enough" } });

/** The middle holds every call until the test lets it go. */
function held(world: ReturnType<typeof createWorld>): { readonly calls: Call[]; finish(index: number): void } {
  const gates: ReturnType<typeof gate<void>>[] = [];
  const calls: Call[] = [];
  world.serve.answer = async (call) => {
    const here = gate<void>();
    gates.push(here);
    calls.push(call);
    await here.promise;
    return done({ content: [{ type: "text", text: String(calls.indexOf(call)) }] });
  };
  return { calls, finish: (index) => gates[index]?.open() };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("one client on a pipe", () => {
  test("O1: discovers first and may shake hands afterwards; each message has its own era from then on", async () => {
    const client = clientOf(createWorld());
    client.modern(1, "server/discover");
    await client.lineCount(1);
    expect(client.got[0]).toMatchObject({ id: 1, result: { resultType: "complete", supportedVersions: [modernVersion] } });
    await shake(client);
    expect(client.got[1]).toMatchObject({ id: "hello", result: { protocolVersion: "2025-11-25" } });
    client.legacy(2, "tools/list");
    client.modern(3, "tools/list");
    await client.lineCount(4);
    expect(client.got[2].result.resultType).toBeUndefined();
    expect(client.got[3]).toMatchObject({ id: 3, result: { resultType: "complete" } });
  });

  test("O2: calls and listens share the channel, each answer under its own id, each listen's acknowledgement before what is tagged with it", async () => {
    const world = createWorld();
    const { finish } = held(world);
    const client = clientOf(world);
    client.modern(1, "tools/call", { name: "a" });
    client.modern("one", "subscriptions/listen", { notifications: { toolsListChanged: true } });
    client.modern(2, "tools/call", { name: "b" });
    client.modern("two", "subscriptions/listen", { notifications: { toolsListChanged: true, promptsListChanged: true } });
    world.serve.announce("tools");
    finish(1);
    await client.lineCount(5);
    finish(0);
    await client.lineCount(6);
    const tags = client.got.filter(({ method }) => method !== undefined).map(({ method, params }) => [params._meta[key.subscription], method]);
    expect(tags).toEqual([
      ["one", "notifications/subscriptions/acknowledged"],
      ["two", "notifications/subscriptions/acknowledged"],
      ["one", "notifications/tools/list_changed"],
      ["two", "notifications/tools/list_changed"],
    ]);
    expect(client.got.filter(({ result }) => result !== undefined).map(({ id, result }) => [id, result.content[0].text])).toEqual([[2, "1"], [1, "0"]]);
  });

  test("O3: nothing follows for a call or a listen that was cancelled, of either era", async () => {
    const world = createWorld();
    const { calls, finish } = held(world);
    const client = clientOf(world);
    await shake(client);
    client.modern(1, "tools/call", { name: "a", _meta: { progressToken: 1 } });
    client.legacy(2, "tools/call", { name: "b" });
    client.modern(3, "subscriptions/listen", { notifications: { toolsListChanged: true } });
    await client.lineCount(2);
    for (const id of [1, 2, 3, "never"]) cancel(client, id);
    expect(calls.map((call) => call.cancel.cancelled)).toEqual([true, true]);
    calls[0]?.notice({ kind: "progress", params: located('{"progressToken":9,"progress":1}') });
    finish(0);
    finish(1);
    world.serve.announce("tools");
    await settle();
    expect(client.got.map(({ id, method }) => id ?? method)).toEqual(["hello", "notifications/subscriptions/acknowledged", "notifications/tools/list_changed"]);
    // The one that came is the session's own; the id is free again.
    expect(client.got[2].params?._meta).toBeUndefined();
    client.modern(3, "tools/list");
    await settle();
    expect(calls).toHaveLength(3);
  });

  test("O4: what a backend wrote on several lines stays one", async () => {
    const world = createWorld();
    world.serve.answer = () => done('{"content":\r\n[\n{"type":"text",\n\n"text":"a\\nb"}]}');
    const client = clientOf(world);
    client.modern(1, "tools/call", { name: "a" });
    await client.lineCount(1);
    expect(client.lines[0]).not.toMatch(/[\r\n]/u);
    expect(client.got[0].result.content[0].text).toBe("a\nb");
  });

  test("O5: its end cancels all that it waits for and says nothing more", async () => {
    const world = createWorld();
    const { calls, finish } = held(world);
    const client = clientOf(world);
    await shake(client);
    client.modern(1, "tools/call", { name: "a" });
    client.legacy(2, "tools/call", { name: "b" });
    client.modern(3, "subscriptions/listen", { notifications: {} });
    const count = client.lines.length;
    client.end();
    client.end();
    expect([calls.map((call) => call.cancel.cancelled), world.serve.watches.size, world.eras.status().sessions]).toEqual([[true, true], 0, 0]);
    finish(0);
    client.modern(4, "tools/list");
    await settle();
    expect([client.lines.length, calls.length]).toEqual([count, 2]);
  });

  test("O6: the end of the program is said for every listen, tagged and then with its result, and answers every call", async () => {
    const world = createWorld();
    held(world);
    const client = clientOf(world);
    await shake(client);
    client.modern("sub", "subscriptions/listen", { notifications: {} });
    client.modern(1, "tools/call", { name: "a" });
    client.legacy(2, "tools/call", { name: "b" });
    client.modern(3, "server/discover");
    await client.lineCount(3);
    const count = client.lines.length;
    await world.eras.close();
    const last = client.got.slice(count);
    expect(last.filter(({ error }) => error !== undefined).map(({ id, error }) => [id, error.data.code])).toEqual([[2, "SHUTTING_DOWN"], [1, "SHUTTING_DOWN"]]);
    const about = last.filter(({ id, params }) => id === "sub" || params?.requestId === "sub");
    expect(about).toMatchObject([
      { method: "notifications/cancelled", params: { requestId: "sub", _meta: { [key.subscription]: "sub" } } },
      { id: "sub", result: { resultType: "complete", _meta: { [key.subscription]: "sub" } } },
    ]);
    expect(() => clientOf(world)).toThrow("shutting down");
  });
});

describe("a cancellation that crosses the question of its call", () => {
  const asking = { [key.capabilities]: { elicitation: {} } };
  const { collectMs } = defaultLimits;

  /** A client whose call 1 has been answered with a question, and waits inside. */
  async function parked() {
    const world = createWorld();
    const calls: Call[] = [];
    const heard: unknown[] = [];
    world.serve.answer = async (call) => {
      calls.push(call);
      const ask = { kind: "elicitation", params: located('{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}'), backend: "asker", cancel: new CancelSource() } as const;
      for (let n = 0; n < 2; n += 1) heard.push(await call.ask(ask).then((answer) => (answer.ok ? answer.result : answer.error.code), (thrown: Fault) => thrown.code));
      return done({ content: [] });
    };
    const client = clientOf(world);
    client.modern(1, "tools/call", { name: "a", _meta: asking });
    await world.clock.advance(collectMs);
    await client.lineCount(1);
    const { result } = client.got[0] as Json;
    expect(result.resultType).toBe("input_required");
    const again = (id: number): void => client.modern(id, "tools/call", { name: "a", requestState: result.requestState, inputResponses: { q1: { action: "decline" } }, _meta: asking });
    return { world, client, calls, heard, again };
  }

  test("ends the call that waits inside, and what the client was asked is over", async () => {
    const { client, calls, heard, again } = await parked();
    cancel(client, 1);
    await settle();
    expect([calls[0]?.cancel.cancelled, heard[0], client.lines.length]).toEqual([true, "CALL_CANCELLED", 1]);
    again(2);
    await client.lineCount(2);
    expect(client.got[1]).toMatchObject({ id: 2, error: { data: { code: "STATE_INVALID" } } });
  });

  test("means the call by the id that it goes by now, in whatever round", async () => {
    const { world, client, calls, heard, again } = await parked();
    again(2);
    await world.clock.advance(collectMs);
    await client.lineCount(2);
    cancel(client, 1);
    await settle();
    expect([calls[0]?.cancel.cancelled, heard]).toEqual([false, ['{"action":"decline"}']]);
    cancel(client, 2);
    await settle();
    expect([calls[0]?.cancel.cancelled, heard[1]]).toEqual([true, "CALL_CANCELLED"]);
  });

  test("means the request that is open, where its id was used again", async () => {
    const { world, client, calls } = await parked();
    world.serve.answer = (call) => {
      calls.push(call);
      return new Promise(() => undefined);
    };
    client.modern(1, "tools/list");
    cancel(client, 1);
    expect(calls.map((call) => call.cancel.cancelled)).toEqual([false, true]);
  });

  test("comes too late once the call is over, and the end of the pipe ends what waits", async () => {
    const { world, client, calls, again } = await parked();
    world.serve.answer = () => done({ content: [] });
    client.modern(7, "tools/call", { name: "b", _meta: asking });
    await client.lineCount(2);
    cancel(client, 7);
    again(2);
    await world.clock.advance(collectMs);
    await client.lineCount(3);
    expect(client.got[2].result.resultType).toBe("input_required");
    client.end();
    expect(calls[0]?.cancel.cancelled).toBe(true);
  });
});

describe("when nothing more comes in", () => {
  test("what is due is still answered, of either era and in batches, and then that is said once", async () => {
    const world = createWorld();
    const { finish } = held(world);
    const client = clientOf(world);
    await shake(client, "2025-03-26");
    client.modern("sub", "subscriptions/listen", { notifications: {} });
    client.modern(1, "tools/call", { name: "a" });
    client.legacy(2, "tools/call", { name: "b" });
    client.say([{ jsonrpc: "2.0", id: 3, method: "ping" }, { jsonrpc: "2.0", id: 4, method: "tools/call", params: { name: "c" } }]);
    const before = client.lines.length;
    let told = 0;
    client.finish(() => (told += 1));
    for (const [index, due] of [[1, 0], [0, 0], [2, 1]] as const) {
      finish(index);
      await settle();
      expect(told).toBe(due);
    }
    expect(client.got.slice(before).map((one) => (Array.isArray(one) ? one.map(({ id }) => id) : one.id))).toEqual([2, 1, [3, 4]]);
    client.end();
    expect(told).toBe(1);
  });

  test("it is said at once where nothing is due: a listen, a session, or a call that waits for its client", async () => {
    const world = createWorld();
    world.serve.answer = async (call) => {
      await call.ask({ kind: "roots", params: null, backend: "asker", cancel: new CancelSource() });
      return done({});
    };
    const client = clientOf(world);
    await shake(client);
    client.modern("sub", "subscriptions/listen", { notifications: {} });
    client.modern(1, "tools/call", { name: "a", _meta: { [key.capabilities]: { roots: {} } } });
    const count = client.lines.length;
    await world.clock.advance(defaultLimits.collectMs);
    await client.lineCount(count + 1);
    let told = false;
    client.finish(() => (told = true));
    expect(told).toBe(true);
    client.end();
  });
});

describe("what comes without an envelope", () => {
  test("waits for a handshake, but for a ping", async () => {
    const client = clientOf(createWorld());
    client.legacy(1, "ping");
    client.legacy(2, "tools/list");
    client.legacy(3, "server/discover");
    client.say({ jsonrpc: "2.0", method: "notifications/initialized" });
    client.say({ jsonrpc: "2.0", id: 9, result: {} });
    expect(client.got.map(({ id, result, error }) => [id, result ?? error.data.code])).toEqual([[1, {}], [2, "SESSION_MISSING"], [3, "ENVELOPE_INVALID"]]);
  });

  test("may shake hands again after a handshake that failed, not after one that stands", async () => {
    const world = createWorld();
    const { description } = world.serve;
    world.serve.description = () => Promise.reject(fault("BACKEND_DOWN"));
    const client = clientOf(world);
    await shake(client);
    expect(client.got[0].error.data.code).toBe("BACKEND_DOWN");
    world.serve.description = description;
    client.legacy(0, "initialize", {});
    expect(client.got[1]).toMatchObject({ id: 0, error: { code: -32602 } });
    await shake(client);
    expect(client.got[2].result.protocolVersion).toBe("2025-11-25");
    client.legacy(5, "initialize", { protocolVersion: "2025-06-18" });
    expect(client.got[3]).toMatchObject({ id: 5, error: { data: { code: "MESSAGE_INVALID" } } });
    expect(world.eras.status().sessions).toBe(1);
  });

  test("hears of changed lists after the answer to its handshake, and never of more than it may watch", async () => {
    const world = createWorld();
    const answer = gate<void>();
    const { description } = world.serve;
    world.serve.description = () => answer.promise.then(description);
    const client = clientOf(world);
    client.legacy(1, "initialize", { protocolVersion: "2025-06-18", capabilities: {} });
    world.serve.announce("tools");
    answer.open();
    await client.lineCount(1);
    world.serve.announce("prompts");
    expect(client.got.map(({ id, method }) => id ?? method)).toEqual([1, "notifications/prompts/list_changed"]);
    const crowded = createWorld();
    crowded.serve.watchesMax = 0;
    const refused = clientOf(crowded);
    await shake(refused);
    expect([refused.got[0].error.data.code, crowded.eras.status().sessions]).toEqual(["LIMIT_REACHED", 0]);
  });

  test("may come in batches where the session's revision has them, and is answered as one", async () => {
    const client = clientOf(createWorld());
    const batch = JSON.stringify([{ jsonrpc: "2.0", id: 1, method: "ping" }, { jsonrpc: "2.0", method: "notifications/x" }, { jsonrpc: "2.0", id: 2, method: "tools/list" }, { nonsense: true }]);
    client.receive(batch);
    expect(client.got[0]).toMatchObject({ id: null, error: { data: { code: "MESSAGE_INVALID" } } });
    await shake(client, "2025-03-26");
    client.receive(` ${batch}`);
    await client.lineCount(3);
    expect(client.got[2].map(({ id }: Json) => id).sort()).toEqual([1, 2, null]);
    client.receive("[]");
    client.receive("[1,");
    expect(client.got.slice(3).map(({ error }) => error.data.code)).toEqual(["MESSAGE_INVALID", "MESSAGE_INVALID_JSON"]);
    client.receive(JSON.stringify([{ jsonrpc: "2.0", method: "notifications/x" }]));
    expect(client.lines).toHaveLength(5);
  });
});

describe("a pipe refuses", () => {
  test("what cannot be read, with an id where there is one", () => {
    const client = clientOf(createWorld());
    client.receive("{");
    client.say({ jsonrpc: "2.0", id: 7 });
    expect(client.got.map(({ id, error }) => [id, error.code])).toEqual([[null, -32700], [7, -32600]]);
  });

  test("a second request under an id that is open, and more than may be open at once", async () => {
    const world = createWorld({ pendingMax: 2 });
    held(world);
    const client = clientOf(world);
    client.modern(1, "tools/call", { name: "a" });
    client.modern(1, "tools/call", { name: "a" });
    client.modern("1", "tools/call", { name: "a" });
    client.modern(2, "tools/call", { name: "a" });
    expect(client.got.map(({ id, error }) => [id, error.data.code])).toEqual([[1, "MESSAGE_INVALID"], [2, "LIMIT_REACHED"]]);
  });

  test("a revision that is not served, a handshake with an envelope, and parameters that are none", () => {
    const world = createWorld();
    world.serve.watchesMax = 0;
    const client = clientOf(world);
    client.modern(1, "tools/list", { _meta: { [key.version]: "2025-11-25" } });
    client.modern(2, "initialize", {});
    client.modern(3, "tools/call", {});
    client.modern(4, "subscriptions/listen", {});
    client.modern(5, "subscriptions/listen", { notifications: {} });
    expect(client.got.map(({ id, error }) => [id, error.code])).toEqual([[1, -32022], [2, -32601], [3, -32602], [4, -32602], [5, -32603]]);
  });

  test("one message when something breaks inside, and goes on", async () => {
    const world = createWorld();
    const { call } = world.serve;
    world.serve.call = () => {
      throw new Error("a bug");
    };
    const client = clientOf(world);
    client.modern(1, "tools/list");
    expect(client.got[0]).toMatchObject({ id: 1, error: { data: { code: "INTERNAL" } } });
    world.serve.call = call;
    client.modern(1, "tools/list");
    await client.lineCount(2);
    expect(client.got[1]).toMatchObject({ id: 1, result: {} });
  });
});

test("notices of a call come before its answer", async () => {
  const world = createWorld();
  const { calls, finish } = held(world);
  const client = clientOf(world);
  client.modern(1, "tools/call", { name: "a", _meta: { progressToken: "p" } });
  calls[0]?.notice({ kind: "progress", params: located('{"progressToken":9,"progress":1}') });
  calls[0]?.notice({ kind: "other", method: "notifications/com.example", params: emptyObject });
  finish(0);
  await client.lineCount(3);
  expect(client.got.map(({ id, method }) => id ?? method)).toEqual(["notifications/progress", "notifications/com.example", 1]);
  expect(client.got[0].params.progressToken).toBe("p");
});

test("a session is asked on the pipe, and its answer finds the call; what is open ends with the pipe", async () => {
  const world = createWorld();
  const asks: Promise<unknown>[] = [];
  const never = new CancelSource();
  world.serve.answer = async (call) => {
    const asked = call.ask({ kind: "roots", params: null, backend: "asker", cancel: never });
    asks.push(asked.catch((thrown: Error) => thrown.message));
    const answer = await asked;
    return done({ content: [{ type: "text", text: answer.ok ? answer.result : "refused" }] });
  };
  const client = clientOf(world);
  client.legacy("hello", "initialize", { protocolVersion: "2025-11-25", capabilities: { roots: {} } });
  await client.lineCount(1);
  client.legacy(1, "tools/call", { name: "a" });
  client.legacy(2, "tools/call", { name: "b" });
  await client.lineCount(3);
  const questions = client.got.filter(({ method }) => method === "roots/list");
  expect(questions).toHaveLength(2);
  client.say({ jsonrpc: "2.0", id: questions[0].id, result: { roots: [] } });
  await client.lineCount(4);
  expect(client.got[3]).toMatchObject({ id: 1, result: { content: [{ text: '{"roots":[]}' }] } });
  client.end();
  expect(await asks[1]).toContain("cancelled");
  expect(client.lines).toHaveLength(4);
});

describe("single resources on a pipe", () => {
  test("are acknowledged, told of under each listen's own id, and given back by its cancellation", async () => {
    const world = createWorld();
    const client = clientOf(world);
    client.modern("one", "subscriptions/listen", { notifications: { resourceSubscriptions: ["a://1", "b://nobody"] } });
    client.modern(1, "subscriptions/listen", { notifications: { resourceSubscriptions: ["a://1"] } });
    await client.lineCount(2);
    expect(client.got.map(({ params }) => [params._meta[key.subscription], params.notifications])).toEqual([
      ["one", { resourceSubscriptions: ["a://1"] }],
      [1, { resourceSubscriptions: ["a://1"] }],
    ]);
    world.serve.update("a://1");
    expect(client.got.slice(2).map(({ params }) => [params.uri, params._meta[key.subscription]])).toEqual([["a://1", "one"], ["a://1", 1]]);
    client.say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "one" } });
    expect(world.serve.subscribed()).toEqual(["a://1"]);
    await client.end();
    expect(world.serve.subscribed()).toEqual([]);
  });

  test("are subscribed to by a session, which hears of them on the same pipe", async () => {
    const world = createWorld();
    const client = clientOf(world);
    await shake(client);
    client.legacy(2, "resources/subscribe", { uri: "a://1" });
    await client.lineCount(2);
    world.serve.update("a://1");
    expect(client.got.slice(1)).toEqual([{ jsonrpc: "2.0", id: 2, result: {} }, { jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri: "a://1" } }]);
    await client.end();
    expect(world.serve.subscribed()).toEqual([]);
  });
});
