/** Every row of the table at the head of course.ts, by the words that stand there; and what holds over several of them. */
import { describe, expect, test } from "bun:test";
import { CancelSource, defaultLimits, type Fault, fault } from "../../src/base/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { direct, directReady, earlier } from "../fixtures/lives.ts";
import { done, specOf } from "../fixtures/pool.ts";

const target = { backend: "b", name: "t", timeoutMs: 1000, tool: null };
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const onDemand = { start: "on-demand", idleMs: 1000 } as const;
const known = { remembered: earlier('{"name":"old"}') };
const issue = { path: [], line: 1, column: 1, message: "the variable TOKEN is not set", hint: null, server: "b" };
type Stage = Awaited<ReturnType<typeof directReady>>;
const stateOf = ({ backend }: Stage) => backend.status().state;

/** Ready, and asked for signs of life that come only when the test says so. */
async function questioned(...signs: readonly boolean[]): Promise<Stage & { readonly asked: number[] }> {
  const stage = await directReady();
  const asked: number[] = [];
  const left = [...signs];
  stage.life(0).alive = async (ms) => {
    asked.push(ms);
    return left.shift() ?? new Promise<boolean>(() => undefined);
  };
  stage.life(0).link.onLate();
  await stage.clock.settle();
  return { ...stage, asked };
}

describe("a server becomes", () => {
  test("disabled when made, where its entry says so, and stays it", async () => {
    const stage = direct({ disabled: true });
    await stage.clock.advance(60_000);
    expect([stateOf(stage), stage.lives.length]).toEqual(["disabled", 0]);
    await stage.backend.close();
    expect(stateOf(stage)).toBe("stopped");
  });

  test("misconfigured when made, where its entry cannot be used, and says why", async () => {
    const stage = direct({ issue });
    await stage.clock.advance(60_000);
    expect(stage.backend.status()).toMatchObject({ state: "misconfigured", reason: issue.message, lastError: { message: issue.message, at: stage.clock.now() - 60_000 } });
    expect(stage.lives).toEqual([]);
    await stage.backend.close();
  });

  test("idle when made, where it starts on demand and what it offers is known", async () => {
    const stage = direct(onDemand, known);
    await stage.clock.advance(60_000);
    expect(stage.backend.status()).toMatchObject({ state: "idle", lists: "remembered", pid: null, restarts: 0 });
    expect(stage.lives).toEqual([]);
    await stage.backend.close();
    expect(stateOf(stage)).toBe("stopped");
  });

  test("starting when made, else: to be kept running, or to be learned", async () => {
    for (const stage of [direct(), direct({}, known), direct(onDemand)]) {
      await stage.clock.settle();
      expect([stateOf(stage), stage.lives.length]).toEqual(["starting", 1]);
      await stage.backend.close();
    }
  });

  test("ready after starting, when handshake and lists came in time", async () => {
    const stage = await directReady({}, known);
    expect(stage.backend.status()).toMatchObject({ state: "ready", lists: "live", since: stage.clock.now(), breaker: "closed", lastError: null });
    await stage.backend.close();
  });

  test("backing-off after starting, when there can be no connection at all, and says why until there can", async () => {
    let isFull = true;
    const unmade = (): void => {
      if (isFull) throw fault("LIMIT_REACHED", { backend: "b", detail: "limits.loginsMax is 1" });
    };
    const stage = direct({}, { unmade });
    await stage.clock.settle();
    expect(stage.backend.status()).toMatchObject({ state: "backing-off", reason: expect.stringContaining("limits.loginsMax is 1") as string, pid: null });
    expect(stage.logged.join("\n")).not.toContain("defect");
    isFull = false;
    await stage.clock.advance(defaultLimits.backoffMsMin);
    expect([stateOf(stage), stage.lives.length]).toEqual(["starting", 1]);
    stage.life(0).ready();
    await stage.clock.settle();
    expect(stateOf(stage)).toBe("ready");
    await stage.backend.close();
    isFull = true;
    const closed = direct({}, { unmade });
    await closed.backend.close();
    expect(stateOf(closed)).toBe("stopped");
  });

  test("backing-off after starting, when anything else came of it, and says when it is tried again", async () => {
    const stage = direct();
    await stage.clock.settle();
    const at = stage.clock.now();
    stage.life(0).refuse(fault("BACKEND_GARBLED", { backend: "b", detail: "no handshake" }));
    await stage.clock.settle();
    const { state, since, retryAt, lastError } = stage.backend.status();
    expect({ state, since }).toEqual({ state: "backing-off", since: at });
    expect(retryAt).toBeGreaterThanOrEqual(at + defaultLimits.backoffMsMin / 2);
    expect(retryAt).toBeLessThanOrEqual(at + defaultLimits.backoffMsMin);
    expect(lastError).toEqual({ message: expect.stringContaining("no handshake"), at });
    await stage.backend.close();
  });

  test("degraded after ready, when it gives no sign of life when asked for one", async () => {
    const stage = await questioned(false);
    expect(stage.asked).toEqual([defaultLimits.aliveMsMax, defaultLimits.aliveMsMax]);
    expect(stage.backend.status()).toMatchObject({ state: "degraded", reason: "it gives no sign of life", pid: 7 });
    // It may answer yet: calls go there as before.
    expect((await stage.backend.call(callOf("tools/call"), target)).kind).toBe("done");
    await stage.backend.close();
  });

  test("ready after degraded, when it gives one, and tells the failure still", async () => {
    const stage = await questioned(false, true);
    expect(stage.backend.status()).toMatchObject({ state: "ready", reason: null, lastError: { message: "it gives no sign of life" } });
    expect(stage.changes).toEqual(["ready", "degraded", "ready"]);
    expect(stage.lives).toHaveLength(1);
    await stage.backend.close();
  });

  test("backing-off after ready, when the process or connection is lost", async () => {
    const stage = await directReady();
    stage.life(0).crash("it ended with exit code 1");
    await stage.clock.settle();
    expect(stage.backend.status()).toMatchObject({ state: "backing-off", reason: "it ended with exit code 1", lists: "live" });
    await stage.backend.close();
  });

  test("backing-off after ready, when the session is lost", async () => {
    const stage = await directReady();
    stage.life(0).options.lost("its session was refused");
    await stage.clock.settle();
    expect(stage.backend.status()).toMatchObject({ state: "backing-off", reason: "its session was refused" });
    await stage.backend.close();
  });

  test("backing-off after degraded, when it gave no sign of life for long", async () => {
    const stage = await questioned(false, false);
    expect(stage.backend.status()).toMatchObject({ state: "backing-off", reason: "it gives no sign of life" });
    expect(stage.life(0).closed).toBe(true);
    expect(stage.changes).toEqual(["ready", "degraded", "backing-off"]);
    await stage.backend.close();
  });

  test("backing-off after degraded, when the process is lost, and what was asked before then means nothing", async () => {
    const stage = await questioned(false);
    stage.life(0).crash("killed");
    await stage.clock.advance(defaultLimits.backoffMsMin);
    stage.life(1).ready();
    await stage.clock.settle();
    expect(stage.changes).toEqual(["ready", "degraded", "backing-off", "starting", "ready"]);
    await stage.backend.close();
  });

  test("idle after ready, where it starts on demand and nobody used it for long", async () => {
    const stage = await directReady(onDemand);
    await stage.clock.advance(onDemand.idleMs - 1);
    expect(stateOf(stage)).toBe("ready");
    await stage.clock.advance(1);
    expect(stage.backend.status()).toMatchObject({ state: "idle", lists: "live", reason: null, lastError: null, revision: null });
    expect(stage.life(0)).toMatchObject({ closed: true, left: true });
    await stage.clock.advance(60_000);
    expect(stage.lives).toHaveLength(1);
    await stage.backend.close();
    expect(stage.clock.pending).toBe(0);
  });

  test("starting after backing-off, when the time has come and somebody wants it, and this for ever", async () => {
    const stage = direct();
    for (let tries = 1; tries <= 40; tries += 1) {
      await stage.clock.settle();
      stage.lives.at(-1)?.refuse(fault("BACKEND_GARBLED"));
      await stage.clock.settle();
      await stage.clock.advance((stage.backend.status().retryAt ?? 0) - stage.clock.now());
      expect([stateOf(stage), stage.lives.length, stage.backend.status().restarts]).toEqual(["starting", tries + 1, tries]);
    }
    await stage.backend.close();
  });

  test("idle after backing-off, when it starts on demand and nobody wants it now", async () => {
    const stage = await directReady(onDemand);
    stage.life(0).crash("out of memory");
    await stage.clock.advance(defaultLimits.backoffMsMin);
    expect(stage.backend.status()).toMatchObject({ state: "idle", restarts: 0, lastError: { message: "out of memory" } });
    expect(stage.lives).toHaveLength(1);
    await stage.backend.close();
  });

  test("starting after backing-off on demand, too, as long as nobody knows what it offers", async () => {
    const stage = direct(onDemand);
    await stage.clock.settle();
    stage.life(0).refuse(fault("BACKEND_GARBLED"));
    await stage.clock.advance(defaultLimits.backoffMsMin);
    expect(stateOf(stage)).toBe("starting");
    await stage.backend.close();
  });

  test("starting after idle by a call, which waits for it; then it runs until it is idle again", async () => {
    const stage = direct({ ...onDemand, connectMs: 500 }, known);
    const calls = [stage.backend.call(callOf("tools/call"), target), stage.backend.call(callOf("tools/call"), target)];
    expect(stateOf(stage)).toBe("starting");
    await stage.clock.advance(499);
    stage.life(0).ready();
    for (const call of calls) expect((await call).kind).toBe("done");
    expect(stage.lives).toHaveLength(1);
    await stage.clock.advance(onDemand.idleMs * 1.25);
    expect(stateOf(stage)).toBe("idle");
    await stage.backend.close();
  });

  test("starting after idle by a subscription, which keeps it running", async () => {
    const stage = direct(onDemand, { ...known, subscribes: true });
    expect(await stage.backend.subscribe("x://1", "{}")).toBe(true);
    expect(stateOf(stage)).toBe("starting");
    await stage.clock.settle();
    stage.life(0).ready();
    await stage.clock.advance(onDemand.idleMs * 10);
    expect(stateOf(stage)).toBe("ready");
    expect(stage.updates).toEqual(["x://1"]);
    await stage.backend.unsubscribe("x://1", "{}");
    await stage.clock.advance(onDemand.idleMs * 1.5);
    expect(stateOf(stage)).toBe("idle");
    await stage.backend.close();
  });

  test("starting after idle by an entry that is eager now, and idle later by one that is no more", async () => {
    const stage = direct(onDemand, known);
    stage.backend.adjust(specOf("b", { start: "eager" }));
    await stage.clock.settle();
    stage.life(0).ready();
    await stage.clock.advance(60_000);
    expect(stateOf(stage)).toBe("ready");
    stage.backend.adjust(specOf("b", onDemand));
    await stage.clock.advance(onDemand.idleMs);
    expect(stateOf(stage)).toBe("idle");
    await stage.backend.close();
  });

  test("draining all at once: what comes at that very moment is not sent any more, and says so", async () => {
    const stage = await directReady();
    let sent = 0;
    stage.life(0).answer = async () => ((sent += 1), done("{}"));
    const closing = stage.backend.close();
    expect(await failure(stage.backend.call(callOf("tools/call"), target))).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false, state: "draining" } });
    await closing;
    expect(sent).toBe(0);
  });

  test("stopped, at whatever moment it is closed while a sign of life comes, or none", async () => {
    for (const isThere of [true, false]) {
      for (let turns = 0; turns < 12; turns += 1) {
        const stage = await directReady();
        const signs = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
        let asked = 0;
        stage.life(0).alive = () => signs[asked++]?.promise ?? Promise.resolve(true);
        stage.life(0).link.onLate();
        // The first question goes without an answer where the second has one.
        if (isThere) signs[0]?.resolve(false);
        await stage.clock.settle();
        signs[isThere ? 1 : 0]?.resolve(isThere);
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        let isClosed = false;
        void stage.backend.close().then(() => (isClosed = true));
        await stage.clock.advance(60_000);
        expect({ isThere, turns, isClosed, state: stateOf(stage), lives: stage.lives.length }).toEqual({ isThere, turns, isClosed: true, state: "stopped", lives: 1 });
      }
    }
  });

  test("draining and then stopped from anywhere, when it is closed; closing twice is fine", async () => {
    const prepare = {
      starting: async () => direct(),
      ready: () => directReady(),
      degraded: () => questioned(false),
      idle: async () => direct(onDemand, known),
      async "backing-off"() {
        const stage = await directReady();
        stage.life(0).crash("gone");
        return stage;
      },
    };
    for (const [state, make] of Object.entries(prepare)) {
      const stage = await make();
      await stage.clock.settle();
      expect<string>(stateOf(stage)).toBe(state);
      const closing = Promise.all([stage.backend.close(), stage.backend.close()]);
      expect(stateOf(stage)).toBe("draining");
      await closing;
      expect(stateOf(stage)).toBe("stopped");
      expect(stage.lives.every(({ closed }) => closed)).toBe(true);
      const lives = stage.lives.length;
      expect((await failure(stage.backend.call(callOf("tools/call"), target))).code).toBe("BACKEND_DOWN");
      await stage.clock.advance(defaultLimits.graceMsMax);
      expect([stage.lives.length, stateOf(stage)]).toEqual([lives, "stopped"]);
    }
  });
});

describe("what it offers", () => {
  const listed = ({ backend }: Stage): readonly string[] | null => backend.offered()?.lists.tools.items ?? null;

  test("is what was remembered until it says so itself", async () => {
    const stage = direct({}, known);
    expect(listed(stage)).toEqual(['{"name":"old"}']);
    expect(stage.backend.facts).toBeNull();
    await stage.clock.settle();
    stage.life(0).ready();
    await stage.clock.settle();
    expect(listed(stage)).toEqual(['{"name":"tools"}']);
    expect(stage.backend.facts?.revision).toBe("r1");
    await stage.backend.close();
  });

  test("stays listed for the grace time after a fall, leaves then, and is back with the server", async () => {
    const stage = await directReady({}, { limits: { graceMsMax: 60_000 } });
    stage.life(0).crash("gone");
    await stage.clock.advance(60_000 - 1);
    expect(listed(stage)).toEqual(['{"name":"tools"}']);
    const told = stage.changes.length;
    await stage.clock.advance(1);
    expect([listed(stage), stage.backend.status().lists]).toEqual([null, null]);
    expect(stage.changes.length).toBeGreaterThan(told);
    expect(await failure(stage.backend.call(callOf("tools/call"), target))).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false } });
    while (stateOf(stage) !== "starting") await stage.clock.advance(100);
    await stage.clock.settle();
    stage.lives.at(-1)?.ready();
    await stage.clock.settle();
    expect([stateOf(stage), listed(stage)?.length]).toEqual(["ready", 1]);
    await stage.backend.close();
  });

  test("never leaves the lists of a server that is back before the grace time is over, however often it falls", async () => {
    const stage = await directReady({}, { limits: { graceMsMax: 5_000 } });
    for (let falls = 0; falls < 20; falls += 1) {
      stage.lives.at(-1)?.crash("gone");
      for (const lives = stage.lives.length; stage.lives.length === lives; ) await stage.clock.advance(50);
      await stage.clock.settle();
      stage.lives.at(-1)?.ready();
      await stage.clock.advance(1_000);
      expect(listed(stage)).not.toBeNull();
    }
    await stage.backend.close();
  });

  test("is learned anew by a server on demand that lost its place in the lists", async () => {
    const stage = await directReady(onDemand, { limits: { graceMsMax: 60_000 } });
    stage.life(0).crash("gone");
    await stage.clock.advance(30_000);
    expect([stateOf(stage), stage.lives.length]).toEqual(["idle", 1]);
    await stage.clock.advance(30_000);
    expect([stateOf(stage), stage.lives.length]).toEqual(["starting", 2]);
    stage.life(1).ready();
    await stage.clock.settle();
    expect(listed(stage)).not.toBeNull();
    await stage.backend.close();
  });
});

describe("the breaker", () => {
  test("opens after failures in a row; while it is half-open nobody waits for the try, and success closes it", async () => {
    const stage = direct({ connectMs: 60_000 });
    for (let failures = 0; failures < defaultLimits.breakerFailuresMax; failures += 1) {
      expect(stage.backend.status().breaker).toBe("closed");
      await stage.clock.settle();
      stage.lives.at(-1)?.refuse(fault("BACKEND_GARBLED"));
      await stage.clock.settle();
      if (failures + 1 < defaultLimits.breakerFailuresMax) await stage.clock.advance((stage.backend.status().retryAt ?? 0) - stage.clock.now());
    }
    expect(stage.backend.status().breaker).toBe("open");
    await stage.clock.advance(defaultLimits.backoffMsMax);
    expect(stage.backend.status()).toMatchObject({ state: "starting", breaker: "half-open" });
    expect(await failure(stage.backend.call(callOf("tools/call"), target))).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false, state: "starting" } });
    stage.lives.at(-1)?.ready();
    await stage.clock.settle();
    expect(stage.backend.status()).toMatchObject({ state: "ready", breaker: "closed" });
    await stage.backend.close();
  });
});

describe("being stopped for want of use", () => {
  test("does not happen while a call runs, however long", async () => {
    const stage = await directReady(onDemand);
    const answer = Promise.withResolvers<ReturnType<typeof done>>();
    stage.life(0).answer = () => answer.promise;
    const call = stage.backend.call(callOf("tools/call"), target);
    stage.life(0).inFlight = 1;
    await stage.clock.advance(onDemand.idleMs * 20);
    expect(stateOf(stage)).toBe("ready");
    stage.life(0).inFlight = 0;
    answer.resolve(done("{}"));
    await call;
    await stage.clock.advance(onDemand.idleMs * 1.5);
    expect(stateOf(stage)).toBe("idle");
    await stage.backend.close();
  });

  test("does not happen while a task is at work, and does when somebody has heard of its end", async () => {
    const stage = await directReady(onDemand);
    stage.life(0).answer = async () => ({ kind: "task", result: result('{"taskId":"t1","status":"working","ttlMs":3600000}'), backend: "b" });
    await stage.backend.call(callOf("tools/call"), target);
    await stage.clock.advance(onDemand.idleMs * 20);
    expect(stateOf(stage)).toBe("ready");
    stage.life(0).answer = async () => done('{"taskId":"t1","status":"completed"}');
    await stage.backend.call(callOf("tasks/get", '{"taskId":"t1"}'), target);
    await stage.clock.advance(onDemand.idleMs * 1.5);
    expect(stateOf(stage)).toBe("idle");
    await stage.backend.close();
  });

  test("loses no call that comes at that moment: it waits for the next life, which begins when the last is buried", async () => {
    const stage = await directReady(onDemand);
    const left = Promise.withResolvers<void>();
    stage.life(0).leave = () => left.promise;
    await stage.clock.advance(onDemand.idleMs);
    const call = stage.backend.call(callOf("tools/call"), target);
    await stage.clock.settle();
    expect([stateOf(stage), stage.lives.length]).toEqual(["starting", 1]);
    left.resolve();
    await stage.clock.settle();
    stage.life(1).ready();
    expect((await call).kind).toBe("done");
    await stage.backend.close();
  });

  test("waits while it is degraded", async () => {
    const stage = await questioned(false);
    stage.backend.adjust(specOf("b", onDemand));
    await stage.clock.advance(onDemand.idleMs * 3);
    expect(stateOf(stage)).toBe("degraded");
    await stage.backend.close();
  });
});

describe("a call under which the server fell", () => {
  const call = callOf("tools/call");

  test("is to be made again once the server is back, which counts", async () => {
    const stage = await directReady();
    stage.life(0).crash("gone");
    const again = stage.backend.again(call);
    await stage.clock.advance(defaultLimits.backoffMsMin);
    stage.life(1).ready();
    expect(await again).toBe(true);
    expect(stage.backend.status()).toMatchObject({ retried: 1, inFlight: 0 });
    await stage.backend.close();
  });

  test("brings a server on demand back", async () => {
    const stage = await directReady(onDemand);
    stage.life(0).crash("gone");
    const again = stage.backend.again(call);
    await stage.clock.advance(defaultLimits.backoffMsMin);
    stage.life(1).ready();
    expect(await again).toBe(true);
    await stage.backend.close();
  });

  test("is not when the next start fails, when that would take long, when the caller gives up, or when it is closed", async () => {
    const fails = await directReady();
    fails.life(0).crash("gone");
    const again = fails.backend.again(call);
    await fails.clock.advance(defaultLimits.backoffMsMin);
    fails.life(1).refuse(fault("BACKEND_GARBLED"));
    expect(await again).toBe(false);
    await fails.backend.close();

    const slow = await directReady();
    slow.life(0).crash("gone");
    const waiting = slow.backend.again(call);
    await slow.clock.advance(defaultLimits.againMsMax);
    expect(await waiting).toBe(false);
    await slow.backend.close();

    const impatient = await directReady();
    impatient.life(0).crash("gone");
    const cancel = new CancelSource();
    const given = impatient.backend.again(callOf("tools/call", "{}", { cancel }));
    cancel.cancel("enough");
    expect(await given).toBe(false);

    const closed = impatient.backend.again(call);
    await impatient.backend.close();
    expect(await closed).toBe(false);
    expect(impatient.backend.status().retried).toBe(0);
  });

  test("is not when too many were", async () => {
    const stage = await directReady({}, { limits: { retriesMax: 2, callsPerRetryMin: 10 } });
    expect([await stage.backend.again(call), await stage.backend.again(call), await stage.backend.again(call)]).toEqual([true, true, false]);
    for (let calls = 0; calls < 10; calls += 1) await stage.backend.call(call, target);
    expect([await stage.backend.again(call), await stage.backend.again(call)]).toEqual([true, false]);
    await stage.backend.close();
  });
});

const result = (text: string) => (done(text) as Extract<ReturnType<typeof done>, { kind: "done" }>).result;

describe("a login that is wanted", () => {
  const needed = fault("LOGIN_NEEDED", { backend: "b", detail: "log in" });
  const loginOf = () => {
    const listeners = new Set<() => void>();
    const login = { needed: true, advice: "log in", authorization: () => null, refused: async () => "login" as const, page: () => null, onChanged: (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener)) };
    return { login, listeners, change: () => [...listeners].forEach((listener) => listener()) };
  };
  const waiting = async (more: Parameters<typeof direct>[0] = {}, circumstances: Parameters<typeof direct>[1] = {}) => {
    const { login, listeners, change } = loginOf();
    const stage = direct(more, { ...circumstances, login });
    await stage.clock.settle();
    stage.life(0).refuse(needed);
    await stage.clock.settle();
    return { ...stage, login, listeners, change };
  };

  test("makes a server that is starting wait, which no call, no time short of a long one and no other news ends", async () => {
    const stage = await waiting();
    expect(stage.backend.status()).toMatchObject({ state: "needs-login", breaker: "closed", reason: expect.stringContaining("log in"), retryAt: stage.clock.now() + defaultLimits.loginWaitMsMax });
    stage.change();
    stage.backend.want();
    await stage.clock.advance(defaultLimits.loginWaitMsMax - 1);
    expect([stateOf(stage), stage.lives.length, (await failure(stage.backend.call(callOf("tools/call"), target))).code, await stage.backend.again(callOf("x"))]).toEqual(["needs-login", 1, "LOGIN_NEEDED", false]);
    await stage.clock.advance(1);
    expect([stateOf(stage), stage.lives.length, stage.listeners.size]).toEqual(["starting", 2, 0]);
    await stage.backend.close();
  });

  test("is had when somebody has logged in: it starts at once", async () => {
    const stage = await waiting();
    stage.login.needed = false;
    stage.change();
    await stage.clock.settle();
    expect([stateOf(stage), stage.lives.length]).toEqual(["starting", 2]);
    await stage.backend.close();
  });

  test("leaves a server idle that starts on demand and is wanted by nobody then", async () => {
    const { login, change } = loginOf();
    const stage = direct(onDemand, { ...known, login });
    stage.backend.want();
    await stage.clock.settle();
    stage.life(0).refuse(needed);
    await stage.clock.settle();
    expect(stateOf(stage)).toBe("needs-login");
    login.needed = false;
    change();
    await stage.clock.settle();
    expect(stateOf(stage)).toBe("idle");
    await stage.backend.close();
  });

  test("takes a ready server out, and one that is had meanwhile brings it back without a wait", async () => {
    const { login } = loginOf();
    const stage = await directReady({}, { login });
    Object.assign(stage.life(0).link, { needsLogin: true });
    stage.life(0).crash("it wants a login");
    await stage.clock.settle();
    expect(stage.backend.status()).toMatchObject({ state: "needs-login", reason: "it wants a login" });
    await stage.backend.close();
    const other = await directReady({}, { login: { ...login, needed: false } });
    Object.assign(other.life(0).link, { needsLogin: true });
    other.life(0).crash("it wants a login");
    await other.clock.settle();
    expect([stateOf(other), other.lives.length]).toEqual(["starting", 2]);
    await other.backend.close();
  });

  test("does not keep a server from being closed", async () => {
    const stage = await waiting();
    await stage.backend.close();
    expect([stateOf(stage), stage.listeners.size]).toEqual(["stopped", 0]);
  });
});
