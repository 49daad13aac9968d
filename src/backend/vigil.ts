/**
 * Whether a server that is connected still answers. A process can be stopped, or hang, without its pipe or connection
 * telling; only calls that get no answer show it. Slow calls are no proof: so where nothing at all was heard since a call
 * was made that ran out of time, the server is asked for a sign of life, and only if it gives none, repeatedly, is it
 * given up.
 */
import type { Limits } from "../base/index.ts";

export interface VigilOptions {
  readonly limits: Pick<Limits, "probesMax" | "aliveMsMax">;
  /** Asks for a sign of life; false when none came in that time. */
  readonly probe: (timeoutMs: number) => Promise<boolean>;
  /** Counts up with everything that the server says. */
  readonly heard: () => number;
  /** The first question was not answered. */
  readonly silent: () => void;
  /** A later one was. */
  readonly answers: () => void;
  /** None was. */
  readonly dead: () => void;
}

export class Vigil {
  readonly #options: VigilOptions;
  #isAsking = false;
  #ended = false;

  constructor(options: VigilOptions) {
    this.#options = options;
  }

  /** A call ran out of time, and nothing was heard since it was made. */
  late(): void {
    if (this.#isAsking || this.#ended) return;
    this.#isAsking = true;
    void this.#ask().finally(() => {
      this.#isAsking = false;
    });
  }

  /** Nothing is of interest any more. */
  end(): void {
    this.#ended = true;
  }

  async #ask(): Promise<void> {
    const { limits, silent, answers, dead } = this.#options;
    for (let missed = 0; missed < limits.probesMax; missed++) {
      const lives = await this.#lives();
      if (this.#ended) return;
      if (lives) return missed > 0 ? answers() : undefined;
      if (missed === 0) silent();
    }
    dead();
  }

  async #lives(): Promise<boolean> {
    const { probe, heard, limits } = this.#options;
    const before = heard();
    // Whatever it says meanwhile, it is there.
    return (await probe(limits.aliveMsMax)) || heard() !== before;
  }
}
