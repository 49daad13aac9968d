import { expect, test } from "bun:test";
import { readFile, stat, writeFile } from "node:fs/promises";
import { fixedBounds } from "../../src/base/index.ts";
import { backupsOf, keepBackup } from "../../src/config/backups.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";

test("copies are for their owner alone, newest first, and of many only the newest", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  const clock = createTestClock({ now: 1000 });
  for (const name of ["mcp.json.backup.x", "mcp.json.backup.12.tmp", "other.json.backup.5"]) await writeFile(folder.at(name), "");
  for (let count = 0; count < fixedBounds.configBackupsMax + 3; count += 1) {
    await keepBackup(path, new TextEncoder().encode(String(count)), clock);
    await clock.advance(1);
  }
  const all = await backupsOf(path);
  expect([all.length, all[0]?.at, all.at(-1)?.at]).toEqual([fixedBounds.configBackupsMax, 1012, 1003]);
  expect(await readFile(all[0]?.path ?? "", "utf8")).toBe("12");
  expect((await stat(all[0]?.path ?? "")).mode & 0o777).toBe(0o600);
});

test("one that is too old goes with the next, and a folder that is not there has none", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await keepBackup(path, new Uint8Array(), createTestClock({ now: 1 }));
  await keepBackup(path, new Uint8Array(), createTestClock({ now: fixedBounds.configBackupMsMax + 2 }));
  expect((await backupsOf(path)).map(({ at }) => at)).toEqual([fixedBounds.configBackupMsMax + 2]);
  expect(await backupsOf(folder.at("none", "mcp.json"))).toEqual([]);
});
