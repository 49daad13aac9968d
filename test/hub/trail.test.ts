import { describe, expect, test } from "bun:test";
import { type AuditEntry, fault, nullAudit } from "../../src/base/index.ts";
import { Trail } from "../../src/hub/trail.ts";
import { type Outcome, rpcErrorOf } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { configOf, done, specOf, statusOf } from "../fixtures/pool.ts";

function stage(calls = true) {
  const entries: AuditEntry[] = [];
  return { entries, trail: new Trail({ ...nullAudit, record: (entry) => void entries.push(entry) }, calls) };
}

const failed = (thrown: Parameters<typeof rpcErrorOf>[0]): Outcome => ({ kind: "failed", error: rpcErrorOf(thrown) });
const limited = { id: "g_1", scopes: ["tag:a"] };

describe("the trail", () => {
  test("has a line for each call of a tool: who, which, what came of it, and nothing of what was said", () => {
    const { entries, trail } = stage();
    const call = callOf("tools/call", '{"name":"read","arguments":{"password":"hunter2"}}');
    expect(trail.ended(call, "files", done('{"content":[{"type":"text","text":"hunter2"}]}'), false)).toEqual(done('{"content":[{"type":"text","text":"hunter2"}]}'));
    trail.ended(call, "files", done('{"content":[],"isError":true}'), false);
    trail.ended(call, "files", failed(fault("BACKEND_TIMEOUT")), false);
    trail.ended(call, "files", { kind: "failed", error: { code: -32000, message: "hunter2", data: null, raw: "{}" } }, false);
    trail.ended(call, null, { kind: "task", result: call.params, backend: "files" }, false);
    trail.ended(callOf("tools/list"), null, done("{}"), false);
    expect(entries.map(({ ev, grant, target, result, call: id }) => [ev, grant, target, result, id])).toEqual([
      ["tool.call", "operator", "files/read", "ok", "test-1"],
      ["tool.call", "operator", "files/read", "tool_error", "test-1"],
      ["tool.call", "operator", "files/read", "BACKEND_TIMEOUT", "test-1"],
      ["tool.call", "operator", "files/read", "error -32000", "test-1"],
      ["tool.call", "operator", "read", "task", "test-1"],
    ]);
    expect(JSON.stringify(entries)).not.toContain("hunter2");
  });

  test("names whoever a grant is, where that is known", () => {
    const { entries, trail } = stage();
    const ada = { ...limited, person: { id: "p_1", name: "ada@example.com" } };
    trail.ended(callOf("tools/call", '{"name":"read"}', { principal: ada }), "files", done("{}"), false);
    trail.ended(callOf("tools/call", '{"name":"write"}', { principal: ada }), null, failed(fault("SCOPE_MISSING")), false);
    expect(entries.map(({ ev, grant, user }) => [ev, grant, user])).toEqual([["tool.call", "g_1", "ada@example.com"], ["authz.denied", "g_1", "ada@example.com"]]);
  });

  test("names the tool that was meant where it was called through the pair", () => {
    const { entries, trail } = stage();
    const through = '{"name":"1mcp__call","arguments":{"name":"b__read","arguments":{"password":"hunter2"}}}';
    trail.ended(callOf("tools/call", through), "b", done("{}"), true);
    trail.ended(callOf("tools/call", through, { principal: limited }), null, failed(fault("NAME_UNKNOWN")), true);
    trail.ended(callOf("tools/call", '{"name":"1mcp__search","arguments":{"query":"hunter2"}}'), null, done("{}"), true);
    expect(entries.map(({ ev, target }) => [ev, target])).toEqual([["tool.call", "b/b__read"], ["authz.denied", "b__read"], ["tool.call", "1mcp__search"]]);
    expect(JSON.stringify(entries)).not.toContain("hunter2");
  });

  test("names a server's own tool of the pair's name as that, where nothing is searched: what it is called with may be secret, or a lie", () => {
    const { entries, trail } = stage();
    const own = callOf("tools/call", '{"name":"1mcp__call","arguments":{"name":"hunter2"}}', { selection: { server: "nested" }, principal: limited });
    trail.ended(own, "nested", done("{}"), false);
    trail.ended(own, null, failed(fault("SCOPE_MISSING")), false);
    expect(entries.map(({ ev, target }) => [ev, target])).toEqual([["tool.call", "nested/1mcp__call"], ["authz.denied", "1mcp__call"]]);
  });

  test("has denials also where calls have no line: what was needed, and what was there", () => {
    const { entries, trail } = stage(false);
    trail.ended(callOf("tools/call", '{"name":"b__read"}', { principal: limited }), null, failed(fault("SCOPE_MISSING", { data: { requiredScopes: ["server:b"] } })), false);
    trail.ended(callOf("resources/read", '{"uri":"db://x?key=hunter2"}', { principal: limited }), null, failed(fault("NAME_UNKNOWN")), false);
    trail.ended(callOf("tools/list", "{}", { principal: limited, selection: { server: "b" } }), null, failed(fault("SCOPE_MISSING")), false);
    trail.ended(callOf("tools/call", '{"name":"a__none"}'), null, failed(fault("NAME_UNKNOWN")), false);
    trail.ended(callOf("tools/call", '{"name":"a"}'), "a", done("{}"), false);
    expect(entries).toEqual([
      { ev: "authz.stepup", grant: "g_1", user: null, method: "tools/call", target: "b__read", need: ["server:b"], have: ["tag:a"], result: "denied", reason: "SCOPE_MISSING", call: "test-1" },
      { ev: "authz.denied", grant: "g_1", user: null, method: "resources/read", target: "db://x", need: [], have: ["tag:a"], result: "denied", reason: "NAME_UNKNOWN", call: "test-1" },
      { ev: "authz.denied", grant: "g_1", user: null, method: "tools/list", target: "b", need: [], have: ["tag:a"], result: "denied", reason: "SCOPE_MISSING", call: "test-1" },
    ]);
  });

  test("tells how servers come and go, each change once", () => {
    const { entries, trail } = stage();
    const said = (more: Parameters<typeof statusOf>[1]): void => trail.state(statusOf("files", more));
    said({ state: "idle" });
    for (const state of ["starting", "ready", "ready"] as const) said({ state });
    said({ state: "backing-off", lastError: { message: "it ended with 1: hunter2", at: 0 } });
    said({ state: "degraded" });
    said({ state: "ready" });
    said({ state: "stopped" });
    expect(entries.map(({ ev, target, result, reason }) => [ev, target, result, reason])).toEqual([
      ["backend.start", "files", "ready", null],
      ["backend.fall", "files", "backing-off", "it ended with 1"],
      ["backend.start", "files", "ready", null],
      ["backend.stop", "files", "stopped", null],
    ]);
  });

  test("tells what became of the configuration, and forgets servers that it has no more", () => {
    const { entries, trail } = stage();
    trail.state(statusOf("files", { state: "ready" }));
    trail.adopted(configOf(specOf("mail")), { added: ["mail"], removed: ["files"], changed: [], kept: [] });
    trail.rejected([{ path: [], line: 1, column: 1, message: "is not JSON", hint: null, server: null }], "/c.json");
    trail.state(statusOf("files", { state: "ready" }));
    expect(entries.slice(1)).toEqual([
      { ev: "config.changed", target: "/test/mcp.json", reason: "added: mail; removed: files" },
      { ev: "config.rejected", target: "/c.json", reason: "is not JSON", count: 1 },
      { ev: "backend.start", target: "files", result: "ready", reason: null },
    ]);
  });
});
