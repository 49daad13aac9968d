import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Program, startProgram } from "../fixtures/program.ts";
import { shell, type ShellOptions } from "../fixtures/shell.ts";

let program: Program;
beforeAll(async () => void (program = await startProgram({ config: { port: 0, mcpServers: { demo: { command: process.execPath, args: [`${import.meta.dir}/../../src/main.ts`, "demo"], tags: ["shown"] }, off: { command: "x", disabled: true }, gone: { command: "no-such-program" } } } })));
afterAll(() => program[Symbol.asyncDispose]());

const ask = async (args: readonly string[], options?: ShellOptions) => shell([...args, "--state-dir", `${program.dir}/state`], options);
const json = async (args: readonly string[]) => JSON.parse((await ask(["inspect", ...args, "--format", "json"])).stdout) as Record<string, unknown>;

describe("inspect", () => {
  test("shows the servers, and those too that cannot be asked", async () => {
    await ask(["wait", "demo"]);
    expect(await json([])).toMatchObject({
      kind: "servers",
      servers: [
        { server: "demo", type: "stdio", status: "ready", available: true, loadTracked: true, toolCount: 7, hasInstructions: true },
        { server: "off", status: "disabled", available: false, toolCount: null, hasInstructions: false },
        { server: "gone", available: false, toolCount: null },
      ],
    });
    expect((await ask(["inspect"], { terminal: true })).stdout).toContain("SERVER  TYPE   STATUS");
    expect((await ask(["inspect"])).stdout).toStartWith("kind: servers\nservers[3]{server,type,");
  });

  test("shows the tools of one server page by page", async () => {
    const first = await json(["demo", "--limit", "3"]);
    expect(first).toMatchObject({ kind: "server", server: "demo", totalTools: 7, hasMore: true });
    const next = await json(["demo", "--limit", "3", "--cursor", String(first["nextCursor"])]);
    const tools = [first, next].flatMap((page) => (page["tools"] as { tool: string }[]).map(({ tool }) => tool));
    expect(new Set(tools).size).toBe(6);
    expect(await json(["demo", "--all"])).toMatchObject({ hasMore: false, tools: { length: 7 } });
    expect((await ask(["inspect", "demo", "--limit", "2", "--format", "text"])).stdout).toContain("5 more: --cursor ");
    expect(await ask(["inspect", "demo", "--cursor", "nonsense"])).toMatchObject({ code: 1, stderr: expect.stringContaining("cursor") });
  });

  test("shows one tool, and how to run it", async () => {
    expect(await json(["demo/count"])).toMatchObject({ kind: "tool", server: "demo", tool: "count", qualifiedName: "demo/count", requiredArgs: ["text"], optionalArgs: [], fromCache: false, outputSchema: { type: "object" }, examples: [`1mcp run demo/count --args '{"text":"…"}'`] });
    expect((await ask(["inspect", "demo/echo"], { terminal: true })).stdout).toBe(`demo/echo\nReturns the text it is given\n  text: string  Any text\nfor example: 1mcp run demo/echo --args '{"text":"…"}'\n`);
    expect((await ask(["inspect", "demo/picture"], { terminal: true })).stdout).toContain("takes nothing");
    expect(await ask(["inspect", "demo/ecko"])).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean demo/echo?") });
    expect(await ask(["inspect", "dem"])).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean demo?") });
  });

  test("shows no more than a selection has", async () => {
    expect(await json(["--tag-filter", "shown"])).toMatchObject({ servers: [{ server: "demo" }, { server: "off" }, { server: "gone" }] });
    expect(((await json(["--tag-filter", "!shown"]))["servers"] as { server: string }[]).map(({ server }) => server)).not.toContain("demo");
    expect(await ask(["inspect", "--tag-filter", "a &&"])).toMatchObject({ code: 2, stderr: expect.stringContaining("^") });
  });
});
