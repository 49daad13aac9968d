/** Who shares a process with whom, seen by the servers' own process ids and what they were told of their client. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { gone } from "../fixtures/alive.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { type Endpoint, openListen, send, sendModern } from "../fixtures/rpc.ts";

let program: Program;
const backend = (era: string, isolation: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), era], isolation });
/** It asks for roots directly after its handshake. */
const early = (isolation: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), "legacy", "early"], isolation });
const everything = '{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{},"context":{}},"roots":{}}';

beforeAll(async () => {
  program = await startProgram({
    config: { mcpServers: { shared: backend("legacy", "shared"), principal: backend("legacy", "principal"), session: backend("legacy", "session"), early: early("session"), modern: backend("modern", "principal") } },
  });
});
afterAll(() => program[Symbol.asyncDispose]());

const endpoint = (): Endpoint => ({ url: `${program.origin}/mcp`, token: program.token });
const textOf = (message: string | undefined): string => (JSON.parse(message ?? "") as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "";

/** One client's tool calls by the tool's public name. */
interface Caller {
  tool(name: string): Promise<string>;
}

/** A client with a session that declares these capabilities. */
async function openSession(capabilities: string): Promise<Caller & { names(): Promise<string[]>; listen(): ReturnType<typeof openListen>; say(message: string): Promise<unknown>; end(): Promise<void> }> {
  const version = "2025-11-25";
  const opened = await send(endpoint(), `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${version}","capabilities":${capabilities},"clientInfo":{"name":"raw","version":"1"}}}`, {});
  const headers = { "Mcp-Session-Id": opened.headers.get("mcp-session-id") ?? "", "MCP-Protocol-Version": version };
  await send(endpoint(), '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers);
  return {
    tool: async (name) => textOf((await send(endpoint(), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}"}}`, headers)).messages.at(-1)),
    names: async () => (JSON.parse((await send(endpoint(), '{"jsonrpc":"2.0","id":2,"method":"tools/list"}', headers)).messages.at(-1) ?? "") as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name),
    listen: () => openListen(endpoint(), headers),
    say: (message) => send(endpoint(), message, headers),
    end: async () => void (await fetch(endpoint().url, { method: "DELETE", headers: { ...headers, Authorization: `Bearer ${program.token}` } })),
  };
}

/** A client without one; `capabilities` are the members alone. */
const stateless = (capabilities: string): Caller => ({
  tool: async (name) => textOf((await sendModern(endpoint(), { method: "tools/call", name, params: `"name":"${name}"`, capabilities })).messages.at(-1)),
});

test("a shared server is one process for all clients, told of everything that can be relayed", async () => {
  const clients = [await openSession("{}"), await openSession('{"roots":{}}'), stateless(""), stateless('"sampling":{}')];
  const pids = await Promise.all(clients.map((client) => client.tool("shared__pid")));
  expect(new Set(pids).size).toBe(1);
  expect(JSON.parse(await stateless("").tool("shared__told"))).toEqual(JSON.parse(everything));
});

test("a principal has one process for each set of capabilities, whichever era its clients are of, told of exactly these", async () => {
  const plain = [await openSession("{}"), await openSession("{}"), stateless("")];
  const asked = [await openSession('{"elicitation":{}}'), stateless('"elicitation":{"form":{}}')];
  const [plainPids, askedPids] = [await Promise.all(plain.map((client) => client.tool("principal__pid"))), await Promise.all(asked.map((client) => client.tool("principal__pid")))];
  expect([new Set(plainPids).size, new Set(askedPids).size, new Set([...plainPids, ...askedPids]).size]).toEqual([1, 1, 2]);
  expect(await Promise.all([plain[0], plain[2], asked[0], asked[1]].map((client) => client?.tool("principal__told")))).toEqual(["{}", "{}", '{"elicitation":{}}', '{"elicitation":{}}']);
});

test("each session has a process of its own, told of its client alone, which ends with the session; clients without one share their principal's", async () => {
  const [one, two] = [await openSession('{"roots":{"listChanged":true}}'), await openSession("{}")];
  const pids = [await one.tool("session__pid"), await two.tool("session__pid"), await stateless("").tool("session__pid")];
  expect(new Set(pids).size).toBe(3);
  expect([await one.tool("session__pid"), await two.tool("session__pid"), await stateless("").tool("session__pid")]).toEqual(pids);
  expect([await one.tool("session__told"), await two.tool("session__told")]).toEqual(['{"roots":{"listChanged":true}}', "{}"]);
  await one.end();
  await gone(Number(pids[0]));
  expect(await two.tool("session__pid")).toBe(pids[1] ?? "");
});

test("a question that no call caused goes to the session whose alone the process is, on the stream that it reads beside its calls", async () => {
  const one = await openSession('{"roots":{}}');
  const beside = await one.listen();
  await one.tool("early__pid");
  const question = JSON.parse(await beside.next()) as { id: number; method: string };
  expect(question.method).toBe("roots/list");
  await one.say(`{"jsonrpc":"2.0","id":${question.id},"result":{"roots":[{"uri":"file:///mine"}]}}`);
  expect(await one.tool("early__early")).toBe('{"roots":[{"uri":"file:///mine"}]}');
  const deaf = await openSession('{"roots":{}}');
  expect(await deaf.tool("early__early")).toBe('{"roots":[]}');
  await beside[Symbol.asyncDispose]();
});

test("that the roots have changed is told to the processes that are the session's alone, and to those alone", async () => {
  const one = await openSession('{"roots":{"listChanged":true}}');
  const silent = await openSession('{"roots":{}}');
  for (const name of ["shared", "principal", "session"]) for (const client of [one, silent]) expect(await client.tool(`${name}__roots_changed`)).toBe("0");
  for (const client of [one, silent]) await client.say('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}');
  const told: Record<string, string[]> = {};
  for (const [who, client] of Object.entries({ one, silent })) for (const name of ["shared", "principal", "session"]) (told[who] ??= []).push(await client.tool(`${name}__roots_changed`));
  expect([told["one"], told["silent"]]).toEqual([["0", "0", "1"], ["0", "0", "0"]]);
  expect(await one.tool("principal__told")).toBe('{"roots":{}}');
  await one.end();
  await silent.end();
});

test("a newer server hears of each client with each request, so one process serves all clients of a principal", async () => {
  const clients = [await openSession('{"roots":{}}'), await openSession("{}"), stateless(""), stateless('"sampling":{}')];
  const pids = await Promise.all(clients.map((client) => client.tool("modern__pid")));
  expect(new Set(pids).size).toBe(1);
});

for (const isolation of ["principal", "session"])
  test(`under "${isolation}" a client that gets more tools of its own process hears of them, sees and calls them; another one does not`, async () => {
    const mine = await openSession(isolation === "principal" ? '{"sampling":{"context":{}}}' : "{}");
    const other = await openSession("{}");
    await using heard = await mine.listen();
    await other.tool(`${isolation}__pid`);
    const pid = await mine.tool(`${isolation}__pid`);
    const named = await mine.names();
    await mine.tool(`${isolation}__add_tool`);
    expect(JSON.parse(await heard.next())).toMatchObject({ method: "notifications/tools/list_changed" });
    const own = (await mine.names()).filter((name) => !named.includes(name));
    expect(own).toEqual([`${isolation}__extra`]);
    expect([await mine.tool(`${isolation}__pid`), await other.names()]).toEqual([pid, named]);
    await mine.end();
    await other.end();
  });
