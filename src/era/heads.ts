/**
 * Requests that wait for their first message with the response head still open, so that a refusal can still get its
 * HTTP status (2026-07-28, basic/transports). None waits longer than `headMsMax`: then its stream is opened. Most are
 * answered at once; only one that is not begins to watch whether its client is still there, since a client that left in
 * the meantime is seen then too. All wait equally long, so one timer for the oldest serves any number of requests.
 */
import type { Clock, Limits } from "../base/index.ts";

/** One that waits. */
export interface Waiting {
  /** It has waited long enough that its client may have lost patience. */
  watchClient(): void;
  /** It has waited too long for a plain answer. It must call `leave`. */
  openHead(): void;
  /** The program ends. It must call `leave`. */
  shutDown(): void;
}

export class Heads {
  readonly #fresh: Line;
  readonly #late: Line;

  constructor(clock: Clock, limits: Pick<Limits, "patienceMs" | "headMsMax">) {
    this.#late = new Line(clock, Math.max(0, limits.headMsMax - limits.patienceMs), (waiting) => waiting.openHead());
    this.#fresh = new Line(clock, limits.patienceMs, (waiting) => {
      this.#late.enter(waiting);
      waiting.watchClient();
    });
  }

  enter(waiting: Waiting): void {
    this.#fresh.enter(waiting);
  }

  leave(waiting: Waiting): void {
    if (!this.#fresh.leave(waiting)) this.#late.leave(waiting);
  }

  /** Ends the wait of all. */
  close(): void {
    for (const waiting of [...this.#fresh.close(), ...this.#late.close()]) waiting.shutDown();
  }
}

/** Those that have waited less than a certain time, in order of arrival. */
class Line {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #due: (waiting: Waiting) => void;
  readonly #since = new Map<Waiting, number>();
  #armed = false;

  constructor(clock: Clock, ms: number, due: (waiting: Waiting) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#due = due;
  }

  enter(waiting: Waiting): void {
    this.#since.set(waiting, this.#clock.now());
    if (!this.#armed) this.#arm(this.#ms);
  }

  leave(waiting: Waiting): boolean {
    return this.#since.delete(waiting);
  }

  close(): Waiting[] {
    const left = [...this.#since.keys()];
    this.#since.clear();
    return left;
  }

  #arm(ms: number): void {
    this.#armed = true;
    this.#clock.timer(ms, () => this.#look());
  }

  #look(): void {
    this.#armed = false;
    const now = this.#clock.now();
    for (const [waiting, since] of this.#since) {
      const left = since + this.#ms - now;
      if (left > 0) return this.#arm(left);
      this.#since.delete(waiting);
      this.#due(waiting);
    }
  }
}
