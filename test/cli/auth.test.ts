import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GrantInfo } from "../../src/auth/index.ts";
import { run } from "../../src/cli/index.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { operated } from "../fixtures/operated.ts";

const editor: GrantInfo = { id: "g_2", kind: "code", name: "Editor", clientId: "https://editor.example/c", scopes: ["tag:web"], resource: null, createdAt: 0, usedAt: null, expiresAt: null };

test("auth grants lists who was granted what", async () => {
  await using server = await operated({}, undefined, { auth: idleOperator({ grants: () => [editor] }) });
  expect((await runHere(["auth", "grants", ...server.flags])).stdout.split("\n")[1]).toBe("g_2\tEditor\ttag:web\t1970-01-01 00:00\t-\t-\tcode\thttps://editor.example/c");
  expect(JSON.parse((await runHere(["auth", "grants", "--json", ...server.flags])).stdout)).toEqual([editor]);
});

test("auth revoke ends one grant, or all of them", async () => {
  const ended: string[] = [];
  await using server = await operated({}, undefined, { auth: idleOperator({ grants: () => [editor], revoke: (id) => (ended.push(id), 3) }) });
  expect((await runHere(["auth", "revoke", "Editor", ...server.flags])).code).toBe(0);
  expect((await runHere(["auth", "revoke", "--all", ...server.flags])).stdout).toContain("3 ended");
  expect([(await runHere(["auth", "revoke", ...server.flags])).code, (await runHere(["auth", "revoke", "x", "--all", ...server.flags])).code, (await runHere(["auth", "revoke", "x", ...server.flags])).code]).toEqual([2, 2, 1]);
  expect(ended).toEqual(["g_2", "all"]);
});

describe("auth password", () => {
  /** Runs it with somebody, or something, that types. */
  async function typed(flags: readonly string[], text: string, isPerson: boolean) {
    const [stdout, stderr, echoes] = [keptOutput(), keptOutput(), [] as boolean[]];
    const input = new Blob([text]).stream();
    const typist = async () => (isPerson ? { echo: (isShown: boolean) => void echoes.push(isShown) } : null);
    const code = await run({ argv: ["auth", "password", ...flags], env: {}, stdout, stderr, signals: process, pipes: () => ({ input, typist }) as never, clock: null, selfArgv: [] });
    return { code, stdout: stdout.text(), stderr: stderr.text(), echoes };
  }

  test("is typed twice by a person, unseen, and once by a pipe; or read from a file, or taken away", async () => {
    const set: (string | null)[] = [];
    await using server = await operated({}, undefined, { auth: idleOperator({ setPassword: async (password) => void set.push(password) }) });
    expect(await typed(server.flags, "long enough\rlong enough\r", true)).toEqual({ code: 0, stdout: "the password is set\n", stderr: "New password: \nOnce more: \n", echoes: [false, true, false, true] });
    expect(await typed(server.flags, "one\rother\r", true)).toMatchObject({ code: 1, stderr: expect.stringContaining("two different ones") });
    expect(await typed(server.flags, "from a pipe\nmore\n", false)).toMatchObject({ code: 0, stderr: "" });
    const path = join(server.stateDir, "password");
    await writeFile(path, "from a file\n", { mode: 0o600 });
    expect((await runHere(["auth", "password", "--password-file", path, ...server.flags])).code).toBe(0);
    expect((await runHere(["auth", "password", "--password-file", `${path}2`, ...server.flags])).code).toBe(2);
    expect((await runHere(["auth", "password", "--remove", ...server.flags])).stdout).toBe("there is no password any more\n");
    expect(set).toEqual(["long enough", "from a pipe", "from a file", null]);
  });
});
