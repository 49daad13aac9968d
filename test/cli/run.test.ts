import { expect, test } from "bun:test";
import manifest from "../../package.json";
import { run, standardPipes } from "../../src/cli/index.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { EventEmitter } from "node:events";

test("the version is one line, wherever it is asked for", async () => {
  for (const argv of [["--version"], ["serve", "--port", "--version"]]) {
    expect(await runHere(argv)).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  }
});

test("help is for the command that stands beside it", async () => {
  for (const argv of [["--help"], ["-h"], ["help"], ["nonsense", "--help"]]) {
    const { code, stdout, stderr } = await runHere(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Usage: 1mcp [command] [flags]");
  }
  expect((await runHere(["config", "check", "--help"])).stdout).toContain("Usage: 1mcp config check [flags]");
  expect((await runHere(["help", "serve"])).stdout).toContain("Usage: 1mcp serve [flags]");
});

test("help behind -- is no question", async () => {
  expect((await runHere(["serve", "--", "--help"])).code).toBe(2);
});

test("a wrong command line ends with 2, on standard error", async () => {
  expect(await runHere(["serve", "--prot", "3"])).toEqual({
    code: 2,
    stdout: "",
    stderr: "1mcp: the command line is not valid (there is no flag --prot)\nhint: did you mean --port?\n",
  });
  expect(await runHere(["serve"], { ONE_MCP_PORT: "high" })).toEqual({
    code: 2,
    stdout: "",
    stderr: "1mcp: the command line is not valid (ONE_MCP_PORT must be a number from 0 to 65535)\nhint: see --help\n",
  });
});

test("a wrong configuration ends with 78, and a fault with its own code", async () => {
  await using folder = await createFolder();
  expect((await runHere(["config", "check", "--config", folder.at("none.json")])).code).toBe(78);
  await Bun.write(folder.at("mcp.json"), "{}");
  await Bun.write(folder.at("state"), "a file in the state folder's place");
  const { code, stderr } = await runHere(["serve", "--port", "0", "--config", folder.at("mcp.json"), "--state-dir", folder.at("state")]);
  expect(stderr).toStartWith(`1mcp: a file or folder cannot be written (${folder.at("state")}: file already exists)\nhint: check who owns it`);
  expect(code).toBe(1);
});

test("without an environment of its own a run has that of the process", async () => {
  const [stdout, stderr] = [keptOutput(true), keptOutput()];
  const code = await run({ argv: ["config", "schema"], env: null, stdout, stderr, signals: new EventEmitter(), pipes: standardPipes, clock: null, selfArgv: [] });
  expect({ code, stderr: stderr.text() }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout.text())).toMatchObject({ type: "object", title: "1mcp configuration" });
});
