/** How long to wait before a broken stream is opened again: doubling, bounded, with jitter, forgotten after quiet time. */
import type { Clock, Limits } from "../base/index.ts";

export class Backoff {
  readonly #clock: Clock;
  readonly #limits: Limits;
  #step = 0;
  #openedAt: number | null = null;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The stream is open. */
  opened(): void {
    this.#openedAt = this.#clock.now();
  }

  /** The stream is gone, or could not be opened: milliseconds to wait. A stream that lasted starts the series anew. */
  delayMs(): number {
    if (this.#openedAt !== null && this.#clock.now() - this.#openedAt >= this.#limits.backoffResetMs) this.#step = 0;
    this.#openedAt = null;
    const ms = Math.min(this.#limits.backoffMsMax, this.#limits.backoffMsMin * 2 ** this.#step);
    this.#step += 1;
    return ms / 2 + (ms / 2) * this.#clock.random();
  }
}
