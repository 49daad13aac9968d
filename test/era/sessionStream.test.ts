import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Kept } from "../../src/era/kept.ts";
import { Replay } from "../../src/era/replay.ts";
import { SessionStream } from "../../src/era/sessionStream.ts";
import { Streams } from "../../src/era/streams.ts";
import { createTestClock } from "../fixtures/clock.ts";

const streamOf = (more: object = {}) => {
  const limits = { ...defaultLimits, ...more };
  const clock = createTestClock();
  const replay = new Replay(limits, new Kept(clock, limits));
  const finished: string[] = [];
  const stream = new SessionStream("p1", replay, new Streams(clock, limits), (one) => void finished.push(one.name));
  return { stream, replay, finished };
};
const rest = async (reader: { next(): Promise<string | null> }) => {
  const chunks: string[] = [];
  for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) chunks.push(chunk);
  return chunks.join("");
};

describe("a stream of a session", () => {
  test("is read with ids, primed or not", async () => {
    const { stream, finished } = streamOf();
    stream.attach([], true);
    stream.send("a");
    const { reader } = stream.connection;
    stream.end();
    expect(await rest(reader.reader)).toMatch(/^id: p1_1\nretry: \d+\ndata: *\n\nid: p1_2\ndata: a\n\n$/);
    expect(finished).toEqual(["p1"]);
  });

  test("outlives its reader, and passes to the next, which ends the former", async () => {
    const { stream, replay } = streamOf();
    stream.attach([]);
    const first = stream.connection.reader;
    first.cut();
    expect(stream.attached).toBe(false);
    stream.send("unread");
    stream.attach(replay.after({ stream: "p1", number: 0 }));
    const second = stream.connection.reader;
    stream.attach([]);
    first.cut();
    expect(stream.attached).toBe(true);
    expect(await rest(second.reader)).toContain("data: unread");
  });

  test("loses a reader that is too slow, not what was sent", () => {
    const { stream, replay } = streamOf({ streamBytesMax: 10 });
    stream.attach([]);
    for (const text of ["aaaaaaaa", "bbbbbbbb"]) stream.send(text);
    expect(stream.attached).toBe(false);
    expect(replay.after({ stream: "p1", number: 0 }).map((event) => event.data)).toEqual(["aaaaaaaa", "bbbbbbbb"]);
  });
});
