/**
 * What the guard costs: the same small calls where no authentication is asked for, and where their token is a grant of
 * OAuth that opens one server by name; and the guard by itself, since what it adds is less than what two processes differ by.
 */
import { systemClock } from "../../src/base/index.ts";
import { mcp, openAuth } from "../fixtures/auth.ts";
import { spokenTo } from "../fixtures/granted.ts";
import { temporaryDir } from "../fixtures/program.ts";
import { wayInto } from "../fixtures/wayIn.ts";
import { type Best, compare, type Effort } from "./rows.ts";
import { startTwins, stdioEntry } from "./targets.ts";

/** Two proxies one after the other: one that asks nobody who he is, one that is called with a grant. */
export interface GuardPair {
  readonly open: Best;
  readonly guarded: Best;
}

export interface GuardRow {
  readonly inFlight: number;
  readonly pairs: readonly GuardPair[];
}

export interface GuardFigures {
  readonly rows: readonly GuardRow[];
  /** Microseconds of the guard by itself, for one request. */
  readonly aloneUs: number;
}

/** All that is measured of the guard. */
export const guardFigures = async (effort: Effort, processes: number): Promise<GuardFigures> => ({ aloneUs: await guardAlone(effort.rounds * 10), rows: await guardRows(effort, processes) });

// One caller may make as many calls as he can: it is the guard that is measured, not what it holds off.
const limits = Object.freeze({ requestsPerMinuteMax: 1_000_000 });
const inFlights = Object.freeze([1, 16, 64]);

/**
 * Window after window, turn by turn, at two proxies of one process: two processes of the very same program differ by more
 * than what is looked for, since where memory lies and what the runtime compiles when is chance. Several processes, so
 * that no chance is all there is.
 */
async function guardRows(effort: Effort, processes: number): Promise<GuardRow[]> {
  const measured: GuardPair[][][] = [];
  for (let count = 0; count < processes; count += 1) measured.push(await pairsOf(effort));
  return inFlights.map((inFlight, index) => ({ inFlight, pairs: measured.flatMap((rows) => rows[index]!) }));
}

/** One process's pairs for each number in flight; with two servers, so that the grant leaves one out. */
async function pairsOf(effort: Effort): Promise<GuardPair[][]> {
  await using dir = await temporaryDir();
  await using twins = await startTwins(dir.path, JSON.stringify({ limits, mcpServers: { bench: stdioEntry("2026"), other: stdioEntry("2026") } }));
  const { access } = await wayInto(spokenTo(twins.granting)).tokens(["server:bench"]);
  // The same requests to both: what it costs to take one header more off the wire is not the guard's.
  const call = { pid: twins.pid, name: "bench__echo", authorization: `Bearer ${access}` };
  const open = { ...call, url: `${twins.open.origin}/mcp` };
  const guarded = { ...call, url: `${twins.granting.origin}/mcp` };
  const work = { kind: "calls", era: "2026", textBytes: 100 } as const;
  await compare([open, guarded], { ...work, inFlight: 64 }, { rounds: 1, warmMs: 0, windowMs: effort.windowMs * 4 });
  const rows: GuardPair[][] = [];
  // Many short looks: what else the computer does comes and goes within seconds.
  const look = { rounds: 1, warmMs: 60, windowMs: 300 };
  for (const inFlight of inFlights) {
    const pairs: GuardPair[] = [];
    for (let round = 0; round < effort.rounds * 10; round += 1) {
      // Neither is always the one that comes first.
      const order = round % 2 === 0 ? [open, guarded] : [guarded, open];
      const bests = await compare(order, { ...work, inFlight }, look);
      pairs.push({ open: bests[order.indexOf(open)]!, guarded: bests[order.indexOf(guarded)]! });
    }
    rows.push(pairs);
  }
  return rows;
}

const asks = 20_000;

/** Microseconds that the guard takes for one request with a token for one server, beyond those for a request that needs none. */
async function guardAlone(rounds: number): Promise<number> {
  await using none = await openAuth({ clock: systemClock, mode: "none" });
  await using granting = await openAuth({ clock: systemClock });
  const { token } = granting.auth.operator.createToken({ name: "bench", scopes: ["server:alpha"], lifeMs: 3_600_000 });
  const least = (stage: Pick<typeof none, "auth">, authorization: string | null): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round += 1) {
      const from = performance.now();
      // As a request brings it: a text of its own each time.
      for (let n = 0; n < asks; n += 1) if (!(stage.auth.verify({ authorization: authorization === null ? null : Buffer.from(authorization).toString("latin1"), resource: mcp }) as { readonly ok: boolean }).ok) throw new Error("the guard refuses what it is to let in");
      best = Math.min(best, performance.now() - from);
    }
    return (best * 1000) / asks;
  };
  return least(granting, `Bearer ${token}`) - least(none, null);
}
