/**
 * The load: a process of its own that calls tools as fast as they answer and reports what it saw, together with the CPU
 * time that the observed process spent in the same window. `bun load.ts '<job as JSON>'` prints one line of JSON.
 */
import { readFile } from "node:fs/promises";
import { type Connection, type Exchange, connect, headerOf } from "./http.ts";
import { readLines } from "./lines.ts";

export type Era = "2025" | "2026";

export interface Job {
  readonly kind: "calls" | "connects";
  /** Where to: an HTTP endpoint, or the command of a child to speak to over its pipes. */
  readonly url?: string;
  readonly argv?: readonly string[];
  readonly era: Era;
  /** The tool to call. */
  readonly name: string;
  readonly inFlight: number;
  readonly textBytes: number;
  readonly warmMs: number;
  readonly windowMs: number;
  /** Whose CPU time is read; 0 for none. */
  readonly pid: number;
  /** The value of Authorization, where one is wanted. */
  readonly authorization?: string;
}

export interface Report {
  readonly done: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
}

/** The kernel's clock ticks in a second, as every Linux has them. */
const ticksPerSecond = 100;

/** CPU time of a process, in user and system mode, that of threads which have ended included. */
export async function cpuMsOf(pid: number): Promise<number> {
  if (pid === 0) return 0;
  const line = await readFile(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

const clientInfo = { name: "bench", version: "1.0.0" };
const meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": clientInfo,
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** A request's text in two parts around its id, so that a large one is made once. */
function partsOf(method: string, params: object, era: Era): readonly [string, string] {
  const text = JSON.stringify(era === "2026" ? { ...params, _meta: meta } : params);
  return [`{"jsonrpc":"2.0","id":`, `,"method":"${method}","params":${text}}`];
}

const handshakeParams = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
const initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`;

/** Ids of one width, so that a request's length never changes. */
const firstId = 1_000_000;

/** What one worker needs of a peer, over HTTP or a pipe. */
interface Peer {
  /** Calls the tool once; throws when the answer is not the one to this call. */
  call(id: number): Promise<void>;
  close(): void;
}

function checkAnswer(body: Buffer, id: number, bytesMin: number, where: string): void {
  if (body.length < bytesMin || !body.includes(`"id":${id}`) || !body.includes(`"content":`))
    throw new Error(`${where}: not the answer to ${id}: ${body.toString("utf8", 0, 400)}`);
}

const baseHeaders = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
const headersFor = (era: Era, method: string, name: string | null, session: string | null): string => {
  if (era === "2025") return `${baseHeaders}MCP-Protocol-Version: 2025-11-25\r\n${session === null ? "" : `Mcp-Session-Id: ${session}\r\n`}`;
  return `${baseHeaders}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n${name === null ? "" : `Mcp-Name: ${name}\r\n`}`;
};

function expectStatus(exchange: Exchange, status: number, what: string): Exchange {
  if (exchange.status !== status) throw new Error(`${what}: ${exchange.head}\n${exchange.body.toString("utf8", 0, 400)}`);
  return exchange;
}

/** The handshake of the older era on a fresh connection; the session's id, or null where there are no sessions. */
async function openSession(connection: Connection): Promise<string | null> {
  const [before, after] = partsOf("initialize", handshakeParams, "2025");
  const opened = expectStatus(await connection.exchange("POST", baseHeaders, [`${before}1${after}`]), 200, "initialize");
  const session = headerOf(opened.head, "mcp-session-id");
  expectStatus(await connection.exchange("POST", headersFor("2025", "", null, session), [initialized]), 202, "initialized");
  return session;
}

async function httpPeer(job: Job): Promise<Peer> {
  const connection = await connect(new URL(job.url!));
  const session = job.era === "2025" ? await openSession(connection) : null;
  const headers = headersFor(job.era, "tools/call", job.name, session) + (job.authorization === undefined ? "" : `Authorization: ${job.authorization}\r\n`);
  const [before, after] = partsOf("tools/call", { name: job.name, arguments: { text: "x".repeat(job.textBytes) } }, job.era);
  // A large body is kept as bytes; a small one travels in one string with the head.
  const tail = job.textBytes > 65536 ? Buffer.from(after) : after;
  return {
    async call(id) {
      const exchange = expectStatus(await connection.exchange("POST", headers, [`${before}${id}`, tail]), 200, "tools/call");
      checkAnswer(exchange.body, id, job.textBytes, job.url!);
    },
    close: () => connection.close(),
  };
}

/** A child spoken to over its pipes: what a call costs with nothing in between. */
function createPipe(job: Job): { peer: Peer; close(): void } {
  const child = Bun.spawn([...job.argv!], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const waiting = new Map<number, (line: string) => void>();
  const [before, after] = partsOf("tools/call", { name: job.name, arguments: { text: "x".repeat(job.textBytes) } }, job.era);
  let flushing = false;
  void readLines(child.stdout, (line) => {
    const id = Number(/"id":(\d+)/u.exec(line)?.[1]);
    waiting.get(id)?.(line);
    waiting.delete(id);
  });
  const send = (text: string): void => {
    child.stdin.write(`${text}\n`);
    if (flushing) return;
    flushing = true;
    queueMicrotask(() => {
      flushing = false;
      void child.stdin.flush();
    });
  };
  if (job.era === "2025") {
    const parts = partsOf("initialize", handshakeParams, "2025");
    send(`${parts[0]}1${parts[1]}`);
    send(initialized);
  }
  const peer: Peer = {
    async call(id) {
      const line = await new Promise<string>((resolve) => {
        waiting.set(id, resolve);
        send(`${before}${id}${after}`);
      });
      checkAnswer(Buffer.from(line), id, job.textBytes, "stdio");
    },
    close: () => undefined,
  };
  return { peer, close: () => child.kill() };
}

interface Window {
  /** True once the warm-up is over. */
  measuring: boolean;
  ended: boolean;
  readonly latenciesMs: number[];
}

/** Runs `once` again and again in `inFlight` workers; the first part of the time is not counted. */
async function measure(job: Job, workers: readonly ((turn: number) => Promise<void>)[]): Promise<Report> {
  const window: Window = { measuring: false, ended: false, latenciesMs: [] };
  const running = workers.map(async (once) => {
    for (let turn = 0; !window.ended; turn += 1) {
      const from = performance.now();
      await once(turn);
      if (window.measuring && !window.ended) window.latenciesMs.push(performance.now() - from);
    }
  });
  const failed = Promise.all(running);
  await Promise.race([Bun.sleep(job.warmMs), failed]);
  const cpuBefore = await cpuMsOf(job.pid);
  const from = performance.now();
  window.measuring = true;
  await Promise.race([Bun.sleep(job.windowMs), failed]);
  window.ended = true;
  const seconds = (performance.now() - from) / 1000;
  const cpuMs = (await cpuMsOf(job.pid)) - cpuBefore;
  await failed;
  const sorted = window.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { done: sorted.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99), cpuMs };
}

async function runCalls(job: Job): Promise<Report> {
  const pipe = job.argv === undefined ? null : createPipe(job);
  const peers = await Promise.all(Array.from({ length: job.inFlight }, async () => pipe?.peer ?? (await httpPeer(job))));
  const ids = { last: firstId };
  const report = await measure(job, peers.map((peer) => () => peer.call((ids.last += 1))));
  for (const peer of peers) peer.close();
  pipe?.close();
  return report;
}

/** A client's whole beginning: connect, say hello in the words of its era, list the tools, leave. */
async function begin(job: Job): Promise<void> {
  const connection = await connect(new URL(job.url!));
  const session = job.era === "2025" ? await openSession(connection) : null;
  const ask = async (method: string): Promise<Exchange> => {
    const [before, after] = partsOf(method, {}, job.era);
    return expectStatus(await connection.exchange("POST", headersFor(job.era, method, null, session), [`${before}2${after}`]), 200, method);
  };
  if (job.era === "2026") await ask("server/discover");
  const listed = await ask("tools/list");
  if (!listed.body.includes(`"tools":[{`)) throw new Error(`no tools: ${listed.body.toString("utf8", 0, 400)}`);
  if (session !== null) await connection.exchange("DELETE", headersFor("2025", "", null, session), []);
  connection.close();
}

const runConnects = (job: Job): Promise<Report> => measure(job, Array.from({ length: job.inFlight }, () => () => begin(job)));

if (import.meta.main) {
  const job = JSON.parse(process.argv[2]!) as Job;
  console.log(JSON.stringify(await (job.kind === "calls" ? runCalls(job) : runConnects(job))));
}
