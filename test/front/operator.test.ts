import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { nullLog, systemClock } from "../../src/base/index.ts";
import { openOperator, type OperatorOptions } from "../../src/front/operator.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { createFolder } from "../fixtures/folder.ts";
import { factsOf } from "../fixtures/front.ts";

const doorOf = async (more: Partial<OperatorOptions> = {}) => {
  const folder = await createFolder();
  const door = await openOperator({ stateDir: folder.at("state"), auth: idleOperator(), facts: factsOf(), clock: systemClock, log: nullLog, reload: () => Promise.resolve({ result: "unchanged" }), ...more });
  const ask = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> => fetch(`http://operator${path}`, { ...init, unix: door.path });
  return { door, ask, [Symbol.asyncDispose]: async () => (await door.close(), folder[Symbol.asyncDispose]()) };
};

describe("the operator's door", () => {
  test("tells everything, gives the numbers, and reloads", async () => {
    await using at = await doorOf();
    expect(await (await at.ask("/status")).json()).toMatchObject({ phase: "running", version: "1.2.3", pid: process.pid, configuration: { path: "/c.json", state: "valid" }, servers: [] });
    expect(await (await at.ask("/metrics")).text()).toBe("# prometheus\n");
    expect(await (await at.ask("/metrics", { headers: { accept: "application/openmetrics-text" } })).text()).toBe("# openmetrics\n");
    expect(await (await at.ask("/reload", { method: "POST" })).json()).toEqual({ result: "unchanged" });
  });

  test("has nothing else, and does nothing for whoever only looks", async () => {
    await using at = await doorOf({ reload: () => Promise.reject(new Error("must not be asked")) });
    for (const path of ["/", "/reload", "/mcp", "/status/x"]) expect((await at.ask(path)).status).toBe(404);
  });

  test("tells of a failure in its log and to whoever asked, without a stack", async () => {
    const lines: string[] = [];
    await using at = await doorOf({ reload: () => Promise.reject(new Error("inner words")), log: { ...nullLog, error: (message, fields) => void lines.push(`${message} ${fields?.["reason"]}`) } });
    const answer = await at.ask("/reload", { method: "POST" });
    expect([answer.status, await answer.json()]).toEqual([500, { error: "something went wrong inside 1mcp" }]);
    expect(lines).toEqual(["the operator's request failed Error: inner words"]);
  });

  test("is gone when it is closed, and may be closed twice", async () => {
    await using at = await doorOf();
    await at.door.close();
    await at.door.close();
    expect(existsSync(at.door.path)).toBe(false);
  });
});
