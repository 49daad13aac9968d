import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { run } from "../../src/cli/index.ts";
import { parseSums } from "../../src/cli/verify.ts";
import { version } from "../../src/cli/version.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";

const digest = (text: string): string => Bun.SHA256.hash(text, "hex");

/** `version --verify` of an executable that lies beside its list. */
async function verified(folder: string, executable = join(folder, "1mcp-linux-x64")): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [keptOutput(), keptOutput()];
  const argv = ["version", "--verify", join(folder, "SHA256SUMS")];
  const code = await run({ argv, env: {}, stdout, stderr, signals: process, pipes: () => Promise.reject(new Error("no pipes")) as never, clock: null, selfArgv: [executable] });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

async function released() {
  const folder = await createFolder();
  await writeFile(join(folder.path, "1mcp-linux-x64"), "program");
  await writeFile(join(folder.path, "sbom.cdx.json"), "bill");
  await writeFile(join(folder.path, "SHA256SUMS"), `${digest("program")}  1mcp-linux-x64\n${digest("elsewhere")}  1mcp-darwin-x64\n${digest("bill")}  sbom.cdx.json\n`);
  return folder;
}

describe("version", () => {
  test("prints the version, as the flag does", async () => {
    expect(await runHere(["version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("--verify says what this executable is, and that what lies beside the list is as released", async () => {
    await using folder = await released();
    const path = join(folder.path, "1mcp-linux-x64");
    expect(await verified(folder.path)).toEqual({ code: 0, stdout: `${version}\n${path} is 1mcp-linux-x64\n1mcp-linux-x64 is as released\nsbom.cdx.json is as released\n`, stderr: "" });
  });

  test("--verify fails by name for an executable or a file that was changed", async () => {
    await using folder = await released();
    await writeFile(join(folder.path, "sbom.cdx.json"), "Bill");
    expect(await verified(folder.path)).toMatchObject({ code: 1, stderr: `sbom.cdx.json is not as released: SHA-256 ${digest("Bill")}\n` });
    const other = join(folder.path, "other");
    await writeFile(other, "programme");
    const { code, stderr } = await verified(folder.path, other);
    expect(code).toBe(1);
    expect(stderr).toContain(`${other} is none of ${join(folder.path, "SHA256SUMS")}`);
  });

  test("--verify takes no list that is not one, and needs an executable", async () => {
    await using folder = await released();
    expect(await runHere(["version", "--verify", join(folder.path, "SHA256SUMS")])).toMatchObject({ code: 2, stderr: expect.stringContaining("runs from source") });
    for (const text of ["", "no list\n", `${digest("a")}  ../a\n`, `${digest("a")}  a\n${digest("b")}  a\n`]) {
      await writeFile(join(folder.path, "SHA256SUMS"), text);
      expect(await verified(folder.path)).toMatchObject({ code: 2, stderr: expect.stringContaining("no list of SHA-256 checksums") });
    }
  });
});

test("a list of checksums is read as sha256sum writes it, and no text makes the reading fail", () => {
  const name = fc.stringMatching(/^[\w+~-][\w.+~-]*$/);
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(name, fc.string().map(digest)), { selector: ([one]) => one, minLength: 1 }), (rows) => expect([...(parseSums(rows.map(([one, sum]) => `${sum}  ${one}\n`).join("")) ?? [])]).toEqual(rows)));
  fc.assert(fc.property(fc.string(), (text) => expect(parseSums(text)).toBeNull()));
});
