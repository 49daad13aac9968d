/** What the README tells a newcomer to do works, with the README's own text. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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

  test("lists commands that exist, and all of them", async () => {
    const listed = [...readme.matchAll(/^\| `1mcp ([a-z]+(?: [a-z]+)*)[^`]*`/gmu)].map((match) => match[1]);
    const help = (await runProgram(["--help"])).stdout;
    const offered = [...(help.split("Commands:\n")[1]?.split("\n\n")[0] ?? "").matchAll(/^ {2}([a-z]+(?: [a-z]+)*)(?: \[[^\]]*\])* {2,}/gmu)].map((match) => match[1]);
    expect(offered.length).toBeGreaterThan(0);
    expect([...new Set(listed)].sort()).toEqual([...offered].sort());
  });

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
