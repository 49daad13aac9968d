/** What is owed on the wire and has no better place: header names in any case, secrets that stay here, large payloads. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createPeer, type Peer, type Seen } from "../fixtures/peer.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";
import { type Endpoint, envelope, openSession, send, sendModern } from "../fixtures/rpc.ts";

const blobBytes = 50 * 1024 * 1024;
type Json = ReturnType<typeof JSON.parse>;

/** A modern server: a tool, a resource that asks before it is read, a blob of 50 MB as JSON or as a stream. */
function answerOf({ body }: Seen): Response {
  const { id, method, params } = JSON.parse(body) as Json;
  const complete = (result: object): Json => ({ jsonrpc: "2.0", id, result: { resultType: "complete", ...result } });
  const results: Readonly<Record<string, () => Json>> = {
    "server/discover": () => complete({ supportedVersions: ["2026-07-28"], capabilities: { tools: {}, resources: {} }, ttlMs: 0, cacheScope: "private" }),
    "tools/list": () => complete({ tools: ["say", "json", "stream", "needs"].map((name) => ({ name, inputSchema: { type: "object" } })), ttlMs: 0, cacheScope: "private" }),
    "resources/list": () => complete({ resources: [{ uri: "test://asks", name: "asks" }], ttlMs: 0, cacheScope: "private" }),
    "resources/templates/list": () => complete({ resourceTemplates: [], ttlMs: 0, cacheScope: "private" }),
    "resources/read": () =>
      params.inputResponses === undefined
        ? { jsonrpc: "2.0", id, result: { resultType: "input_required", inputRequests: { who: { method: "elicitation/create", params: { message: "Who?", requestedSchema: { type: "object", properties: {} } } } }, requestState: "s" } }
        : complete({ contents: [{ uri: "test://asks", text: "for you alone" }], ttlMs: 60_000, cacheScope: "public" }),
    "tools/call": () => complete({ content: [{ type: "text", text: params.name === "say" ? "said" : "x".repeat(blobBytes) }] }),
  };
  if (params?.name === "needs") return Response.json({ jsonrpc: "2.0", id, error: { code: -32021, message: "no model", data: { requiredCapabilities: { sampling: {} } } } }, { status: 400 });
  const text = JSON.stringify(results[method]?.() ?? { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } });
  if (params?.name !== "stream") return new Response(text, { headers: { "content-type": "application/json" } });
  return new Response(`event: message\ndata: ${text}\n\n`, { headers: { "content-type": "text/event-stream" } });
}

let program: Program;
let peer: Peer;
beforeAll(async () => {
  peer = createPeer(answerOf);
  const raw = { command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), "legacy"] };
  program = await startProgram({ config: { mcpServers: { peer: { type: "http", url: peer.url }, raw } } });
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
});

const at = (server: string): Endpoint => ({ url: `${program.origin}/mcp/${server}`, token: program.token });
const call = (server: string, name: string, args = "{}") => sendModern(at(server), { method: "tools/call", name, params: `"name":"${name}","arguments":${args}` });

// Checklist: N8
test("header names are taken in any case", async () => {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${envelope()}}}`;
  for (const change of [(name: string) => name.toLowerCase(), (name: string) => name.toUpperCase()]) {
    const headers = { Host: new URL(program.origin).host, Authorization: `Bearer ${program.token}`, "Content-Type": "application/json", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list", "Content-Length": String(body.length), Connection: "close" };
    const lines = Object.entries(headers).map(([name, value]) => `${change(name)}: ${value}\r\n`);
    await using connection = await rawConnection(program.origin);
    connection.write(`POST /mcp HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
    expect(await connection.closed()).toStartWith("HTTP/1.1 200");
  }
});

// Checklist: N13
test("a header for an argument that no tool declares goes to the server as it came", async () => {
  const { status } = await sendModern(at("peer"), { method: "tools/call", name: "say", params: '"name":"say","arguments":{}', headers: { "Mcp-Param-Foo": "bar=?" } });
  expect([status, peer.seen.at(-1)?.headers.get("mcp-param-foo")]).toEqual([200, "bar=?"]);
});

// Checklist: N22
test("an unknown tool, prompt, cursor or reference is a wrong parameter of a request that was understood", async () => {
  const everywhere: Endpoint = { url: `${program.origin}/mcp`, token: program.token };
  const requests: { method: string; name?: string; params: string }[] = [
    { method: "tools/call", name: "peer__none", params: '"name":"peer__none","arguments":{}' },
    { method: "tools/call", name: "nobody__say", params: '"name":"nobody__say","arguments":{}' },
    { method: "prompts/get", name: "raw__none", params: '"name":"raw__none"' },
    ...["tools/list", "prompts/list", "resources/list", "resources/templates/list"].map((method) => ({ method, params: '"cursor":"nobody\'s"' })),
    { method: "completion/complete", params: '"ref":{"type":"ref/prompt","name":"raw__none"},"argument":{"name":"a","value":"b"}' },
    { method: "completion/complete", params: '"ref":{"type":"ref/resource","uri":"none://{a}"},"argument":{"name":"a","value":"b"}' },
  ];
  const answers = await Promise.all(requests.map((request) => sendModern(everywhere, request)));
  expect(answers.map(({ status, text }) => [status, (JSON.parse(text) as Json).error?.code])).toEqual(requests.map(() => [200, -32602]));
  expect(peer.seen.filter(({ body }) => body.includes("none") || body.includes("nobody"))).toEqual([]);
});

// Checklist: N31
test("a capability that a server misses in a client is named with a status, before any stream", async () => {
  const { status, headers, text } = await call("peer", "needs");
  expect([status, headers.get("content-type"), (JSON.parse(text) as Json).error]).toEqual([400, "application/json", expect.objectContaining({ code: -32021, data: expect.objectContaining({ requiredCapabilities: { sampling: {} } }) })]);
});

// Checklist: S12
test("the client's token reaches no server, in no header and no body, from either era", async () => {
  await call("peer", "say");
  await (await openSession(at("peer"))).send('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"say","arguments":{}}}');
  const sent = peer.seen.map(({ path, headers, body }) => `${path}\n${JSON.stringify([...headers])}\n${body}`);
  expect(sent.filter((text) => text.includes('"tools/call"')).length).toBeGreaterThanOrEqual(2);
  expect(sent.filter((text) => text.includes(program.token ?? "") || /authorization/iu.test(text))).toEqual([]);
});

// Checklist: N21
test("what was read after a question is read anew the next time", async () => {
  const uri = '"uri":"test://asks"';
  const meta = envelope().replace('clientCapabilities":{}', 'clientCapabilities":{"elicitation":{}}');
  const ask = async (params: string): Promise<Json> => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{${params},${meta}}}`;
    const { messages } = await send(at("peer"), body, { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "resources/read", "Mcp-Name": "test://asks" });
    return JSON.parse(messages.at(-1) ?? "");
  };
  const asked = await ask(uri);
  expect(asked.result.resultType).toBe("input_required");
  const responses = Object.fromEntries(Object.keys(asked.result.inputRequests).map((key) => [key, { action: "accept", content: {} }]));
  const read = await ask(`${uri},"inputResponses":${JSON.stringify(responses)},"requestState":${JSON.stringify(asked.result.requestState)}`);
  expect(read.result.contents[0].text).toBe("for you alone");
  expect((await ask(uri)).result.resultType).toBe("input_required");
});

describe("a blob of 50 MB", () => {
  // Checklist: G11
  test.each([
    ["as JSON", "peer", "json", "{}"],
    ["in a stream", "peer", "stream", "{}"],
    ["from a process", "raw", "big", `{"bytes":${blobBytes}}`],
  ])("%s goes through, and another call is not delayed by it", async (_, server, name, args) => {
    const blob = call(server, name, args);
    const other = await call("peer", "say");
    expect(other.messages.at(-1)).toContain("said");
    const { status, text } = await blob;
    expect(status).toBe(200);
    expect(text.length).toBeGreaterThan(blobBytes);
  });
});
