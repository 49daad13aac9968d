/**
 * A backend that does what the caller's arguments say, over stdio (`bun wireBackend.ts modern|legacy`) or HTTP
 * (`runWireHttp`), so that a test writes both ends of the wire. Tool `script` takes `lines`: texts that are written as
 * they are, `%ID%` and `%TOKEN%` filled in; `wait:<file>` holds the rest back until that file exists. Tool `seen` gives
 * every message that came so far, tool `cancelled` the ids that were cancelled.
 */
import { existsSync } from "node:fs";
import { defaultLimits } from "../../src/base/index.ts";
import { createLines } from "../../src/protocol/index.ts";

const capabilities = { tools: { listChanged: true }, resources: {}, prompts: {}, completions: {}, logging: {} };
const serverInfo = { name: "wire", version: "1.0" };
const mirrored = { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" }, count: { type: "integer", "x-mcp-header": "Count" }, sure: { type: "boolean", "x-mcp-header": "Sure" } } };
const tools = [
  { name: "script", inputSchema: { type: "object" }, outputSchema: { type: "array" }, execution: { taskSupport: "optional" } },
  { name: "seen", inputSchema: { type: "object" }, outputSchema: { type: "object" } },
  { name: "cancelled", inputSchema: { type: "object" } },
  { name: "mirrored", inputSchema: mirrored },
  { name: "größe", inputSchema: { type: "object" } },
];

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly lines?: readonly string[] }; readonly requestId?: number; readonly _meta?: { readonly progressToken?: unknown } };
}

export interface Peer {
  take(text: string, write: (line: string) => void, end: () => void): void;
}

/** Writes answers to one request. */
interface Answer {
  result(result: object): void;
  error(code: number, message: string): void;
}

type Write = (lines: string) => void;

const complete = (modern: boolean, result: object): object => (modern ? { resultType: "complete", ...result } : result);

/** Results that are always the same, by method. */
const fixedOf = (modern: boolean): Readonly<Record<string, object>> => {
  const hints = modern ? { ttlMs: 0, cacheScope: "public" } : {};
  const opening = modern
    ? { "server/discover": { supportedVersions: ["2026-07-28"], capabilities, ttlMs: 0, cacheScope: "private", _meta: { "io.modelcontextprotocol/serverInfo": serverInfo } } }
    : { initialize: { protocolVersion: "2025-11-25", capabilities, serverInfo }, ping: {}, "logging/setLevel": {} };
  return {
    ...opening,
    "tools/list": { tools, ...hints },
    "resources/list": { resources: [{ uri: "test://one", name: "one" }], ...hints },
    "resources/templates/list": { resourceTemplates: [], ...hints },
    "prompts/list": { prompts: [{ name: "hello" }], ...hints },
  };
};

/** One backend of either era, whatever the transport. `end` is called when the answer to a request has been written. */
export function createWireBackend(modern: boolean): Peer {
  const seen: string[] = [];
  const cancelled: unknown[] = [];
  const fixed = fixedOf(modern);
  const say = (text: string): object => ({ content: [{ type: "text", text }] });
  const told: Readonly<Record<string, (text: string) => object>> = {
    seen: () => say(JSON.stringify(seen)),
    cancelled: () => say(JSON.stringify(cancelled)),
    mirrored: say,
    größe: say,
  };
  const call = (message: Incoming, text: string, { result, error }: Answer, write: Write, end: () => void): void => {
    const { name = "", arguments: args, _meta } = message.params ?? {};
    const tool = told[name];
    if (name === "script") void play(args?.lines ?? [], { "%ID%": String(message.id), "%TOKEN%": JSON.stringify(_meta?.progressToken ?? null) }, write, end);
    else if (tool === undefined) error(-32602, "no such tool");
    else result(tool(text));
  };
  const others: Readonly<Record<string, (message: Incoming, text: string, answer: Answer, write: Write, end: () => void) => void>> = {
    "tools/call": call,
    "resources/read": (_message, _text, { error }) => error(modern ? -32602 : -32002, "no such resource"),
    // It stands, so it never ends.
    "subscriptions/listen": ({ id }, _text, _answer, write) =>
      write(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}}}`),
  };
  return {
    take(text, write, end) {
      seen.push(text);
      const message = JSON.parse(text) as Incoming;
      const { id, method = "" } = message;
      if (method === "notifications/cancelled") cancelled.push(message.params?.requestId);
      if (id === undefined) return end();
      const said = (body: object): void => {
        write(JSON.stringify({ jsonrpc: "2.0", id, ...body }));
        end();
      };
      const answer: Answer = { result: (result) => said({ result: complete(modern, result) }), error: (code, words) => said({ error: { code, message: words } }) };
      const result = fixed[method];
      const other = others[method];
      if (result !== undefined) answer.result(result);
      else if (other === undefined) answer.error(-32601, "Method not found");
      else other(message, text, answer, write, end);
    },
  };
}

async function play(lines: readonly string[], words: Readonly<Record<string, string>>, write: (line: string) => void, end: () => void): Promise<void> {
  let ready: string[] = [];
  for (const line of lines) {
    if (!line.startsWith("wait:")) {
      ready.push(line.replace(/%ID%|%TOKEN%/gu, (word) => words[word] ?? word));
      continue;
    }
    if (ready.length > 0) write(ready.join("\n"));
    ready = [];
    await there(line.slice(5));
  }
  if (ready.length > 0) write(ready.join("\n"));
  end();
}

function there(file: string): Promise<void> {
  return new Promise((resolve) => {
    const watching = setInterval(() => {
      if (!existsSync(file)) return;
      clearInterval(watching);
      resolve();
    }, 5);
  });
}

/** The same over Streamable HTTP: every answer is a stream. `headers` are those of each request that came. */
export function runWireHttp(modern: boolean): { readonly url: string; readonly headers: Headers[]; readonly gone: number; close(): Promise<void> } {
  const backend = createWireBackend(modern);
  const headers: Headers[] = [];
  let gone = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== "POST") return new Response(null, { status: 405 });
      headers.push(request.headers);
      const text = await request.text();
      if (!text.includes('"id"')) {
        backend.take(text, () => undefined, () => undefined);
        return new Response(null, { status: 202 });
      }
      const encoder = new TextEncoder();
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          let open = true;
          request.signal.addEventListener("abort", () => {
            if (open) gone += 1;
            open = false;
          });
          const write = (lines: string): void => {
            if (open) for (const line of lines.split("\n")) controller.enqueue(encoder.encode(`data: ${line}\n\n`));
          };
          backend.take(text, write, () => {
            if (open) controller.close();
            open = false;
          });
        },
      });
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    headers,
    get gone() {
      return gone;
    },
    close: () => server.stop(true),
  };
}

if (import.meta.main) {
  const backend = createWireBackend(process.argv[2] === "modern");
  const lines = createLines({
    bytesMax: defaultLimits.messageBytesMax,
    onProblem: (what) => console.error(what),
    onText: (text) => backend.take(text, (line) => void process.stdout.write(`${line}\n`), () => undefined),
  });
  for await (const chunk of Bun.stdin.stream()) lines.feed(chunk);
}
