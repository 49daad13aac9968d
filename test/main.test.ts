import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import manifest from "../package.json";
import { createFolder } from "./fixtures/folder.ts";
import { cleanEnv, programArgv, runProgram, startProgram } from "./fixtures/program.ts";

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

test("a first run without any configuration serves, and TERM ends it with 0", async () => {
  await using program = await startProgram();
  expect((await fetch(`${program.origin}/health`)).status).toBe(200);
  program.signal("SIGTERM");
  expect(await program.exited).toBe(0);
  expect(program.stderr()).not.toContain(program.token ?? "no token");
});
