/**
 * The tasks that a server was given and has not been heard to have ended: it works although no call is in flight, so it
 * must not be stopped for want of use. It hides how little can be known: a task ends when somebody who asks after it is
 * told so, or when its server said that it forgets it, or after long.
 */
import type { Clock, Limits } from "../base/index.ts";
import { type Call, memberOf, type Outcome, type RawObject, stringOf } from "../protocol/index.ts";

/** In any other state a task still works, or waits. */
const ended: Readonly<Record<string, true>> = Object.freeze({ completed: true, failed: true, cancelled: true });

export class Errands {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** Task → until when it may be at work. */
  readonly #open = new Map<string, number>();

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Tasks that may be at work. */
  get size(): number {
    const now = this.#clock.now();
    for (const [id, until] of this.#open) if (until <= now) this.#open.delete(id);
    return this.#open.size;
  }

  /** What a call came to may begin a task, or tell of the end of one. */
  note({ method, params }: Pick<Call, "method" | "params">, outcome: Outcome): void {
    if (outcome.kind === "task") this.#began(outcome.result);
    else if (method.startsWith("tasks/")) this.#told(stringOf(params, "taskId"), outcome);
  }

  /** The server has ended, and with it whatever it did. */
  clear(): void {
    this.#open.clear();
  }

  #began(result: RawObject): void {
    const id = stringOf(result, "taskId");
    if (id === null || hasEnded(result)) return;
    const oldest = this.#open.keys().next();
    if (this.#open.size >= this.#limits.pendingMax && oldest.done === false) this.#open.delete(oldest.value);
    const { taskMsMax } = this.#limits;
    const lifeMs = Number(memberOf(result, "ttlMs") ?? taskMsMax);
    this.#open.set(id, this.#clock.now() + (lifeMs > 0 ? Math.min(lifeMs, taskMsMax) : taskMsMax));
  }

  #told(id: string | null, outcome: Outcome): void {
    if (id === null) return;
    // A server that does not know a task (any more) does not work on it.
    if (outcome.kind === "failed" || (outcome.kind === "done" && hasEnded(outcome.result))) this.#open.delete(id);
  }
}

const hasEnded = (result: RawObject): boolean => Object.hasOwn(ended, stringOf(result, "status") ?? "");
