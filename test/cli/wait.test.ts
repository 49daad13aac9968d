import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Program, startProgram } from "../fixtures/program.ts";
import { shell, type ShellOptions } from "../fixtures/shell.ts";

let program: Program;
beforeAll(async () => void (program = await startProgram({ config: { port: 0, mcpServers: { demo: { command: process.execPath, args: [`${import.meta.dir}/../../src/main.ts`, "demo"], tags: ["shown"] }, off: { command: "x", disabled: true }, gone: { command: "no-such-program" } } } })));
afterAll(() => program[Symbol.asyncDispose]());

const ask = async (args: readonly string[], options?: ShellOptions) => shell([...args, "--state-dir", `${program.dir}/state`], options);

describe("wait", () => {
  test("gives 0 once a server can be called", async () => {
    const { code, stdout } = await ask(["wait", "demo", "--format", "json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { kind: "wait", status: "ready", servers: [{ server: "demo", available: true }], errors: [] }]);
    expect((await ask(["wait", "demo"], { terminal: true })).stdout).toBe("it is ready\n");
  });

  test("ends at once where somebody's help is needed, and when time is up", async () => {
    expect(await ask(["wait", "off", "--format", "text"])).toMatchObject({ code: 1, stdout: expect.stringContaining("1mcp mcp enable off") });
    const late = await ask(["wait", "--timeout", "1", "--format", "json"]);
    expect([late.code, JSON.parse(late.stdout)]).toMatchObject([1, { status: "timeout", errors: [{ code: "BACKEND_TIMEOUT", server: "gone", hint: expect.stringContaining("--timeout") }] }]);
    expect(await ask(["wait", "nobody"])).toMatchObject({ code: 1, stderr: expect.stringContaining("there are: demo") });
  });
});
