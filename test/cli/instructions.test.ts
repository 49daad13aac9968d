import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Program, startProgram } from "../fixtures/program.ts";
import { shell, type ShellOptions } from "../fixtures/shell.ts";

let program: Program;
beforeAll(async () => void (program = await startProgram({ config: { port: 0, mcpServers: { demo: { command: process.execPath, args: [`${import.meta.dir}/../../src/main.ts`, "demo"], tags: ["shown"] }, off: { command: "x", disabled: true }, gone: { command: "no-such-program" } } } })));
afterAll(() => program[Symbol.asyncDispose]());

const ask = async (args: readonly string[], options?: ShellOptions) => shell([...args, "--state-dir", `${program.dir}/state`], options);

describe("instructions", () => {
  test("are one page for an agent: how to ask, the servers, and their own words", async () => {
    await ask(["wait", "demo"]);
    const { code, stdout } = await ask(["instructions"]);
    expect(code).toBe(0);
    for (const words of ["1mcp run SERVER/TOOL", "- server: demo\n  type: stdio\n  status: ready\n  available: true\n  load_tracked: true\n  tools: 7\n  instructions: true\n", "tools: unknown", "## Instructions of demo\n\nA demonstration server"]) expect(stdout).toContain(words);
    expect(stdout).not.toContain("## Instructions of off");
  });

  test("say when there is no server, and when there is nobody to ask", async () => {
    await using empty = await startProgram({ config: { port: 0 } });
    expect((await shell(["instructions", "--state-dir", `${empty.dir}/state`])).stdout).toContain("There is none.");
    expect(await shell(["instructions", "--state-dir", "/nowhere"])).toMatchObject({ code: 1, stderr: expect.stringContaining("no 1mcp server can be reached") });
  });
});
