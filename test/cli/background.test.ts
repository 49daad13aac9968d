import { expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { systemClock } from "../../src/base/index.ts";
import { ensureServer } from "../../src/cli/background.ts";
import { claimSupervision, readSupervision, writeSupervision } from "../../src/cli/supervision.ts";
import { gone } from "../fixtures/alive.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { cleanEnv, programArgv } from "../fixtures/program.ts";

const options = (folder: Folder, more: object = {}) => ({
  stateDir: folder.at("state"),
  selfArgv: programArgv(),
  flags: ["--config", folder.at("mcp.json")],
  env: cleanEnv({ HOME: folder.path, ONE_MCP_STDIO: "1", ONE_MCP_TOKEN: "not for children", ONE_MCP_URL: "nonsense", ONE_MCP_PRESET: "gone" }),
  clock: systemClock,
  msMax: 20_000,
  ...more,
});

/** Ends the server and with it its supervisor; both write into the folder to their last. */
async function ended(folder: Folder, pid: number): Promise<void> {
  const { supervisor } = await readSupervision(folder.at("state"));
  process.kill(pid, "SIGTERM");
  await gone(pid);
  if (supervisor !== null) await gone(supervisor);
}

test("starts a server that outlives its starter, once, with a private log", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
  const [first, second] = await Promise.all([ensureServer(options(folder)), ensureServer(options(folder))]);
  try {
    expect(second).toEqual(first);
    expect(await readdir(folder.at("state"))).not.toContain("serve.starting");
    expect((await fetch(new URL("/health", first.url))).status).toBe(200);
    expect((await stat(folder.at("state", "serve.log"))).mode & 0o777).toBe(0o600);
    expect(await ensureServer(options(folder, { selfArgv: ["/nowhere"] }))).toMatchObject({ version: first.version });
  } finally {
    await ended(folder, first.pid);
  }
});

test("starts one also when somebody who wanted to start one has ended before", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
  await mkdir(folder.at("state"), { mode: 0o700 });
  await writeFile(folder.at("state", "serve.starting"), String(Bun.spawnSync([process.execPath, "--version"]).pid), { mode: 0o600 });
  const { pid } = await ensureServer(options(folder));
  await ended(folder, pid);
});

test("waits for a server that fell and that its supervisor starts again, and puts no other in its way", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
  const first = await ensureServer(options(folder));
  const { supervisor } = await readSupervision(folder.at("state"));
  process.kill(first.pid, "SIGKILL");
  await gone(first.pid);
  const second = await ensureServer(options(folder, { selfArgv: ["/nowhere"] }));
  try {
    expect(second.pid).not.toBe(first.pid);
    expect(await readSupervision(folder.at("state"))).toMatchObject({ supervisor, worker: second.pid, restarts: 1 });
  } finally {
    await ended(folder, second.pid);
  }
});

test.skipIf(process.platform !== "linux")("a supervisor, and whoever waits for its server, take no time of a processor meanwhile", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '{ "port": 0 }');
  const first = await ensureServer(options(folder));
  const { supervisor } = await readSupervision(folder.at("state"));
  const pid = supervisor ?? 0;
  const [from, used] = [performance.now(), await cpuMs(pid)];
  process.kill(first.pid, "SIGKILL");
  await gone(first.pid);
  const waiting = Bun.spawn([...programArgv(), "serve", "--background", "--state-dir", folder.at("state")], { env: cleanEnv({ HOME: folder.path }), stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  try {
    expect(await waiting.exited).toBe(0);
    const passed = performance.now() - from;
    expect((await cpuMs(pid)) - used).toBeLessThan(passed / 2);
    expect(Number(waiting.resourceUsage()?.cpuTime.total) / 1000).toBeLessThan(passed / 2);
  } finally {
    const second = await ensureServer(options(folder));
    process.kill(second.pid, "SIGTERM");
    await gone(pid);
  }
});

/** Milliseconds of processors that a process has taken so far; the system counts in hundredths of a second. */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /su, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test("says that a supervisor has given up, and what to do then", async () => {
  await using folder = await createFolder();
  await chmod(folder.path, 0o700);
  const stateDir = folder.at("state");
  const claim = await claimSupervision({ stateDir, clock: systemClock });
  await writeSupervision(stateDir, { phase: "crash-loop", worker: null, restarts: 5, retryAt: null, lastExit: "it ended with 1", flags: [] });
  await expect(ensureServer(options(folder))).rejects.toMatchObject({ code: "SERVER_AWAY", message: expect.stringContaining("given up after 5 restarts: it ended with 1"), hint: expect.stringContaining("1mcp serve --restart") });
  await claim.release();
});

test("says why a server did not come up: it ended, or it took too long", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{");
  await expect(ensureServer(options(folder))).rejects.toMatchObject({ code: "CONFIG_INVALID", hint: `see ${folder.at("state", "serve.log")}` });
  expect(await readFile(folder.at("state", "serve.log"), "utf8")).toContain("mcp.json:1");
  const slow = [process.execPath, "-e", "process.stdin.resume(); setTimeout(() => process.exit(3), 400)"];
  await expect(ensureServer(options(folder, { selfArgv: slow, msMax: 1 }))).rejects.toThrow("it does not listen after 1 ms");
});
