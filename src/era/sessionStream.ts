/**
 * One stream of a 2025 session. It outlives its connection: what is sent while nobody reads is kept, as far as the
 * session keeps events, and read on by a later connection.
 */
import { sseEvent } from "../protocol/index.ts";
import type { Channel } from "./exchange.ts";
import type { Replay, SentEvent } from "./replay.ts";
import { type OpenStream, type Streams, streamOut } from "./streams.ts";
import type { HttpOut } from "./types.ts";

/** How long a client shall wait before it connects again. */
const retryMs = 1000;

export interface Connection {
  readonly reader: OpenStream;
  readonly out: HttpOut;
}

export class SessionStream implements Channel {
  readonly name: string;
  readonly #replay: Replay;
  readonly #streams: Streams;
  readonly #finished: (stream: SessionStream) => void;
  #reader: OpenStream | null = null;
  #connection: Connection | null = null;

  constructor(name: string, replay: Replay, streams: Streams, finished: (stream: SessionStream) => void) {
    this.name = name;
    this.#replay = replay;
    this.#streams = streams;
    this.#finished = finished;
  }

  /** Somebody reads it. */
  get attached(): boolean {
    return this.#reader !== null;
  }

  /** The connection attached last, to be cut when it is gone, and the HTTP answer that carries it. */
  get connection(): Connection {
    return this.#connection as Connection;
  }

  /**
   * Gives the stream a new connection, which first gets `missed`; a former one ends. A primed one begins with an event
   * that only has an id, so that there is a place to resume from.
   */
  attach(missed: readonly SentEvent[], primed = false): void {
    this.#reader?.end();
    const reader = this.#streams.open({ gone: () => this.#detach(reader) });
    this.#reader = reader;
    this.#connection = { reader, out: streamOut(reader) };
    if (primed) reader.send(sseEvent({ data: "", id: this.#replay.mark(this.name), retryMs }));
    for (const event of missed) reader.send(sseEvent(event));
  }

  send(data: string): void {
    const id = this.#replay.add(this.name, data);
    this.#reader?.send(sseEvent({ data, id }));
  }

  /** Nothing more will be sent. */
  end(): void {
    this.#finished(this);
    this.#reader?.end();
    this.#reader = null;
  }

  #detach(reader: OpenStream): void {
    if (this.#reader === reader) this.#reader = null;
  }
}
