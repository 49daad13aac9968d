/** Proposals, refusals, starts, crashes, calls, cancellations and the end in random order: what holds in every order. */
import { expect, test } from "bun:test";
import { CancelSource, defaultLimits, nullLog } from "../../src/base/index.ts";
import type { Config } from "../../src/config/index.ts";
import { createHub, type Hub } from "../../src/hub/index.ts";
import type { Outcome } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { createTestClock, type TestClock } from "../fixtures/clock.ts";
import { configOf, specOf } from "../fixtures/pool.ts";
import { textOf } from "../fixtures/stage.ts";
import { createLifePool, type LifePool, type Process } from "./lifePool.ts";

const limits = { ...defaultLimits, drainMsMax: 1000, swapMsMax: 300, listWaitMsMax: 200 };
const everything = { server: null };

/** One client: what it asked for, and what it got. */
interface Asked {
  readonly name: string;
  readonly cancel: CancelSource;
  answer: string | null;
}

interface World {
  readonly hub: Hub;
  readonly pool: LifePool;
  readonly clock: TestClock;
  readonly asked: Asked[];
  readonly proposals: Promise<void>[];
  /** The newest configuration that was proposed, and whether a refusal came after it. */
  newest: Config;
  refused: boolean;
  /** What the watching client saw when it was last told of a change. */
  watched: string;
  /** The end has begun: nobody new is served. */
  ending: boolean;
  pick<T>(from: readonly T[]): T | undefined;
}

function createWorld(seed: number): World {
  const clock = createTestClock({ seed });
  let pool: LifePool | null = null;
  const empty = { ...configOf(), limits };
  const hub = createHub({ createPool: (events) => (pool = createLifePool(events, clock, limits.drainMsMax)), clock, log: nullLog, identity: { name: "1mcp", version: "0" }, cursorKey: new Uint8Array(32), empty });
  const world: World = {
    hub,
    pool: pool as unknown as LifePool,
    clock,
    asked: [],
    proposals: [],
    newest: empty,
    refused: false,
    watched: "",
    ending: false,
    pick: (from) => from[Math.floor(clock.random() * from.length)],
  };
  hub.watch({ principal: operator, selection: everything, client: { info: null, capabilities: "{}" }, session: null, changed: () => void (world.watched = visible(world)), updated: () => undefined });
  return world;
}

const isOffered = ({ hub }: World, name: string): boolean => hub.tool(operator, everything, name) !== null;
const visible = (world: World): string => world.pool.all.filter(({ tool }) => isOffered(world, tool)).map(({ tool }) => tool).join();

function propose(world: World): void {
  const { clock } = world;
  const names = ["a", "b", "c"].filter(() => clock.random() < 0.7);
  const servers = names.map((name) => specOf(name, { fingerprint: String(Math.floor(clock.random() * 2)), disabled: clock.random() < 0.1, tags: clock.random() < 0.3 ? ["t"] : [], connectMs: 400 }));
  world.newest = { ...configOf(...servers), limits };
  world.refused = false;
  world.proposals.push(world.hub.propose(world.newest));
}

function ask(world: World): void {
  const name = world.pick(world.pool.all)?.tool ?? "a__v0";
  const meant = isOffered(world, name) ? world.pool.all.find(({ tool }) => tool === name) : undefined;
  const cancel = new CancelSource();
  const one: Asked = { name, cancel, answer: null };
  world.asked.push(one);
  const before = meant?.running.size ?? 0;
  void world.hub.call(callOf("tools/call", JSON.stringify({ name }), { cancel })).then((outcome: Outcome) => (one.answer = textOf(outcome)));
  if (meant?.state === "ready" && !world.ending) expect(meant.running.size).toBe(before + 1);
}

const unanswered = ({ asked }: World): Asked[] => asked.filter(({ answer }) => answer === null);
const runningIn = (world: World): Process[] => world.pool.alive().filter(({ running }) => running.size > 0);

const steps: readonly ((world: World) => void | Promise<void>)[] = [
  propose,
  ask,
  ask,
  ask,
  (world) => world.pick(world.pool.alive().filter(({ state }) => state !== "ready"))?.ready(),
  (world) => world.pick(world.pool.alive().filter(({ state }) => state !== "ready"))?.ready(),
  (world) => world.pick(world.pool.alive())?.crash(),
  (world) => world.pick([...(world.pick(runningIn(world))?.running ?? [])])?.finish(),
  (world) => world.pick(unanswered(world))?.cancel.cancel("enough"),
  (world) => {
    world.refused = true;
    world.hub.reject([], "/test/mcp.json");
  },
  (world) => world.clock.advance(Math.floor(world.clock.random() * 150)),
  (world) => world.clock.advance(Math.floor(world.clock.random() * 700)),
  (world) => world.clock.settle(),
];

/** Everything that can come to an end does. */
async function calm(world: World): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await world.clock.settle();
    for (const process of world.pool.alive()) if (process.state !== "ready") process.ready();
    for (const { running } of runningIn(world)) for (const one of [...running]) one.finish();
    await world.clock.advance(500);
  }
  await Promise.all(world.proposals);
  await world.clock.advance(limits.drainMsMax);
}

/** Who was answered by a process was answered by the one that the name meant, and by no other. */
function strayed(world: World): Asked[] {
  const ofProcess = (answer: string): string | undefined => /"process":(\d+)/u.exec(answer)?.[1];
  return world.asked.filter(({ name, answer }) => ofProcess(answer ?? "") !== undefined && !name.endsWith(`__v${ofProcess(answer ?? "")}`));
}

const keyed = (all: readonly { readonly name: string; readonly fingerprint: string }[]): string[] => all.map(({ name, fingerprint }) => `${name}#${fingerprint}`).sort();

const many = Array.from({ length: 150 }, (_, seed) => seed + 1);

test("whatever the order: a call keeps its process, the newest configuration is in place, and nothing else runs or is held", async () => {
  for (const seed of many) {
    const world = createWorld(seed);
    for (let step = 0; step < 80; step += 1) await world.pick(steps)?.(world);
    const last = world.newest;
    await calm(world);
    const held = world.pool.alive();
    expect({
      seed,
      wrongs: world.pool.wrongs,
      strayed: strayed(world),
      unanswered: unanswered(world).length,
      running: keyed(held.map(({ spec }) => spec)),
      holds: held.map(({ holds }) => holds).filter((holds) => holds !== 1),
      inFlight: world.hub.status().inFlight,
      state: world.hub.status().config.state,
      watched: world.watched,
    }).toEqual({ seed, wrongs: [], strayed: [], unanswered: 0, running: keyed(last.backends.filter(({ disabled }) => !disabled)), holds: [], inFlight: 0, state: world.refused ? "rejected" : "valid", watched: visible(world) });
    await world.hub.close(100);
    expect({ seed, alive: world.pool.alive().length, timers: world.clock.pending }).toEqual({ seed, alive: 0, timers: 0 });
  }
});

test("whenever the end comes: every call is answered, every proposal comes to an end, and nothing is left", async () => {
  for (const seed of many) {
    const world = createWorld(seed + 1000);
    const length = Math.floor(world.clock.random() * 80);
    for (let step = 0; step < length; step += 1) await world.pick(steps)?.(world);
    world.ending = true;
    const closed = world.hub.close(500);
    for (let step = 0; step < 10; step += 1) await world.pick(steps)?.(world);
    await world.clock.advance(60_000);
    await closed;
    await Promise.allSettled(world.proposals);
    await world.clock.advance(60_000);
    expect({ seed, unanswered: unanswered(world).length, alive: world.pool.alive().length, inFlight: world.hub.status().inFlight, timers: world.clock.pending }).toEqual({ seed, unanswered: 0, alive: 0, inFlight: 0, timers: 0 });
  }
});
