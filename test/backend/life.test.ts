import { expect, test } from "bun:test";
import { Life } from "../../src/backend/life.ts";
import type { Link } from "../../src/backend/link.ts";
import { Lists } from "../../src/backend/lists.ts";
import { defaultLimits, type Fault, fault, nullLog } from "../../src/base/index.ts";
import type { ConnectOptions, Upstream } from "../../src/era/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { specOf } from "../fixtures/pool.ts";

/** One life over a link of the test's own, whose handshake the test ends. */
function stage() {
  const clock = createTestClock();
  const lists = new Lists({ name: "b", clock, limits: defaultLimits, log: nullLog, changed: () => undefined });
  const handshake = Promise.withResolvers<Upstream>();
  const happened: string[] = [];
  let told: ConnectOptions | null = null;
  let fallen: string | null = null;
  const link: Link = {
    transport: "stdio",
    pid: null,
    inFlight: 0,
    heard: 0,
    onMessage: () => undefined,
    onLate: () => undefined,
    onDown: (reason) => happened.push(`down: ${reason}`),
    giveUp: (reason) => void (fallen = reason),
    get fallen() {
      return fallen;
    },
    stderr: () => [],
    open: async () => void happened.push("open"),
    nextId: () => 1,
    request: () => Promise.reject(fault("BACKEND_GONE")),
    send: async () => undefined,
    abandon: () => undefined,
    close: async () => void happened.push("close"),
  };
  const upstream: Upstream = {
    facts: { info: "{}", capabilities: new Map(), instructions: null, revision: "r", announces: true, subscribes: false },
    call: () => Promise.reject(fault("BACKEND_GONE")),
    list: async (kind) => ({ items: [`{"name":"${kind}"}`], cache: { ttlMs: 0, scope: "private" } }),
    subscribe: () => Promise.resolve(false),
    unsubscribe: () => Promise.resolve(),
    alive: () => Promise.resolve(true),
    close: async () => void happened.push("leave"),
  };
  const connect = (_wire: unknown, options: ConnectOptions): Promise<Upstream> => {
    told = options;
    return handshake.promise;
  };
  const life = new Life({ spec: specOf("b", { connectMs: 500, requestMs: 70 }), link, connect, clock, limits: defaultLimits, log: nullLog, capabilities: '{"x":{}}', isMute: () => false, lists, updated: () => undefined });
  return { life, link, lists, clock, upstream, happened, handshake, told: () => told as unknown as ConnectOptions };
}

test("a start opens the link, shakes hands with the entry's own times, and takes over the lists", async () => {
  const { life, lists, upstream, happened, handshake, told, clock } = stage();
  const started = life.start();
  await clock.settle();
  expect(told()).toMatchObject({ name: "b", era: "auto", requestMsMax: 70, probeMsMax: defaultLimits.probeMsMax, capabilities: '{"x":{}}' });
  handshake.resolve(upstream);
  expect(await started).toBe(upstream);
  expect([lists.source, life.fallen, clock.pending]).toEqual(["live", null, 0]);
  await life.bury();
  expect(happened).toEqual(["open", "leave", "close"]);
});

test("one that takes too long is late; what comes of it after its burial takes leave and changes no list", async () => {
  const { life, lists, upstream, happened, handshake, clock } = stage();
  const late = life.start().then(() => null, (thrown: Fault) => thrown);
  await clock.advance(500);
  expect(await late).toMatchObject({ code: "BACKEND_TIMEOUT", message: expect.stringContaining("not ready within 500 ms") });
  await life.bury();
  handshake.resolve(upstream);
  await clock.settle();
  expect(happened).toEqual(["open", "close", "leave"]);
  expect(lists.offered).toBeNull();
});

test("it has fallen when its link has, or its dialect gives it up, which tells of the first reason", async () => {
  const one = stage();
  one.link.giveUp("it crashed");
  expect(one.life.fallen).toBe("it crashed");
  const other = stage();
  void other.life.start();
  await other.clock.settle();
  other.told().lost("its session was refused");
  other.told().lost("again");
  expect([other.life.fallen, other.happened.includes("down: its session was refused")]).toEqual(["its session was refused", true]);
  other.handshake.resolve(other.upstream);
  await other.clock.settle();
  expect(other.lists.offered).toBeNull();
});
