/**
 * Everything that can happen in a simulated world, each with how often it does: configurations of every kind, whatever
 * can befall a server, and whatever clients do.
 */
import type { BackendSpec, Config, Issue } from "../../src/config/index.ts";
import { operator } from "../fixtures/calls.ts";
import { specOf } from "../fixtures/pool.ts";
import { type Clients, guest, publicNames, serverNames } from "./lifeClients.ts";
import { keyOf, type ServerLife, uriOf } from "./lifeServer.ts";
import { connectMs, runnableOf, type World } from "./lifeWorld.ts";

const selections = [{ server: null }, { server: null }, { server: "a" }, { server: "b" }] as const;
const issue: Issue = { path: [], line: 1, column: 1, message: "the variable TOKEN is not set", hint: null, server: "x" };

export interface Played {
  readonly world: World;
  readonly clients: Clients;
}

/** Mostly a little different from the entry before: nothing, its process, its times, its tags, its name, its place. */
function entryOf(world: World, name: string): BackendSpec {
  const before = world.newest.backends.find((spec) => spec.name === name);
  const change = before === undefined ? "process" : (world.pick(["nothing", "nothing", "process", "times", "tags", "names", "start", "state"]) as string);
  world.count(`entries with new ${change}`);
  const chance = (share: number): boolean => world.chance(share);
  const base = before ?? specOf(name, { era: name === "b" ? "modern" : "legacy", connectMs, requestMs: 400, totalMs: 900, idleMs: 300 });
  const changes: Readonly<Record<string, () => object>> = {
    process: () => ({ fingerprint: String(world.below(2)) }),
    times: () => ({ requestMs: 300 + 100 * world.below(3), idleMs: 200 + 100 * world.below(3), maxInFlight: chance(0.3) ? 2 : 1024 }),
    tags: () => ({ tags: chance(0.5) ? ["t"] : [] }),
    names: () => ({ prefix: chance(0.4) ? `p${name}` : null, disabledTools: chance(0.3) ? ["read"] : [] }),
    start: () => ({ start: chance(0.6) ? "on-demand" : "eager" }),
    state: () => ({ disabled: chance(0.3), issue: chance(0.3) ? issue : null }),
  };
  return { ...base, ...changes[change]?.() };
}

const entriesOf = (world: World): BackendSpec[] => serverNames.filter(() => world.chance(0.85)).map((name) => entryOf(world, name));

export function propose({ world }: Played): void {
  world.count("proposals");
  if (world.proposals.size > 0) world.count("proposals during a round");
  world.propose(entriesOf(world));
}

function burst({ world }: Played): void {
  world.count("bursts");
  const size = 2 + world.below(6);
  const proposed = world.roundsOf(() => Array.from({ length: size }, () => world.propose(entriesOf(world))));
  void proposed.then((rounds) => (rounds > 2 ? world.wrong(`a burst of ${size} made ${rounds} rounds`) : undefined));
}

/** All that a refusal may not change. */
function pictureOf({ world, clients }: Played): string {
  const { config, ...rest } = world.hub.status();
  const lives = world.lives.map(({ id, isLive, isClosed }) => [id, isLive, isClosed]);
  return JSON.stringify([rest, config.path === null, lives, [...world.holds], clients.visible(operator), clients.visible(guest), clients.asked.map(({ answers }) => answers.length), world.clock.pending]);
}

function differenceOf(before: string, after: string): string {
  const from = Math.max(0, [...before].findIndex((letter, index) => after[index] !== letter) - 60);
  return `${before.slice(from, from + 160)} became ${after.slice(from, from + 160)}`;
}

async function reject(played: Played): Promise<void> {
  const { world } = played;
  world.count("refusals");
  await world.clock.settle();
  const before = pictureOf(played);
  world.isRejected = true;
  world.hub.reject([issue], "/refused");
  const { config } = world.hub.status();
  if (config.state !== "rejected" || config.issues.length !== 1) world.wrong("a refusal is not to be seen in the status");
  await world.clock.settle();
  const after = pictureOf(played);
  if (after !== before) world.wrong(`a refusal changed more than status and log: ${differenceOf(before, after)}`);
}

function ask({ world, clients }: Played): void {
  const principal = world.chance(0.2) ? guest : operator;
  const listed = world.chance(0.9) ? publicNames.filter((name) => world.hub.tool(principal, { server: null }, name) !== null) : publicNames;
  const name = world.pick(listed) ?? "a__f0";
  clients.ask(name, principal, world.chance(0.4));
}

function list({ world, clients }: Played): void {
  clients.list(world.chance(0.5) ? guest : operator, world.pick(selections) as (typeof selections)[number]);
}

const busy = ({ world }: Played): ServerLife[] => world.live.filter(({ held }) => held.size > 0);

function withHeld(played: Played, act: (life: ServerLife, held: { id: number; number: number }) => void): void {
  const life = played.world.pick(busy(played));
  const held = life === undefined ? undefined : played.world.pick([...life.held.values()]);
  if (life !== undefined && held !== undefined) act(life, held);
}

function spoil({ world }: Played, how: "crash" | "hang"): void {
  const life = world.pick(world.live);
  if (life === undefined) return;
  world.count(how);
  if (world.proposals.size > 0) world.count(`${how} during a round`);
  if (life.held.size > 0) world.count(`${how} under a call`);
  world.spoil(life, how);
}

function subscribe({ world, clients }: Played): void {
  const standing = world.pick(clients.standing);
  if (standing !== undefined) clients.subscribe(standing, world.pick(serverNames) as string);
}

function unsubscribe({ world, clients }: Played): void {
  const standing = world.pick(clients.standing);
  const uri = standing === undefined ? undefined : world.pick([...standing.wishes.keys()]);
  if (standing !== undefined && uri !== undefined) clients.unsubscribe(standing, uri);
}

export function watch({ world, clients }: Played): void {
  if (world.isEnding) return;
  if (clients.standing.length > 3) clients.unwatch(world.pick(clients.standing) as Clients["standing"][number]);
  clients.watch(world.chance(0.5) ? guest : operator, world.pick(selections) as (typeof selections)[number]);
}

type Step = (played: Played) => unknown;
const steps: readonly (readonly [weight: number, step: Step])[] = [
  [4, propose],
  [0.7, burst],
  [0.8, reject],
  [10, ask],
  [2, list],
  [4, (played) => withHeld(played, (life, held) => life.finish(held))],
  [1, (played) => withHeld(played, (life, held) => life.progress(held))],
  [1, ({ world, clients }) => void (clients.open.length > 0 && clients.cancel(world.pick(clients.open) as Clients["open"][number]))],
  [1.2, (played) => spoil(played, "crash")],
  [0.5, (played) => spoil(played, "hang")],
  [1, ({ world }) => world.pick(world.live)?.changeTools()],
  [0.7, ({ world }) => world.count("subscriptions taken down", world.pick(world.live)?.tearDown() === true ? 1 : 0)],
  [1.5, ({ world }) => void world.live.map((life) => life.update(uriOf(life.spec.name)))],
  [1.5, subscribe],
  [0.5, unsubscribe],
  [0.6, watch],
  [4, ({ world }) => world.clock.advance(world.below(60))],
  [2, ({ world }) => world.clock.advance(world.below(500))],
  [0.3, ({ world }) => world.clock.advance(world.below(1500))],
  [5, ({ world }) => world.settle()],
];
const weights = steps.reduce((sum, [weight]) => sum + weight, 0);

export function stepOf(world: World): Step {
  let left = world.clock.random() * weights;
  return (steps.find(([weight]) => (left -= weight) < 0) ?? steps[0])?.[1] as Step;
}

/** Looks at what was under way whenever another configuration comes into place. */
export function noteSwaps({ world, clients }: Played): void {
  world.onPlaced = (before, now) => {
    clients.look();
    for (const { meant, arrivedAt } of clients.open) if (meant !== null && arrivedAt.length > 0) world.count(`calls under way at a server that ${fateOf(meant, now)}`);
    for (const spec of before.backends) if (!spec.disabled && fateOf(spec, now) === "stays" && !now.backends.includes(spec)) world.count("servers that stay with another entry");
  };
}

function fateOf(spec: BackendSpec, now: Config): "stays" | "is removed" | "is replaced" {
  const next = runnableOf(now, spec.name);
  if (next === null) return "is removed";
  return keyOf(next) === keyOf(spec) ? "stays" : "is replaced";
}
