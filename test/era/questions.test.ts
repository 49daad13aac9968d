import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CancelSource, defaultLimits, fault, type Limits } from "../../src/base/index.ts";
import { openSession } from "../../src/era/handshake.ts";
import { relayableCapabilities } from "../../src/era/profile.ts";
import { SouthLegacy } from "../../src/era/southLegacy.ts";
import type { ConnectOptions, Target } from "../../src/era/types.ts";
import type { Answer, Ask, Call, Notice, Outcome } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { type Arrived, type Bench, benchOf, initialized, legacyScript, textOf } from "../fixtures/wire.ts";

const target: Target = { backend: "box", name: null, timeoutMs: 5_000, tool: null };
const accepted: Answer = { ok: true, result: '{"action":"accept","content":{"n":1.10}}' };
const form = '{"message":"who?","requestedSchema":{"type":"object","properties":{}}}';
const all = relayableCapabilities;

interface Opened extends Bench {
  readonly wire: Bench["wire"] & { postponed: [number, number][] };
  readonly south: Bench["south"];
  readonly legacy: SouthLegacy;
}

async function open(transport: "stdio" | "http" = "stdio", limits: Partial<Limits> = {}, more: Partial<ConnectOptions> = {}): Promise<Opened> {
  const headers = { "mcp-session-id": "s" };
  const bench = benchOf(transport, legacyScript(() => "silent", { result: initialized('{"tools":{},"logging":{}}'), headers }), { capabilities: all, ...more }, limits);
  const wire = Object.assign(bench.wire, { postponed: [] as [number, number][], postpone: (id: number, ms: number) => void wire.postponed.push([id, ms]) });
  const legacy = new SouthLegacy(bench.south, await openSession(bench.south));
  wire.onMessage = (message) => legacy.onMessage(message);
  await bench.clock.settle();
  return { ...bench, wire, legacy };
}

/** A caller's call on its way, its questions and the answers that it will give to them. */
interface Running {
  readonly call: Call;
  readonly arrived: Arrived;
  readonly asked: Ask[];
  readonly cancel: CancelSource;
  readonly outcome: Promise<Outcome | string>;
  answer(answer: Answer): void;
  refuse(code: "ASK_REFUSED" | "CALL_CANCELLED" | "LIMIT_REACHED"): void;
}

async function start(world: Opened, more: Partial<Call> = {}, capabilities: string = all, method = "tools/call"): Promise<Running> {
  const asked: Ask[] = [];
  const waiting: PromiseWithResolvers<Answer>[] = [];
  const cancel = new CancelSource();
  const ask = (question: Ask): Promise<Answer> => {
    asked.push(question);
    waiting.push(Promise.withResolvers<Answer>());
    return (waiting.at(-1) as PromiseWithResolvers<Answer>).promise;
  };
  const call = callOf(method, '{"name":"a"}', { cancel, ask, client: { info: '{"name":"c"}', capabilities }, ...more });
  const outcome = world.legacy.call(call, target).catch((thrown: { code: string }) => thrown.code);
  await world.clock.settle();
  const arrived = world.wire.last(method);
  return { call, arrived, asked, cancel, outcome, answer: (answer) => waiting.shift()?.resolve(answer), refuse: (code) => waiting.shift()?.reject(fault(code)) };
}

const question = (id: string, method = "elicitation/create", params: string | null = form): string => `{"jsonrpc":"2.0","id":${id},"method":"${method}"${params === null ? "" : `,"params":${params}`}}`;
const saidBy = (world: Opened): string[] => world.wire.sent.slice(1).map(({ text }) => text);
const last = (world: Opened): { id: unknown; result?: unknown; error?: { code: number; message: string; data?: { hint?: string; code?: string } } } => JSON.parse(saidBy(world).at(-1) ?? "null");
const other = { id: "other", scopes: null };

describe("a question in the middle of a call", () => {
  test.each([
    ["elicitation/create", "elicitation", form],
    ["sampling/createMessage", "sampling", '{"messages":[],"maxTokens":10}'],
    ["roots/list", "roots", null],
  ])("%s reaches the caller, and the answer goes back under the question's own id, byte for byte", async (method, kind, params) => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question('"1"', method, params));
    await world.clock.settle();
    expect(one.asked).toMatchObject([{ kind, backend: "box" }]);
    expect(one.asked[0]?.params === null ? null : textOf(one.asked[0]?.params as NonNullable<Ask["params"]>)).toBe(params);
    one.answer(accepted);
    await world.clock.settle();
    expect(saidBy(world)).toEqual([`{"jsonrpc":"2.0","id":"1","result":${accepted.result}}`]);
  });

  test("may be answered with the client's own error", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question("12345678901234567890"));
    one.answer({ ok: false, error: { code: -1, message: "no", data: null, raw: '{"code":-1,"message":"no","x":1.0}' } });
    await world.clock.settle();
    expect(saidBy(world)).toEqual(['{"jsonrpc":"2.0","id":12345678901234567890,"error":{"code":-1,"message":"no","x":1.0}}']);
  });

  test("over HTTP belongs to the call on whose stream it came, and its answer carries the session", async () => {
    const world = await open("http");
    const one = await start(world);
    const two = await start(world, { principal: other });
    two.arrived.push(question("7"));
    two.answer(accepted);
    await world.clock.settle();
    expect([one.asked.length, two.asked.length]).toEqual([0, 1]);
    expect(world.wire.sent.at(-1)?.headers).toMatchObject({ "mcp-session-id": "s" });
  });

  test.each(["prompts/get", "resources/read"])("is relayed in %s, too", async (method) => {
    const world = await open();
    const one = await start(world, {}, all, method);
    world.wire.push(question("1"));
    expect(one.asked).toHaveLength(1);
  });

  test.each(["stdio", "http"] as const)("during a completion or a list is refused (%s)", async (transport) => {
    const world = await open(transport);
    const one = await start(world, {}, all, "completion/complete");
    void world.legacy.page("tools", null).catch(() => undefined);
    await world.clock.settle();
    const list = world.wire.last("tools/list");
    for (const push of transport === "http" ? [one.arrived.push, list.push] : [world.wire.push]) {
      push(question("1"));
      expect(last(world)).toMatchObject({ id: 1, error: { code: -32601 } });
      push(question("2", "roots/list", null));
      expect(last(world)).toEqual(expect.objectContaining({ id: 2, result: { roots: [] } }));
    }
    expect(one.asked).toEqual([]);
  });

  // Checklist: B14
  test("on the stream of a list of ours never rides on a call in flight", async () => {
    const world = await open("http");
    const one = await start(world);
    void world.legacy.page("tools", null).catch(() => undefined);
    await world.clock.settle();
    world.wire.last("tools/list").push(question("1"));
    expect(last(world)).toMatchObject({ error: { code: -32601 } });
    expect(one.asked).toEqual([]);
  });

  test("is taken back by the backend: the client is told, and nothing is answered", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question('"q"'));
    world.wire.push('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"other"}}');
    expect(one.asked[0]?.cancel.cancelled).toBe(false);
    world.wire.push('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q","reason":"x"}}');
    expect(one.asked[0]?.cancel.cancelled).toBe(true);
    one.answer(accepted);
    await world.clock.settle();
    expect(saidBy(world)).toEqual([]);
  });

  test("ends with the connection", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question("1"));
    await world.legacy.close();
    one.answer(accepted);
    await world.clock.settle();
    expect(one.asked[0]?.cancel.cancelled).toBe(true);
    expect(saidBy(world)).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  test("of one session is not answered in the next", async () => {
    const world = await open("http");
    const one = await start(world);
    const two = await start(world, { params: callOf("", '{"name":"two"}').params });
    one.arrived.push(question("1"));
    world.wire.answer(two.arrived.id, { status: 404 });
    await world.clock.settle();
    expect(one.asked[0]?.cancel.cancelled).toBe(true);
    const before = saidBy(world).length;
    one.answer(accepted);
    await world.clock.settle();
    expect(saidBy(world)).toHaveLength(before);
  });
});

describe("a question that cannot be asked", () => {
  test.each([
    ["{}", "elicitation/create", form, -32601],
    ['{"elicitation":{}}', "elicitation/create", '{"mode":"url","url":"https://x.example"}', -32602],
    ['{"elicitation":{"url":{}}}', "elicitation/create", form, -32602],
    ["{}", "sampling/createMessage", "{}", -32601],
    ["{}", "roots/list", null, -32601],
    [all, "elicitation/create", form, -32602],
  ])("of a client with %s, %s, is refused to the backend", async (capabilities, method, params, code) => {
    const world = await open();
    const one = await start(world, {}, capabilities);
    world.wire.push(question("1", method, params));
    one.refuse("ASK_REFUSED");
    await world.clock.settle();
    expect(last(world)).toMatchObject({ id: 1, error: { code } });
    expect(one.asked).toHaveLength(1);
  });

  test("for any other reason ends with that", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question("1"));
    one.refuse("LIMIT_REACHED");
    await world.clock.settle();
    expect(last(world)).toMatchObject({ error: { code: -32603, data: { code: "LIMIT_REACHED" } } });
  });

  test("because too many are open, or its id is in use, leaves the others alone", async () => {
    const world = await open("stdio", { questionsMax: 2 });
    const one = await start(world);
    for (const id of ["1", "1", "2", "3"]) world.wire.push(question(id));
    expect(saidBy(world).map((text) => JSON.parse(text).error.data.code)).toEqual(["BACKEND_GARBLED", "LIMIT_REACHED"]);
    one.answer(accepted);
    await world.clock.settle();
    world.wire.push(question("3"));
    expect(one.asked).toHaveLength(3);
  });

  test("because the open ones together are too long leaves the others alone, and an answer makes room", async () => {
    const world = await open("stdio", { questionsBytesMax: 2000 });
    const one = await start(world);
    const long = `{"message":"${"x".repeat(1200)}"}`;
    for (const id of ["1", "2"]) world.wire.push(question(id, "elicitation/create", long));
    expect(saidBy(world).map((text) => JSON.parse(text))).toMatchObject([{ id: 2, error: { data: { code: "LIMIT_REACHED" } } }]);
    one.answer(accepted);
    await world.clock.settle();
    world.wire.push(question("3", "elicitation/create", long));
    expect(one.asked).toHaveLength(2);
  });

  test("because it is ambiguous fills no log, however many there are", async () => {
    const lines: string[] = [];
    const world = await open("stdio", { logLinesMax: 3 });
    Object.assign(world.south, { log: { ...world.south.log, warn: (text: string) => lines.push(text) } });
    await start(world);
    await start(world, { principal: other });
    for (let id = 1; id <= 100; id += 1) world.wire.push(question(String(id)));
    expect([saidBy(world).length, lines.length]).toEqual([100, 3]);
  });

  // Checklist: B15
  test("because no call is in flight: roots were declared and are none, all else does not exist", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.answer(one.arrived.id, { result: "{}" });
    await one.outcome;
    world.wire.push(question("1", "roots/list", null));
    expect(last(world)).toMatchObject({ result: { roots: [] } });
    world.wire.push(question("2"));
    expect(last(world)).toMatchObject({ error: { code: -32601 } });
    world.wire.push(question("3", "ping", null));
    expect(last(world)).toMatchObject({ result: {} });
    world.wire.push(question("4", "own/method", "{}"));
    expect(last(world)).toMatchObject({ error: { code: -32601 } });
  });
});

describe("a question that no call can have caused, where the connection is one client's alone", () => {
  const owned = async (transport: "stdio" | "http" = "stdio", limits: Partial<Limits> = {}) => {
    const asked: Ask[] = [];
    const notices: Notice[] = [];
    const waiting: PromiseWithResolvers<Answer>[] = [];
    const ask = (question: Ask): Promise<Answer> => {
      asked.push(question);
      waiting.push(Promise.withResolvers<Answer>());
      return (waiting.at(-1) as PromiseWithResolvers<Answer>).promise;
    };
    const world = await open(transport, limits, { beside: { ask, notice: (notice) => notices.push(notice) > 0, onRoots: () => () => undefined } });
    return { ...world, asked, notices, next: () => waiting.shift() as PromiseWithResolvers<Answer> };
  };

  test.each(["stdio", "http"] as const)("goes to that client, and its answer back (%s)", async (transport) => {
    const world = await owned(transport);
    world.wire.push(question('"early"', "roots/list", null));
    expect(world.asked).toMatchObject([{ kind: "roots", backend: "box", params: null }]);
    world.next().resolve({ ok: true, result: '{"roots":[{"uri":"file:///a"}]}' });
    await world.clock.settle();
    expect(saidBy(world)).toEqual(['{"jsonrpc":"2.0","id":"early","result":{"roots":[{"uri":"file:///a"}]}}']);
    expect(world.clock.pending).toBe(0);
  });

  test("rides on a call where one is in flight, and is refused on the stream of a list of ours", async () => {
    const world = await owned("http");
    const one = await start(world);
    world.wire.push(question("1"));
    expect([one.asked.length, world.asked.length]).toEqual([1, 0]);
    one.answer(accepted);
    void world.legacy.page("tools", null).catch(() => undefined);
    await world.clock.settle();
    world.wire.last("tools/list").push(question("2"));
    expect(last(world)).toMatchObject({ id: 2, error: { code: -32601 } });
    expect(world.asked).toEqual([]);
  });

  test("goes beside the calls when the one that it rode on is over, unless that was given up", async () => {
    const world = await owned();
    for (const [id, kind] of [["1", "elicitation/create"], ["2", "roots/list"]] as const) {
      const one = await start(world);
      world.wire.push(question(id, kind, kind === "roots/list" ? null : form));
      expect(one.asked).toHaveLength(1);
      world.wire.answer(one.arrived.id, { result: "{}" });
      await one.outcome;
      one.refuse("CALL_CANCELLED");
      await world.clock.settle();
      world.next().resolve(accepted);
      await world.clock.settle();
      expect(last(world)).toMatchObject({ id: Number(id), result: { action: "accept" } });
    }
    const given = await start(world);
    world.wire.push(question("3"));
    given.cancel.cancel("enough");
    given.refuse("CALL_CANCELLED");
    await world.clock.settle();
    expect([world.asked.map(({ kind }) => kind), last(world)]).toMatchObject([["elicitation", "roots"], { id: 3, result: { action: "cancel" } }]);
  });

  test("gets what it would get anyway where that client does not listen, and any other reason as it is", async () => {
    const world = await owned();
    for (const [id, code] of [[1, "ASK_REFUSED"], [2, "LIMIT_REACHED"], [3, "CALL_CANCELLED"]] as const) {
      world.wire.push(question(String(id), "roots/list", null));
      world.next().reject(fault(code));
    }
    await world.clock.settle();
    expect(saidBy(world).map((text) => JSON.parse(text))).toMatchObject([{ id: 1, result: { roots: [] } }, { id: 2, error: { data: { code: "LIMIT_REACHED" } } }, { id: 3, error: { code: -32603 } }]);
  });

  test("is not bothered with what a call may want that it has given up", async () => {
    const world = await owned();
    const one = await start(world);
    one.cancel.cancel("enough");
    await world.clock.settle();
    world.wire.push(question("1"));
    world.wire.push(question("2", "roots/list", null));
    expect(world.asked.map(({ kind }) => kind)).toEqual(["roots"]);
    expect(last(world)).toMatchObject({ id: 1, error: { code: -32601 } });
    await world.clock.advance(defaultLimits.lingerMsMax);
    world.wire.push(question("3"));
    expect(world.asked.map(({ kind }) => kind)).toEqual(["roots", "elicitation"]);
  });

  test("is bounded in number and time, taken back by the backend, and dropped with the connection", async () => {
    const world = await owned("stdio", { questionsMax: 2 });
    for (const id of ["1", "1", "2", "3"]) world.wire.push(question(id));
    expect(saidBy(world).map((text) => JSON.parse(text).error.data.code)).toEqual(["BACKEND_GARBLED", "LIMIT_REACHED"]);
    world.wire.push('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    expect(world.asked.map(({ cancel }) => cancel.cancelled)).toEqual([true, false]);
    await world.clock.advance(defaultLimits.askMsMax);
    expect(last(world)).toMatchObject({ id: 2, result: { action: "cancel" } });
    world.wire.push(question("4"));
    await world.legacy.close();
    expect(world.asked.at(-1)?.cancel.cancelled).toBe(true);
    expect(world.clock.pending).toBe(0);
  });

  test("that sends it to a page: it hears when the visit is over", async () => {
    const world = await owned();
    world.wire.push(question("1", "elicitation/create", '{"mode":"url","elicitationId":"e","url":"https://a.example","message":"m"}'));
    world.wire.push('{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}');
    expect(world.notices).toMatchObject([{ kind: "other", method: "notifications/elicitation/complete" }]);
  });
});

describe("a question that nobody answers", () => {
  test.each([
    ["elicitation/create", form, { result: { action: "cancel" } }],
    ["sampling/createMessage", "{}", { error: { code: -1 } }],
    ["roots/list", null, { error: { code: -32603 } }],
  ])("%s ends after its time as if it had been dismissed", async (method, params, expected) => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question("1", method, params));
    await world.clock.advance(defaultLimits.askMsMax - 1);
    expect(saidBy(world)).toEqual([]);
    await world.clock.advance(1);
    expect(last(world)).toMatchObject({ id: 1, ...expected });
    expect(one.asked[0]?.cancel.cancelled).toBe(true);
    one.answer(accepted);
    await world.clock.settle();
    expect(saidBy(world)).toHaveLength(1);
  });

  test("ends with the call that was cancelled", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question("1"));
    one.cancel.cancel("gone");
    one.refuse("CALL_CANCELLED");
    await world.clock.settle();
    expect(last(world)).toMatchObject({ id: 1, result: { action: "cancel" } });
    expect(await one.outcome).toBe("CALL_CANCELLED");
  });
});

describe("while a person thinks", () => {
  test("the backend that wants progress gets it, until the answer", async () => {
    const world = await open();
    const one = await start(world);
    world.wire.push(question("1", "elicitation/create", '{"message":"m","_meta":{"progressToken":"t"}}'));
    await world.clock.advance(15_000);
    await world.clock.advance(15_000);
    const progress = (value: number): string => `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":${value}}}`;
    expect(saidBy(world)).toEqual([progress(1), progress(2)]);
    one.answer(accepted);
    await world.clock.settle();
    await world.clock.advance(60_000);
    expect(saidBy(world)).toHaveLength(3);
  });

  test("a backend that wants none gets none, and one that cannot be told does no harm", async () => {
    const world = await open();
    await start(world);
    world.wire.push(question("1"));
    await world.clock.advance(60_000);
    expect(saidBy(world)).toEqual([]);
    world.wire.sendFails = true;
    world.wire.push(question("2", "elicitation/create", '{"_meta":{"progressToken":1}}'));
    await world.clock.advance(60_000);
    expect(saidBy(world)).toEqual([]);
  });

  test("the calls that may wait for the answer have more time, and their own again once all is answered", async () => {
    const world = await open();
    const [one, two] = [await start(world), await start(world)];
    for (const id of ["1", "2"]) world.wire.push(question(id));
    const more = target.timeoutMs + defaultLimits.askMsMax;
    const ids = [one.arrived.id, two.arrived.id];
    expect(world.wire.postponed).toEqual([...ids, ...ids].map((id) => [id, more]));
    one.answer(accepted);
    await world.clock.settle();
    expect(world.wire.postponed).toHaveLength(4);
    one.answer(accepted);
    await world.clock.settle();
    expect(world.wire.postponed.slice(4)).toEqual(ids.map((id) => [id, target.timeoutMs]));
  });
});

describe("whose question it is, where nothing ties it to a call", () => {
  test("one call in flight, whatever it declared", async () => {
    const world = await open();
    const one = await start(world, {}, "{}");
    await start(world, { principal: other }, all, "completion/complete");
    world.wire.push(question("1"));
    expect(one.asked).toHaveLength(1);
  });

  // Checklist: B16
  test("of one principal's calls one that can be asked, of the oldest call's client first, then the oldest", async () => {
    const world = await open();
    const client = (name: string, capabilities = all) => ({ client: { info: `{"name":"${name}"}`, capabilities } });
    const calls = [await start(world, client("a", "{}")), await start(world, client("b")), await start(world, client("a")), await start(world, client("a"))];
    world.wire.push(question("1"));
    expect(calls.map(({ asked }) => asked.length)).toEqual([0, 0, 1, 0]);
    for (const call of [calls[2], calls[3]]) {
      call?.cancel.cancel("x");
      call?.refuse("CALL_CANCELLED");
    }
    await world.clock.settle();
    // The question that the ended call carried goes on to another that can have caused it.
    expect(calls.map(({ asked }) => asked.length)).toEqual([0, 1, 1, 0]);
    calls[1]?.answer(accepted);
    await world.clock.settle();
    expect(last(world)).toMatchObject({ id: 1, result: { action: "accept" } });
  });

  test("of one principal's calls none, where none can be asked", async () => {
    const world = await open();
    const calls = [await start(world, {}, "{}"), await start(world, {}, '{"sampling":{}}')];
    world.wire.push(question("1"));
    await world.clock.settle();
    expect(last(world)).toMatchObject({ id: 1, error: { code: -32601 } });
    expect(calls.map(({ asked }) => asked.length)).toEqual([0, 0]);
  });

  describe("of one principal's calls one whose client is away", () => {
    const { rideMsMax, askMsMax } = defaultLimits;
    const setAway = ({ call }: Running, away: boolean): void => void Object.assign(call, { away });

    test("only for a time, while the client of another is there: then that one is asked", async () => {
      const world = await open();
      const [one, two] = [await start(world), await start(world)];
      world.wire.push(question("1"));
      setAway(one, true);
      await world.clock.advance(rideMsMax - 1);
      expect([one.asked[0]?.cancel.cancelled, two.asked.length]).toEqual([false, 0]);
      await world.clock.advance(1);
      expect(one.asked[0]?.cancel.cancelled).toBe(true);
      one.refuse("CALL_CANCELLED");
      await world.clock.settle();
      expect(two.asked).toHaveLength(1);
      two.answer(accepted);
      await world.clock.settle();
      expect(last(world)).toMatchObject({ id: 1, result: { action: "accept" } });
      expect(world.clock.pending).toBe(0);
    });

    test("never for longer, where the client that is there cannot be asked: then it hears why", async () => {
      const world = await open();
      const [one, two] = [await start(world), await start(world, {}, "{}")];
      setAway(one, true);
      world.wire.push(question("1"));
      expect(one.asked).toHaveLength(1);
      await world.clock.advance(rideMsMax);
      one.refuse("CALL_CANCELLED");
      await world.clock.settle();
      expect(last(world)).toMatchObject({ id: 1, error: { code: -32601, message: expect.stringContaining("elicitation") } });
      expect(two.asked).toEqual([]);
    });

    test("until it is back, and as long as nobody else waits", async () => {
      const world = await open();
      const [one, two] = [await start(world), await start(world)];
      world.wire.push(question("1"));
      await world.clock.advance(rideMsMax);
      for (const call of [one, two]) setAway(call, true);
      await world.clock.advance(rideMsMax);
      expect(one.asked[0]?.cancel.cancelled).toBe(false);
      two.cancel.cancel("gone");
      setAway(two, false);
      await world.clock.advance(rideMsMax);
      expect([one.asked[0]?.cancel.cancelled, two.asked.length]).toEqual([false, 0]);
      await world.clock.advance(askMsMax);
      expect(last(world)).toMatchObject({ id: 1, result: { action: "cancel" } });
      expect([one.asked[0]?.cancel.cancelled, world.clock.pending]).toEqual([true, 0]);
    });

    test("and of no other where all were asked in turn: it counts as dismissed", async () => {
      const world = await open();
      const [one, two] = [await start(world), await start(world)];
      world.wire.push(question("1"));
      setAway(one, true);
      await world.clock.advance(rideMsMax);
      one.refuse("CALL_CANCELLED");
      await world.clock.settle();
      setAway(one, false);
      setAway(two, true);
      await world.clock.advance(rideMsMax);
      two.refuse("CALL_CANCELLED");
      await world.clock.settle();
      expect(last(world)).toMatchObject({ id: 1, result: { action: "cancel" } });
    });
  });

  // Checklist: B16
  test("nobody's, where several principals can have caused it, and the refusal names the setting that cures it", async () => {
    const world = await open();
    const calls = [await start(world, {}, "{}"), await start(world, { principal: other })];
    world.wire.push(question("1"));
    await world.clock.settle();
    expect(last(world)).toMatchObject({ id: 1, error: { code: -32603, data: { code: "ASK_AMBIGUOUS" } } });
    expect(last(world).error?.data?.hint).toContain("isolation");
    expect(calls.map(({ asked }) => asked.length)).toEqual([0, 0]);
  });

  test("nobody's, where another principal's call was just given up and may still run there", async () => {
    const world = await open();
    const one = await start(world);
    one.cancel.cancel("gone");
    const two = await start(world, { principal: other });
    world.wire.push(question("1"));
    expect(last(world)).toMatchObject({ error: { data: { code: "ASK_AMBIGUOUS" } } });
    await world.clock.advance(defaultLimits.lingerMsMax);
    world.wire.push(question("2"));
    expect(two.asked).toHaveLength(1);
  });

  test("the caller's own, where it gave up another of its calls", async () => {
    const world = await open();
    const one = await start(world);
    one.cancel.cancel("gone");
    const two = await start(world);
    world.wire.push(question("1"));
    expect(two.asked).toHaveLength(1);
  });

  test("a question never reaches a caller that may be a stranger to it, whatever happens in whatever order", async () => {
    const step = fc.record({ deed: fc.constantFrom("call", "ask", "answer", "end", "cancel", "withdraw", "wait"), who: fc.nat(2), which: fc.nat(5), has: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = await open();
        const running: Running[] = [];
        /** Who can have caused each question: everybody whose call the backend may be at. */
        const suspects = new Map<number, Set<string>>();
        const given: { principal: string; at: number }[] = [];
        const seen: { id: number; principal: string }[] = [];
        const drop = (one: Running | undefined): void => {
          if (one !== undefined) running.splice(running.indexOf(one), 1);
        };
        let id = 0;
        const deeds: Record<string, (one: Running | undefined, who: number, has: boolean) => Promise<void> | void> = {
          async call(_, who, has) {
            const principal = { ...operator, id: `p${who}` };
            const one = await start(world, { principal }, has ? all : "{}");
            const { asked } = one;
            const push = asked.push.bind(asked);
            asked.push = (...asks) => {
              for (const ask of asks) seen.push({ id: Number(JSON.parse(textOf(ask.params as NonNullable<Ask["params"]>)).n), principal: principal.id });
              return push(...asks);
            };
            running.push(one);
          },
          ask() {
            id += 1;
            const late = given.filter(({ at }) => at + defaultLimits.lingerMsMax > world.clock.now());
            suspects.set(id, new Set([...running.map(({ call }) => call.principal.id), ...late.map(({ principal }) => principal)]));
            world.wire.push(question(String(id), "elicitation/create", `{"n":${id}}`));
          },
          answer: (one) => one?.answer(accepted),
          end(one) {
            drop(one);
            if (one !== undefined) world.wire.answer(one.arrived.id, { result: "{}" });
            one?.refuse("CALL_CANCELLED");
          },
          cancel(one) {
            drop(one);
            if (one !== undefined) given.push({ principal: one.call.principal.id, at: world.clock.now() });
            one?.cancel.cancel("x");
            one?.refuse("CALL_CANCELLED");
          },
          withdraw: () => world.wire.push(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`),
          wait: () => world.clock.advance(20_000),
        };
        for (const { deed, who, which, has } of steps) {
          await deeds[deed]?.(running[which % Math.max(1, running.length)], who, has);
          await world.clock.settle();
        }
        for (const { id: asked, principal } of seen) expect([...(suspects.get(asked) ?? [])]).toEqual([principal]);
        const answered = saidBy(world).filter((text) => !text.includes('"method"')).map((text) => JSON.parse(text).id as number);
        expect(new Set(answered).size).toBe(answered.length);
        await world.legacy.close();
      }),
      { numRuns: 200 },
    );
  });
});
