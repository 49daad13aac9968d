import { expect, test } from "bun:test";
import { join } from "node:path";
import { Principals } from "../../src/backend/bulkhead.ts";
import { Entry } from "../../src/backend/entry.ts";
import type { Offered } from "../../src/backend/index.ts";
import { Groups } from "../../src/backend/group.ts";
import { createHttpLink } from "../../src/backend/http.ts";
import type { Link } from "../../src/backend/link.ts";
import { createStdioLink } from "../../src/backend/stdio.ts";
import { CancelSource, createEgress, createKnownSecrets, defaultLimits, type Fault, type Limits, nullLog, systemClock } from "../../src/base/index.ts";
import type { BackendSpec, StdioSpec } from "../../src/config/index.ts";
import { relayableCapabilities, type Eras } from "../../src/era/index.ts";
import { type Call, emptyObject, parseObject, rawOf } from "../../src/protocol/index.ts";
import { gone, isAlive } from "../fixtures/alive.ts";
import { callOf } from "../fixtures/calls.ts";
import { createFolder } from "../fixtures/folder.ts";
import { earlier } from "../fixtures/lives.ts";
import { createPeer } from "../fixtures/peer.ts";
import { connectPlain } from "../fixtures/plainUpstream.ts";
import { specOf } from "../fixtures/pool.ts";
import { remoteSpec } from "../fixtures/remote.ts";

const program = join(import.meta.dir, "../fixtures/lineChild.ts");
const childSpec = (more: Partial<StdioSpec> = {}, ...flags: string[]): StdioSpec =>
  specOf("child", { command: process.execPath, args: [program, ...flags], connectMs: 10_000, requestMs: 10_000, ...more });

/** One entry with real processes, and what each of them was told that its client can do. */
async function open(spec: BackendSpec, { limits = {}, perRequest = false, mute = false, remembered = null }: { limits?: Partial<Limits>; perRequest?: boolean; mute?: boolean; remembered?: Offered | null } = {}) {
  const folder = await createFolder();
  const all = { ...defaultLimits, ...limits };
  const told: string[] = [];
  /** What each instance may report with, in the order of their start; and whom what they reported concerns. */
  const reporting: Pick<Parameters<Eras["connect"]>[1], "updated" | "mute">[] = [];
  const concerned: ((who: Call) => boolean)[] = [];
  let resume: () => void = () => undefined;
  const connect: Eras["connect"] = async (wire, options) => {
    const upstream = await connectPlain(wire, options);
    told.push(options.capabilities);
    reporting.push(options);
    return { ...upstream, facts: { ...upstream.facts, mute, ...(perRequest ? { perRequest } : {}) } };
  };
  const shared = { egress: createEgress({ limits: all, env: {} }), clock: systemClock, limits: all, log: nullLog, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, groups: new Groups() };
  const createLink = (newest: BackendSpec): Link => (newest.kind === "stdio" ? createStdioLink({ ...shared, spec: newest }) : createHttpLink({ ...shared, spec: newest }));
  const entry = new Entry(spec, { ...shared, connect, createLink, principals: new Principals(defaultLimits), remembered: () => remembered }, { changed: () => resume(), updated: (_uri, _params, concerns) => void concerned.push(concerns) });
  const run = async (method: string, id: string, more: Partial<Call> = {}): Promise<string> => {
    const call = callOf(method, "{}", { principal: { id, scopes: null }, ...more });
    const instance = entry.instanceOf(call) ?? (await entry.settledInstanceOf(call));
    const outcome = await instance.call(call, { backend: spec.name, name: null, timeoutMs: 10_000, tool: null });
    return outcome.kind === "done" ? rawOf(outcome.result) : JSON.stringify(outcome);
  };
  return {
    entry,
    /** Resolves when something has been reported after which this holds. */
    until: async (holds: () => boolean): Promise<void> => {
      while (!holds()) await new Promise<void>((resolve) => (resume = resolve));
    },
    told,
    reporting,
    concerned,
    run,
    pidOf: async (id: string, more?: Partial<Call>): Promise<number> => (JSON.parse(await run("environment", id, more)) as { pid: number }).pid,
    async [Symbol.asyncDispose]() {
      await entry.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const can = (capabilities: string): Partial<Call> => ({ client: { info: null, capabilities } });

test("under \"shared\" one process serves everybody, and is told of all that can be relayed", async () => {
  await using stage = await open(childSpec());
  const pids = [await stage.pidOf("one"), await stage.pidOf("two", can('{"roots":{}}')), await stage.pidOf("two", { session: { id: "s", ended: new CancelSource() } })];
  expect(new Set(pids).size).toBe(1);
  expect(stage.told).toEqual([relayableCapabilities]);
});

test("under \"principal\" each principal has a process for each set of capabilities, told of exactly these", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }));
  const [one, two, asks] = [await stage.pidOf("one"), await stage.pidOf("two"), await stage.pidOf("two", can('{"elicitation":{"form":{}}}'))];
  expect(new Set([one, two, asks, stage.entry.status().pid]).size).toBe(4);
  expect(await stage.pidOf("two", can('{"elicitation":{}}'))).toBe(asks);
  expect(await stage.pidOf("one")).toBe(one);
  expect(stage.told).toEqual([relayableCapabilities, "{}", "{}", '{"elicitation":{}}']);
});

test("the process that gives the lists is also that of the first who can do everything, and of nobody else", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }));
  const pid = await stage.pidOf("one", can(relayableCapabilities));
  expect(pid).toBe(stage.entry.status().pid ?? 0);
  expect(await stage.pidOf("two", can(relayableCapabilities))).not.toBe(pid);
});

test("a process that hears of each caller with each request is one for each principal, whatever its clients can do", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }), { perRequest: true });
  const one = await stage.pidOf("one");
  expect(one).toBe(stage.entry.status().pid ?? 0);
  expect(await stage.pidOf("one", can('{"roots":{}}'))).toBe(one);
  expect(await stage.pidOf("two")).not.toBe(one);
});

test("under \"session\" each session has a process of its own, which ends with it; others have that of their principal", async () => {
  await using stage = await open(childSpec({ isolation: "session" }));
  const ended = new CancelSource();
  const a = { session: { id: "a", ended } };
  const b = { session: { id: "b", ended: new CancelSource() } };
  const pids = [await stage.pidOf("one", { ...a, ...can('{"roots":{}}') }), await stage.pidOf("one", b), await stage.pidOf("one")];
  expect(new Set([...pids, stage.entry.status().pid]).size).toBe(4);
  expect(await stage.pidOf("one", a)).toBe(pids[0] ?? 0);
  expect(stage.told).toEqual([relayableCapabilities, '{"roots":{}}', "{}", "{}"]);
  ended.cancel("closed");
  await gone(pids[0] ?? 0);
  expect([await stage.pidOf("one", b), await stage.pidOf("one")]).toEqual(pids.slice(1));
  expect((await failure(stage.pidOf("one", a))).code).toBe("CALL_CANCELLED");
});

for (const isolation of ["principal", "session"] as const) {
  test(`under "${isolation}" processes are bounded, idle ones make room, and all count in the status`, async () => {
    // A list that fails is asked for again, and such a request is in flight too: not while this runs.
    await using stage = await open(childSpec({ isolation }), { limits: { instancesMax: 2, backoffMsMin: 60_000 } });
    const one = await stage.pidOf("one");
    const two = await stage.pidOf("two");
    await gone(one);
    const busy = failure(stage.run("silent", "two"));
    await stage.pidOf("two");
    expect(stage.entry.status().inFlight).toBe(1);
    expect((await failure(stage.pidOf("three"))).code).toBe("LIMIT_REACHED");
    await stage.entry.close();
    expect((await busy).code).toBe("BACKEND_GONE");
    expect(isAlive(two)).toBe(false);
  });
}

test("a process that nobody uses any more is ended; the one that gives the lists is not", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }), { limits: { instanceIdleMsMax: 50 } });
  const one = await stage.pidOf("one");
  await gone(one);
  expect(stage.entry.status().state).toBe("ready");
  expect(await stage.pidOf("one")).not.toBe(one);
});

test("nobody gets an instance of a server of which nothing is known, but hears why", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }, "--broken-start"));
  expect(await failure(stage.pidOf("one"))).toMatchObject({ code: "BACKEND_DOWN", message: expect.stringContaining("cannot open the database") });
  expect(stage.told).toEqual([]);
});

for (const [perRequest, words, hellos] of [[true, "one connection serves all principals where it hears of each caller with each request", 1], [false, "each principal has a connection where it is told once", 3]] as const) {
  test(`of a remote server ${words}`, async () => {
    let met = 0;
    await using peer = createPeer(({ body }) => {
      const { id, method } = JSON.parse(body) as { id: number; method: string };
      if (method === "hello") met += 1;
      return Response.json({ jsonrpc: "2.0", id, result: method.startsWith("list/") ? { items: [] } : {} });
    });
    await using stage = await open(remoteSpec(peer.url, { isolation: "principal", connectMs: 10_000, requestMs: 10_000 }), { perRequest });
    expect([await stage.run("hi", "one"), await stage.run("hi", "two"), await stage.run("hi", "one")]).toEqual(["{}", "{}", "{}"]);
    expect(met).toBe(hellos);
  });
}

test("news of an instance concerns those whose own it is", async () => {
  const whoOf = (id: string, more: Partial<Call> = {}): Call => callOf("m", "{}", { principal: { id, scopes: null }, ...more });
  await using shared = await open(childSpec());
  await shared.pidOf("one");
  shared.reporting[0]?.updated("x://1", emptyObject, null);
  expect(["one", "two"].map((id) => shared.concerned[0]?.(whoOf(id)))).toEqual([true, true]);

  await using apart = await open(childSpec({ isolation: "principal" }));
  await apart.pidOf("one", can(relayableCapabilities));
  await apart.pidOf("two");
  for (const instance of apart.reporting) instance.updated("x://1", emptyObject, null);
  const [first, other] = apart.concerned;
  expect([first?.(whoOf("one", can(relayableCapabilities))), first?.(whoOf("two")), other?.(whoOf("one", can(relayableCapabilities))), other?.(whoOf("two"))]).toEqual([true, false, false, true]);
});

test("who shares with whom is decided by what the server says itself, never by what was remembered", async () => {
  const remembered = { ...earlier('{"name":"a"}'), facts: { ...earlier().facts, perRequest: true as const } };
  let met = 0;
  await using peer = createPeer(({ body }) => {
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    if (method === "hello") met += 1;
    return Response.json({ jsonrpc: "2.0", id, result: method.startsWith("list/") ? { items: [] } : {} });
  });
  // On demand: nothing is known but what was remembered, when the first calls come.
  await using stage = await open(remoteSpec(peer.url, { start: "on-demand", isolation: "principal", connectMs: 10_000, requestMs: 10_000 }), { remembered });
  expect([stage.entry.status().state, stage.entry.isForAll]).toEqual(["idle", false]);
  expect(await Promise.all([stage.run("hi", "one"), stage.run("hi", "two")])).toEqual(["{}", "{}"]);
  expect(met).toBe(3);
});

test("its status counts the calls of all instances that were made again", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }));
  for (const id of ["one", "two"]) {
    await stage.pidOf(id);
    expect(await stage.entry.instanceOf(callOf("m", "{}", { principal: { id, scopes: null } }))?.again(callOf("m"))).toBe(true);
  }
  expect(stage.entry.status()).toMatchObject({ retried: 2, inFlight: 0 });
});

test("who changes the lists of a process of his own is offered those, and nobody else, as long as it runs", async () => {
  await using stage = await open(childSpec({ isolation: "session" }), { limits: { noticeQuietMs: 5 } });
  const ended = new CancelSource();
  const one = { session: { id: "1", ended } };
  const two = { session: { id: "2", ended: new CancelSource() } };
  const offeredTo = (more: Partial<Call>): (readonly string[] | undefined)[] => {
    const who = callOf("m", "{}", { principal: { id: "p", scopes: null }, ...more });
    return stage.entry.variants().filter(({ concerns }) => concerns(who)).map(({ offered }) => offered.lists.tools.items);
  };
  await stage.pidOf("p", one);
  await stage.pidOf("p", two);
  expect(stage.entry.variants()).toEqual([]);
  await stage.run("addTool", "p", { ...one, params: parseObject('{"name":"mine"}', defaultLimits) ?? emptyObject });
  await stage.until(() => stage.entry.variants().length > 0);
  expect([offeredTo(one), offeredTo(two), stage.entry.first.offered()?.lists.tools.items]).toEqual([[['{"name":"one"}', '{"name":"mine"}']], [], ['{"name":"one"}']]);
  const over = stage.until(() => stage.entry.variants().length === 0);
  ended.cancel("closed");
  await over;
});

test("what a further process says of its lists is looked up where everybody's come from, too", async () => {
  await using stage = await open(childSpec({ isolation: "principal" }), { limits: { noticeQuietMs: 5 } });
  await stage.pidOf("one");
  const before = stage.entry.first.offered();
  await stage.run("addTool", "one", { params: parseObject('{"name":"mine"}', defaultLimits) ?? emptyObject });
  await stage.until(() => stage.entry.first.offered() !== before && stage.entry.variants().length > 0);
  expect(stage.entry.first.offered()?.lists.tools.items).toEqual(['{"name":"one"}']);
});

test("a further process of a server that said nothing before it had something to say is connected to as such", async () => {
  for (const mute of [true, false]) {
    await using stage = await open(childSpec({ isolation: "principal" }), { mute });
    await stage.pidOf("one");
    expect(stage.reporting.map((options) => options.mute)).toEqual([false, mute]);
  }
});
