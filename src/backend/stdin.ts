/**
 * Writing to a child's stdin. It hides three habits of Bun's sinks: a write or flush may throw or reject with EPIPE when
 * the child has closed its end, writes to a child that does not read are kept in memory without bound, and each flush is
 * a system call. So all that is written within one turn goes out together, at most one write is unfinished, and what
 * waits behind it is bounded.
 */

/** The part of Bun's FileSink that is used. */
export interface Sink {
  write(text: string): number | Promise<number>;
  flush(): number | Promise<number>;
  end(): number | Promise<number>;
}

export class StdinWriter {
  readonly #sink: Sink;
  readonly #bytesMax: number;
  readonly #onBroken: () => void;
  #waiting = "";
  #unread = 0;
  #scheduled = false;
  #closed = false;
  #queuedId = 0;
  #leftId = 0;

  /** `onBroken` runs once when the child does not take anything any more. */
  constructor(sink: Sink, bytesMax: number, onBroken: () => void) {
    this.#sink = sink;
    this.#bytesMax = bytesMax;
    this.#onBroken = onBroken;
  }

  /**
   * Queues one line; `id` is the request's, 0 for other messages. False: too much is waiting already, or stdin is
   * closed. An empty queue takes a line of any size. `isAlone`: nothing else is under way, so there is nothing to wait for.
   */
  write(line: string, id: number, isAlone = false): boolean {
    if (this.#closed) return false;
    const bytes = this.#unread + this.#waiting.length;
    if (bytes > 0 && bytes + line.length > this.#bytesMax) return false;
    this.#waiting += `${line}\n`;
    if (id > this.#queuedId) this.#queuedId = id;
    if (!this.#scheduled && this.#unread === 0) {
      this.#scheduled = true;
      // With others under way not at the end of this task but of this turn of the event loop: all requests that came in
      // with it leave in one write, and the child is woken once. One alone would pay for another turn.
      if (isAlone) queueMicrotask(() => this.#flush());
      else setImmediate(() => this.#flush());
    }
    return true;
  }

  /** Whether the request of that id may have been given to the child's pipe. Ids grow, so one number tells. */
  left(id: number): boolean {
    return id <= this.#leftId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Lets what was queued leave and closes stdin. Ending twice is fine. */
  end(): void {
    if (this.#closed) return;
    if (this.#unread === 0) this.#flush();
    this.#closed = true;
    try {
      // The child may be gone or deaf; both are what ending it deals with next.
      caught(this.#sink.end(), ignore);
    } catch {
      return;
    }
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#closed || this.#waiting === "") return;
    const batch = this.#waiting;
    this.#waiting = "";
    this.#leftId = this.#queuedId;
    try {
      const written = this.#sink.write(batch);
      const flushed = this.#sink.flush();
      if (written instanceof Promise || flushed instanceof Promise) this.#hold(written, flushed, Buffer.byteLength(batch));
    } catch {
      this.#break();
    }
  }

  // The pipe is full: nothing more is written until it has taken this.
  #hold(written: number | Promise<number>, flushed: number | Promise<number>, bytes: number): void {
    this.#unread = bytes;
    Promise.all([written, flushed]).then(
      () => {
        this.#unread = 0;
        this.#flush();
      },
      () => this.#break(),
    );
  }

  #break(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = "";
    this.#onBroken();
  }
}

function caught(result: number | Promise<number>, onError: () => void): void {
  if (result instanceof Promise) result.catch(onError);
}

const ignore = (): void => undefined;
