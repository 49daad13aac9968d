import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { createClient, startHere } from "../fixtures/cli.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { envelope } from "../fixtures/rpc.ts";

const env = (folder: Folder) => ({ HOME: folder.path, XDG_CONFIG_HOME: folder.at("config"), XDG_STATE_HOME: folder.at("state"), PATH: process.env["PATH"] ?? "" });
const ask = (id: number, method: string, params = ""): string => `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params}${envelope()}}}`;
const listTools = (id: number): string => ask(id, "tools/list");

test("a client is told that no server runs, served by the one that comes, and told again when it has gone", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  const client = createClient();
  const bridge = startHere(["proxy"], env(folder), { pipes: client.pipes });
  client.say(listTools(1));
  expect(await client.said('"id":1,')).toContain('"code":"SERVER_AWAY"');
  const server = startHere(["serve", "--port", "0", "--config", folder.at("mcp.json")], env(folder));
  await server.stderr.said("listens on");
  await bridge.stderr.said('"message":"ready"');
  client.say(listTools(2));
  expect(await client.said('"id":2,')).toContain('"tools":[]');
  server.signals.emit("SIGTERM");
  expect(await server.code).toBe(0);
  await bridge.stderr.said('"removed":"server"');
  client.say(listTools(3));
  expect(await client.said('"id":3,')).toContain('"code":"SERVER_AWAY"');
  client.leave();
  expect(await bridge.code).toBe(0);
  expect([bridge.stdout.text(), bridge.signals.eventNames()]).toEqual(["", []]);
});

test("a signal ends it like its client does", async () => {
  await using folder = await createFolder();
  const client = createClient();
  const bridge = startHere(["proxy", "--url", "http://127.0.0.1:1/mcp"], { ...env(folder), ONE_MCP_TOKEN: "given" }, { pipes: client.pipes });
  client.say(listTools(1));
  expect(await client.said('"id":1,')).toContain('"code":"SERVER_AWAY"');
  bridge.signals.emit("SIGHUP");
  bridge.signals.emit("SIGTERM");
  expect(await bridge.code).toBe(0);
});

test("what cannot be meant is refused", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("empty"), "\n", { mode: 0o600 });
  for (const [argv, reason] of [
    [["--start", "--url", "http://127.0.0.1:1/mcp"], "--start"],
    [["--token-file", folder.at("empty")], "holds no token"],
    [["--token-file", folder.at("missing")], "holds no token"],
    [["--project", folder.at("missing")], `--project: there is no folder ${folder.at("missing")}`],
    [["--project", folder.at("empty")], `--project: there is no folder ${folder.at("empty")}`],
  ] as const) {
    const here = startHere(["proxy", ...argv], env(folder), { pipes: createClient().pipes });
    expect({ code: await here.code, told: here.stderr.text().includes(reason) }).toEqual({ code: 2, told: true });
  }
});

test("a server that could not be started is told of, and the client is answered", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{");
  const client = createClient();
  const bridge = startHere(["proxy", "--start", "--config", folder.at("mcp.json")], env(folder), { pipes: client.pipes });
  client.say(listTools(1));
  expect(await client.said('"id":1,')).toContain('"code":"SERVER_AWAY"');
  expect(bridge.stderr.text()).toContain("it ended with 78");
  client.leave();
  expect(await bridge.code).toBe(0);
});

test("an announcement that others can write is not followed while it is so", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  const client = createClient();
  const bridge = startHere(["proxy"], env(folder), { pipes: client.pipes });
  client.say(listTools(1));
  await client.said('"id":1,');
  await mkdir(folder.at("state", "1mcp"), { recursive: true, mode: 0o700 });
  await writeFile(folder.at("state", "1mcp", "server.json"), "{}", { mode: 0o666 });
  await bridge.stderr.said("the state folder can be read or written by others");
  const server = startHere(["serve", "--port", "0", "--config", folder.at("mcp.json")], env(folder));
  await bridge.stderr.said('"message":"ready"');
  client.leave();
  expect(await bridge.code).toBe(0);
  server.signals.emit("SIGTERM");
  expect(await server.code).toBe(0);
});

test("a project's file that cannot be meant is told before anything is bridged", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at(".1mcprc"), "{ command: 'rm' }");
  const here = startHere(["proxy", "--project", folder.path], env(folder), { pipes: createClient().pipes });
  expect(await here.code).toBe(78);
  expect(here.stderr.text()).toContain("“command” is not a known key");
});

test("a selection that a project's file gets wrong is told with that file, not as a flag that nobody typed", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at(".1mcprc"), "{ filter: 'web &&' }");
  const here = startHere(["proxy", "--project", folder.path], env(folder), { pipes: createClient().pipes });
  expect(await here.code).toBe(78);
  expect(here.stderr.text()).toContain(`${folder.at(".1mcprc")}: “filter”, character`);
  expect(here.stderr.text()).not.toContain("--filter");
});
