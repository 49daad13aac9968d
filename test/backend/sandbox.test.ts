import { describe, expect, test } from "bun:test";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { loadConfiner } from "../../src/base/index.ts";
import { launcherOf, shortfall, supportOf, temporaryOf } from "../../src/backend/sandbox.ts";
import type { StdioSpec } from "../../src/config/index.ts";
import { createFolder } from "../fixtures/folder.ts";
import { specOf } from "../fixtures/pool.ts";
import { programArgv } from "../fixtures/program.ts";

type Sandbox = StdioSpec["sandbox"];
const bounds: Sandbox["bounds"] = { memoryBytes: null, cpuSeconds: null, processes: null, openFiles: 65_536, fileBytes: 2 ** 36 };
const sandboxOf = (more: Partial<Sandbox> = {}): Sandbox => ({ level: "basic", required: true, read: [], write: [], bounds, ...more });
const whole = { landlock: 7, filters: true };
const isHidden = (await loadConfiner())?.landlock ?? 0;
const onLinux = test.skipIf(process.platform !== "linux");
const withLandlock = test.skipIf(isHidden === 0);

test("what a system cannot do is said to whom it matters", async () => {
  expect(await supportOf("strict", "darwin")).toBeNull();
  expect(shortfall(sandboxOf({ level: "off" }), null)).toBeNull();
  expect(shortfall(sandboxOf({ required: false }), null)).toBeNull();
  expect(shortfall(sandboxOf(), null)).toContain("cannot confine");
  expect(shortfall(sandboxOf({ required: false, bounds: { ...bounds, memoryBytes: 1 } }), null)).toContain("cannot confine");
  expect(shortfall(sandboxOf({ level: "fs" }), { landlock: 0, filters: true })).toContain("Landlock");
  for (const support of [{ landlock: 3, filters: true }, { landlock: 7, filters: false }]) expect(shortfall(sandboxOf({ level: "strict" }), support)).toContain("network");
  for (const level of ["basic", "fs", "strict"] as const) expect(shortfall(sandboxOf({ level }), whole)).toBeNull();
});

onLinux("what is asked for decides what is looked at", async () => {
  expect(await supportOf("basic")).toEqual({ landlock: 0, filters: false });
  expect((await supportOf("fs"))?.landlock).toBe(isHidden);
});

/** Runs a command under the launcher, as a link would start it. */
async function run(sandbox: Sandbox, argv: readonly string[], env: Record<string, string> = {}) {
  await using folder = await createFolder();
  await mkdir(folder.at("tmp"));
  const [command = "", ...args] = argv;
  const started = launcherOf({ spec: specOf("a", { command, sandbox }), args, cwd: folder.path, folder: folder.path, env: { PATH: process.env["PATH"] ?? "", HOME: folder.path, ...env }, selfArgv: programArgv() });
  const child = Bun.spawn([...started.argv], { cwd: started.cwd, env: started.env, stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout: stdout.replaceAll(folder.path, "HERE"), stderr, pid: child.pid };
}
const shell = (text: string): readonly string[] => ["sh", "-c", text];

describe("a confined program", () => {
  onLinux("is the same process, in its own folder, with its own variables and words, unharmed signals and no open files", async () => {
    const { code, stdout, stderr, pid } = await run(sandboxOf(), ["sh", "-c", 'echo $$ $0 "$1"; pwd; env | sort; grep -E "SigBlk|SigIgn|NoNewPrivs" /proc/self/status; ulimit -c; ls /proc/self/fd | tr "\\n" " "; exit 7', "name", "--version"], { ODD: "ü ", LD_BIND_NOW: "1", BUN_BE_BUN: "1" });
    const none = "0".repeat(16);
    expect(stdout.split("\n")).toEqual([`${pid} name --version`, "HERE", "BUN_BE_BUN=1", "HOME=HERE", "LD_BIND_NOW=1", "ODD=ü ", `PATH=${process.env["PATH"]}`, "PWD=HERE", `SigBlk:\t${none}`, `SigIgn:\t${none}`, "NoNewPrivs:\t1", "0", "0 1 2 3 "]);
    expect([code, stderr]).toEqual([7, ""]);
  });

  onLinux("waits where its reader is slower, as programs expect of their streams, and loses nothing", async () => {
    const { code, stdout, stderr } = await run(sandboxOf(), shell("grep -h flags: /proc/self/fdinfo/1 /proc/self/fdinfo/2 >&2; head -c 8388608 /dev/zero"));
    expect([code, stdout.length]).toEqual([0, 8_388_608]);
    // Read and write, and nothing else: O_NONBLOCK would be 04000.
    expect(stderr).toBe("flags:\t02\nflags:\t02\n");
  });

  onLinux("has its bounds, and never more than there was", async () => {
    const { stdout } = await run(sandboxOf({ bounds: { ...bounds, openFiles: 99, fileBytes: 512 * 1024, cpuSeconds: 77, processes: 5000 } }), ["sh", "-c", "ulimit -n; ulimit -f; ulimit -t"]);
    expect(stdout).toBe("99\n1024\n77\n");
  });

  withLandlock("sees the system's files and its own, and no others", async () => {
    await using other = await createFolder();
    await writeFile(other.at("secret"), "s3cret");
    const look = shell(`cat ${other.at("secret")}; echo x > ${other.at("new")}; cat /etc/hostname > copy && echo copied; echo $TMPDIR; echo y > $TMPDIR/f && cat $TMPDIR/f`);
    const hidden = await run(sandboxOf({ level: "fs" }), look);
    expect(hidden.stdout).toBe("copied\nHERE/tmp\ny\n");
    expect(hidden.stderr).toContain("Permission denied");
    expect(await Bun.file(other.at("new")).exists()).toBeFalse();
    const readable = await run(sandboxOf({ level: "fs", read: [other.path] }), look);
    expect(readable.stdout).toContain("s3cret");
    expect(await Bun.file(other.at("new")).exists()).toBeFalse();
    await run(sandboxOf({ level: "fs", write: [other.path] }), look);
    expect(await Bun.file(other.at("new")).text()).toBe("x\n");
  });

  withLandlock("in the strict way reaches no address, and makes no namespace", async () => {
    await using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("reached") });
    const ask = [process.execPath, "-e", `console.log(await fetch("${server.url.href}").then((r) => r.text(), (e) => e.code))`];
    expect((await run(sandboxOf({ level: "fs", read: [process.execPath] }), ask)).stdout).toBe("reached\n");
    expect((await run(sandboxOf({ level: "strict", read: [process.execPath] }), ask)).stdout).not.toContain("reached");
    expect((await run(sandboxOf({ level: "strict" }), ["unshare", "-U", "true"])).stderr).toContain("not permitted");
  });
});

describe("a program that cannot be started", () => {
  const codeFor = (spec: Partial<StdioSpec>, cwd: string, env = { PATH: "/usr/bin:/bin" }): unknown => {
    try {
      return launcherOf({ spec: specOf("a", { sandbox: sandboxOf(), ...spec }), args: [], cwd, folder: cwd, env, selfArgv: ["self"] }).argv;
    } catch (thrown) {
      return (thrown as { code?: unknown }).code;
    }
  };

  test("is told as the system would", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("text"), "");
    await chmod(folder.at("text"), 0o600);
    expect(codeFor({ command: "sh" }, folder.at("none"))).toBe("ENOENT");
    expect(codeFor({ command: "no-such-program" }, folder.path)).toBe("ENOENT");
    expect(codeFor({ command: "./none" }, folder.path)).toBe("ENOENT");
    for (const command of ["./text", folder.at("text")]) expect(codeFor({ command }, folder.path)).toBe("EACCES");
  });

  test("is found by its own PATH, or in its own folder; the word it was called by stays", async () => {
    await using folder = await createFolder();
    await mkdir(folder.at("bin"));
    await symlink("/bin/sh", folder.at("bin/mine"));
    expect(codeFor({ command: "mine" }, folder.path, { PATH: folder.at("bin") })).toEqual(["self", "launch", "mine"]);
    expect(codeFor({ command: "bin/mine" }, folder.path)).toEqual(["self", "launch", "bin/mine"]);
  });
});

test("where a program is installed may be read, unless that holds the home folder", async () => {
  await using folder = await createFolder();
  await mkdir(folder.at("tool/bin"), { recursive: true });
  await mkdir(folder.at("home"));
  for (const name of ["tool/bin/x", "x"]) await writeFile(folder.at(name), "#!/bin/sh\n", { mode: 0o700 });
  const filesFor = (command: string, home: string): string => {
    const { env } = launcherOf({ spec: specOf("a", { command, sandbox: sandboxOf({ level: "fs" }) }), args: [], cwd: folder.at("home"), folder: folder.at("home"), env: { HOME: home, PATH: "" }, selfArgv: [] });
    return env["ONE_MCP_LAUNCH"] ?? "";
  };
  expect(filesFor(folder.at("tool/bin/x"), folder.at("home"))).toContain(`["${folder.at("tool")}","read"]`);
  expect(filesFor(folder.at("tool/bin/x"), folder.at("tool/home"))).not.toContain(`["${folder.at("tool")}","read"]`);
  expect(filesFor(folder.at("x"), folder.at("home"))).not.toContain(`["${folder.path}","read"]`);
  expect(filesFor(folder.at("x"), "relative")).not.toContain(".npm");
  expect(temporaryOf("/a")).toBe("/a/tmp");
});
