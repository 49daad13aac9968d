import { expect, test } from "bun:test";
import { type Sink, StdinWriter } from "../../src/backend/stdin.ts";

/** A sink whose reader takes nothing until it is told to. */
function createSink() {
  const written: string[] = [];
  let blocked: PromiseWithResolvers<number> | null = null;
  let broken = false;
  const sink: Sink = {
    write(text) {
      if (broken) throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
      written.push(text);
      return blocked?.promise ?? text.length;
    },
    flush: () => blocked?.promise ?? 0,
    end: () => (broken ? Promise.reject(Object.assign(new Error("broken pipe"), { code: "EPIPE" })) : 0),
  };
  return {
    sink,
    written,
    block: () => void (blocked = Promise.withResolvers()),
    release: () => {
      blocked?.resolve(1);
      blocked = null;
    },
    breakNow: () => {
      blocked?.reject(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
      broken = true;
    },
  };
}
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("what is written within one turn leaves in one piece", async () => {
  const { sink, written } = createSink();
  const writer = new StdinWriter(sink, 100, () => undefined);
  writer.write("a", 1);
  writer.write("b", 2);
  expect(writer.left(1)).toBe(false);
  await turn();
  writer.write("c", 3);
  expect([writer.left(2), writer.left(3)]).toEqual([true, false]);
  await turn();
  expect(written).toEqual(["a\nb\n", "c\n"]);
});

test("a line that is alone leaves when its task is over, others are waited for until the turn is", async () => {
  const { sink, written } = createSink();
  const writer = new StdinWriter(sink, 100, () => undefined);
  writer.write("alone", 1, true);
  await Promise.resolve();
  expect(written).toEqual(["alone\n"]);
  writer.write("first", 2);
  await Promise.resolve();
  writer.write("second", 3);
  await turn();
  expect(written).toEqual(["alone\n", "first\nsecond\n"]);
});

test("behind a full pipe lines wait in order up to the bound, further ones are refused", async () => {
  const { sink, written, block, release } = createSink();
  const writer = new StdinWriter(sink, 10, () => undefined);
  block();
  expect(writer.write("a line beyond the bound", 1)).toBe(true);
  await turn();
  expect(writer.write("x", 2)).toBe(false);
  release();
  await turn();
  expect(writer.write("12345", 3)).toBe(true);
  expect(writer.write("123456", 4)).toBe(false);
  await turn();
  expect(written).toEqual(["a line beyond the bound\n", "12345\n"]);
});

test("a pipe that breaks, at once or while it was full, is told once, and nothing is written any more", async () => {
  for (const early of [true, false]) {
    const { sink, block, breakNow } = createSink();
    let told = 0;
    const writer = new StdinWriter(sink, 100, () => (told += 1));
    if (early) breakNow();
    else block();
    writer.write("a", 1);
    await turn();
    breakNow();
    await turn();
    expect(writer.write("b", 2)).toBe(false);
    expect(writer.closed).toBe(true);
    expect(told).toBe(1);
    writer.end();
  }
});

test("ending lets what is queued leave first, and a broken pipe at the end disturbs nobody", async () => {
  const { sink, written, breakNow } = createSink();
  const writer = new StdinWriter(sink, 100, () => undefined);
  writer.write("last", 1);
  writer.end();
  writer.end();
  expect(written).toEqual(["last\n"]);
  const other = createSink();
  const second = new StdinWriter(other.sink, 100, () => undefined);
  breakNow();
  other.breakNow();
  second.end();
  await turn();
});
