/** Clients of every revision that see a part of the servers, by a preset or an expression in the address, while the file changes. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connectSse, connectV1, connectV2 } from "../fixtures/clients.ts";
import { placeOf, startPiped } from "../fixtures/piped.ts";
import { type Program, programArgv, runProgram, startProgram } from "../fixtures/program.ts";
import { openListen, openPipe, openSession, sendModern } from "../fixtures/rpc.ts";

const [command = "", ...first] = programArgv();
const demo = { command, args: [...first, "demo"] };
const config = (filter: string): string => `{
  // what we work with
  "mcpServers": {
    "a": ${JSON.stringify({ ...demo, tags: ["web", "Prod"] })},
    "b": ${JSON.stringify({ ...demo, tags: ["web"] })},
    "c": ${JSON.stringify({ ...demo, tags: ["data"] })}
  },
  "presets": {
    "work": { "filter": ${JSON.stringify(filter)} } // every day
  }
}
`;

const serversIn = (tools: readonly { readonly name: string }[]): string[] => [...new Set(tools.map(({ name }) => name.split("__")[0] ?? ""))].sort();
const flagsOf = (program: Program): string[] => ["--config", program.configPath, "--state-dir", join(program.dir, "state")];

test("clients of all revisions see what their address selects, and call nothing else", async () => {
  await using program = await startProgram({ config: config("web && !prod") });
  const { origin, token } = program;
  const seen = async (connect: () => Promise<AsyncDisposable & { listTools(): Promise<{ tools: { name: string }[] }> }>): Promise<string[]> => {
    await using client = await connect();
    return serversIn((await client.listTools()).tools);
  };
  for (const [query, servers] of [["?preset=work", ["b"]], ["?tags=data,prod", ["a", "c"]], ["?tag-filter=web+-prod", ["b"]], ["?filter=server:a,data", ["a", "c"]], ["", ["a", "b", "c"]]] as const) {
    expect(await seen(() => connectV2(`${origin}/mcp${query}`, token, "modern"))).toEqual([...servers]);
    expect(await seen(() => connectV2(`${origin}/mcp${query}`, token, "legacy"))).toEqual([...servers]);
    expect(await seen(() => connectV1(`${origin}/mcp${query}`, token))).toEqual([...servers]);
    expect(await seen(() => connectSse(`${origin}/sse${query}`, token))).toEqual([...servers]);
  }
  await using narrow = await connectV2(`${origin}/mcp?preset=work`, token, "modern");
  const { tools } = await narrow.listTools();
  const tool = tools[0]?.name ?? "";
  const isRefused = (name: string): Promise<string> => narrow.callTool({ name, arguments: {} }).then(() => "", String);
  expect(await isRefused(tool.replace("b__", "a__"))).toContain("nothing of that name is offered here");
});

test("an expression that cannot be read is a 400 with its place, for every revision", async () => {
  await using program = await startProgram({ config: config("web") });
  const endpoint = { url: `${program.origin}/mcp?tag-filter=web%20%26%20prod`, token: program.token };
  const modern = await sendModern(endpoint, { method: "tools/list" });
  const legacy = await openSession(endpoint);
  for (const { status, text } of [modern, legacy.opened]) {
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: { code: -32602, data: { code: "SELECTION_INVALID", parameter: "tag-filter", position: 4 } } });
  }
});

test("a session is bound to the selection that it began with", async () => {
  await using program = await startProgram({ config: config("web") });
  const endpoint = { url: `${program.origin}/mcp?preset=work`, token: program.token };
  const session = await openSession(endpoint);
  expect((await session.send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')).status).toBe(200);
  for (const query of ["", "?tags=web", "?filter=!data"]) {
    const other = await fetch(`${program.origin}/mcp${query}`, { method: "POST", headers: { Authorization: `Bearer ${program.token}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream", "Mcp-Session-Id": session.id, "MCP-Protocol-Version": "2025-11-25" }, body: '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' });
    expect(other.status).toBe(404);
  }
});

test("a preset that is changed by a command is in place when the command ends, and told to those alone who see something else", async () => {
  await using program = await startProgram({ config: config("web && !prod") });
  const { origin, token } = program;
  const at = (query: string) => ({ url: `${origin}/mcp${query}`, token });
  // The lists are whole before anybody listens.
  expect((await sendModern(at(""), { method: "tools/list" })).text).toContain("c__");
  const legacyOf = async (query: string) => {
    const { id } = await openSession(at(query));
    return openListen(at(query), { "Mcp-Session-Id": id, "MCP-Protocol-Version": "2025-11-25" });
  };
  await using concerned = await legacyOf("?preset=work");
  await using other = await legacyOf("?tags=web");
  await using piped = await openPipe(origin, "/sse?preset=work", token);
  await piped.send('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}');
  expect(JSON.parse(await piped.next())).toMatchObject({ id: 1, result: {} });
  await piped.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  const listen = new AbortController();
  const heardModern = heard(at("?preset=work"), listen.signal);
  await heardModern.opened;

  const edited = await runProgram(["preset", "edit", "work", "--filter", "data", ...flagsOf(program)]);
  expect([edited.code, edited.stderr]).toEqual([0, ""]);
  expect(edited.stdout).toContain("server:  the running server has it");
  expect(JSON.parse(await concerned.next())).toMatchObject({ method: "notifications/tools/list_changed" });
  expect(JSON.parse(await piped.next())).toMatchObject({ method: "notifications/tools/list_changed" });
  expect(await heardModern.notice).toContain("notifications/tools/list_changed");
  await using client = await connectV1(`${origin}/mcp?preset=work`, token);
  expect(serversIn((await client.listTools()).tools)).toEqual(["c"]);
  expect(await readFile(program.configPath, "utf8")).toBe(config("data"));

  // Whoever sees the same as before is told of the next change first.
  await program.writeConfig(config("web").replace('"tags":["web"]', '"tags":["else"]'));
  expect(JSON.parse(await other.next())).toMatchObject({ method: "notifications/tools/list_changed" });
  listen.abort();
});

test("a preset that is taken away is refused to whoever asks for it from then on", async () => {
  await using program = await startProgram({ config: config("web") });
  const endpoint = { url: `${program.origin}/mcp?preset=work`, token: program.token };
  expect((await sendModern(endpoint, { method: "tools/list" })).status).toBe(200);
  const removed = await runProgram(["preset", "delete", "work", "--json", ...flagsOf(program)]);
  expect(JSON.parse(removed.stdout)).toMatchObject({ written: true, server: "has it" });
  expect((await sendModern(endpoint, { method: "tools/list" })).status).toBe(400);
});

test("which rule hides a tool is told for a token, a preset and an expression; and what a code means", async () => {
  await using program = await startProgram({ config: config("web && !prod") });
  const flags = flagsOf(program);
  const listed = JSON.parse((await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/list" })).text) as { result: { tools: { name: string }[] } };
  const tool = listed.result.tools.find(({ name }) => name.startsWith("a__"))?.name ?? "";
  await runProgram(["token", "create", "--name", "ci", "--scope", "tag:data", ...flags]);
  const told = await runProgram(["explain", tool, "--preset", "work", "--grant", "ci", ...flags]);
  expect([told.code, told.stderr]).toEqual([0, ""]);
  expect(told.stdout).toContain("is not seen\n");
  expect(told.stdout).toContain("HIDES  grant:      none of its scopes (tag:data) covers the server: that takes server:a or tag:web or tag:Prod\n");
  expect(told.stdout).toContain("HIDES  selection:  the selection preset:work leaves out the server: web is true, prod is true\n");
  const json = await runProgram(["explain", tool, "--json", ...flags]);
  expect(JSON.parse(json.stdout)).toMatchObject([{ server: "a", public: tool }]);
  expect((await runProgram(["explain", "CURSOR_INVALID"])).stdout).toStartWith("CURSOR_INVALID: the cursor is not one that was issued here\n");
  const shown = await runProgram(["preset", "show", "work", ...flags]);
  expect(shown.stdout).toBe(`work: web && !prod\n  url:      ${program.origin}/mcp?preset=work\n  servers:  b\n`);
});

const modernList = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`;

const onPipes = async (where: { readonly dir: string }, args: readonly string[]): Promise<string[]> => {
  await using pipe = startPiped(args, where);
  pipe.say(modernList(1));
  const { result } = (await pipe.answer(1)) as { result: { tools: { name: string }[] } };
  return serversIn(result.tools);
};

test("a client on pipes sees what the command line selects, which must be there", async () => {
  await using place = await placeOf(config("web && !prod"));
  const flags = ["--config", place.config, "--state-dir", place.stateDir];
  expect(await onPipes(place, ["serve", "--stdio", ...flags, "--preset", "work"])).toEqual(["b"]);
  const unknown = await runProgram(["serve", "--stdio", "--preset", "gone", ...flags]);
  expect([unknown.code, unknown.stderr.includes("there is no preset “gone”")]).toEqual([2, true]);
});

test("so does one that is bridged, to the server of the state folder or to an address", async () => {
  await using program = await startProgram({ config: config("web && !prod") });
  // The servers are up before the bridge asks for them.
  expect((await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/list" })).text).toContain("c__");
  const state = ["--state-dir", join(program.dir, "state")];
  expect(await onPipes(program, ["proxy", ...state, "--tag-filter", "web !prod"])).toEqual(["b"]);
  expect(await onPipes(program, ["proxy", ...state, "--url", `${program.origin}/mcp?app=x`, "--preset", "work"])).toEqual(["b"]);
});

test("a server that is started with an expression shows every client what that selects, and less where the client wants less", async () => {
  await using program = await startProgram({ config: config("!prod"), args: ["--filter", "web"] });
  for (const [query, servers] of [["", ["a", "b"]], ["?preset=work", ["b"]], ["?tags=data", []], ["?filter=!web", []]] as const) {
    await using client = await connectV2(`${program.origin}/mcp${query}`, program.token, "modern");
    expect(serversIn((await client.listTools()).tools)).toEqual([...servers]);
  }
});

/** A standing subscription of the modern era: resolves when it is open, and with the first notice. */
function heard({ url, token }: { readonly url: string; readonly token: string | null }, signal: AbortSignal): { readonly opened: Promise<void>; readonly notice: Promise<string> } {
  const [opened, notice] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  void (async () => {
    const response = await fetch(url, { method: "POST", signal, headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen", Authorization: `Bearer ${token}` }, body: modernList(9).replace("tools/list", "subscriptions/listen").replace('"params":{', '"params":{"notifications":{"toolsListChanged":true},') });
    let text = "";
    for await (const chunk of response.body ?? new ReadableStream<Uint8Array>()) {
      text += new TextDecoder().decode(chunk);
      if (text.includes("acknowledged")) opened.resolve();
      if (text.includes("list_changed")) notice.resolve(text);
    }
  })().catch((thrown: unknown) => void (signal.aborted || notice.reject(thrown)));
  return { opened: opened.promise, notice: notice.promise };
}
