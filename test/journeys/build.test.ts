import { expect, test } from "bun:test";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cleanEnv, projectDir, temporaryDir } from "../fixtures/program.ts";

async function run(argv: readonly string[], cwd: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([...argv], { cwd, env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, stdout, stderr };
}

const build = (dir: string): Promise<{ code: number; stdout: string; stderr: string }> =>
  run([process.execPath, join(projectDir, "build.ts"), "--entry", join(dir, "entry.ts"), "--out", join(dir, "out")], projectDir);

test("the build makes one file that knows its version and reads nothing of the folder it is started in", async () => {
  await using dir = await temporaryDir();
  await writeFile(join(dir.path, "lazy.ts"), "export const lazy = process.env.STRANGER ?? 'none';\n");
  await writeFile(join(dir.path, "entry.ts"), "const { lazy } = await import('./lazy.ts');\nconsole.log(VERSION, lazy);\n");
  expect(await build(dir.path)).toMatchObject({ code: 0 });
  expect(await readdir(join(dir.path, "out"))).toEqual(["1mcp"]);

  await writeFile(join(dir.path, ".env"), "STRANGER=read\n");
  await writeFile(join(dir.path, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  await writeFile(join(dir.path, "preload.ts"), "console.log('preloaded');\n");
  const { version } = (await Bun.file(join(projectDir, "package.json")).json()) as { version: string };
  expect(await run([join(dir.path, "out", "1mcp")], dir.path)).toEqual({ code: 0, stdout: `${version} none\n`, stderr: "" });
});

test("a build that fails says why and leaves a failing exit code", async () => {
  await using dir = await temporaryDir();
  await writeFile(join(dir.path, "entry.ts"), "import './missing.ts';\n");
  const failed = await build(dir.path);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain("missing.ts");
});
