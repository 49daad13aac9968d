import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { place, privately, socketPathOf } from "../../src/front/socket.ts";
import { createFolder } from "../fixtures/folder.ts";

const listen = (unix: string) => Bun.serve({ unix, fetch: () => new Response(unix) });
const ask = async (unix: string): Promise<string> => (await fetch("http://x/", { unix })).text();

test("a socket lies in its folder, and where its path would be too long in a private folder of its own", () => {
  expect(socketPathOf("/state", "a.sock")).toBe("/state/a.sock");
  const long = `/${"long/".repeat(30)}`;
  const other = socketPathOf(long, "a.sock");
  expect(other).toStartWith(join(tmpdir(), "1mcp-"));
  expect(Buffer.byteLength(other)).toBeLessThan(104);
  expect(socketPathOf(long, "a.sock")).toBe(other);
  expect(socketPathOf(`${long}x`, "a.sock")).not.toBe(other);
});

test("a socket takes the place of what a dead server left, is its owner's alone, and goes with its server", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "s", "a.sock");
  const { server, remove } = await place(path, listen);
  expect([(await stat(path)).mode & 0o077, (await stat(join(folder.path, "s"))).mode & 0o077]).toEqual([0, 0]);
  expect(await ask(path)).toContain("a.sock");
  await server.stop(true);
  // Nobody took it away: it is what a killed server leaves.
  expect(existsSync(path)).toBe(true);
  await expect(ask(path)).rejects.toThrow();
  const second = await place(path, listen);
  expect(await ask(path)).toContain("a.sock");
  // The first one's end is none of the second's.
  await remove();
  expect(await ask(path)).toContain("a.sock");
  await second.server.stop(true);
  await second.remove();
  await second.remove();
  expect(existsSync(path)).toBe(false);
});

test("the umask is as it was, also where listening fails, and a folder that others can open is refused", async () => {
  const before = process.umask();
  expect(() =>
    privately(() => {
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(process.umask()).toBe(before);
  await expect(place(join(tmpdir(), "a.sock"), listen)).rejects.toMatchObject({ code: "STATE_UNSAFE" });
  await using folder = await createFolder();
  await writeFile(join(folder.path, "a.sock"), "a file");
  const placed = await place(join(folder.path, "a.sock"), listen);
  expect(await ask(placed.path)).toContain("a.sock");
  await placed.server.stop(true);
});

test("a place that cannot be taken leaves nothing behind that listens", async () => {
  await using folder = await createFolder();
  await mkdir(join(folder.path, "a.sock"));
  let stopped = 0;
  const make = (unix: string) => {
    const server = listen(unix);
    return { stop: async () => ((stopped += 1), server.stop(true)) };
  };
  await expect(place(join(folder.path, "a.sock"), make)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  expect([stopped, await readdir(folder.path)]).toEqual([1, ["a.sock"]]);
});
