import { describe, expect, test } from "bun:test";
import { defaultLimits, type Limits, nullLog } from "../../src/base/index.ts";
import { type ByteSink, createStdioFront } from "../../src/front/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

/** A reader that takes nothing while it is blocked, and has gone when it is broken. */
function createSink() {
  const written: string[] = [];
  let blocked: PromiseWithResolvers<number> | null = null;
  let broken = false;
  const gone = () => Object.assign(new Error("broken pipe"), { code: "EPIPE" });
  const sink: ByteSink = {
    write(text) {
      if (broken) throw gone();
      written.push(text);
    },
    flush: () => blocked?.promise ?? 0,
  };
  return {
    sink,
    written,
    block: () => void (blocked = Promise.withResolvers()),
    release() {
      blocked?.resolve(1);
      blocked = null;
    },
    break() {
      broken = true;
      blocked?.reject(gone());
    },
  };
}

/** `isDue`: somebody waits for an answer when the input ends. */
function stage(limits: Partial<Limits> = {}, isDue = false) {
  const input = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => input.resolve(controller) }, { highWaterMark: 0 });
  const out = createSink();
  const received: string[] = [];
  let ended = 0;
  let answered: (() => void) | null = null;
  const clock = createTestClock();
  let send = (_line: string): void => undefined;
  const front = createStdioFront({
    input: stream,
    output: out.sink,
    open(sender) {
      send = sender;
      return {
        receive: (line) => void received.push(line),
        finish(done) {
          if (isDue) answered = done;
          else done();
        },
        end: () => void (ended += 1),
      };
    },
    clock,
    limits: { ...defaultLimits, ...limits },
    log: nullLog,
  });
  const feed = async (text: string | Uint8Array): Promise<void> => {
    (await input.promise).enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text);
    await turn();
  };
  return { front, out, received, clock, answered: () => answered?.(), feed, say: (line: string) => send(line), close: async () => (await input.promise).close(), error: async (why: Error) => (await input.promise).error(why), ended: () => ended };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("a client on pipes", () => {
  test("is heard line by line, wherever the bytes are cut, to the end of its input", async () => {
    const { front, received, feed, close, ended } = stage();
    await feed('{"a":"');
    await feed(new TextEncoder().encode("é").subarray(0, 1));
    await feed(new TextEncoder().encode("é").subarray(1));
    await feed('"}\r\n{"b":1}\n{"last":');
    await feed("true}");
    expect(received).toEqual(['{"a":"é"}', '{"b":1}']);
    await close();
    expect(await front.gone).toBe("its input has ended");
    expect([received.at(-1), ended()]).toEqual(['{"last":true}', 1]);
  });

  test("is answered what it asked before its input ended, as far as that is quick", async () => {
    for (const quick of [true, false]) {
      const { front, clock, answered, say, out, close, ended } = stage({}, true);
      await close();
      await turn();
      expect(ended()).toBe(0);
      say("answer");
      if (quick) answered();
      else await clock.advance(defaultLimits.lastAnswersMsMax);
      expect(await front.gone).toBe("its input has ended");
      await front.close();
      expect([ended() > 0, out.written, clock.pending]).toEqual([true, ["answer\n"], 0]);
    }
  });

  test("is not waited for when it does not read either", async () => {
    const { front, say, out, close } = stage({}, true);
    await close();
    await turn();
    out.break();
    say("answer");
    expect(await front.gone).toContain("nobody reads");
  });

  test("gets one line a message, and what is said in one turn at once", async () => {
    const { out, say } = stage();
    say("1");
    say("2");
    await turn();
    say("3");
    await turn();
    expect(out.written).toEqual(["1\n2\n", "3\n"]);
  });

  test("learns that a line was too long or no text, and is heard on", async () => {
    const { out, feed, received } = stage({ bodyBytesMax: 8 });
    await feed("123456789\n");
    await feed(new Uint8Array([0xff, 0x0a]));
    await feed("ok\n");
    expect(out.written.join("").trim().split("\n").map((line) => (JSON.parse(line) as { id: null; error: { data: { code: string } } })).map(({ id, error }) => [id, error.data.code])).toEqual([[null, "MESSAGE_TOO_LARGE"], [null, "MESSAGE_INVALID_JSON"]]);
    expect(received).toEqual(["ok"]);
  });

  test("that does not read is not read from, until it does", async () => {
    const { out, feed, received, say } = stage({ stdoutPauseBytesMax: 10 });
    out.block();
    say("123456789");
    await turn();
    await feed("a\n");
    await feed("b\n");
    expect(received).toEqual(["a"]);
    out.release();
    await turn();
    expect(received).toEqual(["a", "b"]);
  });

  test("that does not read for too long is given up", async () => {
    const { front, out, say, ended } = stage({ stdoutBytesMax: 10 });
    out.block();
    say("a line beyond the bound goes if it is the first");
    await turn();
    say("x");
    expect(await front.gone).toBe("it does not read its output");
    say("y");
    out.release();
    await turn();
    expect([out.written.length, ended()]).toEqual([1, 1]);
    await front.close();
  });

  test("has gone when nobody reads its output, at once or while it was slow", async () => {
    for (const slow of [true, false]) {
      const { front, out, say } = stage();
      if (slow) out.block();
      else out.break();
      say("1");
      await turn();
      if (slow) out.break();
      expect(await front.gone).toBe("nobody reads its output");
    }
  });

  test("has gone when its input breaks", async () => {
    const { front, error, ended } = stage();
    await error(new Error("EIO"));
    expect(await front.gone).toBe("its input broke (Error: EIO)");
    expect(ended()).toBe(1);
  });

  test("gets what was said before the end, and is not heard after it", async () => {
    const { front, out, say, received } = stage();
    out.block();
    say("1");
    await turn();
    say("2");
    const closing = front.close();
    expect(await Promise.race([closing.then(() => "closed"), turn().then(() => "waits")])).toBe("waits");
    out.release();
    await closing;
    expect([out.written, received]).toEqual([["1\n", "2\n"], []]);
    await front.close();
    expect(await front.gone).toBe("it was closed");
  });
});
