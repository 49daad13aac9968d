/**
 * The last lines of the log and of what servers say on stderr, kept for whoever looks at them while the program runs: some
 * for each server, so that one that talks much leaves the others theirs. Texts come in scrubbed and without controls.
 */
import type { Clock } from "./clock.ts";
import type { Limits } from "./limits.ts";

/** One line. */
export interface TailLine {
  /** Counts all lines; a later one has a larger number. */
  readonly seq: number;
  /** ISO. */
  readonly time: string;
  /** The server that it is about; null: none alone. */
  readonly server: string | null;
  /** The level of the log's line, or that the server said it on stderr. */
  readonly level: string;
  readonly text: string;
}

/** Which lines are wanted. */
export interface TailQuery {
  /** null: of all, and of the program itself. */
  readonly server: string | null;
  /** Those after this number. */
  readonly after: number;
  /** The last so many of them. */
  readonly linesMax: number;
}

export class Tail {
  readonly #limits: Pick<Limits, "tailLinesMax" | "backendsMax">;
  readonly #lines = new Map<string | null, TailLine[]>();
  readonly #waiting = new Set<() => void>();
  #seq = 0;

  constructor(limits: Pick<Limits, "tailLinesMax" | "backendsMax">) {
    this.#limits = limits;
  }

  add(line: Omit<TailLine, "seq">): void {
    this.#seq += 1;
    const lines = this.#lines.get(line.server) ?? this.#begin(line.server);
    lines.push({ seq: this.#seq, ...line });
    if (lines.length > this.#limits.tailLinesMax) lines.shift();
    for (const resume of this.#waiting) resume();
  }

  /** Oldest first. */
  read({ server, after, linesMax }: TailQuery): readonly TailLine[] {
    const found = server === null ? [...this.#lines.values()].flat().sort((a, b) => a.seq - b.seq) : (this.#lines.get(server) ?? []);
    return found.filter(({ seq }) => seq > after).slice(-linesMax);
  }

  /** The same, and where there are none, those that come within `ms`. */
  async next(query: TailQuery, ms: number, clock: Clock): Promise<readonly TailLine[]> {
    const until = clock.now() + ms;
    for (;;) {
      const found = this.read(query);
      const left = until - clock.now();
      if (found.length > 0 || left <= 0) return found;
      await this.#more(left, clock);
    }
  }

  async #more(ms: number, clock: Clock): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.timer(ms, resolve);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    timer.cancel();
  }

  // Of servers that are gone something stays, but not of all that ever were.
  #begin(server: string | null): TailLine[] {
    const lines: TailLine[] = [];
    const oldest = this.#lines.keys().next();
    if (this.#lines.size > this.#limits.backendsMax && oldest.done === false) this.#lines.delete(oldest.value);
    this.#lines.set(server, lines);
    return lines;
  }
}
