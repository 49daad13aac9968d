import { describe, expect, test } from "bun:test";
import { CancelSource, fault } from "../../src/base/index.ts";
import { Flights } from "../../src/era/flights.ts";
import type { Beside, Notice, Notification } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { benchOf, messageOf } from "../fixtures/wire.ts";

const flightsOn = (rules: { tellCancel: boolean; anySuspect: boolean }) => {
  const bench = benchOf("stdio", () => "silent");
  return { bench, flights: new Flights(bench.south, { ...rules, headers: () => ({}), postpone: () => undefined }) };
};
const log = messageOf('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}') as Notification;
const silent = { tellCancel: false, anySuspect: false };

describe("calls in flight", () => {
  test("end a wait of their own when cancelled, and hear nothing after they ended", () => {
    const { bench, flights } = flightsOn(silent);
    const cancel = new CancelSource();
    const flight = flights.begin(callOf("tools/call", "{}", { cancel }), { timeoutMs: 60_000 });
    const stops: string[] = [];
    flight.stop = (reason) => stops.push(reason.code);
    flights.end(flight);
    cancel.cancel("x");
    expect([stops, bench.wire.abandoned]).toEqual([[], []]);
    const next = new CancelSource();
    flights.begin(callOf("tools/call", "{}", { cancel: next }), { timeoutMs: 60_000 }).stop = (reason) => stops.push(reason.code);
    next.cancel("x");
    expect(stops).toEqual(["CALL_CANCELLED"]);
    expect(bench.wire.sent).toEqual([]);
  });

  test("are told to the backend when they time out, only where closing a stream is not enough", () => {
    for (const tellCancel of [true, false]) {
      const { bench, flights } = flightsOn({ tellCancel, anySuspect: true });
      const flight = flights.begin(callOf("tools/call"), { timeoutMs: 60_000 });
      expect(flights.failed(flight, fault("BACKEND_TIMEOUT")).code).toBe("BACKEND_TIMEOUT");
      expect(flights.failed(flight, fault("BACKEND_GONE")).code).toBe("BACKEND_GONE");
      expect(bench.wire.sent).toHaveLength(tellCancel ? 1 : 0);
    }
  });

  test("that wait elsewhere end with the connection", () => {
    const { flights } = flightsOn(silent);
    const stops: string[] = [];
    flights.begin(callOf("tools/call"), { timeoutMs: 60_000 }).stop = (reason) => stops.push(reason.code);
    flights.begin(callOf("tools/call"), { timeoutMs: 60_000 });
    flights.close();
    expect(stops).toEqual(["BACKEND_GONE"]);
  });
});

describe("progress", () => {
  const progressOf = (token: number, value: number) => messageOf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${value}}}`) as Notification;
  const make = () => {
    const bench = benchOf("stdio", () => "silent");
    const postponed: number[] = [];
    const flights = new Flights(bench.south, { ...silent, headers: () => ({}), postpone: (_, ms) => void postponed.push(ms) });
    return { bench, flights, postponed };
  };

  test("puts the deadline off by as long again, up to a last one and never beyond", async () => {
    const { bench, flights, postponed } = make();
    const flight = flights.begin(callOf("tools/call", "{}", { progress: true }), { timeoutMs: 100, totalMs: 250 });
    for (const value of [1, 2, 3, 4]) {
      await bench.clock.advance(80);
      flights.notify(progressOf(flight.id, value), null);
    }
    expect(postponed).toEqual([100, 90, 10]);
  });

  test("that does not rise, was not asked for, or comes while a person is asked, puts off nothing", () => {
    const { flights, postponed } = make();
    const still = flights.begin(callOf("tools/call", "{}", { progress: true }), { timeoutMs: 100, totalMs: 250 });
    flights.notify(progressOf(still.id, 1), null);
    flights.notify(progressOf(still.id, 1), null);
    flights.notify(progressOf(flights.begin(callOf("tools/call"), { timeoutMs: 100, totalMs: 250 }).id, 1), null);
    flights.notify(progressOf(flights.begin(callOf("tools/call", "{}", { progress: true }), { timeoutMs: 100 }).id, 1), null);
    still.asked = 1;
    flights.notify(progressOf(still.id, 2), null);
    expect(postponed).toEqual([100]);
  });
});

describe("attribution of a log line", () => {
  const wanting = (method: string, notices: Notice[]) => callOf(method, "{}", { logLevel: "debug", notice: (notice) => notices.push(notice) });

  test("counts only what can ask for input on an older backend, whatever it declared", () => {
    const { bench, flights } = flightsOn({ tellCancel: true, anySuspect: true });
    const notices: Notice[] = [];
    flights.begin(wanting("tools/call", notices), { timeoutMs: 60_000 });
    flights.begin(wanting("completion/complete", notices), { timeoutMs: 60_000 });
    flights.notify(log, null);
    expect(notices).toHaveLength(1);
    flights.begin(callOf("prompts/get"), { timeoutMs: 60_000 });
    flights.notify(log, null);
    expect(notices).toHaveLength(1);
    expect(bench.logged).toEqual(['{"level":"info","data":1}']);
  });

  test("counts only who opted in on a modern one", () => {
    const { flights } = flightsOn(silent);
    const notices: Notice[] = [];
    flights.begin(wanting("completion/complete", notices), { timeoutMs: 60_000 });
    flights.begin(callOf("tools/call"), { timeoutMs: 60_000 });
    flights.notify(log, null);
    expect(notices).toHaveLength(1);
  });

  test("counts a call that was given up as well, also one of the same principal: the line can be its", async () => {
    for (const anySuspect of [true, false]) {
      const { bench, flights } = flightsOn({ tellCancel: true, anySuspect });
      const notices: Notice[] = [];
      const cancel = new CancelSource();
      const given = flights.begin(callOf("tools/call", "{}", { logLevel: "debug", cancel }), { timeoutMs: 60_000 });
      cancel.cancel("x");
      flights.end(given);
      flights.begin(wanting("tools/call", notices), { timeoutMs: 60_000 });
      flights.notify(log, null);
      expect([notices.length, bench.logged.length]).toEqual([0, 1]);
      await bench.clock.advance(bench.south.limits.lingerOwnMsMax);
      flights.notify(log, null);
      expect(notices).toHaveLength(1);
    }
  });

  test("a message without parameters, or of another kind and of no stream, is nobody's", () => {
    const { bench, flights } = flightsOn(silent);
    expect(flights.notify(messageOf('{"jsonrpc":"2.0","method":"notifications/message"}') as Notification, null)).toBe(true);
    expect(flights.notify(messageOf('{"jsonrpc":"2.0","method":"notifications/progress"}') as Notification, null)).toBe(true);
    expect(flights.notify(messageOf('{"jsonrpc":"2.0","method":"notifications/x"}') as Notification, null)).toBe(false);
    expect(bench.logged).toEqual([]);
  });
});

describe("what belongs to no call", () => {
  const custom = messageOf('{"jsonrpc":"2.0","method":"notifications/x/y","params":{"a":1}}') as Notification;
  const alone = (listens: boolean) => {
    const told: Notice[] = [];
    const beside: Beside = {
      ask: () => Promise.reject(fault("ASK_REFUSED")),
      onRoots: () => () => undefined,
      notice: (notice) => {
        told.push(notice);
        return listens;
      },
    };
    const bench = benchOf("stdio", () => "silent", { beside });
    return { bench, told, flights: new Flights(bench.south, { tellCancel: true, anySuspect: true, postpone: () => undefined, headers: () => ({}) }) };
  };

  test("is for the session whose alone the connection is, log lines and an extension's notices alike", () => {
    const { bench, told, flights } = alone(true);
    flights.notify(log, null);
    expect(flights.notify(custom, null)).toBe(true);
    expect(told.map((notice) => (notice.kind === "other" ? notice.method : notice.kind))).toEqual(["log", "notifications/x/y"]);
    flights.begin(callOf("tools/call", "{}", { logLevel: "debug" }), { timeoutMs: 60_000 });
    flights.begin(callOf("tools/call", "{}", { logLevel: "debug" }), { timeoutMs: 60_000 });
    flights.notify(log, null);
    expect([told.length, bench.logged]).toEqual([3, []]);
  });

  test("is in our own log where that session does not listen, and nobody's where it came on a stream of our own", () => {
    const deaf = alone(false);
    deaf.flights.notify(log, null);
    expect(deaf.flights.notify(custom, null)).toBe(false);
    expect([deaf.told.length, deaf.bench.logged.length]).toEqual([2, 1]);
    const { bench, told, flights } = alone(true);
    flights.notify(log, "ours");
    expect(flights.notify(custom, "ours")).toBe(false);
    expect([told.length, bench.logged.length]).toEqual([0, 1]);
  });

  test("is bounded for that session as well", () => {
    const { told, flights, bench } = alone(true);
    for (let i = 0; i <= bench.south.limits.logLinesMax; i += 1) flights.notify(log, null);
    expect(told).toHaveLength(bench.south.limits.logLinesMax);
  });

  test("is the only call's that runs, where it is an extension's notice of an older backend", () => {
    const { flights } = flightsOn({ tellCancel: true, anySuspect: true });
    const notices: Notice[] = [];
    const running = () => callOf("tools/call", "{}", { notice: (notice) => notices.push(notice) });
    expect(flights.notify(custom, null)).toBe(false);
    flights.begin(running(), { timeoutMs: 60_000 });
    expect(flights.notify(custom, null)).toBe(true);
    flights.begin(callOf("completion/complete"), { timeoutMs: 60_000 });
    expect(flights.notify(custom, null)).toBe(false);
    expect(notices.map((notice) => notice.kind === "other" && notice.method)).toEqual(["notifications/x/y"]);
  });
});

describe("of many log lines", () => {
  const line = (level: string) => messageOf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}"}}`) as Notification;

  test("those that matter least are bounded for each caller, and all of them in our own log", () => {
    const bench = benchOf("stdio", () => "silent", {}, { logLinesMax: 3 });
    const flights = new Flights(bench.south, { tellCancel: true, anySuspect: true, headers: () => ({}), postpone: () => undefined });
    const notices: Notice[] = [];
    const flight = flights.begin(callOf("tools/call", "{}", { logLevel: "debug", notice: (notice) => notices.push(notice) }), { timeoutMs: 60_000 });
    for (const level of ["debug", "notice", "info", "debug", "error", "warning"]) flights.notify(line(level), flight);
    expect(notices.map((notice) => notice.kind === "log" && notice.level)).toEqual(["debug", "notice", "info", "error", "warning"]);
    flights.end(flight);
    for (let i = 0; i < 5; i += 1) flights.notify(line("error"), null);
    expect(bench.logged).toHaveLength(3);
  });

  test("none goes to a caller while a stranger's call may still run there", async () => {
    const { bench, flights } = flightsOn({ tellCancel: true, anySuspect: true });
    const cancel = new CancelSource();
    const notices: Notice[] = [];
    const given = flights.begin(callOf("tools/call", "{}", { principal: { id: "stranger", scopes: null }, cancel }), { timeoutMs: 60_000 });
    const timedOut = flights.begin(callOf("tools/call", "{}", { principal: { id: "slow", scopes: null } }), { timeoutMs: 60_000 });
    flights.failed(timedOut, fault("BACKEND_TIMEOUT"));
    flights.end(timedOut);
    cancel.cancel("x");
    flights.end(given);
    flights.begin(callOf("tools/call", "{}", { logLevel: "debug", notice: (notice) => notices.push(notice) }), { timeoutMs: 60_000 });
    expect(flights.suspects(null).isOnePrincipal).toBe(false);
    flights.notify(line("info"), null);
    expect(notices).toHaveLength(0);
    await bench.clock.advance(bench.south.limits.lingerMsMax);
    flights.notify(line("info"), null);
    expect(notices).toHaveLength(1);
  });
});
