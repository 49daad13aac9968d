import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Program, startProgram } from "../fixtures/program.ts";
import { shell, type ShellOptions, startShell } from "../fixtures/shell.ts";

let program: Program;
beforeAll(async () => void (program = await startProgram({ config: { port: 0, mcpServers: { demo: { command: process.execPath, args: [`${import.meta.dir}/../../src/main.ts`, "demo"] }, gone: { command: "no-such-program" } } } })));
afterAll(() => program[Symbol.asyncDispose]());

const run = (args: readonly string[], options: ShellOptions = {}) => shell(["run", "--state-dir", `${program.dir}/state`, ...args], options);

describe("run", () => {
  test("prints what the tool gives and nothing else", async () => {
    expect(await run(["demo/echo", "--args", '{"text":"hi"}'])).toMatchObject({ code: 0, stdout: "hi\n" });
    expect(JSON.parse((await run(["demo/count", "--args", '{"text":"a b"}', "--raw"])).stdout)).toMatchObject({ structuredContent: { characters: 3, words: 2 } });
    expect((await run(["demo/count", "--format", "toon"], { input: "a b" })).stdout).toBe("characters: 3\nwords: 2\nlines: 1\n");
  });

  test("takes its arguments from standard input, as an object or a text", async () => {
    expect((await run(["demo/echo"], { input: '{"text":"object"}' })).stdout).toBe("object\n");
    expect((await run(["demo/echo"], { input: "plain\n" })).stdout).toBe("plain\n");
    expect(await run(["demo/wait"], { input: "text" })).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("no required string") });
  });

  test("says how much it left out", async () => {
    expect(await run(["demo/echo", "--max-chars", "2"], { input: "abcdef" })).toMatchObject({ code: 0, stdout: "ab\n", stderr: expect.stringContaining("1mcp: 4 characters more; --max-chars 0 shows all of them\n") });
  });

  test("gives 2 where the tool says that it failed, and 1 for everything else, a wrong command line too", async () => {
    expect(await run(["demo/fail"])).toMatchObject({ code: 2, stdout: "This tool always fails.\n" });
    const wrong: readonly (readonly [readonly string[], string])[] = [
      [["demo/ecko"], "did you mean demo/echo?"],
      [["demo/zzzzzz"], "1mcp inspect demo"],
      [["dema/echo"], "did you mean demo?"],
      [["gone/echo"], "1mcp wait gone"],
      [["demo"], "1mcp run SERVER/TOOL"],
      [[], "1mcp run SERVER/TOOL"],
      [["demo/echo", "--args", "x"], "--args must be a JSON object"],
      [["demo/echo", "--argz", "x"], "did you mean --args?"],
      [["demo/echo", "--format", "xml"], "--format must be"],
      [["demo/echo", "--url", "http://127.0.0.1:1/mcp"], "no 1mcp server can be reached"],
      [["demo/echo", "--state-dir", "/nowhere"], "1mcp serve --background"],
    ];
    for (const [args, words] of wrong) expect(await run(args)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(words) });
  });

  test("asks the server's questions at a terminal, and says clearly where there is none", async () => {
    const asked = await run(["demo/greet", "--args", "{}"], { terminal: true, types: [["Name (What shall I call you?): ", "Ada\n"]] });
    expect(asked).toMatchObject({ code: 0, stdout: "Hello, Ada!\n", stderr: expect.stringContaining("[demo] What is your name?") });
    expect(await run(["demo/greet"])).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("capabilit") });
  });

  test("shows progress of what takes long, and is ended by a signal", async () => {
    const started = startShell(["run", "--state-dir", `${program.dir}/state`, "demo/steps", "--args", '{"steps":100}']);
    await started.stderr.said("/100 Step ");
    started.signals.emit("SIGINT");
    expect(await started.code).toBe(1);
    expect([started.stdout.text(), started.stderr.text().includes("the call was cancelled (it was interrupted)"), started.signals.eventNames()]).toEqual(["", true, []]);
  });
});

describe("with --url", () => {
  test("the token is the one that is given, and a wrong one is told of", async () => {
    const env = { ONE_MCP_TOKEN: program.token ?? "" };
    const away = ["--state-dir", `${program.dir}/other`, "--url", `${program.origin}/mcp`];
    expect((await shell(["run", "demo/echo", ...away], { env, input: "hi" })).stdout).toBe("hi\n");
    expect(await shell(["inspect", ...away], { env: { ONE_MCP_TOKEN: "wrong" } })).toMatchObject({ code: 1, stderr: expect.stringContaining("not valid here") });
    expect(await shell(["inspect", ...away])).toMatchObject({ code: 1, stderr: expect.stringContaining("ONE_MCP_TOKEN") });
  });
});
