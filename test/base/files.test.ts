import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolder } from "../fixtures/folder.ts";
import { createPrivateFile, ensurePrivateDir, Fault, makePrivate, moveFile, openPrivateLog, openToRead, readPrivateFile, readPrivateTail, removeFile, setAside, sizeBehind, tryWriting, writeFileAtomic } from "../../src/base/index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no fault", (error: unknown) => (error instanceof Fault ? error.code : error));

test("a file is opened to be read, a pipe that nobody writes to without waiting, and what is not there with the system's word", async () => {
  await writeFile(join(folder, "a"), "text");
  await using file = await openToRead(join(folder, "a"));
  expect(await file.readFile("utf8")).toBe("text");
  await expect(openToRead(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT" });
  if (process.platform === "win32") return;
  Bun.spawnSync(["mkfifo", join(folder, "pipe")]);
  await using pipe = await openToRead(join(folder, "pipe"));
  expect((await pipe.stat()).isFIFO()).toBe(true);
});

describe("the end of a private file", () => {
  test("begins with a line, and is refused where the whole would be", async () => {
    const path = join(folder, "lines");
    expect(await readPrivateTail(path, 10)).toBeNull();
    await writeFile(path, "first\nsecond\nthird\n", { mode: 0o600 });
    expect([await readPrivateTail(path, 100), await readPrivateTail(path, 10)]).toEqual(["first\nsecond\nthird\n", "third\n"]);
    await chmod(path, 0o640);
    expect(await codeOf(readPrivateTail(path, 10))).toBe("STATE_UNSAFE");
    await mkdir(join(folder, "dir"), { mode: 0o700 });
    expect(await codeOf(readPrivateTail(join(folder, "dir"), 10))).toBe("STATE_BROKEN");
  });
});

describe("an atomic write", () => {
  test("replaces the content and leaves no temporary file", async () => {
    const path = join(folder, "a.json");
    await writeFileAtomic(path, "one");
    await writeFileAtomic(path, new TextEncoder().encode("two"));
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(folder)).toEqual(["a.json"]);
  });

  test("is private unless told otherwise, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      await writeFileAtomic(join(folder, "private"), "x");
      await writeFileAtomic(join(folder, "shared"), "x", { mode: 0o644 });
    } finally {
      process.umask(before);
    }
    expect(await modeOf(join(folder, "private"))).toBe(0o600);
    expect(await modeOf(join(folder, "shared"))).toBe(0o644);
  });

  test("shows a reader the old content or the new, never a part", async () => {
    const path = join(folder, "busy");
    const contents = ["a", "b"].map((letter) => letter.repeat(200_000));
    await writeFileAtomic(path, contents[0] ?? "");
    const writing = (async () => {
      for (let round = 0; round < 20; round += 1) await writeFileAtomic(path, contents[round % 2] ?? "");
    })();
    const state = { done: false };
    void writing.then(() => (state.done = true));
    while (!state.done) expect(contents).toContain(await readFile(path, "utf8"));
    await writing;
  });

  test("that fails says so, keeps the old file and cleans up", async () => {
    const path = join(folder, "taken");
    await mkdir(join(path, "inner"), { recursive: true });
    expect(await codeOf(writeFileAtomic(path, "x"))).toBe("STATE_UNWRITABLE");
    expect(await readdir(folder)).toEqual(["taken"]);
    expect(await codeOf(writeFileAtomic(join(folder, "no", "such", "folder"), "x"))).toBe("STATE_UNWRITABLE");
  });
});

describe("making a private file", () => {
  test("makes it whole and private", async () => {
    expect(await createPrivateFile(join(folder, "key"), "k")).toBe(true);
    expect(await modeOf(join(folder, "key"))).toBe(0o600);
    expect(await readdir(folder)).toEqual(["key"]);
  });

  test("never replaces one: of many at once exactly one wins", async () => {
    const path = join(folder, "key");
    const made = await Promise.all(Array.from({ length: 10 }, (_, n) => createPrivateFile(path, `key ${n}`)));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, "utf8")).toBe(`key ${made.indexOf(true)}`);
    expect(await readdir(folder)).toEqual(["key"]);
  });

  test("says when it cannot", async () => {
    expect(await codeOf(createPrivateFile(join(folder, "no", "key"), "k"))).toBe("STATE_UNWRITABLE");
  });
});

describe("a private folder", () => {
  test("is made with its parents, for ourselves alone", async () => {
    const path = join(folder, "a", "b");
    await ensurePrivateDir(path);
    await ensurePrivateDir(path);
    expect(await modeOf(path)).toBe(0o700);
    expect(await modeOf(join(folder, "a"))).toBe(0o700);
  });

  test.each([0o750, 0o705, 0o777])("of mode %o is refused", async (mode) => {
    const path = join(folder, "loose");
    await mkdir(path);
    await chmod(path, mode);
    expect(await codeOf(ensurePrivateDir(path))).toBe("STATE_UNSAFE");
    expect(await modeOf(path)).toBe(mode);
  });

  test("cannot be made where a file is", async () => {
    const path = join(folder, "file");
    await writeFile(path, "x");
    expect(await codeOf(ensurePrivateDir(path))).toBe("STATE_UNWRITABLE");
    expect(await codeOf(ensurePrivateDir(join(path, "below")))).toBe("STATE_UNWRITABLE");
  });
});

describe("reading a private file", () => {
  const path = (): string => join(folder, "secret");

  test("gives its text, or null if there is none", async () => {
    expect(await readPrivateFile(path())).toBeNull();
    await createPrivateFile(path(), "text");
    expect(await readPrivateFile(path())).toBe("text");
  });

  test.each([0o640, 0o604, 0o660, 0o644])("refuses one of mode %o", async (mode) => {
    await createPrivateFile(path(), "text");
    await chmod(path(), mode);
    expect(await codeOf(readPrivateFile(path()))).toBe("STATE_UNSAFE");
  });

  test("refuses a symbolic link, also to a file that would do", async () => {
    await createPrivateFile(join(folder, "elsewhere"), "text");
    await symlink(join(folder, "elsewhere"), path());
    expect(await codeOf(readPrivateFile(path()))).toBe("STATE_UNSAFE");
  });

  test("refuses what is no file, without waiting for it", async () => {
    await mkdir(path(), { mode: 0o700 });
    expect(await codeOf(readPrivateFile(path()))).toBe("STATE_BROKEN");
    const pipe = join(folder, "pipe");
    expect(Bun.spawnSync(["mkfifo", "-m", "600", pipe]).exitCode).toBe(0);
    expect(await codeOf(readPrivateFile(pipe))).toBe("STATE_BROKEN");
  });

  test("refuses one that is too large", async () => {
    await createPrivateFile(path(), "12345");
    expect(await readPrivateFile(path(), { bytesMax: 5 })).toBe("12345");
    expect(await codeOf(readPrivateFile(path(), { bytesMax: 4 }))).toBe("STATE_BROKEN");
  });

  test("cannot look through a file as if it were a folder", async () => {
    await writeFile(path(), "x");
    expect(await codeOf(readPrivateFile(join(path(), "below")))).toBe("STATE_BROKEN");
  });

  test.skipIf(process.getuid?.() !== 0)("refuses one that belongs to another user", async () => {
    await createPrivateFile(path(), "text");
    expect(Bun.spawnSync(["chown", "65534", path()]).exitCode).toBe(0);
    expect(await codeOf(readPrivateFile(path()))).toBe("STATE_UNSAFE");
  });
});

test("a file is removed, also when it is gone already; what is no file is not", async () => {
  const path = join(folder, "a");
  await writeFileAtomic(path, "x");
  await removeFile(path);
  await removeFile(path);
  expect(await readdir(folder)).toEqual([]);
  expect(await codeOf(removeFile(folder))).toBe("STATE_UNWRITABLE");
});

describe("a private log", () => {
  const path = (): string => join(folder, "log");

  test("is added to by everybody who has it open, also after it was emptied, and what was in it is kept once", async () => {
    await using one = await openPrivateLog(path());
    await using other = await openPrivateLog(path());
    expect(await modeOf(path())).toBe(0o600);
    await one.write("a");
    await other.write("b");
    setAside(path(), `${path()}.1`);
    await one.write("c");
    setAside(path(), `${path()}.1`);
    await other.write("d");
    await one.write("e");
    expect([await readFile(path(), "utf8"), await readFile(`${path()}.1`, "utf8"), await modeOf(`${path()}.1`)]).toEqual(["de", "c", 0o600]);
  });

  test("is known by the descriptor that leads to it", async () => {
    await using log = await openPrivateLog(path());
    await log.write("abc");
    expect(sizeBehind(log.fd, path())).toBe(3);
    await writeFile(join(folder, "b"), "abc");
    expect([sizeBehind(log.fd, join(folder, "b")), sizeBehind(log.fd, join(folder, "none")), sizeBehind(999_999, path())]).toEqual([null, null, null]);
  });

  test("is emptied also where nothing can be kept of it", async () => {
    await writeFile(path(), "x");
    await mkdir(join(folder, "kept", "full"), { recursive: true });
    expect(() => setAside(path(), join(folder, "kept"))).toThrow("kept");
    expect(await readFile(path(), "utf8")).toBe("");
  });

  test("is not opened where others can read or write it, through a link, or as something else", async () => {
    await writeFile(path(), "x", { mode: 0o644 });
    expect(await codeOf(openPrivateLog(path()))).toBe("STATE_UNSAFE");
    await symlink(path(), join(folder, "link"));
    expect(await codeOf(openPrivateLog(join(folder, "link")))).toBe("STATE_UNSAFE");
    expect(await codeOf(openPrivateLog(folder))).toBe("STATE_UNWRITABLE");
  });
});

test("a file gets another name and takes the place of what had it", async () => {
  await writeFile(join(folder, "a"), "new");
  await writeFile(join(folder, "b"), "old");
  await moveFile(join(folder, "a"), join(folder, "b"));
  expect([await readdir(folder), await readFile(join(folder, "b"), "utf8")]).toEqual([["b"], "new"]);
  await expect(moveFile(join(folder, "a"), join(folder, "b"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
});

test.skipIf(process.platform === "win32")("what is open is closed to others, be it a file or a folder", async () => {
  const open = await mkdtemp(join(tmpdir(), "1mcp-test-"));
  await writeFile(join(open, "file"), "x");
  for (const [path, mode] of [[open, 0o755], [join(open, "file"), 0o664]] as const) await chmod(path, mode);
  await makePrivate(open);
  await makePrivate(join(open, "file"));
  expect([(await stat(open)).mode & 0o777, (await stat(join(open, "file"))).mode & 0o777]).toEqual([0o700, 0o600]);
  await expect(makePrivate(join(open, "none"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  await rm(open, { recursive: true });
});

test("a file that cannot be written is told with its name and the reason, whosever it is", async () => {
  await using folder = await createFolder();
  await expect(writeFileAtomic(folder.at("no", "mcp.json"), "{}")).rejects.toThrow(`a file or folder cannot be written (${folder.at("no", "mcp.json")}: no such file or directory)`);
});

test("whether there can be a file in a folder is tried, and nothing is left of it", async () => {
  await using folder = await createFolder();
  await tryWriting(folder.path);
  expect(await readdir(folder.path)).toEqual([]);
  await expect(tryWriting(folder.at("no"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
});
