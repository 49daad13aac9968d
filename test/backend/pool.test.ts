import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createPool, type Lease, type Pool, type Sharer } from "../../src/backend/index.ts";
import { createEgress, createKnownSecrets, defaultLimits, type Fault, type Limits, nullLog, Secret, systemClock } from "../../src/base/index.ts";
import type { StdioSpec } from "../../src/config/index.ts";
import type { Eras, Upstream } from "../../src/era/index.ts";
import { rawOf } from "../../src/protocol/index.ts";
import { isAlive } from "../fixtures/alive.ts";
import { callOf } from "../fixtures/calls.ts";
import { createFolder } from "../fixtures/folder.ts";
import { connectPlain } from "../fixtures/plainUpstream.ts";
import { createPeer } from "../fixtures/peer.ts";
import { objectFrom, specOf } from "../fixtures/pool.ts";
import { remoteSpec } from "../fixtures/remote.ts";

const program = join(import.meta.dir, "../fixtures/lineChild.ts");
const childSpec = (more: Partial<StdioSpec> = {}, ...flags: string[]): StdioSpec =>
  specOf("child", { command: process.execPath, args: [program, ...flags], connectMs: 10_000, requestMs: 10_000, ...more });

/** A pool of real processes, and a way to wait for what it tells. */
async function open(limits: Partial<Limits> = {}, connect: Eras["connect"] = connectPlain) {
  const folder = await createFolder();
  const all = { ...defaultLimits, ...limits };
  const updates: string[] = [];
  const concerned: ((who: Sharer) => boolean)[] = [];
  let wake: () => void = () => undefined;
  const pool = createPool(
    { connect, egress: createEgress({ limits: all, env: {} }), clock: systemClock, limits: all, log: nullLog, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, watchdogArgv: null },
    {
      changed: () => wake(),
      updated(name, uri, params, concerns) {
        updates.push(`${name} ${uri} ${rawOf(params)}`);
        concerned.push(concerns);
        wake();
      },
    },
  );
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    pool,
    until,
    updates,
    concerned,
    folder,
    async [Symbol.asyncDispose]() {
      await pool.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const ask = async (lease: Lease, method: string, params = "{}", id = "operator"): Promise<string> => {
  const outcome = await lease.call(callOf(method, params, { principal: { id, scopes: null } }), { name: null, tool: null });
  return outcome.kind === "done" ? rawOf(outcome.result) : JSON.stringify(outcome);
};
const pidOf = async (lease: Lease, id?: string): Promise<number> => (JSON.parse(await ask(lease, "environment", "{}", id)) as { pid: number }).pid;
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
/** Running, and not merely waiting to be collected by whoever inherited it. */
const isRunning = (pid: number): boolean => pid > 0 && isAlive(pid) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
const ready = async (pool: Pool, spec: StdioSpec): Promise<Lease> => {
  const lease = pool.acquire(spec);
  await lease.settled(10_000);
  expect(lease.status().state).toBe("ready");
  return lease;
};

test("equal entries share one process, until the last lease is released", async () => {
  await using stage = await open();
  const first = await ready(stage.pool, childSpec());
  const second = stage.pool.acquire(childSpec({ requestMs: 20, tags: ["other"] }));
  const pid = await pidOf(first);
  expect(await pidOf(second)).toBe(pid);
  expect((await failure(ask(second, "silent"))).code).toBe("BACKEND_TIMEOUT");
  first.release();
  first.release();
  expect(await pidOf(second)).toBe(pid);
  second.release();
  await stage.until(() => second.status().state === "stopped");
  expect(isAlive(pid)).toBe(false);
});

test("another fingerprint is another process", async () => {
  await using stage = await open();
  const [a, b] = [await ready(stage.pool, childSpec()), await ready(stage.pool, childSpec({ fingerprint: "2" }))];
  expect(await pidOf(a)).not.toBe(await pidOf(b));
});

test("a ready server offers its lists, and what it announces later", async () => {
  await using stage = await open({ noticeQuietMs: 1 });
  const lease = await ready(stage.pool, childSpec());
  expect(lease.offered()?.lists.tools.items).toEqual(['{"name":"one"}']);
  expect(lease.offered()?.lists.resources.items).toEqual([]);
  await ask(lease, "addTool", '{"name":"two"}');
  await stage.until(() => lease.offered()?.lists.tools.items.length === 2);
});

test("a crashed server fails the calls that it had, comes back by itself for those that come then, and says why it was away", async () => {
  await using stage = await open();
  const lease = await ready(stage.pool, childSpec());
  const pid = await pidOf(lease);
  const before = performance.now();
  expect(await failure(ask(lease, "exit", '{"code":5,"words":"the disk is full"}'))).toMatchObject({ code: "BACKEND_GONE", data: { sent: true } });
  await stage.until(() => lease.status().state === "backing-off");
  expect(lease.status().reason).toContain("the disk is full");
  expect(lease.offered()).not.toBeNull();
  expect(await ask(lease, "echo", '{"a":1}')).toBe('{"a":1}');
  expect(performance.now() - before).toBeLessThan(5000);
  expect(await pidOf(lease)).not.toBe(pid);
  expect(lease.status().restarts).toBe(1);
});

test("a server that ends at the first message is started again within the handshake, and that counts as no crash", async () => {
  await using stage = await open();
  const lease = await ready(stage.pool, childSpec({}, `--shy=${stage.folder.at("met")}`));
  expect(lease.status()).toMatchObject({ restarts: 0, reason: null });
  expect(await ask(lease, "echo", '{"a":1}')).toBe('{"a":1}');
});

test("a server that cannot start shows the end of its stderr, secrets masked, and disturbs no other", async () => {
  await using stage = await open();
  const broken = stage.pool.acquire(childSpec({ name: "broken", env: { TOKEN: new Secret("s3cret-value") }, secrets: [new Secret("s3cret-value")] }, "--broken-start"));
  const missing = stage.pool.acquire(childSpec({ name: "missing", command: "no-such-command-at-all" }));
  const good = await ready(stage.pool, childSpec());
  await Promise.all([broken.settled(10_000), missing.settled(10_000)]);
  expect(broken.status()).toMatchObject({ state: "backing-off", stderr: expect.arrayContaining(["cannot open the database with [secret]"]) });
  expect(broken.status().reason).toContain("cannot open the database with [secret]");
  expect(missing.status().reason).toContain("no-such-command-at-all: no such command or folder");
  expect(await ask(good, "echo")).toBe("{}");
});

test("callers wait for a server that starts slowly", async () => {
  await using stage = await open();
  const lease = stage.pool.acquire(childSpec({}, "--late=100"));
  expect(lease.status().state).toBe("starting");
  expect(await ask(lease, "echo")).toBe("{}");
});

test("longer times in a newer entry reach the server that runs already", async () => {
  await using stage = await open({ backoffMsMin: 10 });
  const before = stage.pool.acquire(childSpec({ connectMs: 100 }, "--late=500"));
  await before.settled(10_000);
  expect(before.status().state).toBe("backing-off");
  const after = stage.pool.acquire(childSpec({ connectMs: 10_000 }, "--late=500"));
  await stage.until(() => after.status().state === "ready");
  expect(await ask(after, "echo")).toBe("{}");
});

test("killing ends every process with its descendants at once, also one that is being ended politely", async () => {
  await using stage = await open();
  const stubborn = await ready(stage.pool, childSpec({}, "--stay", "--ignore-term"));
  const pid = await pidOf(stubborn);
  const family = await ready(stage.pool, childSpec({ name: "family", fingerprint: "family", command: "sh", args: ["-c", `${process.execPath} ${program}; true`] }));
  const grandchild = await pidOf(family);
  stubborn.release();
  stage.pool.kill();
  await stage.pool.close();
  expect([pid, grandchild, family.status().pid ?? 0].filter(isRunning)).toEqual([]);
});

test("closing the pool ends every process at once, starting ones too, and nothing can be acquired any more", async () => {
  const stage = await open({ stdinEndMs: 200, termMs: 200 });
  const stubborn = await Promise.all([1, 2, 3].map((n) => ready(stage.pool, childSpec({ name: `s${n}` }, "--stay", "--ignore-term"))));
  const slow = stage.pool.acquire(childSpec({ name: "slow" }, "--late=100000"));
  const pids = stubborn.map((lease) => lease.status().pid ?? 0);
  const before = performance.now();
  await Promise.all([stage.pool.close(), stage.pool.close()]);
  expect(performance.now() - before).toBeLessThan(1000);
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  expect(slow.status()).toMatchObject({ state: "stopped", pid: null });
  expect(() => stage.pool.acquire(childSpec())).toThrow(expect.objectContaining({ code: "SHUTTING_DOWN" }));
  stubborn[0]?.release();
  await stage[Symbol.asyncDispose]();
});

test("a remote server is reconnected as a process is restarted", async () => {
  const answer = ({ body }: { body: string }): Response => {
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    return Response.json({ jsonrpc: "2.0", id, result: method.startsWith("list/") ? { items: [] } : { hello: method } });
  };
  await using stage = await open();
  const peer = createPeer(answer);
  const lease = stage.pool.acquire(remoteSpec(peer.url, { connectMs: 10_000, requestMs: 10_000, headers: { Authorization: new Secret("Bearer s3cret") }, secrets: [new Secret("Bearer s3cret")] }));
  expect(await ask(lease, "hi")).toBe('{"hello":"hi"}');
  expect(lease.status()).toMatchObject({ state: "ready", pid: null, stderr: [] });
  await peer[Symbol.asyncDispose]();
  expect((await failure(ask(lease, "hi"))).code).toMatch(/BACKEND_(DOWN|GONE)/);
  expect((await failure(ask(lease, "hi"))).code).toBe("BACKEND_DOWN");
  await stage.until(() => lease.status().state === "backing-off");
  const again = Bun.serve({ hostname: "127.0.0.1", port: Number(new URL(peer.url).port), fetch: async (request) => answer({ body: await request.text() }) });
  await stage.until(() => lease.status().state === "ready");
  expect(await ask(lease, "hi")).toBe('{"hello":"hi"}');
  await again.stop(true);
});

const sharer = (id: string): Sharer => ({ principal: { id, scopes: null }, selection: { server: null }, client: { info: null, capabilities: "{}" }, session: null });
const watched = async (lease: Lease, principal?: string): Promise<string[]> => (JSON.parse(await ask(lease, "watched", "{}", principal)) as { watched: string[] }).watched;

test("leases of one entry share a subscription; each gives back its own, at the latest with itself", async () => {
  await using stage = await open();
  const first = await ready(stage.pool, childSpec());
  const second = stage.pool.acquire(childSpec());
  const one = await first.subscribe("a", sharer("one"));
  const two = await second.subscribe("a", sharer("two"));
  await second.subscribe("b", sharer("two"));
  expect(await first.subscribe("bad", sharer("one"))).toBeNull();
  expect(await watched(first)).toEqual(["a", "b"]);
  await one?.end();
  await one?.end();
  expect(await watched(first)).toEqual(["a", "b"]);
  second.release();
  await two?.end();
  expect(await second.subscribe("a", sharer("two"))).toBeNull();
  const third = stage.pool.acquire(childSpec());
  const asking = third.subscribe("c", sharer("three"));
  third.release();
  expect(await asking).toBeNull();
  // A pipe keeps the order, so what was taken back before is known to it now.
  expect(await watched(first)).toEqual([]);
});

test("a subscription outlives a crash, and then the resource may have changed", async () => {
  await using stage = await open({ backoffMsMin: 10 });
  const lease = await ready(stage.pool, childSpec());
  await lease.subscribe("a", sharer("one"));
  const pid = await pidOf(lease);
  void ask(lease, "exit").catch(() => undefined);
  await stage.until(() => stage.updates.length > 0);
  expect(stage.updates).toEqual(['child a {"uri":"a"}']);
  expect([await watched(lease), (await pidOf(lease)) === pid]).toEqual([["a"], false]);
});

test("under \"principal\" everybody subscribes at his own process and hears of that alone", async () => {
  await using stage = await open();
  const lease = await ready(stage.pool, childSpec({ isolation: "principal" }));
  const pids = [await pidOf(lease, "one"), await pidOf(lease, "two")];
  await lease.subscribe("a", sharer("one"));
  await lease.subscribe("a", sharer("two"));
  expect([await watched(lease, "one"), await watched(lease, "two")]).toEqual([["a"], ["a"]]);
  for (const id of ["one", "two"]) await ask(lease, "touch", '{"uri":"a"}', id);
  expect(stage.updates).toEqual(pids.map((pid) => `child a {"uri":"a","pid":${pid}}`));
  expect(stage.concerned.map((concerns) => ["one", "two", "three"].filter((id) => concerns(sharer(id))))).toEqual([["one"], ["two"]]);
});

test("who subscribes before the server was ever ready waits for it", async () => {
  await using stage = await open();
  for (const isolation of ["shared", "principal"] as const) {
    const lease = stage.pool.acquire(childSpec({ isolation, fingerprint: isolation }));
    expect(await lease.subscribe("a", sharer("one"))).not.toBeNull();
    expect(await watched(lease, "one")).toEqual(["a"]);
  }
  const broken = stage.pool.acquire(childSpec({ isolation: "principal", fingerprint: "broken" }, "--broken-start"));
  expect(await broken.subscribe("a", sharer("one"))).toBeNull();
});

test("a call under which a server was killed is made again once it is back, and a stopped one is found out and replaced", async () => {
  await using stage = await open({ aliveMsMax: 100, stdinEndMs: 100, exitDrainMs: 50, termMs: 100 });
  const lease = stage.pool.acquire(childSpec({ requestMs: 150 }));
  const first = await pidOf(lease);
  const waiting = failure(lease.call(callOf("silent"), { name: null, tool: null }));
  process.kill(first, "SIGKILL");
  expect(await waiting).toMatchObject({ code: "BACKEND_GONE", data: { sent: true } });
  expect(await lease.again(callOf("silent"))).toBe(true);
  const second = await pidOf(lease);
  expect(second).not.toBe(first);

  process.kill(second, "SIGSTOP");
  expect((await failure(lease.call(callOf("silent"), { name: null, tool: null }))).code).toBe("BACKEND_TIMEOUT");
  await stage.until(() => lease.status().state === "degraded");
  await stage.until(() => lease.status().state === "ready");
  expect(await pidOf(lease)).not.toBe(second);
  expect(isAlive(second)).toBe(false);
  expect(lease.status()).toMatchObject({ restarts: 2, retried: 1, lastError: { message: "it gives no sign of life" } });
  lease.release();
});

test("a server that was let go starts nothing for who comes late: out of the line, again, or to subscribe", async () => {
  await using stage = await open({ stdinEndMs: 100, exitDrainMs: 50, termMs: 100 });
  const lease = stage.pool.acquire(childSpec({ isolation: "principal", maxInFlight: 1 }));
  const of = (id: string) => callOf("silent", "{}", { principal: { id, scopes: null } });
  await pidOf(lease, "alice");
  const alice = failure(lease.call(of("alice"), { name: null, tool: null }));
  const bob = failure(lease.call(callOf("environment", "{}", { principal: { id: "bob", scopes: null } }), { name: null, tool: null }));
  lease.release();
  expect(await alice).toMatchObject({ code: "BACKEND_GONE", backend: "child" });
  expect(await bob).toMatchObject({ code: "BACKEND_DOWN", backend: "child", data: { sent: false } });
  expect(await lease.again(of("carol"))).toBe(false);
  expect(await lease.subscribe("x://1", of("carol"))).toBeNull();
  await stage.pool.close();
  expect(childrenOf(process.pid)).toEqual([]);
});

test("a process that is at work on a task makes no room for another until its caller has heard of the end", async () => {
  const connect: Eras["connect"] = async (wire, options) => {
    const upstream = await connectPlain(wire, options);
    const task = (status: string) => objectFrom(`{"taskId":"t","status":"${status}"}`);
    const call: Upstream["call"] = async (one, target) => {
      if (one.method === "begin") return { kind: "task", result: task("working"), backend: target.backend };
      return one.method === "tasks/get" ? { kind: "done", result: task("completed") } : await upstream.call(one, target);
    };
    return { ...upstream, call };
  };
  await using stage = await open({ instancesMax: 2 }, connect);
  const lease = await ready(stage.pool, childSpec({ isolation: "principal" }));
  await ask(lease, "begin", "{}", "one");
  expect((await failure(pidOf(lease, "two"))).code).toBe("LIMIT_REACHED");
  await ask(lease, "tasks/get", '{"taskId":"t"}', "one");
  expect(await pidOf(lease, "two")).toBeGreaterThan(0);
});

/** Those that run this file's program. */
const childrenOf = (pid: number): string[] => Bun.spawnSync(["pgrep", "-P", String(pid), "-f", "lineChild"]).stdout.toString().split("\n").filter(Boolean);
