import { describe, expect, test } from "bun:test";
import type { BackendState, BackendStatus } from "../../src/backend/index.ts";
import { type About, healthOf, type HubStatus, mcpHealthOf, reportOf, serverFactsOf } from "../../src/hub/index.ts";
import { factsOf } from "../fixtures/front.ts";

const now = 100_000;
const about: About = { version: "1.2.3", startedAt: 40_000, clients: { sessions: 1, streams: 2, parked: 3 }, isGuarded: true };
const serverOf = (name: string, state: BackendState, more: Partial<BackendStatus> = {}): BackendStatus => ({ name, state, since: 50_000, retryAt: null, lastError: null, breaker: "closed", lists: "live", pid: 1, reason: null, stderr: ["last"], restarts: 0, retried: 0, inFlight: 0, revision: null, ...more });
const statusOf = (servers: readonly BackendStatus[], more: Partial<HubStatus> = {}): HubStatus => factsOf({ backends: servers, ...more }).status();

describe("the verdict", () => {
  const rejected = { config: { state: "rejected" as const, at: 0, issues: [], path: null } };
  test.each([
    ["healthy", [], {}],
    ["healthy", ["ready", "idle", "disabled"], {}],
    ["degraded", ["ready", "backing-off"], {}],
    ["degraded", ["ready"], rejected],
    ["degraded", ["ready", "degraded"], {}],
    ["unhealthy", ["backing-off", "starting", "misconfigured", "disabled"], {}],
    ["unhealthy", ["ready"], { phase: "starting" as const }],
  ])("is %s with servers that are %j", (verdict, states, more) => {
    expect(healthOf(statusOf((states as BackendState[]).map((state, n) => serverOf(String(n), state)), more), about, now).status).toBe(verdict as "healthy");
  });
});

test("health tells of the process, and leaves out what it does not know", () => {
  const health = healthOf(statusOf([serverOf("a", "ready")]), about, now);
  expect(health.system).toMatchObject({ uptime: 60, process: { pid: process.pid, nodeVersion: process.version, runtimeVersion: `bun ${Bun.version}`, platform: process.platform, arch: process.arch } });
  expect(health.system.memory.percentage).toBeGreaterThan(0);
  expect(health.servers.details).toEqual([{ name: "a", status: "ready", healthy: true }]);
  expect(health.timestamp).toBe("1970-01-01T00:01:40.000Z");
});

test("the servers are told by state, by name and as they are supervised", () => {
  const failing = serverOf("b", "backing-off", { restarts: 4, retryAt: 101_000, pid: null, lastError: { message: "it ended", at: 99_000 } });
  const health = mcpHealthOf(statusOf([serverOf("a", "ready"), failing, serverOf("c", "disabled")]), now);
  expect(health).toMatchObject({ loading: { isComplete: true, successRate: 50 }, summary: { total: 3, ready: 1, "backing-off": 1, disabled: 1 }, servers: { byState: { ready: ["a"], "backing-off": ["b"], disabled: ["c"] } }, degraded: true });
  expect(health.backendSupervision).toEqual({ a: { state: "ready", attempt: 0, nextRetryAt: null, lastError: null, currentPid: 1 }, b: { state: "backing-off", attempt: 4, nextRetryAt: "1970-01-01T00:01:41.000Z", lastError: "it ended", currentPid: null } });
  expect(mcpHealthOf(statusOf([]), now)).toMatchObject({ loading: { isComplete: true, successRate: 100 }, degraded: false });
});

test("the last words of a server are told while it ails, so many of them, and not otherwise", () => {
  const stderr = Array.from({ length: 50 }, (_, n) => `line ${n}`);
  expect(serverFactsOf(serverOf("a", "backing-off", { stderr })).stderr).toEqual(stderr.slice(-20));
  for (const state of ["ready", "idle", "disabled", "stopped"] as const) expect(serverFactsOf(serverOf("a", state))).not.toHaveProperty("stderr");
});

test("the operator's report has everything", () => {
  expect(reportOf(statusOf([serverOf("a", "ready", { lastError: { message: "once", at: 1_000 } })], { inFlight: 2 }), about, now)).toMatchObject({
    phase: "running",
    version: "1.2.3",
    pid: process.pid,
    startedAt: "1970-01-01T00:00:40.000Z",
    clients: about.clients,
    inFlight: 2,
    configuration: { path: "/c.json", state: "valid", issues: [] },
    servers: [{ name: "a", state: "ready", healthy: true, since: "1970-01-01T00:00:50.000Z", lastError: { message: "once", at: "1970-01-01T00:00:01.000Z" } }],
  });
});
