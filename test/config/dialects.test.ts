import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { isOwnEntry, ownNameOf, parseAppEntry } from "../../src/config/dialects.ts";
import { substitute } from "../../src/config/substitute.ts";
import { applicationOf } from "../fixtures/apps.ts";

const entryOf = (id: string, value: unknown): unknown => {
  const read = parseAppEntry(applicationOf(id), value);
  return read.ok ? read.entry : read.problem;
};

describe("an entry of another application", () => {
  test.each([
    ["opencode", { type: "local", command: ["npx", "-y", "a"], environment: { A: "{env:B}" }, enabled: false }, { command: "npx", args: ["-y", "a"], env: { A: "${B}" }, disabled: true }],
    ["codex", { url: "https://x/mcp", bearer_token_env_var: "T", env_http_headers: { "X-A": "B" }, startup_timeout_ms: 1500 }, { url: "https://x/mcp", headers: { "X-A": "${B}", Authorization: "Bearer ${T}" }, connectionTimeout: 1500 }],
    ["codex", { command: "x", env_vars: ["A"], env: { A: 7 }, cwd: "/w" }, { command: "x", env: { A: "7" }, cwd: "/w" }],
    ["gemini-cli", { url: "http://x/sse" }, { type: "sse", url: "http://x/sse" }],
    ["gemini-cli", { httpUrl: "http://x/mcp", excludeTools: ["a"] }, { type: "http", url: "http://x/mcp", disabledTools: ["a"] }],
    ["cursor", { command: "${userHome}/x", args: ["${env:A}", "${B}"] }, "refers in an argument to ${B}, which only the application knows"],
    ["cursor", { command: "${userHome}/x", args: ["${env:A}"] }, { command: "${HOME}/x", args: ["${A}"] }],
    ["zed", { command: { path: "/p", args: ["${A}"], env: { B: "c" } } }, { command: "/p", args: ["$${A}"], env: { B: "c" } }],
    ["continue", { name: "n", url: "u", requestOptions: { headers: { A: "${{ secrets.K }}" } } }, { url: "u", headers: { A: "${K}" } }],
    ["cline", { command: "x", timeout: 2.5 }, { command: "x", requestTimeout: 2500 }],
    ["cursor", { command: "x", timeout: 5 }, { command: "x" }],
  ])("of %s is read as one of ours", (id, value, expected) => {
    expect(entryOf(id, value)).toEqual(expected);
  });

  test.each([
    [7, "is no object"],
    [{}, "names neither a program nor an address"],
    [{ command: "" }, "names no program"],
    [{ command: "x", args: [{}] }, "has an argument in a form that is not known"],
    [{ command: "x", env: "A=B" }, "has env in a form that is not known"],
    [{ command: "x", envFile: ".env" }, "takes its variables from a file (envFile)"],
    [{ command: "x", cwd: "./here" }, "runs in ./here, which is wherever the application runs"],
    [{ command: "x", includeTools: ["a"] }, "shows only some of its tools (includeTools); say the others in disabledTools"],
    [{ command: "x", env: { LD_PRELOAD: "y" } }, "sets LD_PRELOAD, which loads code; write it yourself, with unsafeEnv"],
    [{ type: "builtin" }, "is of the application's own kind (builtin)"],
  ])("stays where it is when it cannot be said here: %j", (value, problem) => {
    expect(entryOf("cursor", value)).toBe(problem);
  });

  test("says what does not come along", () => {
    const read = parseAppEntry(applicationOf("cline"), { command: "x", args: ["./y.py"], autoApprove: ["a"], icon: "i", description: "", none: null });
    expect(read.ok && read.notes).toEqual(["./y.py is meant from wherever the application runs: write the whole path, or set cwd", "what it approves by itself (autoApprove) stays the application's business", "not moved: icon, description"]);
  });

  test("of an application without references means its texts as they stand, whatever is in them", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("${A}", "$${A}", "${", "$$", "O'Brien & co $(id)")), { maxLength: 5 }), (args) => {
        const entry = entryOf("claude-desktop", { command: "x", args }) as { readonly args?: readonly string[] };
        expect((entry.args ?? []).map((one) => substitute(one, new Map([["A", "wrong"]])).text)).toEqual(args);
      }),
    );
  });
});

test("an entry that leads to us is known by its name or by what it starts", () => {
  expect(isOwnEntry("1mcp", {})).toBe(true);
  expect(isOwnEntry("all", { command: "/opt/1mcp", args: ["proxy"] })).toBe(true);
  expect(isOwnEntry("all", { type: "local", command: ["C:\\1mcp.exe", "proxy"] })).toBe(true);
  expect(isOwnEntry("all", { command: "/opt/1mcp", args: ["demo"] })).toBe(false);
  expect(isOwnEntry("all", null)).toBe(false);
});

test("a name becomes one that can stand here", () => {
  expect([ownNameOf("GitHub Copilot", "__"), ownNameOf("a__b", "__"), ownNameOf("日本", "__"), ownNameOf("@up/ctx7", "__"), ownNameOf("x".repeat(99), "__").length]).toEqual(["GitHub-Copilot", "a-b", "server", "up-ctx7", 64]);
  expect([ownNameOf("my-server", "-"), ownNameOf("a--b c", "--"), ownNameOf("a---b", "--"), ownNameOf("a_b-c", "_-"), ownNameOf("日本", "-")]).toEqual(["my_server", "a_b_c", "a_-b", "a_b-c", "server"]);
  expect(["1MCP", "constructor", "__proto__", "prototype"].map((name) => ownNameOf(name, "-"))).toEqual(["1MCP_server", "constructor_server", "__proto___server", "prototype_server"]);
});

test("whatever an entry holds, reading it says what, and throws nothing", () => {
  const odd = fc.oneof(fc.jsonValue(), fc.constant({ toString: false }), fc.constantFrom("x", 1, true));
  const entry = fc.dictionary(fc.constantFrom("command", "args", "env", "url", "httpUrl", "type", "transport", "headers", "env_http_headers", "requestOptions", "name", "enabled", "excludeTools", "timeout"), fc.oneof(odd, fc.array(odd), fc.dictionary(fc.constantFrom("a", "headers"), odd)));
  fc.assert(fc.property(fc.constantFrom("cursor", "codex", "continue", "gemini-cli", "opencode", "zed"), entry, (id, value) => expect(parseAppEntry(applicationOf(id), value).ok).toBeBoolean()), { numRuns: 1000 });
});
