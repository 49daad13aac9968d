import { describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { fixedBounds, systemClock } from "../../src/base/index.ts";
import { supervisedVariable, Supervisor, type Worker } from "../../src/cli/supervise.ts";
import { readSupervision, type Supervision } from "../../src/cli/supervision.ts";
import { readPresence } from "../../src/config/index.ts";
import { runHere, startHere } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";

/** A supervisor whose servers live as the test says. */
function supervised(cameUp: (life: number) => boolean = () => true) {
  const clock = createTestClock();
  const records: Supervision[] = [];
  const lives: { end(how: number | string): void; readonly signals: string[] }[] = [];
  const start = (): Worker => {
    const ended = Promise.withResolvers<number | string>();
    const signals: string[] = [];
    lives.push({ end: ended.resolve, signals });
    return { pid: lives.length, ended: ended.promise, kill: (signal) => void signals.push(signal) };
  };
  const supervisor = new Supervisor({ clock, limits: fixedBounds, flags: ["--port=1"], start, cameUp: ({ pid }) => Promise.resolve(cameUp(pid)), record: async (one) => void records.push(one) });
  const fall = async (how: number | string, waitMs: number): Promise<void> => {
    lives.at(-1)?.end(how);
    await clock.settle();
    await clock.advance(waitMs);
  };
  return { clock, records, lives, supervisor, fall, code: supervisor.run() };
}

describe("a supervisor", () => {
  test("starts its server again after waits that double, and gives up after the fifth, until it is stopped", async () => {
    const { clock, records, lives, supervisor, fall, code } = supervised();
    await clock.settle();
    for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000]) {
      await fall("SIGKILL", ms - 1);
      const before = lives.length;
      expect(records.at(-1)).toMatchObject({ phase: "restarting", worker: null, retryAt: clock.now() + 1, lastExit: "it was ended by SIGKILL", flags: ["--port=1"] });
      await clock.advance(1);
      expect([lives.length, records.at(-1)?.phase]).toEqual([before + 1, "running"]);
    }
    await fall(1, 60_000);
    expect([lives.length, records.at(-1)]).toEqual([6, { phase: "crash-loop", worker: null, restarts: 5, retryAt: null, lastExit: "it ended with 1", flags: ["--port=1"] }]);
    supervisor.stop();
    expect(await code).toBe(0);
  });

  test("forgets falls of a server that then ran for long", async () => {
    const { clock, records, fall, supervisor, lives, code } = supervised();
    await clock.settle();
    await fall(1, 1_000);
    await fall(1, 2_000);
    await clock.advance(fixedBounds.superviseStableMs);
    await fall(1, 0);
    expect(records.at(-1)).toMatchObject({ phase: "restarting", restarts: 1, retryAt: clock.now() + 1_000 });
    supervisor.stop();
    expect([await code, lives.length]).toEqual([0, 3]);
  });

  test("ends with the code of a server that never came up, and with one that ended by itself", async () => {
    for (const [how, cameUp, expected] of [[78, false, 78], ["SIGKILL", false, 1], [0, true, 0]] as const) {
      const { clock, fall, code, lives } = supervised(() => cameUp);
      await clock.settle();
      await fall(how, 0);
      expect([await code, lives.length]).toEqual([expected, 1]);
    }
  });

  test("starts again also a server that did not come up after it had fallen", async () => {
    const { clock, fall, lives, supervisor, code } = supervised((life) => life === 1);
    await clock.settle();
    await fall(1, 1_000);
    await fall(78, 2_000);
    expect(lives.length).toBe(3);
    supervisor.stop();
    await fall(0, 0);
    expect(await code).toBe(0);
  });

  test("passes on what its server is to hear, and ends it when it is stopped", async () => {
    const { clock, lives, supervisor, fall, code } = supervised();
    await clock.settle();
    supervisor.reload();
    supervisor.stop();
    supervisor.stop();
    await fall("SIGTERM", 0);
    expect([lives[0]?.signals, await code]).toEqual([["SIGHUP", "SIGTERM", "SIGTERM"], 0]);
  });
});

test("the command starts a real server, has it reload, and ends it with itself", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
  await mkdir(folder.at("state"), { mode: 0o700 });
  const env = { HOME: folder.path, PATH: process.env["PATH"] ?? "", [supervisedVariable]: JSON.stringify([`--config=${folder.at("mcp.json")}`]) };
  const here = startHere(["supervise", "--state-dir", folder.at("state")], env);
  while ((await readPresence(folder.at("state"), systemClock)) === null) await new Promise((resolve) => setImmediate(resolve));
  const { supervisor, worker } = await readSupervision(folder.at("state"));
  expect([supervisor, worker === null]).toEqual([process.pid, false]);
  here.signals.emit("SIGHUP");
  here.signals.emit("SIGTERM");
  expect([await here.code, here.signals.eventNames(), (await readSupervision(folder.at("state"))).supervisor]).toEqual([0, [], null]);
  await writeFile(folder.at("mcp.json"), "{");
  expect(await startHere(["supervise", "--state-dir", folder.at("state")], env).code).toBe(78);
}, 30_000);

test("nobody becomes a supervisor by accident", async () => expect(await runHere(["supervise"])).toMatchObject({ code: 2 }));
