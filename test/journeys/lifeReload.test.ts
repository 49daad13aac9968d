/** The configuration file changes in every way that editors, scripts and mounts have, with calls in flight. */
import { describe, expect, test } from "bun:test";
import { rename, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
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
