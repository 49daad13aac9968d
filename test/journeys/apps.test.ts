/**
 * MCP Apps with servers of the published packages, in both eras: what a host needs of an app's server (its tools' `_meta.ui`,
 * the page, calls by the server's own names, news of the page) through `/mcp` and through `/mcp/<server>`.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { type Program, startProgram } from "../fixtures/program.ts";
import { dataOf, type Endpoint, openSession, type Sent, sendModern } from "../fixtures/rpc.ts";
import { runV1Http } from "../fixtures/v1Server.ts";

type Json = ReturnType<typeof JSON.parse>;

const ui = "io.modelcontextprotocol/ui";
const capabilities = { tools: {}, resources: { subscribe: true }, extensions: { [ui]: { mimeTypes: ["text/html;profile=mcp-app"] } } };
const mimeType = "text/html;profile=mcp-app";
const viewUi = { csp: { connectDomains: ["https://api.example"], resourceDomains: [] }, permissions: { camera: {} }, prefersBorder: true };
const said = (text: string) => ({ content: [{ type: "text" as const, text }], structuredContent: { rows: [1, 2] }, _meta: { "ui/kept": { n: 1 } } });

/** What one server calls its things: two servers of one kind differ. */
const namesOf = (server: string) => ({ page: `ui://${server}/view`, show: `show_${server}`, refresh: `refresh_${server}` });

function createV2(server: string, touched: (uri: string) => void): McpServer {
  const { page, show, refresh } = namesOf(server);
  const mcp = new McpServer({ name: server, version: "1.0.0" }, { capabilities });
  mcp.registerTool(show, { _meta: { ui: { resourceUri: page, visibility: ["model", "app"] } } }, async ({ mcpReq }) => {
    await mcpReq.notify({ method: "ui/notifications/shown", params: { view: 1.5 } } as never);
    return said(JSON.stringify(mcpReq._meta?.["io.modelcontextprotocol/clientCapabilities"] ?? null));
  });
  mcp.registerTool(refresh, { _meta: { ui: { visibility: ["app"] } } }, () => {
    touched(page);
    return said("refreshed");
  });
  mcp.registerResource("view", page, { mimeType, _meta: { ui: viewUi } }, (uri) => ({ contents: [{ uri: uri.href, mimeType, text: "<p>app</p>", _meta: { ui: viewUi } }] }));
  mcp.server.setRequestHandler("resources/subscribe", () => ({}));
  mcp.server.setRequestHandler("resources/unsubscribe", () => ({}));
  return mcp;
}

function createV1(server: string): McpServerV1 {
  const { page, show, refresh } = namesOf(server);
  const mcp = new McpServerV1({ name: server, version: "1.0.0" }, { capabilities: capabilities as never });
  mcp.registerTool(show, { _meta: { ui: { resourceUri: page, visibility: ["model", "app"] } } }, async ({ sendNotification }) => {
    await sendNotification({ method: "ui/notifications/shown", params: { view: 1.5 } } as never);
    return said(JSON.stringify(mcp.server.getClientCapabilities() ?? null));
  });
  mcp.registerTool(refresh, { _meta: { ui: { visibility: ["app"] } } }, async () => {
    await mcp.server.sendResourceUpdated({ uri: page });
    return said("refreshed");
  });
  mcp.registerResource("view", page, { mimeType, _meta: { ui: viewUi } }, (uri) => ({ contents: [{ uri: uri.href, mimeType, text: "<p>app</p>", _meta: { ui: viewUi } }] }));
  mcp.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  mcp.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  return mcp;
}

let program: Program;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const handler = createMcpHandler(() => createV2("fresh", (uri) => handler.notify.resourceUpdated(uri)), { legacy: "reject" });
  const fresh = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: (request) => handler.fetch(request) });
  const aged = runV1Http(() => createV1("aged"));
  ends.push(() => handler.close(), () => fresh.stop(true), () => aged.close());
  program = await startProgram({ config: { mcpServers: { fresh: { type: "http", url: `http://127.0.0.1:${fresh.port}/mcp` }, aged: { type: "http", url: aged.url } } } });
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  for (const end of ends) await end();
});

const at = (server: string | null): Endpoint => ({ url: `${program.origin}/mcp${server === null ? "" : `/${server}`}`, token: program.token });
const messagesOf = ({ messages }: Sent): Json[] => messages.filter((text) => text !== "").map((text) => JSON.parse(text));

/** A host that knows apps, in either era: sends one request and gives every message that came of it. */
const hosts: Readonly<Record<string, (where: string | null) => Promise<(method: string, params: Record<string, unknown>) => Promise<Json[]>>>> = {
  modern: async (where) => async (method, params) => {
    const target = params["name"] ?? params["uri"];
    return messagesOf(await sendModern(at(where), { method, params: JSON.stringify(params).slice(1, -1), capabilities: `"extensions":{"${ui}":{"mimeTypes":["${mimeType}"]}}`, ...(typeof target === "string" ? { name: target } : {}) }));
  },
  session: async (where) => {
    const session = await openSession(at(where));
    return async (method, params) => messagesOf(await session.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })));
  },
};

for (const [era, open] of Object.entries(hosts)) {
  for (const server of ["fresh", "aged"]) {
    for (const where of [null, server]) {
      describe(`an app of a server (${server}) before a host (${era}) on ${where === null ? "all servers" : "its own"}`, () => {
        const { page, show, refresh } = namesOf(server);

        test("has its tools told with what they say of their pages and of who may see them", async () => {
          const ask = await open(where);
          const { tools } = (await ask("tools/list", {})).at(-1).result;
          const uiOf = (local: string): unknown => tools.find(({ name }: Json) => name === (where === null ? `${server}__${local}` : local))._meta.ui;
          expect(uiOf(show)).toEqual({ resourceUri: page, visibility: ["model", "app"] });
          expect(uiOf(refresh)).toEqual({ visibility: ["app"] });
        });

        test("has its page read as it is", async () => {
          const ask = await open(where);
          expect((await ask("resources/read", { uri: page })).at(-1).result.contents).toEqual([{ uri: page, mimeType, text: "<p>app</p>", _meta: { ui: viewUi } }]);
        });

        test("calls its tools by the names that it knows, and what they tell on the way arrives", async () => {
          const ask = await open(where);
          const messages = await ask("tools/call", { name: show, arguments: {} });
          expect(messages.at(-1).result).toMatchObject({ structuredContent: { rows: [1, 2] }, _meta: { "ui/kept": { n: 1 } } });
          expect(messages.slice(0, -1)).toEqual([{ jsonrpc: "2.0", method: "ui/notifications/shown", params: { view: 1.5 } }]);
        });
      });
    }
  }
}

describe.each(["fresh", "aged"])("the page of an app (%s)", (server) => {
  // With the capabilities of the calls: an older server has a session for each set of them, and tells in that.
  test.each([
    ["on all servers", null],
    ["on its own", server],
  ])("tells its host of its changes, %s", async (_where, where) => {
    const { page, refresh } = namesOf(server);
    const gone = new AbortController();
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": { extensions: { [ui]: { mimeTypes: [mimeType] } } } };
    const response = await fetch(at(where).url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen", Authorization: `Bearer ${program.token}` },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: { notifications: { resourceSubscriptions: [page] }, _meta: meta } }),
      signal: gone.signal,
    });
    const events = dataOf(response.body ?? new ReadableStream());
    const next = async (): Promise<Json> => JSON.parse((await events.next()).value ?? "null");
    expect((await next()).params.notifications).toEqual({ resourceSubscriptions: [page] });
    const ask = await (hosts["modern"] as NonNullable<(typeof hosts)[string]>)(where);
    await ask("tools/call", { name: refresh, arguments: {} });
    expect(await next()).toMatchObject({ method: "notifications/resources/updated", params: { uri: page } });
    gone.abort();
  });
});
