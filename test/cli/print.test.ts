import { expect, test } from "bun:test";
import { fault, faultOf } from "../../src/base/index.ts";
import { changeText, faultText, issueText, spanText } from "../../src/cli/print.ts";

test("a fault is printed as what, which server, and what to do", () => {
  expect(faultText(fault("BACKEND_COMMAND", { backend: "files", detail: "no such file" }))).toBe(
    "1mcp: files: the server's command could not be started (no such file)\nserver: files\nhint: check command, cwd and PATH\n",
  );
  expect(faultText(fault("USAGE", { hint: "other" }))).toBe("1mcp: the command line is not valid\nhint: other\n");
});

test("a bug is printed with its place, anything else without", () => {
  const bug = new Error("boom");
  expect(faultText(faultOf(bug))).toContain(bug.stack ?? "no stack");
  expect(faultText(faultOf("text"))).toContain("\ntext\n");
  expect(faultText(fault("LISTEN_FAILED", { cause: bug }))).not.toContain("boom");
});

test("nothing that is printed can drive a terminal", () => {
  expect(faultText(fault("USAGE", { detail: "\u001b[2Jx\ny" }))).toBe("1mcp: the command line is not valid (\\u001b[2Jx\\u000ay)\nhint: see --help\n");
});

test("an issue is one line that begins with its place", () => {
  const issue = { path: ["mcpServers", "a"], line: 3, column: 7, message: "“a” is wrong", hint: "mend it", server: null };
  expect(issueText("/etc/mcp.json", issue)).toBe("/etc/mcp.json:3:7: “a” is wrong (mend it) [mcpServers.a]\n");
  expect(issueText("/etc/mcp.json", { ...issue, path: [], line: 0, column: 0, hint: null })).toBe("/etc/mcp.json: “a” is wrong\n");
});

test("a reload reads as a line for each fate that a server had", () => {
  const none = { added: [], removed: [], changed: [], kept: [] };
  const reloaded = { result: "changed", path: "/c.json", change: { ...none, removed: ["a\u0007"], changed: ["b"] }, issues: [], restart: ["port", "host"], reason: null } as const;
  expect(changeText(reloaded)).toBe("/c.json is in place\n  removed: a\\u0007\n  changed: b\n  counts from the next start on: port, host\n");
  expect(changeText({ ...reloaded, result: "unchanged", path: null, change: none, restart: [] })).toBe("the demonstration is as it was\n");
});

test("a span of time is told in its largest unit", () => {
  expect([-5, 0, 999, 1000, 59_999, 60_000, 3_600_000, 90_000_000].map(spanText)).toEqual(["0 s", "0 s", "0 s", "1 s", "59 s", "1 min", "1 h", "1 d"]);
});
