/** The configuration file changes in every way that editors, scripts and mounts have, with calls in flight. */
import { describe, expect, test } from "bun:test";
import { chmod, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, projectDir, runProgram, startProgram, temporaryDir } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const backend = (more: object = {}, ...flags: string[]): object => ({ command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts"), ...flags], ...more });
const deed = async (program: Program, name: string, args: object = {}): Promise<string> => {
  const sent = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":${JSON.stringify(args)}` });
  const message = sent.messages.at(-1) ?? "";
  return (JSON.parse(message) as { result?: { content: { text: string }[] } }).result?.content[0]?.text ?? message;
};
const inPlace = (program: Program): number => program.stderr().split("configuration in place").length - 1;
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void setImmediate(resolve));
}

describe("calls in flight", () => {
  test("end as they began through prefix, tags, times, disabling and removal; an unchanged command keeps its process", async () => {
    await using program = await startProgram({ config: { mcpServers: { kept: backend(), off: backend(), removed: backend(), changed: backend() } } });
    const names = ["kept", "off", "removed", "changed"];
    const pids = await Promise.all(names.map((name) => deed(program, `${name}__pid`)));
    const running = names.map((name) => deed(program, `${name}__after`, { ms: 1000 }));
    for (const name of names) await program.arrived(1, name);
    await program.writeConfig({ mcpServers: { kept: backend({ prefix: "renamed", tags: ["x"], requestTimeout: 30_000, connectionTimeout: 30_000 }), off: backend({ disabled: true }), changed: backend({ env: { A: "1" } }) } });
    await until(() => inPlace(program) === 2);
    expect(await deed(program, "renamed__pid")).toBe(pids[0] ?? "");
    expect(await deed(program, "changed__pid")).not.toBe(pids[3]);
    for (const gone of ["kept__pid", "off__pid", "removed__pid"]) expect(await deed(program, gone)).toContain("NAME_UNKNOWN");
    expect(await Promise.all(running)).toEqual(["ok", "ok", "ok", "ok"]);
  });
});

describe("a file", () => {
  test("that is written a hundred times in a second, at last with a new server, is put in place a few times", async () => {
    await using program = await startProgram({ config: { mcpServers: { kept: backend() } } });
    const pid = await deed(program, "kept__pid");
    for (let n = 1; n <= 100; n += 1) await program.writeConfig({ mcpServers: { kept: backend(), [`s${n}`]: backend() } });
    expect(await deed(program, "kept__pid")).toBe(pid);
    await until(async () => (await deed(program, "s100__ok")) === "ok");
    expect(inPlace(program)).toBeLessThanOrEqual(4);
    expect(await deed(program, "kept__pid")).toBe(pid);
  });

  test("that is empty, half written or gone changes nothing, and is taken when it is whole", async () => {
    await using program = await startProgram({ config: { mcpServers: { kept: backend() } } });
    const pid = await deed(program, "kept__pid");
    const whole = JSON.stringify({ mcpServers: { kept: backend(), added: backend() } });
    const refused = (): number => program.stderr().split("configuration refused").length - 1;
    for (const [count, spoil] of [() => program.writeConfig(""), () => program.writeConfig(whole.slice(0, 40)), () => unlink(program.configPath)].entries()) {
      await spoil();
      await until(() => refused() > count);
      expect(await deed(program, "kept__pid")).toBe(pid);
    }
    await program.writeConfig(whole);
    expect(await until(async () => (await deed(program, "added__ok")) === "ok").then(() => deed(program, "kept__pid"))).toBe(pid);
  });

  test("that is a link to another from now on is read there", async () => {
    await using program = await startProgram({ config: { mcpServers: { kept: backend() } } });
    const pid = await deed(program, "kept__pid");
    for (const name of ["one", "two"]) {
      const target = join(program.dir, `${name}.json`);
      await writeFile(target, JSON.stringify({ mcpServers: { kept: backend(), [name]: backend() } }));
      await symlink(target, join(program.dir, "next"));
      await rename(join(program.dir, "next"), program.configPath);
      await until(async () => (await deed(program, `${name}__ok`)) === "ok");
    }
    expect(await deed(program, "one__ok")).toContain("NAME_UNKNOWN");
    expect(await deed(program, "kept__pid")).toBe(pid);
  });
});

describe("a mounted volume, as Kubernetes has it", () => {
  test("is exchanged under the file, again and again, with calls in flight; a broken one changes nothing", async () => {
    await using at = await temporaryDir();
    const volume = join(at.path, "volume");
    // As the kubelet does it: a folder with a new name, one rename of the link to it, and the folder before is removed.
    let before: string | null = null;
    const mount = async (text: string): Promise<void> => {
      const name: string = `..2026_${Bun.hash(text)}`;
      await mkdir(join(volume, name), { recursive: true });
      await writeFile(join(volume, name, "mcp.json"), text);
      await symlink(name, join(volume, "..data_tmp"));
      await rename(join(volume, "..data_tmp"), join(volume, "..data"));
      if (before !== null) await rm(join(volume, before), { recursive: true });
      before = name;
    };
    const config = (...more: string[]): string => JSON.stringify({ mcpServers: Object.fromEntries(["kept", ...more].map((name) => [name, backend()])) });
    await mount(config("one"));
    await symlink(join("..data", "mcp.json"), join(volume, "mcp.json"));
    await using program = await startProgram({ dir: at.path, args: ["--config", join(volume, "mcp.json")] });
    // Both are up: a call that still waits for its server goes by the configuration of the moment.
    const [pid = ""] = await Promise.all(["kept__pid", "one__pid"].map((name) => deed(program, name)));
    const running = [deed(program, "kept__after", { ms: 1000 }), deed(program, "one__after", { ms: 1000 })];
    for (const name of ["kept", "one"]) await program.arrived(1, name);
    await mount(config("two"));
    await program.said('"added":"two","removed":"one","changed":"","kept":"kept"');
    await mount('{ "mcpServers": { "kept": ');
    await program.said("configuration refused");
    expect(await deed(program, "two__ok")).toBe("ok");
    await mount(config("three"));
    await program.said('"added":"three","removed":"two","changed":"","kept":"kept"');
    expect(await deed(program, "three__ok")).toBe("ok");
    expect(await deed(program, "kept__pid")).toBe(pid);
    expect(await Promise.all(running)).toEqual(["ok", "ok"]);
  });

  test("and a folder that is made anew under the same name are read by themselves", async () => {
    await using at = await temporaryDir();
    const folder = join(at.path, "config");
    const config = (name: string): string => JSON.stringify({ mcpServers: { kept: backend(), [name]: backend() } });
    const make = async (name: string): Promise<void> => {
      await mkdir(folder);
      await writeFile(join(folder, "mcp.json"), config(name));
    };
    await make("one");
    await using program = await startProgram({ dir: at.path, args: ["--config", join(folder, "mcp.json")] });
    const pid = await deed(program, "kept__pid");
    for (const [from, to] of [["one", "two"], ["two", "three"]] as const) {
      await rm(folder, { recursive: true });
      await make(to);
      await program.said(`"added":"${to}","removed":"${from}","changed":"","kept":"kept"`);
    }
    await writeFile(join(folder, "mcp.json"), config("four"));
    await program.said('"added":"four","removed":"three","changed":"","kept":"kept"');
    expect(await deed(program, "kept__pid")).toBe(pid);
  });
});

describe("a look that is asked for", () => {
  test("by SIGHUP or from the shell finds what no event tells of, and the log and the shell name every server by its fate", async () => {
    await using at = await temporaryDir();
    const secret = join(at.path, "secret");
    const config = (more: object): object => ({ mcpServers: { kept: backend(), changed: backend({ env: { A: { $file: secret } } }), ...more } });
    await writeFile(secret, "one");
    await chmod(secret, 0o600);
    await using program = await startProgram({ config: config({ removed: backend() }) });
    const pids = await Promise.all(["kept__pid", "changed__pid"].map((name) => deed(program, name)));
    await writeFile(secret, "two");
    program.signal("SIGHUP");
    await program.said('"added":"","removed":"","changed":"changed","kept":"kept, removed"');
    const changedPid = await deed(program, "changed__pid");
    expect(changedPid).not.toBe(pids[1] ?? "");

    await writeFile(secret, "three");
    await program.writeConfig(config({ added: backend() }));
    const reloaded = await runProgram(["config", "reload", "--state-dir", join(program.dir, "state")]);
    expect(reloaded).toMatchObject({ code: 0, stderr: "" });
    // The events of the file may have led to the look a moment before.
    await program.said('"added":"added","removed":"removed","changed":"changed","kept":"kept"');
    expect(reloaded.stdout).toMatch(/added: {3}added\n {2}removed: {1}removed\n {2}changed: {1}changed\n {2}kept: {4}kept\n|is as it was\n {2}kept: {4}kept, changed, added\n/u);
    expect(await deed(program, "changed__pid")).not.toBe(changedPid);
    expect(await deed(program, "kept__pid")).toBe(pids[0] ?? "");
  });

  test("says what counts from the next start only, and puts the rest in place", async () => {
    const limits = { callsPerPrincipalMax: 77 };
    await using program = await startProgram({ config: { mcpServers: { kept: backend() } } });
    const pid = await deed(program, "kept__pid");
    const { port } = new URL(program.origin);
    await program.writeConfig({ port: Number(port) + 1, allowedOrigins: ["https://app.example"], limits, mcpServers: { kept: backend(), added: backend() } });
    await program.said('"message":"a changed setting needs a restart"');
    expect(program.stderr()).toMatch(/a changed setting needs a restart[^\n]*"keys":"port, allowedOrigins, limits"/u);
    await program.said('"added":"added","removed":"","changed":"","kept":"kept"');
    expect([await deed(program, "added__ok"), await deed(program, "kept__pid")]).toEqual(["ok", pid]);
    // Said again whenever it is asked, for as long as it is so.
    await program.writeConfig({ port: Number(port) + 1, limits, mcpServers: { kept: backend() } });
    const reloaded = await runProgram(["config", "reload", "--state-dir", join(program.dir, "state")]);
    expect(reloaded.stdout).toContain("counts from the next start on: port, limits");
    program.signal("SIGTERM");
    expect(await program.exited).toBe(0);
  });
});

describe("the end", () => {
  test("comes in the middle of a reload that waits for a server, and leaves nothing", async () => {
    await using program = await startProgram({ config: { limits: { stdinEndMs: 300, termMs: 300 }, mcpServers: { one: backend() } } });
    const pid = Number(await deed(program, "one__pid"));
    await program.writeConfig({ limits: { stdinEndMs: 300, termMs: 300 }, mcpServers: { one: backend({}, "--late=100000") } });
    // The watchdog is one of them.
    await until(() => childrenOf(program.pid).length > 2);
    const children = childrenOf(program.pid);
    expect(children).toContain(pid);
    program.signal("SIGTERM");
    expect(await program.exited).toBe(0);
    for (const child of children) expect(() => process.kill(child, 0)).toThrow();
    expect(inPlace(program)).toBe(1);
  });
});

const childrenOf = (pid: number): number[] => Bun.spawnSync(["pgrep", "-P", String(pid)]).stdout.toString().split("\n").filter(Boolean).map(Number);
