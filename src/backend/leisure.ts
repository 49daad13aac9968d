/**
 * Notices that nobody has used a server for a while. Calls are not told of one by one: a look now and then at how many
 * there were so far costs a call nothing.
 */
import type { Clock, Timer } from "../base/index.ts";

export interface LeisureOptions {
  readonly clock: Clock;
  /** Nothing is under way. */
  readonly idle: () => boolean;
  /** Calls so far. */
  readonly calls: () => number;
  /** Nobody has used it for the whole time. Told once. */
  readonly over: () => void;
}

/** Looks in the time that must go by: the time counts from between two of them. */
const looks = 4;

export class Leisure {
  readonly #options: LeisureOptions;
  #timer: Timer | null = null;
  #quiet = 0;
  #seen = 0;
  #wasIdle = true;

  constructor(options: LeisureOptions) {
    this.#options = options;
  }

  /** Starts to look, anew if it looks already. It is over after `ms` at the earliest, and a quarter more at the latest. */
  watch(ms: number): void {
    this.end();
    this.#quiet = 0;
    this.#wasIdle = this.#options.idle();
    this.#seen = this.#options.calls();
    this.#later(Math.max(1, Math.ceil(ms / looks)));
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #later(ms: number): void {
    this.#timer = this.#options.clock.timer(ms, () => {
      this.#timer = null;
      this.#look();
      if (this.#quiet < looks) this.#later(ms);
      else this.#options.over();
    });
  }

  #look(): void {
    const { calls, idle } = this.#options;
    const isUnused = this.#wasIdle && calls() === this.#seen;
    this.#wasIdle = idle();
    this.#seen = calls();
    this.#quiet = isUnused && this.#wasIdle ? this.#quiet + 1 : 0;
  }
}
