/**
 * The moment from which changes of a backend's lists can be heard. Lists that are fetched before it may be outdated
 * without anybody knowing; so a handshake waits for it, but only for a while, because some backends open no stream until
 * they have something to say. Whoever hears late must take it that something was missed.
 */
import type { South } from "./south.ts";

export class Hearing {
  readonly #known = Promise.withResolvers<void>();
  #over = false;
  #isKnown = false;
  #mute = false;

  /** It is known whether changes can be heard. True when that came too late for `wait`. */
  settle(): boolean {
    this.#isKnown = true;
    this.#known.resolve();
    return this.#over;
  }

  /** It was not known in time. */
  get mute(): boolean {
    return this.#mute;
  }

  /** Waits until it is known, but not long; shorter where a server is known to keep silent. */
  async wait({ clock, limits, options }: South): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const timer = clock.timer(options.mute === true ? limits.hearAgainMsMax : limits.hearMsMax, patience.resolve);
    await Promise.race([this.#known.promise, patience.promise]);
    timer.cancel();
    this.#over = true;
    this.#mute = !this.#isKnown;
  }
}
