/**
 * The moment from which changes of a backend's lists can be heard. Lists that are fetched before it may be outdated
 * without anybody knowing; so a handshake waits for it, but only for a while, because some backends open no stream until
 * they have something to say. Whoever hears late must take it that something was missed.
 */
import type { Clock } from "../base/index.ts";

export class Hearing {
  readonly #known = Promise.withResolvers<void>();
  #over = false;

  /** It is known whether changes can be heard. True when that came too late for `wait`. */
  settle(): boolean {
    this.#known.resolve();
    return this.#over;
  }

  /** Waits until it is known, at most `ms`. */
  async wait(clock: Clock, ms: number): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const timer = clock.timer(ms, patience.resolve);
    await Promise.race([this.#known.promise, patience.promise]);
    timer.cancel();
    this.#over = true;
  }
}
