/**
 * What all 2025 sessions keep for resumption, together: bounded in bytes, and in time, because a session that is idle
 * for a day would otherwise hold its last answers for a day. Whoever had nothing new for longest loses what it kept.
 */
import type { Clock, Limits, Timer } from "../base/index.ts";

/** Somebody who keeps events. */
export interface Keeper {
  /** Forgets all. It must tell so by `shrunk`. */
  clear(): void;
}

export class Kept {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #msMax: number;
  /** When each keeper last had something new; in that order. */
  readonly #since = new Map<Keeper, number>();
  #bytes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, limits: Pick<Limits, "replayAllBytesMax" | "replayMsMax">) {
    this.#clock = clock;
    this.#bytesMax = limits.replayAllBytesMax;
    this.#msMax = limits.replayMsMax;
  }

  /** A keeper has something new; makes room for it where need be. */
  grown(keeper: Keeper, bytes: number): void {
    this.#bytes += bytes;
    this.#since.delete(keeper);
    this.#since.set(keeper, this.#clock.now());
    this.#timer ??= this.#clock.timer(this.#msMax, () => this.#expire());
    for (const oldest of this.#since.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      oldest.clear();
    }
  }

  /** A keeper has forgotten something; `isEmpty`: nothing is left. */
  shrunk(keeper: Keeper, bytes: number, isEmpty: boolean): void {
    this.#bytes -= bytes;
    if (!isEmpty) return;
    this.#since.delete(keeper);
    if (this.#since.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #expire(): void {
    this.#timer = null;
    for (const [keeper, since] of this.#since) {
      const leftMs = since + this.#msMax - this.#clock.now();
      if (leftMs > 0) {
        this.#timer = this.#clock.timer(leftMs, () => this.#expire());
        return;
      }
      keeper.clear();
    }
  }
}
