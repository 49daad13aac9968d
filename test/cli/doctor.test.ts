import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createFolder } from "../fixtures/folder.ts";
import { shell } from "../fixtures/shell.ts";

describe.skipIf(process.platform === "win32")("doctor", () => {
  test("says what is wrong and what mends it, mends what it can, and is content then", async () => {
    await using folder = await createFolder();
    const flags = ["--config", folder.at("mcp.json"), "--state-dir", folder.at("state")];
    await writeFile(folder.at("mcp.json"), '{ "port": 0, "mcpServers": { "a": { "command": "npx", "args": ["-y", "pkg"] } } }', { mode: 0o600 });
    await mkdir(folder.at("state"));
    await chmod(folder.at("state"), 0o755);
    const sick = await shell(["doctor", ...flags], { env: { PATH: "/nowhere" } });
    expect(sick.code).toBe(1);
    expect(sick.stdout).toContain(`error permissions: ${folder.at("state")} can be read or written by others\n  mend it: chmod 700 ${folder.at("state")}\n`);
    expect(sick.stdout).toEndWith("\n1mcp doctor --fix mends what it can by itself\n");
    const json = JSON.parse((await shell(["doctor", "--json", ...flags], { env: { PATH: "/nowhere" } })).stdout) as unknown;
    expect(json).toMatchObject({ healthy: false, findings: [{ check: "programs", fixable: true, fixed: null, mend: "1mcp doctor --fix" }, { check: "permissions" }] });
    const mended = await shell(["doctor", "--fix", ...flags], { env: { PATH: "/nowhere" } });
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining("mended programs: a: ") });
    expect(await shell(["doctor", ...flags], { env: { PATH: "/nowhere" } })).toMatchObject({ code: 0, stdout: "everything is in order\n" });
  });

  test("has colours on a terminal, and none where they are not wanted", async () => {
    await using folder = await createFolder();
    const flags = ["--config", folder.at("mcp.json"), "--state-dir", folder.at("state")];
    await writeFile(folder.at("mcp.json"), "{", { mode: 0o600 });
    const plain = await shell(["doctor", ...flags], { terminal: true, env: { NO_COLOR: "1" } });
    expect([plain.code, plain.stdout.includes("\u001b[1;31m")]).toEqual([1, false]);
    expect((await shell(["doctor", ...flags], { terminal: true, env: { TERM: "dumb" } })).stdout).not.toContain("\u001b[1;31m");
    expect((await shell(["doctor", ...flags], {})).stdout).not.toContain("\u001b");
  });

  test("tells what it could not mend, and what it could not even read", async () => {
    await using folder = await createFolder();
    const flags = ["--config", folder.at("mcp.json"), "--state-dir", folder.at("state")];
    await writeFile(folder.at("mcp.json"), '{ "port": 0 }', { mode: 0o600 });
    await mkdir(folder.at("state"), { mode: 0o700 });
    await writeFile(folder.at("state", "owner.json"), "{}", { mode: 0o644 });
    await chmod(folder.at("state", "owner.json"), 0o644);
    expect(await shell(["doctor", ...flags])).toMatchObject({ code: 1, stdout: expect.stringContaining("error supervisor: the state folder can be read or written by others") });
    expect(await shell(["doctor", "--fix", ...flags])).toMatchObject({ stdout: expect.stringContaining("mended permissions") });
  });
});
