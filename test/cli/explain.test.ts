import { expect, test } from "bun:test";
import { faults } from "../../src/base/index.ts";
import type { AskedTool, Explained } from "../../src/catalog/index.ts";
import { explainActions } from "../../src/front/explain.ts";
import { runHere } from "../fixtures/cli.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

const tool: Explained = { server: "git", tool: "log", public: null, steps: [{ rule: "server", shows: true, because: "server “git” is ready" }, { rule: "grant", shows: false, because: "no\u001b[31m scope" }] };
const seen: Explained = { ...tool, public: "git__log", steps: [] };

async function running(answer: readonly Explained[]) {
  const asked: AskedTool[] = [];
  const grants = () => [{ id: "g1", kind: "token" as const, name: "ci", scopes: ["tag:a"], createdAt: 0, usedAt: null, expiresAt: null }];
  const server = await operated({}, undefined, { auth: { ...idleOperator(), grants: grants as never }, actions: explainActions({ explain: (one) => (asked.push(one), answer), selected: () => [], presets: () => new Map() }) });
  return { asked, run: (...argv: string[]) => runHere(["explain", ...argv, ...server.flags]), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test("the rules of a tool stand in a line each, the ones that hide it in capitals, and nothing drives the terminal", async () => {
  await using at = await running([tool, seen]);
  expect(await at.run("git__log", "--filter", "a,b", "--grant", "ci")).toEqual({ code: 0, stderr: "", stdout: "git/log is not seen\n  shows  server:     server “git” is ready\n  HIDES  grant:      no\\u001b[31m scope\ngit/log is seen as “git__log”\n" });
  expect(JSON.parse((await at.run("git__log", "--json")).stdout)).toEqual([tool, seen]);
  expect(at.asked).toEqual([{ name: "git__log", scopes: ["tag:a"], filter: "a || b" }, { name: "git__log", scopes: null, filter: null }]);
});

test("a name of nothing, no name, a grant that there is not, and a mistake are refused", async () => {
  await using at = await running([]);
  expect(await at.run("nothing")).toMatchObject({ code: 1, stderr: expect.stringContaining("“nothing” is no tool, and no error's code") as string });
  expect((await at.run()).code).toBe(2);
  expect((await at.run("x", "--grant", "nobody")).code).toBe(1);
  expect(await at.run("x", "--filter", "a &")).toMatchObject({ code: 2, stderr: expect.stringContaining("  a &\n    ^\n") as string });
});

test("a code is told apart, and needs no server", async () => {
  await using folder = await createFolder();
  const flags = ["--state-dir", folder.at("state")];
  expect(await runHere(["explain", "BACKEND_BUSY", ...flags])).toEqual({ code: 0, stderr: "", stdout: "BACKEND_BUSY: too many calls are in flight to the server\n  hint:  try again later\n  HTTP status 429, JSON-RPC error -32603, exit code 1\n" });
  expect(JSON.parse((await runHere(["explain", "BACKEND_BUSY", "--json", ...flags])).stdout)).toMatchObject({ code: "BACKEND_BUSY", http: 429 });
  expect((await runHere(["explain", "backend_busy", ...flags])).stderr).toContain("no 1mcp server can be reached");
});

test("every code there is can be explained, as words and as JSON, without a server", async () => {
  for (const [code, { text, hint, exit }] of Object.entries(faults)) {
    const words = await runHere(["explain", code]);
    expect([words.code, words.stdout.startsWith(`${code}: ${text}\n`), words.stdout.includes(`hint:  ${hint}\n`)]).toEqual([0, true, true]);
    expect(JSON.parse((await runHere(["explain", code, "--json"])).stdout)).toMatchObject({ code, exit });
  }
});

test("a code that there is not is told of, with one that is near", async () => {
  expect((await runHere(["explain", "TOKEN_INVALIT"])).stderr).toContain("did you mean TOKEN_INVALID?");
  expect((await runHere(["explain", "QQ_QQ"])).stderr).toContain("there are: MESSAGE_INVALID_JSON, ");
});
