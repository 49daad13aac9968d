/** What is measured, row by row; every figure is the best of several interleaved rounds, since other load only ever makes it worse. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanEnv, programArgv } from "../fixtures/program.ts";
import { connect, headerOf, openStream } from "./http.ts";
import type { Era, Job, Report } from "./load.ts";
import { type Target, backendArgv, firstMatch, httpEntry, load, residentMb, startHttpBackend, startHttpRelay, startOurs, startStdioRelay, stdioEntry } from "./targets.ts";

export interface Effort {
  readonly rounds: number;
  readonly warmMs: number;
  readonly windowMs: number;
}

/** Best figures of one target. */
export interface Best {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the process in front; 0 where there is none. */
  readonly cpuUs: number;
}

export interface Row {
  readonly backend: "stdio" | "http";
  readonly era: Era;
  readonly inFlight: number;
  readonly direct: Best;
  readonly relay: Best;
  readonly ours: Best;
  /** An earlier build of the program; null: none was given. */
  readonly earlier: Best | null;
}

const bestOf = (reports: readonly Report[]): Best => ({
  perSecond: Math.max(...reports.map((report) => report.done / report.seconds)),
  p50Ms: Math.min(...reports.map((report) => report.p50Ms)),
  p99Ms: Math.min(...reports.map((report) => report.p99Ms)),
  cpuUs: Math.min(...reports.map((report) => (report.cpuMs * 1000) / report.done)),
});

type Where = Pick<Job, "url" | "argv" | "pid" | "name" | "authorization">;

/** Runs the same work against each place, round after round, so that a slow minute hits all of them. */
export async function compare(places: readonly Where[], work: Pick<Job, "kind" | "era" | "inFlight" | "textBytes">, effort: Effort): Promise<Best[]> {
  const reports: Report[][] = places.map(() => []);
  for (let round = 0; round < effort.rounds; round += 1)
    for (const [index, place] of places.entries())
      reports[index]!.push(await load({ ...work, ...place, warmMs: effort.warmMs, windowMs: effort.windowMs }));
  return reports.map(bestOf);
}

interface Bench extends AsyncDisposable {
  readonly backend: "stdio" | "http";
  readonly era: Era;
  readonly direct: Where;
  readonly relay: Where;
  readonly ours: Where;
  readonly earlier: Where | null;
}

const placeOf = (target: Target): Where => ({ url: target.url, pid: target.pid, name: "bench__echo" });

/** Backend, relay and program of one kind and era, all running; and `earlier`, the binary of another build, if there is one. */
export async function setUp(backend: "stdio" | "http", era: Era, earlier: string | null): Promise<Bench> {
  const stack = new AsyncDisposableStack();
  const origin = backend === "http" ? stack.use(await startHttpBackend(era)) : null;
  const relay = stack.use(origin === null ? await startStdioRelay(era) : await startHttpRelay(origin.url));
  const servers = { bench: origin === null ? stdioEntry(era) : httpEntry(origin.url) };
  const ours = stack.use(await startOurs(servers));
  const other = earlier === null ? null : stack.use(await startOurs(servers, {}, earlier));
  const direct: Where = origin === null ? { argv: backendArgv(era), pid: 0, name: "echo" } : { url: origin.url, pid: 0, name: "echo" };
  return { backend, era, direct, relay: placeOf(relay), ours: placeOf(ours), earlier: other === null ? null : placeOf(other), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Small calls at several numbers in flight. */
export async function callRows(bench: Bench, effort: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  const places = [bench.direct, bench.relay, bench.ours, ...(bench.earlier === null ? [] : [bench.earlier])];
  // What is meant is a process that has run for a while: until the runtime has compiled what is used often, who has more
  // code pays for it. All are given the same time, none of which counts.
  await compare(places, { kind: "calls", era: bench.era, inFlight: 64, textBytes: 100 }, { ...effort, rounds: 1, warmMs: 0, windowMs: effort.windowMs * 4 });
  for (const inFlight of [1, 16, 64]) {
    const [direct, relay, ours, earlier] = await compare(places, { kind: "calls", era: bench.era, inFlight, textBytes: 100 }, effort);
    rows.push({ backend: bench.backend, era: bench.era, inFlight, direct: direct!, relay: relay!, ours: ours!, earlier: earlier ?? null });
  }
  return rows;
}

/** Bytes of the text of a large call; it travels both ways. */
export const largeBytes = 1024 * 1024;

/** Calls whose argument and result are a mebibyte each. */
export async function largeRow(bench: Bench, effort: Effort): Promise<Row> {
  const inFlight = 4;
  const [direct, relay, ours] = await compare([bench.direct, bench.relay, bench.ours], { kind: "calls", era: bench.era, inFlight, textBytes: largeBytes }, effort);
  return { backend: bench.backend, era: bench.era, inFlight, direct: direct!, relay: relay!, ours: ours!, earlier: null };
}

export interface Beginnings {
  readonly era: Era;
  readonly relay: Best;
  readonly ours: Best;
}

/** Whole beginnings of clients: connect, handshake or discovery, list, leave. */
export async function beginnings(bench: Bench, effort: Effort): Promise<Beginnings> {
  const [relay, ours] = await compare([bench.relay, bench.ours], { kind: "connects", era: bench.era, inFlight: 8, textBytes: 0 }, effort);
  return { era: bench.era, relay: relay!, ours: ours! };
}

/** Milliseconds from the start of a process to its end or to the first answer of /health: the best of `times`. */
export interface Starts {
  /** An executable that does nothing at all: what the runtime takes for itself. */
  readonly emptyMs: number;
  readonly versionMs: number;
  readonly helpMs: number;
  /** `mcp list`, with ten servers configured. */
  readonly listMs: number;
  readonly listeningMs: number;
  readonly relayListeningMs: number;
}

async function best(times: number, once: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time += 1) least = Math.min(least, await once());
  return least;
}

async function listening(argv: readonly string[], cwd: string): Promise<number> {
  const from = performance.now();
  const child = Bun.spawn([...argv], { cwd, env: cleanEnv({ HOME: cwd }), stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const url = new URL("/health", await firstMatch(child.stderr, /http:\/\/127\.0\.0\.1:\d+/u));
  const connection = await connect(url);
  const { status } = await connection.exchange("GET", "", []);
  const elapsed = performance.now() - from;
  connection.close();
  child.kill();
  await child.exited;
  if (status !== 200) throw new Error(`${url} answered ${status}`);
  return elapsed;
}

/** Builds an executable of an empty file; gives its path. */
async function emptyIn(dir: string): Promise<string> {
  const [entry, outfile] = [join(dir, "empty.ts"), join(dir, "empty")];
  await writeFile(entry, "");
  const built = Bun.spawnSync([process.execPath, "build", "--compile", "--bytecode", "--format=esm", entry, "--outfile", outfile], { cwd: dir, stdout: "ignore", stderr: "pipe" });
  if (built.exitCode !== 0) throw new Error(`the empty program cannot be built:\n${built.stderr.toString()}`);
  return outfile;
}

/** Milliseconds of a command from its start to its end. */
async function ending(argv: readonly string[], cwd: string): Promise<number> {
  const from = performance.now();
  const code = await Bun.spawn([...argv], { cwd, env: cleanEnv({ HOME: cwd }), stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exited;
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}`);
  return performance.now() - from;
}

/** Starts the program again and again, with one stdio server configured, or ten that are only listed. */
export async function starts(times: number): Promise<Starts> {
  const dir = await mkdtemp(join(tmpdir(), "1mcp-bench-"));
  try {
    const empty = await emptyIn(dir);
    const ten = join(dir, "ten.json");
    await writeFile(ten, JSON.stringify({ mcpServers: Object.fromEntries(Array.from({ length: 10 }, (_, place) => [`bench${place}`, stdioEntry("2026")])) }, null, 2));
    const ended = (...words: readonly string[]): Promise<number> => best(times, () => ending([...programArgv(), ...words], dir));
    const config = join(dir, "mcp.json");
    await writeFile(config, JSON.stringify({ mcpServers: { bench: stdioEntry("2026") } }));
    await mkdir(join(dir, "state"), { mode: 0o700 });
    const serve = [...programArgv(), "serve", "--config", config, "--port", "0", "--state-dir", join(dir, "state"), "--insecure-no-auth"];
    const relay = [process.execPath, join(import.meta.dir, "relay.ts"), "stdio", ...backendArgv("2026")];
    return {
      emptyMs: await best(times, () => ending([empty], dir)),
      versionMs: await ended("--version"),
      helpMs: await ended("--help"),
      listMs: await ended("mcp", "list", "--config", ten),
      listeningMs: await best(times, () => listening(serve, dir)),
      relayListeningMs: await best(times, () => listening(relay, dir)),
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export interface Memory {
  readonly relayMb: number;
  /** With one stdio server, and with ten; all of them ready and called once. */
  readonly oneMb: number;
  readonly tenMb: number;
  /** What an idle session of the older era adds, without and with its open stream. */
  readonly sessionKb: number;
  readonly streamKb: number;
}

const headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n";
const hello = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } } });

/** Opens sessions one after the other over one connection; gives their ids. */
async function openSessions(url: URL, count: number): Promise<string[]> {
  const connection = await connect(url);
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const opened = await connection.exchange("POST", headers, [hello]);
    const id = headerOf(opened.head, "mcp-session-id");
    if (id === null) throw new Error(`no session: ${opened.head}\n${opened.body.toString()}`);
    await connection.exchange("POST", `${headers}Mcp-Session-Id: ${id}\r\n`, ['{"jsonrpc":"2.0","method":"notifications/initialized"}']);
    await connection.exchange("POST", `${headers}Mcp-Session-Id: ${id}\r\n`, ['{"jsonrpc":"2.0","id":2,"method":"tools/list"}']);
    ids.push(id);
  }
  connection.close();
  return ids;
}

async function endSessions(url: URL, ids: readonly string[]): Promise<void> {
  const connection = await connect(url);
  for (const id of ids) await connection.exchange("DELETE", `${headers}Mcp-Session-Id: ${id}\r\n`, []);
  connection.close();
}

/**
 * Kilobytes that each idle session adds, without and with a stream: the slope over thousands, because the garbage of the
 * opening requests comes and goes by ten megabytes. The sessions that warm the code up stay open: were they ended, their
 * memory would be used again and the figure would come out too good.
 */
async function sessionKbs(url: URL, pid: number, count: number): Promise<Pick<Memory, "sessionKb" | "streamKb">> {
  const warm = await openSessions(url, sessionsWarm);
  const before = await residentMb(pid);
  const ids = await openSessions(url, count);
  const opened = await residentMb(pid);
  const listeners = ids.slice(0, streamsMax);
  const streams = await Promise.all(listeners.map((id) => openStream(url, `Accept: text/event-stream\r\nMcp-Session-Id: ${id}\r\nMCP-Protocol-Version: 2025-11-25\r\n`)));
  const refused = streams.find((stream) => !stream.head.startsWith("HTTP/1.1 200"));
  if (refused !== undefined) throw new Error(`a stream was refused: ${refused.head}`);
  const streamed = await residentMb(pid);
  for (const stream of streams) stream.close();
  await endSessions(url, [...warm, ...ids]);
  return { sessionKb: ((opened - before) * 1024) / count, streamKb: ((opened - before) * 1024) / count + ((streamed - opened) * 1024) / listeners.length };
}

const sessionsWarm = 500;
/** Below the program's default bound on standing streams. */
const streamsMax = 500;

/** Resident memory of the proxy alone, without its children. */
export async function memory(sessions: number): Promise<Memory> {
  const callOnce = (target: Target, name: string): Promise<Report> =>
    load({ kind: "calls", url: target.url, pid: 0, name, era: "2026", inFlight: 1, textBytes: 100, warmMs: 0, windowMs: 200 });
  await using relay = await startStdioRelay("2026");
  await using one = await startOurs({ bench: stdioEntry("2026") }, { limits: { sessionsMax: sessions + sessionsWarm } });
  const names = Array.from({ length: 10 }, (_, i) => `bench${i}`);
  await using ten = await startOurs(Object.fromEntries(names.map((name) => [name, stdioEntry("2026")])));
  await callOnce(relay, "bench__echo");
  await callOnce(one, "bench__echo");
  for (const name of names) await callOnce(ten, `${name}__echo`);
  return {
    relayMb: await residentMb(relay.pid),
    oneMb: await residentMb(one.pid),
    tenMb: await residentMb(ten.pid),
    ...(await sessionKbs(new URL(one.url), one.pid, sessions)),
  };
}
