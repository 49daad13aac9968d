/**
 * The bare relay: what any proxy must at least do, and nothing else. HTTP in by Hono, one JSON.parse, the id made unique,
 * the server's prefix taken off the name, and forward: to a child's stdin or to another URL. No sessions, no checks, no
 * streams, no time-outs. Our own cost is measured against it. `bun relay.ts stdio <command…>` or `bun relay.ts http <url>`.
 */
import { Hono } from "hono";
import { readLines } from "./lines.ts";

interface Message {
  id?: number | string;
  params?: { name?: string };
}

type Forward = (message: Message) => Promise<Message | null>;

const localName = (name: string): string => name.slice(name.indexOf("__") + 2);

function toStdio(argv: readonly string[]): Forward {
  const child = Bun.spawn([...argv], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const waiting = new Map<number, { id: number | string; resolve: (reply: Message) => void }>();
  let last = 0;
  let flushing = false;
  const flush = (): void => {
    flushing = false;
    void child.stdin.flush();
  };
  void readLines(child.stdout, (line) => {
    const reply = JSON.parse(line) as Message;
    const waiter = waiting.get(reply.id as number);
    if (waiter === undefined) throw new Error(`an answer to nothing: ${line}`);
    waiting.delete(reply.id as number);
    reply.id = waiter.id;
    waiter.resolve(reply);
  });
  return (message) =>
    new Promise((resolve) => {
      const { id } = message;
      if (id !== undefined) {
        last += 1;
        message.id = last;
        waiting.set(last, { id, resolve });
      } else resolve(null);
      child.stdin.write(`${JSON.stringify(message)}\n`);
      // One flush for all that was written in this turn: a write each would cost a system call each.
      if (!flushing) {
        flushing = true;
        queueMicrotask(flush);
      }
    });
}

function toHttp(url: string): Forward {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  let last = 0;
  return async (message) => {
    const { id } = message;
    if (id !== undefined) message.id = last += 1;
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(message) });
    if (id === undefined) return null;
    const reply = (await response.json()) as Message;
    reply.id = id;
    return reply;
  };
}

if (import.meta.main) {
  const [kind, ...rest] = process.argv.slice(2);
  const forward = kind === "http" ? toHttp(rest[0]!) : toStdio(rest);
  const app = new Hono();
  app.get("/health", (c) => c.text("ok"));
  app.delete("/mcp", (c) => c.body(null, 200));
  app.post("/mcp", async (c) => {
    const message = JSON.parse(await c.req.text()) as Message;
    const name = message.params?.name;
    if (name !== undefined) message.params!.name = localName(name);
    const reply = await forward(message);
    return reply === null ? c.body(null, 202) : c.body(JSON.stringify(reply), 200, { "content-type": "application/json" });
  });
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: app.fetch });
  console.error(`http://127.0.0.1:${server.port}/mcp`);
}
