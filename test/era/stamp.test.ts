import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Stamp } from "../../src/era/stamp.ts";
import { key } from "../fixtures/era.ts";
import { located } from "../fixtures/serve.ts";

const us = { name: "1mcp", version: "1" };
const stamp = new Stamp(JSON.stringify(us), defaultLimits);
const theirs = { name: "b", version: "2" };
const stamped = (result: unknown, server: string | null = null, method = "prompts/get") => JSON.parse(stamp.response("1", method, server, located(JSON.stringify(result)), undefined)).result;

describe("a modern result", () => {
  // Checklist: B23
  test("is complete and ours on all servers; the backend's identity is kept under our own key", () => {
    expect(stamped({ messages: [] })).toEqual({ resultType: "complete", _meta: { [key.serverInfo]: us }, messages: [] });
    expect(stamped({ resultType: "complete", messages: [], _meta: { [key.serverInfo]: theirs, x: 1 } })).toEqual({ resultType: "complete", messages: [], _meta: { [key.serverInfo]: us, x: 1, "dev.onemcp/backend": theirs } });
    expect(stamped({ messages: [], _meta: { x: 1 } })).toEqual({ resultType: "complete", messages: [], _meta: { x: 1, [key.serverInfo]: us } });
  });

  test("is the backend's own on one server, with our identity under our own key", () => {
    expect(stamped({ messages: [] }, "b")).toEqual({ resultType: "complete", _meta: { "dev.onemcp/proxy": us }, messages: [] });
    expect(stamped({ resultType: "complete", _meta: { [key.serverInfo]: theirs } }, "b")).toEqual({ resultType: "complete", _meta: { [key.serverInfo]: theirs, "dev.onemcp/proxy": us } });
  });

  test("keeps the type that it has, and needs no members of its own", () => {
    expect(stamped({ resultType: "task", taskId: "t" })).toEqual({ _meta: { [key.serverInfo]: us }, resultType: "task", taskId: "t" });
    expect(stamped({})).toEqual({ resultType: "complete", _meta: { [key.serverInfo]: us } });
    expect(stamped({ resultType: "complete", _meta: { [key.serverInfo]: theirs } })).toHaveProperty("resultType", "complete");
  });

  test("of a tool has content, also where an older server left it out", () => {
    expect(stamped({ structuredContent: { a: 1 } }, null, "tools/call").content).toEqual([]);
    expect(stamped({ content: [1] }, null, "tools/call").content).toEqual([1]);
  });

  test("of a list of tools has no slots of the other era's tasks", () => {
    expect(stamped({ tools: [{ name: "a", execution: {} }] }, null, "tools/list")).toMatchObject({ tools: [{ name: "a" }], ttlMs: 0, cacheScope: "private" });
  });

  test("says how long it holds in words that its client knows, whatever the backend said", () => {
    const hints = (result: unknown) => (({ ttlMs, cacheScope }) => [ttlMs, cacheScope])(stamped({ contents: [], ...(result as object) }, "b", "resources/read"));
    expect(hints({ ttlMs: 5, cacheScope: "public" })).toEqual([5, "public"]);
    expect(hints({})).toEqual([0, "private"]);
    for (const ttlMs of [-1, 1.5, "5", null, {}, 1e300]) expect(hints({ ttlMs, cacheScope: "public" })).toEqual([0, "public"]);
    for (const cacheScope of ["everybody", 1, null, []]) expect(hints({ ttlMs: 5, cacheScope })).toEqual([5, "private"]);
    expect(stamped({ ttlMs: "not a hint here" }, "b", "tools/call").ttlMs).toBe("not a hint here");
  });

  test("that asks for input is never kept", () => {
    const question = JSON.parse(stamp.question('"q"', null, located('{"inputRequests":{},"ttlMs":5,"cacheScope":"public"}'), { requestState: '"sealed"' }));
    expect(question).toEqual({ jsonrpc: "2.0", id: "q", result: { inputRequests: {}, resultType: "input_required", _meta: { [key.serverInfo]: us }, requestState: "sealed" } });
  });
});
