/**
 * A bound on log lines in a time, for one receiver. A server that was set to its most verbose level for one call would
 * otherwise fill the streams of its client, or our own log. What was dropped is counted, and told by the next line that is not.
 */
import type { South } from "./south.ts";

export class Flood {
  readonly #south: South;
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(south: South) {
    this.#south = south;
  }

  /** Counts one more line; false when it is one too many. */
  allows(): boolean {
    const { clock, limits } = this.#south;
    const now = clock.now();
    if (now - this.#since >= limits.logWindowMs) {
      this.#tell();
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= limits.logLinesMax;
  }

  #tell(): void {
    const dropped = this.#count - this.#south.limits.logLinesMax;
    if (dropped > 0) this.#south.log.warn("log lines of a server were dropped, since they were too many", { backend: this.#south.options.name, dropped });
  }
}
