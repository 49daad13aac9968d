import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Streams, streamOut } from "../../src/era/streams.ts";
import { createTestClock } from "../fixtures/clock.ts";

const worldOf = (limits: object = {}) => {
  const clock = createTestClock();
  const streams = new Streams(clock, { ...defaultLimits, heartbeatMs: 100, ...limits });
  const log: string[] = [];
  const open = () => streams.open({ gone: () => void log.push("gone"), goodbye: () => void log.push("goodbye") });
  return { clock, streams, log, open };
};

describe("open streams", () => {
  test("say something when they were silent, and only then", async () => {
    const { clock, open } = worldOf();
    const stream = open();
    await clock.advance(100);
    stream.send("a");
    await clock.advance(100);
    await clock.advance(100);
    expect([await stream.reader.next(), await stream.reader.next()]).toEqual(["a", expect.stringMatching(/^:.*\n\n$/)]);
  });

  test("leave no timer behind when the last has ended", async () => {
    const { clock, streams, open } = worldOf();
    const [one, other] = [open(), open()];
    one.end();
    expect([streams.size, clock.pending]).toEqual([1, 1]);
    other.end();
    expect([streams.size, clock.pending]).toEqual([0, 0]);
    open();
    expect(clock.pending).toBe(1);
  });

  test("count a reader as gone that leaves, or that is too slow", async () => {
    const { streams, log, open } = worldOf({ streamBytesMax: 5 });
    open().reader.cancel();
    expect([log, streams.size]).toEqual([["gone"], 0]);
    const slow = open();
    for (const text of ["aaaa", "bbbb"]) slow.send(text);
    expect(log).toEqual(["gone", "gone"]);
    slow.send("c");
    expect([await slow.reader.next(), await slow.reader.next()]).toEqual(["aaaa", null]);
  });

  test("say goodbye at the end, and none opens after it", async () => {
    const { clock, streams, log, open } = worldOf();
    const stream = open();
    streams.close();
    expect(log).toEqual(["goodbye"]);
    expect(await stream.reader.next()).toBeNull();
    expect(() => open()).toThrow("shutting down");
    expect(clock.pending).toBe(0);
  });

  test("carry headers that keep everybody in between from buffering", () => {
    const { open } = worldOf();
    expect(streamOut(open(), { x: "y" })).toMatchObject({ status: 200, headers: { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform", x: "y" } });
  });
});
