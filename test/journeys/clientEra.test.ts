/** A program whose configuration admits modern clients alone, and clients of either kind before it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connectSse, connectV1, connectV2 } from "../fixtures/clients.ts";
import { type Program, startProgram } from "../fixtures/program.ts";

let program: Program;
beforeAll(async () => {
  program = await startProgram({ config: { clientEra: "modern", mcpServers: {} }, auth: false });
});
afterAll(() => program[Symbol.asyncDispose]());

const codeOf = (connecting: Promise<AsyncDisposable>): Promise<unknown> => connecting.then(() => "connected", (thrown: { code?: unknown; message: string }) => thrown.code ?? thrown.message);

test("a modern client is served, and one of the older era is refused whichever way it comes", async () => {
  await using modern = await connectV2(`${program.origin}/mcp`, null, "modern");
  expect((await modern.listTools()).tools).toEqual([]);
  const older = [connectV1(`${program.origin}/mcp`, null), connectV2(`${program.origin}/mcp`, null, "legacy"), connectSse(`${program.origin}/sse`, null)];
  expect(await Promise.all(older.map(codeOf))).not.toContain("connected");
});

test("GET and DELETE are no verbs there, and the paths of the older transport are not there (N33)", async () => {
  for (const method of ["GET", "DELETE"]) {
    const answer = await fetch(`${program.origin}/mcp`, { method, headers: { "Mcp-Session-Id": "x" } });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
  }
  expect((await fetch(`${program.origin}/sse`)).status).toBe(404);
  expect((await fetch(`${program.origin}/messages?sessionId=x`, { method: "POST" })).status).toBe(404);
});

test("a handshake learns which versions there are", async () => {
  const body = '{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"old","version":"1"}}}';
  const answer = await fetch(`${program.origin}/mcp`, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream" }, body });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ id: 7, error: { code: -32022, data: { supported: ["2026-07-28"], requested: "2025-11-25" } } });
});

test("what is switched on or off while it runs needs a restart, and says so", async () => {
  await program.writeConfig({ mcpServers: {} });
  await program.said("clientEra");
  expect((await fetch(`${program.origin}/mcp`)).status).toBe(405);
});
