/**
 * The fastest honest MCP server we can write by hand: one echo tool and a list of ten, no package in between, so that what
 * a benchmark measures is the proxy in front. `bun backend.ts <stdio|http> <2025|2026>`; the http one prints its URL on stderr.
 */
import { readLines } from "./lines.ts";

type Era = "2025" | "2026";

interface Request {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly text?: string }; readonly protocolVersion?: string };
}

const info = { name: "bench-backend", version: "1.0.0" };
const capabilities = { tools: {} };
const inputSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
const tools = ["echo", ...Array.from({ length: 9 }, (_, i) => `other${i}`)].map((name) => ({ name, description: `The tool ${name}`, inputSchema }));

/** The fields that every result, and every cacheable result, of the newer revision must have. */
const complete = { resultType: "complete", _meta: { "io.modelcontextprotocol/serverInfo": info } };
const cacheable = { ttlMs: 0, cacheScope: "private", ...complete };

type Results = Readonly<Record<string, (request: Request) => object>>;

const textContent = (request: Request): object => ({ content: [{ type: "text", text: request.params?.arguments?.text ?? "" }] });

/** What each era's backend answers; a method that is not in its table does not exist there. */
const results: Readonly<Record<Era, Results>> = {
  "2026": {
    "tools/call": (request) => ({ ...textContent(request), ...complete }),
    "tools/list": () => ({ tools, ...cacheable }),
    "server/discover": () => ({ supportedVersions: ["2026-07-28"], capabilities, ...cacheable }),
  },
  "2025": {
    "tools/call": textContent,
    "tools/list": () => ({ tools }),
    initialize: (request) => ({ protocolVersion: request.params?.protocolVersion ?? "2025-11-25", capabilities, serverInfo: info }),
    ping: () => ({}),
  },
};

/** The reply's text, or null for a notification. */
export function replyTo(text: string, era: Era): string | null {
  const request = JSON.parse(text) as Request;
  if (request.id === undefined) return null;
  const result = results[era][request.method]?.(request) ?? null;
  const body = result === null ? { error: { code: -32601, message: "Method not found" } } : { result };
  return JSON.stringify({ jsonrpc: "2.0", id: request.id, ...body });
}

async function serveStdio(era: Era): Promise<void> {
  const out = Bun.stdout.writer();
  const answer = (line: string): void => {
    const reply = replyTo(line, era);
    if (reply !== null) out.write(`${reply}\n`);
  };
  await readLines(Bun.stdin.stream() as unknown as AsyncIterable<Uint8Array>, answer, () => out.flush());
}

function serveHttp(era: Era): void {
  const headers = { "content-type": "application/json" };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === "GET") return new Response(null, { status: new URL(request.url).pathname === "/health" ? 200 : 405 });
      if (request.method !== "POST") return new Response(null, { status: 200 });
      const reply = replyTo(await request.text(), era);
      return reply === null ? new Response(null, { status: 202 }) : new Response(reply, { headers });
    },
  });
  console.error(`http://127.0.0.1:${server.port}/mcp`);
}

if (import.meta.main) {
  const era = process.argv[3] as Era;
  if (process.argv[2] === "http") serveHttp(era);
  else await serveStdio(era);
}
