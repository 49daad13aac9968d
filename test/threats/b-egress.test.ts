/**
 * Part B of the threat table, as far as it is about where we send something: addresses that strangers name, names that
 * are bound anew, and servers that send us elsewhere. The program itself is asked, and what it sends is seen on sockets.
 */
import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { createEgress, defaultLimits, type Fault } from "../../src/base/index.ts";
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
