/**
 * So that neither one server nor one client can take all: how many calls may be at one server at once, and how many one
 * principal may have over all servers. Who comes to a full server waits in a short line, in order, for no longer than the
 * call may take; who finds no place there, or has too many calls already, is refused at once, and told when to come back.
 */
import { type Clock, type Fault, fault, type Limits } from "../base/index.ts";
import type { Call, Outcome } from "../protocol/index.ts";

/** Calls under way by principal, over all servers. */
export class Principals {
  readonly #limits: Pick<Limits, "callsPerPrincipalMax">;
  readonly #calls = new Map<string, number>();

  constructor(limits: Pick<Limits, "callsPerPrincipalMax">) {
    this.#limits = limits;
  }

  /** Throws LIMIT_REACHED. */
  enter(id: string): void {
    const { callsPerPrincipalMax } = this.#limits;
    const calls = this.#calls.get(id) ?? 0;
    if (calls >= callsPerPrincipalMax) throw fault("LIMIT_REACHED", { detail: `limits.callsPerPrincipalMax: ${callsPerPrincipalMax} calls of this client are under way`, data: { sent: false } });
    this.#calls.set(id, calls + 1);
  }

  leave(id: string): void {
    const calls = this.#calls.get(id) ?? 0;
    if (calls > 1) this.#calls.set(id, calls - 1);
    else this.#calls.delete(id);
  }
}

export interface BulkheadOptions {
  /** The configured name of the server, for faults. */
  readonly backend: string;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "queuedMax">;
  readonly principals: Principals;
}

/** The part of a call that is needed. */
export type Passenger = Pick<Call, "principal" | "cancel" | "method">;

export class Bulkhead {
  readonly #options: BulkheadOptions;
  readonly #line = new Set<(refused: Fault | null) => void>();
  #inFlight = 0;
  #max: number;

  constructor(max: number, options: BulkheadOptions) {
    this.#max = max;
    this.#options = options;
  }

  /** Calls under way, and those in line. */
  get size(): number {
    return this.#inFlight + this.#line.size;
  }

  /** Holds for all calls from now on. */
  set max(max: number) {
    this.#max = max;
    while (this.#inFlight < max && this.#line.size > 0) this.#admit();
  }

  /**
   * Runs one call when there is room for it, in what is left of `timeoutMs` then. Rejects with LIMIT_REACHED,
   * BACKEND_BUSY, CALL_CANCELLED, or as `begin` does.
   */
  run(call: Passenger, timeoutMs: number, begin: (timeoutMs: number) => Promise<Outcome>): Promise<Outcome> {
    const { principals } = this.#options;
    const { id } = call.principal;
    try {
      principals.enter(id);
    } catch (thrown) {
      return Promise.reject(thrown as Fault);
    }
    if (this.#inFlight >= this.#max) return this.#runInTurn(call, timeoutMs, begin);
    this.#inFlight += 1;
    const outcome = begin(timeoutMs);
    const leave = (): void => this.#leave(id);
    outcome.then(leave, leave);
    return outcome;
  }

  #leave(id: string): void {
    this.#options.principals.leave(id);
    this.#inFlight -= 1;
    if (this.#line.size > 0 && this.#inFlight < this.#max) this.#admit();
  }

  #admit(): void {
    const [first] = this.#line;
    // Its place is taken at once: it begins only in a moment.
    this.#inFlight += 1;
    first?.(null);
  }

  async #runInTurn(call: Passenger, timeoutMs: number, begin: (timeoutMs: number) => Promise<Outcome>): Promise<Outcome> {
    const { clock, principals } = this.#options;
    const { id } = call.principal;
    const from = clock.now();
    try {
      await this.#turn(call, timeoutMs);
    } catch (thrown) {
      principals.leave(id);
      throw thrown;
    }
    try {
      return await begin(Math.max(1, timeoutMs - (clock.now() - from)));
    } finally {
      this.#leave(id);
    }
  }

  /** Resolves when it is this call's turn; a place is taken for it then. */
  async #turn({ cancel, method }: Passenger, timeoutMs: number): Promise<void> {
    const { backend, clock, limits } = this.#options;
    if (this.#line.size >= limits.queuedMax) throw this.#busy(`${this.#line.size} wait for their turn`);
    const { promise, resolve } = Promise.withResolvers<Fault | null>();
    // Out of the line at that very moment, or a place could be given to somebody who has just gone.
    const settle = (refused: Fault | null): void => {
      if (this.#line.delete(settle)) resolve(refused);
    };
    this.#line.add(settle);
    const timer = clock.timer(timeoutMs, () => settle(this.#busy(`its turn did not come within ${timeoutMs} ms`)));
    const unhook = cancel.onCancel(() => settle(fault("CALL_CANCELLED", { backend, op: method })));
    const refused = await promise;
    timer.cancel();
    unhook();
    if (refused !== null) throw refused;
  }

  #busy(detail: string): Fault {
    return fault("BACKEND_BUSY", { backend: this.#options.backend, detail: `${this.#inFlight} are under way, ${detail}`, data: { sent: false } });
  }
}
