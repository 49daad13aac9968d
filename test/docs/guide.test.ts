/** Somebody follows the guide from its first line to its last, with its own text. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connectPiped } from "../fixtures/piped.ts";
import { blocksOf, createReader, linesOn, pageText } from "../fixtures/pages.ts";

const page = await pageText("docs/guide.md");
const cursorFile = '{\n  // mine\n  "mcpServers": { "notes": { "command": "npx", "args": ["-y", "@ada/notes"] } }\n}\n';

test("every command of it works, and comes to what it says", async () => {
  await using reader = await createReader();
  const cursor = await reader.put(".cursor/mcp.json", cursorFile);
  const done = await reader.followAll(linesOn(page));
  const failed = done.filter(({ code }) => code !== 0).map(({ line, code }) => [line, code]);
  // What differs is an exit code of its own: something has changed, as the page has just done.
  expect(failed).toEqual([["1mcp config diff", 1]]);
  const said = (line: string): string => done.find((one) => one.line.startsWith(line))?.stdout ?? "";
  expect(said("1mcp status")).toContain("everything\tready");
  expect(said("1mcp mcp list")).toContain("docs\toff");
  expect(said("1mcp mcp logs")).toContain(" ready ");
  expect(said("1mcp token create")).toMatch(/^1mcp_\w+\n$/u);
  expect(said("1mcp auth grants")).toContain("server:everything");
  expect(said("1mcp app consolidate cursor --dry-run")).toContain("notes: moves\n");
  expect(JSON.parse(await reader.read(".config/1mcp/mcp.json"))).toMatchObject({ mcpServers: { notes: { command: "npx" } } });
  expect(said("1mcp preset test")).toContain("yes\teverything\tcode");
  expect(said("1mcp preset url")).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp\?preset=dev\n$/u);
  expect(said("1mcp mcp tokens")).toContain("catalog search:");
  expect(said("1mcp instructions")).toContain("- server: everything\n");
  expect([said("1mcp run everything/echo --args"), said("echo hello |")]).toEqual(["Echo: hello\n", "Echo: hello\n"]);
  expect(said("1mcp config diff")).toContain('+        "get-env"');
  expect(await reader.read(".config/1mcp/mcp.json")).not.toContain("get-env");
  expect(said("1mcp explain everything__echo")).toContain("is seen as “everything__echo”");
  expect(await reader.read(".config/systemd/user/1mcp.service")).toContain("[Service]");
  expect((await reader.follow("1mcp app restore cursor --yes")).code).toBe(0);
  expect(await readFile(cursor, "utf8")).toBe(cursorFile);
}, 120_000);

test("its project gets a server of its own, in its own folder", async () => {
  await using reader = await createReader();
  const [rc = "", templates = ""] = [blocksOf(page, "js")[0], blocksOf(page, "jsonc")[0]];
  await reader.put("project/.1mcprc", rc);
  await reader.put(".config/1mcp/mcp.json", templates.replace("{", '{ "presets": { "dev": { "filter": "code" } },'));
  expect((await reader.follow("1mcp serve --background")).code).toBe(0);
  await using client = await connectPiped("v2 modern", ["proxy"], { dir: reader.project, env: { ...reader.env, XDG_CONFIG_HOME: join(reader.home, ".config"), XDG_STATE_HOME: join(reader.home, ".local", "state") } });
  const { content } = await client.callTool({ name: "files__list_allowed_directories", arguments: {} });
  expect(content[0]?.text).toContain(reader.project);
}, 120_000);
