/** From an answer to bytes: JSON whole, streams piece by piece at the reader's pace, with a sign of life in the silence. */
import { type Clock, type Counter, type Fault, faults, retryAfterMs, type Timer } from "../base/index.ts";
import type { ChunkStream, HttpOut } from "../era/index.ts";
import { errorText, rpcErrorOf, sseComment } from "../protocol/index.ts";
import type { Unread } from "./unread.ts";

/** What a streamed answer needs besides itself. */
export interface StreamOptions {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Counts the bytes of messages that are sent. */
  readonly sent: Counter;
  /** Counts large answers until they are taken. */
  readonly unread: Unread;
  /** Whose answer it is. */
  readonly who: string;
  /** Runs once when the stream is over, however it came to that. */
  onEnd(): void;
}

// Lower case, as in the era room: two spellings of one name would be joined to one doubled value.
type Headers = Readonly<Record<string, string>>;

/** Our refusal of a request, before anybody has read it: a JSON-RPC error without id. */
export function refusal(fault: Fault, headers: Headers | null): Response {
  const status = faults[fault.code].http;
  return new Response(errorText(null, rpcErrorOf(fault)), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff", ...comeBack(status), ...headers },
  });
}

/** Whoever finds no room is told when to try again. */
const comeBack = (status: number): Headers | null => (status === 429 ? comeBackIn(retryAfterMs) : null);

/** The same headers with their names in lower case: two spellings of one name would be joined to one doubled value. */
export const lowerNames = (headers: Headers): Headers => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** The header that says when. */
export const comeBackIn = (ms: number): Headers => ({ "retry-after": String(Math.ceil(ms / 1000)) });

/** The era room's answer as a response; a stream goes on by itself. */
export function replyOf(out: HttpOut, extra: Headers | null, options: StreamOptions): Response {
  const { status } = out;
  if ("body" in out) {
    options.onEnd();
    return new Response(out.body === null ? null : bodyOf(out.body, options), { status, headers: { ...out.headers, ...comeBack(status), "x-content-type-options": "nosniff", ...extra } });
  }
  const headers = { ...out.headers, "cache-control": "no-cache, no-transform", "x-accel-buffering": "no", "x-content-type-options": "nosniff", ...extra };
  return new Response(new Feed(out.stream, options).readable(), { status, headers });
}

function bodyOf(text: string, { sent, unread, who }: StreamOptions): string | ReadableStream {
  const bytes = Buffer.byteLength(text);
  sent.add(bytes);
  return unread.bodyOf(text, bytes, who);
}

const encoder = new TextEncoder();

/** What a pull waits for: a chunk, the end, or the reason why there will be none. */
type Arrival = string | null | { readonly reason: unknown };

/**
 * Pulls chunks as the socket takes them. A push-based stream would queue without bound for a client that does not read;
 * here the bound is the chunk stream's own. It begins with a comment, since the head is not sent before the first byte.
 */
class Feed {
  readonly #stream: ChunkStream;
  readonly #options: StreamOptions;
  /** The next chunk has been asked for and has not come. */
  #asked = false;
  /** What came while no pull was waiting. */
  #early: Arrival | undefined = undefined;
  /** Settles the pull that is waiting; undefined means that it was only time for a sign of life. */
  #wake: ((arrival: Arrival | undefined) => void) | null = null;
  #timer: Timer | null = null;
  /** When a byte was last written. */
  #spokeAt: number;
  #over = false;

  constructor(stream: ChunkStream, options: StreamOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#spokeAt = options.clock.now();
  }

  readable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => controller.enqueue(beat()),
        pull: (controller) => this.#pull(controller),
        cancel: () => {
          this.#stream.cancel();
          this.#end();
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const arrival = await this.#next();
    if (this.#over) return;
    this.#spokeAt = this.#options.clock.now();
    if (arrival === undefined) controller.enqueue(beat());
    else if (typeof arrival === "string") this.#say(controller, encoder.encode(arrival));
    else this.#finish(controller, arrival);
  }

  #say(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
    this.#options.sent.add(bytes.byteLength);
    controller.enqueue(bytes);
  }

  #finish(controller: ReadableStreamDefaultController<Uint8Array>, arrival: { readonly reason: unknown } | null): void {
    this.#end();
    if (arrival === null) controller.close();
    else controller.error(arrival.reason);
  }

  #next(): Promise<Arrival | undefined> {
    if (this.#early !== undefined) {
      const early = Promise.resolve(this.#early);
      this.#early = undefined;
      return early;
    }
    const waiting = new Promise<Arrival | undefined>((resolve) => {
      this.#wake = resolve;
    });
    this.#ask();
    this.#timer ??= this.#options.clock.timer(this.#options.heartbeatMs, () => this.#tick());
    return waiting;
  }

  // Asked once a chunk, however many signs of life pass until it comes.
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#stream.next().then(
      (chunk) => this.#arrived(chunk),
      (reason: unknown) => this.#arrived({ reason }),
    );
  }

  #arrived(arrival: Arrival): void {
    this.#asked = false;
    if (this.#wake === null) this.#early = arrival;
    else this.#settle(arrival);
  }

  #settle(arrival: Arrival | undefined): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.(arrival);
  }

  // One timer a stream, put off for as long as there is talk: one a chunk would cost more than the chunk.
  #tick(): void {
    const { clock, heartbeatMs } = this.#options;
    const now = clock.now();
    // Where that seems to lie ahead, the clock was set back.
    this.#spokeAt = Math.min(this.#spokeAt, now);
    const leftMs = this.#spokeAt + heartbeatMs - now;
    if (leftMs <= 0) this.#settle(undefined);
    this.#timer = clock.timer(leftMs > 0 ? leftMs : heartbeatMs, () => this.#tick());
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#options.onEnd();
  }
}

const beat = (): Uint8Array => encoder.encode(sseComment(""));
