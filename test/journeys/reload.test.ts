/** The configuration file changes while clients work. */
import { describe, expect, test } from "bun:test";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectV2 } from "../fixtures/clients.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { openSession, sendModern } from "../fixtures/rpc.ts";

const backend = (era = "modern", env: Record<string, string> = {}): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), era], env });

const call = async (program: Program, name: string, args = "{}"): Promise<string> => {
  const sent = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":${args}` });
  return sent.messages.at(-1) ?? "";
};
const textOf = (message: string): string => (JSON.parse(message) as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "";
const names = async (program: Program): Promise<string> => (await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/list" })).text;

describe("a changed configuration file", () => {
  test("is picked up: unchanged servers keep their process, new ones join, removed ones leave, calls in flight end", async () => {
    await using program = await startProgram({ config: { mcpServers: { kept: backend(), removed: backend() } } });
    const pid = textOf(await call(program, "kept__pid"));
    const letGo = join(program.dir, "let-go");
    const running = call(program, "removed__work", `{"tag":"running","file":${JSON.stringify(letGo)}}`);
    let held = "";
    while (!held.includes("running")) held = await call(program, "removed__held");

    await program.writeConfig({ mcpServers: { kept: backend(), added: backend("legacy") } });
    await program.said(`"added":"added","removed":"removed","changed":"","kept":"kept"`);
    expect(textOf(await call(program, "added__pid"))).not.toBe(pid);
    expect(textOf(await call(program, "kept__pid"))).toBe(pid);
    expect(await call(program, "removed__pid")).toContain('"code":-32602');

    // The removed server is reachable by nobody any more, but the call that began on it ends as it should.
    await writeFile(letGo, "");
    expect(textOf(await running)).toBe("running");
  });

  test("that cannot be used changes nothing but status and log, and the next good one is taken", async () => {
    await using program = await startProgram({ config: { mcpServers: { kept: backend() } } });
    const pid = textOf(await call(program, "kept__pid"));
    await program.writeConfig('{ "mcpServers": { "kept": { "comand": "x" } } }');
    await program.said("configuration refused");
    expect(textOf(await call(program, "kept__pid"))).toBe(pid);

    const temporary = join(program.dir, "next.json");
    await writeFile(temporary, JSON.stringify({ mcpServers: { kept: backend(), other: backend() } }));
    await rename(temporary, program.configPath);
    await program.said(`"added":"other","removed":"","changed":"","kept":"kept"`);
    expect(textOf(await call(program, "kept__pid"))).toBe(pid);
    expect(textOf(await call(program, "other__pid"))).not.toBe(pid);
  });

  test("puts a server with a missing variable or command out alone, with the reason in the log", async () => {
    await using program = await startProgram({
      config: { mcpServers: { good: backend(), noVariable: { command: "node", args: ["${ONE_MISSING_VARIABLE}"] }, noCommand: { command: "/no/such/command" } } },
    });
    await program.said("ONE_MISSING_VARIABLE");
    expect(textOf(await call(program, "good__pid"))).toMatch(/^\d+$/u);
    await program.said("/no/such/command");
  });
});

describe("a changed list of tools", () => {
  test("is announced to a client that listens, and is there when it lists again", async () => {
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } } });
    await using client = await connectV2(`${program.origin}/mcp`, program.token, "modern");
    await client.listTools();
    await call(program, "raw__add_tool", '{"tag":"fresh"}');
    let list = "";
    while (!list.includes("raw__fresh")) list = await names(program);
    expect((await client.listTools()).tools.map((tool) => tool.name)).toContain("raw__fresh");
  });
});

describe("the end", () => {
  test("SIGTERM lets a running call finish, then ends every child and exits with 0", async () => {
    await using program = await startProgram({ config: { mcpServers: { raw: backend() } } });
    const pid = Number(textOf(await call(program, "raw__pid")));
    program.signal("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test("whoever still waits when the time to drain is over is told so: calls of both eras and standing subscriptions", async () => {
    await using program = await startProgram({ config: { limits: { shutdownMsMax: 300 }, mcpServers: { raw: backend() } } });
    const endpoint = { url: `${program.origin}/mcp`, token: program.token };
    const params = '"name":"raw__work","arguments":{"tag":"stuck","hold":true}';
    const modern = sendModern(endpoint, { method: "tools/call", name: "raw__work", params });
    const session = await openSession(endpoint);
    const legacy = session.send(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{${params.replace("stuck", "too")}}}`);
    const listen = sendModern(endpoint, { id: '"l"', method: "subscriptions/listen", params: '"notifications":{"toolsListChanged":true}' });
    let held = "";
    while (!held.includes("stuck") || !held.includes("too")) held = await call(program, "raw__held");
    program.signal("SIGTERM");
    expect((await modern).messages.at(-1)).toContain('"code":"SHUTTING_DOWN"');
    expect((await legacy).messages.at(-1)).toMatch(/"id":7.*"code":"SHUTTING_DOWN"/u);
    expect((await listen).messages.at(-1)).toContain('"id":"l","result":{"resultType":"complete"');
    expect(await program.exited).toBe(0);
  });
});
