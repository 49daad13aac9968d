import { expect, test } from "bun:test";
import { readdir, readFile, readlink } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { programArgv } from "../fixtures/program.ts";
import { allStand, createHome, cycle, entryOf, isWatchdog, livingIn, type Proxy, seenUntil, servers, type Shown, startPiped, startProxy, trees } from "./cycle.ts";

const limits = { stdinEndMs: 100, termMs: 100 };
const five = Object.fromEntries(Object.keys(trees).map((tree) => [tree, entryOf(tree)]));
const enoughMs = 4000;
const none = (shown: readonly Shown[]): boolean => shown.length === 0;
const watchdogOf = (shown: readonly Shown[], proxy: Proxy): Shown => {
  const found = shown.find((one) => isWatchdog(one) && one.parent === proxy.pid);
  if (found === undefined) throw new Error("no watchdog");
  return found;
};
/** A proxy whose trees all stand, and its watchdog. */
async function standing(home: string, mcpServers: object = five): Promise<{ readonly proxy: Proxy; readonly watchdog: Shown }> {
  const proxy = await startProxy({ mcpServers, limits }, home);
  const shown = await seenUntil(home, allStand(proxy.pid), enoughMs);
  expect(allStand(proxy.pid)(shown)).toBe(true);
  return { proxy, watchdog: watchdogOf(shown, proxy) };
}
/** It is up, so that the signal does not end it. */
const catches = async (pid: number, signal: number): Promise<boolean> => {
  const [, caught = "0"] = /^SigCgt:\s*([\da-f]+)$/mu.exec(await readFile(`/proc/${pid}/status`, "latin1")) ?? [];
  return (BigInt(`0x${caught}`) & (1n << BigInt(signal - 1))) !== 0n;
};
const pages = (proxy: Proxy): Promise<string[]> => readdir(join(proxy.stateDir, "children")).catch(() => []);

const pageOf = async (proxy: Proxy): Promise<void> => {
  while (!(await pages(proxy)).some((name) => name.endsWith(".json"))) await new Promise((resolve) => setImmediate(resolve));
};

test("a proxy that is killed when all stand leaves nothing, grandchildren in sessions of their own included", async () => {
  const { before, left } = await cycle({ killAfterMs: null, patienceMs: 100, leftAfterMs: enoughMs });
  expect(before).toBeGreaterThanOrEqual(12);
  expect(left).toEqual([]);
});

test.each([60, 120, 200])("a proxy that is killed in its start, after %d ms, leaves nothing", async (killAfterMs) => {
  expect((await cycle({ killAfterMs, patienceMs: 100, leftAfterMs: enoughMs })).left).toEqual([]);
});

test("a proxy that ends in good order leaves nothing, neither its watchdog nor its page of the ledger", async () => {
  await using home = await createHome();
  const { proxy } = await standing(home.path);
  await using _ended = proxy;
  await pageOf(proxy);
  process.kill(proxy.pid, "SIGTERM");
  expect(await proxy.exited).toBe(0);
  expect(servers(await livingIn(home.path), proxy.pid)).toEqual([]);
  expect(await seenUntil(home.path, none, enoughMs)).toEqual([]);
  expect(await pages(proxy)).toEqual([]);
});

test("the watchdog has a session of its own, holds nothing but its pipe, has no mark, and takes no signal of a terminal", async () => {
  await using home = await createHome();
  const { proxy, watchdog } = await standing(home.path);
  await using _ended = proxy;
  const stat = (await readFile(`/proc/${watchdog.pid}/stat`, "latin1")).split(") ").at(-1)?.split(" ") ?? [];
  expect([stat[2], stat[3]]).toEqual([String(watchdog.pid), String(watchdog.pid)]);
  const links = async (pid: number): Promise<string[]> => Promise.all((await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "gone")));
  const held = await links(watchdog.pid);
  expect(held.filter((link) => /^(?:socket|pipe):/u.test(link))).toHaveLength(1);
  const proxys = new Set(await links(proxy.pid));
  expect(held.filter((link) => /^(?:socket|pipe):|^\//u.test(link) && link !== "/dev/null" && proxys.has(link))).toEqual([]);
  expect(await readFile(`/proc/${watchdog.pid}/environ`, "latin1")).not.toContain("ONE_MCP_LIFE=");
  expect(await readlink(`/proc/${watchdog.pid}/cwd`)).toBe("/");
  while (!(await catches(watchdog.pid, constants.signals.SIGTERM))) await new Promise((resolve) => setImmediate(resolve));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(watchdog.pid, signal);
  process.kill(proxy.pid, "SIGKILL");
  expect(await seenUntil(home.path, none, enoughMs)).toEqual([]);
});

test("a watchdog that is killed is replaced, and the new one knows what there is", async () => {
  await using home = await createHome();
  const { proxy, watchdog } = await standing(home.path);
  await using _ended = proxy;
  process.kill(watchdog.pid, "SIGKILL");
  const isNew = (one: Shown): boolean => isWatchdog(one) && one.parent === proxy.pid && one.pid !== watchdog.pid;
  const shown = await seenUntil(home.path, (now) => now.some(isNew), enoughMs);
  expect(shown.some(isNew)).toBe(true);
  process.kill(proxy.pid, "SIGKILL");
  expect(await seenUntil(home.path, none, enoughMs)).toEqual([]);
});

test("what a proxy that was killed together with its watchdog has left is ended by the next start", async () => {
  await using home = await createHome();
  const { proxy, watchdog } = await standing(home.path);
  await using _first = proxy;
  await pageOf(proxy);
  for (const pid of [watchdog.pid, proxy.pid]) process.kill(pid, "SIGKILL");
  await proxy.exited;
  const left = servers(await livingIn(home.path), proxy.pid);
  // Those that take no notice of the end of their stdin.
  expect(left.length).toBeGreaterThanOrEqual(3);
  await using next = await startProxy({ mcpServers: {}, limits }, home.path);
  const isLeft = (one: Shown): boolean => left.some(({ pid }) => pid === one.pid);
  expect((await seenUntil(home.path, (now) => !now.some(isLeft) && now.some(({ pid }) => pid === next.pid), enoughMs)).filter(isLeft)).toEqual([]);
  while (!(await readFile(join(home.path, "log"), "utf8")).includes("an earlier run had left processes")) await new Promise((resolve) => setImmediate(resolve));
  while ((await pages(next)).length > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("two proxies on one state folder, of which one serves over pipes, leave each other's servers alone", async () => {
  await using home = await createHome();
  const { proxy } = await standing(home.path);
  await using _first = proxy;
  const before = servers(await livingIn(home.path), proxy.pid).filter(({ words }) => /tree\.sh (?:plain|shell|escaped|deaf|forked|idle)$/u.test(words));
  await using second = await startPiped({ mcpServers: { other: entryOf("plain") }, limits }, home.path);
  await seenUntil(home.path, (now) => now.some((one) => isWatchdog(one) && one.parent === second.pid), enoughMs);
  while ((await pages(second)).filter((name) => name.endsWith(".json")).length < 2) await new Promise((resolve) => setImmediate(resolve));
  process.kill(second.pid, "SIGKILL");
  await seenUntil(home.path, (now) => !now.some((one) => isWatchdog(one) && one.parent !== proxy.pid), enoughMs);
  const now = await livingIn(home.path);
  expect(before.filter(({ pid }) => !now.some((one) => one.pid === pid))).toEqual([]);
});

test("a proxy that is a server of another one is watched by both, and nothing is left", async () => {
  await using home = await createHome();
  const [command = "", ...args] = programArgv();
  const inner = join(home.path, "inner.json");
  await Bun.write(inner, JSON.stringify({ mcpServers: five, limits }));
  const { proxy } = await standing(home.path, { inner: { command, args: [...args, "serve", "--stdio", "--config", inner, "--state-dir", join(home.path, "inner")] } }).then(async (outer) => {
    const both = await seenUntil(home.path, (now) => now.filter(isWatchdog).length === 2, enoughMs);
    expect(both.filter(isWatchdog)).toHaveLength(2);
    return outer;
  });
  await using _ended = proxy;
  process.kill(proxy.pid, "SIGKILL");
  expect(await seenUntil(home.path, none, enoughMs)).toEqual([]);
});
