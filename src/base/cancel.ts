/**
 * Cancellation of one call: an AbortSignal in miniature. A real AbortController costs about as much as the rest of a
 * relayed call, and nobody outside needs one.
 */

type Listener = (reason: string) => void;

/** The reading side. */
export interface Cancel {
  readonly cancelled: boolean;
  /** Runs `listener` once when cancelled (at once if it already is); gives back how to stop listening. */
  onCancel(listener: Listener): () => void;
}

/** The writing side. */
export class CancelSource implements Cancel {
  #reason: string | null = null;
  /** Nearly always there is one listener at most. */
  #first: Listener | null = null;
  #others: Listener[] | null = null;

  get cancelled(): boolean {
    return this.#reason !== null;
  }

  onCancel(listener: Listener): () => void {
    if (this.#reason !== null) {
      listener(this.#reason);
      return nothing;
    }
    if (this.#first === null && this.#others === null) this.#first = listener;
    else (this.#others ??= []).push(listener);
    return () => this.#forget(listener);
  }

  #forget(listener: Listener): void {
    if (this.#first === listener) {
      this.#first = null;
      return;
    }
    const at = this.#others?.indexOf(listener) ?? -1;
    if (at !== -1) this.#others?.splice(at, 1);
  }

  /** Cancels once; later calls change nothing. */
  cancel(reason: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    const listeners = [...(this.#first === null ? [] : [this.#first]), ...(this.#others ?? [])];
    this.#first = null;
    this.#others = null;
    for (const listener of listeners) listener(reason);
  }
}

const nothing = (): void => undefined;
