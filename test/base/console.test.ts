import { expect, test } from "bun:test";
import { routeConsole, type Talking } from "../../src/base/console.ts";
import { createKnownSecrets, createLog, defaultLimits, Secret } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

function stage(linesMax: number = defaultLimits.consoleLinesMax) {
  const lines: string[] = [];
  const spoken: string[] = [];
  const clock = createTestClock();
  const secrets = createKnownSecrets();
  const say = (name: string) => (...args: unknown[]): void => void spoken.push(`${name} ${args.join(" ")}`);
  const names = ["log", "info", "debug", "warn", "error", "trace", "dir", "dirxml", "table", "group", "groupCollapsed", "count", "timeLog", "timeEnd", "write", "assert"];
  const talking: Talking = { console: Object.fromEntries(names.map((name) => [name, say(name)])), process: { emitWarning: say("emitWarning") } };
  const log = createLog({ level: "debug", write: (line) => lines.push(line), pretty: true, clock, secrets });
  const route = () => routeConsole({ log, clock, limits: { consoleLinesMax: linesMax }, talking });
  const call = (name: string, ...args: unknown[]): unknown => (talking.console[name] as (...args: unknown[]) => unknown)(...args);
  return { lines, spoken, clock, secrets, talking, names, log, route, call };
}

test("everything that is said on the console goes to the log, complaints as warnings, and nothing to the console", () => {
  const { lines, spoken, talking, names, route, call } = stage();
  route();
  for (const name of names) if (name !== "assert") call(name, "%s said", "a library");
  call("assert", true, "fine");
  call("assert", false, "not fine");
  talking.process.emitWarning(new Error("the runtime warns"));
  expect(spoken).toEqual([]);
  expect(lines.map((line) => line.slice(13)).filter((line) => line.startsWith("warn"))).toEqual([
    ...["warn", "error", "trace"].map(() => 'warn  said on the console said="a library said"'),
    'warn  said on the console said="assertion failed: not fine"',
    'warn  said on the console said="Error: the runtime warns"',
  ]);
  expect(lines).toHaveLength(names.length - 1 + 2);
});

test("secrets, control characters and length are seen to there", () => {
  const { lines, secrets, route, call } = stage();
  secrets.add("hunter2-hunter2");
  route();
  call("error", "with hunter2-hunter2 and\n\u001b[31m1mcp_abcdefghijklmnopqrstuvwxyz", { key: new Secret("inner-secret") }, "x".repeat(10_000));
  expect(lines.join("")).not.toMatch(/hunter2|abcdefghij|inner-secret|\u001b|\n/);
  expect(lines.join("").length).toBeLessThan(defaultLimits.logTextMax + 200);
});

test("what a library quotes of a peer is left out, a word excepted", () => {
  const { lines, route, call } = stage();
  route();
  call("warn", `OAuth ${JSON.stringify("invalid_grant")}. Cause: ${JSON.stringify('<b>words</b> of "somebody" else\n and all of them')}`);
  expect(lines[0]).toEndWith('said="OAuth \\"invalid_grant\\". Cause: \\"…\\""');
});

test("when it is over the console is as it was, whatever the order in which several end", () => {
  const { lines, spoken, talking, route, call } = stage();
  const before = talking.console["warn"];
  const [first, second] = [route(), route()];
  first();
  call("warn", "to the second");
  second();
  second();
  call("warn", "to nobody");
  talking.process.emitWarning("nor this");
  expect([lines.length, spoken]).toEqual([1, ["warn to nobody", "emitWarning nor this"]]);
  const third = route();
  third();
  call("warn", "again");
  expect([lines.length, spoken.at(-1), typeof before]).toEqual([1, "warn again", "function"]);
});

test("a log that is itself written to the console does not run in circles", () => {
  const { spoken, clock, talking, call } = stage();
  const log = createLog({ level: "debug", write: (line) => call("log", line), pretty: true, clock });
  routeConsole({ log, clock, limits: defaultLimits, talking });
  call("error", "once");
  expect(spoken.map((line) => line.replace(/^log \S+ /, ""))).toEqual(["warn  said on the console said=once"]);
});

test("of a flood limits.consoleLinesMax lines in a minute are kept", async () => {
  const { lines, clock, route, call } = stage(3);
  route();
  for (let n = 0; n < 10; n++) call("warn", n);
  expect([lines.length, lines.at(-1)?.includes("too much")]).toEqual([4, true]);
  await clock.advance(60_000);
  call("warn", "later");
  expect(lines).toHaveLength(5);
});

test("the console of this process is heard where none is named", () => {
  const lines: string[] = [];
  const log = createLog({ level: "debug", write: (line) => lines.push(line), pretty: true, clock: createTestClock() });
  const end = routeConsole({ log, clock: createTestClock(), limits: defaultLimits });
  try {
    console.warn("a word of a library");
    process.emitWarning("a word of the runtime");
  } finally {
    end();
  }
  expect(lines.map((line) => /said=.*/.exec(line)?.[0])).toEqual(['said="a word of a library"', 'said="a word of the runtime"']);
});
