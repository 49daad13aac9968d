import { describe, expect, test } from "bun:test";
import type { BackendState, BackendStatus } from "../../src/backend/index.ts";
import type { Clock } from "../../src/base/index.ts";
import { run } from "../../src/cli/index.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

const serverOf = (name: string, state: BackendState, more: Partial<BackendStatus> = {}): BackendStatus => ({ name, state, since: Date.now() - 65_000, retryAt: null, lastError: null, breaker: "closed", lists: "live", pid: 7, reason: null, stderr: [], restarts: 0, retried: 0, inFlight: 2, revision: "2025-11-25", ...more });
const ailing = serverOf("bad\u001b[2J", "backing-off", { pid: null, revision: null, restarts: 3, reason: "it ended with 1", retryAt: Date.now() + 3_600_000 * 5, stderr: ["no\u0007 such file", "bye"] });

/** On a terminal. */
async function shown(argv: readonly string[]): Promise<{ code: number; text: string }> {
  const [stdout, stderr] = [keptOutput(true), keptOutput()];
  const code = await run({ argv, env: {}, stdout, stderr, signals: process, pipes: () => ({}) as never, clock: null as Clock | null, selfArgv: [] });
  return { code, text: stdout.text() + stderr.text() };
}

describe("status", () => {
  test("names servers of which not everything is as it was trusted, and what to do", async () => {
    const drift = { key: "tools/a", how: "changed" as const, was: "1", is: "2", lines: [] };
    await using server = await operated({ untrusted: [{ server: "a", pin: "block", digest: "", drifts: [drift] }, { server: "b\u202e", pin: "warn", digest: "", drifts: [drift, drift] }] });
    const { stdout } = await runHere(["status", ...server.flags]);
    expect(stdout).toContain("\na: 1 definition is not what was trusted, and withheld; 1mcp mcp trust a shows and accepts it\n");
    expect(stdout).toContain("\nb\\u202e: 2 definitions are not what was trusted; 1mcp mcp trust b\\u202e shows and accepts it\n");
  });

  test("tells what of servers is not shown or named in vain, as much as is worth reading", async () => {
    const problem = (backend: string, id: string) => ({ backend, kind: "tools" as const, id, reason: "why\u0007" });
    const problems = [problem("a", "t"), ...Array.from({ length: 25 }, (_, at) => problem("b", `t${at}`))];
    await using server = await operated({ backends: [serverOf("a", "ready")], problems });
    const all = (await runHere(["status", ...server.flags])).stdout;
    expect(all).toContain('\nnot shown, or not as it came, or not there:\n  a, tools, "t": why\\u0007\n  b, tools, "t0": why');
    expect(all).toEndWith("\n  and 6 more; --json shows them\n");
    expect((await runHere(["status", "a", ...server.flags])).stdout).toEndWith('not there:\n  a, tools, "t": why\\u0007\n');
    expect(JSON.parse((await runHere(["status", "--json", ...server.flags])).stdout)).toMatchObject({ problems });
  });

  test("is a table for a person, with what is wrong and the last words below it, and nothing that drives the terminal", async () => {
    await using server = await operated({ backends: [serverOf("good", "ready"), ailing], inFlight: 2 });
    const { code, text } = await shown(["status", ...server.flags]);
    expect(code).toBe(0);
    expect(text.replace(/process \d+\) for \d+ \w+/, "process P) for T").replace(/memory: \d+ MB/, "memory: M")).toBe(
      [
        "1mcp 1.2.3 is running at http://127.0.0.1:3050/mcp (process P) for T",
        "  config: /c.json",
        "  calls in flight: 2, sessions: 0, streams: 0, memory: M",
        "",
        "SERVER        STATE        FOR    IN FLIGHT  RESTARTS  PID  REVISION",
        "good          ready        1 min  2          0         7    2025-11-25",
        "bad\\u001b[2J  backing-off  1 min  2          3         -    -",
        "",
        "bad\\u001b[2J is backing-off, tried again in 4 h: it ended with 1",
        "  | no\\u0007 such file",
        "  | bye",
        "",
      ].join("\n"),
    );
  });

  test("has a tab between its fields in a pipe", async () => {
    await using server = await operated({ backends: [serverOf("a\tb", "ready")] });
    expect((await runHere(["status", "a\tb", ...server.flags])).stdout).toBe("SERVER\tSTATE\tFOR\tIN FLIGHT\tRESTARTS\tPID\tREVISION\na\\u0009b\tready\t1 min\t2\t0\t7\t2025-11-25\n");
  });

  test("is everything as JSON, of all servers or of one", async () => {
    await using server = await operated({ backends: [serverOf("good", "ready"), ailing] });
    const all = await runHere(["status", "--json", ...server.flags]);
    expect(JSON.parse(all.stdout)).toMatchObject({ phase: "running", url: "http://127.0.0.1:3050/mcp", version: "1.2.3", pid: process.pid, servers: [{ name: "good", healthy: true }, { state: "backing-off", stderr: ["no\u0007 such file", "bye"] }] });
    const one = await runHere(["status", "good", "--json", ...server.flags]);
    expect([one.code, JSON.parse(one.stdout)]).toMatchObject([0, { name: "good", state: "ready", restarts: 0 }]);
  });

  test("says that a rejected configuration is not the running one, and why", async () => {
    const issue = { path: [], line: 3, column: 5, message: "unknown key", hint: null, server: null };
    await using server = await operated({ config: { state: "rejected", at: 0, issues: [issue], path: "/c.json" } });
    const { code, stdout } = await runHere(["status", ...server.flags]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/was rejected when it last changed[^]*\/c\.json:3:5: unknown key/u)]);
  });
});

describe("the exit code of status", () => {
  test("is 0 when ready, and 4 when there is a server that is not", async () => {
    for (const [phase, code] of [["running", 0], ["starting", 4], ["draining", 4]] as const) {
      await using server = await operated({ phase });
      expect((await runHere(["status", ...server.flags])).code).toBe(code);
    }
    await using server = await operated();
    await server.close();
    const { code, stdout } = await runHere(["status", ...server.flags]);
    expect([code, stdout]).toEqual([4, `1mcp: not ready: process ${process.pid} does not answer\n`]);
    expect(JSON.parse((await runHere(["status", "--json", ...server.flags])).stdout)).toMatchObject({ phase: "silent", pid: process.pid });
  });

  test("is 3 when there is none", async () => {
    await using folder = await createFolder();
    expect(await runHere(["status"], { ONE_MCP_STATE_DIR: folder.at("state") })).toEqual({ code: 3, stdout: "1mcp: not running\n", stderr: "" });
    expect(JSON.parse((await runHere(["status", "--json", "--state-dir", folder.at("state")])).stdout)).toEqual({ phase: "not-running" });
  });

  test("follows the one server that is asked for, and is 1 for one that does not exist, 2 for a wrong command line", async () => {
    await using server = await operated({ backends: [serverOf("good", "idle"), serverOf("bad", "degraded")] });
    expect((await runHere(["status", "good", ...server.flags])).code).toBe(0);
    expect((await runHere(["status", "bad", ...server.flags])).code).toBe(4);
    expect(await runHere(["status", "goood", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean good?") });
    expect(await runHere(["status", "else", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("there are: good, bad") });
    expect((await runHere(["status", "good", "bad", ...server.flags])).code).toBe(2);
  });
});
