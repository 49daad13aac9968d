import { expect, test } from "bun:test";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { fixedBounds } from "../../src/base/index.ts";
import { bytesWith, digestOf, fileDoor, readAppFile, replaceAppFile } from "../../src/config/appFiles.ts";
import { createFolder } from "../fixtures/folder.ts";

test("the first file that is there is read, with its mode and the mark before its text; a link is followed", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("real.json"), "\uFEFF{}", { mode: 0o640 });
  await symlink(folder.at("real.json"), folder.at("link.json"));
  const file = await readAppFile([folder.at("none"), folder.at("link.json"), folder.at("last")]);
  expect(file).toMatchObject({ path: folder.at("real.json"), text: "{}", isMarked: true, mode: 0o640 });
  expect(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytesWith(file, "[]"))).toBe("\uFEFF[]");
  await replaceAppFile(file, bytesWith(file, "[]"), file.mode, fileDoor);
  expect([await readFile(folder.at("link.json"), "utf8"), (await stat(folder.at("real.json"))).mode & 0o777]).toEqual(["\uFEFF[]", 0o640]);
});

test("where none is, the last one is to be made, for its owner alone, with its folder", async () => {
  await using folder = await createFolder();
  const file = await readAppFile([folder.at("a", "none"), folder.at("b", "c", "mcp.json")]);
  expect(file).toMatchObject({ path: folder.at("b", "c", "mcp.json"), bytes: null, text: "" });
  expect(digestOf(file.bytes)).toBe(null);
  await replaceAppFile(file, bytesWith(file, "{}"), file.mode, fileDoor);
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  await replaceAppFile(await readAppFile([file.path]), null, 0, fileDoor);
  expect(await readAppFile([file.path])).toMatchObject({ bytes: null });
});

test("a file that was changed meanwhile is not replaced", async () => {
  await using folder = await createFolder();
  const path = folder.at("x.json");
  await writeFile(path, "{}");
  const file = await readAppFile([path]);
  await writeFile(path, '{"its": "own"}');
  await expect(replaceAppFile(file, bytesWith(file, "[]"), file.mode, fileDoor)).rejects.toMatchObject({ code: "APP_UNREADABLE", message: expect.stringContaining("was changed meanwhile") as string });
  expect(await readFile(path, "utf8")).toBe('{"its": "own"}');
});

test("what is no text, no file, or larger than the limit is refused", async () => {
  await using folder = await createFolder();
  await mkdir(folder.at("folder"));
  await writeFile(folder.at("bytes"), Uint8Array.of(0xff, 0xfe));
  await writeFile(folder.at("large"), new Uint8Array(fixedBounds.appFileBytesMax + 1));
  for (const name of ["folder", "bytes", "large"]) await expect(readAppFile([folder.at(name)])).rejects.toMatchObject({ code: "APP_UNREADABLE" });
});

test("a link that leads to nothing is refused, and not replaced by a file", async () => {
  await using folder = await createFolder();
  await symlink(folder.at("away", "mcp.json"), folder.at("mcp.json"));
  await expect(readAppFile([folder.at("mcp.json")])).rejects.toMatchObject({ code: "APP_UNREADABLE", message: expect.stringContaining(folder.at("mcp.json")) as string });
});
