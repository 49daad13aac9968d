import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { writeFile } from "node:fs/promises";
import manifest from "../package.json";
import { createFolder } from "./fixtures/folder.ts";
import { cleanEnv, programArgv, projectDir, runProgram, startProgram } from "./fixtures/program.ts";

test("the program answers the version", async () => {
  expect(await runProgram(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
});

test("help goes to standard output, plain in a pipe", async () => {
  const { code, stdout, stderr } = await runProgram(["--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toStartWith("1mcp ");
  expect(Bun.stripANSI(stdout)).toBe(stdout);
});

test("exit codes: 2 for the command line, 78 for the configuration, 1 for a fault", async () => {
  await using folder = await createFolder();
  expect(await runProgram(["serve", "--prot", "3"])).toMatchObject({ code: 2, stdout: "" });
  await writeFile(folder.at("mcp.json"), '{"prot": 1}');
  const serve = ["serve", "--port", "0", "--state-dir", folder.at("state"), "--config", folder.at("mcp.json")];
  expect(await runProgram(serve)).toMatchObject({ code: 78, stdout: "", stderr: expect.stringContaining(`${folder.at("mcp.json")}:1:2: “prot”`) });
  await writeFile(folder.at("mcp.json"), "{}");
  await using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  expect(await runProgram([...serve, "--port", String(other.port)])).toMatchObject({ code: 1, stderr: expect.stringContaining("1mcp: the address cannot be listened on") });
});

test("a long output is whole, and a reader that leaves early is no error", async () => {
  const { stdout } = await runProgram(["config", "schema"]);
  expect(stdout.length).toBeGreaterThan(5_000);
  expect(JSON.parse(stdout)).toHaveProperty("properties");
  const child = Bun.spawn([...programArgv(), "config", "schema"], { env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  await child.stdout.cancel();
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toBe("");
});

test.skipIf(process.platform !== "linux")("an output that the disk has no room for is a failure, and says so", async () => {
  const child = Bun.spawn([...programArgv(), "config", "schema"], { env: cleanEnv(), stdin: "ignore", stdout: Bun.file("/dev/full"), stderr: "pipe" });
  expect([await new Response(child.stderr).text(), await child.exited]).toEqual([expect.stringMatching(/^1mcp: standard output could not be written \(ENOSPC: .*\)\n$/) as string, 1]);
});

test("a first run without any configuration serves, and TERM ends it with 0", async () => {
  await using program = await startProgram();
  expect((await fetch(`${program.origin}/health`)).status).toBe(200);
  program.signal("SIGTERM");
  expect(await program.exited).toBe(0);
  expect(program.stderr()).not.toContain(program.token ?? "no token");
});

test("before a command is known nothing heavy is loaded: no package at all", async () => {
  const packages = new Set<string>();
  const files = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    if (files.has(path)) return;
    files.add(path);
    if (!path.endsWith(".ts")) return;
    const text = (await Bun.file(path).text()).replace(/^#!.*/, "");
    const imports = new Bun.Transpiler({ loader: "ts" }).scanImports(text);
    for (const { path: to, kind } of imports) {
      if (kind !== "import-statement") continue;
      if (to.startsWith(".")) await visit(join(dirname(path), to));
      else packages.add(to);
    }
  };
  await visit(join(projectDir, "src", "main.ts"));
  expect([...packages]).toEqual([]);
  expect([...files].map((path) => path.slice(projectDir.length + 1)).filter((path) => !/^(src\/(cli\/|main\.ts)|package\.json)/.test(path))).toEqual([]);
});

test("flags work before and after the command, and from the environment", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  const valid = { code: 0, stdout: `${folder.at("mcp.json")} is valid; servers: 0 usable\n`, stderr: "" };
  expect(await runProgram(["--config", folder.at("mcp.json"), "config", "check"])).toEqual(valid);
  expect(await runProgram(["config", "check", `--config=${folder.at("mcp.json")}`])).toEqual(valid);
  expect(await runProgram(["config", "check"], { env: { ONE_MCP_CONFIG: folder.at("mcp.json") } })).toEqual(valid);
  expect(await runProgram(["config", "check", "--config", "mcp.json"], { cwd: folder.path })).toEqual(valid);
});

test("who reads the log may go away: the proxy goes on", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, "{}");
  const argv = [...programArgv(), "serve", "--port", "0", "--state-dir", folder.at("state"), "--config", path];
  const child = Bun.spawn(argv, { env: cleanEnv(), stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const reader = child.stderr.getReader();
  let text = "";
  while (!text.includes("token:")) text += new TextDecoder().decode((await reader.read()).value);
  const health = new URL("/health", /http:\/\/\S+/.exec(text)?.[0]);
  await reader.cancel();
  // Each is a line in the log that nobody reads.
  for (let count = 0; count < 3; count += 1) {
    await writeFile(path, `{"wrong${count}": 1}`);
    child.kill("SIGHUP");
    expect((await fetch(health)).status).toBe(200);
  }
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});
