/** One keep-alive HTTP/1.1 connection with one exchange at a time: far cheaper than `fetch`, so that the load is not what is measured. */

export interface Exchange {
  readonly status: number;
  /** Status line and headers, as they came. */
  readonly head: string;
  readonly body: Buffer;
}

export interface Connection {
  /** Sends a request and resolves with the whole response. `parts` are written one after the other as the body. */
  exchange(method: string, headers: string, parts: readonly (string | Uint8Array)[]): Promise<Exchange>;
  /** The other side has not ended it. */
  readonly isOpen: boolean;
  close(): void;
}

const headEnd = Buffer.from("\r\n\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");

/** A response header's value by name, or null. */
export function headerOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*)$`, "imu").exec(head)?.[1]?.trim() ?? null;
}

/** Connects to the origin of `url`. */
export async function connect(url: URL): Promise<Connection> {
  const reader = createReader();
  const writer = createWriter();
  let isOpen = true;
  const ended = (error: Error): void => {
    isOpen = false;
    reader.fail(error);
  };
  const socket = await Bun.connect({
    hostname: url.hostname,
    port: Number(url.port),
    socket: {
      data: (_, chunk) => reader.feed(chunk),
      drain: () => writer.drain(),
      close: () => ended(new Error("the connection was closed")),
      error: (_, error) => ended(error),
    },
  });
  writer.attach(socket);
  return {
    get isOpen() {
      return isOpen;
    },
    exchange(method, headers, parts) {
      if (!isOpen) return Promise.reject(new Error("the connection was closed"));
      const length = parts.reduce((sum, part) => sum + (typeof part === "string" ? Buffer.byteLength(part) : part.byteLength), 0);
      const head = `${method} ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: ${length}\r\n${headers}\r\n`;
      const answer = reader.next();
      // Small bodies travel with the head in one write; large ones are not copied for it.
      if (parts.every((part) => typeof part === "string")) writer.write(head + parts.join(""));
      else for (const part of [head, ...parts]) writer.write(part);
      return answer;
    },
    close: () => socket.end(),
  };
}

/** Opens an endless response on a connection of its own, with a POST where there is a body; resolves with its head, and reads on until closed. */
export function openStream(url: URL, headers: string, body: string | null = null): Promise<{ readonly head: string; close(): void }> {
  return new Promise((resolve, reject) => {
    let head = "";
    void Bun.connect({
      hostname: url.hostname,
      port: Number(url.port),
      socket: {
        open: (socket) => void socket.write(`${body === null ? "GET" : "POST"} ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n${body === null ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`}${headers}\r\n${body ?? ""}`),
        data: (socket, chunk) => {
          if (head.includes("\r\n\r\n")) return;
          head += chunk.toString("latin1");
          if (head.includes("\r\n\r\n")) resolve({ head, close: () => socket.end() });
        },
        close: () => reject(new Error(`closed before the head of ${url} was complete`)),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}

interface Sink {
  write(data: Uint8Array): number;
}

/** Writes in order, and goes on when the socket has room again. */
function createWriter(): { attach(sink: Sink): void; write(data: string | Uint8Array): void; drain(): void } {
  let sink: Sink;
  let queue: Uint8Array[] = [];
  const drain = (): void => {
    while (queue.length > 0) {
      const written = sink.write(queue[0]!);
      if (written < queue[0]!.byteLength) {
        queue[0] = queue[0]!.subarray(written);
        return;
      }
      queue = queue.slice(1);
    }
  };
  return {
    attach: (to) => void (sink = to),
    write(data) {
      queue.push(typeof data === "string" ? Buffer.from(data) : data);
      if (queue.length === 1) drain();
    },
    drain,
  };
}

interface Reader {
  next(): Promise<Exchange>;
  feed(chunk: Uint8Array): void;
  fail(error: Error): void;
}

/** Puts chunks together to responses, by length or by chunked framing. */
function createReader(): Reader {
  let waiting: { resolve: (exchange: Exchange) => void; reject: (error: Error) => void } | null = null;
  let chunks: Uint8Array[] = [];
  let total = 0;
  let head: string | null = null;
  /** Bytes of head and body; -1 for chunked framing. */
  let expected = 0;

  const readHead = (): boolean => {
    const bytes = Buffer.concat(chunks);
    const at = bytes.indexOf(headEnd);
    if (at === -1) return false;
    head = bytes.toString("latin1", 0, at);
    const length = headerOf(head, "content-length");
    expected = length === null && headerOf(head, "transfer-encoding") !== null ? -1 : at + 4 + Number(length ?? 0);
    return true;
  };
  const finished = (): boolean => {
    if (expected !== -1) return total >= expected;
    return Buffer.from(chunks.at(-1)!).subarray(-5).equals(lastChunk) || Buffer.concat(chunks).subarray(-5).equals(lastChunk);
  };
  return {
    next: () => new Promise((resolve, reject) => void (waiting = { resolve, reject })),
    feed(chunk) {
      // The socket reuses its buffer, so a chunk that has to wait for more is copied.
      chunks.push(chunk.slice());
      total += chunk.byteLength;
      if ((head === null && !readHead()) || !finished()) return;
      const bytes = chunks.length === 1 ? Buffer.from(chunks[0]!.buffer) : Buffer.concat(chunks);
      const raw = bytes.subarray(head!.length + 4);
      const exchange = { status: Number(head!.slice(9, 12)), head: head!, body: expected === -1 ? dechunked(raw) : raw };
      const { resolve } = waiting!;
      chunks = [];
      total = 0;
      head = null;
      waiting = null;
      resolve(exchange);
    },
    fail(error) {
      waiting?.reject(error);
      waiting = null;
    },
  };
}

function dechunked(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.toString("latin1", at, end), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(raw.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
