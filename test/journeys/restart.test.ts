/** A new process takes the place of a running one, under load, and nobody is turned away. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startKnocks } from "../fixtures/knocks.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { envelope, openSession, sendModern } from "../fixtures/rpc.ts";

const backend = { command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts")] };
const endpoint = ({ origin, token }: Program) => ({ url: `${origin}/mcp`, token });
const call = async (program: Program, name: string, args: object = {}): Promise<string> =>
  (await sendModern(endpoint(program), { method: "tools/call", name, params: `"name":"${name}","arguments":${JSON.stringify(args)}` })).messages.at(-1) ?? "";

/** One call as it stands on the wire, on a connection that ends with it. */
function wholeCall({ origin, token }: Program, name: string): string {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{},${envelope()}}}`;
  const headers = { Host: new URL(origin).host, Connection: "close", Authorization: `Bearer ${token}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": name, "Content-Length": String(body.length) };
  return `POST /mcp HTTP/1.1\r\n${Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`).join("")}\r\n${body}`;
}

const presentPid = async (program: Program): Promise<number> => (JSON.parse(await readFile(join(program.dir, "state", "server.json"), "utf8").catch(() => "{}")) as { pid?: number }).pid ?? 0;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const gone = async (pid: number): Promise<void> => {
  while (existsSync(`/proc/${pid}`)) await turn();
};

/** Whoever took over ends with the test, however it goes. */
function lastOf(program: Program): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const pid = await presentPid(program);
      if (pid === 0 || pid === program.pid) return;
      process.kill(pid, "SIGTERM");
      await gone(pid);
    },
  };
}

async function restarted(program: Program, pid: number): Promise<number> {
  process.kill(pid, "SIGUSR2");
  for (;;) {
    const next = await presentPid(program);
    if (next !== pid && next !== 0) return next;
    await turn();
  }
}

test.skipIf(process.platform !== "linux")(
  "three restarts in a row under 300 new connections a second: none is refused or reset, and calls under way end with their result",
  async () => {
    await using program = await startProgram({ config: { mcpServers: { one: backend } }, args: ["--graceful-restart", "--log-level", "debug"] });
    await using _last = lastOf(program);
    expect(await call(program, "one__ok")).toContain("ok");
    const knocks = startKnocks({ origin: program.origin, perSecond: 300, request: wholeCall(program, "one__ok"), expects: '"text":"ok"' });
    const pids = [program.pid];
    for (let times = 0; times < 3; times += 1) {
      const pid = pids.at(-1) ?? 0;
      const late = call(program, "one__after", { ms: 2500 });
      pids.push(await restarted(program, pid));
      expect(await late).toContain('"text":"ok"');
      if (pid === program.pid) expect(await program.exited).toBe(0);
      else await gone(pid);
    }
    const { count, failures } = await knocks.end();
    expect(failures).toEqual([]);
    expect(count).toBeGreaterThan(1000);
    expect(new Set(pids).size).toBe(4);
  },
  60_000,
);

test("a successor that cannot start changes nothing, and what it said is to be read", async () => {
  await using program = await startProgram({ config: { mcpServers: { one: backend } }, args: ["--graceful-restart"] });
  await writeFile(program.configPath, '{ "nonsense": 1 }');
  program.signal("SIGUSR2");
  await program.said("goes on, for the new process is not there: it ended with 78");
  expect(program.stderr()).toContain("“nonsense” is not a known key");
  expect(await call(program, "one__ok")).toContain("ok");
  expect(await presentPid(program)).toBe(program.pid);
});

test("whoever is told to end while it hands over ends, and leaves nobody in its place", async () => {
  await using program = await startProgram({ config: { mcpServers: { one: backend } }, args: ["--graceful-restart"] });
  await using _last = lastOf(program);
  expect(await call(program, "one__ok")).toContain("ok");
  // Longer than the new one needs to come up.
  const late = call(program, "one__after", { ms: 1500 });
  await program.arrived(1, "one");
  program.signal("SIGUSR2");
  await program.said("starts a new process to take its place");
  program.signal("SIGTERM");
  expect(await late).toContain('"text":"ok"');
  expect(await program.exited).toBe(0);
  expect(await presentPid(program)).toBe(0);
  await expect(fetch(`${program.origin}/health`)).rejects.toThrow();
});

test("a session of the process before ends with it, and its client is told to open a new one", async () => {
  await using program = await startProgram({ config: { mcpServers: { one: backend } }, args: ["--graceful-restart"] });
  await using _last = lastOf(program);
  const session = await openSession(endpoint(program));
  expect((await session.send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')).status).toBe(200);
  await restarted(program, program.pid);
  expect(await program.exited).toBe(0);
  expect((await session.send('{"jsonrpc":"2.0","id":2,"method":"tools/list"}')).status).toBe(404);
  expect((await (await openSession(endpoint(program))).send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')).status).toBe(200);
});

test("without the flag the signal is answered with a word, and the port is nobody else's", async () => {
  await using program = await startProgram({ config: { mcpServers: {} } });
  program.signal("SIGUSR2");
  await program.said("with --graceful-restart only");
  const { port } = new URL(program.origin);
  expect(() => Bun.serve({ hostname: "127.0.0.1", port, reusePort: true, fetch: () => new Response() })).toThrow();
  expect((await fetch(`${program.origin}/health`)).status).toBe(200);
});
