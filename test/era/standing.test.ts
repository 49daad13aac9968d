import { describe, expect, test } from "bun:test";
import { Resumed, Standing } from "../../src/era/standing.ts";
import { type Bench, benchOf, messageOf } from "../fixtures/wire.ts";

const startWith = async (statuses: number[]): Promise<{ bench: Bench; standing: Standing; told: string[] }> => {
  const bench = benchOf("http", () => "silent");
  bench.wire.listenStatus = statuses;
  const told: string[] = [];
  const standing = new Standing(bench.south, { headers: () => ({ "mcp-session-id": "s" }), missed: () => told.push("missed"), expired: () => told.push("expired") });
  standing.start();
  await bench.clock.settle();
  return { bench, standing, told };
};
const opened = (bench: Bench): number => bench.wire.listeners.length;
const end = (bench: Bench, eventId: string | null, retryMs?: number): void => bench.wire.listeners.at(-1)?.end(eventId, retryMs ?? null);

describe("the standing stream", () => {
  test.each([405, 404, 400, 406])("that is refused with %d at first is not offered", async (status) => {
    const { bench, standing } = await startWith([status]);
    await bench.clock.advance(120_000);
    expect(opened(bench)).toBe(1);
    expect(standing.open).toBe(false);
  });

  test.each([503, 0])("that fails with %d at first is tried again", async (status) => {
    const { bench, standing } = await startWith([status, 200]);
    await bench.clock.advance(250);
    expect(standing.open).toBe(true);
  });

  test("that opens too late to be waited for makes the server a mute one", async () => {
    const bench = benchOf("http", () => "silent");
    bench.wire.listen = () => new Promise<number>(() => undefined);
    const standing = new Standing(bench.south, { headers: () => ({}), missed: () => undefined, expired: () => undefined });
    standing.start();
    const heard = standing.heard();
    await bench.clock.advance(bench.south.limits.hearMsMax);
    await heard;
    expect(standing.mute).toBe(true);
  });

  // Checklist: S8
  test("that broke is resumed where it broke, after the time the backend asked for", async () => {
    const { bench, standing, told } = await startWith([200]);
    end(bench, "e-7", 3_000);
    expect(standing.open).toBe(false);
    await bench.clock.advance(2_999);
    expect(opened(bench)).toBe(1);
    await bench.clock.advance(1);
    expect(bench.wire.listeners.at(-1)?.headers).toEqual({ "mcp-session-id": "s", "last-event-id": "e-7" });
    end(bench, null, 3_000);
    await bench.clock.advance(3_000);
    expect(bench.wire.listeners.at(-1)?.headers["last-event-id"]).toBe("e-7");
    expect(told).toEqual([]);
  });

  test("is not opened in a tight loop, whatever the backend asks for", async () => {
    const { bench } = await startWith([200]);
    end(bench, "e", 0);
    await bench.clock.advance(249);
    expect(opened(bench)).toBe(1);
    await bench.clock.advance(1);
    expect(opened(bench)).toBe(2);
  });

  test("without event ids may have missed something", async () => {
    const { bench, told } = await startWith([200]);
    end(bench, null);
    await bench.clock.advance(250);
    expect(told).toEqual(["missed"]);
  });

  test("that finds its session unknown says so and stops", async () => {
    const { bench, told } = await startWith([200, 404]);
    end(bench, null);
    await bench.clock.advance(60_000);
    expect(told).toEqual(["expired"]);
    expect(opened(bench)).toBe(2);
  });

  test("forgets an event id that the backend does not take", async () => {
    const { bench, standing } = await startWith([200, 400, 200]);
    end(bench, "e-1");
    await bench.clock.advance(250);
    await bench.clock.advance(500);
    expect(bench.wire.listeners.at(-1)?.headers["last-event-id"]).toBeUndefined();
    expect(standing.open).toBe(true);
  });

  test("of an earlier session ends without consequence", async () => {
    const { bench, standing } = await startWith([200]);
    standing.start();
    await bench.clock.settle();
    bench.wire.listeners[0]?.end("old");
    await bench.clock.advance(60_000);
    expect(opened(bench)).toBe(2);
    expect(standing.open).toBe(true);
  });

  test("that lasted, and be it without a head, is tried again soon", async () => {
    const { bench } = await startWith([503]);
    await bench.clock.advance(10_000);
    const slow = Promise.withResolvers<number>();
    let attempts = 0;
    bench.wire.listen = () => {
      attempts += 1;
      return attempts === 1 ? slow.promise : Promise.resolve(200);
    };
    await bench.clock.advance(70_000);
    expect(attempts).toBe(1);
    slow.reject(new Error("no head"));
    await bench.clock.advance(250);
    expect(attempts).toBe(2);
  });

  test("that was closed is not opened again", async () => {
    const { bench, standing } = await startWith([200]);
    end(bench, null);
    standing.close();
    end(bench, null);
    standing.start();
    await bench.clock.advance(60_000);
    expect(opened(bench)).toBe(1);
    expect(bench.clock.pending).toBe(0);
  });
});

describe("resumed answers", () => {
  test("may be due later than they were, and end when they are", async () => {
    const bench = benchOf("http", () => "silent");
    bench.wire.listenStatus = [200];
    const resumed = new Resumed(bench.south);
    let code = "";
    resumed.answer({ id: 1, stop: null }, { lastEventId: "e", retryMs: null }, {}, 1_000).catch((thrown: { code: string }) => {
      code = thrown.code;
    });
    for (const id of [1, 2]) resumed.postpone(id, 5_000);
    await bench.clock.advance(4_999);
    expect(code).toBe("");
    await bench.clock.advance(1);
    expect(code).toBe("BACKEND_TIMEOUT");
    expect(bench.clock.pending).toBe(0);
  });

  test("that came leave nothing of a pause which the server asked for, however long", async () => {
    const bench = benchOf("http", () => "silent");
    bench.wire.listenStatus = [200];
    const resumed = new Resumed(bench.south);
    const answer = resumed.answer({ id: 1, stop: null }, { lastEventId: "e", retryMs: 3_600_000 }, {}, 1_000);
    expect(resumed.take(messageOf('{"jsonrpc":"2.0","id":1,"result":{}}'))).toBe(true);
    await answer;
    expect(bench.clock.pending).toBe(0);
  });

  test("are taken only by who waits for them", () => {
    const resumed = new Resumed(benchOf("http", () => "silent").south);
    expect(resumed.take(messageOf('{"jsonrpc":"2.0","id":1,"result":{}}'))).toBe(false);
    expect(resumed.take(messageOf('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}'))).toBe(false);
    expect(resumed.take(messageOf('{"jsonrpc":"2.0","id":1,"method":"ping"}'))).toBe(false);
  });
});

test("a handshake waits until the stream is open, but not for ever; then something may have been missed", async () => {
  const { bench, standing, told } = await startWith([200]);
  await standing.heard();
  expect(bench.clock.pending).toBe(0);
  expect(told).toEqual([]);
  const slow = benchOf("http", () => "silent");
  const reply = Promise.withResolvers<number>();
  slow.wire.listen = () => reply.promise;
  const late: string[] = [];
  const second = new Standing(slow.south, { headers: () => ({}), missed: () => late.push("missed"), expired: () => undefined });
  second.start();
  const waited = second.heard();
  await slow.clock.advance(1_000);
  await waited;
  reply.resolve(200);
  await slow.clock.settle();
  expect(late).toEqual(["missed"]);
});
