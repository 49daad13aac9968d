/** The official scenarios of the tasks extension, through the real program to a backend that has the extension. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanEnv, type Program, projectDir, startProgram } from "../fixtures/program.ts";

const suite = join(projectDir, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js");

/** Runs one scenario, which belongs to no revision's set, and gives the suite's count. */
async function run(scenario: string): Promise<{ exitCode: number; passed: number; of: number; output: string }> {
  const argv = [process.execPath, suite, "server", "--url", `${program.origin}/mcp/tasks`, "--scenario", scenario, "--spec-version", "2026-07-28", "--force"];
  const child = Bun.spawn(argv, { env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  const output = stdout + stderr;
  const [, passed, of] = /Passed: (\d+)\/(\d+), 0 failed, 0 warnings/u.exec(output) ?? [];
  return { exitCode, passed: Number(passed ?? 0), of: Number(of ?? 0), output };
}

let program: Program;
beforeAll(async () => {
  program = await startProgram({ config: { mcpServers: { tasks: { command: process.execPath, args: [join(projectDir, "test", "fixtures", "taskServer.ts")] } } }, auth: false });
});
afterAll(() => program[Symbol.asyncDispose]());

const scenarioMsMax = 60_000;

// Scenario → its checks: fewer would mean that some were passed over.
test.each([
  ["tasks-lifecycle", 9],
  ["tasks-capability-negotiation", 5],
  ["tasks-wire-fields", 4],
  ["tasks-request-state-removal", 3],
  ["tasks-mrtr-input", 4],
  ["tasks-request-headers", 5],
  ["tasks-dispatch-and-envelope", 9],
  ["tasks-required-task-error", 3],
  ["tasks-mrtr-composition", 2],
] as const)(
  "%s passes, all %d checks",
  async (scenario, checks) => {
    const { exitCode, passed, of, output } = await run(scenario);
    expect({ exitCode, passed, of }, output).toEqual({ exitCode: 0, passed: checks, of: checks });
  },
  scenarioMsMax,
);
