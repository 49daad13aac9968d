/** Clients behind `1mcp proxy`: one of the older era has a session of its own at the running server, which ends with its pipe. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { gone } from "../fixtures/alive.ts";
import type { Answers, AnyClient } from "../fixtures/clients.ts";
import { connectPiped, type Line, type Piped, placeOf, proxyArgs, serving, startPiped } from "../fixtures/piped.ts";
import { projectDir } from "../fixtures/program.ts";
import { envelope } from "../fixtures/rpc.ts";

const raw = (isolation: string, ...args: string[]): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), ...args], isolation });
const servers = { own: raw("session", "legacy"), early: raw("session", "legacy", "early"), newer: raw("session", "modern") };

const textOf = async (client: AnyClient, name: string): Promise<string> => (await client.callTool({ name, arguments: {} })).content[0]?.text ?? "";
const roots: Answers = { roots: () => ({ roots: [{ uri: "file:///mine" }] }) };

const shake = (id: number, capabilities = "{}"): string => `{"jsonrpc":"2.0","id":${id},"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":${capabilities},"clientInfo":{"name":"raw","version":"1"}}}`;
const older = (id: number, tool: string, args = "{}"): string => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":${args}}}`;
const newer = (id: number, tool: string): string => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{},${envelope("")}}}`;
const said = (line: Line): string => line.result?.content?.[0]?.text ?? JSON.stringify(line);

async function pidOf(pipe: Piped, id: number, message: string): Promise<string> {
  pipe.say(message);
  return said(await pipe.answer(id));
}

describe("a client of the older era behind the bridge", () => {
  test.each(["v1", "v2 legacy"] as const)("has a session of its own there (%s): a process which nobody shares, told of its client alone, and gone with its pipe", async (mode) => {
    await using place = await placeOf({ mcpServers: servers });
    await using _server = await serving(place);
    await using other = await connectPiped(mode, proxyArgs(place), place);
    let pid = 0;
    {
      await using one = await connectPiped(mode, proxyArgs(place), place, roots);
      const pids = [await textOf(one, "own__pid"), await textOf(other, "own__pid")];
      expect(new Set(pids).size).toBe(2);
      expect([await textOf(one, "own__pid"), await textOf(other, "own__pid")]).toEqual(pids);
      expect([Object.keys(JSON.parse(await textOf(one, "own__told")) as object), await textOf(other, "own__told")]).toEqual([["roots"], "{}"]);
      expect(await textOf(one, "newer__pid")).not.toBe(await textOf(other, "newer__pid"));
      pid = Number(pids[0]);
    }
    await gone(pid);
  });

  test("is asked for its roots outside of a call", async () => {
    await using place = await placeOf({ mcpServers: servers });
    await using _server = await serving(place);
    await using one = await connectPiped("v1", proxyArgs(place), place, roots);
    await textOf(one, "early__pid");
    let answer = "null";
    while (answer === "null") answer = await textOf(one, "early__early");
    expect(JSON.parse(answer)).toEqual({ roots: [{ uri: "file:///mine" }] });
  });

  test("is heard when it says that its roots have changed", async () => {
    await using place = await placeOf({ mcpServers: servers });
    await using _server = await serving(place);
    await using one = startPiped(proxyArgs(place), place);
    one.say(shake(1, '{"roots":{"listChanged":true}}'));
    await one.answer(1);
    expect(await pidOf(one, 2, older(2, "own__told"))).toBe('{"roots":{"listChanged":true}}');
    one.say('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}');
    let at = 2;
    let times = "0";
    while (times === "0") times = await pidOf(one, ++at, older(at, "own__roots_changed"));
    expect(times).toBe("1");
  });

  test("hears of and sees the list that it has changed in its own process, and nobody else does", async () => {
    await using place = await placeOf({ mcpServers: servers });
    await using _server = await serving(place);
    await using one = startPiped(proxyArgs(place), place);
    await using other = await connectPiped("v1", proxyArgs(place), place);
    one.say(shake(1));
    await one.answer(1);
    one.say(older(2, "own__add_tool"));
    await one.answer(2);
    // Its servers may have come up after its handshake, which it hears of too.
    for (let heard = 1, names: string[] = []; !names.includes("own__extra"); heard += 1) {
      await one.message(() => one.lines.filter((line) => line.includes("notifications/tools/list_changed")).length >= heard);
      one.say(`{"jsonrpc":"2.0","id":${2 + heard},"method":"tools/list"}`);
      names = ((await one.answer(2 + heard)).result.tools as { name: string }[]).map(({ name }) => name);
    }
    expect((await other.listTools()).tools.map(({ name }) => name)).not.toContain("own__extra");
  });

  test("has another session at the server that comes after the running one, and keeps it", async () => {
    await using place = await placeOf({ mcpServers: servers });
    await using server = await serving(place);
    await using one = startPiped(proxyArgs(place), place);
    await using other = startPiped(proxyArgs(place), place);
    for (const pipe of [one, other]) {
      pipe.say(shake(1));
      await pipe.answer(1);
    }
    expect(await pidOf(one, 2, older(2, "own__pid"))).not.toBe(await pidOf(other, 2, older(2, "own__pid")));
    await server.stop("SIGKILL");
    await using _next = await serving(place);
    const pids: string[] = [];
    for (const pipe of [one, other]) {
      let at = 3;
      let text = "";
      while (!/^\d+$/u.test(text)) text = await pidOf(pipe, ++at, older(at, "own__pid"));
      pids.push(text, await pidOf(pipe, ++at, older(at, "own__pid")));
    }
    expect([new Set(pids).size, pids[0], pids[2]]).toEqual([2, pids[1], pids[3]]);
  });

  test("is served where the running server takes no client of that era, as one without a session", async () => {
    await using place = await placeOf({ clientEra: "modern", mcpServers: servers });
    await using _server = await serving(place);
    await using one = await connectPiped("v1", proxyArgs(place), place, roots);
    await using other = await connectPiped("v1", proxyArgs(place), place, roots);
    expect(await textOf(one, "own__pid")).toBe(await textOf(other, "own__pid"));
  });
});

test("a client of 2026 behind the bridge has its principal's process, also on a pipe on which it has a session too", async () => {
  await using place = await placeOf({ mcpServers: servers });
  await using _server = await serving(place);
  await using one = startPiped(proxyArgs(place), place);
  await using other = startPiped(proxyArgs(place), place);
  const pid = await pidOf(one, 1, newer(1, "own__pid"));
  expect(await pidOf(other, 1, newer(1, "own__pid"))).toBe(pid);
  one.say(shake(2));
  await one.answer(2);
  expect(await pidOf(one, 3, older(3, "own__pid"))).not.toBe(pid);
  expect(await pidOf(one, 4, newer(4, "own__pid"))).toBe(pid);
});
