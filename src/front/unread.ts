/**
 * Large answers that their clients have not taken yet. The runtime keeps what a connection does not take, without bound
 * and without a word; so a large answer is written as a stream, whose end is known. While too much of them waits, those
 * for whom it waits get to ask for no more, and nobody else notices.
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
  /** By principal; only where some wait, so never more than there are answers. */
  readonly #held = new Map<string, number>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#max = bytesMax;
  }

  /** Bytes that were written and not taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Too much waits already, and at least an even share of it for this principal. */
  isFullFor(who: string): boolean {
    return this.#bytes >= this.#max && (this.#held.get(who) ?? 0) >= this.#max / this.#held.size;
  }

  /** The body of an answer of so many bytes to this principal. */
  bodyOf(text: string, bytes: number, who: string): string | ReadableStream {
    if (bytes < countedBytesMin) return text;
    let left = 0;
    // Taken, or of no interest to anybody any more; both may be told.
    const release = (): void => {
      this.#count(who, -left);
      left = 0;
    };
    const pull = async (sink: Sink): Promise<void> => {
      // Only from here on: who has gone before is never written to.
      left = bytes;
      this.#count(who, bytes);
      try {
        await sink.write(text);
        sink.close();
      } finally {
        release();
      }
    };
    return new ReadableStream({ type: "direct", pull: (controller) => pull(controller as unknown as Sink), cancel: release });
  }
  #count(who: string, bytes: number): void {
    this.#bytes += bytes;
    const held = (this.#held.get(who) ?? 0) + bytes;
    if (held > 0) this.#held.set(who, held);
    else this.#held.delete(who);
  }
}
