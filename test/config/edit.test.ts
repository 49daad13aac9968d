import { expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fault, fixedBounds, systemClock } from "../../src/base/index.ts";
import { backupConfig, type ConfigEdit, editConfig, issuesOf, rewriteConfig } from "../../src/config/edit.ts";
import { type Claim, claimFile } from "../../src/config/owner.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

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

test("the lock of a writer that was killed waits for nobody: of many that find it each makes its change, one after the other", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const claim = `import { claimFile } from ${JSON.stringify(join(projectDir, "src", "config", "owner.ts"))}; await claimFile(${JSON.stringify(folder.at("mcp.json.lock"))}, { now: Date.now }); process.kill(process.pid, "SIGKILL")`;
  for (const round of ["a", "b", "c", "d", "e"]) {
    expect(await Bun.spawn([process.execPath, "-e", claim]).exited).toBe(137);
    expect(await readdir(folder.path)).toContain("mcp.json.lock");
    const names = Array.from({ length: 10 }, (_one, n) => `${round}${n}`);
    // No time passes: who waits for the dead would wait for ever.
    const clock = { ...systemClock, now: () => 0 };
    await Promise.all(names.map((name) => editConfig({ ...options, clock, changes: () => [{ path: ["mcpServers", name], value: { command: "x" } }] })));
    const { mcpServers } = Bun.JSONC.parse(await readFile(options.path, "utf8")) as { mcpServers: object };
    expect(Object.keys(mcpServers)).toEqual(expect.arrayContaining(names));
    expect(await readdir(folder.path)).not.toContain("mcp.json.lock");
  }
});

test("a lock that a living process keeps is waited for, but not for ever; then the process is named", async () => {
  await using folder = await createFolder();
  const options = await given(folder);
  const claim = (await claimFile(folder.at("mcp.json.lock"), systemClock)) as Claim;
  let at = 0;
  const clock = { ...systemClock, now: () => (at += fixedBounds.configLockMsMax / 2) };
  await expect(editConfig({ ...options, clock, changes: prefixed("p") })).rejects.toMatchObject({ code: "LIMIT_REACHED", message: expect.stringContaining(`process ${process.pid}`) });
  const waiting = editConfig({ ...options, changes: prefixed("p") });
  await claim.release();
  expect(await waiting).toMatchObject({ written: true });
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
