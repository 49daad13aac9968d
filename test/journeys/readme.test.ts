/** What the README tells a newcomer to do works, with the README's own text. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { shownCommands } from "../../src/cli/commands.ts";
import { createReader, linesOn } from "../fixtures/pages.ts";
import { projectDir, runProgram, startProgram, temporaryDir } from "../fixtures/program.ts";

const readme = await Bun.file(join(projectDir, "README.md")).text();
const blocks = (language: string): string[] => [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gmsu"))].map((match) => match[1] ?? "");
const scripts = ((await Bun.file(join(projectDir, "package.json")).json()) as { scripts: Record<string, string> }).scripts;

describe("the README", () => {
  test("names scripts that exist, and pins the version of Bun that the project uses", () => {
    const named = [...readme.matchAll(/bun(@[\d.]+)? run (\w+)/gu)];
    expect(named.length).toBeGreaterThan(4);
    for (const [, pinned, script] of named) {
      expect(scripts).toHaveProperty(script ?? "");
      if (pinned !== undefined) expect(pinned).toBe(`@${Bun.version}`);
    }
  });

  test("names scripts that work on a fresh clone: each installs first, or begins with one that does", () => {
    for (const [, script = ""] of readme.matchAll(/bun(?:@[\d.]+)? run (\w+)/gu)) {
      const first = /^bun run (\w+)/u.exec(scripts[script] ?? "")?.[1] ?? script;
      expect({ script, before: scripts[`pre${first}`] }).toEqual({ script, before: "bun install --frozen-lockfile" });
    }
  });

  test("shows a configuration that the program accepts", async () => {
    await using dir = await temporaryDir();
    const path = join(dir.path, "mcp.json");
    await writeFile(path, blocks("jsonc")[0] ?? "");
    expect(await runProgram(["config", "check", "--config", path])).toMatchObject({ code: 0 });
  });

  test("lists commands that exist, and all of them", () => {
    // Behind the first command of a row stand others that begin alike.
    const listed = [...readme.matchAll(/^\| (`1mcp [^|]*) \|/gmu)].flatMap(([, cell = ""]) => {
      const [first = [], ...others] = [...cell.matchAll(/`(?:1mcp )?([a-z ]+)`/gu)].map(([, words = ""]) => words.split(" "));
      return [first, ...others.map((words) => [...first.slice(0, -1), ...words])].map((words) => words.join(" "));
    });
    expect(listed.toSorted()).toEqual(shownCommands.map(({ words }) => words.join(" ")).toSorted());
  });

  test("starts with its own commands, and is undone by them: files of applications are what they were, and nothing is left", async () => {
    await using reader = await createReader();
    const lines = linesOn(readme).filter((line) => /^(?:1mcp|rm) /u.test(line));
    expect(lines.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual(["1mcp config check", "1mcp serve", "1mcp approve", "1mcp app restore", "1mcp serve --stop", "rm -r ~/.config/1mcp"]);
    const [check = "", serve = "", approve = "", ...undo] = lines;
    const [add, token] = ["1mcp mcp add everything -- npx -y @modelcontextprotocol/server-everything", "1mcp token create --name ci --scope server:docs"];
    for (const line of [add, token]) expect(readme).toContain(`\`${line}\``);
    expect(await reader.follow(add)).toMatchObject({ code: 0 });
    const theirs = '{ "mcpServers": { "notes": { "command": "npx", "args": ["-y", "@ada/notes"] } } }';
    const cursor = await reader.put(".cursor/mcp.json", theirs);
    // What the README's configuration leads to is not on this computer.
    await reader.put(".config/1mcp/mcp.json", (blocks("jsonc")[0] ?? "").replace("https://example.com", "http://127.0.0.1:1"));
    expect(await reader.follow(check)).toMatchObject({ code: 0 });
    expect(await reader.follow(serve, { until: "/mcp" })).toMatchObject({ code: 0, stderr: expect.stringContaining("http://127.0.0.1:") as string });
    expect(await reader.followAll(["1mcp serve --background", approve, token, "1mcp app consolidate cursor --yes"])).toMatchObject([{ code: 0 }, { code: 0 }, { code: 0 }, { code: 0 }]);
    expect(await readFile(cursor, "utf8")).not.toBe(theirs);
    for (const done of await reader.followAll(undo)) expect(done).toMatchObject({ code: 0 });
    expect(await readFile(cursor, "utf8")).toBe(theirs);
    expect([existsSync(join(reader.home, ".config", "1mcp")), existsSync(join(reader.home, ".local", "state", "1mcp"))]).toEqual([false, false]);
    expect(await reader.follow("1mcp serve --status")).toMatchObject({ code: 3 });
  }, 60_000);

  test("lists addresses that are there", async () => {
    await using program = await startProgram({ auth: false });
    const paths = [...readme.matchAll(/^\| `(\/[^|]*)\|/gmu)].flatMap((match) => [...(match[1] ?? "").matchAll(/\/[a-z/<>]+/gu)].map((found) => found[0].replace("<server>", "demo")));
    expect(paths).toEqual(["/mcp", "/mcp/demo", "/sse", "/sse/demo", "/health", "/health/live", "/health/ready", "/metrics"]);
    for (const path of paths) {
      const gone = new AbortController();
      const { status } = await fetch(`${program.origin}${path}`, { signal: gone.signal });
      // Without a message there is nothing to do on /mcp, but it is there.
      expect({ path, found: status !== 404 }).toEqual({ path, found: true });
      gone.abort();
    }
  });

  test("links to pages that exist", async () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/gu)].map((match) => match[1] ?? "");
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect({ link, exists: existsSync(join(projectDir, link)) }).toEqual({ link, exists: true });
  });

  test("is right about the first run: the demonstration, and a token that is never shown", async () => {
    await using program = await startProgram();
    expect(program.stderr()).toContain("serving the demonstration server");
    expect(program.stderr()).toContain(join(program.dir, "state", "token"));
    expect(program.stderr()).not.toContain(program.token ?? "no token");
    expect((await fetch(`${program.origin}/mcp`, { method: "POST" })).status).toBe(401);
  });
});
