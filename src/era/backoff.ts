/** How long to wait before a broken stream is opened again: doubling, bounded, with jitter, forgotten after quiet time. */
import type { Clock, Limits } from "../base/index.ts";

export class Backoff {
  readonly #clock: Clock;
  readonly #limits: Limits;
  #step = 0;
  #begunAt: number | null = null;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** An attempt begins. From here and not from the answer's head, because some backends send none before they have something to say. */
  begun(): void {
    this.#begunAt = this.#clock.now();
  }

  /** The attempt has ended, well or badly: milliseconds to wait. One that lasted starts the series anew. */
  delayMs(): number {
    if (this.#begunAt !== null && this.#clock.now() - this.#begunAt >= this.#limits.backoffResetMs) this.#step = 0;
    this.#begunAt = null;
    const ms = Math.min(this.#limits.backoffMsMax, this.#limits.backoffMsMin * 2 ** this.#step);
    this.#step += 1;
    return ms / 2 + (ms / 2) * this.#clock.random();
  }
}
