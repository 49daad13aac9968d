/** Remote servers that refuse, mislead, hang or vanish, and clients that do not read, under the real program. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createFeed, createPeer, event, never, type Seen } from "../fixtures/peer.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { envelope, sendModern } from "../fixtures/rpc.ts";

const deed = async (program: Program, name: string, args: object = {}, signal?: AbortSignal): Promise<string> => {
  const sent = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":${JSON.stringify(args)}`, ...(signal === undefined ? {} : { signal }) });
  return sent.messages.at(-1) ?? "";
};
const said = (message: string): string => (JSON.parse(message) as { result?: { content: { text: string }[] } }).result?.content[0]?.text ?? message;
interface Told {
  readonly message: string;
  readonly data: { code: string; backend?: string; sent?: boolean; hint: string };
}
const errorIn = (message: string): Told => (JSON.parse(message) as { error?: Told }).error ?? { message: `no error: ${message}`, data: { code: "", hint: "" } };

/** A modern server whose answer to `tools/call` the test gives. */
function answer(request: Seen, onCall: (id: unknown, name: string) => Response | Promise<Response>): Response | Promise<Response> {
  if (request.method !== "POST") return new Response("no", { status: 405 });
  const { id, method, params } = JSON.parse(request.body) as { id?: number; method: string; params: { name: string } };
  const result = (more: object): Response => Response.json({ jsonrpc: "2.0", id, result: { resultType: "complete", ...more } });
  if (method === "server/discover") return result({ supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "private" });
  if (method === "tools/list") return result({ tools: ["ok", "odd"].map((name) => ({ name, inputSchema: { type: "object" } })), ttlMs: 0, cacheScope: "private" });
  if (method === "tools/call") return params.name === "ok" ? result({ content: [{ type: "text", text: "ok" }] }) : onCall(id, params.name);
  return Response.json({ jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }, { status: 404 });
}

const good = () => createPeer((request) => answer(request, never));

describe("a remote server that cannot be used", () => {
  const refusals: readonly [string, () => Response | Promise<Response>, RegExp][] = [
    ["redirects", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/mcp" } }), /redirects to https:\/\/elsewhere\.example/u],
    ["wants credentials", () => new Response("who are you", { status: 401 }), /wants a login/u],
    ["is overloaded", () => new Response("later", { status: 503 }), /503/u],
    ["answers with a page", () => new Response("<html>welcome</html>", { headers: { "content-type": "text/html" } }), /text\/html|not valid MCP/u],
    ["answers with half a message", () => new Response('{"jsonrpc":"2.0"', { headers: { "content-type": "application/json" } }), /not valid MCP/u],
    ["ends its stream before it has answered", () => new Response(": nothing\n\n", { headers: { "content-type": "text/event-stream" } }), /ended before|not valid MCP/u],
  ];
  for (const [what, respond, words] of refusals) {
    test(`because it ${what} says so by its name, with what to do, and the other one works`, async () => {
      await using bad = createPeer(() => respond());
      await using fine = good();
      await using program = await startProgram({ config: { mcpServers: { bad: { url: `${bad.url}/mcp` }, fine: { url: `${fine.url}/mcp` } } } });
      expect(said(await deed(program, "fine__ok"))).toBe("ok");
      const told = errorIn(await deed(program, "bad__ok"));
      expect(told.message).toMatch(words);
      expect(told.message).toContain("bad:");
      expect(told.data).toMatchObject({ backend: "bad", hint: expect.any(String) });
    });
  }

  test("because nobody listens is there as soon as somebody does", async () => {
    const place = good();
    const { port } = new URL(place.url);
    await place[Symbol.asyncDispose]();
    await using program = await startProgram({ config: { mcpServers: { later: { url: `http://127.0.0.1:${port}/mcp` } } } });
    const told = errorIn(await deed(program, "later__ok"));
    expect(told.data).toMatchObject({ code: "BACKEND_DOWN", backend: "later" });
    const server = Bun.serve({ hostname: "127.0.0.1", port: Number(port), fetch: async (request) => answer({ method: request.method, path: "/mcp", headers: request.headers, body: await request.text(), signal: request.signal }, never) });
    const before = performance.now();
    while (said(await deed(program, "later__ok")) !== "ok");
    expect(performance.now() - before).toBeLessThan(5000);
    await server.stop(true);
  });
});

describe("a remote server that is odd in one call", () => {
  const oddities: readonly [string, (id: unknown) => Response | Promise<Response>, string][] = [
    ["redirects", () => new Response(null, { status: 307, headers: { location: "/other" } }), "BACKEND_REFUSED"],
    ["answers with a page", () => new Response("<html>", { headers: { "content-type": "text/html" } }), "BACKEND_GARBLED"],
    ["answers another request", () => Response.json({ jsonrpc: "2.0", id: 123456, result: {} }), "BACKEND_GARBLED"],
    ["answers nothing at all", () => new Response(null, { status: 202 }), "BACKEND_GARBLED"],
  ];
  for (const [what, respond, code] of oddities) {
    test(`and ${what} fails that call alone`, async () => {
      await using odd = createPeer((request) => answer(request, respond));
      await using program = await startProgram({ config: { mcpServers: { odd: { url: `${odd.url}/mcp` } } } });
      const told = errorIn(await deed(program, "odd__odd"));
      expect(told.data).toMatchObject({ code, backend: "odd" });
      expect(said(await deed(program, "odd__ok"))).toBe("ok");
    });
  }

  test("and never ends the stream of its answer costs nobody anything", async () => {
    await using odd = createPeer((request) =>
      answer(request, (id) => {
        const feed = createFeed();
        feed.send(event(`{"jsonrpc":"2.0","id":${String(id)},"result":{"resultType":"complete","content":[{"type":"text","text":"streamed"}]}}`));
        return feed.response;
      }),
    );
    await using program = await startProgram({ config: { mcpServers: { odd: { url: `${odd.url}/mcp` } } } });
    const answers = await Promise.all(Array.from({ length: 400 }, () => deed(program, "odd__odd")));
    expect(new Set(answers.map(said))).toEqual(new Set(["streamed"]));
    expect(said(await deed(program, "odd__ok"))).toBe("ok");
  });
});

describe("calls that hang", () => {
  test("hundreds at one server slow no other, remote or local", async () => {
    await using stuck = createPeer((request) => answer(request, never));
    await using fine = good();
    const local = { command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts")] };
    await using program = await startProgram({ config: { mcpServers: { stuck: { url: `${stuck.url}/mcp` }, fine: { url: `${fine.url}/mcp` }, local } } });
    await Promise.all([deed(program, "stuck__ok"), deed(program, "fine__ok"), deed(program, "local__ok")]);
    const clients = hangers(program, 400, "stuck__odd");
    while (stuck.seen.filter(({ body }) => body.includes('"name":"odd"')).length < 400) await new Promise<void>((resolve) => void setImmediate(resolve));
    const before = performance.now();
    for (let round = 0; round < 5; round += 1) {
      expect([said(await deed(program, "fine__ok")), said(await deed(program, "local__ok")), said(await deed(program, "stuck__ok"))]).toEqual(["ok", "ok", "ok"]);
    }
    expect(performance.now() - before).toBeLessThan(2000);
    for (const client of clients) client.destroy();
  });
});

/** Clients over bare sockets, since our own fetch serves only 256 at once. */
function hangers(program: Program, count: number, name: string) {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{},${envelope()}}}`;
  return Array.from({ length: count }, () => bare(program, body, name));
}

function bare(program: Program, body: string, name: string) {
  const { port, host } = new URL(program.origin);
  const socket = connect(Number(port), "127.0.0.1");
  const head = ["POST /mcp HTTP/1.1", `Host: ${host}`, `Authorization: Bearer ${program.token}`, "Content-Type: application/json", "Accept: application/json, text/event-stream", "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", `Mcp-Name: ${name}`, `Content-Length: ${Buffer.byteLength(body)}`];
  socket.on("error", () => undefined);
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return socket;
}

const residentBytes = (pid: number): number => Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

describe("a client that does not read its stream", () => {
  test("costs a bounded amount of memory and slows no other", async () => {
    const line = "z".repeat(64 * 1024);
    let givenUp = 0;
    await using loud = createPeer((request) =>
      answer(request, (id) => {
        const encoder = new TextEncoder();
        const token = /"progressToken":("[^"]*"|\d+)/u.exec(request.body)?.[1] ?? "0";
        let progress = 0;
        return new Response(
          new ReadableStream({
            cancel: () => void (givenUp += 1),
            pull(controller) {
              progress += 1;
              if (progress < 4000) controller.enqueue(encoder.encode(event(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${progress},"message":"${line}"}}`)));
              else {
                controller.enqueue(encoder.encode(event(`{"jsonrpc":"2.0","id":${String(id)},"result":{"resultType":"complete","content":[]}}`)));
                controller.close();
              }
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        );
      }),
    );
    await using program = await startProgram({ config: { mcpServers: { loud: { url: `${loud.url}/mcp` } } } });
    await deed(program, "loud__ok");
    const name = "loud__odd";
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{},${envelope(',"progressToken":"p"')}}}`;
    const deaf = Array.from({ length: 4 }, () => bare(program, body, name).pause());
    // Its stream is given up, and with it the call, so that the flood ends.
    while (givenUp < deaf.length) await new Promise<void>((resolve) => void setImmediate(resolve));
    const before = performance.now();
    for (let round = 0; round < 20; round += 1) expect(said(await deed(program, "loud__ok"))).toBe("ok");
    expect(performance.now() - before).toBeLessThan(2000);
    expect(residentBytes(program.pid)).toBeLessThan(400 * 1024 * 1024);
    for (const client of deaf) client.destroy();
  });
});
