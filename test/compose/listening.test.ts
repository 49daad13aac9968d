/** A proxy that listens: its door, its owner, its operator. */
import { expect, test } from "bun:test";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { callPid, pidServer, placeOf } from "../fixtures/placed.ts";
import { sendModern } from "../fixtures/rpc.ts";

test("a proxy does not listen without a token where others can reach it", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await expect(place.start({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "LISTEN_UNSAFE" });
});

test("a proxy has its state folder to itself, while it lives, unless another one takes over", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const first = await place.start();
  await expect(place.start()).rejects.toMatchObject({ code: "STATE_OWNED", message: expect.stringContaining(`process ${process.pid}`) });
  const next = await place.start({ takeover: true });
  await first.close();
  await expect(place.start()).rejects.toMatchObject({ code: "STATE_OWNED" });
  const socket = join(place.stateDir, "operator.sock");
  expect((await fetch("http://operator/status", { unix: socket })).status).toBe(200);
  await next.close();
  await place.start();
});

test("a proxy that takes over has its servers up before it listens: nobody who comes waits for one", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const first = await place.start();
  const pid = await callPid(first.url);
  const next = await place.start({ takeover: true });
  expect(next.status().backends).toMatchObject([{ name: "raw", state: "ready" }]);
  expect(await callPid(next.url)).not.toBe(pid);
});

test("a proxy that cannot start leaves its state folder to others", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await expect(place.start({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "LISTEN_UNSAFE" });
  await place.start();
});

test("a proxy tells its operator how it is, and reloads for him, by names", async () => {
  await using place = await placeOf({ mcpServers: { kept: pidServer, gone: pidServer } });
  await place.start();
  const ask = async (path: string, method = "GET") => (await fetch(`http://operator${path}`, { method, unix: join(place.stateDir, "operator.sock") })).json();
  expect(await ask("/status")).toMatchObject({ phase: "running", servers: [{ name: "kept" }, { name: "gone" }] });
  expect(await ask("/reload", "POST")).toMatchObject({ result: "unchanged", change: { kept: ["kept", "gone"], added: [] } });
  await place.write({ port: 4000, mcpServers: { kept: pidServer, added: pidServer } });
  expect(await ask("/reload", "POST")).toEqual({ result: "changed", path: place.configPath, change: { added: ["added"], removed: ["gone"], changed: [], kept: ["kept"] }, issues: [], restart: ["port"], reason: null });
  await place.write('{ "mcpServers": { "x": 1 } }');
  for (let n = 0; n < 2; n += 1) expect(await ask("/reload", "POST")).toMatchObject({ result: "rejected", issues: [{ line: 1 }], change: { kept: ["kept", "added"] } });
  expect(await place.logged('"added":"added"')).toContain('"removed":"gone"');
});

test("a proxy that has no room for its operator's socket serves all the same, and says so", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await mkdir(join(place.stateDir, "operator.sock"), { recursive: true, mode: 0o700 });
  const running = await place.start();
  expect((await fetch(running.url.replace("/mcp", "/health/ready"))).status).toBe(200);
  await place.logged("operator's socket cannot be opened");
});

test("what cannot be taken back at the end is told, and the end comes all the same", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const running = await place.start();
  const state = place.stateDir;
  await chmod(join(state, "server.json"), 0o666);
  await running.close();
  expect(await place.logged("could not take back where it listens")).toContain("can be read or written by others");
});

test("a reload that its operator asks for before it has begun is refused, and not taken for one", async () => {
  // Whoever looks for what was trusted of many servers, and finds that nobody can say, has a while to do.
  const servers = Array.from({ length: 100 }, (_, at) => [`s${at}`, { ...pidServer, disabled: true }]);
  await using place = await placeOf({ mcpServers: Object.fromEntries(servers) });
  await mkdir(join(place.stateDir, "pins"), { recursive: true, mode: 0o755 });
  await chmod(place.stateDir, 0o700);
  await chmod(join(place.stateDir, "pins"), 0o755);
  const starting = place.start();
  await place.logged("what was trusted of servers cannot be read");
  const refused = await place.operator("/reload", "POST");
  expect([refused.status, await refused.text()]).toEqual([500, expect.stringContaining("it is still starting")]);
  await starting;
  expect(await (await place.operator("/reload", "POST")).json()).toMatchObject({ result: "unchanged" });
});

test("a proxy that is closed while its servers still start ends them, and whoever waited for one is told", async () => {
  await using place = await placeOf({ mcpServers: { raw: { command: process.execPath, args: ["-e", "console.error('up'); process.stdin.resume()"] } } });
  const running = await place.start();
  const waiting = sendModern({ url: running.url, token: null }, { method: "tools/call", name: "raw__pid", params: '"name":"raw__pid","arguments":{}' });
  await place.logged('"line":"up"');
  while (running.status().inFlight === 0) await new Promise(setImmediate);
  const [{ pid } = { pid: null }] = running.status().backends;
  await running.close(0);
  expect((await waiting).text).toContain('"error"');
  expect(() => process.kill(pid ?? 0, 0)).toThrow();
});
