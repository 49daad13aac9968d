/**
 * Cancellation of one call: an AbortSignal in miniature. A real AbortController costs about as much as the rest of a
 * relayed call, and nobody outside needs one.
 */

/** The reading side. */
export interface Cancel {
  readonly cancelled: boolean;
  /** Runs `listener` once when cancelled (at once if it already is); gives back how to stop listening. */
  onCancel(listener: (reason: string) => void): () => void;
}

/** The writing side. */
export class CancelSource implements Cancel {
  #reason: string | null = null;
  #listeners: ((reason: string) => void)[] | null = null;

  get cancelled(): boolean {
    return this.#reason !== null;
  }

  onCancel(listener: (reason: string) => void): () => void {
    if (this.#reason !== null) {
      listener(this.#reason);
      return () => undefined;
    }
    this.#listeners ??= [];
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners?.indexOf(listener) ?? -1;
      if (at !== -1) this.#listeners?.splice(at, 1);
    };
  }

  /** Cancels once; later calls change nothing. */
  cancel(reason: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) listener(reason);
  }
}
