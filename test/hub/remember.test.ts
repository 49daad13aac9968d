import { expect, test } from "bun:test";
import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultLimits, type Limits, type Log, nullLog } from "../../src/base/index.ts";
import type { BackendSpec } from "../../src/config/index.ts";
import { createMemory, type Known } from "../../src/hub/remember.ts";
import { createFolder } from "../fixtures/folder.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { earlier } from "../fixtures/lives.ts";
import { configOf, specOf } from "../fixtures/pool.ts";

async function stage(limits: Partial<Limits> = {}) {
  const folder = await createFolder();
  const clock = createTestClock();
  const warnings: string[] = [];
  const log: Log = { ...nullLog, warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`) };
  const inventories = join(folder.path, "inventories");
  /** Another life of the program on the same folder. */
  const begin = () => createMemory({ stateDir: folder.path, clock, log, limits: { ...defaultLimits, ...limits } });
  const files = (): Promise<string[]> => readdir(inventories);
  const one = async (): Promise<string> => join(inventories, (await files())[0] ?? "");
  return { clock, warnings, inventories, begin, files, one, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
const web = specOf("web");
const mail = specOf("mail/with odd name");
const toolsOf = (offered: { lists: { tools: { items: readonly string[] } } } | null) => offered?.lists.tools.items ?? null;
const known = (spec: BackendSpec, ...tools: string[]): Known => ({ spec, offered: earlier(...tools.map((name) => `{"name":"${name}"}`)) });

test("what servers offered in one life is known in the next, whatever their order in the file, and in private files that name nobody", async () => {
  await using at = await stage();
  const first = at.begin();
  await first.recall(configOf(web, mail));
  expect([first.of(web), first.of(mail)]).toEqual([null, null]);
  first.keep(() => [known(web, "a"), known(mail, "b")]);
  await first.close();
  const files = await at.files();
  expect(files).toHaveLength(2);
  for (const file of files) {
    expect(file).toMatch(/^[0-9a-f]{16}-[0-9a-f]{32}\.json$/);
    expect((await stat(join(at.inventories, file))).mode & 0o777).toBe(0o600);
  }
  expect((await stat(at.inventories)).mode & 0o777).toBe(0o700);
  const second = at.begin();
  await second.recall(configOf(mail, web));
  expect([toolsOf(second.of(web)), toolsOf(second.of(mail))]).toEqual([['{"name":"a"}'], ['{"name":"b"}']]);
  expect(at.warnings).toEqual([]);
});

test("a server that the newest configuration does not have any more is not written again while the one before still runs", async () => {
  await using at = await stage();
  const memory = at.begin();
  await memory.recall(configOf(web, mail));
  memory.keep(() => [known(web, "a"), known(mail, "b")]);
  await at.clock.advance(defaultLimits.rememberMs);
  await memory.recall(configOf(web));
  // Its server is asked to go only when the next configuration is in place.
  memory.keep(() => [known(web, "c"), known(mail, "d")]);
  await memory.close();
  expect(await at.files()).toHaveLength(1);
});

test("an entry that means another server now finds nothing, and neither does another configuration", async () => {
  await using at = await stage();
  const first = at.begin();
  await first.recall(configOf(web));
  first.keep(() => [known(web, "a")]);
  await first.close();
  const changed = specOf("web", { fingerprint: "2" });
  const second = at.begin();
  await second.recall(configOf(changed));
  expect(second.of(changed)).toBeNull();
  const third = at.begin();
  await third.recall({ ...configOf(web), path: "/other.json" });
  expect(third.of(web)).toBeNull();
  expect(await at.files()).toHaveLength(1);
  expect(at.warnings).toEqual([]);
});

test("changes are collected for a moment, and what is the same is not written again", async () => {
  await using at = await stage();
  const memory = at.begin();
  await memory.recall(configOf(web));
  let asked = 0;
  let now = known(web, "a");
  const ask = (): Known[] => {
    asked += 1;
    return [now];
  };
  for (let changes = 0; changes < 100; changes += 1) memory.keep(ask);
  await at.clock.advance(defaultLimits.rememberMs - 1);
  expect(asked).toBe(0);
  await at.clock.advance(1);
  expect(asked).toBe(1);
  await memory.close();
  // A file that is written again is another file.
  const written = (await stat(await at.one())).ino;
  now = known(web, "a");
  memory.keep(ask);
  await memory.close();
  expect((await stat(await at.one())).ino).toBe(written);
  now = known(web, "b");
  await memory.close();
  expect(await readFile(await at.one(), "utf8")).toContain('\\"b\\"');
});

test("servers that have not said anything themselves change nothing", async () => {
  await using at = await stage();
  const memory = at.begin();
  await memory.recall(configOf(web));
  memory.keep(() => [{ spec: web, offered: null }]);
  await memory.close();
  expect(await at.files()).toEqual([]);
});

test("a server's file goes with the server, at once or at the next start, and comes back with it", async () => {
  await using at = await stage();
  const first = at.begin();
  await first.recall(configOf(web, mail));
  const both = [known(web, "a"), known(mail, "b")];
  first.keep(() => both);
  await first.close();
  await first.recall(configOf(web));
  expect(await at.files()).toHaveLength(1);
  expect(first.of(mail)).toBeNull();
  await first.recall(configOf(web, mail));
  await first.close();
  expect(await at.files()).toHaveLength(2);
  const second = at.begin();
  await second.recall(configOf(mail));
  expect(await at.files()).toHaveLength(1);
});

test("a file that is broken is told of and replaced; one that is not ours is told of and left alone", async () => {
  await using at = await stage();
  const first = at.begin();
  await first.recall(configOf(web));
  first.keep(() => [known(web, "a")]);
  await first.close();
  const path = await at.one();
  await writeFile(path, (await readFile(path, "utf8")).slice(0, 100));
  await writeFile(join(at.inventories, "notes.txt"), "mine");
  const second = at.begin();
  await second.recall(configOf(web));
  await second.recall(configOf(web));
  expect(second.of(web)).toBeNull();
  expect(at.warnings.filter((line) => line.startsWith("files that are not ours"))).toHaveLength(1);
  expect(at.warnings.filter((line) => line.startsWith("what it offered last cannot be used"))).toHaveLength(2);
  second.keep(() => [known(web, "a")]);
  await second.close();
  const third = at.begin();
  await third.recall(configOf(web));
  expect(toolsOf(third.of(web))).toEqual(['{"name":"a"}']);
  expect(await at.files()).toContain("notes.txt");
});

test("what others can read, or what is too large, is not used; a folder that others can read serves nobody; all of it is told", async () => {
  await using at = await stage({ inventoryBytesMax: 2048 });
  const first = at.begin();
  await first.recall(configOf(web));
  first.keep(() => [known(web, "a")]);
  await first.close();
  await chmod(await at.one(), 0o644);
  const second = at.begin();
  await second.recall(configOf(web));
  expect(second.of(web)).toBeNull();
  expect(at.warnings.at(-1)).toContain("STATE_UNSAFE");
  await chmod(await at.one(), 0o600);
  first.keep(() => [known(web, "x".repeat(3000))]);
  await first.close();
  expect(at.warnings.at(-1)).toContain("too much to be remembered");
  expect(await at.files()).toEqual([]);
  await chmod(at.inventories, 0o755);
  await second.recall(configOf(web));
  expect(at.warnings.at(-1)).toContain("STATE_UNSAFE");
});

test("a folder that cannot be written costs a line in the log", async () => {
  await using at = await stage();
  const memory = at.begin();
  await memory.recall(configOf(web));
  await rm(at.inventories, { recursive: true });
  memory.keep(() => [known(web, "a")]);
  await memory.close();
  expect(at.warnings.at(-1)).toContain("STATE_UNWRITABLE");
  expect(toolsOf(memory.of(web))).toEqual(['{"name":"a"}']);
  // As soon as it can be, it is.
  await memory.recall(configOf(web));
  await memory.close();
  expect(await at.files()).toHaveLength(1);
});
