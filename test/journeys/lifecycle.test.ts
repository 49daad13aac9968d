/** A server's whole life under the real program: remembered, started on demand, killed, stopped, mute, flapping, and back. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, projectDir, startProgram, temporaryDir } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const backend = (...flags: string[]): object => ({ command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts"), ...flags] });
const ask = async (program: Program, method: string, params = "", name?: string): Promise<string> => {
  const sent = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method, params, ...(name === undefined ? {} : { name }) });
  return sent.messages.at(-1) ?? "";
};
const call = (program: Program, name: string): Promise<string> => ask(program, "tools/call", `"name":"${name}","arguments":{}`, name);
const said = (message: string): string => (JSON.parse(message) as { result?: { content: { text: string }[] } }).result?.content[0]?.text ?? message;
const dataOf = (message: string): Record<string, unknown> => (JSON.parse(message) as { error?: { data: Record<string, unknown> } }).error?.data ?? { message };
const toolsOf = async (program: Program): Promise<readonly string[]> => {
  const { result } = JSON.parse(await ask(program, "tools/list")) as { result: { tools: { name: string }[] } };
  return result.tools.map(({ name }) => name);
};
const runs = (pid: number): boolean => {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void setImmediate(resolve));
}
const isOk = async (program: Program, name: string): Promise<boolean> => said(await call(program, name)) === "ok";
const pidOf = async (program: Program, server: string): Promise<number> => Number(said(await call(program, `${server}__pid`)));
/** Ending what will not end takes its time, and tests have little. */
const limits = { stdinEndMs: 200, termMs: 200, exitDrainMs: 50, aliveMsMax: 150, rememberMs: 50 };

describe("what servers offered in the life before", () => {
  test("is listed whole before any of them has started, to the byte, and stays so when they are there", async () => {
    await using folder = await temporaryDir();
    const mute = join(folder.path, "mute");
    const servers = { one: backend(`--mute=${mute}`), two: backend("--late=1", `--mute=${mute}`) };
    let before = "";
    {
      await using program = await startProgram({ dir: folder.path, config: { limits, mcpServers: servers } });
      before = await ask(program, "tools/list");
      expect((JSON.parse(before) as { result: { tools: unknown[] } }).result.tools.length).toBeGreaterThanOrEqual(40);
    }
    await writeFile(mute, "");
    // In another order: what is remembered belongs to a server, not to a place.
    await using program = await startProgram({ dir: folder.path, config: { limits, mcpServers: { two: servers.two, one: servers.one } } });
    const startedAt = performance.now();
    expect(await ask(program, "tools/list")).toBe(before);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const waiting = call(program, "one__ok");
    await rm(mute);
    expect(said(await waiting)).toBe("ok");
    expect(await isOk(program, "two__ok")).toBe(true);
    expect(await ask(program, "tools/list")).toBe(before);
  }, 20_000);

  test("is not used for an entry that has changed", async () => {
    await using folder = await temporaryDir();
    {
      await using program = await startProgram({ dir: folder.path, config: { limits, mcpServers: { one: backend() } } });
      expect(await toolsOf(program)).not.toEqual([]);
    }
    await using program = await startProgram({ dir: folder.path, config: { limits: { ...limits, listWaitMsMax: 100 }, mcpServers: { one: backend("--crash") } } });
    expect(await toolsOf(program)).toEqual([]);
  }, 20_000);
});

describe("a server on demand", () => {
  test("is started once to be learned, stopped when nobody uses it, started by the next call, and at the next start of the program not at all", async () => {
    await using folder = await temporaryDir();
    const config = { limits, mcpServers: { one: { ...backend(), start: "on-demand", idleTimeout: 400 } } };
    {
      await using program = await startProgram({ dir: folder.path, config });
      expect(await toolsOf(program)).toContain("one__ok");
      await program.said("stopped, since nobody uses it");
      const pid = await pidOf(program, "one");
      expect(runs(pid)).toBe(true);
      await until(() => !runs(pid));
      expect(await toolsOf(program)).toContain("one__ok");
    }
    await using program = await startProgram({ dir: folder.path, config });
    expect(await toolsOf(program)).toContain("one__ok");
    expect(program.stderr()).not.toContain("starting");
    expect(await isOk(program, "one__ok")).toBe(true);
    expect(program.stderr()).toContain("starting");
  }, 20_000);
});

describe("a server that falls", () => {
  test("under a call that only reads is called again when it is back, and the result says so; another call is told that it may have run", async () => {
    await using folder = await temporaryDir();
    await using program = await startProgram({ config: { limits, mcpServers: { one: backend(`--once=${join(folder.path, "fallen")}`), two: backend(`--once=${join(folder.path, "too")}`) } } });
    await toolsOf(program);
    const looked = await call(program, "one__look");
    expect(said(looked)).toBe("ok");
    expect(looked).toContain('"dev.onemcp/retried":true');
    expect(program.stderr()).toContain("made again");
    expect(dataOf(await call(program, "two__change"))).toMatchObject({ code: "BACKEND_GONE", backend: "two", sent: true, retry: "unsafe" });
  }, 20_000);

  test("is back within five seconds of every kill, and no other server notices", async () => {
    await using program = await startProgram({ config: { limits, mcpServers: { one: backend(), two: backend() } } });
    const times: number[] = [];
    for (let kills = 0; kills < 5; kills += 1) {
      const pid = await pidOf(program, "one");
      process.kill(pid, "SIGKILL");
      const killedAt = performance.now();
      await until(() => !runs(pid));
      await until(async () => (await isOk(program, "two__ok")) && (await isOk(program, "one__ok")));
      times.push(performance.now() - killedAt);
    }
    expect(Math.max(...times)).toBeLessThan(5_000);
  }, 30_000);

  test("and does not come back is listed for the grace time, then not; calls say when it is tried again; then it is back with a word to all", async () => {
    await using folder = await temporaryDir();
    const disk = join(folder.path, "disk");
    await writeFile(disk, "");
    await using program = await startProgram({ config: { limits: { ...limits, graceMsMax: 1_000, backoffMsMax: 300 }, mcpServers: { one: backend(`--needs=${disk}`), two: backend() } } });
    const pid = await pidOf(program, "one");
    await rm(disk);
    process.kill(pid, "SIGKILL");
    await until(() => !runs(pid));
    expect(await toolsOf(program)).toContain("one__ok");
    await until(async () => dataOf(await call(program, "one__ok"))["state"] === "backing-off");
    expect(dataOf(await call(program, "one__ok"))).toMatchObject({ backend: "one", sent: false, retry: "safe" });
    await until(async () => !(await toolsOf(program)).includes("one__ok"));
    expect(await toolsOf(program)).toContain("two__ok");
    expect(dataOf(await call(program, "one__ok"))).toMatchObject({ code: "BACKEND_DOWN", backend: "one", sent: false, retry: "safe" });
    await writeFile(disk, "");
    await until(async () => (await toolsOf(program)).includes("one__ok"));
    expect(await isOk(program, "one__ok")).toBe(true);
  }, 20_000);
});

describe("a server that is there and says nothing", () => {
  test("because its process was stopped is found out by a call without an answer, and replaced", async () => {
    await using program = await startProgram({ config: { limits, mcpServers: { one: { ...backend(), requestTimeout: 300 }, two: backend() } } });
    const pid = await pidOf(program, "one");
    process.kill(pid, "SIGSTOP");
    const stoppedAt = performance.now();
    expect(dataOf(await call(program, "one__ok"))).toMatchObject({ code: "BACKEND_TIMEOUT", backend: "one", sent: true, retry: "unsafe" });
    await until(async () => (await isOk(program, "two__ok")) && (await isOk(program, "one__ok")));
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    expect(program.stderr()).toContain("does not answer");
    expect(runs(pid)).toBe(false);
  }, 20_000);

  test("over HTTP, taking requests and answering none, is found out, too; and when it answers again it is back", async () => {
    let isMute = false;
    const results: Record<string, object> = {
      "server/discover": { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "private" },
      "tools/list": { tools: [{ name: "ok", inputSchema: { type: "object" } }], ttlMs: 0, cacheScope: "private" },
      "tools/call": { content: [{ type: "text", text: "ok" }] },
    };
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { id, method } = (await request.json()) as { id: number; method: string };
        if (isMute) return new Promise<Response>(() => undefined);
        return Response.json({ jsonrpc: "2.0", id, result: { resultType: "complete", ...results[method] } });
      },
    });
    await using program = await startProgram({ config: { limits, mcpServers: { far: { url: `${server.url.href}mcp`, requestTimeout: 300, connectionTimeout: 500 } } } });
    expect(await isOk(program, "far__ok")).toBe(true);
    isMute = true;
    expect(dataOf(await call(program, "far__ok"))).toMatchObject({ code: "BACKEND_TIMEOUT", backend: "far" });
    await program.said("it gives no sign of life");
    await until(async () => dataOf(await call(program, "far__ok"))["code"] === "BACKEND_DOWN");
    isMute = false;
    const spokeAt = performance.now();
    await until(() => isOk(program, "far__ok"));
    expect(performance.now() - spokeAt).toBeLessThan(5_000);
  }, 20_000);
});
