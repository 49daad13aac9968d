/**
 * Row 100 of the threat table: what is given out can be told from what somebody has changed. Whoever has the source makes
 * the same bytes of it, wherever he does that.
 */
import { expect, test } from "bun:test";
import { cp, open, realpath, symlink } from "node:fs/promises";
import { join } from "node:path";
import { cleanEnv, projectDir, temporaryDir } from "../fixtures/program.ts";

async function built(source: string, out: string): Promise<string> {
  const child = Bun.spawn([process.execPath, join(source, "build.ts"), "--out", out], { cwd: source, env: cleanEnv(), stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [said, code] = [await new Response(child.stderr).text(), await child.exited];
  if (code !== 0) throw new Error(said);
  return join(out, process.platform === "win32" ? "1mcp.exe" : "1mcp");
}

async function sumOf(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return hasher.digest("hex");
}

test("100: the same source makes the same bytes in any folder, and a byte that was changed is another sum", async () => {
  await using folder = await temporaryDir();
  const copies = await Promise.all(["one", "another"].map(async (name) => {
    const source = join(folder.path, name);
    for (const part of ["src", "release", "build.ts", "package.json", "tsconfig.json", "bunfig.toml"]) await cp(join(projectDir, part), join(source, part), { recursive: true });
    // What is linked is known by the way there, which is the same from both.
    await symlink(await realpath(join(projectDir, "node_modules")), join(source, "node_modules"));
    return source;
  }));
  const [here = "", there = ""] = [await built(copies[0] ?? "", join(folder.path, "first")), await built(copies[1] ?? "", join(folder.path, "second"))];
  const sum = await sumOf(here);
  expect(await sumOf(there)).toBe(sum);
  const file = await open(there, "r+");
  const byte = Buffer.alloc(1);
  const at = Math.floor(Bun.file(there).size / 2);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
  expect(await sumOf(there)).not.toBe(sum);
}, 60_000);
