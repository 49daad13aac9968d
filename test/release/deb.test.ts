/** The Debian package as Debian's own tools read it. Its life from installation to purge is part of the rehearsal. */
import { describe, expect, test } from "bun:test";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debOf, type Package, packagedUnit, packageOf, readScripts } from "../../release/deb.ts";
import { fileEntry } from "../../release/entry.ts";
import { runTool } from "../../release/tool.ts";
import { createFolder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

const scripts = await readScripts(projectDir);
const wanted: Package = {
  version: "1.2.3-rc.1",
  architecture: "amd64",
  executable: Buffer.from("#!/bin/sh\n"),
  parts: { manPage: ".TH 1MCP 1\n", completions: [fileEntry("zsh/site-functions/_1mcp", "#compdef 1mcp\n")], license: new Uint8Array(1), sbom: "{}", changelog: "" },
  epoch: 1e9,
  maintainer: "a <a@b.invalid>",
  scripts,
};

describe.skipIf(Bun.which("dpkg-deb") === null)("Debian's tools", () => {
  test("read the package, its fields, its scripts and its files, and find each with the sum that it says", async () => {
    await using folder = await createFolder();
    const path = folder.at(packageOf(wanted.version, wanted.architecture));
    await writeFile(path, debOf(wanted));
    const field = async (name: string): Promise<string> => (await runTool(["dpkg-deb", "--field", path, name], folder.path)).stdout.trim();
    // A candidate comes before what it is a candidate for.
    expect([await field("Package"), await field("Version"), await field("Architecture"), await field("Depends")]).toEqual(["1mcp", "1.2.3~rc.1", "amd64", "libc6 (>= 2.17), adduser"]);
    await mkdir(folder.at("out"));
    expect(await runTool(["dpkg-deb", "--raw-extract", path, folder.at("out")], folder.path)).toMatchObject({ code: 0, output: "" });
    expect(await runTool(["md5sum", "--check", "--quiet", "DEBIAN/md5sums"], folder.at("out"))).toMatchObject({ code: 0 });
    expect((await readFile(folder.at("out", "DEBIAN", "conffiles"), "utf8"))).toBe("/etc/1mcp/mcp.json\n");
    for (const name of Object.keys(scripts)) expect((await stat(folder.at("out", "DEBIAN", name))).mode & 0o777).toBe(0o755);
    expect(await readFile(folder.at("out", "usr", "share", "zsh", "vendor-completions", "_1mcp"), "utf8")).toBe("#compdef 1mcp\n");
    expect(await readFile(folder.at("out", "usr", "lib", "systemd", "system", "1mcp.service"), "utf8")).toBe(packagedUnit());
    expect((await runTool(["dpkg-deb", "--contents", path], folder.path)).stdout.split("\n").filter((line) => line !== "" && !/^\S+ root\/root /.test(line))).toEqual([]);
  });
});

test("a package has the same bytes each time, and others for another processor", () => {
  expect(Buffer.from(debOf(wanted)).equals(Buffer.from(debOf(wanted)))).toBe(true);
  expect(Buffer.from(debOf({ ...wanted, architecture: "arm64" })).equals(Buffer.from(debOf(wanted)))).toBe(false);
});

test("the maintainer's scripts are ones that every shell can read, and begin by stopping at the first failure", async () => {
  for (const [name, text] of Object.entries(scripts)) {
    expect(text).toMatch(/^#!\/bin\/sh\n(#.*\n)+set -e\n/);
    expect(await runTool(["sh", "-n", join(projectDir, "release", "debian", name)], projectDir)).toMatchObject({ code: 0, output: "" });
  }
});

test("the unit starts what the package holds, on every version of systemd that Debian has", () => {
  expect(packagedUnit()).toContain("\nExecStart=/usr/bin/1mcp serve --config /etc/1mcp/mcp.json --state-dir /var/lib/1mcp\n");
  expect(packagedUnit()).toContain("\nType=notify\n");
});
