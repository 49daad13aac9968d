/**
 * Thirty-two clients of mixed eras and principals on one shared process that reports, logs, asks and samples, mixed up at
 * random: nobody gets what is another's, no answer reaches another question, and every call comes to an end.
 *
 * The seed of a failure is in its message; `SIMULATION_SEED=… bun test test/simulate` does the same steps again.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createPool } from "../../src/backend/index.ts";
import { createEgress, createKnownSecrets, defaultLimits, nullLog, systemClock } from "../../src/base/index.ts";
import { createEras, type Eras } from "../../src/era/index.ts";
import { createHub } from "../../src/hub/index.ts";
import { configIn } from "../fixtures/config.ts";
import { type ClientOptions, type CrowdClient, createClient } from "../fixtures/crowd.ts";
import { createFolder } from "../fixtures/folder.ts";
import { configOf } from "../fixtures/pool.ts";

const clientCount = 32;
const principalCount = 6;
const stepCount = 5_000;
/** Calls that one client may have open. */
const busyMax = 4;
/** How long the last calls may take to end; a simulation that loses one ends with this. */
const drainMsMax = 20_000;
/** Two quiet cores need ten seconds. */
const simulationMsMax = 60_000;

const identity = { name: "1mcp", version: "0" };

/** The rooms of the program, without its sockets in front; the process behind is real. */
async function openRooms(era: string) {
  const folder = await createFolder();
  const limits = defaultLimits;
  const parts = { clock: systemClock, limits, log: nullLog, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, egress: createEgress({ limits, env: {} }) };
  let eras: Eras | null = null;
  const hub = createHub({
    createPool: (events) => createPool({ ...parts, connect: (wire, options) => (eras as Eras).connect(wire, options) }, events),
    clock: systemClock,
    log: nullLog,
    identity,
    cursorKey: new Uint8Array(32),
    empty: configOf(),
  });
  eras = createEras({ serve: hub, clock: systemClock, limits, log: nullLog, identity, sealKey: crypto.getRandomValues(new Uint8Array(32)) });
  const entry = { command: process.execPath, args: [join(import.meta.dir, "..", "fixtures", "tangle.ts"), era], isolation: "shared" };
  await hub.propose(configIn({ mcpServers: { tangle: entry } }));
  await hub.describe({ id: "operator", scopes: null }, { server: "tangle" });
  return {
    eras,
    hub,
    async [Symbol.asyncDispose]() {
      await eras.close();
      await hub.close(0);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Numbers that a seed decides (mulberry32). */
function chanceOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return below === 0 ? 0 : ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const kinds = [
  { era: "modern", transport: "pipe", revision: "2026-07-28" },
  { era: "legacy", transport: "pipe", revision: "2025-11-25" },
  { era: "modern", transport: "http", revision: "2026-07-28" },
  { era: "legacy", transport: "http", revision: "2025-11-25" },
  { era: "legacy", transport: "http", revision: "2025-06-18" },
] as const satisfies readonly Pick<ClientOptions, "era" | "transport" | "revision">[];

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const planOf = (chance: (below: number) => number): string => Array.from({ length: 1 + chance(5) }, () => "pplqs"[chance(5)]).join("");

/** Who may begin a call in a window of steps: everybody; one principal, with several clients; one client, one call at a time. */
const windows = ["everybody", "principal", "client"] as const;
const windowSteps = 50;

function mayStart(at: number, { name, principal, busy }: CrowdClient): boolean {
  const turn = Math.floor(at / windowSteps);
  const kind = windows[turn % windows.length];
  if (kind === "everybody") return busy < busyMax;
  return kind === "principal" ? busy < busyMax && principal.id === `p${turn % principalCount}` : busy === 0 && name === `c${turn % clientCount}`;
}

/** Between two steps the process behind gets its turn; where few may begin, long enough that most calls are over or ask before the next begins. */
async function pause(at: number, clients: readonly CrowdClient[]): Promise<void> {
  const turns = windows[Math.floor(at / windowSteps) % windows.length] === "everybody" ? 1 : 25;
  await nextTurn();
  for (let turn = 1; turn < turns && clients.some(({ busy, waiting }) => busy > waiting); turn += 1) await nextTurn();
}

/** From here on calls are given up too: they may still run behind, so that for a while questions of all others are nobody's. */
const givesUpFrom = stepCount * 0.6;

/** One step: somebody calls, answers or gives up. */
function step(at: number, clients: readonly CrowdClient[], chance: (below: number) => number): void {
  const client = clients[chance(clients.length)] as CrowdClient;
  const starters = clients.filter((one) => mayStart(at, one));
  const starter = starters[chance(starters.length)];
  const action = chance(20);
  if (action === 0 && at > givesUpFrom) client.cancel(chance);
  else if (action < 8 && starter !== undefined) starter.start(planOf(chance));
  else (clients.filter(({ waiting }) => waiting > 0)[0] ?? client).reply(chance);
}

/** Answers everything until nothing is open. */
async function drain(clients: readonly CrowdClient[], chance: (below: number) => number): Promise<string[]> {
  const until = performance.now() + drainMsMax;
  const busy = (): CrowdClient[] => clients.filter((client) => client.busy > 0);
  while (busy().length > 0 && performance.now() < until) {
    for (const client of busy()) client.reply(chance);
    await nextTurn();
  }
  return busy().map(({ name, busy: count }) => `${name} still waits for ${count}`);
}

async function simulate(era: string, seed: number): Promise<{ wrong: string[]; stuck: string[]; counts: Record<string, number> }> {
  const chance = chanceOf(seed);
  const wrong: string[] = [];
  const stuck: string[] = [];
  await using rooms = await openRooms(era);
  const clients = Array.from({ length: clientCount }, (_, index) =>
    createClient({
      eras: rooms.eras,
      name: `c${index}`,
      principal: { id: `p${index % principalCount}`, scopes: null },
      capable: index % 7 !== 3,
      wrong: (what) => void wrong.push(what),
      ...(kinds[index % kinds.length] as (typeof kinds)[number]),
    }),
  );
  await Promise.all(clients.map((client) => client.open()));
  for (let at = 0; at < stepCount && wrong.length + stuck.length === 0; at += 1) {
    // Each window begins with a process that nobody uses.
    if (at % windowSteps === 0) stuck.push(...(await drain(clients, chance)));
    step(at, clients, chance);
    await pause(at, clients);
  }
  if (wrong.length === 0) stuck.push(...(await drain(clients, chance)));
  const counts = { results: 0, failures: 0, progress: 0, logs: 0, questions: 0 };
  for (const client of clients) for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += client.counts[key];
  for (const client of clients) client.close();
  return { wrong, stuck, counts };
}

describe("many clients on one shared process", () => {
  for (const era of ["legacy", "modern"])
    test(
      `that speaks ${era} only: no message reaches anyone but its owner (B16, L7, L14)`,
      async () => {
        const seed = Number(process.env["SIMULATION_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
        const { wrong, stuck, counts } = await simulate(era, seed);
        expect({ wrong, stuck }, `SIMULATION_SEED=${seed}`).toEqual({ wrong: [], stuck: [] });
        // Nothing was shown if nothing got through. Log lines are few: a flood of them is bounded, and those of several calls at once are nobody's.
        for (const [what, least] of [["results", 100], ["progress", 100], ["questions", 100], ["logs", 10]] as const)
          expect(counts[what], `${what}, SIMULATION_SEED=${seed}`).toBeGreaterThanOrEqual(least);
      },
      simulationMsMax,
    );
});
