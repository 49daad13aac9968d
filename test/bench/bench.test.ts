import { expect, test } from "bun:test";
import { startGranted } from "../fixtures/granted.ts";
import { sendModern } from "../fixtures/rpc.ts";
import { wayInto } from "../fixtures/wayIn.ts";
import { reportOf, targetsOf, withGuard } from "./report.ts";
import type { Best, Row } from "./rows.ts";
import { backendArgv, load, startHttpBackend, startHttpRelay, startStdioRelay, stdioEntry } from "./targets.ts";

const short = { kind: "calls", name: "bench__echo", inFlight: 4, textBytes: 100, warmMs: 20, windowMs: 100 } as const;

for (const era of ["2025", "2026"] as const) {
  test(`the relays and the load speak ${era} with the backend, and every answer is the right one`, async () => {
    await using backend = await startHttpBackend(era);
    await using toHttp = await startHttpRelay(backend.url);
    await using toStdio = await startStdioRelay(era);
    for (const relay of [toHttp, toStdio]) {
      const report = await load({ ...short, era, url: relay.url, pid: relay.pid });
      expect(report.done).toBeGreaterThan(0);
      expect(report.cpuMs).toBeGreaterThan(0);
      expect(report.p50Ms).toBeLessThanOrEqual(report.p99Ms);
    }
    expect((await load({ ...short, kind: "connects", era, url: toStdio.url, pid: 0 })).done).toBeGreaterThan(0);
  });

  test(`the load speaks ${era} over a pipe, a mebibyte each way`, async () => {
    const report = await load({ ...short, name: "echo", era, argv: backendArgv(era), pid: 0, textBytes: 1024 * 1024 });
    expect(report.done).toBeGreaterThan(0);
  });
}

test("a grant is shown by whoever has one, and the load ends where it does not open what is called", async () => {
  await using program = await startGranted({ config: { mcpServers: { bench: stdioEntry("2026"), other: stdioEntry("2026") } } });
  // A list waits until the servers are there.
  await sendModern(program.at(program.token), { method: "tools/list" });
  const { access } = await wayInto(program).tokens(["server:bench"]);
  const job = { ...short, era: "2026", url: `${program.origin}/mcp`, pid: program.pid, authorization: `Bearer ${access}` } as const;
  expect((await load(job)).done).toBeGreaterThan(0);
  expect(await load({ ...job, name: "other__echo" }).catch((error: Error) => error.message)).toContain("403");
});

test("a wrong answer ends the load instead of being counted", async () => {
  const liar = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ jsonrpc: "2.0", id: 1, result: { content: [] } }) });
  const failed = await load({ ...short, era: "2026", url: `http://127.0.0.1:${liar.port}/mcp`, pid: 0 }).catch((error: Error) => error.message);
  await liar.stop(true);
  expect(failed).toContain("not the answer to");
});

test("a target that is missed is said to be missed", () => {
  const best = (perSecond: number, cpuUs: number): Best => ({ perSecond, p50Ms: 1, p99Ms: 2, cpuUs });
  const row = (backend: "stdio" | "http", inFlight: number): Row => ({ backend, era: "2026", inFlight, direct: best(9, 0), relay: best(8, 10), ours: best(6, 21), earlier: best(5, 20) });
  const calls = [1, 16, 64].flatMap((inFlight) => [row("stdio", inFlight), row("http", inFlight)]);
  const figures = {
    program: "source",
    bun: "1",
    machine: "test",
    calls,
    large: [row("stdio", 4)],
    guard: { aloneUs: 0.3, rows: [
      { inFlight: 1, pairs: [{ open: best(100, 10), guarded: best(90, 10.4) }] },
      { inFlight: 16, pairs: [{ open: best(100, 10), guarded: best(99, 10.2) }, { open: best(100, 10), guarded: best(10, 90) }, { open: best(100, 10), guarded: best(100, 10) }] },
    ] },
    begins: [{ era: "2026", relay: best(8, 1), ours: best(6, 1) }],
    starts: { emptyMs: 4, versionMs: 5, helpMs: 8, listMs: 16, listeningMs: 41, relayListeningMs: 20 },
    memory: { relayMb: 30, oneMb: 40, tenMb: 50, sessionKb: 10, streamKb: 12 },
  } as const;
  const missed = targetsOf(figures).filter((target) => !target.met);
  expect(missed.map((target) => target.what)).toEqual([
    "CPU per call against the relay, stdio, 1 in flight",
    "CPU per call against the relay, stdio, 16 in flight",
    "CPU per call against the relay, stdio, 64 in flight",
    "time per call with a grant against none",
    "1 MiB payloads against the relay, stdio",
    "`mcp list`",
    "start to listening",
  ]);
  expect(reportOf(figures)).toContain("| start to listening | at most 40.0 ms | 41.0 ms | **missed** |");
  expect(reportOf(figures)).toContain("| 16 | 100 | 99 | 10.0 µs | 10.2 µs | 1.02x (1.00x to 9.00x) | 1.01x (1.00x to 10.00x) |");
  const renewed = withGuard(reportOf(figures), { aloneUs: 0.6, rows: [{ inFlight: 1, pairs: [{ open: best(100, 10), guarded: best(100, 10.1) }] }] });
  expect(reportOf(figures)).toContain("| the guard by itself, of the CPU of a call | at most 5.0 % | 3.0 % | met |");
  expect(renewed).toContain("| the guard by itself, of the CPU of a call | at most 5.0 % | 6.0 % | **missed** |");
  expect(renewed).toContain("| CPU per call with a grant against none | at most 1.05x | 1.01x | met |");
  expect(renewed).toContain("| 1 | 100 | 100 | 10.0 µs | 10.1 µs | 1.01x (1.01x to 1.01x) | 1.00x (1.00x to 1.00x) |\n\nBy itself, in one process, it takes 0.60 µs of a request: 6.0 %");
  expect(renewed).not.toContain("| 16 | 100 | 99 | 10.0");
  expect(renewed.split("\n").length).toBe(reportOf(figures).split("\n").length - 1);
  expect(reportOf(figures)).toContain("| http, 2026, 1 | 5 | 6 | 1.20x | 20.0 µs | 21.0 µs | 1.05x |");
});
