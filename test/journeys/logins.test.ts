/** A remote server that wants a login, behind the real program: from nobody's login to a call, and what travels with it. */
import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { operatorAsks, PageBrowser, serverIs } from "../fixtures/approver.ts";
import { createGuarded } from "../fixtures/guarded.ts";
import { type Program, startProgram } from "../fixtures/program.ts";

const foreign = { cookie: "sid=client-cookie-1", "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "client-host-1", "proxy-authorization": "Basic client-proxy-1", forwarded: "for=client-forwarded-1" };

async function tell(program: Program, message: object, more: Record<string, string> = {}): Promise<{ text: string; session: string | null }> {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${program.token}`, ...foreign, ...more };
  const reply = await fetch(`${program.origin}/mcp/remote`, { method: "POST", headers, body: JSON.stringify(message) });
  return { text: await reply.text(), session: reply.headers.get("mcp-session-id") };
}

async function textIn(folder: string): Promise<string> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  return (await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), "latin1")))).join("\n");
}

test("a login in the browser brings a server up, and no credential passes through in either direction", async () => {
  await using guarded = createGuarded();
  await using program = await startProgram({ config: { mcpServers: { remote: { url: guarded.url } } } });
  await serverIs(program, "needs-login");
  // Nobody's browser but the operator's.
  expect((await fetch(`${program.origin}/oauth/authorize/remote`)).status).toBe(401);
  const { url } = await operatorAsks<{ readonly url: string }>(program, "POST", "/logins/remote/start", { by: "browser" });
  const page = await new PageBrowser(program.origin).open(url);
  expect([page.status, page.text.includes("logged in at remote")]).toEqual([200, true]);
  await serverIs(program, "ready");
  const { session } = await tell(program, { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "c", version: "1" } } });
  const bound = { "mcp-session-id": session ?? "", "mcp-protocol-version": "2025-06-18" };
  await tell(program, { jsonrpc: "2.0", method: "notifications/initialized" }, bound);
  const called = await tell(program, { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "whoami", arguments: {} } }, bound);
  expect(called.text).toContain("called whoami");

  expect(guarded.asked.findLast(({ path }) => path === "/mcp")?.headers.get("authorization")).toStartWith("Bearer access-");
  // What came from the client is nowhere at the server; what came from the server is nowhere at the client, or on disk.
  const there = guarded.asked.map(({ headers, body }) => JSON.stringify([...headers]) + body).join("\n");
  for (const secret of [String(program.token), String(session), "client-cookie-1", "client-host-1", "client-proxy-1", "client-forwarded-1", "203.0.113.9"]) expect(there).not.toContain(secret);
  const here = called.text + program.stderr() + (await textIn(join(program.dir, "state")));
  for (const secret of guarded.secrets) expect(here).not.toContain(secret);
}, 20_000);
