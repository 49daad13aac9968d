import { expect, test } from "bun:test";
import { mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { fixedBounds } from "../../src/base/index.ts";
import { readDotEnv, variablesOf } from "../../src/config/dotEnv.ts";
import { createFolder } from "../fixtures/folder.ts";

test("variables of .env stand behind those of the environment", () => {
  const variables = variablesOf("A=file\nexport B='two words' # note\nC=\"x\\ny\"\n", { A: "env", D: "", E: undefined });
  expect(Object.fromEntries(variables)).toEqual({ A: "env", B: "two words", C: "x\ny", D: "" });
  expect(variablesOf(null, {}).size).toBe(0);
});

test("no .env is fine; one that cannot be read is a problem", async () => {
  await using folder = await createFolder();
  expect(await readDotEnv(folder.path)).toEqual({ text: null, problem: null });
  await writeFile(folder.at(".env"), "A=1");
  expect(await readDotEnv(folder.path)).toEqual({ text: "A=1", problem: null });
  await mkdir(folder.at("inner", ".env"), { recursive: true });
  expect(await readDotEnv(folder.at("inner"))).toEqual({ text: null, problem: ".env is no file" });
  await truncate(folder.at(".env"), fixedBounds.configBytesMax + 1);
  expect((await readDotEnv(folder.path)).problem).toContain("larger than");
  await writeFile(folder.at("file"), "");
  expect(await readDotEnv(folder.at("file"))).toEqual({ text: null, problem: null });
  await rm(folder.at(".env"));
  await symlink(".env", folder.at(".env"));
  expect((await readDotEnv(folder.path)).problem).toBe(".env cannot be read (ELOOP)");
});

test.skipIf(process.platform === "win32")("a pipe in the place of .env holds nobody up", async () => {
  await using folder = await createFolder();
  Bun.spawnSync(["mkfifo", folder.at(".env")]);
  expect((await readDotEnv(folder.path)).problem).toBe(".env is no file");
});
