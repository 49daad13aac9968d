import { expect, test } from "bun:test";
import { CancelSource, defaultLimits, type Fault, fault } from "../../src/base/index.ts";
import type { Kind } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { direct, directReady } from "../fixtures/lives.ts";
import { done, specOf } from "../fixtures/pool.ts";

const target = { backend: "b", name: "t", timeoutMs: 1000, tool: null };
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);

test("a start leads over handshake and lists to ready, and calls made meanwhile wait for it", async () => {
  const { backend, clock, life, changes } = direct();
  expect(backend.status()).toMatchObject({ state: "starting", revision: null, restarts: 0 });
  expect(backend.offered()).toBeNull();
  const early = backend.call(callOf("tools/call"), target);
  await clock.settle();
  life(0).ready();
  expect((await early).kind).toBe("done");
  expect(backend.status()).toMatchObject({ state: "ready", pid: 7, reason: null, revision: "r1" });
  expect(backend.offered()?.lists.tools.items).toEqual(['{"name":"tools"}']);
  expect(Object.isFrozen(backend.offered())).toBe(true);
  expect(changes).toEqual(["ready"]);
  await backend.close();
});

test("one list that fails costs that list only", async () => {
  const { backend, clock, life } = direct();
  await clock.settle();
  life(0).lists = async (kind) => (kind === "resources" ? Promise.reject(fault("BACKEND_TIMEOUT")) : ["{}"]);
  life(0).ready();
  await backend.settled(1000);
  expect(backend.status().state).toBe("ready");
  expect(backend.offered()?.lists).toMatchObject({ tools: { items: ["{}"] }, resources: { items: [] }, templates: { items: ["{}"] } });
  await backend.close();
});

test("a crash is told at once, calls fail with the reason, what was offered stays, and the same way leads back", async () => {
  const { backend, clock, life, lives, changes } = await directReady({}, { limits: { soonMsMax: 1 } });
  life(0).crash("it ended with exit code 1: out of memory");
  await clock.settle();
  expect(backend.status()).toMatchObject({ state: "backing-off", reason: "it ended with exit code 1: out of memory" });
  expect(backend.offered()).not.toBeNull();
  expect(life(0)).toMatchObject({ closed: true, left: true });
  expect(await failure(backend.call(callOf("tools/call"), target))).toMatchObject({ code: "BACKEND_DOWN", message: expect.stringContaining("out of memory"), data: { sent: false } });
  await clock.advance(defaultLimits.backoffMsMin);
  expect(lives).toHaveLength(2);
  expect(backend.status()).toMatchObject({ state: "starting", restarts: 1 });
  life(1).ready();
  await clock.settle();
  expect((await backend.call(callOf("tools/call"), target)).kind).toBe("done");
  expect(changes).toEqual(["ready", "backing-off", "starting", "ready"]);
  await backend.close();
});

test("a call that comes right after a crash waits for the first try, and for a server that is started by calls alone too", async () => {
  for (const start of ["eager", "on-demand"] as const) {
    const { backend, clock, life, lives } = await directReady({ start });
    life(0).crash("it ended with exit code 1");
    await clock.settle();
    const call = backend.call(callOf("tools/call"), target);
    expect(backend.status()).toMatchObject({ state: "backing-off", inFlight: 1 });
    await clock.advance(defaultLimits.backoffMsMin);
    expect(lives).toHaveLength(2);
    life(1).ready();
    expect((await call).kind).toBe("done");
    await backend.close();
  }
});

test("such a call fails with the reason when that try fails, when it is given up, and when it has less time than that", async () => {
  const { backend, clock, life, lives } = await directReady();
  const cancel = new CancelSource();
  life(0).crash("it ended with exit code 1");
  await clock.settle();
  const [waits, givenUp] = [failure(backend.call(callOf("tools/call"), target)), failure(backend.call(callOf("tools/call", "{}", { cancel }), target))];
  cancel.cancel("the client has gone");
  expect((await givenUp).code).toBe("CALL_CANCELLED");
  backend.adjust(specOf("b", { requestMs: 1 }));
  expect((await failure(backend.call(callOf("tools/call"), target))).code).toBe("BACKEND_DOWN");
  await clock.advance(defaultLimits.backoffMsMin);
  expect(lives).toHaveLength(2);
  life(1).refuse(fault("BACKEND_GARBLED", { backend: "b", detail: "no handshake" }));
  await clock.settle();
  expect(await waits).toMatchObject({ code: "BACKEND_DOWN", message: expect.stringContaining("no handshake") });
  await backend.close();
});

test("a call does not wait for a try that is not soon, nor for a server that has never been ready", async () => {
  const { backend, clock, life } = await directReady({}, { limits: { backoffMsMin: 2 * defaultLimits.soonMsMax } });
  life(0).crash("it ended with exit code 1");
  await clock.settle();
  expect((await failure(backend.call(callOf("tools/call"), target))).code).toBe("BACKEND_DOWN");
  await backend.close();
  const fresh = direct();
  await fresh.clock.settle();
  fresh.life(0).refuse(fault("BACKEND_GARBLED", { backend: "b", detail: "no handshake" }));
  await fresh.clock.settle();
  expect((await failure(fresh.backend.call(callOf("tools/call"), target))).code).toBe("BACKEND_DOWN");
  await fresh.backend.close();
});

test("a server that fails to start is tried again for ever, in growing waits, and shows its last words", async () => {
  const { backend, clock, lives } = direct({ connectMs: defaultLimits.backoffMsMax * 2 });
  for (let tries = 1; tries <= 40; tries++) {
    await clock.settle();
    lives.at(-1)?.refuse(fault("BACKEND_GARBLED", { backend: "b", detail: "no handshake" }));
    await clock.settle();
    expect(backend.status()).toMatchObject({ state: "backing-off", reason: expect.stringContaining("no handshake); its last words: last words") });
    await clock.advance(defaultLimits.backoffMsMax);
    expect(lives).toHaveLength(tries + 1);
  }
  await backend.close();
});

test("a start that takes longer than the entry allows is ended, and what comes of it later changes nothing", async () => {
  const { backend, clock, life } = direct({ connectMs: 500 });
  const waiting = failure(backend.call(callOf("tools/call"), target));
  await clock.advance(500);
  expect((await waiting).code).toBe("BACKEND_DOWN");
  expect(backend.status()).toMatchObject({ state: "backing-off", reason: expect.stringContaining("not ready within 500 ms") });
  expect(life(0).closed).toBe(true);
  life(0).ready();
  await clock.settle();
  expect(backend.offered()).toBeNull();
  await backend.close();
});

test("a server that falls between handshake and readiness does not look like one that offers nothing", async () => {
  const { backend, clock, life } = direct();
  await clock.settle();
  life(0).lists = async () => {
    life(0).crash("it fell");
    throw fault("BACKEND_GONE");
  };
  life(0).ready();
  await clock.settle();
  expect(backend.status()).toMatchObject({ state: "backing-off", reason: "it fell" });
  expect(backend.offered()).toBeNull();
  await backend.close();
});

test("a connection that is lost for its dialect starts anew", async () => {
  const { backend, clock, life, lives } = await directReady();
  life(0).options.lost("its session was refused");
  await clock.settle();
  expect(backend.status()).toMatchObject({ state: "backing-off", reason: "its session was refused" });
  await clock.advance(defaultLimits.backoffMsMin);
  expect(lives).toHaveLength(2);
  await backend.close();
});

test("a connection that is lost while its lists are fetched is not taken for a ready one", async () => {
  const { backend, clock, life } = direct();
  await clock.settle();
  life(0).lists = async () => {
    life(0).options.lost("its session was refused");
    return [];
  };
  life(0).ready();
  await clock.settle();
  expect(backend.status()).toMatchObject({ state: "backing-off", reason: "its session was refused" });
  expect(backend.offered()).toBeNull();
  await backend.close();
});

test("a defect in the handshake is logged, and does not end the tries", async () => {
  const { backend, clock, lives, life } = direct();
  await clock.settle();
  life(0).refuse(new TypeError("undefined is not a function"));
  await clock.advance(defaultLimits.backoffMsMin);
  expect(lives).toHaveLength(2);
  await backend.close();
});

test("a dialect that cannot take leave does not keep the link open", async () => {
  const { backend, life } = await directReady();
  life(0).leave = () => Promise.reject(fault("BACKEND_GONE"));
  await backend.close();
  expect(life(0).closed).toBe(true);
});

test("announced changes are collected and fetched, of that kind only, keeping a list that cannot be fetched", async () => {
  const { backend, clock, life, changes } = await directReady();
  const fetched: Kind[] = [];
  life(0).lists = async (kind) => {
    fetched.push(kind);
    return kind === "templates" ? Promise.reject(fault("BACKEND_TIMEOUT")) : ["{}", "{}"];
  };
  for (let times = 0; times < 50; times++) life(0).options.changed("tools");
  await clock.advance(defaultLimits.noticeQuietMs);
  expect(fetched).toEqual(["tools"]);
  expect(backend.offered()?.lists.tools.items).toHaveLength(2);
  expect(changes).toEqual(["ready", "ready"]);
  life(0).options.changed("resources");
  await clock.advance(defaultLimits.noticeQuietMs * 2);
  expect(fetched).toEqual(["tools", "resources", "templates"]);
  expect(backend.offered()?.lists.templates.items).toEqual(['{"name":"templates"}']);
  await backend.close();
});

test("a change announced before readiness is fetched after it, and one after a crash is not", async () => {
  const { backend, clock, life } = direct();
  await clock.settle();
  let fetches = 0;
  life(0).lists = async (kind) => {
    if (kind === "tools" && ++fetches === 1) life(0).options.changed("tools");
    return [];
  };
  life(0).ready();
  await clock.advance(defaultLimits.noticeQuietMs);
  expect(fetches).toBe(2);
  life(0).options.changed("tools");
  life(0).crash("gone");
  await clock.settle();
  await clock.advance(defaultLimits.noticeQuietMs);
  expect(fetches).toBe(2);
  await backend.close();
});

test("closing ends it from every state, and twice is fine", async () => {
  for (const prepare of ["starting", "ready", "backing-off"] as const) {
    const stage = prepare === "starting" ? direct() : await directReady();
    await stage.clock.settle();
    if (prepare === "backing-off") stage.life(0).crash("gone");
    await stage.clock.settle();
    expect(stage.backend.status().state).toBe(prepare);
    await Promise.all([stage.backend.close(), stage.backend.close()]);
    await stage.backend.close();
    expect(stage.backend.status().state).toBe("stopped");
    expect(stage.lives.every(({ closed }) => closed)).toBe(true);
    expect((await failure(stage.backend.call(callOf("tools/call"), target))).code).toBe("BACKEND_DOWN");
    await stage.clock.advance(defaultLimits.backoffMsMax);
    expect(stage.lives).toHaveLength(1);
  }
});

test("a list that could not be fetched is asked for again, in growing waits, until it comes", async () => {
  const { backend, clock, life, changes } = direct();
  await clock.settle();
  let asked = 0;
  life(0).lists = async (kind) => {
    if (kind !== "tools") return [];
    asked += 1;
    return asked < 4 ? Promise.reject(fault("BACKEND_TIMEOUT")) : ['{"name":"late"}'];
  };
  life(0).ready();
  await clock.settle();
  expect(backend.status().state).toBe("ready");
  expect(backend.offered()?.lists.tools.items).toEqual([]);
  await clock.advance(defaultLimits.backoffMsMax);
  expect(backend.offered()?.lists.tools.items).toEqual(['{"name":"late"}']);
  expect(asked).toBe(4);
  expect(changes.at(-1)).toBe("ready");
  await clock.advance(defaultLimits.backoffMsMax * 4);
  expect(asked).toBe(4);
  await backend.close();
  expect(clock.pending).toBe(0);
});

test("a list that cannot be fetched after a crash stays as it was before", async () => {
  const { backend, clock, life } = await directReady();
  life(0).crash("gone");
  await clock.advance(defaultLimits.backoffMsMin);
  life(1).lists = (kind) => (kind === "tools" ? Promise.reject(fault("BACKEND_TIMEOUT")) : Promise.resolve([]));
  life(1).ready();
  await clock.settle();
  expect(backend.status().state).toBe("ready");
  expect(backend.offered()?.lists).toMatchObject({ tools: { items: ['{"name":"tools"}'] }, prompts: { items: [] } });
  await backend.close();
});

test("a handshake that succeeds after its time leaves nothing behind: its dialect is closed, its lists are not taken", async () => {
  const { backend, clock, life } = direct({ connectMs: 500 });
  await clock.settle();
  // This one does not notice that its link has been closed.
  life(0).refuse = () => undefined;
  await clock.advance(500);
  expect(backend.status().state).toBe("backing-off");
  life(0).ready();
  await clock.settle();
  expect(life(0).left).toBe(true);
  expect(backend.offered()).toBeNull();
  await backend.close();
});

test("a caller who gives up waits no longer for a server that starts, and the call is never made", async () => {
  const { backend, clock, life } = await direct();
  const cancel = new CancelSource();
  const waiting = failure(backend.call(callOf("tools/call", "{}", { cancel }), target));
  expect(backend.inFlight).toBe(1);
  cancel.cancel("enough");
  expect((await waiting).code).toBe("CALL_CANCELLED");
  expect(backend.inFlight).toBe(0);
  await clock.settle();
  let calls = 0;
  life(0).answer = async () => {
    calls += 1;
    return done("{}");
  };
  life(0).ready();
  await clock.settle();
  expect(calls).toBe(0);
  await backend.close();
});

test("callers that wait for a server are bounded like calls in flight", async () => {
  const { backend, clock, life } = direct();
  const waiting = Array.from({ length: defaultLimits.pendingMax }, () => backend.call(callOf("tools/call"), target));
  expect(await failure(backend.call(callOf("tools/call"), target))).toMatchObject({ code: "BACKEND_BUSY", data: { sent: false } });
  await clock.settle();
  life(0).ready();
  expect((await Promise.all(waiting)).every(({ kind }) => kind === "done")).toBe(true);
  await backend.close();
});

test("the times of a newer entry count from the next start on", async () => {
  const { backend, clock, life, lives } = direct({ connectMs: 500 });
  backend.adjust(specOf("b", { connectMs: 5000 }));
  await clock.advance(500);
  await clock.advance(defaultLimits.backoffMsMin);
  expect(lives).toHaveLength(2);
  await clock.advance(4000);
  expect(backend.status().state).toBe("starting");
  life(1).ready();
  await clock.settle();
  expect(backend.status().state).toBe("ready");
  await backend.close();
});

test("an entry that is disabled or cannot be used starts nothing and says so", async () => {
  const disabled = direct({ disabled: true });
  expect(disabled.backend.status().state).toBe("disabled");
  expect(await failure(disabled.backend.call(callOf("tools/call"), target))).toMatchObject({ code: "BACKEND_DOWN", message: expect.stringContaining("it is disabled") });
  const issue = { path: [], line: 1, column: 1, message: "the variable TOKEN is not set", hint: null, server: "b" };
  const broken = direct({ issue });
  expect(broken.backend.status()).toMatchObject({ state: "misconfigured", reason: "the variable TOKEN is not set" });
  expect((await failure(broken.backend.call(callOf("tools/call"), target))).code).toBe("BACKEND_MISCONFIGURED");
  await broken.backend.settled(1000);
  for (const { backend, lives } of [disabled, broken]) {
    await backend.close();
    expect(lives).toEqual([]);
  }
});

test("waiting for it to settle ends with the time, too", async () => {
  const { backend, clock } = direct({ connectMs: 10_000 });
  let settled = false;
  void backend.settled(300).then(() => (settled = true));
  await clock.advance(299);
  expect(settled).toBe(false);
  await clock.advance(1);
  expect(settled).toBe(true);
  await backend.close();
});

test("the reason why a server is away holds no secret, no control character and no novel, whatever the server said", async () => {
  const { backend, life, secrets, clock } = direct();
  secrets.add("hunter2-hunter2");
  await clock.settle();
  life(0).refuse(fault("BACKEND_DOWN", { backend: "b", detail: `error -1: argv was --key hunter2-hunter2\u001b[2J ${"x".repeat(10_000)}` }));
  await clock.settle();
  const reason = backend.status().reason ?? "";
  expect(reason).toContain("argv was --key [secret]");
  expect(reason).not.toMatch(/hunter2|\u001b/u);
  expect(reason.length).toBeLessThanOrEqual(defaultLimits.excerptMax);
  expect((await failure(backend.call(callOf("tools/call"), target))).message).not.toContain("hunter2");
});

test("why it is away is said once, and again when it is another reason or when it had come back", async () => {
  const { backend, clock, life, lives, logged } = direct();
  const reasons = ["refused", "refused", "refused", "late", "late", null, "late"];
  for (const [at, reason] of reasons.entries()) {
    while (lives.length <= at) await clock.advance(100);
    if (reason === null) {
      life(at).ready();
      await clock.settle();
      life(at).crash("crashed");
    } else {
      life(at).refuse(fault("BACKEND_DOWN", { detail: reason }));
    }
    await clock.settle();
  }
  const said = logged.filter((line) => line.includes('"level":"warn"')).map((line) => /refused|late|crashed/u.exec((JSON.parse(line) as { reason: string }).reason)?.[0]);
  expect(said).toEqual(["refused", "late", "crashed", "late"]);
  await backend.close();
});
