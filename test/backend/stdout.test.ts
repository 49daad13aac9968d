import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultLimits, type Fault, sleep, systemClock } from "../../src/base/index.ts";
import { readStderr, readStdout } from "../../src/backend/stdout.ts";
import { StderrRing } from "../../src/backend/stderr.ts";
import type { StdioSpec } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { specOf } from "../fixtures/pool.ts";
import { openStdio } from "../fixtures/stdioLink.ts";

const program = join(import.meta.dir, "../fixtures/rudeChild.ts");
const childOf = (...flags: string[]): StdioSpec => specOf("rude", { command: process.execPath, args: [program, ...flags] });
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then((value) => Promise.reject(new Error(`answered ${String(value)}`)), (thrown: Fault) => thrown);
const mebibyte = 1024 * 1024;

describe("what a child answers badly", () => {
  const cases: readonly (readonly [method: string, params: string, words: string])[] = [
    ["huge", `{"bytes":${2 * mebibyte}}`, "a message of more than 1048576 bytes (limits.messageBytesMax)"],
    ["hugeIdLast", `{"bytes":${2 * mebibyte}}`, "a message of more than 1048576 bytes (limits.messageBytesMax)"],
    ["half", "{}", "unexpected end"],
    ["notText", "{}", "its answer is not UTF-8"],
    ["nul", "{}", "control character"],
    ["idAsText", "{}", "which is text, instead of"],
    ["idAsFraction", "{}", "the id is neither a string nor an integer"],
  ];
  test.each(cases)("fails the call concerned at once, in words that name the server: %s", async (method, params, words) => {
    await using child = await openStdio(childOf(), { messageBytesMax: mebibyte });
    const other = child.ask("silent", "{}", 25_000).catch(() => "ended with the link");
    const fault = await failure(child.ask(method, params));
    expect(fault.code).toBe("BACKEND_GARBLED");
    expect(fault.message).toStartWith("rude: ");
    expect(fault.message).toContain(words);
    // Whoever else waits goes on waiting, and the child is still of use.
    expect(child.link.inFlight).toBe(1);
    expect(await child.ask("echo", '{"a":1}')).toBe('{"a":1}');
    await child.link.close();
    expect(await other).toBe("ended with the link");
  });

  test("a line of a hundred million bytes is no more than the bound at any time", async () => {
    await using child = await openStdio(childOf(), { messageBytesMax: 4 * mebibyte });
    expect((await failure(child.ask("huge", '{"bytes":100000000}'))).message).toContain("a message of more than 4194304 bytes");
    expect(await child.ask("echo", '{"a":1}')).toBe('{"a":1}');
  }, 20_000);

  test("answers twice, to nobody, and under ids that nobody gave change nothing", async () => {
    await using child = await openStdio(childOf());
    expect(await child.ask("twice")).toBe('{"first":true}');
    expect(await child.ask("stranger")).toBe("{}");
    expect(await child.ask("binary")).toBe("{}");
    expect(child.link.inFlight).toBe(0);
  });

  test("a broken request of its own is not taken for an answer to ours of the same id", async () => {
    await using child = await openStdio(childOf());
    const waiting = child.ask("silent", "{}", 25_000).catch((thrown: Fault) => thrown.code);
    expect(await child.ask("ownRequestBroken", '{"count":1}')).toBe("{}");
    expect(child.link.inFlight).toBe(1);
    await child.link.close();
    expect(await waiting).toBe("BACKEND_GONE");
  });

  test("a line that never ends costs its own call alone, at its deadline, and what comes behind it is read", async () => {
    await using child = await openStdio(childOf(), { messageBytesMax: mebibyte });
    expect((await failure(child.ask("endless", `{"bytes":${8 * mebibyte}}`, 300))).code).toBe("BACKEND_TIMEOUT");
    expect(await child.ask("endLine")).toBe("{}");
  });
});

/** Processor time of a process so far, in milliseconds. */
const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

describe.if(process.platform === "linux")("a child that floods", () => {
  test.each(["stdout", "stderr", "notifications", "blank"])("%s is held up by its pipe: it and we have next to nothing to do, and its answers come", async (stream) => {
    await using child = await openStdio(childOf(`--rubbish=${stream}`));
    const pid = child.link.pid ?? 0;
    const answered = async (): Promise<void> => {
      for (let n = 0; n < 4; n++) expect(await child.ask("echo", `{"n":${n}}`)).toBe(`{"n":${n}}`);
    };
    // Until its allowance is used up it may run freely.
    await Promise.all([answered(), sleep(systemClock, 500)]);
    const [own, before, from] = [process.cpuUsage(), cpuMs(pid), performance.now()];
    await Promise.all([answered(), sleep(systemClock, 1000)]);
    const wallMs = performance.now() - from;
    const { user, system } = process.cpuUsage(own);
    expect((user + system) / 1000 / wallMs).toBeLessThan(0.35);
    expect((cpuMs(pid) - before) / wallMs).toBeLessThan(0.35);
  }, 15_000);
});

/** A stream whose reader can be looked at: how many bytes were asked for. */
function sourceOf(chunk: Uint8Array) {
  const source = { taken: 0, read: () => ({ value: chunk }) };
  return {
    source,
    reader: {
      async read() {
        source.taken += chunk.length;
        return source.read();
      },
    },
  };
}

describe("by the clock", () => {
  const limits = { ...defaultLimits, noiseBytesMax: 100_000, noiseWindowMs: 1000 };
  const quiet = { heard: () => undefined, message: () => false, misfit: () => undefined };

  test("no more is taken of a stream of noise than its allowance, counted in bytes", async () => {
    const clock = createTestClock();
    const { source, reader } = sourceOf(new TextEncoder().encode(`${"x".repeat(951)}\n`));
    void readStdout(reader, { clock, limits }, quiet);
    await clock.advance(0);
    expect(source.taken).toBeLessThanOrEqual(102_000);
    await clock.advance(10_000);
    expect(source.taken).toBeLessThanOrEqual(1_110_000);
    expect(source.taken).toBeGreaterThan(900_000);
  });

  test("answers are read as fast as they come", async () => {
    const clock = createTestClock();
    const answer = new TextEncoder().encode(`{"jsonrpc":"2.0","id":1,"result":{"text":"${"x".repeat(1000)}"}}\n`);
    const { source, reader } = sourceOf(answer);
    let answers = 0;
    void readStdout(
      {
        read: async () => (answers < 5000 ? await reader.read() : { value: undefined }),
      },
      { clock, limits },
      { ...quiet, message: () => (answers += 1) > 0 },
    );
    await clock.settle();
    while (answers < 5000) await clock.settle();
    expect(source.taken).toBe(answer.length * 5000);
  });

  test("stderr has an allowance of its own", async () => {
    const clock = createTestClock();
    const { source, reader } = sourceOf(new Uint8Array(1000).fill(120));
    void readStderr(reader, new StderrRing(1000, { scrub: (text) => text, add: () => undefined }, () => undefined), { clock, limits });
    await clock.advance(0);
    await clock.advance(2000);
    expect(source.taken).toBeLessThanOrEqual(305_000);
  });
});
