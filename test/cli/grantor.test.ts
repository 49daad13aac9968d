import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { operated } from "../fixtures/operated.ts";
import { startProgram } from "../fixtures/program.ts";

test("a token that was made while nothing ran opens the server that starts later, and one that was ended there does not", async () => {
  await using folder = await createFolder();
  const flags = ["--state-dir", folder.at("state")];
  const env = { HOME: folder.path, XDG_CONFIG_HOME: folder.at("none") };
  const kept = await runHere(["token", "create", "--name", "kept", ...flags], env);
  const ended = await runHere(["token", "create", "--name", "ended", ...flags], env);
  expect([kept.code, ended.code, kept.stderr.includes("opens everything")]).toEqual([0, 0, true]);
  expect((await runHere(["token", "revoke", "ended", ...flags], env)).code).toBe(0);
  await using program = await startProgram({ dir: folder.path });
  const statusOf = async (token: string): Promise<number> => (await fetch(`${program.origin}/metrics`, { headers: { authorization: `Bearer ${token.trim()}` } })).status;
  expect([await statusOf(kept.stdout), await statusOf(ended.stdout)]).toEqual([200, 401]);
  // From now on the server is asked, and what it does holds at once.
  expect(await runHere(["auth", "revoke", "kept", ...flags])).toMatchObject({ code: 0 });
  expect(await statusOf(kept.stdout)).toBe(401);
});

test("where nothing runs a token is replaced and a password set, too", async () => {
  await using folder = await createFolder();
  const flags = ["--state-dir", folder.at("state")];
  const env = { HOME: folder.path, XDG_CONFIG_HOME: folder.at("none") };
  const made = await runHere(["token", "create", "--name", "ci", ...flags], env);
  const rotated = await runHere(["token", "rotate", "ci", ...flags], env);
  expect([rotated.code, rotated.stdout === made.stdout, rotated.stdout.startsWith("1mcp_")]).toEqual([0, false, true]);
  await writeFile(folder.at("password"), "short\n", { mode: 0o600 });
  const set = (): Promise<{ code: number }> => runHere(["auth", "password", "--password-file", folder.at("password"), ...flags], env);
  expect((await set()).code).toBe(1);
  await writeFile(folder.at("password"), "long enough\n", { mode: 0o600 });
  expect((await set()).code).toBe(0);
});

test("a server that is there and does not answer is not gone behind", async () => {
  await using server = await operated({}, undefined, { auth: idleOperator() });
  await server.close();
  expect(await runHere(["token", "list", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("does not answer") });
});

test("everything can be ended with a configuration that cannot be used", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("c.json"), '{"auth":{"mode":"nobody"}}');
  const flags = ["--state-dir", folder.at("state"), "--config", folder.at("c.json")];
  expect((await runHere(["token", "create", "--name", "a", ...flags])).code).toBe(0);
  const before = await readFile(folder.at("state", "token"), "utf8");
  expect(await runHere(["auth", "revoke", "--all", ...flags])).toMatchObject({ code: 0, stdout: expect.stringContaining("2 ended") });
  expect([JSON.parse((await runHere(["auth", "grants", "--json", ...flags])).stdout), (await readFile(folder.at("state", "token"), "utf8")) === before]).toEqual([[], false]);
});

test("in a container token and password come from mounted files", async () => {
  await using folder = await createFolder();
  const made = await runHere(["token", "create", "--name", "made elsewhere", "--state-dir", folder.at("elsewhere")], { HOME: folder.path, XDG_CONFIG_HOME: folder.at("none") });
  await writeFile(folder.at("token"), made.stdout);
  await writeFile(folder.at("password"), "correct horse\n");
  await using program = await startProgram({ env: { ONE_MCP_TOKEN_FILE: folder.at("token"), ONE_MCP_OPERATOR_PASSWORD_FILE: folder.at("password") } });
  expect(program.token).toBe(made.stdout.trim());
  expect((await fetch(`${program.origin}/metrics`, { headers: { authorization: `Bearer ${program.token}` } })).status).toBe(200);
  expect(await (await fetch(`${program.origin}/login?next=/authorize`)).text()).toContain('type="password"');
});

test("where nothing runs a client's document is looked at by the same rules: no address of this computer is asked on the word of others", async () => {
  await using folder = await createFolder();
  const pinned = await runHere(["auth", "pin", "https://127.0.0.1:1/client.json", "--state-dir", folder.at("state")], { HOME: folder.path, XDG_CONFIG_HOME: folder.at("none") });
  expect(pinned).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("may not be asked on the word of others") });
});
