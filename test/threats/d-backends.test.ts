/**
 * Part D of the threat table: what backends do to us, and what stands around us. Real programs, with a proxy as it is
 * started by people. The rows of definitions and releases are beside this file.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfiner, startOfLiving } from "../../src/base/index.ts";
import { createFolder } from "../fixtures/folder.ts";
import { type Program, projectDir, runProgram, startProgram } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const rogue = join(projectDir, "test", "fixtures", "roguePeer.ts");
const entry = (more: object = {}, ...args: unknown[]): object => ({ command: process.execPath, args: [rogue, ...args], era: "legacy", ...more });
const onLinux = test.skipIf(process.platform !== "linux");
const withLandlock = test.skipIf(((await loadConfiner())?.landlock ?? 0) === 0);

/** What a server's tool says, or the error it came to. */
async function call(program: Program, name: string, args: object = {}): Promise<string> {
  const { messages } = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":${JSON.stringify(args)}` });
  const message = JSON.parse(messages.at(-1) ?? "{}") as { result?: { content?: { text: string }[] }; error?: { message: string } };
  return message.result?.content?.[0]?.text ?? `error: ${message.error?.message}`;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

// Who is dead and merely not collected is gone.
const isAlive = (pid: number): boolean => startOfLiving(pid) !== null;

describe("a proxy with servers that do what they should not", () => {
  let program: Program;
  beforeAll(async () => {
    program = await startProgram({
      config: {
        mcpServers: {
          plain: entry({ env: { DECLARED: "yes" } }),
          loader: entry({ env: { NODE_OPTIONS: "--require ./evil.js" } }),
          meant: entry({ env: { LD_BIND_NOW: "1" }, unsafeEnv: true }),
          shell: entry({}, "; touch /tmp/x", "$(touch x)", "`touch x`", "a\nb", "--", "|", "*"),
          nul: entry({}, "a\0b"),
          bounded: entry({ sandbox: { openFiles: 256, fileMb: 8, memoryMb: 1024 } }),
          loud: entry(),
          good: entry(),
        },
      },
      env: { SECRET_OF_THE_GATEWAY: "do-not-tell", ONE_MCP_TOKEN: "ours", AWS_SECRET_ACCESS_KEY: "do-not-tell", BUN_CONFIG_VERBOSE_FETCH: "", NODE_OPTIONS: "" },
    });
  });
  // A shutdown may take as long as limits.shutdownMsMax, which is as long as a hook usually may.
  afterAll(() => program[Symbol.asyncDispose](), 10_000);

  test("84: a backend sees what programs need and what is declared for it, and no secret of the gateway", async () => {
    const env = JSON.parse(await call(program, "plain__env")) as Record<string, string>;
    expect(env).toMatchObject({ DECLARED: "yes", HOME: program.dir });
    expect(JSON.stringify(env)).not.toContain("do-not-tell");
    const usual = /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|TZ|TMPDIR|XDG_RUNTIME_DIR|LC_.*|(HTTPS?|NO|ALL)_PROXY|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|DECLARED|ONE_MCP_LIFE)$/i;
    expect(Object.keys(env).filter((name) => !usual.test(name))).toEqual([]);
  });

  test("85: a variable that loads code keeps its server out, unless the operator means it", async () => {
    expect(await call(program, "loader__env")).toStartWith("error:");
    expect(program.stderr()).toContain("loads code into a program");
    expect(await call(program, "meant__env")).toContain('"LD_BIND_NOW":"1"');
  });

  test("86: arguments are words and no command lines; a NUL is refused", async () => {
    const { argv } = JSON.parse(await call(program, "shell__argv")) as { argv: string[] };
    expect(argv).toEqual(["; touch /tmp/x", "$(touch x)", "`touch x`", "a\nb", "--", "|", "*"]);
    expect(await call(program, "nul__argv")).toStartWith("error:");
    expect(program.stderr()).toContain("control character");
  });

  test("87: what a client says of itself, and its arguments, reach neither command line nor variables nor folder", async () => {
    const hostile = { name: "$(touch x)", command: "evil", env: { PATH: "/evil" }, cwd: "/" };
    const { messages } = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name: "plain__argv", params: `"name":"plain__argv","arguments":${JSON.stringify(hostile)}`, meta: ',"io.example/client":{"name":"${HOME}","argv":["evil"]}' });
    expect(messages.at(-1)).not.toContain("evil");
    const { argv, cwd } = JSON.parse(await call(program, "plain__argv", hostile)) as { argv: string[]; cwd: string };
    expect(argv).toEqual([]);
    expect(cwd).toBe(join(program.dir, "state", "servers", "plain"));
  });

  onLinux("89: open files, the size of a file and memory have bounds, and the others answer", async () => {
    expect(await call(program, "bounded__openFiles")).toMatch(/^(1|2)\d\d files, failed: EMFILE$/);
    expect(await call(program, "bounded__bigFile", { path: "big" })).toMatch(/failed|ended/);
    const { size } = Bun.file(join(program.dir, "state", "servers", "bounded", "big"));
    expect(size).toBeLessThanOrEqual(8 * 2 ** 20);
    expect(await call(program, "good__pid")).toMatch(/^\d+$/);
  });

  onLinux("91: a line of 150 MB, broken text, a packed bomb and chatter cost us little, and the server is still there", async () => {
    const before = await residentBytes(program.pid);
    await call(program, "loud__longLine");
    expect(await call(program, "loud__badText")).toBe("said");
    expect((await residentBytes(program.pid)) - before).toBeLessThan(250 * 2 ** 20);
    expect(await call(program, "good__pid")).toMatch(/^\d+$/);
  }, 20_000);
});

onLinux("88: nothing of a backend is left two seconds after the gateway was killed", async () => {
  await using program = await startProgram({ config: { mcpServers: { a: entry() } } });
  const pids = [Number(await call(program, "a__pid")), Number(await call(program, "a__orphan"))];
  expect(pids.map(isAlive)).toEqual([true, true]);
  program.signal("SIGKILL");
  await program.exited;
  const until = performance.now() + 2000;
  while (pids.some(isAlive) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(pids.map(isAlive)).toEqual([false, false]);
});

onLinux("89: a bound on memory ends who goes beyond it, and nobody else", async () => {
  await using program = await startProgram({ config: { mcpServers: { greedy: entry({ sandbox: { memoryMb: 1024 } }), good: entry() } } });
  const outcome = await call(program, "greedy__memory");
  expect(outcome).not.toStartWith("did it");
  expect(await call(program, "good__pid")).toMatch(/^\d+$/);
}, 20_000);

// The system does not bind its mightiest user, so a proxy that is started by him has the server drop to nobody.
const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"] : [];

onLinux("89: a fork bomb ends at its bound, and nobody else feels it", async () => {
  const [command = "", ...args] = [...asNobody, process.execPath, rogue];
  await using program = await startProgram({ config: { mcpServers: { bomb: { command, args, era: "legacy", sandbox: { processes: 100 } }, good: entry() } } });
  expect(await call(program, "bomb__fork")).toMatch(/^\d{1,2} children, failed: EAGAIN|failed/);
  expect(await call(program, "good__pid")).toMatch(/^\d+$/);
});

withLandlock("90: a confined backend reads neither the home folder nor our state, and writes nowhere but in its own", async () => {
  await using home = await createFolder();
  await mkdir(home.at(".ssh"));
  await writeFile(home.at(".ssh/id_ed25519"), "PRIVATE");
  const sandbox = { level: "fs", required: true, read: [projectDir, process.execPath] };
  await using program = await startProgram({ config: { mcpServers: { a: entry({ sandbox, env: { HOME: home.path } }), open: entry({ env: { HOME: home.path } }) } } });
  const state = join(program.dir, "state");
  for (const path of [home.at(".ssh/id_ed25519"), join(state, "token"), program.configPath, `/proc/${program.pid}/environ`]) expect(await call(program, "a__read", { path })).toBe("failed: EACCES");
  expect(await call(program, "a__list", { path: home.path })).toBe("failed: EACCES");
  for (const path of [home.at("new"), join(state, "new"), "/tmp/1mcp-rogue", join(projectDir, "rogue")]) expect(await call(program, "a__write", { path })).toBe("failed: EACCES");
  expect(await call(program, "a__write", { path: "own" })).toBe("did it: undefined");
  expect(await readdir(join(state, "servers", "a"))).toContain("own");
  // Without confinement it is the operator's own program, and may what he may.
  expect(await call(program, "open__read", { path: home.at(".ssh/id_ed25519") })).toBe("did it: PRIVATE");
});

describe("98: a hostile folder to be started in", () => {
  test.skipIf(process.env["ONE_MCP_BINARY"] === undefined)("has its .env and bunfig.toml ignored", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at(".env"), "ONE_MCP_CONFIG=/evil.json\nEVIL=1\n");
    await writeFile(folder.at("bunfig.toml"), 'preload = ["./evil.ts"]\n');
    await writeFile(folder.at("evil.ts"), 'require("node:fs").writeFileSync("ran", "yes"); console.log("EVIL");');
    const { stdout, stderr } = await runProgram(["config", "check"], { cwd: folder.path, env: { HOME: folder.path } });
    expect(stdout + stderr).not.toMatch(/evil/i);
    expect(await Bun.file(folder.at("ran")).exists()).toBeFalse();
  });

  onLinux("does nothing to a backend's launcher that works there", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at(".env"), "NODE_ENV=evil\nONE_MCP_LAUNCH={}\n");
    await writeFile(folder.at("bunfig.toml"), 'preload = ["./evil.ts"]\n');
    await writeFile(folder.at("evil.ts"), 'require("node:fs").writeFileSync("ran", "yes");');
    await using program = await startProgram({ config: { mcpServers: { a: { command: "sh", args: ["-c", "env >&2; exit 3"], cwd: folder.path } } }, args: ["--log-level", "debug"] });
    await program.said("exit code 3");
    expect(program.stderr()).not.toContain("NODE_ENV=evil");
    expect(await Bun.file(folder.at("ran")).exists()).toBeFalse();
  });
});

describe("99: a secret in a configuration that others can read", () => {
  async function withOpenConfig<T>(run: (path: string, env: Record<string, string>) => Promise<T>): Promise<T> {
    await using folder = await createFolder();
    const path = folder.at("mcp.json");
    await writeFile(path, JSON.stringify({ mcpServers: { a: { command: "true", env: { A_TOKEN: "literal-secret" } } } }));
    await chmod(path, 0o644);
    return await run(path, { HOME: folder.path });
  }

  test("is told of with the fix, and refused where that was asked for", async () => {
    await withOpenConfig(async (path, env) => {
      const told = await runProgram(["config", "check", "--config", path], { env });
      expect([told.code, told.stderr.includes("others can read"), told.stderr.includes("chmod 600"), told.stderr.includes("literal-secret")]).toEqual([0, true, true, false]);
      const refused = await runProgram(["serve", "--port", "0", "--config", path, "--state-dir", join(env["HOME"] ?? "", "state"), "--strict-secrets"], { env });
      expect([refused.code, refused.stderr.includes("chmod 600"), refused.stderr.includes("literal-secret")]).toEqual([78, true, false]);
    });
  });

  test("is an error in the log of whoever is started with it all the same", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("mcp.json"), "{}");
    await chmod(folder.at("mcp.json"), 0o644);
    await using program = await startProgram({ config: { mcpServers: { a: { command: "true", env: { A_TOKEN: "literal-secret" } } } } });
    await program.said("others can read");
    const line = program.stderr().split("\n").find((text) => text.includes("others can read")) ?? "";
    expect(line).toContain("error");
    expect(program.stderr()).not.toContain("literal-secret");
  });
});
