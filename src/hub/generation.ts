/**
 * One configuration at work: its frozen Config, a lease on each of its servers, and how many calls still run on it.
 * A replaced generation lives until its last pinned call has ended (or the drain limit), then gives its leases back;
 * the next generation has taken its own before, so a server that stays is never stopped in between.
 */
import type { Lease, Pool } from "../backend/index.ts";
import type { Clock, Timer } from "../base/index.ts";
import type { BackendSpec, Config } from "../config/index.ts";

export class Generation {
  readonly config: Config;
  /** By configured name, in the order of the file; disabled servers are not in it. */
  readonly leases: ReadonlyMap<string, Lease>;
  #pins = 0;
  #retired = false;
  #drain: Timer | null = null;
  #whenIdle: (() => void)[] = [];

  constructor(config: Config, pool: Pool) {
    this.config = config;
    const leases = new Map<string, Lease>();
    try {
      for (const spec of config.backends) if (isRunnable(spec)) leases.set(spec.name, pool.acquire(spec));
    } catch (thrown) {
      // Nothing of a configuration that could not be put together may stay behind.
      for (const lease of leases.values()) lease.release();
      throw thrown;
    }
    this.leases = leases;
  }

  /** Calls running on this generation. */
  get pins(): number {
    return this.#pins;
  }

  pin(): void {
    this.#pins += 1;
  }

  unpin(): void {
    this.#pins -= 1;
    if (this.#pins > 0) return;
    const waiting = this.#whenIdle;
    if (waiting.length > 0) {
      this.#whenIdle = [];
      for (const resume of waiting) resume();
    }
    if (this.#retired) this.#release();
  }

  /** Resolves when no call is pinned. */
  idle(): Promise<void> {
    if (this.#pins === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** No new calls come: give the leases back when the last one has ended, at the latest after `drainMs`. */
  retire(clock: Clock, drainMs: number): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#pins === 0) this.#release();
    else this.#drain = clock.timer(drainMs, () => this.#release());
  }

  #release(): void {
    this.#drain?.cancel();
    for (const lease of this.leases.values()) lease.release();
  }
}

/** A server that is switched off has no process, no connection and no place in the catalog. */
const isRunnable = (spec: BackendSpec): boolean => !spec.disabled;
