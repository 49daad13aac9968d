/**
 * Wishes that came true once, and have nobody at present who tells. It hides when they are looked at again: whenever the
 * world changes, and, where somebody was asked who would not, a few times more in growing waits, since a server that has
 * just taken another's place may not be up to everything yet.
 */
import type { Clock, Limits, Timer } from "../base/index.ts";

export interface OrphansOptions<T> {
  readonly clock: Clock;
  readonly limits: () => Pick<Limits, "subscribeTriesMax" | "backoffMsMin" | "backoffMsMax">;
  /** Looks for somebody who tells; it is no orphan while that goes on. */
  readonly look: (wish: T) => void;
}

export class Orphans<T> {
  readonly #options: OrphansOptions<T>;
  readonly #wishes = new Set<T>();
  /** Looks without a change of the world. */
  #tries = 0;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: OrphansOptions<T>) {
    this.#options = options;
  }

  add(wish: T): void {
    if (!this.#closed) this.#wishes.add(wish);
  }

  delete(wish: T): void {
    if (this.#wishes.delete(wish) && this.#wishes.size === 0) this.#rest();
  }

  /** The world has changed: all of them are looked at, and patience begins anew. */
  retry(): void {
    this.#rest();
    this.#tries = 0;
    this.#look();
  }

  /** Somebody would not tell: he is asked again in a while, `subscribeTriesMax` times at most. */
  later(): void {
    const { clock, limits } = this.#options;
    const { subscribeTriesMax, backoffMsMin, backoffMsMax } = limits();
    if (this.#timer !== null || this.#wishes.size === 0 || this.#tries >= subscribeTriesMax) return;
    const most = Math.min(backoffMsMax, backoffMsMin * 2 ** this.#tries);
    this.#timer = clock.timer(most * (0.5 + clock.random() / 2), () => {
      this.#timer = null;
      this.#tries += 1;
      this.#look();
    });
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#closed = true;
    this.#rest();
    this.#wishes.clear();
  }

  #look(): void {
    for (const wish of [...this.#wishes]) this.#options.look(wish);
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
