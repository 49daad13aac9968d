import { describe, expect, test } from "bun:test";
import { CancelSource, createLog, fault } from "../../src/base/index.ts";
import type { Outcome } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { configOf, done, specOf, tool } from "../fixtures/pool.ts";
import { bareStage, callTool, listTools, stageOf, textOf } from "../fixtures/stage.ts";

describe("a call", () => {
  test("goes to the backend that owns the public name, under its local name", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("beta").offer({ tools: [tool("echo")] });
    expect(await callTool(hub, "beta__echo")).toContain('"text":"beta"');
    expect(pool.backend("beta").calls).toEqual([{ method: "tools/call", name: "echo" }]);
    expect(pool.backend("alpha").calls).toEqual([]);
  });

  // Checklist: N22
  test("of an unknown name is refused with -32602, and of an unknown method with -32601", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({});
    expect(await callTool(hub, "alpha__none")).toContain('"code":-32602');
    expect(textOf(await hub.call(callOf("vendor/thing")))).toContain('"code":-32601');
    for (const method of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
      expect([method, textOf(await hub.call(callOf(method)))]).toEqual([method, expect.stringContaining('"code":-32601') as string]);
      expect([method, textOf(await hub.call(callOf(method, "{}", { principal: { id: "p", scopes: ["server:none"] } })))]).toEqual([method, expect.stringContaining('"code":-32601') as string]);
    }
  });

  test("on one server's own endpoint passes names and methods through that it does not list, but not what is switched off", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha", { disabledTools: ["off"] })));
    pool.backend("alpha").offer({ tools: [tool("echo"), tool("off")] });
    const selection = { server: "alpha" };
    const call = (method: string, params: object): Promise<string> => hub.call(callOf(method, JSON.stringify(params), { selection })).then(textOf);
    expect(await call("tools/call", { name: "unlisted" })).toContain('"text":"alpha"');
    expect(await call("vendor/thing", {})).toContain('"text":"alpha"');
    expect(await call("tools/call", { name: "off" })).toContain('"code":-32602');
  });

  test("for a list waits for nobody any more when its caller has lost interest", async () => {
    const { hub, clock } = await stageOf(configOf(specOf("alpha")));
    const cancel = new CancelSource();
    let isOver = false;
    void hub.call(callOf("tools/list", "{}", { cancel })).then(() => (isOver = true));
    await clock.settle();
    expect(isOver).toBe(false);
    cancel.cancel("enough");
    await clock.settle();
    expect(isOver).toBe(true);
  });

  test("of a tool that the selection leaves out is refused as any unknown one is, and not for lack of scope", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha", { tags: ["a"] }), specOf("beta")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("beta").offer({ tools: [tool("echo")] });
    const call = (name: string, filter: string, scopes: readonly string[] | null, server: string | null = null) => hub.call(callOf("tools/call", JSON.stringify({ name }), { selection: { server, filter }, principal: { id: "p", scopes } })).then(textOf);
    expect(await call("alpha__echo", "a", null)).toContain('"text":"alpha"');
    expect(await call("echo", "a", null)).toContain('"text":"alpha"');
    expect(await call("echo", "a", null, "alpha")).toContain('"text":"alpha"');
    for (const scopes of [null, ["server:alpha"], ["server:alpha", "server:beta"]]) {
      for (const [name, server] of [["beta__echo", null], ["echo", "beta"], ["unlisted", "beta"]] as const) expect(await call(name, "a", scopes, server)).toContain('"code":"NAME_UNKNOWN"');
    }
    expect(await call("beta__echo", "!a", ["server:alpha"])).toContain('"code":"SCOPE_MISSING"');
    expect(pool.backend("beta").calls).toEqual([]);
  });

  test("explains why a tool is seen, and says what an expression selects", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha", { tags: ["a"] }), specOf("beta", { disabled: true })));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    expect(hub.explain({ name: "alpha__echo", scopes: [], filter: "a" })[0]?.steps.map(({ rule, shows }) => [rule, shows])).toEqual([["server", true], ["definition", true], ["tools", true], ["grant", false], ["selection", true]]);
    expect(hub.explain({ name: "beta__echo", scopes: null, filter: null })[0]?.steps).toEqual([{ rule: "server", shows: false, because: "server “beta” is switched off" }]);
    expect(hub.selected("!a")).toEqual([{ name: "alpha", tags: ["a"], selected: false, tools: 1, prompts: 0, resources: 0 }]);
  });

  test("that is without a name is refused as such", async () => {
    const { hub } = await stageOf(configOf());
    expect(textOf(await hub.call(callOf("tools/call", '{"name":7}')))).toContain("must be a string");
    expect(textOf(await hub.call(callOf("resources/read", "{}")))).toContain("must be a string");
    expect(textOf(await hub.call(callOf("completion/complete", "{}")))).toContain("must be an object");
  });

  test("whose backend is down fails with the backend's name, and the others go on", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("beta").offer({ tools: [tool("echo")] });
    pool.backend("alpha").answer = () => Promise.reject(fault("BACKEND_DOWN", { backend: "alpha" }));
    expect(await callTool(hub, "alpha__echo")).toContain('"backend":"alpha"');
    expect(await callTool(hub, "beta__echo")).toContain('"text":"beta"');
  });

  test("to a server that is just starting waits for it instead of being refused", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    const waiting = callTool(hub, "alpha__echo");
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    expect(await waiting).toContain('"text":"alpha"');
  });

  test("of a server that does not come up says so, and does not claim that the name does not exist", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    pool.backend("beta").offer({ tools: [tool("echo")] });
    const waiting = callTool(hub, "alpha__echo");
    pool.backend("alpha").settle("backing-off");
    expect(await waiting).toContain('"code":"BACKEND_DOWN"');
    expect(await callTool(hub, "alpha__echo")).toContain("it is backing-off");
    expect(await callTool(hub, "beta__none")).toContain('"code":"NAME_UNKNOWN"');
    expect(textOf(await hub.call(callOf("tools/call", '{"name":"alpha__echo"}', { principal: { id: "p", scopes: ["server:beta"] } })))).toContain('"code":"SCOPE_MISSING"');
  });

  test("that is cancelled while it waits for a starting server ends at once, and says that it was cancelled", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    const cancel = new CancelSource();
    const waiting = hub.call(callOf("tools/call", '{"name":"alpha__echo"}', { cancel })).then(textOf);
    cancel.cancel("enough");
    expect(await waiting).toContain('"code":"CALL_CANCELLED"');
    expect(hub.status().inFlight).toBe(0);
    expect(pool.backend("alpha").calls).toEqual([]);
  });

  test("to a ready server does not wait for another that is starting", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("slow")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    expect(await callTool(hub, "alpha__echo")).toContain('"text":"alpha"');
  });
});

describe("before the first configuration is in place", () => {
  test("calls, lists and handshakes wait for it, and hear nothing of an empty one", async () => {
    const { hub, pool } = bareStage();
    const early = [callTool(hub, "alpha__echo"), listTools(hub), hub.describe(operator, { server: null }).then(({ instructions }) => instructions)];
    await hub.propose(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    const [called, listed, instructions] = await Promise.all(early);
    expect(called).toContain('"text":"alpha"');
    expect(listed).toContain("alpha__echo");
    expect(instructions).toContain("about alpha");
  });

  test("the end answers who waits", async () => {
    const { hub } = bareStage();
    const early = listTools(hub);
    await hub.close(0);
    expect(await early).toContain("SHUTTING_DOWN");
  });
});

describe("a list", () => {
  test("waits for servers that start for the first time, but not for ever", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("alpha"), specOf("slow")));
    const listed = listTools(hub);
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("slow").settle("backing-off");
    expect(await listed).toContain("alpha__echo");
    await clock.advance(configOf().limits.listWaitMsMax);
    expect(await listTools(hub)).toContain("alpha__echo");
  });

  // Checklist: G3
  test("does not wait for a server that its caller may not see", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("hidden"), specOf("shown")));
    pool.backend("shown").offer({ tools: [tool("t")] });
    const principal = { id: "p", scopes: ["server:shown"] };
    expect(textOf(await hub.call(callOf("tools/list", "{}", { principal })))).toContain("shown__t");
    expect(textOf(await hub.call(callOf("resources/read", '{"uri":"x://1"}', { principal })))).toContain("x://1");
    expect((await hub.describe(principal, { server: null })).instructions).toContain("about shown");
    await expect(hub.describe(principal, { server: "hidden" })).rejects.toMatchObject({ code: "SCOPE_MISSING" });
  });

  test("says in the log what of a server is not in it, and why", async () => {
    const lines: string[] = [];
    const { hub, pool } = await stageOf(configOf(specOf("alpha")), createLog({ level: "warn", write: (line) => void lines.push(line), pretty: false, clock: createTestClock() }));
    pool.backend("alpha").offer({ tools: [tool("good"), '{"name":"bad"}'] });
    expect(await listTools(hub)).toContain("alpha__good");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ server: "alpha", list: "tools", reason: "inputSchema is not an object", names: '["bad"]' }]);
  });

  test("keeps the tools of a crashed server", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    pool.backend("alpha").settle("backing-off");
    expect(await listTools(hub)).toContain("alpha__echo");
  });

});

describe("a new configuration", () => {
  test("starts a changed server beside the old one and swaps when it is ready", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("old")] });
    const proposed = hub.propose(configOf(specOf("alpha", { fingerprint: "2" })));
    await Promise.resolve();
    expect(await listTools(hub)).toContain("alpha__old");
    pool.backends.get("alpha#2")?.offer({ tools: [tool("new")] });
    await proposed;
    expect(await listTools(hub)).toContain("alpha__new");
    expect(pool.backends.get("alpha#1")?.holds).toBe(0);
  });

  test("that was refused changes only the status", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    await listTools(hub);
    const generation = hub.status().generation;
    hub.reject([{ path: [], line: 3, column: 5, message: "unknown key", hint: null, server: null }], "/test/mcp.json");
    expect(hub.status()).toMatchObject({ generation, config: { state: "rejected", issues: [{ line: 3 }] } });
    expect(await callTool(hub, "alpha__t")).toContain('"text":"alpha"');
  });

  test("that is one of a burst is skipped where a newer one has come: at most two rounds, the newest in place", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    const slow = hub.propose(configOf(specOf("alpha", { fingerprint: "2" })));
    const burst = Array.from({ length: 100 }, (_, n) => hub.propose(configOf(specOf("alpha", { fingerprint: "1" }), specOf(`added${n}`))));
    await Promise.resolve();
    pool.backends.get("alpha#2")?.offer({ tools: [tool("t")] });
    await Promise.all([slow, ...burst]);
    expect([...pool.backends.keys()]).toEqual(["alpha#1", "alpha#2", "added99#1"]);
    expect(hub.status().backends.map(({ name }) => name)).toEqual(["alpha", "added99"]);
  });

  test("that comes into place after a newer one was refused does not hide the refusal", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    const proposed = hub.propose(configOf(specOf("alpha", { fingerprint: "2" })));
    await Promise.resolve();
    hub.reject([{ path: [], line: 3, column: 5, message: "unknown key", hint: null, server: null }], "/test/mcp.json");
    pool.backends.get("alpha#2")?.offer({ tools: [tool("t")] });
    await proposed;
    expect(hub.status().config).toMatchObject({ state: "rejected", issues: [{ line: 3 }] });
    await hub.propose(configOf(specOf("alpha", { fingerprint: "2" })));
    expect(hub.status().config.state).toBe("valid");
  });

  test("that is still waiting for its servers when the proxy closes comes to nothing, and holds nothing", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    await clock.advance(1000);
    const generation = hub.status().generation;
    const proposed = hub.propose(configOf(specOf("alpha", { fingerprint: "2" })));
    await Promise.resolve();
    const closed = hub.close(1000);
    pool.backends.get("alpha#2")?.settle("draining");
    await Promise.all([proposed, closed]);
    expect(hub.status().generation).toBe(generation);
    expect(pool.backends.get("alpha#2")?.holds).toBe(0);
    await clock.advance(1000);
    expect(clock.pending).toBe(0);
  });

  test("lets the ones before it go, when the last call on them has ended: a thousand reloads keep none of them", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    const replaced: WeakRef<object>[] = [];
    for (let round = 0; round < 1000; round += 1) {
      const next = configOf(specOf("alpha"));
      replaced.push(new WeakRef(next));
      const call = callTool(hub, "alpha__t");
      await hub.propose(next);
      await call;
    }
    await new Promise<void>((resolve) => void setImmediate(resolve));
    Bun.gc(true);
    // The one in place, and what the collector takes for a reference.
    expect(replaced.filter((one) => one.deref() !== undefined).length).toBeLessThan(100);
  });

  test("with a server that is switched off shows it in the status and starts nothing", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("off", { disabled: true })));
    expect(hub.status().backends).toMatchObject([{ name: "off", state: "disabled" }]);
    expect(pool.backends.size).toBe(0);
  });

  test("that is refused leaves alone since when a server is switched off", async () => {
    const { hub, clock } = await stageOf(configOf(specOf("off", { disabled: true })));
    const { backends } = hub.status();
    await clock.advance(1000);
    hub.reject([{ path: [], line: 3, column: 5, message: "unknown key", hint: null, server: null }], "/test/mcp.json");
    expect(hub.status().backends).toEqual([...backends]);
  });
});

describe("describe", () => {
  test("names ourselves on all servers, and the server itself on its own endpoint", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({});
    const all = await hub.describe(operator, { server: null });
    expect(all.info).toBe('{"name":"1mcp","version":"0"}');
    expect(all.instructions).toContain("about alpha");
    const own = await hub.describe(operator, { server: "alpha" });
    expect(own).toMatchObject({ info: '{"name":"alpha","version":"1"}', instructions: "about alpha" });
  });

  test("says of all servers together what the operator says, where he does", async () => {
    const { hub, pool } = await stageOf({ ...configOf(specOf("alpha")), instructions: "Mine." });
    pool.backend("alpha").offer({});
    expect(await hub.describe(operator, { server: null })).toMatchObject({ instructions: "Mine." });
    expect(await hub.describe(operator, { server: "alpha" })).toMatchObject({ instructions: "about alpha" });
  });

  test("refuses a server that does not exist, is out of the grant, or does not come up", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").settle("backing-off");
    await expect(hub.describe(operator, { server: "none" })).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    await expect(hub.describe({ id: "p", scopes: [] }, { server: "alpha" })).rejects.toMatchObject({ code: "SCOPE_MISSING", data: { requiredScopes: ["server:alpha"] } });
    await expect(hub.describe({ id: "p", scopes: [] }, { server: "none" })).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    await expect(hub.describe(operator, { server: "alpha" })).rejects.toMatchObject({ code: "BACKEND_DOWN" });
  });
});

describe("the end", () => {
  test("lets running calls finish, refuses new ones, and closes the pool", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    const running = Promise.withResolvers<Outcome>();
    pool.backend("alpha").answer = () => running.promise;
    const call = callTool(hub, "alpha__t");
    const closed = hub.close(5000);
    expect(await callTool(hub, "alpha__t")).toContain("shutting down");
    expect(pool.closed).toBe(false);
    running.resolve(done('{"content":[]}'));
    await call;
    await closed;
    expect(pool.closed).toBe(true);
  });

  test("while others are waited for ends each server as soon as its last call has ended", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta")));
    const answers = ["alpha", "beta"].map((name) => {
      pool.backend(name).offer({ tools: [tool("t")] });
      const running = Promise.withResolvers<Outcome>();
      pool.backend(name).answer = () => running.promise;
      return () => running.resolve(done('{"content":[]}'));
    });
    const calls = [callTool(hub, "alpha__t"), callTool(hub, "beta__t")];
    let looks = 0;
    pool.endIdle = () => void (looks += 1);
    const closed = hub.close(5000);
    expect(looks).toBe(1);
    for (const [index, answer] of answers.entries()) {
      answer();
      await calls[index];
      expect(looks).toBe(2 + index);
    }
    await closed;
    expect(looks).toBe(3);
  });

  test("is what a call hears that waits for a server on its first way, and not that this will be started again", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha")));
    const waiting = callTool(hub, "alpha__t");
    const closed = hub.close(5000);
    pool.backend("alpha").settle("draining");
    expect(await waiting).toContain("SHUTTING_DOWN");
    await closed;
  });

  test("does not wait longer than it is told", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("alpha")));
    pool.backend("alpha").offer({ tools: [tool("t")] });
    pool.backend("alpha").answer = () => new Promise(() => undefined);
    void callTool(hub, "alpha__t");
    const closed = hub.close(5000);
    await clock.advance(5000);
    await closed;
    expect(pool.closed).toBe(true);
  });
});

describe("a single server", () => {
  test("is waited for until it is known whether it serves, and its tools are told", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("off", { disabled: true })));
    expect(hub.tools("alpha")).toBeNull();
    const settled = hub.settled("alpha", 1000);
    pool.backend("alpha").offer({ tools: [tool("echo")] });
    expect(await settled).toMatchObject({ name: "alpha", state: "ready" });
    expect(hub.tools("alpha")).toEqual([{ name: "echo", public: "alpha__echo", because: "no rule of “alpha” hides it" }]);
    expect([await hub.settled("off", 1000), hub.tools("off")]).toMatchObject([{ state: "disabled" }, null]);
    await expect(hub.settled("nobody", 1)).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    expect(() => hub.tools("nobody")).toThrow("nobody");
  });

  test("is begun anew beside itself, calls come to their end, and the others are left alone", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("alpha"), specOf("beta"), specOf("off", { disabled: true })));
    const before = pool.backend("alpha");
    before.offer({ tools: [tool("echo")] });
    const end = Promise.withResolvers<Outcome>();
    before.answer = () => end.promise;
    const running = callTool(hub, "alpha__echo");
    const restarted = hub.restart("alpha");
    await Promise.resolve();
    const after = pool.backends.get("alpha#1.1") ?? expect.unreachable();
    after.offer({ tools: [tool("echo")] });
    await restarted;
    expect([before.holds, after.holds, pool.backend("beta").holds]).toEqual([1, 1, 2]);
    end.resolve(done('{"content":[{"type":"text","text":"old"}]}'));
    expect([await running, before.holds]).toEqual([expect.stringContaining("old") as string, 0]);
    expect(hub.status()).toMatchObject({ config: { state: "valid" }, change: { changed: ["alpha"], kept: ["beta"] } });
    // It stays the one that it is when the file changes elsewhere, and a file that was refused stays refused.
    await hub.propose(configOf(specOf("alpha"), specOf("beta")));
    expect([pool.backends.has("alpha#1.2"), after.holds]).toEqual([false, 1]);
    await hub.propose(configOf(specOf("beta")));
    hub.reject([], "/c.json");
    const again = hub.restart("beta");
    await Promise.resolve();
    pool.backends.get("beta#1.1")?.offer({});
    await again;
    expect(hub.status().config.state).toBe("rejected");
    await expect(hub.restart("alpha")).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    // Whoever comes back after having been gone has had no life yet.
    await hub.propose(configOf(specOf("alpha"), specOf("beta")));
    expect([before.holds, after.holds]).toEqual([1, 0]);
  });

  test("that is switched off is not begun anew", async () => {
    const { hub } = await stageOf(configOf(specOf("off", { disabled: true })));
    await expect(hub.restart("off")).rejects.toMatchObject({ code: "PARAMS_INVALID", hint: expect.stringContaining("mcp enable off") as string });
  });
});
