/**
 * Part A of the threat table, as far as it is about this computer: who may act as the operator here, what lies on the
 * disk and who could read it, and what the time of an answer tells.
 */
import { expect, test } from "bun:test";
import { chmod, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createSecret, digestOf } from "../../src/auth/tokens.ts";
import { fixture, startGranted } from "../fixtures/granted.ts";
import { mintedBy } from "../fixtures/minted.ts";
import { searching } from "../fixtures/planted.ts";
import { cleanEnv, programArgv, projectDir, startProgram, temporaryDir } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";
import { manyTries, wayInto } from "../fixtures/wayIn.ts";

const alpha = fixture("owningServer.ts", ["alpha"], { tags: ["a"] });

/** Every file and folder below a folder, with its mode; the server's own are not ours. */
async function modesBelow(folder: string): Promise<readonly { readonly path: string; readonly mode: number; readonly isFolder: boolean }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  const found = await Promise.all(paths.map(async (path) => ({ path, found: await stat(path).catch(() => null) })));
  return found.flatMap(({ path, found: one }) => (one === null ? [] : [{ path, mode: one.mode & 0o777, isFolder: one.isDirectory() }]));
}

test("36: a program on this computer, or a proxy on it, is nobody special: only who may open the operator's socket is", async () => {
  await using program = await startGranted({ config: { trustedProxies: ["127.0.0.1"], mcpServers: { alpha } } });
  const state = join(program.dir, "state");
  const local: readonly Record<string, string>[] = [{}, { "x-forwarded-for": "127.0.0.1" }, { forwarded: "for=127.0.0.1;host=operator" }, { "x-real-ip": "::1" }, { "x-forwarded-host": "operator" }, { "x-forwarded-user": "operator" }, { cookie: "__Host-1mcp-operator=1" }];
  const paths = ["/auth/waiting", "/auth/grants", "/auth/tokens", "/auth/open", "/auth/password", "/logins", "/status", "/reload"];
  for (const headers of local) {
    for (const path of paths) {
      const body = JSON.stringify({ name: "mine", scopes: null, lifeMs: 3_600_000 });
      const statuses = [(await program.get(path, headers)).status, (await fetch(program.origin + path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } })).status];
      expect([path, statuses]).toEqual([path, [404, 404]]);
    }
    expect((await sendModern(program.at(null), { method: "tools/list", headers })).status).toBe(401);
    expect((await program.get("/oauth/authorize/alpha", headers)).status).toBe(401);
  }
  expect((await fetch(`${program.origin}/auth/tokens`, { headers: { host: "operator" } })).status).toBe(403);
  const socket = await stat(join(state, "operator.sock"));
  expect([socket.isSocket(), socket.mode & 0o777, (await stat(state)).mode & 0o777]).toEqual([true, 0o600, 0o700]);
  expect((await program.operate<{ grants: unknown[] }>("/auth/grants")).grants).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)("36: another user of this computer reads neither the token nor the key (left out where we cannot become another user)", async () => {
  await using program = await startGranted({ config: { mcpServers: {} } });
  await chmod(program.dir, 0o711);
  for (const name of ["token", "state.key", "auth.db", "operator.sock"]) {
    const path = join(program.dir, "state", name);
    const stranger = Bun.spawn(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", path], { env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    expect([name, await new Response(stranger.stdout).text(), await new Response(stranger.stderr).text()]).toEqual([name, "", expect.stringContaining("Permission denied")]);
  }
});

test("37: whoever takes the disk has no secret that opens anything but the operator's own token", async () => {
  await using program = await startGranted({ config: { limits: manyTries, mcpServers: { alpha } }, args: ["--log-level", "debug"] });
  await sendModern(program.at(program.token), { method: "tools/list" });
  const secrets = searching(await mintedBy(program));
  const own = searching({ own: program.token ?? "" });
  for (const value of Object.values(secrets.value)) expect(value.length).toBeGreaterThanOrEqual(16);
  expect([await secrets.inFiles(program.dir), await own.inFiles(program.dir)]).toEqual([[], [{ secret: "own", where: join("state", "token") }]]);
  program.signal("SIGTERM");
  await program.exited;
  expect([await secrets.inFiles(program.dir), await own.inFiles(program.dir, [join("state", "token")])]).toEqual([[], []]);
});

test("38: what we write is our owner's alone, whatever the umask", async () => {
  const before = process.umask(0);
  try {
    for (const mask of [0o022, 0]) {
      process.umask(mask);
      await using program = await startGranted({ config: { limits: manyTries, mcpServers: { alpha } } });
      await sendModern(program.at(program.token), { method: "tools/list" });
      await wayInto(program).tokens();
      await program.operate("/auth/password", { password: "correct horse battery staple" });
      const found = await modesBelow(join(program.dir, "state"));
      expect(found.length).toBeGreaterThan(8);
      expect(found.filter(({ mode, isFolder }) => mode !== (isFolder ? 0o700 : 0o600))).toEqual([]);
    }
  } finally {
    process.umask(before);
  }
});

test("38: a file that others could have read or changed is refused, and the fix is said", async () => {
  await using folder = await temporaryDir();
  const config = { mcpServers: { alpha } };
  const first = await startProgram({ config, dir: folder.path });
  await sendModern({ url: `${first.origin}/mcp`, token: first.token }, { method: "tools/list" });
  first.signal("SIGTERM");
  await first.exited;
  const start = () => Bun.spawn([...programArgv(), "serve", "--port", "0", "--config", first.configPath, "--state-dir", join(folder.path, "state")], { cwd: folder.path, env: cleanEnv({ HOME: folder.path }), stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  for (const name of ["token", "state.key", "auth.db"]) {
    const path = join(folder.path, "state", name);
    for (const mode of [0o644, 0o660]) {
      await chmod(path, mode);
      const child = start();
      const [code, said] = [await child.exited, await new Response(child.stderr).text()];
      expect([name, code === 0, said.includes(name), said.includes(mode.toString(8)), said.includes("hint:")]).toEqual([name, false, true, true, true]);
    }
    await chmod(path, 0o600);
  }
}, 30_000);

test("38: an audit log that others could have changed is not written, and nothing is granted without one", async () => {
  await using folder = await temporaryDir();
  const config = { mcpServers: { alpha } };
  const first = await startProgram({ config, dir: folder.path });
  first.signal("SIGTERM");
  await first.exited;
  const path = join(folder.path, "state", "audit.log");
  await chmod(path, 0o666);
  const before = await readFile(path, "utf8");
  await using second = await startGranted({ config, dir: folder.path });
  await second.said("666");
  await expect(second.grant(["tag:a"])).rejects.toThrow();
  const denied = new URL((await second.get(wayInto(second).address(await wayInto(second).client().catch(() => "none")))).headers.get("location") ?? "none:");
  expect(denied.searchParams.get("code")).toBeNull();
  expect(await readFile(path, "utf8")).toBe(before);
});

/** What compares a text that is secret with another one, where only digests may be: the lines of our code that do. */
function comparisonsIn(text: string): string[] {
  const secret = String.raw`[\w.#?]*(?:token|secret|password|handle|cookie|verifier|link)`;
  const literal = String.raw`(?:null|undefined|true|false|"[^"]*"|\d)`;
  const patterns = [new RegExp(String.raw`\b${secret}\)*\s*[!=]==?(?!=)\s*(?!\s|${literal})`, "i"), new RegExp(String.raw`(?<!typeof [\w.]+\s)[!=]==?\s*${secret}\b(?!\s*\()`, "i"), new RegExp(String.raw`\.(?:startsWith|endsWith|includes|indexOf|equals|localeCompare)\(${secret}\)`, "i")];
  const digested = (line: string): string => line.replaceAll(/digestOf\([\w.]+\) === [\w.]+/g, "");
  return text.split("\n").filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && patterns.some((pattern) => pattern.test(digested(line)))).map((line) => line.trim());
}

test("41: no secret is compared with another anywhere: its digest is looked up, and a digest tells nothing of what is nearly right", async () => {
  const found: string[] = [];
  for (const room of ["auth", "front"]) {
    for (const name of await readdir(join(projectDir, "src", room))) found.push(...comparisonsIn(await readFile(join(projectDir, "src", room, name), "utf8")).map((line) => `${room}/${name}: ${line}`));
  }
  // What stands in the operator's file against what his environment says: nobody else brings either.
  expect(found).toEqual(["auth/ownToken.ts: if ((await ownToken(stateDir)) !== token) await replaceOwnToken(stateDir, token);"]);
  for (const line of ["if (token === row.token) return;", "return kept.secret !== shown;", "a.startsWith(secret)", "if (shown == this.#handle) x();", "known.password===typed"]) expect(comparisonsIn(line)).toHaveLength(1);
  for (const line of ["if (token === null) return;", 'kind === "token"', "// token === other", "if (digest === own) x();"]) expect(comparisonsIn(line)).toEqual([]);
  // One character more or less in common is another digest altogether.
  const secret = createSecret((bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
  const near = digestOf(`${secret.slice(0, -1)}_`);
  expect([...digestOf(secret)].filter((character, at) => character === near[at]).length).toBeLessThan(12);
});

test("41: whoever comes near a token that is good hears the same as whoever guesses", async () => {
  await using program = await startGranted({ config: { limits: manyTries, mcpServers: {} } });
  const { token } = await program.grant(null);
  const answers = new Set<string>();
  for (const shown of [`${token.slice(0, -1)}_`, `${token.slice(0, 30)}${"A".repeat(token.length - 30)}`, token.slice(0, -6), "1mcp_x", "x", createSecret((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))]) {
    const { status, text, headers } = await sendModern(program.at(shown), { method: "tools/list" });
    answers.add(JSON.stringify([status, text.replace(/"callId":"[^"]*"/, ""), headers.get("www-authenticate"), [...headers.keys()]]));
  }
  expect([...answers]).toHaveLength(1);
});
