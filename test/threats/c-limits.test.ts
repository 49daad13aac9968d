/**
 * Part C of the threat table, as far as it is about who may ask from where, and how much of anything one caller may have:
 * over the wire, against the program as it is started by people.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { openPipe, openSession, sendModern } from "../fixtures/rpc.ts";

let program: Granted;
beforeAll(async () => {
  program = await startGranted({ config: { allowedOrigins: ["https://inspector.example"], mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }), loud: fixture("torrent.ts", [], { tags: ["a"] }) }, limits: { noiseBytesMax: 2 ** 30 } } });
});
afterAll(() => program[Symbol.asyncDispose]());

/** A call of the server that floods, as it is on the wire. */
function callText(token: string): string {
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"loud__pour","arguments":{"megabytes":100},"_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"r","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}';
  return `POST /mcp HTTP/1.1\r\nHost: ${new URL(program.origin).host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: loud__pour\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

async function residentBytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s*(\d+)/m.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1] ?? 0) * 1024;
}

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

describe("another page", () => {
  test("58: of this computer is refused unless it is listed", async () => {
    const { token } = await program.grant(["tag:a"]);
    const from = (origin: string) => sendModern(program.at(token), { method: "tools/list", headers: { origin } });
    for (const origin of ["http://localhost:9", "http://127.0.0.1:9", `https://${new URL(program.origin).host}`, "null", `${program.origin}.evil.example`]) expect((await from(origin)).status).toBe(403);
    for (const origin of [program.origin, "https://inspector.example"]) expect((await from(origin)).status).toBe(200);
  });

  test("74: that is foreign gets no word by which its browser would let it read", async () => {
    for (const path of ["/mcp", "/mcp/alpha", "/sse", "/messages", "/token", "/register", "/revoke", "/device_authorization", "/authorize", "/login", "/device", "/health", "/metrics"]) {
      for (const method of ["OPTIONS", "POST", "GET"]) {
        const answer = await fetch(program.origin + path, { method, redirect: "manual", headers: { origin: "https://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "authorization" } });
        expect([path, method, [...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))]).toEqual([path, method, []]);
      }
    }
    const metadata = await program.get("/.well-known/oauth-authorization-server", { origin: "https://evil.example" });
    expect([metadata.status, metadata.headers.get("access-control-allow-origin"), metadata.headers.get("access-control-allow-credentials")]).toEqual([200, "*", null]);
    const listed = await fetch(`${program.origin}/token`, { method: "OPTIONS", headers: { origin: "https://inspector.example", "access-control-request-method": "POST" } });
    expect([listed.headers.get("access-control-allow-origin"), listed.headers.get("access-control-allow-credentials")]).toEqual(["https://inspector.example", null]);
  });
});

describe("one grant", () => {
  test("69: has ten streams that stand, and the eleventh is refused until one has ended", async () => {
    const { token } = await program.grant(["tag:a"]);
    const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
    const listen = { method: "POST", headers: { ...headers, "content-type": "application/json", "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" }, body: '{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"r","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}' };
    const session = await openSession(program.at(token));
    const kinds: readonly (readonly [string, RequestInit])[] = [["/sse", { headers }], ["/mcp", listen], ["/mcp", { headers: { ...headers, "mcp-session-id": session.id, "mcp-protocol-version": "2025-11-25" } }]];
    const gone: AbortController[] = [];
    // Held, since an answer that nobody holds is closed when the memory is cleared.
    const answers: Response[] = [];
    for (let index = 0; index < 100; index += 1) {
      const abort = new AbortController();
      const [path, init] = kinds[index % 3] ?? kinds[0] ?? ["", {}];
      const answer = await fetch(program.origin + path, { ...init, signal: abort.signal });
      answers.push(answer);
      if (answer.status !== 200) expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      gone.push(abort);
    }
    const statuses = answers.map(({ status }) => status);
    expect([statuses.filter((status) => status === 200).length, statuses.slice(10).every((status) => status === 429)]).toEqual([10, true]);
    // Calls, other grants and the operator are none the worse for it.
    expect((await sendModern(program.at(token), { method: "tools/list" })).status).toBe(200);
    const { token: other } = await program.grant(["tag:a"]);
    await using _other = await openPipe(program.origin, "/sse", other);
    await using _own = await openPipe(program.origin, "/sse", program.token);
    for (const abort of gone) abort.abort();
    const again = async (): Promise<number> => {
      const abort = new AbortController();
      const { status } = await fetch(`${program.origin}/sse`, { headers, signal: abort.signal });
      abort.abort();
      return status;
    };
    const until = performance.now() + 5_000;
    let status = await again();
    while (status !== 200 && performance.now() < until) status = await again();
    expect(status).toBe(200);
  });

  test("72: has twenty sessions, and the one unused for longest makes room for the next", async () => {
    const { token } = await program.grant(["tag:a"]);
    const sessions: Awaited<ReturnType<typeof openSession>>[] = [];
    for (let index = 0; index < 200; index += 1) sessions.push(await openSession(program.at(token)));
    const alive = (await Promise.all(sessions.map((session) => session.send(ping)))).map(({ status }) => status);
    expect([alive.filter((status) => status === 200).length, alive.slice(-20).every((status) => status === 200), alive[0]]).toEqual([20, true, 404]);
  });

  test("70: that does not read its stream is left, and what it was to be sent fills no memory", async () => {
    const { token } = await program.grant(["tag:a"]);
    const before = await residentBytes(program.pid);
    const request = callText(token);
    const socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(new URL(program.origin).port), socket: { open: (one) => void (one.pause(), one.write(request)), data: () => undefined } });
    // The call is given up: the server is read no further for it.
    const outcome = async (): Promise<string | undefined> => /^onemcp_requests\w*\{server="loud",method="tools\/call",outcome="(\w+)"\} [1-9]/m.exec(await (await program.get("/metrics", { authorization: `Bearer ${program.token}` })).text())?.[1];
    let came = await outcome();
    while (came === undefined) came = await outcome();
    expect(came).toBe("fault");
    expect((await residentBytes(program.pid)) - before).toBeLessThan(64 * 1024 * 1024);
    expect((await sendModern(program.at(token), { method: "tools/list" })).status).toBe(200);
    socket.end();
  });
});

describe("one address", () => {
  test("71, 73: may try twenty tokens a minute, whatever it says of whom it speaks for, and whoever has a good one is served", async () => {
    const { token } = await program.grant(["tag:a"]);
    const statuses: number[] = [];
    for (let index = 0; index < 300; index += 1) statuses.push((await sendModern({ url: `${program.origin}/mcp`, token: `1mcp_${index}` }, { method: "tools/list", headers: { "X-Forwarded-For": `203.0.113.${index % 250}`, Forwarded: `for=198.51.100.${index % 250}` } })).status);
    const refused = statuses.filter((status) => status === 401).length;
    expect([refused >= 20 && refused <= 22, statuses.at(-1)]).toEqual([true, 429]);
    const last = await sendModern({ url: `${program.origin}/mcp`, token: "1mcp_x" }, { method: "tools/list" });
    expect([last.status, Number(last.headers.get("retry-after")) > 0]).toEqual([429, true]);
    expect((await sendModern(program.at(token), { method: "tools/list" })).status).toBe(200);
    // Who shows nothing at all begins a login.
    expect((await sendModern(program.at(null), { method: "tools/list" })).status).toBe(401);
    expect(program.stderr()).not.toContain("203.0.113.");
    expect(program.stderr()).toContain('"code":"TOKEN_INVALID","status":401,"client":"127.0.0.1"');
  });
});
