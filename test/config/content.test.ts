import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { fixedBounds } from "../../src/base/index.ts";
import { configText, contentOf, mark } from "../../src/config/content.ts";
import { createFolder } from "../fixtures/folder.ts";

test("a file's text comes without its byte order mark, which is told", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  expect([await configText(path), await contentOf(path)]).toEqual([null, null]);
  await writeFile(path, `${mark}{}`, { mode: 0o600 });
  expect([await configText(path), (await contentOf(path))?.marked]).toEqual(["{}", true]);
});

test("what is too large, no text, or no file, is not read", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("large"), " ".repeat(fixedBounds.configBytesMax + 1));
  await writeFile(folder.at("bytes"), Uint8Array.of(0xff));
  Bun.spawnSync(["mkfifo", folder.at("pipe")]);
  for (const name of ["large", "bytes", "pipe"]) await expect(configText(folder.at(name))).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});
