import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Kept } from "../../src/era/kept.ts";
import { Session } from "../../src/era/session.ts";
import { Streams } from "../../src/era/streams.ts";
import { createTestClock } from "../fixtures/clock.ts";

const sessionOf = (more: object = {}) => {
  const clock = createTestClock();
  const limits = { ...defaultLimits, ...more };
  const streams = new Streams(clock, limits);
  const session = new Session({ id: "s", principalId: "alice", server: null }, { clock, limits, streams, kept: new Kept(clock, limits) });
  return { session, streams, clock };
};
const callOf = () => {
  const reasons: string[] = [];
  return { reasons, abandon: (reason: string) => void reasons.push(reason) };
};

describe("a session", () => {
  test("knows its running calls by their ids, and keeps a later call of the same id apart", () => {
    const { session } = sessionOf({ pendingMax: 1 });
    const [first, second] = [callOf(), callOf()];
    expect(session.begin("1", first as never)).toBeNull();
    expect(session.begin("1", second as never)?.code).toBe("MESSAGE_INVALID");
    expect(session.begin('"1"', second as never)?.code).toBe("LIMIT_REACHED");
    session.cancel("1", "why");
    expect(session.begin("1", second as never)).toBeNull();
    session.finish("1", first as never);
    expect(session.quiet).toBe(false);
    session.finish("1", second as never);
    expect([first.reasons, second.reasons, session.quiet]).toEqual([["why"], [], true]);
  });

  test("watches once, as long as it lasts", () => {
    const { session } = sessionOf();
    const log: string[] = [];
    const watch = () => {
      log.push("on");
      return { subscribe: () => Promise.resolve("unknown" as const), unsubscribe: () => Promise.resolve(), follow: () => Promise.resolve("unknown" as const), unfollow: () => Promise.resolve(), end: () => void log.push("off") };
    };
    expect(session.watchOnce(watch)).not.toBeNull();
    expect(session.watchOnce(watch)).not.toBeNull();
    session.end("over");
    session.end("again");
    session.watchOnce(watch);
    expect(log).toEqual(["on", "off"]);
  });

  test("runs an ending at once when it is over", () => {
    const { session } = sessionOf();
    session.end("over");
    let ran = false;
    session.onEnd(() => {
      ran = true;
    });
    expect(ran).toBe(true);
  });

  test("tries a watch again that was refused", () => {
    const { session } = sessionOf();
    expect(() => session.watchOnce(() => { throw new Error("full"); })).toThrow("full");
    let watched = false;
    session.watchOnce(() => {
      watched = true;
      return { subscribe: () => Promise.resolve("unknown"), unsubscribe: () => Promise.resolve(), follow: () => Promise.resolve("unknown" as const), unfollow: () => Promise.resolve(), end: () => undefined };
    });
    expect(watched).toBe(true);
  });

  test("announces on its one pipe, on the newest stream that is read, or for the one who resumes; else to nobody", async () => {
    const { session, streams } = sessionOf();
    session.announce("lost");
    const stream = session.openStandalone();
    session.announce("read");
    expect(await stream.connection.reader.reader.next()).toContain("read");
    const pipe = streams.open({ gone: () => undefined, goodbye: () => undefined });
    session.pipe = pipe;
    session.announce("piped");
    expect(await pipe.reader.next()).toBe("piped");
    session.end("over");
    expect([await stream.connection.reader.reader.next(), await pipe.reader.next(), streams.size]).toEqual([null, null, 0]);
  });

  test("keeps nothing once it has ended", () => {
    const { session, clock } = sessionOf();
    session.openStandalone().send("news");
    session.end("over");
    expect([session.resume("g1_1"), clock.pending]).toEqual([null, 0]);
  });

  test("resumes only what it knows", () => {
    const { session } = sessionOf();
    expect(session.resume("p1_1")).toBeNull();
    expect(session.resume("nonsense")).toBeNull();
    const stream = session.openStandalone();
    expect(session.resume(`${stream.name}_1`)).toBe(stream);
  });
});
