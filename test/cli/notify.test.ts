import { describe, expect, test } from "bun:test";
import { healthLine, supervisorOf, watchdogMsOf } from "../../src/cli/notify.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { type Datagrams, receiveDatagrams } from "../fixtures/datagrams.ts";
import { createFolder } from "../fixtures/folder.ts";

type Supervised = Parameters<Awaited<ReturnType<typeof supervisorOf>>["began"]>[0];
type Status = ReturnType<Supervised["status"]>;

const statusOf = (states: Record<string, string>, config = "valid"): Status =>
  ({ config: { state: config }, backends: Object.entries(states).map(([name, state]) => ({ name, state })) }) as unknown as Status;

describe("the sign of life", () => {
  test("is due after half of the time, if it is us that are watched", () => {
    expect(watchdogMsOf({ WATCHDOG_USEC: "30000000" }, 7)).toBe(15_000);
    expect(watchdogMsOf({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 7)).toBe(15_000);
    expect(watchdogMsOf({ WATCHDOG_USEC: "1" }, 7)).toBe(1);
    expect(watchdogMsOf({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, 7)).toBeNull();
    for (const us of ["", "0", "-1", "1.5", "soon", "1".repeat(17)]) expect(watchdogMsOf({ WATCHDOG_USEC: us }, 7)).toBeNull();
    expect(watchdogMsOf({}, 7)).toBeNull();
  });
});

describe("the line on the servers", () => {
  test("counts what can be used, and names what cannot", () => {
    expect(healthLine(statusOf({}))).toBe("servers ready: 0/0");
    expect(healthLine(statusOf({ a: "ready", b: "idle", c: "disabled" }))).toBe("servers ready: 2/2");
    expect(healthLine(statusOf({ a: "ready", b: "backing-off", c: "degraded" }))).toBe("servers ready: 1/3; not ready: b (backing-off), c (degraded)");
    expect(healthLine(statusOf(Object.fromEntries([..."abcdefg"].map((name) => [name, "starting"]))))).toEndWith("e (starting), and 2 more");
  });

  test("is one line, whatever a server is called, and says that the file is not the one in use", () => {
    expect(healthLine(statusOf({ "a\nREADY=0": "starting" }, "rejected"))).toMatch(/^[^\n]*; the configuration on disk is not valid, the one before is in use$/);
  });
});

describe.skipIf(process.platform !== "linux")("a service manager", () => {
  async function stage(more: Record<string, string> = {}) {
    const folder = await createFolder();
    const path = folder.at("notify");
    const [datagrams, clock] = [await receiveDatagrams(path), createTestClock()];
    const warnings: string[] = [];
    const done = { answers: true, states: { a: "starting" } as Record<string, string>, asked: 0, closed: 0, reload: () => Promise.resolve("reloaded") as Promise<unknown> };
    const running = {
      answers: () => Promise.resolve((done.asked += 1) > 0 && done.answers),
      reload: () => done.reload(),
      status: () => statusOf(done.states),
      close: () => Promise.resolve(void (done.closed += 1)),
    } as unknown as Supervised;
    const supervisor = await supervisorOf({ env: { NOTIFY_SOCKET: path, ...more }, clock, warn: (line) => void warnings.push(line) });
    const end = async (): Promise<void> => {
      supervisor.close();
      await datagrams[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    };
    return { supervisor, running, datagrams, clock, done, warnings, [Symbol.asyncDispose]: end };
  }

  test("is told that we listen and how the servers are, once for each change", async () => {
    await using at = await stage();
    at.supervisor.began(at.running);
    expect(await at.datagrams.said("READY")).toBe(`READY=1\nMAINPID=${process.pid}\nSTATUS=servers ready: 0/1; not ready: a (starting)`);
    await at.clock.advance(5_000);
    at.done.states = { a: "ready" };
    await at.clock.advance(1_000);
    expect(await at.datagrams.said("1/1")).toBe("STATUS=servers ready: 1/1");
    expect(at.datagrams.all()).toHaveLength(2);
    expect(at.done.asked).toBe(0);
  });

  test("gets a sign of life while our door answers, and none with a word to us when it does not", async () => {
    await using at = await stage({ WATCHDOG_USEC: "10000000" });
    at.supervisor.began(at.running);
    await at.clock.advance(5_000);
    expect(await at.datagrams.said("WATCHDOG")).toBe("WATCHDOG=1");
    at.done.answers = false;
    await at.clock.advance(10_000);
    expect(at.warnings).toEqual(Array.from({ length: 2 }, () => "our own door did not answer within 5000 ms, so the service manager gets no sign of life"));
    at.done.answers = true;
    const before = at.datagrams.all().length;
    await at.clock.advance(5_000);
    await at.datagrams.said("WATCHDOG", before);
    expect(counted(at.datagrams, "WATCHDOG=1")).toBe(2);
  });

  test("hears of a reload when it begins and when it is over, also when it fails", async () => {
    await using at = await stage();
    const told = at.supervisor.began(at.running);
    expect(String(await told.reload())).toBe("reloaded");
    expect(await at.datagrams.said("RELOADING")).toMatch(/^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+$/);
    await at.datagrams.said("READY=1\nSTATUS=servers");
    at.done.reload = () => Promise.reject(new Error("no such file"));
    await expect(told.reload()).rejects.toThrow("no such file");
    await at.datagrams.said("READY=1\nSTATUS=servers", 4);
    expect(at.datagrams.all().map((text) => text.split("=")[0])).toEqual(["READY", "RELOADING", "READY", "RELOADING", "READY"]);
  });

  test("hears that we stop, and nothing after it", async () => {
    await using at = await stage({ WATCHDOG_USEC: "10000000" });
    const told = at.supervisor.began(at.running);
    await told.close();
    await at.datagrams.said("STOPPING=1");
    expect([at.done.closed, at.clock.pending]).toEqual([1, 0]);
    await told.reload();
    expect(counted(at.datagrams, "RELOADING")).toBe(0);
  });

  test("hears who takes over, and nothing of our end", async () => {
    await using at = await stage();
    const told = at.supervisor.began(at.running);
    at.supervisor.handedTo(4711);
    expect(await at.datagrams.said("4711")).toBe("MAINPID=4711\nREADY=1\nWATCHDOG=1");
    await told.close();
    expect([at.done.closed, counted(at.datagrams, "STOPPING")]).toEqual([1, 0]);
  });

  test("that is not there yet is told as soon as it is", async () => {
    await using folder = await createFolder();
    const clock = createTestClock();
    const supervisor = await supervisorOf({ env: { NOTIFY_SOCKET: folder.at("late") }, clock, warn: () => undefined });
    supervisor.began({ status: () => statusOf({ a: "ready" }) } as unknown as Supervised);
    await using datagrams = await receiveDatagrams(folder.at("late"));
    await clock.advance(1_000);
    expect(await datagrams.said("READY=1")).toEndWith("servers ready: 1/1");
    supervisor.close();
  });
});

test("without a service manager, and without a way to reach it, the proxy is itself alone", async () => {
  const warnings: string[] = [];
  const running = { close: () => Promise.resolve() } as unknown as Supervised;
  for (const env of [{}, { NOTIFY_SOCKET: "" }, { NOTIFY_SOCKET: "/run/notify" }]) {
    const supervisor = await supervisorOf({ env, clock: createTestClock(), warn: (line) => void warnings.push(line), load: () => Promise.resolve(null) });
    expect(supervisor.began(running)).toBe(running);
    supervisor.handedTo(1);
    supervisor.close();
  }
  expect(warnings).toEqual(["the service manager at /run/notify cannot be told how we are: this system's C library cannot be used"]);
});

const counted = (datagrams: Datagrams, text: string): number => datagrams.all().filter((one) => one.includes(text)).length;
