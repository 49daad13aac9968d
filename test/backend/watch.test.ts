import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { allProcesses, defaultLimits, type Log, nullLog, startOf, systemClock } from "../../src/base/index.ts";
import { createWatch } from "../../src/backend/watch.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

const life = "28a1700d5cc4494782dced70d48c4d5d";
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const logTo = (lines: string[]): Log => ({ ...nullLog, warn: (text, fields) => lines.push(`${text} ${fields?.["reason"] ?? ""}`.trim()) });
/** Stands in for the watchdog: writes down its charge and all that it is told. */
const scribe = (folder: Folder): readonly string[] => ["sh", "-c", `echo "$$ $ONE_MCP_WATCH" >> ${folder.at("heard")}; while read -r line; do echo "$line" >> ${folder.at("heard")}; done; echo end >> ${folder.at("heard")}`];
const heardIn = async (folder: Folder): Promise<string[]> => (await readFile(folder.at("heard"), "utf8").catch(() => "")).split("\n").slice(0, -1);
const until = async (folder: Folder, holds: (lines: string[]) => boolean): Promise<string[]> => {
  for (;;) {
    const lines = await heardIn(folder);
    if (holds(lines)) return lines;
    await turn();
  }
};
const member = (pid: number, start: number | null = 7) => ({ pid, start, server: "a" });

test("the watchdog runs before the first child does, with its charge, and hears who comes and goes", async () => {
  await using folder = await createFolder();
  const watch = createWatch({ argv: scribe(folder), life, env: process.env, clock: systemClock, limits: defaultLimits, log: nullLog });
  expect(await heardIn(folder)).toEqual([]);
  watch.expect();
  watch.expect();
  watch.took(member(10));
  watch.took(member(11, null));
  watch.lost(10);
  watch.lost(11);
  const [charge, ...lines] = await until(folder, (heard) => heard.at(-1) === "- 11");
  expect(charge).toEndWith(` ${life} ${startOf(process.pid)} ${defaultLimits.killedEndMs} ${defaultLimits.termMs}`);
  expect(lines).toEqual(["+ 10 7", "+ 11 ?", "- 10", "- 11"]);
  // Nobody is left: it goes before us, and without having to do anything.
  await watch.close();
  const pid = Number(charge?.split(" ")[0]);
  expect((await allProcesses(0)).some((one) => one.pid === pid)).toBe(false);
  expect((await heardIn(folder)).at(-1)).toBe("- 11");
});

test("who still runs at the end is left to the watchdog", async () => {
  await using folder = await createFolder();
  const watch = createWatch({ argv: scribe(folder), life, env: process.env, clock: systemClock, limits: defaultLimits, log: nullLog });
  watch.expect();
  watch.took(member(10));
  await watch.close();
  expect((await until(folder, (heard) => heard.at(-1) === "end")).slice(1)).toEqual(["+ 10 7", "end"]);
});

test("a watchdog that dies is replaced after a pause, said once in a row, and the new one hears of all", async () => {
  await using folder = await createFolder();
  const [lines, clock] = [[] as string[], createTestClock()];
  const watch = createWatch({ argv: scribe(folder), life, env: process.env, clock, limits: defaultLimits, log: logTo(lines) });
  watch.expect();
  watch.took(member(10));
  let heard = await until(folder, (now) => now.includes("+ 10 7"));
  for (const starts of [2, 3]) {
    process.kill(Number(heard.filter((line) => line.includes(life)).at(-1)?.split(" ")[0]), "SIGKILL");
    while (clock.pending === 0) await turn();
    // Another child must not make it quicker.
    watch.expect();
    expect(clock.pending).toBe(1);
    await clock.advance(defaultLimits.backoffMsMin * 2);
    heard = await until(folder, (now) => now.filter((line) => line === "+ 10 7").length === starts);
  }
  expect(lines).toEqual(["the watchdog has ended, and is started again"]);
  watch.lost(10);
  await watch.close();
});

test("without anybody to be watched a dead one is replaced with the next child", async () => {
  const clock = createTestClock();
  const watch = createWatch({ argv: ["true"], life, env: process.env, clock, limits: defaultLimits, log: nullLog });
  watch.expect();
  while (clock.pending === 0) await turn();
  await clock.advance(defaultLimits.backoffMsMax);
  expect(clock.pending).toBe(0);
  watch.expect();
  while (clock.pending === 0) await turn();
  await watch.close();
});

test("one that cannot be started is told of once, tried again, and the children run all the same", async () => {
  const [lines, clock] = [[] as string[], createTestClock()];
  const watch = createWatch({ argv: ["/nowhere/1mcp"], life, env: process.env, clock, limits: defaultLimits, log: logTo(lines) });
  watch.expect();
  watch.took(member(10));
  for (let tries = 0; tries < 3; tries += 1) {
    expect(clock.pending).toBe(1);
    await clock.advance(defaultLimits.backoffMsMax);
  }
  expect(lines).toEqual([expect.stringMatching(/^the watchdog cannot be started: .*ENOENT/)]);
  await watch.close();
  await clock.advance(defaultLimits.backoffMsMax);
  expect(clock.pending).toBe(0);
});

test("one that does not listen is given up", async () => {
  await using folder = await createFolder();
  const clock = createTestClock();
  const deaf = ["sh", "-c", `echo $$ > ${folder.at("heard")}; exec sleep 1000`];
  const watch = createWatch({ argv: deaf, life, env: process.env, clock, limits: defaultLimits, log: nullLog });
  watch.expect();
  await until(folder, (now) => now.length === 1);
  for (let pid = 10; clock.pending === 0; pid += 1) {
    for (let more = 0; more < 1000; more += 1) watch.took(member(pid));
    await turn();
  }
  await watch.close();
});
