import { expect, test } from "bun:test";
import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultLimits, type Limits, type Log, nullLog } from "../../src/base/index.ts";
import { lostPins } from "../../src/catalog/pins.ts";
import { createPinFiles } from "../../src/hub/pinned.ts";
import { createFolder } from "../fixtures/folder.ts";
import { configOf, specOf } from "../fixtures/pool.ts";

async function stage() {
  const folder = await createFolder();
  const told: string[] = [];
  const log: Log = { ...nullLog, error: (message) => void told.push(message) };
  const pins = join(folder.path, "pins");
  const begin = (limits: Partial<Limits> = {}) => createPinFiles({ stateDir: folder.path, log, limits: { ...defaultLimits, ...limits } });
  const one = async (): Promise<string> => join(pins, (await readdir(pins))[0] ?? "");
  return { told, pins, begin, one, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
const [web, mail] = [specOf("web"), specOf("mail")];
const some = new Map([["tools/a", '{"name":"a"}']]);

test("what is trusted in one life is in the next, in private files that name nobody", async () => {
  await using at = await stage();
  const first = at.begin();
  await first.recall(configOf(web, mail));
  expect(first.of("web")).toBeNull();
  first.keep("web", some);
  await first.written();
  const file = await at.one();
  expect(file).toMatch(/\/[0-9a-f]{16}-[0-9a-f]{32}\.json$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const second = at.begin();
  await second.recall(configOf(web, mail));
  expect([second.of("web"), second.of("mail")]).toEqual([some, null]);
  const other = at.begin();
  await other.recall({ ...configOf(web), path: "/other.json" });
  expect(other.of("web")).toBeNull();
  expect(at.told).toEqual([]);
});

test("a server that is taken out of the configuration is forgotten", async () => {
  await using at = await stage();
  const files = at.begin();
  await files.recall(configOf(web));
  files.keep("web", some);
  await files.written();
  await files.recall(configOf(mail));
  expect([files.of("web"), await readdir(at.pins)]).toEqual([null, []]);
});

test("a file that cannot be used makes nobody trusted", async () => {
  await using at = await stage();
  const first = at.begin();
  await first.recall(configOf(web));
  first.keep("web", some);
  await first.written();
  const file = await at.one();
  const text = await readFile(file, "utf8");
  const again = async () => {
    const files = at.begin();
    await files.recall(configOf(web));
    return files.of("web");
  };
  for (const broken of ["{", '{"form":2}', text.replace('"web"', '"mail"')]) {
    await writeFile(file, broken);
    expect(await again()).toEqual(lostPins());
  }
  await writeFile(file, text);
  await chmod(file, 0o644);
  expect(await again()).toEqual(lostPins());
  await chmod(file, 0o600);
  await chmod(at.pins, 0o777);
  expect(await again()).toEqual(some);
  expect(at.told).toHaveLength(5);
});

test("what cannot be written is told, and counts until the end", async () => {
  await using at = await stage();
  const small = at.begin({ inventoryBytesMax: 10 });
  await small.recall(configOf(web));
  small.keep("web", some);
  await small.written();
  expect([small.of("web"), await readdir(at.pins)]).toEqual([some, []]);
  await rm(at.pins, { recursive: true });
  await writeFile(at.pins, "");
  const full = at.begin();
  await full.recall(configOf(web));
  full.keep("web", some);
  await full.written();
  expect(full.of("web")).toEqual(some);
  expect(at.told.map((words) => words.slice(0, 40))).toEqual(["it defines too much to be pinned beyond ", "what was trusted of servers cannot be re", "what was trusted of a server cannot be u", "what is trusted of a server could not be"]);
});
