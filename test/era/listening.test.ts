import { describe, expect, test } from "bun:test";
import { Listening } from "../../src/era/listening.ts";
import { type Bench, benchOf, messageOf, type Said, type Script } from "../fixtures/wire.ts";

const startOn = (transport: "stdio" | "http", script: Script = () => "silent"): { bench: Bench; listening: Listening } => {
  const bench = benchOf(transport, script);
  const listening = new Listening(bench.south, ["tools", "resources"], (id, params) => ({ text: `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{${params}}}`, headers: {} }));
  listening.start();
  return { bench, listening };
};
const count = (bench: Bench): number => bench.wire.arrived.length;
const acknowledged = (filter: string): string => `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":${filter}}}`;
const take = (listening: Listening, text: string): boolean => {
  const message = messageOf(text);
  return message.kind === "notification" && listening.take(message);
};

describe("a subscription", () => {
  test("asks for the kinds that are announced, and is open for those that are honoured", async () => {
    const { bench, listening } = startOn("http");
    expect(bench.wire.last("subscriptions/listen").text).toContain('"notifications":{"toolsListChanged":true,"resourcesListChanged":true}');
    expect(listening.open).toBe(false);
    bench.wire.last("subscriptions/listen").push(acknowledged('{"toolsListChanged":true,"resourcesListChanged":false}'));
    expect(listening.open).toBe(true);
    bench.wire.last("subscriptions/listen").push('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    expect(bench.changed).toEqual(["tools"]);
    listening.close();
    expect(bench.wire.abandoned).toHaveLength(1);
    expect(bench.wire.sent).toEqual([]);
  });

  test("that broke is opened again with growing waits, and then every honoured list may have changed", async () => {
    const { bench, listening } = startOn("http");
    take(listening, acknowledged('{"toolsListChanged":true}'));
    const id = (): number => bench.wire.last("subscriptions/listen").id;
    bench.wire.answer(id(), { fault: "BACKEND_GONE" });
    await bench.clock.settle();
    expect(listening.open).toBe(false);
    await bench.clock.advance(250);
    expect(count(bench)).toBe(2);
    bench.wire.answer(id(), { result: "{}" });
    await bench.clock.advance(249);
    expect(count(bench)).toBe(2);
    await bench.clock.advance(251);
    expect(count(bench)).toBe(3);
    expect(bench.changed).toEqual([]);
    take(listening, acknowledged('{"toolsListChanged":true}'));
    expect(bench.changed).toEqual(["tools"]);
  });

  test.each([
    ["http", { fault: "BACKEND_DOWN" }, 2],
    ["http", { status: 503 }, 2],
    ["http", { error: '{"code":-32603,"message":"later"}' }, 2],
    ["http", { error: '{"code":-32601,"message":"never"}' }, 1],
    ["stdio", { fault: "BACKEND_TIMEOUT" }, 2],
    ["stdio", { fault: "BACKEND_GONE" }, 1],
  ] as ["http" | "stdio", Said, number][])("on %s that ended with %p is asked for %d times", async (transport, said, times) => {
    const answers = [said];
    const { bench, listening } = startOn(transport, () => answers.shift() ?? "silent");
    await bench.clock.advance(250);
    expect(count(bench)).toBe(times);
    listening.close();
  });

  test("taken down by the server with a notification is opened again", async () => {
    const { bench, listening } = startOn("stdio");
    const { id } = bench.wire.last("subscriptions/listen");
    expect(take(listening, '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"other"}}')).toBe(false);
    expect(bench.wire.abandoned).toEqual([]);
    take(listening, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`);
    await bench.clock.advance(250);
    expect(count(bench)).toBe(2);
  });

  test("closed while it waits to be opened again leaves no timer, and is not opened", async () => {
    const { bench, listening } = startOn("http", () => ({ fault: "BACKEND_GONE" }));
    await bench.clock.settle();
    expect(bench.clock.pending).toBe(1);
    listening.close();
    expect(bench.clock.pending).toBe(0);
    await bench.clock.advance(60_000);
    expect(count(bench)).toBe(1);
  });

  test("closed by us is told on a pipe, and never opened again", async () => {
    const { bench, listening } = startOn("stdio");
    const { id } = bench.wire.last("subscriptions/listen");
    listening.close();
    listening.close();
    await bench.clock.advance(60_000);
    expect(bench.wire.sent.map((one) => one.text)).toEqual([`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`]);
    expect(count(bench)).toBe(1);
  });

  test("on a pipe that is gone is closed without trouble", async () => {
    const { bench, listening } = startOn("stdio");
    bench.wire.sendFails = true;
    listening.close();
    await bench.clock.settle();
    expect(bench.wire.abandoned).toHaveLength(1);
  });

  test("leaves other notifications alone", () => {
    const { listening } = startOn("stdio");
    expect(take(listening, '{"jsonrpc":"2.0","method":"notifications/progress"}')).toBe(false);
    take(listening, '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged"}');
    expect(listening.open).toBe(false);
  });

  test("is waited for, but not for ever; an acknowledgement after that means that something may have been missed", async () => {
    const prompt = startOn("http");
    const heard = prompt.listening.heard();
    take(prompt.listening, acknowledged('{"toolsListChanged":true}'));
    await heard;
    expect(prompt.bench.changed).toEqual([]);
    const late = startOn("http");
    const waited = late.listening.heard();
    await late.bench.clock.advance(1_000);
    await waited;
    take(late.listening, acknowledged('{"toolsListChanged":true}'));
    expect(late.bench.changed).toEqual(["tools"]);
  });
});
