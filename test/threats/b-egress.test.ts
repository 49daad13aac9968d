/**
 * Part B of the threat table, as far as it is about where we send something: addresses that strangers name, names that
 * are bound anew, and servers that send us elsewhere. The program itself is asked, and what it sends is seen on sockets.
 */
import { describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { createEgress, defaultLimits, type Fault, systemClock } from "../../src/base/index.ts";
import { openAuth } from "../fixtures/auth.ts";
import { certified } from "../fixtures/certificates.ts";
import { openFront } from "../fixtures/front.ts";
import { startProgram } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

/** A socket on this computer that counts who comes. */
async function trap() {
  const seen: Socket[] = [];
  const server = createServer((socket) => void seen.push(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of seen) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

test("42: an address that a client names itself by is not asked unless it is public, and no socket is opened", async () => {
  await using trapped = await trap();
  await using program = await startProgram({ config: { auth: { clients: { cimd: "open" } }, mcpServers: {} } });
  const { port } = trapped;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `127.1:${port}`, `0x7f.1:${port}`, `0177.0.0.1:${port}`, `2130706433:${port}`, `017700000001:${port}`, `[::1]:${port}`, `[::ffff:127.0.0.1]:${port}`, `[::ffff:7f00:1]:${port}`, `[64:ff9b::7f00:1]:${port}`, `[2002:7f00:1::]:${port}`, `0:${port}`, `x@127.0.0.1:${port}`, `x:y@localhost:${port}`, "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]"];
  for (const scheme of ["https", "http"]) {
    for (const host of hosts) {
      const query = new URLSearchParams({ response_type: "code", client_id: `${scheme}://${host}/client.json`, redirect_uri: "http://127.0.0.1:1/cb", code_challenge: "x".repeat(43), code_challenge_method: "S256", state: "s" });
      const answer = await fetch(`${program.origin}/authorize?${query}`, { redirect: "manual" });
      expect([host, answer.status >= 400 && answer.status < 500, answer.headers.get("location")]).toEqual([host, true, null]);
    }
  }
  expect(trapped.seen.length).toBe(0);
});

test("43: a name that leads to this computer at the second look, or in the second answer, is never connected to", async () => {
  await using trapped = await trap();
  const answers = [["93.184.216.34", "127.0.0.1"], ["127.0.0.1"], ["::1", "2606:4700::1111"]];
  for (const addresses of answers) {
    let asked = 0;
    const resolve = async (): Promise<readonly string[]> => ((asked += 1), addresses);
    const { isPublic } = { isPublic: (address: string) => !/^(127\.|::1$)/.test(address) };
    const egress = createEgress({ limits: defaultLimits, env: {}, lookup: { resolve, isPublic, ca: null } });
    const sent = egress.send(`https://rebound.example:${trapped.port}/`, { method: "GET", headers: {}, signal: new AbortController().signal, backend: "stranger", reach: "public" });
    expect(await sent.then(() => "answered", (thrown: Fault) => thrown.code)).toBe("ADDRESS_REFUSED");
    expect(asked).toBe(1);
  }
  expect(trapped.seen.length).toBe(0);
  // The first look counts: the connection goes to what it said, though the name leads elsewhere by then.
  const later = [["127.0.0.1"], ["93.184.216.34"]];
  let looks = 0;
  const egress = createEgress({ limits: defaultLimits, env: {}, lookup: { resolve: async () => later[looks++] ?? [], isPublic: () => true, ca: null } });
  const late = new AbortController();
  const sent = egress.send(`https://rebound.example:${trapped.port}/`, { method: "GET", headers: {}, signal: late.signal, backend: "stranger", reach: "public" }).catch((thrown: Fault) => thrown.code);
  while (trapped.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  late.abort();
  expect([await sent, looks, trapped.seen.length]).toEqual(["CALL_CANCELLED", 1, 1]);
});

test.each([301, 302, 303, 307, 308])("54: a server that answers %d does not get our credentials and calls sent elsewhere", async (status) => {
  const stolen: string[] = [];
  await using elsewhere = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: async (request) => (stolen.push(await request.text()), new Response("{}")) });
  let asked = 0;
  await using moved = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => ((asked += 1), new Response(null, { status, headers: { Location: `http://localhost:${elsewhere.port}/mcp` } })) });
  await using program = await startProgram({ config: { mcpServers: { moved: { url: `http://127.0.0.1:${moved.port}/mcp`, headers: { "X-Api-Key": "key-of-moved", Authorization: "Bearer token-of-moved" } } } } });
  await program.said("redirects to");
  const { messages } = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name: "moved__x", params: '"name":"moved__x","arguments":{"secret":"body"}' });
  expect(messages.at(-1)).toContain('"error"');
  expect([asked > 0, stolen]).toEqual([true, []]);
  expect(program.stderr()).not.toContain("key-of-moved");
});

describe("44: a client's metadata document", () => {
  type Serve = (request: Request, origin: string) => Response | Promise<Response>;
  const name = "client.example";
  const redirect = "http://127.0.0.1:7777/callback";
  const good = (id: string) => ({ client_id: id, client_name: "Example", redirect_uris: [redirect] });
  const dripping = (): Response => {
    let timer: ReturnType<typeof setInterval>;
    return new Response(new ReadableStream({ start: (stream) => void (timer = setInterval(() => stream.enqueue(new TextEncoder().encode(" ")), 20)), cancel: () => clearInterval(timer) }));
  };
  const hostile: readonly (readonly [string, Serve])[] = [
    ["is larger than 5 KB", (_, id) => Response.json({ ...good(id), more: "x".repeat(5 * 1024) })],
    ["has no end", () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)) }))],
    ["comes a byte at a time", dripping],
    ["never comes", ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response())))],
    ["is a page", () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } })],
    ["is no JSON", () => new Response("{")],
    ["is no text", () => new Response(new Uint8Array([0xff, 0xfe, 0x00]))],
    ["is a list", () => Response.json([])],
    ["is nested too deeply", () => new Response("[".repeat(4000))],
    ["is another client's", (_, id) => Response.json(good(`${id}x`))],
    ["has a shared secret", (_, id) => Response.json({ ...good(id), client_secret: "s" })],
    ["is for a shared secret", (_, id) => Response.json({ ...good(id), token_endpoint_auth_method: "client_secret_basic" })],
    ["has a private key", (_, id) => Response.json({ ...good(id), token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", d: "d" }] } })],
    ["has a picture that runs", (_, id) => Response.json({ ...good(id), logo_uri: "javascript:alert(1)" })],
    ["leads back to what runs", (_, id) => Response.json({ ...good(id), redirect_uris: ["javascript:alert(1)"] })],
    ["has no name", (_, id) => Response.json({ ...good(id), client_name: "" })],
    ["leads elsewhere", () => new Response(null, { status: 302, headers: { location: "https://client.example/other.json" } })],
    ["is missing", () => new Response("", { status: 404 })],
  ];

  test("that is too large, too slow, somebody else's or dangerous makes no client, in bounded time, and is not asked for twice", async () => {
    const { cert, key } = await certified(name);
    const asked: string[] = [];
    const serve = (request: Request): Response | Promise<Response> => {
      const { pathname, port } = new URL(request.url);
      asked.push(pathname);
      const id = `https://${name}:${port}${pathname}`;
      return pathname === "/good" ? Response.json(good(id)) : (hostile[Number(pathname.slice(1))]?.[1](request, id) ?? new Response("", { status: 404 }));
    };
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, tls: { cert, key }, idleTimeout: 0, fetch: serve });
    const limits = { ...defaultLimits, clientDocumentMsMax: 500, clientFetchesMax: 100, approvalsMax: 1000 };
    const egress = createEgress({ limits, env: {}, lookup: { resolve: async () => ["127.0.0.1"], isPublic: () => true, ca: cert } });
    await using stage = await openAuth({ access: { clients: { cimd: "open" } }, clock: systemClock, limits, egress });
    await using front = await openFront({ auth: stage.auth, limits: { ...defaultLimits, authorizesPerMinuteMax: 1000 } });
    const open = async (path: string): Promise<Response> => {
      const query = new URLSearchParams({ response_type: "code", client_id: `https://${name}:${server.port}${path}`, redirect_uri: redirect, code_challenge: "x".repeat(43), code_challenge_method: "S256", state: "s" });
      return fetch(`${front.origin}/authorize?${query}`, { redirect: "manual" });
    };
    const text = await (await open("/good")).text();
    expect([text.includes("vouched for by"), text.includes(name)]).toEqual([true, true]);
    for (const [index, [what]] of hostile.entries()) {
      const began = performance.now();
      const answer = await open(`/${index}`);
      expect([what, answer.status, answer.headers.get("location"), performance.now() - began < 3_000]).toEqual([what, 400, null, true]);
      const before = asked.length;
      expect([(await open(`/${index}`)).status, asked.length]).toEqual([400, before]);
    }
    expect([asked.length, new Set(asked).size]).toEqual([hostile.length + 1, hostile.length + 1]);
    await server.stop(true);
  }, 20_000);
});
