/**
 * Two people with tokens of their own before one proxy, over real sockets: each with clients of both eras and of
 * different capabilities, on a server that keeps what it is told. Nobody sees the state or the notices of another.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createPool } from "../../src/backend/index.ts";
import { createEgress, createKnownSecrets, defaultLimits, nullLog, systemClock } from "../../src/base/index.ts";
import { createEras, type Eras } from "../../src/era/index.ts";
import { createHub } from "../../src/hub/index.ts";
import { configIn } from "../fixtures/config.ts";
import { createFolder } from "../fixtures/folder.ts";
import { namedKeeper } from "../fixtures/doorkeeper.ts";
import { openFront } from "../fixtures/front.ts";
import { configOf } from "../fixtures/pool.ts";
import { projectDir } from "../fixtures/program.ts";
import { type Endpoint, openListen, send, sendModern } from "../fixtures/rpc.ts";

const identity = { name: "1mcp", version: "0" };
const egress = createEgress({ limits: defaultLimits, env: {}, admits: () => true });

/** The rooms of the program, and its front on a socket, where a token is who one is and what one may see. */
async function openRooms(mcpServers: object, scopes: Readonly<Record<string, readonly string[] | null>>) {
  const folder = await createFolder();
  const parts = { clock: systemClock, limits: defaultLimits, log: nullLog };
  let eras: Eras | null = null;
  const hub = createHub({
    createPool: (events) => createPool({ ...parts, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, watchdogArgv: null, egress, connect: (wire, options) => (eras as Eras).connect(wire, options) }, events),
    ...parts,
    identity,
    cursorKey: new Uint8Array(32),
    empty: configOf(),
  });
  eras = createEras({ ...parts, serve: hub, identity, sealKey: crypto.getRandomValues(new Uint8Array(32)) });
  await hub.propose(configIn({ mcpServers }));
  const front = await openFront({ eras, auth: namedKeeper(scopes) });
  return {
    at: (token: string): Endpoint => ({ url: `${front.origin}/mcp`, token }),
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await eras.close();
      await hub.close(0);
      await folder[Symbol.asyncDispose]();
    },
  };
}

const program = (name: string, ...args: string[]): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", name), ...args] });

/** A client that keeps everything that it ever got. */
interface Client {
  readonly name: string;
  /** All that it heard, as it was on the wire. */
  heard(): string;
  call(method: string, params: string, name: string): Promise<string>;
}

async function legacyClient(at: Endpoint, name: string, capabilities: string): Promise<Client & { listen(): Promise<AsyncDisposable> }> {
  let heard = "";
  const version = "2025-11-25";
  const opened = await send(at, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${version}","capabilities":${capabilities},"clientInfo":{"name":"raw","version":"1"}}}`, {});
  const headers = { "Mcp-Session-Id": opened.headers.get("mcp-session-id") ?? "", "MCP-Protocol-Version": version };
  await send(at, '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers);
  await send(at, '{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}', headers);
  return {
    name,
    heard: () => heard,
    async call(method, params) {
      const { text } = await send(at, `{"jsonrpc":"2.0","id":2,"method":"${method}","params":{${params}}}`, headers);
      heard += text;
      return text;
    },
    async listen() {
      const beside = await openListen(at, headers);
      void (async () => {
        for (;;) heard += await beside.next();
      })().catch(() => undefined);
      return beside;
    },
  };
}

function modernClient(at: Endpoint, name: string, capabilities: string): Client {
  let heard = "";
  return {
    name,
    heard: () => heard,
    async call(method, params, target) {
      const { text } = await sendModern(at, { method, params, capabilities, meta: ',"io.modelcontextprotocol/logLevel":"debug"', ...(target === "" ? {} : { name: target }) });
      heard += text;
      return text;
    },
  };
}

describe("on a server that keeps what it is told", () => {
  // Who has one state with whom: by principal and capabilities, or by session where there is one.
  const groups: Readonly<Record<string, readonly string[]>> = {
    principal: ["ann", "ann", "ann roots", "ann", "ann roots", "bob", "bob", "bob roots"],
    session: ["1", "2", "3", "ann", "ann roots", "4", "bob", "bob roots"],
  };

  for (const [isolation, group] of Object.entries(groups)) {
    test(`under "${isolation}" nobody sees what another wrote, nor any notice of it`, async () => {
      await using rooms = await openRooms({ diary: { ...program("diary.ts"), isolation } }, {});
      const [ann, bob] = [rooms.at("ann"), rooms.at("bob")];
      const sessions = [await legacyClient(ann, "0", "{}"), await legacyClient(ann, "1", "{}"), await legacyClient(ann, "2", '{"roots":{}}'), await legacyClient(bob, "5", "{}")];
      const streams = await Promise.all(sessions.map((session) => session.listen()));
      const clients: Client[] = [...sessions.slice(0, 3), modernClient(ann, "3", ""), modernClient(ann, "4", '"roots":{}'), ...sessions.slice(3), modernClient(bob, "6", ""), modernClient(bob, "7", '"roots":{}')];
      for (const session of sessions) expect(await session.call("resources/subscribe", '"uri":"diary://all"', "")).toContain('"result":{}');
      const tool = (client: Client, name: string, more = ""): Promise<string> => client.call("tools/call", `"name":"diary__${name}"${more}`, `diary__${name}`);
      await Promise.all(clients.map((client) => tool(client, "write", `,"arguments":{"text":"secret-${client.name}-"}`)));
      for (const client of clients) {
        await client.call("resources/list", "", "");
        await client.call("resources/templates/list", "", "");
        await tool(client, "read");
      }
      for (const [index, client] of clients.entries()) {
        const seen = [...new Set(client.heard().match(/secret-\d-/g))].sort();
        const own = clients.filter((_, other) => group[other] === group[index]).map(({ name }) => `secret-${name}-`);
        expect([client.name, ...seen]).toEqual([client.name, ...own]);
      }
      for (const stream of streams) await stream[Symbol.asyncDispose]();
    });
  }
});

const numberless = (answer: string): string => answer.replace(/"callId":"[\w-]+"/u, '"callId":"?"');

test("a server that one may not see leaves no trace: what names it is answered as what names nobody is", async () => {
  await using rooms = await openRooms({ hidden: { ...program("owningServer.ts", "hidden"), hidden: true }, shown: program("owningServer.ts", "shown") }, { bob: ["server:shown"] });
  const [ann, bob] = [modernClient(rooms.at("ann"), "ann", ""), modernClient(rooms.at("bob"), "bob", "")];
  const session = await legacyClient(rooms.at("bob"), "bob", "{}");
  const sees = await ann.call("tools/call", '"name":"hidden__links"', "hidden__links");
  expect(sees).toContain("hidden://hidden/linked");
  const asked: readonly (readonly [method: string, params: (server: string) => string, name: (server: string) => string])[] = [
    ["tools/call", (server) => `"name":"${server}__links"`, (server) => `${server}__links`],
    ["prompts/get", (server) => `"name":"${server}__links"`, (server) => `${server}__links`],
    ["resources/read", (server) => `"uri":"hidden://${server}/linked"`, (server) => `hidden://${server}/linked`],
    ["resources/read", (server) => `"uri":"x-1mcp://${server}/same%3A%2F%2Fone"`, (server) => `x-1mcp://${server}/same%3A%2F%2Fone`],
    ["resources/read", (server) => `"uri":"x-1mcp://${server}/-/doc://${server}-1"`, (server) => `x-1mcp://${server}/-/doc://${server}-1`],
    ["completion/complete", (server) => `"ref":{"type":"ref/resource","uri":"x-1mcp://${server}/-/doc://{id}"},"argument":{"name":"id","value":""}`, () => ""],
    ["completion/complete", (server) => `"ref":{"type":"ref/prompt","name":"${server}__links"},"argument":{"name":"id","value":""}`, () => ""],
    ["resources/subscribe", (server) => `"uri":"x-1mcp://${server}/same%3A%2F%2Fone"`, () => ""],
  ];
  for (const client of [bob, session]) {
    for (const [method, params, name] of asked) {
      const [hidden, nobody] = [await client.call(method, params("hidden"), name("hidden")), await client.call(method, params("nobody"), name("nobody"))];
      // The name alone may differ, where it was said by who asked; and each call has a number of its own.
      expect([method, numberless(hidden).replaceAll("hidden", "?")]).toEqual([method, numberless(nobody).replaceAll("hidden", "?").replaceAll("nobody", "?")]);
      expect(hidden).toContain('"error"');
    }
    for (const list of ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]) expect(await client.call(list, "", "")).not.toContain("hidden");
    expect(await client.call("tools/call", '"name":"shown__links"', "shown__links")).toContain("hidden://shown/linked");
    expect(await client.call("resources/read", '"uri":"same://one"', "same://one")).toContain("shown:same://one");
  }
});
