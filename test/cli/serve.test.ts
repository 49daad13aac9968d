import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import type { Clock } from "../../src/base/index.ts";
import { createClient, startHere } from "../fixtures/cli.ts";
import { processLives } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { envelope } from "../fixtures/rpc.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

const env = (folder: Folder) => ({ HOME: folder.path, XDG_CONFIG_HOME: folder.at("config"), XDG_STATE_HOME: folder.at("state"), PATH: process.env["PATH"] ?? "" });

async function served(folder: Folder, more: readonly string[] = [], clock: Clock | null = null) {
  const here = startHere(["serve", "--port", "0", ...more], env(folder), clock === null ? {} : { clock });
  await Promise.race([here.stderr.said("  token:"), here.code]);
  return here;
}

const urlIn = (text: string): string => /http:\/\/\S+/.exec(text)?.[0] ?? "none";

test("serve says where it listens, what it serves and where the token is, but never the token", async () => {
  await using folder = await createFolder();
  const here = await served(folder);
  const token = (await readFile(folder.at("state", "1mcp", "token"), "utf8")).trim();
  const text = here.stderr.text();
  expect(text).toMatch(/^1mcp \S+ listens on http:\/\/127\.0\.0\.1:\d+\/mcp$/m);
  expect(text).toContain(`  config: none at ${folder.at("config", "1mcp", "mcp.json")}; serving the demonstration server\n`);
  expect(text).toContain("  login:  a client with OAuth needs the address alone; `1mcp approve` decides about it\n");
  expect(text).toContain(`  token:  in ${folder.at("state", "1mcp", "token")}; send it as “Authorization: Bearer …”\n`);
  expect((await fetch(new URL("/health", urlIn(text)))).status).toBe(200);
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(0);
  expect(here.stdout.text()).toBe("");
  expect(token.length).toBeGreaterThan(20);
  expect(here.stderr.text()).not.toContain(token);
  expect(here.signals.eventNames()).toEqual([]);
});

test("without authentication it says so, and names the configuration file", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  const here = await served(folder, ["--insecure-no-auth", "--config", folder.at("mcp.json"), "--log-level", "error"]);
  expect(here.stderr.text()).toContain(`  config: ${folder.at("mcp.json")}\n  token:  none asked for: every program on this computer may call\n`);
  here.signals.emit("SIGINT");
  expect(await here.code).toBe(0);
});

test("what is odd about the configuration is told at the start and at each change", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  const text = (more: string) => `{ "serverDefaults": {\n "timeout": 5 }${more} }`;
  await writeFile(path, text(""));
  const here = await served(folder, ["--config", path]);
  expect(here.stderr.text()).toMatch(/"level":"warn","message":"configuration: “timeout” is deprecated".*"line":2,"column":13/);
  await writeFile(path, text(', "port": 9'));
  here.signals.emit("SIGHUP");
  await here.stderr.said("needs a restart");
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(0);
  expect(here.stderr.text().match(/is deprecated/g)).toHaveLength(2);
});

test("SIGHUP reads the configuration again, and a wrong one changes nothing", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  // With so long a quiet time only the signal can be what makes it look.
  await writeFile(path, '{"limits": {"reloadQuietMs": 600000}}');
  const here = await served(folder, ["--config", path]);
  await writeFile(path, '{"nonsense": 1}');
  here.signals.emit("SIGHUP");
  await here.stderr.said("nonsense");
  expect((await fetch(new URL("/health", urlIn(here.stderr.text())))).status).toBe(200);
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(0);
});

test("a configuration that is not valid is printed issue by issue, and the exit code is 78", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{\n"prot": 1, "pots": 2}');
  const here = await served(folder, ["--config", path]);
  expect(await here.code).toBe(78);
  expect(here.stderr.text()).toStartWith(`${path}:2:1: “prot” is not a known key (did you mean “port”?) [prot]\n${path}:2:12: “pots”`);
  expect(here.signals.eventNames()).toEqual([]);
});

test("a second signal ends it at once", async () => {
  await using folder = await createFolder();
  const clock = createTestClock();
  const here = await served(folder, ["--log-level", "error"], clock);
  here.signals.emit("SIGTERM");
  const advanced = clock.advance(250);
  here.signals.emit("SIGTERM");
  await advanced;
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(1);
  // A process would have ended by now; here what was closing goes on, and writes into the folder until it lets go of it.
  while (await Bun.file(folder.at("state", "1mcp", "owner.json")).exists()) await new Promise((resolve) => setImmediate(resolve));
});

test("one press of Ctrl-C is one signal, however many runners pass it on", async () => {
  await using folder = await createFolder();
  const here = await served(folder, ["--log-level", "error"], createTestClock());
  for (let times = 0; times < 3; times += 1) here.signals.emit("SIGINT");
  expect(await here.code).toBe(0);
  expect(here.stderr.text().match(/is shutting down/g)).toHaveLength(1);
});

test("a signal during the start closes what was started", async () => {
  await using folder = await createFolder();
  const here = startHere(["serve", "--port", "0"], env(folder));
  const isListening = () => here.signals.listenerCount("SIGTERM") > 0;
  while (!isListening()) await new Promise((resolve) => setImmediate(resolve));
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(0);
});

test("a promise nobody looked at is told of; an exception nobody caught ends it with its place", async () => {
  await using folder = await createFolder();
  const here = await served(folder);
  here.signals.emit("unhandledRejection", new Error("forgotten"));
  expect(here.stderr.text()).toContain("Error: forgotten");
  expect((await fetch(new URL("/health", urlIn(here.stderr.text())))).status).toBe(200);
  here.signals.emit("uncaughtException", new Error("a bug"));
  expect(await here.code).toBe(1);
  expect(here.stderr.text()).toContain("Error: a bug");
});

test("with --graceful-restart a signal starts a new process on the same port, and ends this one", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '{"mcpServers": {}, "limits": {"giveWayMs": 1}}');
  const here = await served(folder, ["--graceful-restart", "--log-level", "error", "--config", folder.at("mcp.json")]);
  const url = urlIn(here.stderr.text());
  here.signals.emit("SIGUSR2");
  expect(await here.code).toBe(0);
  const { pid, url: now } = JSON.parse(await readFile(folder.at("state", "1mcp", "server.json"), "utf8")) as { pid: number; url: string };
  expect(here.stderr.text()).toContain(`leaves to process ${pid} what comes from now on`);
  expect(now).toBe(url);
  expect((await fetch(new URL("/health", url))).status).toBe(200);
  process.kill(pid, "SIGTERM");
  const gone = (): boolean => !processLives(pid);
  while (!gone()) await new Promise((resolve) => setImmediate(resolve));
});

test("a service manager that cannot be told is no reason not to run", async () => {
  await using folder = await createFolder();
  const here = startHere(["serve", "--port", "0", "--log-level", "error"], { ...env(folder), NOTIFY_SOCKET: folder.at("nowhere") });
  await here.stderr.said("  token:");
  expect((await fetch(new URL("/health", urlIn(here.stderr.text())))).status).toBe(200);
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(0);
});

test("with --stdio it serves its one client, listens nowhere, and ends with it", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  const client = createClient();
  const here = startHere(["serve", "--stdio", "--config", folder.at("mcp.json")], env(folder), { pipes: client.pipes });
  client.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${envelope()}}}`);
  expect(await client.said('"id":1,')).toContain('"tools":[]');
  client.say('{"jsonrpc":"2.0","id":2,"method":"ping"}');
  expect(await client.said('"id":2,')).toContain('"result":{}');
  client.leave();
  expect(await here.code).toBe(0);
  expect(here.stderr.text()).toContain(`serves one client on stdin and stdout\n  config: ${folder.at("mcp.json")}\n`);
  expect([here.stdout.text(), here.stderr.text().includes("listens"), here.signals.eventNames()]).toEqual(["", false, []]);
});

test("with --trust-terminal away from a terminal it serves, and says that nobody is asked there", async () => {
  await using folder = await createFolder();
  const here = await served(folder, ["--trust-terminal"]);
  await here.stderr.said("nobody is asked here");
  here.signals.emit("SIGTERM");
  expect(await here.code).toBe(0);
});
