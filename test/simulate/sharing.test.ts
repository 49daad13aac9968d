/**
 * Thirty-two clients of mixed eras and principals on one shared process that reports, logs, asks and samples, mixed up at
 * random: nobody gets what is another's, no answer reaches another question, and every call comes to an end.
 *
 * The seed is in each title; `SIMULATION_SEED=… bun test test/simulate` does the same steps again.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createPool } from "../../src/backend/index.ts";
import { type Clock, createEgress, createKnownSecrets, defaultLimits, nullLog, systemClock } from "../../src/base/index.ts";
import { createEras, type Eras } from "../../src/era/index.ts";
import { createHub } from "../../src/hub/index.ts";
import { configIn } from "../fixtures/config.ts";
import { type ClientOptions, type Counts, type CrowdClient, createClient } from "../fixtures/crowd.ts";
import { createFolder } from "../fixtures/folder.ts";
import { configOf } from "../fixtures/pool.ts";

const clientCount = 32;
const principalCount = 6;
const stepCount = 10_000;
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
  let passedMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + passedMs };
  const parts = { clock, limits, log: nullLog, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, watchdogArgv: null, egress: createEgress({ limits, env: {} }) };
  let eras: Eras | null = null;
  const hub = createHub({
    createPool: (events) => createPool({ ...parts, connect: (wire, options) => (eras as Eras).connect(wire, options) }, events),
    clock,
    log: nullLog,
    identity,
    cursorKey: new Uint8Array(32),
    empty: configOf(),
  });
  eras = createEras({ serve: hub, clock, limits, log: nullLog, identity, sealKey: crypto.getRandomValues(new Uint8Array(32)) });
  const entry = { command: process.execPath, args: [join(import.meta.dir, "..", "fixtures", "tangle.ts"), era], isolation: "shared" };
  await hub.propose(configIn({ mcpServers: { tangle: entry } }));
  await hub.describe({ id: "operator", scopes: null }, { server: "tangle" });
  return {
    eras,
    /** Time passes in which calls that were given up may still have run at the server. */
    linger(): void {
      passedMs += limits.lingerMsMax + 1;
    },
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
const planOf = (chance: (below: number) => number): string => Array.from({ length: 1 + chance(5) }, () => "pplqsw"[chance(6)]).join("");

/**
 * Who may begin a call in a window of steps: everybody; one principal, with several clients; the same after a stranger has
 * given up a call that goes on all the same; one client, one call at a time.
 */
const windows = ["everybody", "principal", "haunted", "client"] as const;
const windowSteps = 50;

const kindAt = (at: number): string | undefined => windows[Math.floor(at / windowSteps) % windows.length];

function mayStart(at: number, { name, principal, busy }: CrowdClient): boolean {
  const turn = Math.floor(at / windowSteps);
  const kind = kindAt(at);
  if (kind === "everybody") return busy < busyMax;
  return kind === "client" ? busy === 0 && name === `c${turn % clientCount}` : busy < busyMax && principal.id === `p${turn % principalCount}`;
}

/** A stranger begins a call that nothing stops, and gives it up at once. */
function haunt(at: number, clients: readonly CrowdClient[], chance: (below: number) => number): void {
  const stranger = clients.find((client) => client.capable && !mayStart(at, client));
  if (at % windowSteps === 0) stranger?.start("xwqwlwswlwqwpwl");
  if (at % windowSteps === 1) stranger?.cancel(chance);
}

/** What must get through, whatever the seed. */
type Offer = Omit<Counts, "failures">;

/** A call alone on the process: all that it says is its client's. A log line can also be of a call that was given up. */
const offerOf = (plan: string, { wantsLogs }: CrowdClient, isQuiet: boolean): Offer => {
  const times = (letters: string): number => [...plan].filter((letter) => letters.includes(letter)).length;
  return { results: 1, progress: times("p"), questions: times("qs"), logs: wantsLogs && isQuiet ? times("l") : 0 };
};

/** What must get through so far. */
interface Ledger {
  readonly offers: Offer[];
  /** Nobody has given up a call that may still run at the process. */
  isQuiet: boolean;
}

const sumOf = (offers: readonly Offer[]): Offer =>
  offers.reduce((sum, more) => ({ results: sum.results + more.results, progress: sum.progress + more.progress, questions: sum.questions + more.questions, logs: sum.logs + more.logs }), { results: 0, progress: 0, questions: 0, logs: 0 });

/** Somebody begins a call. One that has the process to itself says something of each kind, and all of it has to get through. */
function begin(starter: CrowdClient, alone: boolean, chance: (below: number) => number, { offers, isQuiet }: Ledger): void {
  const plan = alone ? `plqs${planOf(chance)}` : planOf(chance);
  if (alone && starter.capable) offers.push(offerOf(plan, starter, isQuiet));
  starter.start(plan);
}

/** Somebody gives up. Of calls that come one at a time it is the last, and nothing of it is certain any more. */
function giveUp(client: CrowdClient, alone: boolean, chance: (below: number) => number, ledger: Ledger): void {
  if (alone && client.capable && client.busy > 0) ledger.offers.pop();
  ledger.isQuiet = false;
  client.cancel(chance);
}

/** One step: somebody calls, answers or gives up. */
function step(at: number, clients: readonly CrowdClient[], chance: (below: number) => number, ledger: Ledger): void {
  const client = clients[chance(clients.length)] as CrowdClient;
  const starters = clients.filter((one) => mayStart(at, one));
  const starter = starters[chance(starters.length)];
  const action = chance(20);
  const alone = kindAt(at) === "client";
  if (action === 0) giveUp(client, alone, chance, ledger);
  else if (action < 8 && starter !== undefined) begin(starter, alone, chance, ledger);
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

/** Like that, and the process is done with all that was sent to it. */
async function settle(clients: readonly CrowdClient[], chance: (below: number) => number): Promise<string[]> {
  const stuck = await drain(clients, chance);
  if (stuck.length > 0) return stuck;
  clients[0]?.start("z");
  return await drain(clients, chance);
}

async function simulate(era: string, seed: number): Promise<{ wrong: string[]; stuck: string[]; counts: Counts; offered: Offer }> {
  const chance = chanceOf(seed);
  const wrong: string[] = [];
  const stuck: string[] = [];
  const ledger: Ledger = { offers: [], isQuiet: true };
  await using rooms = await openRooms(era);
  const clients = Array.from({ length: clientCount }, (_, index) =>
    createClient({
      eras: rooms.eras,
      name: `c${index}`,
      principal: { id: `p${index % principalCount}`, scopes: null },
      capable: index % 7 !== 3,
      exact: era === "modern",
      wrong: (what) => void wrong.push(what),
      ...(kinds[index % kinds.length] as (typeof kinds)[number]),
    }),
  );
  await Promise.all(clients.map((client) => client.open()));
  for (let at = 0; at < stepCount && wrong.length + stuck.length === 0; at += 1) {
    // Each window begins with a process that nobody uses, and that has seen all that was sent to it.
    if (at % windowSteps === 0) {
      stuck.push(...(await settle(clients, chance)));
      rooms.linger();
      ledger.isQuiet = true;
    }
    if (kindAt(at) === "haunted") haunt(at, clients, chance);
    step(at, clients, chance, ledger);
    await nextTurn();
  }
  if (wrong.length + stuck.length === 0) stuck.push(...(await drain(clients, chance)));
  const counts: Counts = { results: 0, failures: 0, progress: 0, logs: 0, questions: 0 };
  for (const client of clients) for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += client.counts[key];
  for (const client of clients) client.close();
  return { wrong, stuck, counts, offered: sumOf(ledger.offers) };
}

describe("many clients on one shared process", () => {
  for (const era of ["legacy", "modern"]) {
    const seed = Number(process.env["SIMULATION_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
    test(
      // The title says the seed, so that it is known however the test ends.
      `that speaks ${era} only, by seed ${seed}: no message reaches anyone but its owner (B16, L7, L14)`,
      async () => {
        const { wrong, stuck, counts, offered } = await simulate(era, seed);
        expect({ wrong, stuck }, `SIMULATION_SEED=${seed}`).toEqual({ wrong: [], stuck: [] });
        // Nothing was shown if nothing got through. What a call had to itself is certain; what several shared comes on top.
        for (const what of ["results", "progress", "questions", "logs"] as const) {
          expect(offered[what], `${what} offered, SIMULATION_SEED=${seed}`).toBeGreaterThan(0);
          expect(counts[what], `${what}, SIMULATION_SEED=${seed}`).toBeGreaterThanOrEqual(offered[what]);
        }
      },
      simulationMsMax,
    );
  }
});
