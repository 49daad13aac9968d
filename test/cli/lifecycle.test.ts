import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { defaultLimits, systemClock } from "../../src/base/index.ts";
import { claimSupervision, readSupervision, writeSupervision } from "../../src/cli/supervision.ts";
import { runHere, startHere } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";
import { claimState } from "../../src/config/index.ts";

/** The commands of one state folder, whose server is stopped in the end. */
function served(folder: Folder) {
  const flags = ["--state-dir", folder.at("state")];
  const env = { HOME: folder.path, PATH: process.env["PATH"] ?? "" };
  const serve = (...args: readonly string[]) => runHere(["serve", ...args, ...flags], env);
  const status = async () => JSON.parse((await serve("--status", "--json")).stdout) as { readonly state: string; readonly code: number; readonly pid: number; readonly supervisor: number; readonly restarts: number; readonly lastExit: string | null; readonly servers: object };
  const until = async (state: string, restarts = 0): Promise<void> => {
    for (let now = await status(); now.state !== state || now.restarts < restarts; now = await status()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { serve, status, until, [Symbol.asyncDispose]: async () => void (await serve("--stop")) };
}

describe("a server in the background", () => {
  test("is started, told of, started again when it falls, and ended; each may be said twice", async () => {
    await using folder = await createFolder();
    await using here = served(folder);
    await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
    expect(await here.serve("--status")).toMatchObject({ code: 3, stdout: "1mcp: not running; start it: 1mcp serve --background\n" });
    expect(await here.serve("--stop")).toMatchObject({ code: 0, stderr: "1mcp: nothing was running\n" });
    const begun = await here.serve("--background", "--config", folder.at("mcp.json"));
    expect(begun.code).toBe(0);
    for (const words of ["1mcp runs in the background as process ", "  url: http://127.0.0.1:", `  log: ${folder.at("state", "serve.log")}\n`, "Servers: 0/0 ready\n"]) expect(begun.stderr).toContain(words);
    expect(await here.serve("--background")).toMatchObject({ code: 0, stderr: expect.stringContaining("it runs already") });
    const before = await here.status();
    expect(before).toMatchObject({ state: "ready", code: 0, servers: { servers: 0, all: 0 } });
    process.kill(before.pid, "SIGKILL");
    await here.until("ready", 1);
    const after = await here.status();
    expect([after.pid === before.pid, after.supervisor, after.restarts, after.lastExit]).toEqual([false, before.supervisor, 1, "it was ended by SIGKILL"]);
    expect(await here.serve("--stop")).toMatchObject({ code: 0, stderr: `1mcp: process ${after.pid} has ended\n` });
    expect(await here.serve("--status")).toMatchObject({ code: 3 });
  }, 30_000);

  test("may be ended by several at once: each is told that it has ended", async () => {
    await using folder = await createFolder();
    await using here = served(folder);
    await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
    expect(await here.serve("--background", "--config", folder.at("mcp.json"))).toMatchObject({ code: 0 });
    const { pid } = await here.status();
    const all = await Promise.all(Array.from({ length: 8 }, () => here.serve("--stop")));
    for (const { code, stderr } of all) expect([code, stderr]).toEqual([0, `1mcp: process ${pid} has ended\n`]);
  }, 30_000);

  test("is an orphan when its supervisor is killed, and a restart mends that with the same flags", async () => {
    await using folder = await createFolder();
    await using here = served(folder);
    await writeFile(folder.at("mcp.json"), JSON.stringify({ port: 0, mcpServers: { demo: { command: process.execPath, args: [`${import.meta.dir}/../../src/main.ts`, "demo"] } } }));
    expect(await here.serve("--restart", "--config", folder.at("mcp.json"))).toMatchObject({ code: 0 });
    process.kill((await here.status()).supervisor, "SIGKILL");
    await here.until("orphaned");
    expect(await here.serve("--status")).toMatchObject({ code: 7, stdout: expect.stringContaining("1mcp serve --restart mends it") });
    expect(await here.serve("--background")).toMatchObject({ code: 0, stderr: expect.stringContaining("nobody starts it again when it falls, since its supervisor is gone; 1mcp serve --restart mends that\n") });
    expect(await here.serve("--restart")).toMatchObject({ code: 0 });
    expect((await readSupervision(folder.at("state"))).flags).toEqual([`--config=${folder.at("mcp.json")}`]);
    expect(await here.status()).toMatchObject({ state: "ready" });
  }, 30_000);

  test("that does not come up is told of with its last words, and its own exit code", async () => {
    await using folder = await createFolder();
    await using here = served(folder);
    await writeFile(folder.at("mcp.json"), "{");
    const failed = await here.serve("--background", "--config", folder.at("mcp.json"));
    expect(failed.code).toBe(78);
    expect(failed.stderr).toContain(`  | ${folder.at("mcp.json")}:1`);
    await writeFile(folder.at("mcp.json"), '{ "prot": 1 }');
    const again = await here.serve("--background", "--config", folder.at("mcp.json"));
    // Its own words, and no other's from before.
    expect(again.stderr).toStartWith(`  | ${folder.at("mcp.json")}:1:3: “prot” is not a known key`);
    await chmod(folder.at("state"), 0o755);
    expect((await here.serve("--background", "--config", folder.at("mcp.json"))).stderr).toStartWith("1mcp: the state folder can be read or written by others");
    await chmod(folder.at("state"), 0o700);
    expect(await here.serve("--status")).toMatchObject({ code: 3 });
    for (const flag of ["--stdio", "--graceful-restart"]) expect(await here.serve("--background", flag)).toMatchObject({ code: 2 });
  }, 30_000);
});

test("who waits longer than a second for the end of a server is told so, and one that does not end is killed", async () => {
  await using folder = await createFolder();
  await mkdir(folder.at("state"), { mode: 0o700 });
  const child = Bun.spawn([process.execPath, "-e", 'process.on("SIGTERM", () => console.log("no")); setInterval(() => 0, 1e6); console.log("here")'], { stdout: "pipe", stderr: "ignore" });
  const reader = child.stdout.getReader();
  await reader.read();
  await writeFile(folder.at("state", "owner.json"), JSON.stringify({ pid: child.pid, start: null, boot: "" }), { mode: 0o600 });
  const clock = createTestClock();
  const here = startHere(["serve", "--stop", "--state-dir", folder.at("state")], {}, { clock });
  // By then it waits.
  await reader.read();
  await clock.advance(2 * defaultLimits.shutdownMsMax + 100);
  // Not before it is gone does time go on: how long the system takes for that is nobody's affair.
  await child.exited;
  await clock.advance(100);
  expect(await here.code).toBe(0);
  expect(here.stderr.text()).toBe(`1mcp: process ${child.pid} is ending its servers\n1mcp: process ${child.pid} has ended\n`);
  expect([await child.exited, child.signalCode]).toEqual([137, "SIGKILL"]);
});

describe("the exit code", () => {
  test("tells a server that is not ready, one that is to be started again, and one that was given up", async () => {
    await using folder = await createFolder();
    await using here = served(folder);
    await chmod(folder.path, 0o700);
    const stateDir = folder.at("state");
    const claim = await claimSupervision({ stateDir, clock: systemClock });
    expect(await here.serve("--status")).toMatchObject({ code: 4, stdout: expect.stringContaining("process none") });
    await writeSupervision(stateDir, { phase: "restarting", worker: null, restarts: 1, retryAt: Date.now() + 90_000, lastExit: "it was ended by SIGKILL", flags: [] });
    expect(await here.serve("--status")).toMatchObject({ code: 5, stdout: expect.stringContaining("for the 1st time: it was ended by SIGKILL") });
    await writeSupervision(stateDir, { phase: "crash-loop", worker: null, restarts: 5, retryAt: null, lastExit: "it ended with 1", flags: [] });
    expect(await here.serve("--status")).toMatchObject({ code: 6, stdout: expect.stringContaining("given up after 5 restarts: it ended with 1") });
    expect(await here.serve("--background")).toMatchObject({ code: 1, stderr: expect.stringContaining("1mcp serve --restart") });
    await claim.release();
  });

  test("tells of a server in the foreground as of any other", async () => {
    await using server = await operated({ phase: "draining" });
    const claim = await claimState({ stateDir: server.stateDir, clock: systemClock, takeover: false });
    expect(await runHere(["serve", "--status", ...server.flags])).toMatchObject({ code: 4 });
    await claim.release();
  });
});
