/**
 * Requests that wait for their first message with the response head still open, so that a refusal can still get its
 * HTTP status (protocol: 2026-07-28, basic/transports). None waits longer than `headMsMax`: then its stream is opened.
 * All wait equally long, so one timer for the oldest serves any number of requests.
 */
import type { Clock } from "../base/index.ts";

/** One that waits. */
export interface Waiting {
  /** It has waited long enough. It must call `leave`. */
  openHead(): void;
  /** The program ends. It must call `leave`. */
  shutDown(): void;
}

export class Heads {
  readonly #clock: Clock;
  readonly #msMax: number;
  /** In order of arrival. */
  readonly #since = new Map<Waiting, number>();
  #armed = false;
  #closed = false;

  constructor(clock: Clock, msMax: number) {
    this.#clock = clock;
    this.#msMax = msMax;
  }

  enter(waiting: Waiting): void {
    this.#since.set(waiting, this.#clock.now());
    if (!this.#armed) this.#arm(this.#msMax);
  }

  leave(waiting: Waiting): void {
    this.#since.delete(waiting);
  }

  /** Ends the wait of all. */
  close(): void {
    this.#closed = true;
    for (const waiting of [...this.#since.keys()]) waiting.shutDown();
    this.#since.clear();
  }

  #arm(ms: number): void {
    this.#armed = true;
    this.#clock.timer(ms, () => this.#due());
  }

  #due(): void {
    this.#armed = false;
    if (this.#closed) return;
    const now = this.#clock.now();
    for (const [waiting, since] of this.#since) {
      const left = since + this.#msMax - now;
      if (left > 0) return this.#arm(left);
      this.#since.delete(waiting);
      waiting.openHead();
    }
  }
}
