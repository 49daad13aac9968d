/** Agents and people at the shell: the real program on a terminal and in a pipe. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Answers, onTerminal } from "../fixtures/onTerminal.ts";
import { cleanEnv, type Program, programArgv, startProgram, temporaryDir } from "../fixtures/program.ts";

let program: Program;
beforeAll(async () => void (program = await startProgram()));
afterAll(() => program[Symbol.asyncDispose]());

const at = (): string[] => ["--state-dir", `${program.dir}/state`];

/** In a pipe, with something on standard input. */
async function piped(args: readonly string[], input = "", env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([...programArgv(), ...args], { env: cleanEnv(env), stdin: new Blob([input]), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** On a terminal that is wide enough for a table. */
const typed = (args: readonly string[], answers: Answers = [], env: Record<string, string> = {}): Promise<{ code: number; text: string }> => onTerminal(args, answers, { cols: 120, env: { TERM: "xterm", ...env } });

describe("in a pipe", () => {
  test("each command for agents does its work and says so by its exit code", async () => {
    expect(await piped(["wait", ...at()])).toMatchObject({ code: 0 });
    expect((await piped(["inspect", ...at()])).stdout).toContain("  demo,stdio,ready,true,true,7,true\n");
    expect((await piped(["instructions", ...at()])).stdout).toContain("- server: demo\n");
    expect(await piped(["run", "demo/echo", ...at()], "hi\n")).toMatchObject({ code: 0, stdout: "hi\n" });
    expect(await piped(["run", "demo/fail", ...at()])).toMatchObject({ code: 2, stdout: "This tool always fails.\n" });
    expect(await piped(["run", "demo/nothing", ...at()])).toMatchObject({ code: 1, stdout: "" });
    expect(await piped(["run"])).toMatchObject({ code: 1, stdout: "" });
    expect(await piped(["inspect", "nobody", ...at()])).toMatchObject({ code: 1, stdout: "" });
    expect(await piped(["wait", "nobody", ...at()])).toMatchObject({ code: 1, stdout: "" });
    expect(await piped(["inspect", "--limit", "x"])).toMatchObject({ code: 2, stdout: "" });
  }, 60_000);

  test("each command that helps does so", async () => {
    await using dir = await temporaryDir();
    const folder = ["--state-dir", `${dir.path}/state`];
    expect(await piped(["explain", "BACKEND_DOWN"])).toMatchObject({ code: 0, stdout: expect.stringContaining("BACKEND_DOWN: the server is not available") });
    expect(await piped(["explain", "BACKEND_DOWM"])).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean BACKEND_DOWN?") });
    expect((await piped(["completion", "bash"])).stdout).toContain("complete -F _1mcp 1mcp");
    expect(await piped(["completion", "csh"])).toMatchObject({ code: 2 });
    expect(await piped(["doctor", "--port", "0", ...folder])).toMatchObject({ code: 2 });
    expect((await piped(["doctor", "--json", ...at()], "", { HOME: dir.path })).code).toBe(0);
    expect(await piped(["serve", "--status", ...folder])).toMatchObject({ code: 3 });
    expect(await piped(["serve", "--status", ...at()])).toMatchObject({ code: 0, stdout: expect.stringContaining("Servers: 1/1 ready") });
    expect(await piped(["serve", "--stop", ...folder])).toMatchObject({ code: 0 });
    expect(await piped(["serve", "--stop", "--restart", ...folder])).toMatchObject({ code: 2 });
  }, 60_000);
});

// Windows has no terminal of this kind.
describe.skipIf(process.platform === "win32")("on a terminal", () => {
  test("what is shown is for a person", async () => {
    expect((await typed(["inspect", ...at()])).text).toContain("SERVER  TYPE   STATUS  TOOLS  INSTRUCTIONS\r\ndemo    stdio  ready   7      yes");
    expect((await typed(["wait", ...at()])).text).toContain("it is ready");
    expect((await typed(["run", "demo/count", "--args", '{"text":"a b"}', ...at()])).text).toContain('{"characters":3,"words":2,"lines":1}');
    expect((await typed(["run", "demo/fail", ...at()])).code).toBe(2);
  }, 60_000);

  test("a server's question is asked there, and can be given up", async () => {
    const asked = await typed(["run", "demo/greet", ...at()], [["call you?): ", "Ada\r"]]);
    expect([asked.code, asked.text.includes("Hello, Ada!")]).toEqual([0, true]);
    expect(await typed(["run", "demo/greet", ...at()], [["call you?): ", "\u0003"]])).toMatchObject({ code: 1, text: expect.stringContaining("cancelled") });
  }, 60_000);

  test("what takes longer than a second shows how far it is, on one line that is gone in the end", async () => {
    const { code, text } = await typed(["run", "demo/steps", "--args", '{"steps":25}', ...at()]);
    expect(code).toBe(0);
    expect(text).toMatch(/\r\u001b\[2K\d+\/25 Step \d+ of 25 \(\d s\)/);
    expect(text.trimEnd()).toEndWith("\u001b[2KTook 25 steps.");
  }, 60_000);

  test("the first run asks, and whoever presses Enter sees the demonstration", async () => {
    await using dir = await temporaryDir();
    const { text } = await typed(["--port", "0", "--state-dir", `${dir.path}/state`], [["Name: ", "\r"], ["listens on", "\u0003"]], { HOME: dir.path });
    expect(text).toContain("serving the demonstration server");
  }, 60_000);

  test("colours are for those who want them", async () => {
    await using dir = await temporaryDir();
    const broken = ["doctor", "--config", `${dir.path}/mcp.json`, "--state-dir", `${dir.path}/state`];
    await Bun.write(`${dir.path}/mcp.json`, "{");
    expect((await typed(broken, [], { NO_COLOR: "" })).text).toContain("\u001b[1;31merror");
    expect((await typed(broken, [], { NO_COLOR: "1" })).text).not.toContain("\u001b[1;31m");
  }, 60_000);
});
