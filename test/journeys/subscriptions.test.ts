/** Subscriptions to single resources, end to end: official clients of both eras, servers of both eras, the real program between. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { type AnyClient, connectSse, connectV1, connectV2 } from "../fixtures/clients.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { envelope, sendModern } from "../fixtures/rpc.ts";

let program: Program;
const board = (era: "modern" | "legacy", scheme: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "noticeboard.ts"), era, scheme] });
const servers = { old: board("legacy", "old"), new: board("modern", "new") };
const everything = { command: "node", args: [join(projectDir, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")] };

beforeAll(async () => {
  program = await startProgram({ config: { mcpServers: { ...servers, everything } } });
});
afterAll(() => program[Symbol.asyncDispose]());

interface News {
  readonly uri: string;
  /** The number that the server gave it; null for what was not said by the server. */
  readonly turn: number | null;
}

/** A client that follows resources by whatever its revision has for that, and what it has heard. */
interface Follower extends AsyncDisposable {
  readonly heard: News[];
  /** Follows these; gives how to stop. */
  follow(...uris: string[]): Promise<() => Promise<void>>;
  /** Resolves when something was heard that fits. */
  until(fits: (news: News) => boolean): Promise<void>;
}

interface Sdk {
  setNotificationHandler(what: unknown, handler: (notification: { params: { uri: string; _meta?: Record<string, number> } }) => void): void;
  subscribeResource(params: { uri: string }): Promise<unknown>;
  unsubscribeResource(params: { uri: string }): Promise<unknown>;
  listen(filter: { resourceSubscriptions: string[] }): Promise<{ honoredFilter: unknown; close(): Promise<void> }>;
}

async function followerOf(client: AnyClient): Promise<Follower> {
  const sdk = client as unknown as Sdk;
  const heard: News[] = [];
  let wake: () => void = () => undefined;
  sdk.setNotificationHandler(client.label.startsWith("v2") ? "notifications/resources/updated" : ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push({ uri: params.uri, turn: params._meta?.["x.example/turn"] ?? null });
    wake();
  });
  return {
    heard,
    async follow(...uris) {
      if (client.label === "v2 modern") {
        const listening = await sdk.listen({ resourceSubscriptions: uris });
        expect(listening.honoredFilter).toEqual({ resourceSubscriptions: uris });
        return () => listening.close();
      }
      for (const uri of uris) await sdk.subscribeResource({ uri });
      return async () => {
        for (const uri of uris) await sdk.unsubscribeResource({ uri });
      };
    },
    async until(fits) {
      while (!heard.some(fits)) await new Promise<void>((resolve) => (wake = resolve));
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

const clients: readonly (readonly [string, () => Promise<AnyClient>])[] = [
  ["a 2025-11-25 client (v1 SDK)", () => connectV1(`${program.origin}/mcp`, program.token)],
  ["a 2025-11-25 client (v2 SDK)", () => connectV2(`${program.origin}/mcp`, program.token, "legacy")],
  ["a 2026-07-28 client (v2 SDK)", () => connectV2(`${program.origin}/mcp`, program.token, "modern")],
  ["an HTTP+SSE client (v1 SDK)", () => connectSse(`${program.origin}/sse`, program.token)],
];

async function tool(server: string, name: string, args = "{}", from = program): Promise<string> {
  const sent = await sendModern({ url: `${from.origin}/mcp`, token: from.token }, { method: "tools/call", name: `${server}__${name}`, params: `"name":"${server}__${name}","arguments":${args}` });
  return (JSON.parse(sent.messages.at(-1) ?? "") as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "";
}
const wanted = async (server: string, from = program): Promise<string[]> => JSON.parse(await tool(server, "wanted", "{}", from)) as string[];

let turns = 0;
/** Changes a resource; gives the number that the news of it bears. */
async function touch(server: string, uri: string): Promise<number> {
  turns += 1;
  const turn = turns;
  await tool(server, "touch", `{"uri":"${uri}","turn":${turn}}`);
  return turn;
}

/** Changes a resource until the follower hears of it: a client's standing stream opens a moment after its handshake. */
async function touchUntilHeard(follower: Follower, server: string, uri: string): Promise<void> {
  let isHeard = false;
  const heard = follower.until((news) => news.uri === uri && news.turn !== null).then(() => (isHeard = true));
  while (!isHeard) await touch(server, uri);
  await heard;
}

async function untilWanted(server: string, uris: readonly string[], from = program): Promise<void> {
  while (JSON.stringify((await wanted(server, from)).toSorted()) !== JSON.stringify(uris)) await Promise.resolve();
}

for (const server of ["old", "new"] as const)
  for (const [label, connect] of clients)
    test(`${label} follows a resource of the ${server} server, hears what it says, and stops`, async () => {
      const [one, two] = [`${server}://1`, `${server}://2`];
      await using follower = await followerOf(await connect());
      const stop = await follower.follow(one);
      expect(await wanted(server)).toEqual([one]);
      await touchUntilHeard(follower, server, one);
      await stop();
      await untilWanted(server, []);
      const late = await touch(server, one);
      const stopTwo = await follower.follow(two);
      await touchUntilHeard(follower, server, two);
      await stopTwo();
      await untilWanted(server, []);
      expect(follower.heard.map(({ turn }) => turn)).not.toContain(late);
      expect(new Set(follower.heard.map(({ uri }) => uri))).toEqual(new Set([one, two]));
    }, 20_000);

for (const server of ["old", "new"] as const)
  test(`many clients of both eras cost the ${server} server one subscription, and the last of them ends it`, async () => {
    const uri = `${server}://1`;
    const followers = await Promise.all(clients.map(async ([, connect]) => followerOf(await connect())));
    const stops: (() => Promise<void>)[] = [];
    for (const follower of followers) stops.push(await follower.follow(uri));
    expect(await wanted(server)).toEqual([uri]);
    for (const follower of followers) await touchUntilHeard(follower, server, uri);
    const last = stops.pop();
    for (const stop of stops) await stop();
    expect(await wanted(server)).toEqual([uri]);
    await last?.();
    await untilWanted(server, []);
    for (const follower of followers) await follower[Symbol.asyncDispose]();
  }, 20_000);

for (const server of ["old", "new"] as const)
  test(`what is followed at the ${server} server is followed again after its crash, and may have changed`, async () => {
    await using own = await startProgram({ config: { mcpServers: { [server]: servers[server] } } });
    const uri = `${server}://1`;
    const url = `${own.origin}/mcp`;
    await using modern = await followerOf(await connectV2(url, own.token, "modern"));
    await using legacy = await followerOf(await connectSse(`${own.origin}/sse`, own.token));
    await modern.follow(uri);
    await legacy.follow(uri);
    await tool(server, "crash", "{}", own).catch(() => "gone");
    // Our own guess says nothing but the resource.
    await Promise.all([modern, legacy].map((follower) => follower.until((news) => news.uri === uri && news.turn === null)));
    await untilWanted(server, [uri], own);
    turns += 1;
    await tool(server, "touch", `{"uri":"${uri}","turn":${turns}}`, own);
    await Promise.all([modern, legacy].map((follower) => follower.until(({ turn }) => turn === turns)));
  }, 20_000);

test("a configuration that leaves a server as it is leaves its subscriptions as they are", async () => {
  await using own = await startProgram({ config: { mcpServers: { old: servers.old } } });
  await using follower = await followerOf(await connectV2(`${own.origin}/mcp`, own.token, "modern"));
  await follower.follow("old://1");
  await own.writeConfig({ mcpServers: { old: servers.old, new: servers.new } });
  await own.said('"added":"new"');
  expect(await wanted("old", own)).toEqual(["old://1"]);
  turns += 1;
  await tool("old", "touch", `{"uri":"old://1","turn":${turns}}`, own);
  await follower.until(({ turn }) => turn === turns);
  expect(follower.heard).toHaveLength(1);
}, 20_000);

test("a server that refuses is heard in its own words, through every way of the older era", async () => {
  const refused = (client: AnyClient): Promise<unknown> => (client as unknown as Sdk).subscribeResource({ uri: "old://closed" }).catch(({ code, data }: { code: number; data: unknown }) => ({ code, data }));
  await using alone = await connectV1(`${program.origin}/mcp/old`, program.token);
  await using v2 = await connectV2(`${program.origin}/mcp/old`, program.token, "legacy");
  expect(await Promise.all([alone, v2].map(refused))).toEqual([{ code: -32602, data: { why: 1.1 } }, { code: -32602, data: { why: 1.1 } }]);
});

describe("the real server that has subscriptions", () => {
  for (const [label, connect] of clients)
    test(`tells ${label} of what it follows`, async () => {
      const uri = "demo://resource/dynamic/text/1";
      await using follower = await followerOf(await connect());
      await follower.follow(uri);
      let isHeard = false;
      const heard = follower.until((news) => news.uri === uri).then(() => (isHeard = true));
      // It tells of every resource at once when it is switched on; twice is off and on again.
      while (!isHeard) await tool("everything", "toggle-subscriber-updates");
      await heard;
    }, 20_000);
});

test("a server by the v2 SDK over HTTP tells 2025 and 2026 clients, each resource by one standing request", async () => {
  const handler = createMcpHandler(
    () => {
      const mcp = new McpServer({ name: "sdk", version: "1" }, { capabilities: { resources: { subscribe: true } } });
      for (const uri of ["sdk://1", "sdk://2"]) mcp.registerResource(uri, uri, {}, () => ({ contents: [{ uri, text: "x" }] }));
      return mcp;
    },
    { legacy: "reject" },
  );
  const peer = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: (request) => handler.fetch(request) });
  try {
    await using own = await startProgram({ config: { mcpServers: { sdk: { type: "http", url: `http://127.0.0.1:${peer.port}/mcp` } } } });
    await using modern = await followerOf(await connectV2(`${own.origin}/mcp`, own.token, "modern"));
    await using legacy = await followerOf(await connectSse(`${own.origin}/sse`, own.token));
    await modern.follow("sdk://1");
    await legacy.follow("sdk://2");
    handler.notify.resourceUpdated("sdk://1");
    handler.notify.resourceUpdated("sdk://2");
    await modern.until(({ uri }) => uri === "sdk://1");
    await legacy.until(({ uri }) => uri === "sdk://2");
    expect([modern.heard.length, legacy.heard.length]).toEqual([1, 1]);
  } finally {
    await peer.stop(true);
  }
}, 20_000);

describe("on the wire", () => {
  const open = async (from: Program, id: string, filter: string, capabilities = ""): Promise<AsyncGenerator<Record<string, unknown>>> => {
    const response = await fetch(`${from.origin}/mcp`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream", Authorization: `Bearer ${from.token}`, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen" },
      body: `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{"notifications":${filter},${envelope("", capabilities)}}}`,
    });
    if (response.body === null) throw new Error("no stream");
    return eventsOf(response.body);
  };
  const next = async (events: AsyncGenerator<Record<string, unknown>>): Promise<Record<string, unknown> | null> => {
    const { value, done } = await events.next();
    return done === true ? null : value;
  };
  const subscription = "io.modelcontextprotocol/subscriptionId";

  test("one that somebody has and one that nobody has: only the first is acknowledged", async () => {
    const events = await open(program, '"mixed"', '{"resourceSubscriptions":["old://1","nobody://1"]}');
    expect(await next(events)).toEqual({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params: { notifications: { resourceSubscriptions: ["old://1"] }, _meta: { [subscription]: "mixed" } } });
    await events.return(undefined);
  });

  for (const server of ["old", "new"] as const)
    test(`clients of different abilities hear of each change at the ${server} server once, also after its crash, and it is given back by each`, async () => {
      await using own = await startProgram({ config: { mcpServers: { [server]: servers[server] } } });
      const uri = `${server}://1`;
      await tool(server, "wanted", "{}", own);
      const abilities = ["", '"sampling":{}', '"sampling":{}', '"roots":{}'];
      const all = await Promise.all(abilities.map((capabilities, index) => open(own, `${index}`, `{"resourceSubscriptions":["${uri}"]}`, capabilities)));
      const turnsOf = async (): Promise<unknown[]> => (await Promise.all(all.map(next))).map((message) => (message as { params: { _meta?: Record<string, unknown> } } | null)?.params._meta?.["x.example/turn"] ?? null);
      for (const events of all) await next(events);
      const each = server === "old" ? [uri] : [uri, uri, uri];
      expect(await wanted(server, own)).toEqual(each);
      for (const turn of [101, 102]) await tool(server, "touch", `{"uri":"${uri}","turn":${turn}}`, own);
      expect([await turnsOf(), await turnsOf()]).toEqual([[101, 101, 101, 101], [102, 102, 102, 102]]);
      await tool(server, "crash", "{}", own).catch(() => "gone");
      expect(await turnsOf()).toEqual([null, null, null, null]);
      await untilWanted(server, each, own);
      await tool(server, "touch", `{"uri":"${uri}","turn":103}`, own);
      expect(await turnsOf()).toEqual([103, 103, 103, 103]);
      await all[3]?.return(undefined);
      await untilWanted(server, each.slice(0, server === "old" ? 1 : 2), own);
      for (const events of all) await events.return(undefined);
      await untilWanted(server, [], own);
    }, 20_000);

  test("two with ids that differ in type alone are told each under its own, and both get their result at the end", async () => {
    await using own = await startProgram({ config: { mcpServers: { old: servers.old } } });
    // From here on the server is there, and its lists do not change by themselves.
    await tool("old", "touch", '{"uri":"old://2","turn":0}', own);
    const all = await Promise.all(['"1"', "1"].map((id) => open(own, id, '{"resourceSubscriptions":["old://1"],"toolsListChanged":true}')));
    for (const events of all) await next(events);
    await tool("old", "touch", '{"uri":"old://1","turn":0}', own);
    const news = await Promise.all(all.map(next));
    expect(news.map((message) => message?.["params"])).toEqual(["1", 1].map((id) => ({ uri: "old://1", _meta: { "x.example/turn": 0, [subscription]: id } })));
    own.signal("SIGTERM");
    const farewells = await Promise.all(all.map(next));
    expect(farewells).toMatchObject([{ id: "1", result: { resultType: "complete", _meta: { [subscription]: "1" } } }, { id: 1, result: { resultType: "complete", _meta: { [subscription]: 1 } } }]);
    expect(await Promise.all(all.map(next))).toEqual([null, null]);
  }, 20_000);
});

/** The JSON of each event of a stream. */
async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Record<string, unknown>, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) if (block.startsWith("data:")) yield JSON.parse(block.slice(5)) as Record<string, unknown>;
  }
}
