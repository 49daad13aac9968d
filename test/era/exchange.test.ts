import { describe, expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { type Channel, emptyOut, Exchange, jsonOut, refusalOut } from "../../src/era/exchange.ts";
import { Heads } from "../../src/era/heads.ts";
import type { HttpOut } from "../../src/era/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

const streamed: HttpOut = { status: 200, headers: {}, body: "the stream" };

class Tested extends Exchange {
  readonly sent: string[] = [];

  protected override open(): { channel: Channel; out: HttpOut } {
    return { channel: { send: (text) => void this.sent.push(text), end: () => void this.sent.push("end") }, out: streamed };
  }

  dropped: boolean[] = [];

  protected override gone(): void {
    this.dropped.push(this.drop());
  }
}

const client = () => {
  const listeners: (() => void)[] = [];
  return { onGone: (listener: () => void) => void listeners.push(listener), hangUp: () => listeners.forEach((listener) => listener()), listeners };
};
const exchangeOf = (batch: number | null = null, clock = createTestClock(), request = client()) =>
  new Tested(new Heads(clock, { patienceMs: 10, headMsMax: 100 }), request, batch === null ? "1" : null, batch);

describe("one POST", () => {
  test("with nothing before its answer is plain, with the answer's status", async () => {
    const exchange = exchangeOf();
    exchange.answer(404, "no");
    exchange.notice("late");
    exchange.answer(200, "again");
    expect(await exchange.out).toEqual({ status: 404, headers: { "content-type": "application/json" }, body: "no" });
    expect(exchange.sent).toEqual([]);
  });

  test("with a notice first is a stream, and ends with its answer", async () => {
    const exchange = exchangeOf();
    exchange.notice("a");
    exchange.openHead();
    exchange.answer(404, "b");
    exchange.notice("c");
    expect(await exchange.out).toBe(streamed);
    expect(exchange.sent).toEqual(["a", "b", "end"]);
  });

  test("of a batch waits for all answers, or streams them", async () => {
    const plain = exchangeOf(2);
    plain.answer(200, "1");
    plain.answer(200, "2");
    expect(await plain.out).toMatchObject({ status: 200, body: "[1,2]" });
    const stream = exchangeOf(2);
    stream.answer(200, "1");
    stream.notice("n");
    stream.answer(200, "2");
    expect(stream.sent).toEqual(["1", "n", "2", "end"]);
  });

  test("that nobody wants answered any more is accepted, or its stream ends", async () => {
    const plain = exchangeOf();
    plain.none();
    plain.none();
    expect(await plain.out).toEqual(emptyOut(202));
    const stream = exchangeOf();
    stream.openHead();
    stream.none();
    expect(stream.sent).toEqual(["end"]);
    const part = exchangeOf(2);
    part.answer(200, "1");
    part.none();
    expect(await part.out).toMatchObject({ body: "[1]" });
  });

  test("looks for its client only when it takes a while, or streams", async () => {
    const clock = createTestClock();
    const [quick, slow, streaming] = [client(), client(), client()];
    exchangeOf(null, clock, quick).answer(200, "a");
    const waits = exchangeOf(null, clock, slow);
    exchangeOf(null, clock, streaming).notice("n");
    await clock.advance(10);
    expect([quick, slow, streaming].map((one) => one.listeners.length)).toEqual([0, 1, 1]);
    await clock.advance(90);
    expect(await waits.out).toBe(streamed);
    expect(slow.listeners).toHaveLength(1);
  });

  test("whose client is gone is over", async () => {
    const request = client();
    const clock = createTestClock();
    const exchange = exchangeOf(null, clock, request);
    await clock.advance(10);
    request.hangUp();
    request.hangUp();
    exchange.answer(200, "late");
    expect([(await exchange.out).status, exchange.dropped]).toEqual([499, [true, false]]);
    const gone = client();
    const stream = exchangeOf(null, clock, gone);
    stream.notice("n");
    gone.hangUp();
    expect(stream.sent).toEqual(["n", "end"]);
  });

  test("is told when the program ends", async () => {
    const plain = exchangeOf();
    plain.shutDown();
    plain.shutDown();
    expect(await plain.out).toMatchObject({ status: 503 });
    const stream = exchangeOf();
    stream.openHead();
    stream.shutDown();
    expect(stream.sent).toHaveLength(2);
    expect(JSON.parse(stream.sent[0] ?? "")).toMatchObject({ id: 1, error: { data: { code: "SHUTTING_DOWN" } } });
  });
});

test("refusals carry the status of their fault, and answers of our own their type", () => {
  expect(refusalOut('"x"', fault("SESSION_UNKNOWN"))).toMatchObject({ status: 404, headers: { "content-type": "application/json" } });
  expect(jsonOut(200, "{}")).toEqual({ status: 200, headers: { "content-type": "application/json" }, body: "{}" });
});
