import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { grantsAtRest, type Listening, start, type StartOptions } from "../src/compose.ts";
import { runHere } from "./fixtures/cli.ts";
import { programArgv, projectDir, temporaryDir } from "./fixtures/program.ts";
import { sendModern } from "./fixtures/rpc.ts";

const backend = { command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), "modern"] };

interface Place extends AsyncDisposable {
  readonly configPath: string;
  readonly lines: string[];
  write(config: unknown): Promise<void>;
  start(more?: Partial<StartOptions>): Promise<Listening>;
  /** Resolves when a log line holds the text. */
  logged(text: string): Promise<string>;
}

async function placeOf(config: unknown): Promise<Place> {
  const dir = await temporaryDir();
  await chmod(dir.path, 0o700);
  const configPath = join(dir.path, "mcp.json");
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  const started: Listening[] = [];
  const write = (next: unknown): Promise<void> => writeFile(configPath, typeof next === "string" ? next : JSON.stringify(next));
  await write(config);
  return {
    configPath,
    lines,
    write,
    async start(more = {}) {
      const running = await start({
        configPath,
        host: null,
        port: 0,
        stateDir: join(dir.path, "state"),
        logLevel: "debug",
        insecureNoAuth: true,
        env: { PATH: process.env["PATH"], XDG_CONFIG_HOME: join(dir.path, "xdg") },
        demoArgv: [...programArgv(), "demo"],
        watchdogArgv: null,
        version: "0",
        pretty: false,
        writeLog(line) {
          lines.push(line);
          for (const resume of waiting.splice(0)) resume();
        },
        ...more,
      });
      started.push(running);
      return running;
    },
    async logged(text) {
      for (;;) {
        const found = lines.find((line) => line.includes(text));
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      for (const running of started) await running.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const callPid = async (url: string): Promise<number> => {
  const sent = await sendModern({ url, token: null }, { method: "tools/call", name: "raw__pid", params: '"name":"raw__pid","arguments":{}' });
  return Number((JSON.parse(sent.text) as { result: { content: { text: string }[] } }).result.content[0]?.text);
};

describe("a composed proxy", () => {
  test("runs beside another one in the same process, each with children of its own, and takes them along when it closes", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    const [one, other] = [await place.start(), await place.start({ stateDir: join(dirname(place.configPath), "other") })];
    const pids = [await callPid(one.url), await callPid(other.url)];
    expect(pids[0]).not.toBe(pids[1]);
    await one.close();
    expect(() => process.kill(pids[0] ?? 0, 0)).toThrow();
    expect(await callPid(other.url)).toBe(pids[1] ?? 0);
    expect(other.status().backends).toMatchObject([{ name: "raw", state: "ready", pid: pids[1] }]);
  });

  test("has what libraries say on the console in its log, as long as it runs", async () => {
    await using place = await placeOf({});
    const before = console.warn;
    const running = await place.start();
    console.warn("a word of a library");
    await running.close();
    expect([place.lines.filter((line) => line.includes("a word of a library")).length, console.warn === before]).toEqual([1, true]);
  });

  test("may be closed twice", async () => {
    await using place = await placeOf({ mcpServers: {} });
    const running = await place.start();
    await Promise.all([running.close(), running.close()]);
    await expect(fetch(running.url)).rejects.toThrow();
  });

  test("serves the demonstration when there is no configuration, from a child process", async () => {
    await using place = await placeOf({});
    const running = await place.start({ configPath: null });
    expect(running.configPath).toBeNull();
    expect((await fetch(running.url.replace("/mcp", "/health/ready"))).status).toBe(200);
    const listed = await sendModern({ url: running.url, token: null }, { method: "tools/list" });
    expect(listed.text).toContain('"name":"demo__echo"');
    expect(running.status().backends[0]?.pid).toBeGreaterThan(0);
  });

  test("does not start with a configuration that is not valid, and says every reason", async () => {
    await using place = await placeOf('{ "mcpServers": { "a": { "comand": "x" } }, "prot": 1 }');
    const refused = await place.start().catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: "CONFIG_INVALID", path: place.configPath });
    expect((refused as { issues: { message: string }[] }).issues.map((issue) => issue.message).join("\n")).toMatch(/comand[^]*prot/u);
  });

  test("does not listen without a token where others can reach it", async () => {
    await using place = await placeOf({ mcpServers: {} });
    await expect(place.start({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "LISTEN_UNSAFE" });
  });

  test("that cannot say where it listens does not listen, and leaves nothing behind", async () => {
    await using place = await placeOf({ mcpServers: {} });
    await mkdir(join(dirname(place.configPath), "state", "server.json"), { recursive: true, mode: 0o700 });
    await expect(place.start()).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(process.listeners("exit").length).toBe(0);
  });

  test("has its state folder to itself, while it lives, unless another one takes over", async () => {
    await using place = await placeOf({ mcpServers: {} });
    const first = await place.start();
    await expect(place.start()).rejects.toMatchObject({ code: "STATE_OWNED", message: expect.stringContaining(`process ${process.pid}`) });
    const next = await place.start({ takeover: true });
    await first.close();
    await expect(place.start()).rejects.toMatchObject({ code: "STATE_OWNED" });
    const socket = join(dirname(place.configPath), "state", "operator.sock");
    expect((await fetch("http://operator/status", { unix: socket })).status).toBe(200);
    await next.close();
    await place.start();
  });

  test("that takes over has its servers up before it listens: nobody who comes waits for one", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    const first = await place.start();
    const pid = await callPid(first.url);
    const next = await place.start({ takeover: true });
    expect(next.status().backends).toMatchObject([{ name: "raw", state: "ready" }]);
    expect(await callPid(next.url)).not.toBe(pid);
  });

  test("knows whether its own door answers, and gives way to one that listens on the same port", async () => {
    await using place = await placeOf({ mcpServers: {}, limits: { giveWayMs: 1 } });
    const first = await place.start({ sharePort: true });
    expect(await first.answers(10_000)).toBeTrue();
    const second = await place.start({ sharePort: true, takeover: true, freePort: Number(new URL(first.url).port) });
    expect(second.url).toBe(first.url);
    await first.giveWay();
    expect(await second.answers(10_000)).toBeTrue();
    await second.close();
    expect(await second.answers(10_000)).toBeFalse();
  });

  test("that cannot start leaves its state folder to others", async () => {
    await using place = await placeOf({ mcpServers: {} });
    await expect(place.start({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "LISTEN_UNSAFE" });
    await place.start();
  });

  test("tells its operator how it is, and reloads for him, by names", async () => {
    await using place = await placeOf({ mcpServers: { kept: backend, gone: backend } });
    await place.start();
    const ask = async (path: string, method = "GET") => (await fetch(`http://operator${path}`, { method, unix: join(dirname(place.configPath), "state", "operator.sock") })).json();
    expect(await ask("/status")).toMatchObject({ phase: "running", servers: [{ name: "kept" }, { name: "gone" }] });
    expect(await ask("/reload", "POST")).toMatchObject({ result: "unchanged", change: { kept: ["kept", "gone"], added: [] } });
    await place.write({ port: 4000, mcpServers: { kept: backend, added: backend } });
    expect(await ask("/reload", "POST")).toEqual({ result: "changed", path: place.configPath, change: { added: ["added"], removed: ["gone"], changed: [], kept: ["kept"] }, issues: [], restart: ["port"], reason: null });
    await place.write('{ "mcpServers": { "x": 1 } }');
    for (let n = 0; n < 2; n += 1) expect(await ask("/reload", "POST")).toMatchObject({ result: "rejected", issues: [{ line: 1 }], change: { kept: ["kept", "added"] } });
    expect(await place.logged('"added":"added"')).toContain('"removed":"gone"');
  });

  test("that has no room for its operator's socket serves all the same, and says so", async () => {
    await using place = await placeOf({ mcpServers: {} });
    await mkdir(join(dirname(place.configPath), "state", "operator.sock"), { recursive: true, mode: 0o700 });
    const running = await place.start();
    expect((await fetch(running.url.replace("/mcp", "/health/ready"))).status).toBe(200);
    await place.logged("operator's socket cannot be opened");
  });

  test("says when a changed setting needs a restart, and takes the rest of the change", async () => {
    await using place = await placeOf({ mcpServers: {} });
    const running = await place.start();
    await place.write({ port: 4000, mcpServers: { raw: backend } });
    expect(await place.logged("needs a restart")).toContain('"keys":"port"');
    await running.reload();
    expect(await callPid(running.url)).toBeGreaterThan(0);
  });

  test("says that who may call, where that is changed, needs a restart, except how a call beyond its grant is answered", async () => {
    await using place = await placeOf({ mcpServers: {} });
    const running = await place.start();
    await place.write({ auth: { stepUp: "hide" }, mcpServers: {} });
    expect((await running.reload()).restart).toEqual([]);
    await place.write({ auth: { mode: "token" }, mcpServers: {} });
    expect((await running.reload()).restart).toEqual(["auth"]);
  });

  test("looks at its configuration when asked, and keeps the running one when it is refused", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    const running = await place.start();
    const pid = await callPid(running.url);
    await place.write("{");
    await running.reload();
    expect(running.status().config.state).toBe("rejected");
    expect(await callPid(running.url)).toBe(pid);
    await place.write({ mcpServers: { raw: { ...backend, env: { CHANGED: "1" } } } });
    await running.reload();
    expect(running.status().config.state).toBe("valid");
    expect(await callPid(running.url)).not.toBe(pid);
  });
});

test("what cannot be taken back at the end is told, and the end comes all the same", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const running = await place.start();
  const state = join(dirname(place.configPath), "state");
  await chmod(join(state, "server.json"), 0o666);
  await running.close();
  expect(await place.logged("could not take back where it listens")).toContain("can be read or written by others");
});

test("what stands beside the endpoints is put together too: numbers, logins, grants, and what servers define", async () => {
  await using place = await placeOf({ mcpServers: { raw: backend } });
  const running = await place.start({ insecureNoAuth: false });
  const { origin } = new URL(running.url);
  const state = join(dirname(place.configPath), "state");
  const token = (await Bun.file(join(state, "token")).text()).trim();
  const asked = async (path: string, init: RequestInit = {}): Promise<number> => (await fetch(`${origin}${path}`, { redirect: "manual", ...init })).status;
  const known = { headers: { Authorization: `Bearer ${token}` } };
  expect([await asked("/metrics"), await asked("/metrics", known), await asked("/health/mcp/none", known)]).toEqual([401, 200, 404]);
  const asSelected = (preset: string): Promise<number> => asked(`/mcp?preset=${preset}`, { ...known, method: "POST" });
  await place.write({ presets: { few: { filter: "server:raw" } }, mcpServers: { raw: backend } });
  await running.reload();
  expect([await asSelected("few"), await asSelected("none"), await asked("/connect/raw?link=none")]).toEqual([415, 400, 401]);
  const registered = await fetch(`${origin}/register`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ client_name: "x", redirect_uris: ["http://127.0.0.1/cb"], token_endpoint_auth_method: "none" }) });
  const { client_id } = (await registered.json()) as { client_id: string };
  const query = new URLSearchParams({ response_type: "code", client_id, redirect_uri: "http://127.0.0.1/cb", state: "s", code_challenge: "a".repeat(43), code_challenge_method: "S256" });
  expect([await asked(`/authorize?${query}`), await asked("/oauth/callback?state=none")]).toEqual([200, 400]);
  const flags = ["--config", place.configPath, "--state-dir", state];
  await place.logged('"message":"ready"');
  const ran = async (...words: string[]) => runHere([...words, ...flags], { PATH: process.env["PATH"] ?? "" }).then(({ code, stderr }) => ({ code, stderr }));
  expect(await ran("mcp", "pins", "raw")).toEqual({ code: 0, stderr: "" });
  expect(await ran("mcp", "trust", "raw")).toEqual({ code: 0, stderr: "" });
  expect((await ran("auth", "revoke", "--all")).code).toBe(0);
  expect(await asked("/metrics", known)).toBe(401);
});

test("an audit log that cannot be written is told, and the rest works", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const state = join(dirname(place.configPath), "state");
  await mkdir(join(state, "audit.log"), { recursive: true, mode: 0o700 });
  await chmod(state, 0o700);
  await place.start();
  expect(await place.logged("the audit log cannot be written")).toContain("nothing new is granted");
});

test("grants are looked after where no server runs, whatever is wrong with the configuration: who has to end one cannot wait", async () => {
  await using dir = await temporaryDir();
  const configPath = join(dir.path, "mcp.json");
  await writeFile(configPath, "{ this is no configuration", { mode: 0o600 });
  const rest = await grantsAtRest({ stateDir: join(dir.path, "state"), logLevel: "info", env: {}, version: "0", writeLog: () => undefined, pretty: false, configPath });
  expect(rest.operator.grants()).toEqual([]);
  const { token } = rest.operator.createToken({ name: "ci", scopes: null, lifeMs: 60_000 });
  expect([token.startsWith("1mcp_"), rest.operator.grants().length, rest.operator.grants().filter(({ name }) => name === "ci").length]).toEqual([true, 1, 1]);
  rest.operator.revoke("all");
  expect(rest.operator.grants()).toEqual([]);
  await rest.close();
});
