/**
 * Queues with a bound between somebody who fills and one who reads, and the single flight. A reader that does not
 * read must cost a known amount of memory and never hold up the one who fills: so pushing never waits, it is refused.
 */

/** A bounded queue with one reader. */
export interface Queue<T> {
  /** False: over the bound, or closed; the item was not taken. */
  push(item: T): boolean;
  /** No more items; what is queued can still be read. Ending twice is fine. */
  end(): void;
  /** The next item, or null at the end. Throws if somebody is waiting already: that is a bug. */
  next(): Promise<T | null>;
  readonly closed: boolean;
  /** Items waiting. */
  readonly size: number;
}

/** A bounded queue of text for a stream; see era's ChunkStream. */
export interface ChunkQueue {
  /** False: the reader is too slow or gone, and the queue is closed. */
  push(text: string): boolean;
  end(): void;
  next(): Promise<string | null>;
  /** The reader is gone: drops what is queued, closes, and tells the one who fills. Cancelling twice is fine. */
  cancel(): void;
  readonly closed: boolean;
}

/** A queue of at most `max` items. An item over the bound is refused, the queue goes on. */
export function createQueue<T>(options: { readonly max: number }): Queue<T> {
  return new WeighedQueue<T>(options.max, () => 1);
}

/**
 * A queue of text chunks of at most `bytesMax` bytes in all. An empty queue takes one chunk of any size, since a
 * message has its own bound elsewhere and must get through. A chunk over the bound closes the queue: a stream with a
 * hole in it is worse than one that ends, which the client notices and opens again.
 */
export function createChunkQueue(options: { readonly bytesMax: number; onCancel?(): void }): ChunkQueue {
  const queue = new WeighedQueue<string>(options.bytesMax, Buffer.byteLength);
  let cancelled = false;
  return {
    push(text) {
      const taken = queue.push(text);
      if (!taken) queue.end();
      return taken;
    },
    end: () => queue.end(),
    next: () => queue.next(),
    cancel() {
      if (cancelled) return;
      cancelled = true;
      queue.clear();
      queue.end();
      options.onCancel?.();
    },
    get closed() {
      return queue.closed;
    },
  };
}

class WeighedQueue<T> implements Queue<T> {
  readonly #max: number;
  readonly #weigh: (item: T) => number;
  #items: T[] = [];
  #head = 0;
  #weight = 0;
  #closed = false;
  #reader: ((item: T | null) => void) | null = null;

  constructor(max: number, weigh: (item: T) => number) {
    this.#max = max;
    this.#weigh = weigh;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): boolean {
    if (this.#closed) return false;
    if (this.#reader !== null) {
      // The usual way: the reader waits, nothing is queued or weighed.
      this.#wake(item);
      return true;
    }
    const weight = this.#weigh(item);
    if (this.size > 0 && this.#weight + weight > this.#max) return false;
    this.#items.push(item);
    this.#weight += weight;
    return true;
  }

  end(): void {
    this.#closed = true;
    if (this.#reader !== null) this.#wake(null);
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#weight = 0;
  }

  next(): Promise<T | null> {
    if (this.#reader !== null) throw new Error("a queue has one reader at a time");
    if (this.size > 0) return Promise.resolve(this.#shift());
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  #wake(item: T | null): void {
    const reader = this.#reader;
    this.#reader = null;
    reader?.(item);
  }

  // An index instead of Array.shift, which moves all the rest each time.
  #shift(): T {
    const item = this.#items[this.#head] as T;
    this.#head += 1;
    this.#weight -= this.#weigh(item);
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/**
 * Lets one `run` go at a time. Whoever asks while one is running shares one further run that starts after it, so that
 * each asker gets a run which began after he asked, and a burst comes to two. A failure reaches those who shared the run.
 */
export function singleFlight<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  let waiting: Promise<T> | null = null;
  const start = (): Promise<T> => {
    waiting = null;
    const flight = Promise.try(run).finally(() => {
      running = waiting;
    });
    running = flight;
    return flight;
  };
  return () => {
    if (running === null) return start();
    waiting ??= running.then(start, start);
    return waiting;
  };
}
