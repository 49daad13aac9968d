/** Calls of a client of 2026-07-28 over kept connections, each with what came of it and how long that took. */
import { type Connection, connect } from "../bench/http.ts";

/** What one request came to. */
export interface Answered {
  readonly ok: boolean;
  /** The text of an error, "" without one. */
  readonly error: string;
  /** When it was sent, and how long it took, in milliseconds of `performance.now`. */
  readonly at: number;
  readonly ms: number;
}

const meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "soak", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

// As HTTP clients do (that of Node by this time): whoever keeps a connection until the other side is tired of it sends a
// request now and then into one that is being closed, and cannot know whether it was taken.
const idleMsMax = 4_000;

/** One client with one request at a time; it connects anew when its connection has ended, or was not used for long. */
export class Caller {
  readonly #url: URL;
  #connection: Connection | null = null;
  #usedAt = 0;
  #id = 0;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Calls a tool with `args`. */
  call(name: string, args: object = { text: "x" }): Promise<Answered> {
    return this.request("tools/call", { name, arguments: args }, name);
  }

  /** Makes any request; never rejects. */
  async request(method: string, params: object, name: string | null): Promise<Answered> {
    const at = performance.now();
    const answered = (ok: boolean, error: string): Answered => ({ ok, error, at, ms: performance.now() - at });
    try {
      if (at - this.#usedAt > idleMsMax) this.close();
      if (this.#connection?.isOpen !== true) this.#connection = await connect(this.#url);
      this.#id += 1;
      const headers = `Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n${name === null ? "" : `Mcp-Name: ${name}\r\n`}`;
      const body = JSON.stringify({ jsonrpc: "2.0", id: this.#id, method, params: { ...params, _meta: meta } });
      const { body: bytes } = await this.#connection.exchange("POST", headers, [body]);
      this.#usedAt = performance.now();
      const text = messageOf(bytes.toString());
      const { id, error } = JSON.parse(text) as { id?: number; error?: { message: string } };
      if (error !== undefined) return answered(false, error.message);
      return id === this.#id ? answered(true, "") : answered(false, `the answer to another request: ${text.slice(0, 200)}`);
    } catch (thrown) {
      this.close();
      return answered(false, `no answer: ${String(thrown)}`);
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

/** The last message of a body, plain or as events. */
const messageOf = (body: string): string => (body.startsWith("{") ? body : (body.split("\n").findLast((line) => line.startsWith("data: {"))?.slice(6) ?? "{}"));

/** Calls again and again until it is ended, each time `pauseMs` after the answer before. */
export function repeat(once: () => Promise<Answered>, pauseMs: number): { readonly answers: readonly Answered[]; end(): Promise<void> } {
  const answers: Answered[] = [];
  const over = { is: false };
  const running = (async () => {
    while (!over.is) {
      answers.push(await once());
      await Bun.sleep(pauseMs);
    }
  })();
  return {
    answers,
    end() {
      over.is = true;
      return running;
    },
  };
}

/** Calls `perSecond` times a second, whether or not the ones before have been answered, with at most `open` at once. */
export function pour(url: string, once: (caller: Caller) => Promise<Answered>, perSecond: number, open = 64): { readonly answers: readonly Answered[]; end(): Promise<void> } {
  const answers: Answered[] = [];
  const free = Array.from({ length: open }, () => new Caller(url));
  const running = new Set<Promise<void>>();
  const start = performance.now();
  let begun = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - start) / 1000) * perSecond);
    for (; begun < due; begun += 1) {
      const caller = free.pop();
      // Everybody is busy: the call that is left out counts as failed, since a client would have felt it.
      if (caller === undefined) {
        answers.push({ ok: false, error: `more than ${open} calls are open`, at: performance.now(), ms: 0 });
        continue;
      }
      const one: Promise<void> = once(caller).then((answer) => {
        answers.push(answer);
        free.push(caller);
        running.delete(one);
      });
      running.add(one);
    }
  }, 2);
  return {
    answers,
    async end() {
      clearInterval(timer);
      await Promise.all(running);
      for (const caller of free) caller.close();
    },
  };
}

/** The value below which `share` of the numbers lie. */
export const quantile = (numbers: readonly number[], share: number): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

