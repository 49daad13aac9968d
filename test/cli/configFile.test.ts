import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";

async function given(text = '{\n  "pageSize": 1 // few\n}\n') {
  const folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, text, { mode: 0o600 });
  return { folder, path, text, run: (...argv: string[]) => runHere(["config", ...argv, "--config", path, "--state-dir", folder.at("state")]), now: () => readFile(path, "utf8"), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("a copy is made, listed, compared with, and put back as it was", async () => {
  await using at = await given();
  expect((await at.run("backups")).stdout).toBe("COPY\tMADE\tAGO\tFILE\n");
  const kept = (await at.run("backup")).stdout.trim();
  expect(await readFile(kept, "utf8")).toBe(at.text);
  const number = kept.split(".").at(-1) ?? "";
  const [listed] = JSON.parse((await at.run("backups", "--json")).stdout) as { copy: string; at: string; path: string }[];
  expect(listed).toEqual({ copy: number, at: new Date(Number(number)).toISOString(), path: kept });
  expect((await at.run("diff")).code).toBe(0);
  await writeFile(at.path, '{\n  "pageSize": 2\n}\n');
  expect(await at.run("diff", number)).toEqual({ code: 1, stdout: '@@ line 2 @@\n-  "pageSize": 1 // few\n+  "pageSize": 2\n', stderr: "" });
  expect((await at.run("restore", "--dry-run")).stdout).toBe('@@ line 2 @@\n-  "pageSize": 2\n+  "pageSize": 1 // few\n');
  const { code, stdout } = await at.run("restore");
  expect([code, stdout.startsWith(`restored from ${kept}\n`), await at.now()]).toEqual([0, true, at.text]);
  // What was there before is kept too.
  expect((await at.run("restore", number, "--json")).stdout).toContain('"written": false');
  expect((await at.run("diff")).code).toBe(1);
  expect(JSON.parse((await at.run("backup", "--json")).stdout)).toMatchObject({ path: at.path });
});

test("any other file can be put back or compared with, but only one that can be used", async () => {
  await using at = await given();
  await writeFile(at.folder.at("other.json"), "{}\n");
  expect((await at.run("restore", at.folder.at("other.json"))).code).toBe(0);
  await writeFile(at.folder.at("bad.json"), '{ "pagesize": 1 }');
  expect(await at.run("restore", at.folder.at("bad.json"))).toMatchObject({ code: 78, stderr: expect.stringContaining("it is as it was") as string });
  // With the places of the copy, since the file has none.
  expect((await at.run("restore", at.folder.at("bad.json"))).stderr).toMatch(new RegExp(`^${at.folder.at("bad.json")}:1:\\d+: `));
  expect(await at.now()).toBe("{}\n");
  // A file that is broken is what one restores for.
  await writeFile(at.path, "{ oops");
  expect((await at.run("restore")).code).toBe(0);
  expect(await at.now()).toBe(at.text);
});

test("a copy that is not there is told, and so is a file that is not", async () => {
  await using at = await given();
  expect(await at.run("restore")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no copy of the configuration yet") as string });
  expect(await at.run("diff", "17")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no copy 17") as string });
  expect((await at.run("diff", at.folder.at("none.json"))).code).toBe(78);
  expect((await runHere(["config", "backup", "--config", at.folder.at("none.json")])).code).toBe(78);
  expect((await runHere(["config", "backups", "--json", "--config", at.folder.at("none.json")])).stdout).toBe("[]\n");
});
