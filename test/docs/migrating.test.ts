/** People of other programs follow the page for them, with a file of that program as they have it. */
import { describe, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { configIn } from "../fixtures/config.ts";
import { blocksOf, createReader, type Followed, linesOn, pageText, type Reader } from "../fixtures/pages.ts";
import { projectDir } from "../fixtures/program.ts";
import { connectPiped } from "../fixtures/piped.ts";

const page = await pageText("docs/migrating.md");
const partOf = (title: string): string => page.split(/^## /mu).find((part) => part.startsWith(title)) ?? "";
const fileOf = (name: string): Promise<string> => Bun.file(join(projectDir, "test", "fixtures", "moving", `${name}.json`)).text();
const samples = { "1mcp": "From 1MCP", "mcp-proxy": "From mcp-proxy", "mcp-hub": "From mcp-hub" } as const;

/** The lines of a comparison that stand on one side of it. */
const sideOf = (comparison: string, other: "-" | "+"): string => comparison.split("\n").filter((line) => line !== "" && !line.startsWith(other)).map((line) => `${line.slice(2)}\n`).join("");
const comparedIn = (name: keyof typeof samples): string => blocksOf(partOf(samples[name]), "diff")[0] ?? "";

/** Somebody whose editor makes of a file what the page makes of it. */
async function personWith(name: keyof typeof samples, more: Record<string, string> = {}): Promise<Reader> {
  const reader = await createReader({ EDITOR: "theEditor", ...more });
  const after = await reader.put("after.json", sideOf(comparedIn(name), "-"));
  await chmod(await reader.put("bin/theEditor", `#!/bin/sh\ncat "${after}" > "$1"\n`), 0o755);
  return reader;
}

const codes = (done: readonly Followed[]): Record<string, number> => Object.fromEntries(done.filter(({ code }) => code !== 0).map(({ line, code }) => [line, code]));
const endOf = (done: readonly Followed[], line: string): string => done.findLast((one) => one.line.startsWith(line))?.stdout ?? "";

describe.each(Object.keys(samples) as (keyof typeof samples)[])("the file of %s", (name) => {
  test("is the one that the page shows, and what it becomes is accepted", async () => {
    const comparison = comparedIn(name);
    expect(sideOf(comparison, "+")).toBe(await fileOf(name));
    expect(Object.keys(configIn(sideOf(comparison, "-"), { SEARCH_TOKEN: "x", MINE_KEY: "x", MINE_MODE: "stdio", HOME: "/home/ada" })).length).toBeGreaterThan(3);
  });
});

test("somebody who comes from 1MCP keeps servers, tags, selections and the names of tools", async () => {
  await using reader = await personWith("1mcp", { SEARCH_TOKEN: "secret" });
  await reader.put(".config/1mcp/mcp.json", await fileOf("1mcp"));
  const done = await reader.followAll(linesOn(partOf("From 1MCP")));
  expect(codes(done)).toEqual({ "1mcp config check": 78 });
  const said = done.find(({ line }) => line === "1mcp config check")?.stderr ?? "";
  for (const key of ["envFilter", "restartOnExit", "maxRestarts", "restartDelay", "toolDescriptionOverrides", "template", "templateSettings"]) expect(said).toContain(`“${key}” is not supported`);
  expect(await reader.read("1mcp-before.json")).toBe(await fileOf("1mcp"));
  expect(endOf(done, "1mcp explain")).toContain("files/echo is seen as “files_1mcp_echo”");
  expect(await reader.read(".config/1mcp/mcp.json")).toContain('"filter": "files && !legacy"');
}, 120_000);

test("somebody who comes from mcp-proxy finds each server at an address of its own, behind a token", async () => {
  await using reader = await personWith("mcp-proxy");
  await reader.put("project/servers.json", await fileOf("mcp-proxy"));
  const lines = linesOn(partOf("From mcp-proxy"));
  const [first, second] = [lines.slice(0, 2), lines.slice(2)];
  expect(codes(await reader.followAll(first))).toEqual({});
  expect(JSON.parse(await reader.read(".config/1mcp/mcp.json"))).toMatchObject({ mcpServers: { clock: { command: "uvx", args: ["mcp-server-time", "--local-timezone=Europe/Paris"] }, remote: { type: "sse", headers: { Authorization: "Bearer ${API_ACCESS_TOKEN}" } } } });
  const done = await reader.followAll(second);
  expect(codes(done)).toEqual({ "1mcp config check": 78 });
  for (const key of ["transportType", "headerToEnv", "enabled"]) expect(done.find(({ line }) => line === "1mcp config check")?.stderr).toContain(`“${key}” is not supported`);
  const { url } = JSON.parse((await reader.follow("1mcp status --json")).stdout) as { readonly url: string };
  const token = endOf(done, "1mcp token create").trim();
  const asked = async (path: string, headers: Record<string, string>): Promise<number> => {
    const gone = new AbortController();
    const { status } = await fetch(`${new URL(url).origin}${path}`, { method: path.startsWith("/sse") ? "GET" : "POST", headers: { Accept: "application/json, text/event-stream", "Content-Type": "application/json", ...headers }, signal: gone.signal });
    gone.abort();
    return status;
  };
  for (const path of ["/mcp/fetch", "/sse/fetch", "/mcp/github"]) expect([path, await asked(path, {}), [401, 404].includes(await asked(path, { Authorization: `Bearer ${token}` }))]).toEqual([path, 401, false]);
}, 120_000);

test("somebody who comes from mcp-hub keeps the names of tools, and variables come from the environment", async () => {
  await using reader = await personWith("mcp-hub", { MINE_KEY: "x", MINE_MODE: "stdio" });
  await reader.put(".config/mcphub/servers.json", await fileOf("mcp-hub"));
  const done = await reader.followAll(linesOn(partOf("From mcp-hub")));
  expect(codes(done)).toEqual({ "1mcp config check": 78 });
  for (const key of ["disabled_tools", "autoApprove", "custom_instructions", "dev", "nativeMCPServers"]) expect(done.find(({ line }) => line === "1mcp config check")?.stderr).toContain(`“${key}” is not supported`);
  expect(endOf(done, "1mcp run")).toContain(reader.home);
  expect((await reader.follow("1mcp explain filesystem__read_text_file")).stdout).toContain("is seen as “filesystem__read_text_file”");
  expect((await reader.follow("1mcp explain filesystem/write_file")).stdout).toContain("HIDES");
}, 120_000);

test("somebody with a client's own file moves in and out, and nothing of the file is lost", async () => {
  await using reader = await createReader();
  const before = await Bun.file(join(projectDir, "test", "fixtures", "apps", "claude-desktop.json")).text();
  const path = process.platform === "darwin" ? "Library/Application Support/Claude/claude_desktop_config.json" : ".config/Claude/claude_desktop_config.json";
  await reader.put(path, before);
  const lines = linesOn(partOf("From a client's"));
  const [moving, copying] = [lines.slice(0, 5), lines.slice(5)];
  const done = await reader.followAll(moving.slice(0, 4));
  expect(codes(done)).toEqual({});
  expect(endOf(done, "1mcp mcp list")).toMatch(/^filesystem\t[^]*^github\t[^]*^price-literal\t/mu);
  const left = JSON.parse(await reader.read(path)) as { readonly mcpServers: Readonly<Record<string, { readonly args: readonly string[] }>> };
  expect([Object.keys(left.mcpServers), left.mcpServers["1mcp"]?.args.slice(-2)]).toEqual([["1mcp"], ["proxy", "--start"]]);
  expect(moving[4]).toStartWith("1mcp app restore");
  expect(codes(await reader.followAll(moving.slice(4)))).toEqual({});
  expect(await reader.read(path)).toBe(before);
  await reader.put("project/.mcp.json", '{ "mcpServers": { "all": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything"] } } }');
  expect(codes(await reader.followAll(copying))).toEqual({});
  const entry = JSON.parse(blocksOf(partOf("From a client's"), "jsonc")[0] ?? "") as { readonly mcpServers: { readonly "1mcp": { readonly args: string[] } } };
  await using client = await connectPiped("v1", entry.mcpServers["1mcp"].args, { dir: reader.project, env: { ...reader.env, XDG_CONFIG_HOME: join(reader.home, ".config"), XDG_STATE_HOME: join(reader.home, ".local", "state") } });
  expect((await client.callTool({ name: "all__echo", arguments: { message: "here" } })).content[0]?.text).toBe("Echo: here");
}, 120_000);
