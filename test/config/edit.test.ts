import { expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { fault, fixedBounds, systemClock } from "../../src/base/index.ts";
import { backupConfig, type ConfigEdit, editConfig, issuesOf, rewriteConfig } from "../../src/config/edit.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

const prefixed = (prefix: string): ConfigEdit["changes"] => () => [{ path: ["mcpServers", "one", "prefix"], value: prefix }];
const original = '{\n  // mine\n  "mcpServers": { "one": { "command": "x" } } // all\n}\n';

async function given(folder: Folder, text = original): Promise<Omit<ConfigEdit, "changes">> {
  const path = folder.at("mcp.json");
  await writeFile(path, text, { mode: 0o640 });
  await chmod(path, 0o640);
  return { path, clock: systemClock, dryRun: false };
}

const backups = async (folder: Folder): Promise<string[]> => (await readdir(folder.path)).filter((name) => name.includes(".backup."));

test("a change is written with a copy of what there was; mode and comments stay", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const edited = await editConfig({ ...options, changes: prefixed("p") });
  if (!edited.ok) throw new Error("refused");
  expect(edited).toMatchObject({ written: true, path: options.path });
  expect(edited.difference).toBe('@@ line 3 @@\n-  "mcpServers": { "one": { "command": "x" } } // all\n+  "mcpServers": { "one": { "command": "x", "prefix": "p" } } // all\n');
  expect(await readFile(options.path, "utf8")).toContain("// mine");
  expect((await stat(options.path)).mode & 0o777).toBe(0o640);
  expect(await readFile(edited.backup ?? "", "utf8")).toBe(original);
  expect((await readdir(folder.path)).filter((name) => name.endsWith(".lock"))).toEqual([]);
});

test("a dry run says the same, and writes nothing", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const edited = await editConfig({ ...options, dryRun: true, changes: prefixed("p") });
  expect(edited).toMatchObject({ ok: true, written: false, backup: null });
  expect(edited.ok && edited.difference).toContain('"prefix": "p"');
  expect(await readdir(folder.path)).toEqual(["mcp.json"]);
});

test("what changes nothing writes nothing", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  expect(await editConfig({ ...options, changes: () => [] })).toMatchObject({ ok: true, difference: "", written: false, backup: null });
  expect(await backups(folder)).toEqual([]);
});

test("a file that is not there is made, for its owner alone, in a folder that is made too", async () => {
  await using folder = await createFolder();
  const path = folder.at("new", "mcp.json");
  const edited = await editConfig({ path, clock: systemClock, dryRun: false, changes: () => [{ path: ["pageSize"], value: 5 }] });
  expect(edited).toMatchObject({ ok: true, written: true, backup: null });
  expect(await readFile(path, "utf8")).toBe('{\n  "pageSize": 5\n}\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("what would come out is checked first, and refused with its places", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const edited = await editConfig({ ...options, changes: () => [{ path: ["pageSize"], value: -1 }] });
  expect(edited.ok === false && edited.issues).toMatchObject([{ line: 4, path: ["pageSize"] }]);
  expect(await readFile(options.path, "utf8")).toBe(original);
  expect(await backups(folder)).toEqual([]);
});

test("a file that cannot be read as JSON is not touched", async () => {
  await using folder = await createFolder();
  const options = await given(folder, "{ oops");
  const edited = await editConfig({ ...options, changes: prefixed("p") });
  expect(edited.ok === false && edited.issues[0]?.line).toBe(1);
  await writeFile(options.path, Uint8Array.of(0xff, 0xfe, 0x00));
  await expect(editConfig({ ...options, changes: prefixed("p") })).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});

test("a file that is too large is not read", async () => {
  await using folder = await createFolder();
  const options = await given(folder, " ".repeat(fixedBounds.configBytesMax + 1));
  await expect(editConfig({ ...options, changes: prefixed("p") })).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});

test("a list at the top is refused, and the changes find an empty object", async () => {
  await using folder = await createFolder();
  const options = await given(folder, "[]");
  const seen: unknown[] = [];
  const edited = await editConfig({ ...options, changes: (file) => (seen.push(file), []) });
  expect(edited.ok).toBe(false);
  expect(seen).toEqual([{}]);
});

test("a byte order mark stays, and a link stays one", async () => {
  await using folder = await createFolder();
  await mkdir(folder.at("real"));
  await writeFile(folder.at("real", "conf.json"), `\uFEFF${original}`);
  await symlink(folder.at("real", "conf.json"), folder.at("mcp.json"));
  const edited = await editConfig({ path: folder.at("mcp.json"), clock: systemClock, dryRun: false, changes: prefixed("p") });
  expect(edited).toMatchObject({ ok: true, path: folder.at("real", "conf.json") });
  expect((await readFile(folder.at("mcp.json"), "utf8")).startsWith("\uFEFF{")).toBe(true);
  expect((await readdir(folder.path)).toSorted()).toEqual(["mcp.json", "real"]);
});

test("what the changes find wrong goes to who asked, and the file is free again", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const changes = (): never => {
    throw fault("NAME_UNKNOWN");
  };
  await expect(editConfig({ ...options, changes })).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
  expect(await editConfig({ ...options, changes: prefixed("q") })).toMatchObject({ ok: true, written: true });
});

test("many writers at once all have their change in the file", async () => {
  await using folder = await createFolder();
  const options = await given(folder, "{}");
  const names = Array.from({ length: 8 }, (_, n) => `s${n}`);
  await Promise.all(names.map((name) => editConfig({ ...options, changes: () => [{ path: ["mcpServers", name], value: { command: "x" } }] })));
  const { mcpServers } = JSON.parse(await readFile(options.path, "utf8")) as { mcpServers: object };
  expect(Object.keys(mcpServers).toSorted()).toEqual(names);
});

test("the newest copies are kept, so many and so long", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const now = Date.now();
  const old = now - fixedBounds.configBackupMsMax - 60_000;
  for (const at of [old, now - 3, now - 2, now - 1]) await writeFile(folder.at(`mcp.json.backup.${at}`), "x");
  await writeFile(folder.at("mcp.json.backup.mine"), "x");
  for (let n = 0; n < fixedBounds.configBackupsMax - 2; n += 1) await editConfig({ ...options, changes: prefixed(`p${n}`) });
  const kept = await backups(folder);
  expect(kept.length).toBe(fixedBounds.configBackupsMax + 1);
  expect(kept).toContain("mcp.json.backup.mine");
  expect(kept).not.toContain(`mcp.json.backup.${old}`);
  expect(kept).not.toContain(`mcp.json.backup.${now - 3}`);
});

test("the lock of a writer that died is taken away", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  await writeFile(folder.at("mcp.json.lock"), "1\n");
  const then = (Date.now() - fixedBounds.configLockMsMax - 1000) / 1000;
  await utimes(folder.at("mcp.json.lock"), then, then);
  expect(await editConfig({ ...options, changes: prefixed("p") })).toMatchObject({ written: true });
});

test("a lock that is always another one's is waited for, but not for ever", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  await writeFile(folder.at("mcp.json.lock"), "1\n");
  // Time passes, but the lock stays young: a clock that is behind the files.
  let at = 0;
  const clock = { ...systemClock, now: () => (at += fixedBounds.configLockMsMax / 2) };
  await expect(editConfig({ ...options, clock, changes: prefixed("p") })).rejects.toMatchObject({ code: "LIMIT_REACHED" });
});

test("another text is put in the file's place whatever is there, but only one that can be used", async () => {
  await using folder = await createFolder();
  const options = await given(folder, "{ oops");
  expect(await rewriteConfig({ ...options, text: (before) => `${before} still` })).toMatchObject({ ok: false });
  expect(await rewriteConfig({ ...options, text: () => "{}\n" })).toMatchObject({ ok: true, written: true, closed: false });
  expect(await readFile(options.path, "utf8")).toBe("{}\n");
});

test("a file that gets a secret is for its owner alone from then on", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  expect(await editConfig({ ...options, isPrivate: true, changes: prefixed("p") })).toMatchObject({ written: true, closed: true });
  expect((await stat(options.path)).mode & 0o777).toBe(0o600);
  expect(await editConfig({ ...options, isPrivate: true, changes: prefixed("q") })).toMatchObject({ written: true, closed: false });
});

test("a copy is made by hand, where there is a file", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  expect(await readFile(await backupConfig(options), "utf8")).toBe(original);
  await expect(backupConfig({ ...options, path: folder.at("none.json") })).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});

test("what is wrong with a text is known before it is written", () => {
  expect([issuesOf("{}", "/x"), issuesOf('{ "prot": 1 }', "/x").length]).toEqual([[], 1]);
});
