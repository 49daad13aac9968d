/**
 * What the running proxy says of itself, in the shapes that people and their tools read: health as it is known from
 * 1MCP, and one report with everything. Facts only, nothing secret: texts of servers have been scrubbed where they came in.
 */
import type { BackendState, BackendStatus } from "../backend/index.ts";
import type { Issue } from "../config/index.ts";
import type { HubStatus } from "./types.ts";

/** What the hub does not know of the program that it is a part of. */
export interface About {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The clients of the moment. */
  readonly clients: { readonly sessions: number; readonly streams: number; readonly parked: number };
  /** A token is asked for. */
  readonly isGuarded: boolean;
}

/** One server. Times are ISO texts, null where there is none. */
export interface ServerFacts {
  readonly name: string;
  /** How it is reached. */
  readonly type: "stdio" | "http" | "sse";
  readonly state: BackendState;
  /** It serves calls, or will at the first one. */
  readonly healthy: boolean;
  readonly since: string;
  readonly reason: string | null;
  readonly lastError: { readonly message: string; readonly at: string } | null;
  readonly retryAt: string | null;
  readonly breaker: BackendStatus["breaker"];
  readonly lists: BackendStatus["lists"];
  readonly pid: number | null;
  readonly revision: string | null;
  readonly restarts: number;
  readonly retried: number;
  readonly inFlight: number;
  /** The last lines of its stderr, oldest first; only while something is wrong. */
  readonly stderr?: readonly string[];
}

/** `/health`. */
export interface Health {
  readonly status: "healthy" | "degraded" | "unhealthy";
  readonly timestamp: string;
  readonly version: string;
  readonly system: {
    readonly uptime: number;
    readonly memory: { readonly used: number; readonly total: number; readonly percentage: number };
    readonly process: { readonly pid: number; readonly nodeVersion: string; readonly runtimeVersion: string; readonly platform: string; readonly arch: string };
  };
  readonly servers: { readonly total: number; readonly healthy: number; readonly unhealthy: number; readonly details: readonly { readonly name: string; readonly status: BackendState; readonly healthy: boolean; readonly lastError?: string }[] };
  readonly configuration: {
    readonly loaded: boolean;
    readonly state: "valid" | "rejected";
    readonly lastReload: string;
    readonly serverCount: number;
    readonly enabledCount: number;
    readonly disabledCount: number;
    readonly authEnabled: boolean;
    readonly transport: "http";
  };
}

/** `/health/mcp`. */
export interface McpHealth {
  readonly loading: { readonly isComplete: boolean; readonly successRate: number };
  readonly summary: Readonly<Record<string, number>>;
  readonly servers: { readonly byState: Readonly<Partial<Record<BackendState, readonly string[]>>>; readonly details: Readonly<Record<string, ServerFacts>> };
  readonly backendSupervision: Readonly<Record<string, { readonly state: BackendState; readonly attempt: number; readonly nextRetryAt: string | null; readonly lastError: string | null; readonly currentPid: number | null }>>;
  readonly degraded: boolean;
  readonly timestamp: string;
}

/** Everything at once, for the operator. */
export interface Report {
  readonly phase: HubStatus["phase"];
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly timestamp: string;
  readonly memory: { readonly residentBytes: number };
  readonly clients: About["clients"];
  readonly inFlight: number;
  readonly configuration: { readonly path: string | null; readonly state: "valid" | "rejected"; readonly at: string; readonly issues: readonly Issue[] };
  readonly servers: readonly ServerFacts[];
  /** Servers of which not everything is as it was trusted. */
  readonly untrusted: HubStatus["untrusted"];
  /** What of servers is not shown, or not as it came, or named by the configuration in vain; and why. */
  readonly problems: HubStatus["problems"];
}

const well: readonly BackendState[] = Object.freeze(["ready", "idle"]);
const off: readonly BackendState[] = Object.freeze(["disabled", "draining", "stopped"]);
const stderrLinesMax = 20;

const isHealthy = ({ state }: BackendStatus): boolean => well.includes(state);
const isOff = ({ state }: BackendStatus): boolean => off.includes(state);
const timeOf = (ms: number): string => new Date(ms).toISOString();
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : timeOf(ms));

const typeOf = ({ transport = "stdio" }: BackendStatus): ServerFacts["type"] => (transport === "auto" ? "http" : transport);

/** One server's facts. */
export function serverFactsOf(server: BackendStatus): ServerFacts {
  const { name, state, since, reason, lastError, retryAt, breaker, lists, pid, revision, restarts, retried, inFlight } = server;
  const healthy = isHealthy(server);
  const facts: ServerFacts = {
    name,
    type: typeOf(server),
    state,
    healthy,
    since: timeOf(since),
    reason,
    lastError: lastError === null ? null : { message: lastError.message, at: timeOf(lastError.at) },
    retryAt: timeOrNull(retryAt),
    breaker,
    lists,
    pid,
    revision,
    restarts,
    retried,
    inFlight,
  };
  return healthy || isOff(server) ? facts : { ...facts, stderr: server.stderr.slice(-stderrLinesMax) };
}

/** The whole proxy in the known shape. */
export function healthOf(status: HubStatus, about: About, nowMs: number): Health {
  const all = status.backends;
  const on = all.filter((server) => !isOff(server));
  const healthy = on.filter(isHealthy).length;
  return {
    status: verdictOf(status, healthy, on.length),
    timestamp: timeOf(nowMs),
    version: about.version,
    system: systemOf(about, nowMs),
    servers: { total: on.length, healthy, unhealthy: on.length - healthy, details: all.map(detailOf) },
    configuration: {
      loaded: status.phase !== "starting",
      state: status.config.state,
      lastReload: timeOf(status.config.at),
      serverCount: all.length,
      enabledCount: on.length,
      disabledCount: all.length - on.length,
      authEnabled: about.isGuarded,
      transport: "http",
    },
  };
}

// A proxy without servers does what it was told to; one whose servers are all away is of no use.
function verdictOf(status: HubStatus, healthy: number, on: number): Health["status"] {
  if (status.phase === "starting" || (on > 0 && healthy === 0)) return "unhealthy";
  return healthy < on || status.config.state === "rejected" ? "degraded" : "healthy";
}

function detailOf(server: BackendStatus): Health["servers"]["details"][number] {
  const base = { name: server.name, status: server.state, healthy: isHealthy(server) };
  return server.lastError === null ? base : { ...base, lastError: server.lastError.message };
}

function systemOf({ startedAt }: About, nowMs: number): Health["system"] {
  const { heapUsed, heapTotal } = process.memoryUsage();
  const mib = (bytes: number): number => rounded(bytes / 1024 / 1024);
  return {
    uptime: Math.floor((nowMs - startedAt) / 1000),
    memory: { used: mib(heapUsed), total: mib(heapTotal), percentage: rounded((heapUsed / heapTotal) * 100) },
    process: { pid: process.pid, nodeVersion: process.version, runtimeVersion: `bun ${Bun.version}`, platform: process.platform, arch: process.arch },
  };
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** The servers in the known shape. */
export function mcpHealthOf(status: HubStatus, nowMs: number): McpHealth {
  const all = status.backends;
  const on = all.filter((server) => !isOff(server));
  const byState = Object.groupBy(all, ({ state }) => state);
  const names = Object.fromEntries(Object.entries(byState).map(([state, servers]) => [state, servers.map(({ name }) => name)]));
  const ready = on.filter(isHealthy).length;
  return {
    loading: { isComplete: status.phase !== "starting" && !on.some(({ state, restarts }) => state === "starting" && restarts === 0), successRate: on.length === 0 ? 100 : rounded((ready / on.length) * 100) },
    summary: { total: all.length, ...Object.fromEntries(Object.entries(names).map(([state, named]) => [state, named.length])) },
    servers: { byState: names, details: Object.fromEntries(all.map((server) => [server.name, serverFactsOf(server)])) },
    backendSupervision: Object.fromEntries(on.map((server) => [server.name, supervisionOf(server)])),
    degraded: ready < on.length,
    timestamp: timeOf(nowMs),
  };
}

const supervisionOf = ({ state, restarts, retryAt, lastError, pid }: BackendStatus): McpHealth["backendSupervision"][string] => ({ state, attempt: restarts, nextRetryAt: timeOrNull(retryAt), lastError: lastError?.message ?? null, currentPid: pid });

/** Everything, for the operator. */
export function reportOf(status: HubStatus, about: About, nowMs: number): Report {
  const { path, state, at, issues } = status.config;
  return {
    phase: status.phase,
    version: about.version,
    pid: process.pid,
    startedAt: timeOf(about.startedAt),
    timestamp: timeOf(nowMs),
    memory: { residentBytes: process.memoryUsage.rss() },
    clients: about.clients,
    inFlight: status.inFlight,
    configuration: { path, state, at: timeOf(at), issues },
    servers: status.backends.map(serverFactsOf),
    untrusted: status.untrusted,
    problems: status.problems,
  };
}
