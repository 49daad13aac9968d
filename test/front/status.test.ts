import { describe, expect, test } from "bun:test";
import type { BackendState, BackendStatus } from "../../src/backend/index.ts";
import { fault } from "../../src/base/index.ts";
import type { HubStatus } from "../../src/hub/index.ts";
import { createKeeper } from "../fixtures/doorkeeper.ts";
import { factsOf, openFront } from "../fixtures/front.ts";

const challenge = 'Bearer realm="1mcp"';
const auth = createKeeper({ challenge, callers: { "Bearer good": { ok: true, principal: { id: "p", scopes: null } }, "Bearer reader": { ok: true, principal: { id: "r", scopes: ["admin:read"] } }, "Bearer user": { ok: true, principal: { id: "u", scopes: ["server:one"] } } } });
const good = { headers: { authorization: "Bearer good" } };
const details = ["/health", "/health/mcp", "/health/mcp/one", "/health/mcp/nobody"];

const serverOf = (name: string, state: BackendState, more: Partial<BackendStatus> = {}): BackendStatus => ({ name, state, since: 0, retryAt: null, lastError: null, breaker: "closed", lists: "live", pid: 1, reason: null, stderr: ["last words"], restarts: 0, retried: 0, inFlight: 0, revision: null, ...more });
const withServers = (backends: readonly BackendStatus[], more: Partial<HubStatus> = {}) => openFront({ auth, facts: factsOf({ backends, ...more }) });

describe("without a token", () => {
  test("health says that the door is open, by whatever name one asks, and nothing else, not even which servers there are", async () => {
    await using front = await withServers([serverOf("one", "backing-off")]);
    for (const path of ["/health", "/health/live", "/health/ready"]) {
      const answer = await fetch(front.origin + path, { headers: { host: "10.0.0.9:80" } });
      expect([answer.status, await answer.text(), answer.headers.get("cache-control")]).toEqual([200, '{"status":"ok"}', "no-store"]);
      expect([...answer.headers.keys()].filter((name) => name.startsWith("x-"))).toEqual(["x-content-type-options"]);
    }
  });

  test("there are neither servers nor numbers", async () => {
    await using front = await withServers([]);
    for (const path of ["/metrics", "/health/mcp", "/health/mcp/one", "/health/mcp/nobody"]) {
      const answer = await fetch(front.origin + path);
      expect([answer.status, answer.headers.get("www-authenticate"), await answer.json()]).toMatchObject([401, challenge, { error: { data: { code: "TOKEN_MISSING" } } }]);
    }
  });

  test("readiness follows the proxy, liveness does not", async () => {
    for (const phase of ["starting", "draining"] as const) {
      await using front = await withServers([], { phase });
      const answer = await fetch(`${front.origin}/health/ready`);
      expect([answer.status, await answer.text()]).toEqual([503, '{"status":"unavailable"}']);
      expect((await fetch(`${front.origin}/health/live`)).status).toBe(200);
    }
  });

  test("one server that fails takes nobody out of rotation", async () => {
    await using front = await withServers([serverOf("one", "backing-off"), serverOf("two", "ready")]);
    expect((await fetch(`${front.origin}/health/ready`)).status).toBe(200);
  });

  test("a person who opens the address is told what this is, by a page that may load nothing", async () => {
    await using front = await openFront();
    const answer = await fetch(front.origin);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await answer.text()).toContain("/mcp");
  });
});

describe("with a token that is not valid", () => {
  test("nothing is told but how to ask", async () => {
    await using front = await withServers([]);
    for (const path of [...details, "/metrics"]) {
      const answer = await fetch(front.origin + path, { headers: { authorization: "Bearer bad" } });
      expect([answer.status, answer.headers.get("www-authenticate"), await answer.json()]).toMatchObject([401, `${challenge}, error="invalid_token"`, { error: { data: { code: "TOKEN_INVALID" } } }]);
    }
  });

  test("liveness and readiness are told all the same: whoever watches over us must not end us for it", async () => {
    await using front = await withServers([]);
    for (const path of ["/health/live", "/health/ready"]) expect((await fetch(front.origin + path, { headers: { authorization: "Bearer bad" } })).status).toBe(200);
  });
});

describe("by a name that is not ours", () => {
  const foreign = { authorization: "Bearer good", host: "evil.example:80" };

  test("a token opens nothing", async () => {
    await using front = await withServers([]);
    for (const path of [...details, "/metrics"]) {
      const answer = await fetch(front.origin + path, { headers: foreign });
      expect([answer.status, await answer.json()]).toMatchObject([403, { error: { data: { code: "ORIGIN_REFUSED" } } }]);
    }
  });

  test("where no token is asked for, a page that rebound its name learns no more than a stranger", async () => {
    await using front = await openFront({ facts: factsOf({ backends: [serverOf("one", "ready")] }) });
    expect(await (await fetch(`${front.origin}/health`, { headers: { host: "evil.example:80" } })).text()).toBe('{"status":"ok"}');
    for (const path of ["/health/mcp", "/metrics"]) expect((await fetch(front.origin + path, { headers: { host: "evil.example:80" } })).status).toBe(403);
    expect(await (await fetch(`${front.origin}/health/mcp`)).json()).toMatchObject({ summary: { total: 1 } });
    expect((await fetch(`${front.origin}/metrics`)).status).toBe(200);
  });
});

test("a grant opens the details only if it may read them, and is told what that takes", async () => {
  await using front = await withServers([]);
  for (const path of ["/health", "/health/mcp", "/metrics"]) {
    expect((await fetch(front.origin + path, { headers: { authorization: "Bearer reader" } })).status).toBe(200);
    const refused = await fetch(front.origin + path, { headers: { authorization: "Bearer user" } });
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([403, `Bearer error="insufficient_scope", scope="admin:read", resource_metadata="${front.url}"`]);
  }
});

describe("with a valid token", () => {
  test("health is told in the known shape, and in headers", async () => {
    await using front = await withServers([serverOf("one", "ready"), serverOf("two", "backing-off", { lastError: { message: "two ended", at: 5 } }), serverOf("three", "disabled")]);
    const answer = await fetch(`${front.origin}/health`, good);
    expect([answer.status, answer.headers.get("x-health-status"), answer.headers.get("x-service-version")]).toEqual([200, "degraded", "1.2.3"]);
    expect(answer.headers.get("x-uptime-seconds")).toMatch(/^\d+$/);
    expect(await answer.json()).toMatchObject({ status: "degraded", version: "1.2.3", servers: { total: 2, healthy: 1, unhealthy: 1, details: [{ name: "one" }, { name: "two", lastError: "two ended" }, { name: "three" }] }, configuration: { loaded: true, serverCount: 3, enabledCount: 2, disabledCount: 1, authEnabled: true, transport: "http" } });
  });

  test("the servers are told, 202 while one is on its first way", async () => {
    for (const [state, restarts, status] of [["ready", 0, 200], ["starting", 0, 202], ["starting", 3, 200], ["backing-off", 0, 200]] as const) {
      await using front = await withServers([serverOf("one", state, { restarts })]);
      const answer = await fetch(`${front.origin}/health/mcp`, good);
      expect([answer.status, answer.headers.get("x-loading-complete")]).toEqual([status, String(status === 200)]);
      expect(await answer.json()).toMatchObject({ servers: { byState: { [state]: ["one"] } } });
    }
  });

  test("one server is told, with the last lines of its stderr while it ails", async () => {
    await using front = await withServers([serverOf("one", "ready"), serverOf("a b", "backing-off"), serverOf("new", "starting")]);
    const one = await fetch(`${front.origin}/health/mcp/one`, good);
    expect([one.status, one.headers.get("x-server-state"), await one.text()]).toEqual([200, "ready", expect.not.stringContaining("last words")]);
    const ailing = await fetch(`${front.origin}/health/mcp/a%20b`, good);
    expect([ailing.status, await ailing.json()]).toMatchObject([503, { name: "a b", stderr: ["last words"] }]);
    expect((await fetch(`${front.origin}/health/mcp/new`, good)).status).toBe(202);
    expect((await fetch(`${front.origin}/health/mcp/nobody`, good)).status).toBe(404);
  });

  test.each([
    [null, "prometheus"],
    ["*/*", "prometheus"],
    ["text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "prometheus"],
    ["application/openmetrics-text", "openmetrics"],
    ["application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.25,*/*;q=0.1", "openmetrics"],
    ["application/openmetrics-text;version=1.0.0;q=0.5, text/plain;q=0.9", "prometheus"],
    ["application/openmetrics-text;version=0.0.1", "prometheus"],
    ["application/openmetrics-text;q=0", "prometheus"],
    ["application/openmetrics-text;q=x", "prometheus"],
  ])("numbers are given to who accepts %s as %s", async (accept, format) => {
    await using front = await withServers([]);
    const answer = await fetch(`${front.origin}/metrics`, { headers: { ...good.headers, ...(accept === null ? {} : { accept }) } });
    expect(answer.headers.get("content-type")).toBe(format === "prometheus" ? "text/plain; version=0.0.4; charset=utf-8" : "application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(await answer.text()).toBe(`# ${format}\n`);
  });
});

test("a bug in the middle is a 500 with a fixed body and an entry in the log, never a stack", async () => {
  const lines: unknown[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (...line: unknown[]) => void lines.push(line), with: () => log };
  const facts = {
    ...factsOf(),
    status: () => {
      throw new Error("inner words");
    },
  };
  await using front = await openFront({ log, facts });
  const answer = await fetch(`${front.origin}/health/ready`);
  const text = await answer.text();
  expect(answer.status).toBe(fault("INTERNAL").row.http);
  expect(JSON.parse(text)).toMatchObject({ id: null, error: { code: -32603 } });
  expect(text).not.toContain("inner words");
  expect(JSON.stringify(lines)).toContain("inner words");
});
