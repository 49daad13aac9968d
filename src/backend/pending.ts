/**
 * The requests of one link that have no answer yet. It hides ids and deadlines: ids count up and are never used twice,
 * and one timer serves all deadlines, since a timer of its own for each call would cost more than the call's table entry.
 */
import { type Clock, type Fault, fault } from "../base/index.ts";
import type { Raw } from "../protocol/index.ts";

export interface PendingOptions {
  readonly clock: Clock;
  readonly pendingMax: number;
  /** The configured name of the server, for faults. */
  readonly backend: string;
  /** A request ran out of time, and nothing was heard since it was opened. */
  readonly late?: () => void;
}

interface Entry<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (fault: Fault) => void;
  readonly openedAt: number;
  dueAt: number;
  /** What had been heard when it was opened. */
  readonly heard: number;
  readonly drop: (() => void) | null;
  readonly standing: boolean;
}

export class Pending<T> {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #backend: string;
  readonly #late: (() => void) | undefined;
  readonly #entries = new Map<number, Entry<T>>();
  #standing = 0;
  #lastId = 0;
  #heard = 0;
  #timer: { cancel(): void } | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: PendingOptions) {
    this.#clock = options.clock;
    this.#max = options.pendingMax;
    this.#backend = options.backend;
    this.#late = options.late;
  }

  /** Counts up with everything that the server says. */
  get heard(): number {
    return this.#heard;
  }

  /** The server has said something. */
  hear(): void {
    this.#heard += 1;
  }

  /** An id that was never given before. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Requests that somebody waits for; those that are meant to stay open are none. */
  get size(): number {
    return this.#entries.size - this.#standing;
  }

  /**
   * Waits for the answer to `id`; rejects with BACKEND_TIMEOUT after `timeoutMs`. `drop` runs when nobody waits any more
   * although no answer came; `standing` is meant to stay open. Throws BACKEND_BUSY.
   */
  open(id: number, timeoutMs: number, drop: (() => void) | null, standing = false): Promise<T> {
    if (this.#entries.size >= this.#max) {
      throw fault("BACKEND_BUSY", { backend: this.#backend, detail: `${this.#max} calls are in flight`, data: { sent: false } });
    }
    const openedAt = this.#clock.now();
    const dueAt = openedAt + timeoutMs;
    const answer = new Promise<T>((resolve, reject) => {
      this.#entries.set(id, { resolve, reject, openedAt, dueAt, heard: this.#heard, drop, standing });
    });
    if (standing) this.#standing += 1;
    if (dueAt < this.#timerAt) this.#arm(dueAt);
    return answer;
  }

  /** Hands over the answer; false when nobody waits for that id (any more). */
  settle(id: number, value: T): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#remove(id, entry);
    entry.resolve(value);
    return true;
  }

  /** Ends one request without an answer; false when it had ended already. */
  fail(id: number, reason: Fault): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#remove(id, entry);
    entry.drop?.();
    entry.reject(reason);
    return true;
  }

  /** The answer came, but nobody can read it; false when nobody waits for it. */
  garbled(id: number, detail: string): boolean {
    return this.#entries.has(id) && this.fail(id, fault("BACKEND_GARBLED", { backend: this.#backend, detail }));
  }

  /** An answer came under an id that was never given: where it is one of ours made text, whoever waits learns that; false when nobody does. */
  misdirected(id: Raw): boolean {
    const ours = /^"(\d{1,15})"$/.exec(id)?.[1];
    return ours !== undefined && this.garbled(Number(ours), `it answered under the id ${id}, which is text, instead of ${ours}`);
  }

  /** The answer to `id` is due `ms` from now instead. */
  postpone(id: number, ms: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.dueAt = this.#clock.now() + ms;
    if (entry.dueAt < this.#timerAt) this.#arm(entry.dueAt);
  }

  /** The caller lost interest: rejects with CALL_CANCELLED. */
  abandon(id: number): void {
    this.fail(id, fault("CALL_CANCELLED", { backend: this.#backend }));
  }

  /** Ends all requests; `reasonOf` makes the fault of each. */
  failAll(reasonOf: (id: number) => Fault): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    for (const id of [...this.#entries.keys()]) this.fail(id, reasonOf(id));
  }

  #remove(id: number, entry: Entry<T>): void {
    this.#entries.delete(id);
    if (entry.standing) this.#standing -= 1;
  }

  // The timer stands for the earliest deadline that was ever asked for, whether or not that call is answered by then:
  // with answers far quicker than deadlines it fires about once in a deadline's length.
  #arm(at: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.timer(at - this.#clock.now(), () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    let isSilent = false;
    for (const [id, entry] of this.#entries) {
      if (entry.dueAt > now) {
        next = Math.min(next, entry.dueAt);
        continue;
      }
      isSilent ||= !entry.standing && entry.heard === this.#heard;
      this.fail(id, fault("BACKEND_TIMEOUT", { backend: this.#backend, detail: `nothing within ${now - entry.openedAt} ms`, data: { sent: true } }));
    }
    if (next < this.#timerAt) this.#arm(next);
    if (isSilent) this.#late?.();
  }
}
