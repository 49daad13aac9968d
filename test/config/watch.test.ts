import { expect, test } from "bun:test";
import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { systemClock } from "../../src/base/index.ts";
import { type ConfigWatch, type Loaded, loadConfig, watchConfig } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";

interface Watched extends AsyncDisposable {
  readonly watch: ConfigWatch;
  /** The next change that is reported. */
  next(): Promise<Loaded>;
  readonly seen: Loaded[];
}

// A real watcher on real files; the clock is real too, since the events come when they come.
async function watched(path: string, quietMs = 20): Promise<Watched> {
  const load = () => loadConfig({ path, env: {} });
  const seen: Loaded[] = [];
  const waiting: ((loaded: Loaded) => void)[] = [];
  const watch = await watchConfig({
    path,
    quietMs,
    clock: systemClock,
    hash: (await load()).hash,
    load,
    onChange(loaded) {
      seen.push(loaded);
      waiting.shift()?.(loaded);
    },
  });
  const next = () => new Promise<Loaded>((resolve) => void waiting.push(resolve));
  return { watch, next, seen, [Symbol.asyncDispose]: async () => watch.close() };
}

const port = (loaded: Loaded): number | null => (loaded.ok ? loaded.config.port : -1);

test("a folder in the file's place, or a pipe, is refused, and the file is noticed when it is there again", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await mkdir(path);
  await using one = await watched(path);
  const next = one.next();
  await rename(path, folder.at("aside"));
  await writeFile(path, "{}");
  expect((await next).ok).toBe(true);
  if (process.platform === "win32") return;
  const piped = one.next();
  Bun.spawnSync(["mkfifo", folder.at("pipe")]);
  await rename(folder.at("pipe"), path);
  expect(await piped).toMatchObject({ ok: false, issues: [{ message: "this is no file" }] });
  const looping = one.next();
  await symlink("mcp.json", folder.at("loop"));
  await rename(folder.at("loop"), path);
  // Nothing could be read before either, but for another reason.
  expect(await looping).toMatchObject({ ok: false, issues: [{ message: "the file cannot be read (ELOOP)" }] });
  const back = one.next();
  await writeFile(folder.at("new"), "{ }");
  await rename(folder.at("new"), path);
  expect((await back).ok).toBe(true);
});

test("every way of writing a file is noticed, again and again", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{"port": 1}');
  await using config = await watched(path);
  let next = config.next();
  await writeFile(path, '{"port": 2}');
  expect(port(await next)).toBe(2);
  for (const value of [3, 4, 5]) {
    next = config.next();
    await writeFile(folder.at("new.tmp"), `{"port": ${value}}`);
    await rename(folder.at("new.tmp"), path);
    expect(port(await next)).toBe(value);
  }
});

test("a file that is gone, or empty, is reported as an issue; when it is back it counts again", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{"port": 1}');
  await using config = await watched(path);
  let next = config.next();
  await rm(path);
  expect(await next).toMatchObject({ ok: false, hash: null, issues: [{ message: "the file does not exist" }] });
  next = config.next();
  await writeFile(path, "");
  expect(await next).toMatchObject({ ok: false, issues: [{ message: "the file is empty" }] });
  next = config.next();
  await writeFile(path, '{"port": 1}');
  expect(port(await next)).toBe(1);
});

test("the same content again is no change, and other files in the folder are none of our business", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{"port": 1}');
  await using config = await watched(path);
  await writeFile(path, '{"port": 1}');
  await config.watch.poke();
  await writeFile(folder.at("mcp.json.backup.1"), '{"port": 9}');
  await config.watch.poke();
  expect(config.seen).toEqual([]);
  const next = config.next();
  await writeFile(path, '{"port": 2}');
  expect(port(await next)).toBe(2);
  expect(config.seen.length).toBe(1);
});

test("the .env file beside the configuration counts as part of it", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{"mcpServers": {"a": {"command": "${PROGRAM}"}}}');
  await using config = await watched(path);
  const next = config.next();
  await writeFile(folder.at(".env"), "PROGRAM=uvx\n");
  const loaded = await next;
  expect(loaded.ok && loaded.config.backends[0]).toMatchObject({ command: "uvx", issue: null });
});

test("a symbolic link is followed: its target's changes count, and so does its exchange", async () => {
  await using folder = await createFolder();
  await mkdir(folder.at("real"));
  await mkdir(folder.at("home"));
  await writeFile(folder.at("real", "one.json"), '{"port": 1}');
  await writeFile(folder.at("real", "two.json"), '{"port": 20}');
  const path = folder.at("home", "mcp.json");
  await symlink("../real/one.json", path);
  await using config = await watched(path);
  let next = config.next();
  await writeFile(folder.at("real", "one.json"), '{"port": 2}');
  expect(port(await next)).toBe(2);
  next = config.next();
  await symlink(folder.at("real", "two.json"), folder.at("home", "link.tmp"));
  await rename(folder.at("home", "link.tmp"), path);
  expect(port(await next)).toBe(20);
  next = config.next();
  await writeFile(folder.at("real", "two.json"), '{"port": 21}');
  expect(port(await next)).toBe(21);
});

test("a mounted volume that swaps its data folder is noticed each time", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  const swapTo = async (name: string, text: string) => {
    await mkdir(folder.at(name));
    await writeFile(folder.at(name, "mcp.json"), text);
    await symlink(name, folder.at("..data_tmp"));
    await rename(folder.at("..data_tmp"), folder.at("..data"));
  };
  await swapTo("..2026_1", '{"port": 1}');
  await symlink("..data/mcp.json", path);
  await using config = await watched(path);
  for (const value of [2, 3]) {
    const next = config.next();
    await swapTo(`..2026_${value}`, `{"port": ${value}}`);
    expect(port(await next)).toBe(value);
  }
});

test("a folder that does not exist yet is waited for", async () => {
  await using folder = await createFolder();
  const path = folder.at("config", "1mcp", "mcp.json");
  await using config = await watched(path);
  let next = config.next();
  await mkdir(folder.at("config", "1mcp"), { recursive: true });
  // Still no file: nothing to report.
  await config.watch.poke();
  expect(config.seen).toEqual([]);
  await writeFile(path, '{"port": 7}');
  expect(port(await next)).toBe(7);
  next = config.next();
  await rm(folder.at("config"), { recursive: true });
  expect(port(await next)).toBe(-1);
  next = config.next();
  await mkdir(folder.at("config", "1mcp"), { recursive: true });
  await writeFile(path, '{"port": 8}');
  expect(port(await next)).toBe(8);
});

test("a folder that is removed and made again at once is still watched", async () => {
  await using folder = await createFolder();
  const path = folder.at("1mcp", "mcp.json");
  await mkdir(folder.at("1mcp"));
  await writeFile(path, '{"port": 1}');
  await using config = await watched(path);
  let next = config.next();
  await rename(folder.at("1mcp"), folder.at("old"));
  await mkdir(folder.at("1mcp"));
  await writeFile(path, '{"port": 2}');
  // The old folder's watch need not tell of a rename of itself.
  await config.watch.poke();
  expect(port(await next)).toBe(2);
  next = config.next();
  await writeFile(path, '{"port": 3}');
  expect(port(await next)).toBe(3);
});

test("a folder that is made anew in the place of a removed one, inode and all, is still watched", async () => {
  await using folder = await createFolder();
  const path = folder.at("1mcp", "mcp.json");
  await mkdir(folder.at("1mcp"));
  await writeFile(path, '{"port": 1}');
  await using config = await watched(path);
  for (const value of [2, 4]) {
    let next = config.next();
    await rm(folder.at("1mcp"), { recursive: true });
    await mkdir(folder.at("1mcp"));
    await writeFile(path, `{"port": ${value}}`);
    expect(port(await next)).toBe(value);
    next = config.next();
    await writeFile(path, `{"port": ${value + 1}}`);
    expect(port(await next)).toBe(value + 1);
  }
});

test("a folder that another one takes the place of is noticed by itself", async () => {
  await using folder = await createFolder();
  const path = folder.at("1mcp", "mcp.json");
  await mkdir(folder.at("1mcp"));
  await writeFile(path, '{"port": 1}');
  await using config = await watched(path);
  for (const value of [2, 3]) {
    const next = config.next();
    await mkdir(folder.at("new"));
    await writeFile(folder.at("new", "mcp.json"), `{"port": ${value}}`);
    await rename(folder.at("1mcp"), folder.at(`old${value}`));
    await rename(folder.at("new"), folder.at("1mcp"));
    expect(port(await next)).toBe(value);
  }
});

test("a link among the folders on the way is followed, each time that it is exchanged", async () => {
  await using folder = await createFolder();
  const path = folder.at("current", "etc", "mcp.json");
  for (const value of [1, 2, 3]) {
    await mkdir(folder.at(`release${value}`, "etc"), { recursive: true });
    await writeFile(folder.at(`release${value}`, "etc", "mcp.json"), `{"port": ${value}}`);
  }
  await symlink("release1", folder.at("current"));
  await using config = await watched(path);
  for (const value of [2, 3]) {
    const next = config.next();
    await symlink(`release${value}`, folder.at("link.tmp"));
    await rename(folder.at("link.tmp"), folder.at("current"));
    expect(port(await next)).toBe(value);
  }
  const next = config.next();
  await writeFile(folder.at("release3", "etc", "mcp.json"), '{"port": 4}');
  expect(port(await next)).toBe(4);
});

test("the .env file may be a link as well", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await mkdir(folder.at("secret"));
  await writeFile(folder.at("secret", "env"), "PROGRAM=one\n");
  await symlink(folder.at("secret", "env"), folder.at(".env"));
  await writeFile(path, '{"mcpServers": {"a": {"command": "${PROGRAM}"}}}');
  await using config = await watched(path);
  const next = config.next();
  await writeFile(folder.at("secret", "env"), "PROGRAM=two\n");
  const loaded = await next;
  expect(loaded.ok && loaded.config.backends[0]).toMatchObject({ command: "two" });
});

test("what was written after the one in use was read, and before anybody watched, counts too", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{"port": 1}');
  const load = () => loadConfig({ path, env: {} });
  const { hash } = await load();
  await writeFile(path, '{"port": 2}');
  const changed = Promise.withResolvers<Loaded>();
  const clock = createTestClock();
  const watch = await watchConfig({ path, quietMs: 20, clock, hash, load, onChange: changed.resolve });
  await clock.advance(20);
  expect(port(await changed.promise)).toBe(2);
  watch.close();
});

test("while writes go on nothing is read, but a file that never rests is read all the same", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, "{}");
  const hand = createTestClock();
  const loaded = Promise.withResolvers<number>();
  let waits = 0;
  let isFirst = true;
  // Time moves by 20 of 100 ms each time somebody asks for it, which each event does.
  const clock = {
    random: hand.random,
    now: () => (setImmediate(() => void hand.advance(20)), hand.now()),
    timer: (ms: number, run: () => void) => ((waits += 1), hand.timer(ms, run)),
  };
  const watch = await watchConfig({
    path,
    quietMs: 100,
    clock,
    hash: null,
    load: async () => {
      if (!isFirst) loaded.resolve(hand.now());
      return { ok: false, issues: [], hash: "new" };
    },
    onChange: () => undefined,
  });
  await watch.poke();
  isFirst = false;
  const start = hand.now();
  let resting = false;
  const writer = (async () => {
    for (let write = 0; !resting; write += 1) await writeFile(path, `{"port": ${write}}`);
  })();
  const readAfterMs = (await loaded.promise) - start;
  resting = true;
  await writer;
  watch.close();
  expect(waits).toBeGreaterThan(10);
  expect(readAfterMs).toBeGreaterThanOrEqual(1000);
  expect(readAfterMs).toBeLessThanOrEqual(1200);
});

test("a closed watch looks no more, and closing twice is fine", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, "{}");
  await using config = await watched(path);
  config.watch.close();
  config.watch.close();
  await writeFile(path, '{"port": 2}');
  await config.watch.poke();
  expect(config.seen).toEqual([]);
});

test("where the system gives no watch the file is looked at now and then", async () => {
  await using folder = await createFolder();
  const path = folder.at("closed", "mcp.json");
  await mkdir(folder.at("closed"));
  await chmod(folder.path, 0o711);
  // Who may pass through a folder but not read it can have no watch on it.
  await chmod(folder.at("closed"), 0o311);
  using _nobody = asNobody();
  const clock = createTestClock();
  const looked = Promise.withResolvers<void>();
  let isFirst = true;
  const watch = await watchConfig({
    path,
    quietMs: 10,
    clock,
    hash: null,
    load: async () => (isFirst || looked.resolve(), { ok: false, issues: [], hash: "x" }),
    onChange: () => undefined,
  });
  await watch.poke();
  isFirst = false;
  await clock.advance(5_000);
  await looked.promise;
  watch.close();
});

/** Nobody is refused anything while root. */
function asNobody(): Disposable {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  return { [Symbol.dispose]: () => (isRoot ? process.seteuid?.(0) : undefined) };
}
