import { describe, expect, test } from "bun:test";
import { chmod, stat, writeFile } from "node:fs/promises";
import { systemClock } from "../../src/base/index.ts";
import { configFindings, type Machine } from "../../src/cli/doctorConfig.ts";
import { parseSettings } from "../../src/cli/flags.ts";
import type { Occasion } from "../../src/cli/occasion.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

/** A computer with these programs in its folders. */
const machine = (programs: Readonly<Record<string, string>>, more: Partial<Machine> = {}): Machine => ({
  platform: "linux",
  which: (program, path) => path.split(":").map((folder) => `${folder}/${program}`).find((file) => programs[file] !== undefined) ?? null,
  runtime: { command: "/bin/1mcp", isCompiled: true },
  ...more,
});

async function found(folder: Folder, config: unknown, on: Machine, env: Record<string, string> = {}) {
  const path = folder.at("mcp.json");
  await writeFile(path, typeof config === "string" ? config : JSON.stringify(config), { mode: 0o600 });
  const parsed = parseSettings(new Map(), {});
  const occasion = { settings: parsed.ok ? parsed.settings : null, env: { PATH: "/home/u/bin:/usr/bin", HOME: folder.path, ...env }, clock: systemClock } as unknown as Occasion;
  return configFindings(occasion, path, on);
}

const text = (folder: Folder): Promise<string> => Bun.file(folder.at("mcp.json")).text();

describe("the configuration", () => {
  test("that is in order gives no finding", async () => {
    await using folder = await createFolder();
    const { findings, config } = await found(folder, { mcpServers: { a: { command: "node" }, b: { url: "https://b.example/mcp" }, c: { command: "/nowhere/x" }, off: { command: "none", disabled: true } } }, machine({ "/usr/bin/node": "" }));
    expect([findings, config?.backends.length]).toEqual([[], 4]);
  });

  test("that cannot be used is told of with every place, and one that is not there with the command that makes it", async () => {
    await using folder = await createFolder();
    const { findings, config } = await found(folder, '{ "mcpServers": { "a": { "comand": "x" } }, "prot": 1 }', machine({}));
    expect(config).toBeNull();
    expect(findings.length).toBeGreaterThan(1);
    for (const finding of findings) expect(finding).toMatchObject({ check: "config", level: "error", mend: expect.stringContaining("1mcp config check"), message: expect.stringContaining("mcp.json:1:") });
    const parsed = parseSettings(new Map(), {});
    const absent = await configFindings({ settings: parsed.ok ? parsed.settings : null, env: { HOME: folder.at("nobody") }, clock: systemClock } as unknown as Occasion, null, machine({}));
    expect(absent.findings).toMatchObject([{ check: "config", level: "warning", mend: "1mcp mcp add NAME -- COMMAND" }]);
  });

  test.skipIf(process.platform === "win32")("that holds secrets which others can read is closed to them", async () => {
    await using folder = await createFolder();
    const config = { mcpServers: { a: { url: "https://a.example/mcp", headers: { Authorization: "Bearer 0123456789abcdef" } } } };
    await found(folder, config, machine({}));
    await chmod(folder.at("mcp.json"), 0o644);
    const { findings } = await found(folder, config, machine({}));
    const grave = findings.find(({ level }) => level === "error");
    expect(grave).toMatchObject({ mend: `chmod 600 ${folder.at("mcp.json")}` });
    expect(await grave?.fix?.()).toContain("closed to others");
    expect((await stat(folder.at("mcp.json"))).mode & 0o777).toBe(0o600);
  });
});

describe("a program that is missing", () => {
  test("and would have run an npm package is replaced by the program itself, whatever form its variables have", async () => {
    for (const [env, expected] of [[undefined, { BUN_BE_BUN: "1" }], [{ A: "${A:-x}" }, { A: "${A:-x}", BUN_BE_BUN: "1" }], [["A=1"], ["A=1", "BUN_BE_BUN=1"]]] as const) {
      await using folder = await createFolder();
      const { findings } = await found(folder, { mcpServers: { a: { command: "npx", args: ["-y", "pkg", "${HOME}/x"], ...(env === undefined ? {} : { env }) } } }, machine({}));
      expect(findings).toMatchObject([{ check: "programs", level: "error", mend: "1mcp doctor --fix", message: expect.stringContaining("a: “npx”") }]);
      expect(await findings[0]?.fix?.()).toContain("run by 1mcp itself");
      expect(JSON.parse(await text(folder))).toEqual({ mcpServers: { a: { command: "/bin/1mcp", args: ["x", "--bun", "pkg", "${HOME}/x"], env: expected, unsafeEnv: true } } });
      expect((await found(folder, await text(folder), machine({}))).findings).toEqual([]);
    }
  });

  test("needs no variable where the runtime is a program of its own", async () => {
    await using folder = await createFolder();
    const { findings } = await found(folder, { mcpServers: { a: { command: "npx", args: ["--yes", "pkg"] } } }, machine({}, { runtime: { command: "/opt/bun", isCompiled: false } }));
    await findings[0]?.fix?.();
    expect(JSON.parse(await text(folder))).toEqual({ mcpServers: { a: { command: "/opt/bun", args: ["x", "--bun", "pkg"] } } });
  });

  test.each([
    ["uvx", "linux", "pipx install uv"],
    ["uvx", "darwin", "brew install uv"],
    ["npx", "win32", "winget install OpenJS.NodeJS"],
    ["docker", "linux", "sudo apt-get install docker.io"],
    ["own-tool", "linux", "1mcp mcp update a --command PATH"],
    ["constructor", "linux", "1mcp mcp update a --command PATH"],
  ] as const)("%s on %s is mended by %s", async (command, platform, mend) => {
    await using folder = await createFolder();
    expect((await found(folder, { mcpServers: { a: { command } } }, machine({}, { platform, runtime: null }))).findings).toMatchObject([{ check: "programs", level: "error", mend, fix: null }]);
  });
});

describe("a program that applications with a window do not find", () => {
  test("is a warning, and can be named with its folder", async () => {
    await using folder = await createFolder();
    const config = { mcpServers: { a: { command: "node", args: ["x"] } } };
    const { findings } = await found(folder, config, machine({ "/home/u/bin/node": "" }));
    expect(findings).toMatchObject([{ check: "path", level: "warning", mend: "1mcp mcp update a --command /home/u/bin/node" }]);
    expect((await found(folder, config, machine({ "/home/u/bin/node": "" }, { platform: "win32" }))).findings).toEqual([]);
    await findings[0]?.fix?.();
    expect(JSON.parse(await text(folder))).toEqual({ mcpServers: { a: { command: "/home/u/bin/node", args: ["x"] } } });
  });
});
