/**
 * The SSE streams that are open at this moment, whoever opened them: each with a bounded queue, a comment line when it
 * has been silent, and a goodbye when the program ends.
 */
import { type ChunkQueue, type Clock, createChunkQueue, fault, type Limits, type Timer } from "../base/index.ts";
import { sseComment } from "../protocol/index.ts";
import type { ChunkStream, HttpOut } from "./types.ts";

/** What an owner of a stream hears. */
export interface StreamOwner {
  /** Nobody reads any more. May come more than once. */
  gone(): void;
  /** The program ends; the last chance to send something. */
  goodbye?(): void;
}

/** One open stream, on the side of the one who fills it. */
export class OpenStream {
  readonly #queue: ChunkQueue;
  readonly #owner: StreamOwner;
  readonly #left: (stream: OpenStream) => void;
  #spoke = true;

  constructor(bytesMax: number, owner: StreamOwner, left: (stream: OpenStream) => void) {
    this.#queue = createChunkQueue({ bytesMax, onCancel: () => this.cut() });
    this.#owner = owner;
    this.#left = left;
  }

  get reader(): ChunkStream {
    return this.#queue;
  }

  /** Sends one finished SSE event. A reader too slow for the bound counts as gone. */
  send(event: string): void {
    if (this.#queue.closed) return;
    this.#spoke = true;
    if (!this.#queue.push(event)) this.cut();
  }

  /** Ends the stream after what is queued. */
  end(): void {
    this.#left(this);
    this.#queue.end();
  }

  /** The reader has gone. */
  cut(): void {
    this.end();
    this.#owner.gone();
  }

  /** Says a word if nothing was said since the last time. */
  beat(): void {
    if (!this.#spoke) this.send(heartbeat);
    this.#spoke = false;
  }

  /** Lets the owner say its last, then ends. */
  shutDown(): void {
    this.#owner.goodbye?.();
    this.end();
  }
}

const heartbeat = sseComment("");

const sseHeaders = Object.freeze({ "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" });

/** The answer that carries an open stream. */
export const streamOut = (stream: OpenStream, headers: Readonly<Record<string, string>> = {}): HttpOut => ({
  status: 200,
  headers: { ...sseHeaders, ...headers },
  stream: stream.reader,
});

/** The same for a stream that answers no call. */
export const standing = (out: HttpOut): HttpOut => ("stream" in out ? { ...out, standing: true } : out);

export class Streams {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #open = new Set<OpenStream>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens a stream. Throws SHUTTING_DOWN. */
  open(owner: StreamOwner): OpenStream {
    if (this.#closed) throw fault("SHUTTING_DOWN");
    const stream = new OpenStream(this.#limits.streamBytesMax, owner, (one) => this.#left(one));
    this.#open.add(stream);
    this.#timer ??= this.#clock.timer(this.#limits.heartbeatMs, () => this.#beat());
    return stream;
  }

  /** Says goodbye on every stream and ends it. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#open]) stream.shutDown();
  }

  #left(stream: OpenStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #beat(): void {
    this.#timer = null;
    for (const stream of [...this.#open]) stream.beat();
    if (this.#open.size > 0) this.#timer ??= this.#clock.timer(this.#limits.heartbeatMs, () => this.#beat());
  }
}
