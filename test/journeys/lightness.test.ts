/** No command loads what it does not use: each is run with a list kept of every file of ours and every package that it loads. */
import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createFolder } from "../fixtures/folder.ts";
import { cleanEnv, projectDir } from "../fixtures/program.ts";

/** The rooms, files and packages that a command line loads. */
async function loadedBy(args: readonly string[]): Promise<readonly string[]> {
  await using folder = await createFolder();
  const list = folder.at("loaded");
  const keep = `import { appendFileSync } from "node:fs";
Bun.plugin({ name: "list", setup(build) { build.onLoad({ filter: /\\.(ts|js|mjs|cjs)$/ }, async ({ path, loader }) => { appendFileSync(${JSON.stringify(list)}, path + "\\n"); return { contents: await Bun.file(path).text(), loader }; }); } });`;
  await writeFile(folder.at("keep.ts"), keep);
  const child = Bun.spawn([process.execPath, "--preload", folder.at("keep.ts"), join(projectDir, "src", "main.ts"), ...args, "--state-dir", folder.at("state")], { env: cleanEnv({ HOME: folder.path }), stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  await child.exited;
  const paths = (await Bun.file(list).text()).trim().split("\n");
  return [...new Set(paths.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.slice(join(projectDir, "src").length + 1)))];
}

const heavy = /^((auth|era|backend|hub|front|compose)\/.*|hono|jose|@modelcontextprotocol\/.*)$/;

describe("what is loaded", () => {
  test("for the version and for help is the tables alone", async () => {
    expect([...(await loadedBy(["--version"]))].sort()).toEqual(["cli/commands.ts", "cli/index.ts", "cli/run.ts", "cli/terminal.ts", "cli/version.ts", "main.ts"]);
    expect((await loadedBy(["--help"])).filter((path) => !path.startsWith("cli/"))).toEqual(["main.ts"]);
  }, 20_000);

  test.each([[["completion", "bash"]], [["explain", "BACKEND_DOWN"]], [["status"]], [["serve", "--status"]], [["serve", "--stop"]], [["preset", "list"]], [["token", "list", "--nonsense"]], [["config", "schema"]], [["service", "print", "systemd"]]])("for %j is no part of a running proxy", async (args) => {
    const loaded = await loadedBy(args);
    expect(loaded).toContain("cli/strict.ts");
    expect(loaded.filter((path) => heavy.test(path))).toEqual([]);
  }, 20_000);

  test("for an agent's commands is no server package, no door and no shell's completion", async () => {
    for (const command of ["inspect", "run", "wait", "instructions"]) expect((await loadedBy([command])).filter((path) => /^(@modelcontextprotocol\/.*|cli\/(serve|doctor|completion|wizard|approve|demo)\.ts)$/.test(path))).toEqual([]);
  }, 20_000);
});
