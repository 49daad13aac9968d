/** The archives that are written here are read by the tools that people have, and their bytes depend on their entries alone. */
import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { arOf } from "../../release/ar.ts";
import { type Entry, fileEntry, gzipped, inOrder } from "../../release/entry.ts";
import { tarOf } from "../../release/tar.ts";
import { runTool } from "../../release/tool.ts";
import { zipOf } from "../../release/zip.ts";
import { createFolder } from "../fixtures/folder.ts";

const epoch = Date.UTC(2026, 1, 3, 4, 5, 6) / 1000;
const entries: readonly Entry[] = [fileEntry("a/run", "#!/bin/sh\n", 0o755), fileEntry("a/b/text", "text\n"), fileEntry("a/empty", ""), fileEntry(`a/${"long/".repeat(30)}name`, new Uint8Array(700).fill(7))];

/** Every file below a folder, with its mode and bytes. */
async function below(folder: string): Promise<[string, number, string][]> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const all = await Promise.all(found.map(async (one): Promise<[string, number, string]> => {
    const path = join(one.parentPath, one.name);
    return [path.slice(folder.length + 1), (await stat(path)).mode & 0o777, (await readFile(path)).toString("hex")];
  }));
  return all.sort(([a], [b]) => (a < b ? -1 : 1));
}
const wanted = entries.map(({ path, mode, bytes }): [string, number, string] => [path, mode, Buffer.from(bytes ?? []).toString("hex")]).sort(([a], [b]) => (a < b ? -1 : 1));

/** What a zip archive holds, read from its end as readers do (APPNOTE 4.3): the directory, and for each row of it what lies there. */
function unzipped(zip: Buffer): [string, number, string][] {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06"));
  let at = zip.readUInt32LE(end + 16);
  return Array.from({ length: zip.readUInt16LE(end + 10) }, (): [string, number, string] => {
    const [packed, nameLength, local] = [zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28), zip.readUInt32LE(at + 42)];
    const [name, mode, sum] = [zip.toString("utf8", at + 46, at + 46 + nameLength), (zip.readUInt32LE(at + 38) >>> 16) & 0o777, zip.readUInt32LE(at + 16)];
    at += 46 + nameLength;
    expect([zip.toString("latin1", local, local + 4), zip.toString("utf8", local + 30, local + 30 + nameLength)]).toEqual(["PK\x03\x04", name]);
    const bytes = inflateRawSync(zip.subarray(local + 30 + nameLength, local + 30 + nameLength + packed));
    expect(crc32(bytes)).toBe(sum);
    return [name, mode, bytes.toString("hex")];
  });
}

describe("an archive", () => {
  test("is unpacked by tar, with modes, owners and times as they were decided here", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("a.tar.gz"), gzipped(tarOf(entries, epoch)));
    await mkdir(folder.at("out"));
    expect(await runTool(["tar", "xzpf", folder.at("a.tar.gz"), "-C", folder.at("out")], folder.path)).toMatchObject({ code: 0, output: "" });
    expect(await below(folder.at("out"))).toEqual(wanted);
    for (const { path } of entries) expect((await stat(folder.at("out", path))).mtimeMs).toBe(epoch * 1000);
    // How a listing looks is every system's own affair; what is listed stands in the bytes.
    const [mode, uid, gid] = [100, 108, 116].map((at) => Buffer.from(tarOf(entries, epoch)).toString("latin1", at, at + 7));
    expect([mode, uid, gid]).toEqual(["0000755", "0000000", "0000000"]);
  });

  test("is a zip archive as its format has it, and is unpacked by unzip where there is one", async () => {
    expect(unzipped(Buffer.from(zipOf(entries, epoch))).sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(wanted);
    const tool = Bun.which("unzip");
    if (tool === null) return;
    await using folder = await createFolder();
    await writeFile(folder.at("a.zip"), zipOf(entries, epoch));
    expect(await runTool([tool, "-q", "a.zip", "-d", "out"], folder.path)).toMatchObject({ code: 0, output: "" });
    expect(await below(folder.at("out"))).toEqual(wanted);
  });

  test("of the kind ar reads has its members in the order given, odd lengths too", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("a.ar"), arOf([{ name: "b", bytes: Buffer.from("odd") }, { name: "a", bytes: Buffer.from("even") }], epoch));
    const text = await readFile(folder.at("a.ar"), "latin1");
    expect(text).toBe(`!<arch>\n${`b               ${epoch}  0     0     100644  3         \`\nodd\n`}${`a               ${epoch}  0     0     100644  4         \`\neven`}`);
    const tool = Bun.which("ar");
    if (tool !== null) expect((await runTool([tool, "t", "a.ar"], folder.path)).stdout).toBe("b\na\n");
  });

  test("has the same bytes in whatever order its entries come", () => {
    const name = fc.stringMatching(/^[a-z]{1,8}(\/[a-zé]{1,8}){0,3}$/);
    const files = fc.uniqueArray(fc.record({ path: name.map((path) => `d/${path}.f`), bytes: fc.uint8Array({ maxLength: 600 }), mode: fc.constantFrom(0o644, 0o755) }), { selector: ({ path }) => path, maxLength: 8 });
    fc.assert(
      fc.property(files, (some) => {
        for (const pack of [tarOf, zipOf]) expect(Buffer.from(pack(some.toReversed(), epoch)).equals(Buffer.from(pack(some, epoch)))).toBe(true);
      }),
    );
  });

  test("has each folder before what lies in it", () => {
    expect(inOrder([fileEntry("b/c/d", ""), fileEntry("a", ""), fileEntry("b-c", "")]).map(({ path }) => path)).toEqual(["a", "b", "b-c", "b/c", "b/c/d"]);
  });

  test("that cannot hold a path says so", () => {
    expect(() => tarOf([fileEntry("x".repeat(101), "")], epoch)).toThrow("too long");
  });

  test("keeps nothing of who made it, or when", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("file"), "text");
    await chmod(folder.at("file"), 0o600);
    const made = gzipped(tarOf([fileEntry("file", await readFile(folder.at("file")))], epoch));
    // RFC 1952: no name, no time, no system.
    expect([...made.slice(3, 10)]).toEqual([0, 0, 0, 0, 0, made[8]!, 0xff]);
  });
});
