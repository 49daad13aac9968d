/**
 * Large answers that their clients have not taken yet. The runtime keeps what a connection does not take, without bound
 * and without a word; so a large answer is written as a stream, whose end is known, and while too much of them waits
 * nobody gets to ask for more.
 */

/** What is asked of the runtime's way to write without a copy. */
interface Sink {
  /** A promise while the connection does not take it. */
  write(text: string): number | Promise<number>;
  close(): void;
}

/** Answers below this are not worth being counted: the system's own buffers take them. */
export const countedBytesMin = 64 * 1024;

export class Unread {
  readonly #max: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#max = bytesMax;
  }

  /** Bytes that were written and not taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Too much waits already. */
  get isFull(): boolean {
    return this.#bytes >= this.#max;
  }

  /** The body of an answer of so many bytes. */
  bodyOf(text: string, bytes: number): string | ReadableStream {
    if (bytes < countedBytesMin) return text;
    let left = 0;
    // Taken, or of no interest to anybody any more; both may be told.
    const release = (): void => {
      this.#bytes -= left;
      left = 0;
    };
    const pull = async (sink: Sink): Promise<void> => {
      // Only from here on: who has gone before is never written to.
      left = bytes;
      this.#bytes += bytes;
      try {
        await sink.write(text);
        sink.close();
      } finally {
        release();
      }
    };
    return new ReadableStream({ type: "direct", pull: (controller) => pull(controller as unknown as Sink), cancel: release });
  }
}
