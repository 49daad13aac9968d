/**
 * The tasks that one server has begun for its callers and that are not known to be over. A process that nobody calls at
 * the moment may still be at work on one, and somebody will come back for it.
 */
import type { Clock, Limits } from "../base/index.ts";
import { type Call, memberOf, type Outcome, type RawObject, stringOf } from "../protocol/index.ts";

const over: Readonly<Record<string, true>> = Object.freeze({ completed: true, failed: true, cancelled: true });

export class OpenTasks {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** By the server's own id, until when each is waited for; the oldest first. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** True while one of them may be asked for. */
  get any(): boolean {
    const now = this.#clock.now();
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id);
    return this.#until.size > 0;
  }

  /** Takes what a call came to, whatever it was about. */
  noticed({ method, params }: Pick<Call, "method" | "params">, outcome: Outcome): void {
    if (outcome.kind === "task") this.#began(outcome.result);
    else if (method.startsWith("tasks/")) this.#heard(method, stringOf(params, "taskId") ?? "", outcome);
  }

  /** The server has ended, and with it whatever it did. */
  clear(): void {
    this.#until.clear();
  }

  #began(task: RawObject): void {
    const id = stringOf(task, "taskId");
    if (id === null || isOver(task)) return;
    const oldest = this.#until.keys().next();
    if (this.#until.size >= this.#limits.openTasksMax && oldest.done === false) this.#until.delete(oldest.value);
    this.#until.set(id, this.#clock.now() + this.#lifeMsOf(task));
  }

  /** As long as the server keeps it; a server that says nothing, as long as its client may ask. */
  #lifeMsOf(task: RawObject): number {
    const { taskMsMax } = this.#limits;
    const ttlMs = Number(memberOf(task, "ttlMs") ?? "none");
    return ttlMs >= 0 ? Math.min(ttlMs, taskMsMax) : taskMsMax;
  }

  /** Whoever has given it up, or heard that it is over or unknown, does not come back. */
  #heard(method: string, id: string, outcome: Outcome): void {
    if (isUnknown(outcome) || (outcome.kind === "done" && (method === "tasks/cancel" || isOver(outcome.result)))) this.#until.delete(id);
  }
}

/** The code by which a server says that it has no such task. */
const isUnknown = (outcome: Outcome): boolean => outcome.kind === "failed" && outcome.error.code === -32602;

const isOver = (task: RawObject): boolean => Object.hasOwn(over, stringOf(task, "status") ?? "");
