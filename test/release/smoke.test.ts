/**
 * The smoke journey: the least that has to work on every platform. Of any executable, also one that is emulated or lies
 * in a container: `ONE_MCP_BINARY=<it, or a script that starts it> bun test test/release/smoke.test.ts`.
 */
import { expect, test } from "bun:test";
import manifest from "../../package.json";
import { programArgv, runProgram, startProgram } from "../fixtures/program.ts";
import { openSession, sendModern } from "../fixtures/rpc.ts";
import { startPiped } from "../fixtures/piped.ts";
import { join } from "node:path";

const [command = "", ...args] = programArgv();
// In a container the program has another name than the script that starts it there.
const demo = { command: process.env["SMOKE_SERVER"] ?? command, args: [...args, "demo"] };
const called = '"name":"demo__echo","arguments":{"text":"grüße"}';

test("it says its version, checks a configuration, and refuses a wrong command line", async () => {
  expect(await runProgram(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  expect((await runProgram(["config", "check", "--config", "nowhere.json"])).code).toBe(78);
  expect((await runProgram(["sevre"])).code).toBe(2);
});

test("it serves either era over HTTP with a token and nobody without, and ends when it is told to", async () => {
  await using program = await startProgram({ config: { mcpServers: { demo } } });
  const at = { url: `${program.origin}/mcp`, token: program.token };
  expect((await sendModern({ ...at, token: null }, { method: "tools/list" })).status).toBe(401);
  expect((await sendModern(at, { method: "tools/call", name: "demo__echo", params: called })).text).toContain("grüße");
  const session = await openSession(at);
  expect((await session.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{${called}}}`)).text).toContain("grüße");

  program.signal("SIGTERM");
  // There are no signals there: whoever is told to end is ended.
  if (process.platform !== "win32") expect(await program.exited).toBe(0);
});

test("it bridges a client that has only pipes", async () => {
  await using program = await startProgram({ config: { mcpServers: { demo } } });
  await using pipe = startPiped(["proxy", "--state-dir", join(program.dir, "state")], program);
  pipe.say('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}');
  expect((await pipe.answer(1)).result.serverInfo.name).toBe("1mcp");
  pipe.say('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  pipe.say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{${called}}}`);
  expect(JSON.stringify(await pipe.answer(2))).toContain("grüße");
});
