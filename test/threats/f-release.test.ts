/** Row 100 of the threat table, a release that was tampered with: on a real executable, by the means that a user has. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compile } from "../../release/compile.ts";
import { lockedOf } from "../../release/lock.ts";
import { sbomOf } from "../../release/sbom.ts";
import { sumOf, sumsText } from "../../release/sums.ts";
import { runTool } from "../../release/tool.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { cleanEnv, projectDir } from "../fixtures/program.ts";

const name = "1mcp-linux-x64";
// The program's own code for this command and no other, so that it is built in a second; the rehearsal has all of it.
const program = `import { printVersion } from ${JSON.stringify(join(projectDir, "src", "cli", "verify.ts"))};
const [stdout, stderr] = [process.stdout, process.stderr];
process.exit(await printVersion({ settings: { verify: process.argv.at(-1) }, selfArgv: [process.execPath], stdout, stderr } as never));
`;

describe.skipIf(process.platform === "win32")("100: a release", () => {
  let folder: Folder;
  let good: string;
  const build = (dir: string): Promise<void> => compile({ entry: folder.at("entry.ts"), version: "1.2.3", top: projectDir }, join(dir, name));
  const locked = Bun.file(join(projectDir, "bun.lock")).text().then(lockedOf);
  const sbom = async (direct: readonly string[]): Promise<string> =>
    sbomOf({ version: "1.2.3", license: "Apache-2.0", epoch: 1e9, files: ["node_modules/hono/index.js"], locked: await locked, licenseOf: () => null, direct, runtimeVersion: Bun.version, executables: [] });
  const sumsOf = async (dir: string): Promise<string> => sumsText(await Promise.all([name, "sbom.cdx.json"].map(async (one) => sumOf(one, await readFile(join(dir, one))))));

  beforeAll(async () => {
    folder = await createFolder();
    good = folder.at("good");
    await mkdir(good);
    await writeFile(folder.at("entry.ts"), program);
    await build(good);
    await writeFile(join(good, "sbom.cdx.json"), await sbom(["hono"]));
    await writeFile(join(good, "SHA256SUMS"), await sumsOf(good));
    await runTool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.at("key")], folder.path);
    await runTool(["ssh-keygen", "-q", "-Y", "sign", "-f", folder.at("key"), "-n", "1mcp-release", join(good, "SHA256SUMS")], folder.path);
    await writeFile(folder.at("signers"), `release ${await readFile(folder.at("key.pub"), "utf8")}`);
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  /** A copy that somebody has had in his hands. */
  async function tampered(how: string, change: (dir: string) => Promise<void>): Promise<string> {
    const dir = folder.at(how);
    await mkdir(dir);
    for (const one of [name, "sbom.cdx.json", "SHA256SUMS", "SHA256SUMS.sig"]) await copyFile(join(good, one), join(dir, one));
    await change(dir);
    return dir;
  }
  /** What each of a user's means says of it: the sums by the system's tool, the same by the program, the signature of the sums. */
  async function verdicts(dir: string): Promise<{ sums: boolean; program: boolean; signature: boolean }> {
    const signed = Bun.spawn(["ssh-keygen", "-Y", "verify", "-f", folder.at("signers"), "-I", "release", "-n", "1mcp-release", "-s", join(dir, "SHA256SUMS.sig")], { stdin: Bun.file(join(dir, "SHA256SUMS")), stdout: "ignore", stderr: "ignore" });
    const [sums, program] = await Promise.all([runTool(Bun.which("sha256sum") === null ? ["shasum", "-a", "256", "--check", "SHA256SUMS"] : ["sha256sum", "--check", "SHA256SUMS"], dir), runTool([join(good, name), "version", "--verify", join(dir, "SHA256SUMS")], dir, cleanEnv())]);
    return { sums: sums.code === 0, program: program.code === 0, signature: (await signed.exited) === 0 };
  }

  test("as it was made passes", async () => {
    expect(await verdicts(good)).toEqual({ sums: true, program: true, signature: true });
  });

  test("with one bit of the executable changed fails, and the changed executable itself says so if it runs at all", async () => {
    const dir = await tampered("flipped", async (at) => {
      const bytes = await readFile(join(at, name));
      // In the last text that the executable holds, so that it still runs.
      const place = bytes.lastIndexOf("is as released");
      bytes[place] = bytes[place]! ^ 1;
      await writeFile(join(at, name), bytes);
    });
    expect(await verdicts(dir)).toEqual({ sums: false, program: false, signature: true });
    expect(await runTool([join(dir, name), "version", "--verify", join(dir, "SHA256SUMS")], dir, cleanEnv())).not.toMatchObject({ code: 0 });
  });

  test("with another bill of materials fails", async () => {
    const dir = await tampered("swapped", async (at) => writeFile(join(at, "sbom.cdx.json"), await sbom([])));
    expect(await verdicts(dir)).toEqual({ sums: false, program: false, signature: true });
  });

  test("with another bill of materials and sums that fit it fails by its signature", async () => {
    const dir = await tampered("resummed", async (at) => {
      await writeFile(join(at, "sbom.cdx.json"), await sbom([]));
      await writeFile(join(at, "SHA256SUMS"), await sumsOf(at));
    });
    expect(await verdicts(dir)).toEqual({ sums: true, program: true, signature: false });
  });

  test("that is built again elsewhere has the same bytes", async () => {
    await mkdir(folder.at("another", "place"), { recursive: true });
    await build(folder.at("another", "place"));
    expect(sumOf(name, await readFile(folder.at("another", "place", name))).digest).toBe(sumOf(name, await readFile(join(good, name))).digest);
  });
});
