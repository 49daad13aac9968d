import { describe, expect, test } from "bun:test";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { appBackups } from "../../src/config/appBackups.ts";
import { connectApp, consolidate, disconnectApp, findApp, type Mover, restoreApp } from "../../src/config/appMoves.ts";
import { editConfig } from "../../src/config/edit.ts";
import { Crash, crashingDoor, createHome, type Home, type Sample, sampleOf, samples } from "../fixtures/apps.ts";

const ownOf = ({ application }: Sample) => application.dialect.program(["/usr/bin/1mcp", "proxy"]);
const moveIn = async (sample: Sample, mover: Mover) => consolidate(await findApp(sample.application, mover), ownOf(sample), false, mover);
const bytesOf = async (path: string): Promise<string> => (await readFile(path)).toString("hex");
const hexOf = ({ bytes }: Sample): string => Buffer.from(bytes).toString("hex");

async function newest(mover: Mover) {
  const found = (await appBackups(mover.stateDir)).find(({ before }) => before === "consolidate");
  if (found === undefined) throw new Error("no backup");
  return found;
}
const moveOut = async (mover: Mover, keepsServers = false) => restoreApp(await newest(mover), { keepsServers, dryRun: false }, mover);

describe("an application's servers", () => {
  for (const sample of samples) {
    test(`move in, and its file is given back byte for byte: ${sample.application.id}`, async () => {
      await using home = await createHome();
      const path = await home.put(sample, 0o640);
      const done = await moveIn(sample, home.mover);
      if (!done.ok) throw new Error(JSON.stringify(done.issues));
      const wanted = done.servers.filter(({ as }) => as !== null);
      expect(Object.keys((await home.config()).mcpServers ?? {})).toEqual(wanted.map(({ as }) => as ?? ""));
      expect(done.written).toBe(wanted.length > 0);
      if (!done.written) return;
      expect(await bytesOf(path)).not.toBe(hexOf(sample));
      // Whatever secrets came along.
      expect((await stat(home.mover.configPath)).mode & 0o777).toBe(0o600);
      const { removed, kept, isChanged } = await moveOut(home.mover);
      expect([await bytesOf(path), (await stat(path)).mode & 0o777, removed.length, kept, isChanged]).toEqual([hexOf(sample), 0o640, wanted.length, [], false]);
      expect((await home.config()).mcpServers).toEqual({});
    });
  }

  test("are kept by a configuration that others could read until then, for its owner alone from then on", async () => {
    await using home = await createHome();
    await home.put(sampleOf("cline"));
    await editConfig({ path: home.mover.configPath, clock: home.mover.clock, dryRun: false, changes: () => [{ path: ["pageSize"], value: 5 }] });
    await chmod(home.mover.configPath, 0o644);
    await moveIn(sampleOf("cline"), home.mover);
    expect(await readFile(home.mover.configPath, "utf8")).toContain("s3cret-weather");
    expect((await stat(home.mover.configPath)).mode & 0o777).toBe(0o600);
  });

  test("are not written twice, and make way for others of the same name", async () => {
    await using home = await createHome();
    await home.put(sampleOf("junie"));
    await editConfig({ path: home.mover.configPath, clock: home.mover.clock, dryRun: false, changes: () => [{ path: ["mcpServers", "weather"], value: { command: "another" } }, { path: ["mcpServers", "docs"], value: { type: "http", url: "https://docs.example.com/mcp" } }] });
    await home.put(sampleOf("cline"));
    const done = await moveIn(sampleOf("cline"), home.mover);
    expect(done.ok && done.servers.map(({ name, as, fate }) => [name, as, fate])).toEqual([["weather", "weather-cline", "moves"], ["docs", "docs", "same"]]);
    await moveOut(home.mover);
    expect(Object.keys((await home.config()).mcpServers ?? {})).toEqual(["weather", "docs"]);
  });

  test("stay here when it is asked for, or when they are not what they were", async () => {
    await using home = await createHome();
    await home.put(sampleOf("cline"));
    await moveIn(sampleOf("cline"), home.mover);
    await editConfig({ path: home.mover.configPath, clock: home.mover.clock, dryRun: false, changes: () => [{ path: ["mcpServers", "docs", "tags"], value: ["mine"] }] });
    expect(await moveOut(home.mover, true)).toMatchObject({ removed: [], kept: [] });
    expect(await moveOut(home.mover)).toMatchObject({ removed: ["weather"], kept: ["docs"], backup: null });
    expect(Object.keys((await home.config()).mcpServers ?? {})).toEqual(["docs"]);
  });

  test("are left alone by a configuration that cannot be used", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    await editConfig({ path: home.mover.configPath, clock: home.mover.clock, dryRun: false, changes: () => [] });
    await writeFile(home.mover.configPath, "{ oops");
    expect(await moveIn(sampleOf("cline"), home.mover)).toMatchObject({ ok: false });
    expect([await bytesOf(path), await appBackups(home.mover.stateDir)]).toEqual([hexOf(sampleOf("cline")), []]);
  });

  test("that somebody else changed since are kept before the file is given back", async () => {
    await using home = await createHome();
    const path = await home.put(sampleOf("cline"));
    await moveIn(sampleOf("cline"), home.mover);
    await writeFile(path, '{"mcpServers": {"mine": {"command": "m"}}}');
    const restored = await moveOut(home.mover);
    expect([restored.isChanged, await bytesOf(path)]).toEqual([true, hexOf(sampleOf("cline"))]);
    if (restored.backup === null) throw new Error("none kept");
    await restoreApp(restored.backup, { keepsServers: true, dryRun: false }, home.mover);
    expect(await readFile(path, "utf8")).toBe('{"mcpServers": {"mine": {"command": "m"}}}');
  });
});

/** Every server is in the file, in our configuration, or in both; and what the file was can be had. */
async function assertNothingLost(home: Home, sample: Sample, path: string, servers: number): Promise<void> {
  const isOriginal = (await bytesOf(path)) === hexOf(sample);
  const here = Object.keys((await home.config()).mcpServers ?? {}).length;
  expect(isOriginal || here === servers).toBe(true);
  if (isOriginal) return;
  const { removed } = await restoreApp(await newest(home.mover), { keepsServers: true, dryRun: true }, home.mover);
  expect(removed).toEqual([]);
}

describe("a crash", () => {
  for (const [id, isBehind] of ["codex", "continue", "zed"].flatMap((one) => [[one, false], [one, true]] as const)) {
    const when = isBehind ? "right behind" : "before";
    test(`${when} any step of moving in loses nothing, and doing it again ends it: ${id}`, async () => {
      const { moveIn: steps, servers } = await stepsOf(sampleOf(id));
      expect(steps).toBeGreaterThan(4);
      for (let step = 0; step < steps; step += 1) await crashedIn(sampleOf(id), step, isBehind, servers);
    });

    test(`${when} any step of moving out loses nothing, and doing it again ends it: ${id}`, async () => {
      const { moveOut: steps, servers } = await stepsOf(sampleOf(id));
      expect(steps).toBeGreaterThan(4);
      for (let step = 0; step < steps; step += 1) await crashedOut(sampleOf(id), step, isBehind, servers);
    });
  }

  async function stepsOf(sample: Sample) {
    const [into, out] = [crashingDoor(-1, false), crashingDoor(-1, false)];
    await using home = await createHome();
    await home.put(sample);
    const done = await moveIn(sample, { ...home.mover, ...into });
    await moveOut({ ...home.mover, ...out });
    return { moveIn: into.steps(), moveOut: out.steps(), servers: done.ok ? done.servers.filter(({ as }) => as !== null).length : 0 };
  }

  async function crashedIn(sample: Sample, step: number, isBehind: boolean, servers: number): Promise<void> {
    await using home = await createHome();
    const path = await home.put(sample);
    await expect(moveIn(sample, { ...home.mover, ...crashingDoor(step, isBehind) })).rejects.toBeInstanceOf(Crash);
    await assertNothingLost(home, sample, path, servers);
    await moveIn(sample, home.mover);
    expect(Object.keys((await home.config()).mcpServers ?? {})).toHaveLength(servers);
    expect([...(await findApp(sample.application, home.mover)).servers.keys()]).toContain("1mcp");
    await moveOut(home.mover);
    expect(await bytesOf(path)).toBe(hexOf(sample));
    // Whatever of it had come in before the crash, it came from there.
    expect((await home.config()).mcpServers).toEqual({});
  }

  async function crashedOut(sample: Sample, step: number, isBehind: boolean, servers: number): Promise<void> {
    await using home = await createHome();
    const path = await home.put(sample);
    await moveIn(sample, home.mover);
    await expect(moveOut({ ...home.mover, ...crashingDoor(step, isBehind) })).rejects.toBeInstanceOf(Crash);
    await assertNothingLost(home, sample, path, servers);
    await moveOut(home.mover);
    expect([await bytesOf(path), (await home.config()).mcpServers]).toEqual([hexOf(sample), {}]);
  }
});

describe("one entry", () => {
  for (const { application, bytes } of [...samples.map((one) => ({ ...one, bytes: one.bytes as Uint8Array | null })), { application: sampleOf("qwen-code").application, bytes: null }]) {
    test(`is written${bytes === null ? " where there was no file" : ""}, and taken back byte for byte: ${application.id}`, async () => {
      await using home = await createHome();
      if (bytes !== null) await home.put({ application, bytes });
      const found = () => findApp(application, home.mover);
      const own = application.dialect.program(["/usr/bin/1mcp", "proxy"]);
      expect(await connectApp(await found(), own, true, home.mover)).toMatchObject({ id: "" });
      expect(await connectApp(await found(), own, false, home.mover)).not.toBe(null);
      expect([(await found()).isConnected, await connectApp(await found(), own, false, home.mover)]).toEqual([true, null]);
      await disconnectApp(await found(), false, home.mover);
      expect([await disconnectApp(await found(), false, home.mover), (await found()).file.bytes]).toEqual([null, bytes === null ? null : Buffer.from(bytes)]);
    });
  }

  test("is taken back alone where the file was changed since", async () => {
    await using home = await createHome();
    const sample = sampleOf("windsurf");
    const path = await home.put(sample);
    await connectApp(await findApp(sample.application, home.mover), ownOf(sample), false, home.mover);
    await writeFile(path, (await readFile(path, "utf8")).replace("memory", "remembers"));
    await disconnectApp(await findApp(sample.application, home.mover), false, home.mover);
    expect([...(await findApp(sample.application, home.mover)).servers.keys()]).toEqual(["figma", "remembers"]);
  });
});
