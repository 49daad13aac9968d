/** Sessions and answers that get lost on the way, and how they are found again. */
import { describe, expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";
import { openSession } from "../../src/era/handshake.ts";
import { SouthLegacy } from "../../src/era/southLegacy.ts";
import type { Target } from "../../src/era/types.ts";
import { callOf } from "../fixtures/calls.ts";
import { type Bench, benchOf, faultCodeOf, initialized, legacyScript, type Said, type Script, textOf } from "../fixtures/wire.ts";

const target: Target = { backend: "box", name: null, timeoutMs: 5_000, tool: null };
const everything = '{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":true},"logging":{},"completions":{}}';

async function open(transport: "stdio" | "http", rest: Script, opening: Said = { result: initialized(everything) }): Promise<{ bench: Bench; south: SouthLegacy }> {
  const bench = benchOf(transport, legacyScript(rest, opening));
  const south = new SouthLegacy(bench.south, await openSession(bench.south));
  bench.wire.onMessage = (message) => south.onMessage(message);
  await bench.clock.settle();
  return { bench, south };
}

describe("a lost session", () => {
  const sessions = (rest: Script): Script => {
    let count = 0;
    return (one) => {
      if (one.method === "initialize") {
        count += 1;
        return { result: initialized(everything), headers: { "mcp-session-id": `s-${count}` } };
      }
      return rest(one);
    };
  };
  const openHttp = async (rest: Script): Promise<{ bench: Bench; south: SouthLegacy }> => {
    const bench = benchOf("http", sessions(rest));
    const south = new SouthLegacy(bench.south, await openSession(bench.south));
    await bench.clock.settle();
    return { bench, south };
  };

  // Checklist: S7
  test("costs one new handshake for all, and each call is made again, with the log level", async () => {
    const { bench, south } = await openHttp((one) => (one.headers["mcp-session-id"] === "s-1" && one.method === "tools/call" ? { status: 404 } : { result: '{"ok":1}' }));
    const outcomes = await Promise.all([1, 2, 3].map(() => south.call(callOf("tools/call", '{"name":"a"}', { logLevel: "error" }), target)));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["done", "done", "done"]);
    expect(bench.wire.methods().filter((method) => method === "initialize")).toHaveLength(2);
    expect(bench.wire.last("logging/setLevel").headers["mcp-session-id"]).toBe("s-2");
    expect(bench.changed).toEqual(["tools", "resources"]);
    expect(bench.lost).toEqual([]);
  });

  test("that is lost again at once is not opened for ever", async () => {
    const { bench, south } = await openHttp(() => ({ status: 404 }));
    expect(await faultCodeOf(south.call(callOf("tools/call", "{}"), target))).toBe("BACKEND_REFUSED");
    expect(bench.wire.methods()).toEqual(["initialize", "tools/call", "initialize", "tools/call"]);
  });

  test("that cannot be opened again is told to the owner", async () => {
    const { bench, south } = await openHttp(() => ({ status: 404 }));
    bench.wire.script = () => ({ status: 404 });
    expect(await faultCodeOf(south.call(callOf("tools/call", "{}"), target))).toBe("BACKEND_REFUSED");
    expect(bench.lost).toHaveLength(1);
  });

  test("shows in a list too", async () => {
    const { bench, south } = await openHttp((one) => (one.headers["mcp-session-id"] === "s-1" ? { status: 404 } : { result: '{"tools":[]}' }));
    expect(await south.page("tools", null)).not.toBeNull();
    expect(bench.wire.last("tools/list").headers["mcp-session-id"]).toBe("s-2");
  });

  test("found by the standing stream is opened again without any call, or told to the owner", async () => {
    for (const reopens of [true, false]) {
      const bench = benchOf("http", sessions(() => ({ result: "{}" })));
      bench.wire.listenStatus = [200, 404, 200];
      const south = new SouthLegacy(bench.south, await openSession(bench.south));
      await bench.clock.settle();
      if (!reopens) bench.wire.script = () => ({ status: 503 });
      bench.wire.listeners.at(-1)?.end("e-1");
      await bench.clock.advance(250);
      expect(bench.wire.methods().filter((method) => method === "initialize")).toHaveLength(2);
      expect(bench.lost).toHaveLength(reopens ? 0 : 1);
      expect(south.facts.announces).toBe(reopens);
      await south.close();
    }
  });

  test("that cannot be ended is left to the backend", async () => {
    const { bench, south } = await openHttp(() => ({ result: "{}" }));
    bench.wire.drop = () => Promise.reject(new Error("no"));
    await south.close();
    expect(bench.wire.deeds).toEqual([]);
  });

  test("is ended by us with DELETE, and only where there is one", async () => {
    const { bench, south } = await openHttp(() => ({ result: "{}" }));
    await south.close();
    expect(bench.wire.deeds).toEqual(["drop"]);
    const plain = await open("http", () => ({ result: "{}" }));
    await plain.south.close();
    expect(plain.bench.wire.deeds).toEqual([]);
  });
});

describe("a dropped answer", () => {
  const drop = { status: 200, resume: { lastEventId: "e-1", retryMs: 700 } };

  // Checklist: S8
  test("is taken up where it broke, after the time the backend asked for", async () => {
    const { bench, south } = await open("http", (one) => (one.method === "tools/call" ? drop : { result: "{}" }));
    bench.wire.listenStatus = [200];
    const running = south.call(callOf("tools/call", '{"name":"a"}'), target);
    await bench.clock.advance(699);
    expect(bench.wire.listeners.filter((one) => one.headers["last-event-id"] !== undefined)).toEqual([]);
    await bench.clock.advance(1);
    expect(bench.wire.listeners.at(-1)?.headers).toEqual({ "mcp-protocol-version": "2025-11-25", "last-event-id": "e-1" });
    bench.wire.listeners.at(-1)?.end("e-2", null);
    await bench.clock.advance(700);
    expect(bench.wire.listeners.at(-1)?.headers["last-event-id"]).toBe("e-2");
    bench.wire.push(`{"jsonrpc":"2.0","id":${bench.wire.last("tools/call").id},"result":{"late":true}}`);
    const outcome = await running;
    expect(outcome.kind === "done" && textOf(outcome.result)).toBe('{"late":true}');
  });

  test("that cannot be taken up is a lost one", async () => {
    const { bench, south } = await open("http", () => drop);
    const running = faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}'), target));
    await bench.clock.advance(700);
    expect(await running).toBe("BACKEND_GONE");
  });

  test("is waited for only as long as the call may take, and not after it was cancelled", async () => {
    const { bench, south } = await open("http", () => drop);
    bench.wire.listenStatus = [200];
    const slow = faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}'), target));
    await bench.clock.advance(5_000);
    expect(await slow).toBe("BACKEND_TIMEOUT");
    const cancel = new CancelSource();
    const given = faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}', { cancel }), target));
    await bench.clock.settle();
    cancel.cancel("x");
    expect(await given).toBe("CALL_CANCELLED");
    const before = bench.wire.listeners.length;
    await bench.clock.advance(5_000);
    expect(bench.wire.listeners.length).toBe(before);
  });

  test("of a closed connection ends at once", async () => {
    const { bench, south } = await open("http", () => drop);
    const running = faultCodeOf(south.call(callOf("tools/call", '{"name":"a"}'), target));
    await bench.clock.settle();
    await south.close();
    expect(await running).toBe("BACKEND_GONE");
  });
});
