import { expect, test } from "bun:test";
import { isatty } from "node:tty";
import { createOutput, ownSignals, type Sink, standardOutput, standardPipes } from "../../src/cli/terminal.ts";

/** A sink whose reader reads when told to. */
function createSink() {
  const written: string[] = [];
  let reading: PromiseWithResolvers<void> | null = null;
  return {
    written,
    stall: () => void (reading ??= Promise.withResolvers<void>()),
    resume() {
      reading?.resolve();
      reading = null;
    },
    write: (text: string) => void written.push(text),
    flush: () => reading?.promise ?? 0,
  };
}

const no = () => Promise.resolve(false);

test("what is written is there when flushed", async () => {
  const sink = createSink();
  const output = createOutput(sink, no);
  output.write("a");
  output.write("b");
  await output.flush();
  expect(sink.written).toEqual(["a", "b"]);
});

test("flushing waits for a slow reader", async () => {
  const sink = createSink();
  const output = createOutput(sink, no);
  sink.stall();
  output.write("a");
  let flushed = false;
  const flushing = output.flush().then(() => (flushed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(flushed).toBeFalse();
  sink.resume();
  await flushing;
  expect(flushed).toBeTrue();
});

test("a reader that stalls costs a bounded amount of memory, and is told what it missed", async () => {
  const sink = createSink();
  const output = createOutput(sink, no);
  sink.stall();
  const line = `${"x".repeat(1023)}\n`;
  for (let count = 0; count < 2048; count += 1) output.write(line);
  expect(sink.written.length).toBe(1024);
  sink.resume();
  await output.flush();
  expect(sink.written.at(-1)).toBe("(1024 lines were left out: nobody read them)\n");
  output.write("again\n");
  await output.flush();
  expect(sink.written.at(-1)).toBe("again\n");
});

test("one text of any size goes through", async () => {
  const sink = createSink();
  const output = createOutput(sink, no);
  output.write("x".repeat(5_000_000));
  await output.flush();
  expect(sink.written[0]?.length).toBe(5_000_000);
});

const broken = (message: string, code?: string): readonly Sink[] => [
  { write: () => { throw Object.assign(new Error(message), { code }); }, flush: () => 0 },
  { write: () => 1, flush: () => Promise.reject(Object.assign(new Error(message), { code })) },
];

test("a broken pipe is no error, whether it throws or rejects", async () => {
  for (const sink of broken("broken pipe", "EPIPE")) {
    const output = createOutput(sink, no);
    output.write("a");
    expect(output.isHeard()).toBe(true);
    output.write("b");
    expect([await output.flush(), output.isHeard()]).toEqual([null, false]);
  }
});

test("what could not be written for another reason is told when it is flushed", async () => {
  for (const sink of broken("no space left", "ENOSPC")) {
    const output = createOutput(sink, no);
    output.write("a");
    expect([await output.flush(), output.isHeard()]).toEqual(["no space left", true]);
  }
});

test("the standard streams can be asked whether they are a terminal", async () => {
  expect(await standardOutput(2).isTerminal()).toBe(process.stderr.isTTY === true);
});

test("somebody types where the input is a terminal, and nobody else does", async () => {
  expect((await standardPipes().typist?.()) !== null).toBe(isatty(0));
});

test("a signal that comes when a command no longer listens does not end the process in the system's way: first not at all, then with the command's own code", async () => {
  const codes: number[] = [];
  const signals = ownSignals((code) => codes.push(code));
  const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
  const arrived = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    process.once("SIGUSR2", () => resolve());
    process.kill(process.pid, "SIGUSR2");
    await promise;
  };
  try {
    signals.on("SIGUSR2", hear);
    process.kill(process.pid, "SIGUSR2");
    await heard;
    signals.off("SIGUSR2", hear);
    expect(process.listenerCount("SIGUSR2")).toBe(1);
    await arrived();
    expect(codes).toEqual([]);
    signals.ending(3);
    await arrived();
    expect(codes).toEqual([3]);
  } finally {
    process.removeAllListeners("SIGUSR2");
  }
});
