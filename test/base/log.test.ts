import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createKnownSecrets, createLog, defaultLimits, escapeControls, type Log, type LogLevelName, logLevelNames, nullLog, Secret } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

interface Recorded {
  readonly log: Log;
  readonly lines: string[];
}

function recorded(options: { readonly pretty?: boolean; readonly level?: LogLevelName; readonly known?: readonly string[]; readonly logTextMax?: number } = {}): Recorded {
  const lines: string[] = [];
  const secrets = createKnownSecrets();
  for (const value of options.known ?? []) secrets.add(value);
  const log = createLog({
    level: options.level ?? "debug",
    pretty: options.pretty ?? false,
    clock: createTestClock({ now: Date.UTC(2026, 4, 6, 7, 8, 9, 10) }),
    write: (line) => lines.push(line),
    secrets,
    ...(options.logTextMax === undefined ? {} : { limits: { logTextMax: options.logTextMax } }),
  });
  return { log, lines };
}

describe("a JSON log", () => {
  test("writes one object a line: time, level, message, then the fields", () => {
    const { log, lines } = recorded();
    log.info("ready", { backend: "files", tools: 3, first: true, reason: null, absent: undefined });
    expect(lines).toEqual([
      '{"time":"2026-05-06T07:08:09.010Z","level":"info","message":"ready","backend":"files","tools":3,"first":true,"reason":null}',
    ]);
  });

  test("does not let a field pass itself off as time, level or message", () => {
    const { log, lines } = recorded();
    log.warn("real", { time: "never", level: "debug", message: "forged" });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ time: "2026-05-06T07:08:09.010Z", level: "warn", message: "real" });
  });

  test("stays one valid JSON line whatever text it is given", () => {
    const { log, lines } = recorded();
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (message, value) => {
        lines.length = 0;
        log.error(message, { value });
        expect(lines).toHaveLength(1);
        expect(lines[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message, value });
      }),
    );
  });
});

describe("a pretty log", () => {
  test("writes words for a person, and quotes what would be read as two", () => {
    const { log, lines } = recorded({ pretty: true });
    log.warn("restarting", { backend: "files", reason: "exit code 3", empty: "", next: 250 });
    expect(lines).toEqual(['07:08:09.010 warn  restarting backend=files reason="exit code 3" empty="" next=250']);
  });

  test("lets no control character reach the terminal", () => {
    const { log, lines } = recorded({ pretty: true });
    log.info("\u001b[2J\nforged line", { name: "\u202egnp.exe\u0007" });
    expect(lines).toEqual(["07:08:09.010 info  \\u001b[2J\\u000aforged line name=\\u202egnp.exe\\u0007"]);
  });
});

describe.each([true, false])("any log (pretty %p)", (pretty) => {
  test.each(logLevelNames.map((level, index) => [level, index] as const))("at level %s writes that level and above", (level, index) => {
    const { log, lines } = recorded({ pretty, level });
    for (const each of logLevelNames) log[each](`a ${each} line`);
    expect(lines.map((line) => /a (\w+) line/.exec(line)?.[1] as LogLevelName)).toEqual(logLevelNames.slice(index));
  });

  test("adds the fields of the log it was made from", () => {
    const { log, lines } = recorded({ pretty });
    const inner = log.with({ backend: "files", call: 1 }).with({ call: 2 });
    inner.info("done");
    log.info("outer");
    expect(lines[0]).toMatch(/backend.{1,3}files/);
    expect(lines[0]).toMatch(/call.{1,2}2/);
    expect(lines[1]).not.toContain("files");
  });

  test("masks secrets by type, by value and by shape", () => {
    const { log, lines } = recorded({ pretty, known: ["known-secret"] });
    log.warn("echoed known-secret", { typed: new Secret("typed-secret"), text: "x known-secret y", header: `Bearer 1mcp_${"Z9".repeat(20)}` });
    expect(lines[0]).not.toMatch(/known-secret|typed-secret|Z9Z9/);
    expect(lines[0]?.match(/\[secret\]/g)).toHaveLength(4);
  });

  test("cuts long texts, and no secret survives the cut in part", () => {
    const secret = "0123456789".repeat(10);
    const { log, lines } = recorded({ pretty, known: [secret] });
    log.info("x".repeat(defaultLimits.logTextMax - 50) + secret + "y".repeat(1000));
    expect(lines[0]?.length).toBeLessThan(defaultLimits.logTextMax + 200);
    expect(lines[0]).not.toContain("0123456789");
  });

  test("cuts them where it was told to", () => {
    const { log, lines } = recorded({ pretty, logTextMax: 5 });
    log.info("1234567890", { why: "abcdefghij" });
    expect(lines[0]).toContain("12345…");
    expect(lines[0]).toContain("abcde…");
  });

  test("writes repeated lines as often as they come", () => {
    const { log, lines } = recorded({ pretty });
    for (let n = 0; n < 20; n += 1) log.info("again");
    expect(lines).toHaveLength(20);
  });
});

test("the null log takes everything and is its own child", () => {
  for (const level of logLevelNames) expect(nullLog[level]("x")).toBeUndefined();
  expect(nullLog.with({ a: 1 })).toBe(nullLog);
});

test("escaping leaves ordinary text of any script alone", () => {
  expect(escapeControls("naïve 日本語 🙂 \\n")).toBe("naïve 日本語 🙂 \\n");
});
