/** The install script, run as people run it, against a file server of this computer: what it puts where, what it refuses, how it is undone. */
import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileEntry, gzipped } from "../../release/entry.ts";
import { installScriptOf } from "../../release/installScript.ts";
import { archiveEntries, type Parts } from "../../release/parts.ts";
import { archiveOf, folderOf, isWindows, platforms } from "../../release/platforms.ts";
import { type Sum, sumOf } from "../../release/sums.ts";
import { tarOf } from "../../release/tar.ts";
import { runTool } from "../../release/tool.ts";
import { createFolder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

const version = "1.2.3";
const parts: Parts = { manPage: ".TH 1MCP 1\n", completions: [fileEntry("bash-completion/completions/1mcp", "complete\n")], license: new Uint8Array(1), sbom: "{}", changelog: "" };

/** A release of a program that writes down that it was run, on a server that can be made to lie. */
async function published(change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) {
  const folder = await createFolder();
  const files = new Map<string, Uint8Array>();
  const sums: Sum[] = [];
  for (const platform of platforms.filter((one) => !isWindows(one))) {
    const program = fileEntry("1mcp", `#!/bin/sh\n: >"${folder.at("was-run")}"\necho ${platform.name}\n`, 0o755);
    const archive = gzipped(tarOf(archiveEntries(folderOf(platform, version), program, parts), 1e9));
    sums.push(sumOf(archiveOf(platform, version), archive));
    files.set(`/d/${archiveOf(platform, version)}`, change(archive));
  }
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      const { pathname } = new URL(url);
      asked.push(pathname);
      const found = files.get(pathname);
      return found === undefined ? new Response("no", { status: 404 }) : new Response(new Uint8Array(found));
    },
  });
  const url = `http://127.0.0.1:${server.port}/d`;
  await writeFile(folder.at("install.sh"), await installScriptOf(projectDir, { version, url, sums }));
  await mkdir(folder.at("home dir"));
  return {
    folder,
    asked,
    url,
    home: folder.at("home dir"),
    install: (args: readonly string[] = [], env: Record<string, string> = {}) => runTool(["sh", folder.at("install.sh"), ...args], folder.path, { PATH: "/usr/bin:/bin", HOME: folder.at("home dir"), ...env }),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await folder[Symbol.asyncDispose]();
    },
  };
}

const below = async (folder: string): Promise<string[]> => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name).slice(folder.length + 1)).sort();

describe.skipIf(process.platform === "win32")("the install script", () => {
  test("puts the program of this platform, its manual and completions below the user's own folder, runs nothing, and says how to undo it", async () => {
    await using release = await published();
    const ran = await release.install();
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`1mcp ${version} is now ${release.home}/.local/bin/1mcp`);
    expect(ran.stdout).toContain("is not in your PATH");
    expect(await below(release.home)).toEqual([".local/bin/1mcp", ".local/share/1mcp/installed", ".local/share/bash-completion/completions/1mcp", ".local/share/man/man1/1mcp.1"]);
    expect(await Bun.file(release.folder.at("was-run")).exists()).toBe(false);
    const said = (await runTool([join(release.home, ".local", "bin", "1mcp")], release.home)).stdout.trim();
    expect(release.asked).toEqual([`/d/${archiveOf({ name: said }, version)}`]);
    const undo = /To undo: {2}(.*)/.exec(ran.stdout)?.[1] ?? "false";
    expect(await runTool(["sh", "-c", undo], release.home)).toMatchObject({ code: 0, output: "" });
    expect(await below(release.home)).toEqual([]);
  });

  test("takes away what it put there, twice installed or once, and nothing else", async () => {
    await using release = await published();
    const prefix = release.folder.at("a $(prefix) 'of one's own'");
    await release.install(["--prefix", prefix.replaceAll("'", "")]);
    const place = prefix.replaceAll("'", "");
    await writeFile(join(place, "bin", "other"), "");
    expect((await release.install([], { ONE_MCP_PREFIX: place, PATH: `/usr/bin:/bin:${place}/bin` })).stdout).not.toContain("is not in your PATH");
    expect(await release.install(["--uninstall", "--prefix", place])).toMatchObject({ code: 0 });
    expect(await below(place)).toEqual(["bin/other"]);
    expect(await release.install(["--uninstall", "--prefix", place])).toMatchObject({ code: 1, output: expect.stringContaining("nothing was installed") });
  });

  test("installs nothing, and unpacks nothing, of an archive in which a single bit is another", async () => {
    await using release = await published((bytes) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1));
    expect(await release.install()).toMatchObject({ code: 1, stdout: "", output: expect.stringContaining("nothing is installed") });
    expect(await below(release.home)).toEqual([]);
    expect(await Bun.file(release.folder.at("was-run")).exists()).toBe(false);
  });

  test("does nothing where it was cut off on its way, the archive is not there, or nothing can check it", async () => {
    await using release = await published();
    const script = await readFile(release.folder.at("install.sh"), "utf8");
    await writeFile(release.folder.at("cut.sh"), script.slice(0, script.lastIndexOf("main")));
    expect(await runTool(["sh", release.folder.at("cut.sh")], release.home, { PATH: "/usr/bin:/bin", HOME: release.home })).toMatchObject({ code: 0, output: "" });
    expect(await release.install(["--from", `${release.url}/none`])).toMatchObject({ code: 1, output: expect.stringContaining("could not be fetched") });
    expect(await release.install(["--elsewhere"])).toMatchObject({ code: 2 });
    expect(await release.install(["--prefix", "relative"])).toMatchObject({ code: 2 });
    await mkdir(release.folder.at("tools"));
    for (const tool of ["sh", "uname", "grep", "ldd", "mktemp", "curl", "rm", "cut", "tar", "cat"]) {
      const path = Bun.which(tool);
      if (path !== null) await writeFile(release.folder.at("tools", tool), `#!/bin/sh\nexec ${path} "$@"\n`, { mode: 0o755 });
    }
    expect(await release.install([], { PATH: release.folder.at("tools") })).toMatchObject({ code: 1, output: expect.stringContaining("nothing is installed") });
    expect(await below(release.home)).toEqual([]);
  });

  test("is not made with an address that a shell would take for more", async () => {
    await expect(installScriptOf(projectDir, { version, url: "http://a/'; rm -rf ~; '", sums: [] })).rejects.toThrow("no address");
  });
});
