import { describe, expect, test } from "bun:test";
import { mkdir, readFile, stat, symlink } from "node:fs/promises";
import { ownEntryOf } from "../../src/cli/appConnect.ts";
import type { Occasion } from "../../src/cli/occasion.ts";
import { applicationOf, createHome, sampleOf } from "../fixtures/apps.ts";
import { runHere } from "../fixtures/cli.ts";
import { runIn } from "./app.test.ts";

describe("app connect", () => {
  test("writes one entry that starts us, with the selection, and takes it back", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("codex"));
    const dry = await runIn(home, "connect", "codex", "--dry-run");
    expect([dry.code, dry.stdout.startsWith(`${path}:\n  1mcp: {"command":`)]).toEqual([0, true]);
    expect(await runIn(home, "connect", "codex", "--tags", "web,search")).toMatchObject({ code: 0, stdout: expect.stringContaining("codex leads to us now") as string });
    expect((Bun.TOML.parse(await readFile(path, "utf8")) as { mcp_servers: Record<string, { args: string[] }> }).mcp_servers["1mcp"]?.args.slice(-2)).toEqual(["--filter", "web || search"]);
    expect(await runIn(home, "connect", "codex", "--tags", "web,search")).toMatchObject({ code: 0, stdout: "it is so already\n" });
    expect(await runIn(home, "disconnect", "codex", "--dry-run")).toMatchObject({ stdout: `${path}:\n  the entry 1mcp goes\n` });
    expect(JSON.parse((await runIn(home, "disconnect", "codex", "--json")).stdout)).toMatchObject({ app: "codex", path, entry: null, written: true });
    expect((await readFile(path)).equals(sampleOf("codex").bytes)).toBe(true);
    expect(await runIn(home, "disconnect", "codex")).toMatchObject({ code: 0, stdout: "it is so already\n" });
  });

  test("writes what was typed, and nothing that a variable says to other commands", async () => {
    await using home = await createHome();
    await home.put(sampleOf("windsurf"));
    const env = { ...(home.mover.env as Record<string, string>), ONE_MCP_URL: "http://192.0.2.1/mcp", ONE_MCP_FILTER: "web", ONE_MCP_TAGS: "a", ONE_MCP_TAG_FILTER: "b", ONE_MCP_PRESET: "p" };
    const place = ["--config", home.mover.configPath, "--state-dir", home.mover.stateDir];
    const connected = await runHere(["app", "connect", "windsurf", "--dry-run", "--json", ...place], env);
    expect([connected.code, (JSON.parse(connected.stdout) as { readonly entry: { readonly args: readonly string[] } }).entry.args.slice(-6)]).toEqual([0, ["proxy", "--start", ...place]]);
    expect(await runHere(["app", "consolidate", "windsurf", "--yes", ...place], env)).toMatchObject({ code: 0, stderr: "" });
    expect(await readFile(home.at(applicationOf("windsurf")), "utf8")).not.toMatch(/192\.0\.2\.1|--filter/);
  });

  test("writes an address where the application can call one, and makes a file that was not there", async () => {
    await using home = await createHome();
    expect(await runIn(home, "connect", "windsurf", "--url", "http://127.0.0.1:3050/mcp", "--preset", "dev")).toMatchObject({ code: 0 });
    const path = home.at(applicationOf("windsurf"));
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ mcpServers: { "1mcp": { serverUrl: "http://127.0.0.1:3050/mcp?filter=preset%3Adev" } } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await runIn(home, "restore", "windsurf", "--yes")).toMatchObject({ code: 0, stdout: expect.stringContaining("goes, since there was none") as string });
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("refuses an address where only programs can be started, and no application at all", async () => {
    await using home = await createHome();
    expect(await runIn(home, "connect", "claude-desktop", "--url", "http://127.0.0.1:3050/mcp")).toMatchObject({ code: 2, stderr: expect.stringContaining("Claude Desktop can only start programs") as string });
    expect(await runIn(home, "connect")).toMatchObject({ code: 2 });
  });

  test("names the program as it stands on the PATH, which outlives a version, and by its own path elsewhere", async () => {
    await using home = await createHome();
    await mkdir(home.folder.at("bin"));
    await symlink(process.execPath, home.folder.at("bin", "1mcp"));
    const settings = { url: null, config: null, stateDir: null, preset: null, tags: null, tagFilter: null, filter: null };
    const entry = (PATH: string) => ownEntryOf({ settings, given: new Map(), selfArgv: [process.execPath], env: { PATH } } as unknown as Occasion, applicationOf("cursor"));
    expect(await entry(`/none:${home.folder.at("bin")}`)).toEqual({ command: home.folder.at("bin", "1mcp"), args: ["proxy", "--start"] });
    expect(await entry("")).toEqual({ command: process.execPath, args: ["proxy", "--start"] });
  });
});
