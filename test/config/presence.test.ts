import { expect, test } from "bun:test";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { uptime } from "node:os";
import { bootOf, startOf, systemClock } from "../../src/base/index.ts";
import { announcePresence, followPresence, lastAnnounced, presencePath, readPresence } from "../../src/config/index.ts";
import { createFolder } from "../fixtures/folder.ts";

const server = { url: "http://127.0.0.1:3050/mcp", version: "1", operator: "/run/operator.sock" };

test("a server is found while it is announced, by its owner alone", async () => {
  await using folder = await createFolder();
  const stateDir = folder.at("state");
  expect(await readPresence(stateDir, systemClock)).toBeNull();
  const announced = await announcePresence(stateDir, server, systemClock);
  expect(await readPresence(stateDir, systemClock)).toMatchObject({ ...server, pid: process.pid });
  expect((await stat(presencePath(stateDir))).mode & 0o777).toBe(0o600);
  await announced.withdraw();
  await announced.withdraw();
  expect(await readPresence(stateDir, systemClock)).toBeNull();
});

test("an address for all of a machine's addresses is announced as one that can be called", async () => {
  await using folder = await createFolder();
  for (const [url, told] of [["http://0.0.0.0:1/mcp", "http://127.0.0.1:1/mcp"], ["http://[::]:1/mcp", "http://[::1]:1/mcp"]] as const) {
    await announcePresence(folder.path, { url, version: "1", operator: null }, systemClock);
    expect((await readPresence(folder.path, systemClock))?.url).toBe(told);
  }
});

test("nobody takes back what another server has announced since", async () => {
  await using folder = await createFolder();
  const first = await announcePresence(folder.path, server, systemClock);
  await announcePresence(folder.path, { ...server, url: "http://127.0.0.1:4000/mcp" }, systemClock);
  await first.withdraw();
  expect((await readPresence(folder.path, systemClock))?.url).toBe("http://127.0.0.1:4000/mcp");
});

test("what a server left behind, or is no announcement, is no server", async () => {
  await using folder = await createFolder();
  const ended = Bun.spawnSync([process.execPath, "--version"]).pid;
  const now = systemClock.now();
  const good = { ...server, pid: process.pid, startedAt: now };
  const beforeBoot = now - uptime() * 1000 - 60_000;
  for (const left of [{ ...good, pid: ended }, { ...good, startedAt: beforeBoot }, { ...good, pid: 0 }, { ...good, pid: "1" }, { ...good, url: 1 }, { ...good, version: null }, { ...good, startedAt: "x" }, null, 1, [], "{"]) {
    await writeFile(presencePath(folder.path), left === "{" ? left : JSON.stringify(left), { mode: 0o600 });
    expect({ left, found: await readPresence(folder.path, systemClock) }).toEqual({ left, found: null });
  }
  await writeFile(presencePath(folder.path), JSON.stringify(good));
  expect(await readPresence(folder.path, systemClock)).toMatchObject(good);
});

test("who announced itself last is told also when it was killed, for whoever started it", async () => {
  await using folder = await createFolder();
  expect(await lastAnnounced(folder.path)).toBeNull();
  const ended = Bun.spawnSync([process.execPath, "--version"]).pid;
  await writeFile(presencePath(folder.path), JSON.stringify({ ...server, pid: ended, startedAt: systemClock.now() }), { mode: 0o600 });
  expect(await lastAnnounced(folder.path)).toBe(ended);
  const announced = await announcePresence(folder.path, server, systemClock);
  expect(await lastAnnounced(folder.path)).toBe(process.pid);
  await announced.withdraw();
  expect(await lastAnnounced(folder.path)).toBeNull();
});

test.skipIf(startOf(process.pid) === null)("a clock that is set while a server runs loses nobody; a number that was given anew, or a file from before the last boot, names nobody", async () => {
  await using folder = await createFolder();
  const at = { now: 0 };
  const clock = { ...systemClock, now: () => at.now };
  // A machine without a clock of its own starts in the past, until the network tells it.
  await announcePresence(folder.path, server, clock);
  at.now = systemClock.now();
  expect((await readPresence(folder.path, clock))?.pid).toBe(process.pid);
  at.now = -systemClock.now();
  expect(await readPresence(folder.path, clock)).toEqual({ ...server, pid: process.pid, startedAt: 0 });
  const written = { ...server, pid: process.pid, startedAt: systemClock.now(), start: startOf(process.pid), boot: await bootOf() };
  for (const left of [{ ...written, start: 1 }, { ...written, boot: "another" }]) {
    await writeFile(presencePath(folder.path), JSON.stringify(left), { mode: 0o600 });
    expect(await readPresence(folder.path, systemClock)).toBeNull();
  }
});

test("an announcement that others could have written is refused", async () => {
  await using folder = await createFolder();
  await announcePresence(folder.path, server, systemClock);
  await chmod(presencePath(folder.path), 0o644);
  await expect(readPresence(folder.path, systemClock)).rejects.toMatchObject({ code: "STATE_UNSAFE" });
  expect(await readFile(presencePath(folder.path), "utf8")).toContain(server.url);
});

test("who follows a server may talk to it as long as it runs, wherever on its address, and to nobody else there", async () => {
  await using folder = await createFolder();
  const followed = followPresence(folder.path, systemClock);
  expect([await followed.find(), followed.admits(server.url)]).toEqual([null, false]);
  const child = Bun.spawn([process.execPath, "-e", "process.stdin.resume()"], { stdin: "pipe" });
  const write = (presence: object) => writeFile(presencePath(folder.path), JSON.stringify({ ...server, startedAt: systemClock.now(), ...presence }), { mode: 0o600 });
  await write({ pid: child.pid });
  expect((await followed.find())?.pid).toBe(child.pid);
  expect(["http://127.0.0.1:3050/mcp/other", "http://127.0.0.1:30501/mcp", "http://127.0.0.1/mcp", "nonsense"].map((url) => followed.admits(url))).toEqual([true, false, false, false]);
  // While the next one comes up, the last may still have to be told something.
  await write({ pid: process.pid, url: "http://127.0.0.1:4000/mcp" });
  await followed.find();
  expect([followed.admits(server.url), followed.admits("http://127.0.0.1:4000/mcp")]).toEqual([true, true]);
  child.stdin.end();
  await child.exited;
  expect([followed.admits(server.url), followed.admits("http://127.0.0.1:4000/mcp")]).toEqual([false, true]);
  await followed.find();
  expect(followed.admits(server.url)).toBe(false);
});
