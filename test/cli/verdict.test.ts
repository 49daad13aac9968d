import { expect, test } from "bun:test";
import { verdictOf } from "../../src/cli/verdict.ts";
import { serverFactsOf } from "../../src/hub/index.ts";
import { statusOf } from "../fixtures/pool.ts";

const verdict = (state: Parameters<typeof statusOf>[1], tools: number | null = null) => {
  const { code, text } = verdictOf(serverFactsOf(statusOf("web", state)), tools, 5_000);
  return [code, ...text];
};
const logs = "`1mcp mcp logs web -f` shows what it says";

test("each state has its words and its exit code", () => {
  expect(verdict({ state: "ready" }, 2)).toEqual([0, "web is ready, with 2 tools"]);
  expect(verdict({ state: "idle" }, 1)).toEqual([0, "web is idle, with 1 tool"]);
  expect(verdict({ state: "ready" })).toEqual([0, "web is ready"]);
  expect(verdict({ state: "disabled" })).toEqual([0, "web is switched off"]);
  expect(verdict({ state: "needs-login" })).toEqual([3, "web wants a login: `1mcp auth login web`"]);
  expect(verdict({ state: "starting", stderr: ["npm …"] })).toEqual([1, `web is still starting after 5 s, and goes on: ${logs}`, "  | npm …"]);
  expect(verdict({ state: "misconfigured", reason: "“env” needs X" })).toEqual([1, "web is out: “env” needs X"]);
  expect(verdict({ state: "backing-off", lastError: { message: "gone", at: 0 } })).toEqual([1, "web does not come up (backing-off): gone", `it is tried again by itself; ${logs}`]);
  expect(verdict({ state: "backing-off" })[1]).toBe("web does not come up (backing-off): nobody says why");
});
