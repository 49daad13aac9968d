import { expect, test } from "bun:test";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { appBackupFolder, appBackups, forgetAppBackups, keepAppFile, keptBytes } from "../../src/config/appBackups.ts";
import { fileDoor } from "../../src/config/appFiles.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { asFile } from "../fixtures/apps.ts";
import { createFolder } from "../fixtures/folder.ts";

const facts = { app: "cursor", before: "connect", after: null, moved: { a: "f" } } as const;

test("bytes are kept for the owner alone, listed with the newest first, given back and forgotten", async () => {
  await using folder = await createFolder();
  const state = folder.at("state");
  const clock = createTestClock();
  const with_ = { clock, files: fileDoor };
  expect(await appBackups(state)).toEqual([]);
  const first = await keepAppFile(state, asFile("one"), facts, with_);
  // In the same moment.
  const second = await keepAppFile(state, { ...asFile(""), bytes: null }, facts, with_);
  expect((await appBackups(state)).map(({ id }) => id)).toEqual([second.id, first.id]);
  for (const name of await readdir(appBackupFolder(state))) expect((await stat(join(appBackupFolder(state), name))).mode & 0o777).toBe(0o600);
  expect([new TextDecoder().decode((await keptBytes(state, first)) ?? undefined), await keptBytes(state, second)]).toEqual(["one", null]);
  await forgetAppBackups(state, [first, second]);
  expect(await readdir(appBackupFolder(state))).toEqual([]);
});

test("what is not what was kept is not given back; a record that is none is told", async () => {
  await using folder = await createFolder();
  const state = folder.at("state");
  const kept = await keepAppFile(state, asFile("one"), facts, { clock: createTestClock(), files: fileDoor });
  await writeFile(join(appBackupFolder(state), `${kept.id}.bytes`), "two");
  await expect(keptBytes(state, kept)).rejects.toMatchObject({ code: "STATE_BROKEN" });
  await expect(keptBytes(state, { ...kept, id: "cursor.1" })).rejects.toMatchObject({ code: "STATE_BROKEN" });
  await writeFile(join(appBackupFolder(state), "cursor.5.json"), "{", { mode: 0o600 });
  await expect(appBackups(state)).rejects.toMatchObject({ code: "STATE_BROKEN" });
});

test("a folder that cannot be read is told, and is not a folder with nothing in it", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("apps"), "");
  await expect(appBackups(folder.path)).rejects.toMatchObject({ code: "STATE_BROKEN", message: expect.stringContaining(folder.at("apps")) as string });
});
