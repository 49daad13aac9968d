import { expect, test } from "bun:test";
import { chmod, mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { bootOf, defaultLimits, type Log, nullLog, startOf, systemClock } from "../../src/base/index.ts";
import { createLedger, leftEarlier, reapEarlier } from "../../src/backend/ledger.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

const life = "28a1700d5cc4494782dced70d48c4d5d";
const limits = { ...defaultLimits, termMs: 100 };
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const logTo = (lines: string[]): Log => {
  const put = (text: string, fields?: object): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
  return { ...nullLog, warn: put, error: put };
};
const namesIn = (folder: Folder): Promise<string[]> => readdir(folder.at("children")).catch(() => []);
const pageIn = async (folder: Folder): Promise<{ readonly children: readonly unknown[] }> => {
  while (!(await namesIn(folder)).includes(`${life}.json`)) await turn();
  return Bun.file(folder.at("children", `${life}.json`)).json();
};
const sleeper = (mark: string | null = null) => Bun.spawn(["sleep", "1000"], { detached: true, env: { PATH: process.env["PATH"], ...(mark === null ? {} : { ONE_MCP_LIFE: mark }) } });
/** The page of a life whose process is gone, unless told otherwise. */
async function leave(folder: Folder, more: object = {}, name = `${life}.json`): Promise<void> {
  await mkdir(folder.at("children"), { recursive: true, mode: 0o700 });
  const page = { life, boot: await bootOf(), pid: 2 ** 30, start: 1, children: [], ...more };
  await writeFile(folder.at("children", name), JSON.stringify(page), { mode: 0o600 });
}
const reaped = async (folder: Folder): Promise<string[]> => {
  const lines: string[] = [];
  await reapEarlier({ stateDir: folder.path, clock: systemClock, limits, log: logTo(lines) });
  return lines;
};

test("a page is there from before the first child to the end of the last, private, without commands", async () => {
  await using folder = await createFolder();
  const ledger = createLedger(life, { stateDir: folder.path, clock: systemClock, log: nullLog });
  expect(await namesIn(folder)).toEqual([]);
  ledger.expect();
  expect(await pageIn(folder)).toEqual({ life, boot: await bootOf(), pid: process.pid, start: startOf(process.pid) ?? -1, children: [] } as object as { children: [] });
  for (let pid = 100; pid < 150; pid += 1) ledger.took({ pid, start: 7, server: "a" });
  for (let pid = 101; pid < 150; pid += 1) ledger.lost(pid);
  while ((await pageIn(folder)).children.length !== 1) await turn();
  expect((await pageIn(folder)).children).toEqual([{ pid: 100, start: 7, server: "a" }]);
  expect([(await stat(folder.at("children"))).mode & 0o777, (await stat(folder.at("children", `${life}.json`))).mode & 0o777]).toEqual([0o700, 0o600]);
  ledger.lost(100);
  await ledger.close();
  expect(await namesIn(folder)).toEqual([]);
});

test("a proxy without children writes nothing; one that could not end them all leaves its page", async () => {
  await using folder = await createFolder();
  await createLedger(life, { stateDir: folder.path, clock: systemClock, log: nullLog }).close();
  expect(await namesIn(folder)).toEqual([]);
  const ledger = createLedger(life, { stateDir: folder.path, clock: systemClock, log: nullLog });
  ledger.expect();
  ledger.took({ pid: 100, start: 7, server: "a" });
  await ledger.close();
  expect((await pageIn(folder)).children).toHaveLength(1);
});

test("a folder that cannot be written is told of once, and nothing else happens", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("children"), "a file");
  const lines: string[] = [];
  const ledger = createLedger(life, { stateDir: folder.path, clock: systemClock, log: logTo(lines) });
  ledger.expect();
  ledger.took({ pid: 100, start: 7, server: "a" });
  await ledger.close();
  expect(lines).toEqual([expect.stringContaining("what runs cannot be written down")]);
});

test("what an earlier life left is ended, by its group or its mark, and told", async () => {
  await using folder = await createFolder();
  const [listed, marked, stranger] = [sleeper(), sleeper(`${life}.2`), sleeper()];
  const children = [
    { pid: listed.pid, start: startOf(listed.pid), server: "files" },
    // Its number belongs to somebody else by now; and one whose start was never learned.
    { pid: stranger.pid, start: (startOf(stranger.pid) ?? 0) - 1, server: "web" },
    { pid: stranger.pid, start: null, server: "web" },
  ];
  await leave(folder, { children });
  expect(await reaped(folder)).toEqual(['an earlier run had left processes, which have been ended {"processes":2,"servers":"files, web"}']);
  await Promise.all([listed.exited, marked.exited]);
  expect([listed.signalCode, marked.signalCode, stranger.signalCode]).toEqual(["SIGTERM", "SIGTERM", null]);
  expect(await namesIn(folder)).toEqual([]);
  stranger.kill();
});

test("what a proxy that runs has started is left alone", async () => {
  await using folder = await createFolder();
  const child = sleeper(`${life}.1`);
  await leave(folder, { pid: process.pid, start: startOf(process.pid), children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }] });
  expect(await reaped(folder)).toEqual([]);
  expect([child.signalCode, await namesIn(folder)]).toEqual([null, [`${life}.json`]]);
  child.kill();
});

test("a page of a boot before names nobody that runs now", async () => {
  await using folder = await createFolder();
  const child = sleeper();
  await leave(folder, { boot: "another", children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }] });
  expect(await reaped(folder)).toEqual([]);
  expect([child.signalCode, await namesIn(folder)]).toEqual([null, []]);
  child.kill();
});

test.each([
  ["no JSON", "{"],
  ["null", "null"],
  ["a mark of everybody", JSON.stringify({ life: "", boot: "", pid: 2 ** 30, start: 1, children: [] })],
  ["the first process of all", JSON.stringify({ life, boot: "", pid: 2 ** 30, start: 1, children: [{ pid: 1, start: 1, server: "a" }] })],
  ["a child that is none", JSON.stringify({ life, boot: "", pid: 2 ** 30, start: 1, children: [null] })],
])("a page with %s is removed and harms nobody", async (_what, text) => {
  await using folder = await createFolder();
  await leave(folder);
  await writeFile(folder.at("children", `${life}.json`), text, { mode: 0o600 });
  expect(await reaped(folder)).toEqual([]);
  expect(await namesIn(folder)).toEqual([]);
});

test("a file whose writer was killed in the middle goes after a while, not at once", async () => {
  await using folder = await createFolder();
  for (const name of ["old.json.tmp", "new.json.tmp"]) await leave(folder, {}, name);
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(folder.at("children", "old.json.tmp"), longAgo, longAgo);
  expect(await reaped(folder)).toEqual([]);
  expect(await namesIn(folder)).toEqual(["new.json.tmp"]);
});

test("a page that others could have written is not believed, and told", async () => {
  await using folder = await createFolder();
  const child = sleeper(`${life}.1`);
  const other = "0".repeat(32);
  await leave(folder);
  await leave(folder, { life: other }, `${other}.json`);
  await chmod(folder.at("children", `${life}.json`), 0o666);
  expect(await reaped(folder)).toEqual([expect.stringContaining("what an earlier run left cannot be looked up")]);
  // It keeps nobody from the others.
  expect([child.signalCode, await namesIn(folder)]).toEqual([null, [`${life}.json`]]);
  child.kill();
});

test("what a killed proxy has left can be looked at without ending it", async () => {
  await using folder = await createFolder();
  expect(await leftEarlier(folder.path)).toEqual([]);
  await using child = sleeper(life);
  await leave(folder, { children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }, { pid: child.pid, start: 1, server: "b" }] });
  await leave(folder, { pid: process.pid, start: startOf(process.pid), children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }] }, "living.json");
  await leave(folder, { boot: "another", children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }] }, "older.json");
  await writeFile(folder.at("children", "broken.json"), "{", { mode: 0o600 });
  expect(await leftEarlier(folder.path)).toEqual([child.pid]);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});
