/** What the guard costs: the same small calls without authentication, and with a grant of OAuth that opens one server by name. */
import { startGranted } from "../fixtures/granted.ts";
import { wayInto } from "../fixtures/wayIn.ts";
import type { Best, Effort } from "./rows.ts";
import { compare } from "./rows.ts";
import { startOurs, stdioEntry } from "./targets.ts";

export interface GuardRow {
  readonly inFlight: number;
  /** Nobody is asked who he is. */
  readonly open: Best;
  readonly guarded: Best;
}

// One caller may make as many calls as he can: it is the guard that is measured, not what it holds off.
const limits = Object.freeze({ requestsPerMinuteMax: 1_000_000 });

/** Both side by side in one run, with two servers, so that the grant leaves one out. */
export async function guardRows(effort: Effort): Promise<GuardRow[]> {
  const config = { limits, mcpServers: { bench: stdioEntry("2026"), other: stdioEntry("2026") } };
  await using open = await startOurs(config.mcpServers, { limits });
  await using program = await startGranted({ config });
  const { access } = await wayInto(program).tokens(["server:bench"]);
  const places = [
    { url: open.url, pid: open.pid, name: "bench__echo" },
    { url: `${program.origin}/mcp`, pid: program.pid, name: "bench__echo", authorization: `Bearer ${access}` },
  ];
  const work = { kind: "calls", era: "2026", textBytes: 100 } as const;
  await compare(places, { ...work, inFlight: 64 }, { ...effort, rounds: 1, warmMs: 0, windowMs: effort.windowMs * 4 });
  const rows: GuardRow[] = [];
  // The difference is small, so it is looked at for longer than others.
  for (const inFlight of [1, 16, 64]) {
    const [without, guarded] = await compare(places, { ...work, inFlight }, { ...effort, rounds: effort.rounds * 2, windowMs: effort.windowMs * 2 });
    rows.push({ inFlight, open: without!, guarded: guarded! });
  }
  return rows;
}
