import { describe, expect, test } from "bun:test";
import { ResourceListening } from "../../src/era/resourceListening.ts";
import { uriParams } from "../../src/era/topics.ts";
import { type Arrived, type Bench, benchOf, messageOf, textOf } from "../fixtures/wire.ts";

function startOn(transport: "stdio" | "http" = "http", subscribeMsMax = 10_000) {
  const updates: string[] = [];
  const bench = benchOf(transport, () => "silent", { updated: (uri, params) => updates.push(`${uri} ${textOf(params)}`) }, { subscribeMsMax });
  const listening = new ResourceListening(bench.south, "{}", (id, params) => ({ text: `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{${params}}}`, headers: {} }));
  const take = (text: string): boolean => {
    const message = messageOf(text);
    return message.kind === "notification" && listening.take(message);
  };
  return { bench, listening, updates, take };
}

const listens = (bench: Bench): readonly Arrived[] => bench.wire.arrived;
const asked = (arrived: Arrived | undefined): string[] => (JSON.parse(arrived === undefined ? "{}" : textOf(arrived.params)) as { notifications: { resourceSubscriptions: string[] } }).notifications.resourceSubscriptions;
const tag = (id: number): string => `"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}`;
const acknowledged = ({ id }: Arrived, uris: readonly string[]): string => `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"resourceSubscriptions":${JSON.stringify(uris)}},${tag(id)}}}`;
const updated = (uri: string, id: number): string => `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}",${tag(id)}}}`;

/** Lets the newest listen be acknowledged for all that it asks, or for these. */
async function acknowledge(bench: Bench, uris?: readonly string[]): Promise<Arrived> {
  await bench.clock.settle();
  const arrived = bench.wire.last("subscriptions/listen");
  arrived.push(acknowledged(arrived, uris ?? asked(arrived)));
  await bench.clock.settle();
  return arrived;
}

describe("a resource", () => {
  test("is subscribed to when the server acknowledges it, and only then", async () => {
    const { bench, listening } = startOn();
    const [known, unknown] = [listening.subscribe("a://1"), listening.subscribe("a://no")];
    await acknowledge(bench, ["a://1"]);
    await acknowledge(bench, ["a://1"]);
    expect(await Promise.all([known, unknown])).toEqual([true, false]);
  });

  test("that is added opens a new subscription for all, and the old one is closed only when that is acknowledged", async () => {
    const { bench, listening, updates } = startOn();
    const first = listening.subscribe("a://1");
    const before = await acknowledge(bench);
    expect([await first, asked(before)]).toEqual([true, ["a://1"]]);
    const second = listening.subscribe("a://2");
    await bench.clock.settle();
    expect(asked(listens(bench)[1])).toEqual(["a://1", "a://2"]);
    expect(bench.wire.abandoned).toEqual([]);
    before.push(updated("a://1", before.id));
    const after = await acknowledge(bench);
    expect(await second).toBe(true);
    expect(bench.wire.abandoned).toEqual([before.id]);
    before.push(updated("a://1", before.id));
    after.push(updated("a://2", after.id));
    expect(updates).toEqual(['a://1 {"uri":"a://1"}', 'a://2 {"uri":"a://2"}']);
  });

  test("wished for again is not asked for again, and many at once cost two subscriptions", async () => {
    const { bench, listening } = startOn();
    const all = Promise.all(["a://1", "a://2", "a://3", "a://4"].map((uri) => listening.subscribe(uri)));
    await acknowledge(bench);
    await acknowledge(bench);
    expect(await all).toEqual([true, true, true, true]);
    expect(await listening.subscribe("a://3")).toBe(true);
    expect(listens(bench).map(asked)).toEqual([["a://1"], ["a://1", "a://2", "a://3", "a://4"]]);
  });

  test("that nobody wants any more is left out of the next filter; the last one ends it", async () => {
    const { bench, listening } = startOn("stdio");
    const both = Promise.all([listening.subscribe("a://1"), listening.subscribe("a://2")]);
    await bench.clock.settle();
    bench.wire.onMessage = (message) => void (message.kind === "notification" && listening.take(message));
    for (let round = 0; round < 2; round += 1) {
      const arrived = bench.wire.last("subscriptions/listen");
      bench.wire.push(acknowledged(arrived, asked(arrived)));
      await bench.clock.settle();
    }
    expect(await both).toEqual([true, true]);
    const less = listening.unsubscribe("a://1");
    await bench.clock.settle();
    const arrived = bench.wire.last("subscriptions/listen");
    expect(asked(arrived)).toEqual(["a://2"]);
    bench.wire.push(acknowledged(arrived, ["a://2"]));
    await less;
    await listening.unsubscribe("a://2");
    await listening.unsubscribe("a://never");
    expect(bench.wire.abandoned).toEqual(listens(bench).map(({ id }) => id));
    expect(bench.wire.sent.map(({ text }) => JSON.parse(text).params.requestId)).toEqual(listens(bench).map(({ id }) => id));
  });

  test("is not subscribed to when the server is silent too long; a late acknowledgement counts for nothing", async () => {
    const { bench, listening } = startOn("http", 100);
    const wish = listening.subscribe("a://1");
    await bench.clock.advance(100);
    expect(await wish).toBe(false);
    const [arrived] = listens(bench);
    arrived?.push(acknowledged(arrived, ["a://1"]));
    await bench.clock.advance(60_000);
    expect(listens(bench)).toHaveLength(1);
    expect(bench.wire.abandoned).toHaveLength(1);
  });

  test("that is refused leaves the others as they were", async () => {
    const { bench, listening, updates } = startOn();
    const first = listening.subscribe("a://1");
    const kept = await acknowledge(bench);
    await first;
    const second = listening.subscribe("a://bad");
    await bench.clock.settle();
    bench.wire.answer(bench.wire.last("subscriptions/listen").id, { error: '{"code":-32602,"message":"bad"}' });
    expect(await second).toBe(false);
    kept.push(updated("a://1", kept.id));
    expect(updates).toHaveLength(1);
  });
});

describe("news of a resource", () => {
  test("goes on without the tag, with everything else", async () => {
    const { bench, listening, updates } = startOn();
    const first = listening.subscribe("a://1");
    const arrived = await acknowledge(bench);
    await first;
    arrived.push(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1","n":1.10,"_meta":{"x.example/y":2,"io.modelcontextprotocol/subscriptionId":${arrived.id}}}}`);
    arrived.push('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{}}');
    arrived.push('{"jsonrpc":"2.0","method":"notifications/other"}');
    expect(updates).toEqual(['a://1 {"uri":"a://1","n":1.10,"_meta":{"x.example/y":2}}']);
  });

  test("on a pipe counts with its own tag or none, not with that of a subscription that is over", async () => {
    const { bench, listening, updates, take } = startOn("stdio");
    const first = listening.subscribe("a://1");
    await bench.clock.settle();
    const arrived = bench.wire.last("subscriptions/listen");
    take(acknowledged(arrived, ["a://1"]));
    await first;
    expect(take(updated("a://1", arrived.id))).toBe(true);
    expect(take(updated("a://1", arrived.id + 7))).toBe(true);
    expect(take('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1"}}')).toBe(true);
    expect(take('{"jsonrpc":"2.0","method":"notifications/progress"}')).toBe(false);
    expect(updates).toHaveLength(2);
  });
});

describe("a subscription that broke", () => {
  test("is opened again with growing waits, and then every resource may have changed", async () => {
    const { bench, listening, updates } = startOn();
    const first = listening.subscribe("a://1");
    const arrived = await acknowledge(bench);
    await first;
    bench.wire.answer(arrived.id, { fault: "BACKEND_GONE" });
    await bench.clock.settle();
    await bench.clock.advance(250);
    expect(listens(bench)).toHaveLength(2);
    bench.wire.answer(bench.wire.last("subscriptions/listen").id, { status: 503 });
    await bench.clock.settle();
    await bench.clock.advance(500);
    expect(listens(bench)).toHaveLength(3);
    expect(updates).toEqual([]);
    await acknowledge(bench);
    expect(updates).toEqual(['a://1 {"uri":"a://1"}']);
    await listening.unsubscribe("a://1");
    await bench.clock.advance(60_000);
    expect(listens(bench)).toHaveLength(3);
  });

  test("on a pipe that is gone is left to whoever makes a new connection", async () => {
    const { bench, listening, take } = startOn("stdio");
    const first = listening.subscribe("a://1");
    await bench.clock.settle();
    const arrived = bench.wire.last("subscriptions/listen");
    take(acknowledged(arrived, ["a://1"]));
    await first;
    bench.wire.answer(arrived.id, { fault: "BACKEND_GONE" });
    await bench.clock.advance(60_000);
    expect(listens(bench)).toHaveLength(1);
  });

  test("is not opened again after the end, whenever that comes", async () => {
    const { bench, listening } = startOn();
    const first = listening.subscribe("a://1");
    const arrived = await acknowledge(bench);
    await first;
    bench.wire.answer(arrived.id, { fault: "BACKEND_GONE" });
    await bench.clock.settle();
    listening.close();
    await bench.clock.advance(60_000);
    expect(listens(bench)).toHaveLength(1);
    const other = startOn();
    const open = other.listening.subscribe("a://1");
    await other.bench.clock.settle();
    other.listening.close();
    expect(await open).toBe(false);
    expect(await other.listening.subscribe("a://2")).toBe(false);
    expect(other.bench.wire.abandoned).toHaveLength(1);
  });
});

test("our own guess names the resource alone", () => {
  expect(textOf(uriParams('a://"x"', startOn().bench.south))).toBe('{"uri":"a://\\"x\\""}');
});
