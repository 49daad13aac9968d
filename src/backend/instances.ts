/**
 * The further instances of one server, beside the one that gives the lists. It hides how they come to their end: with
 * the session that one belongs to, when nobody has used one for long, to make room for another, and all together.
 */
import { type Clock, fault, type Limits, type Timer } from "../base/index.ts";
import type { SessionTie } from "../protocol/index.ts";
import type { Backend } from "./backend.ts";
import type { Moved, Offered } from "./types.ts";
import { OwnOffer } from "./variants.ts";

interface Instance {
  readonly backend: Backend;
  readonly own: OwnOffer;
  usedAt: number;
  /** Its session need not tell of its end any more. */
  untie: () => void;
}

export interface InstancesOptions {
  /** The configured name of the server. */
  readonly name: string;
  readonly clock: Clock;
  readonly limits: Limits;
  /** One has come to its end, and nobody is sent to it any more. */
  readonly ended: (backend: Backend) => void;
}

export class Instances {
  readonly #options: InstancesOptions;
  readonly #instances = new Map<string, Instance>();
  readonly #ending = new Set<Promise<void>>();
  #reaper: Timer | null = null;

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  /** The instance of this key, which counts as used; null when there is none. */
  use(key: string): Backend | null {
    const instance = this.#instances.get(key);
    if (instance === undefined) return null;
    instance.usedAt = this.#options.clock.now();
    return instance.backend;
  }

  /**
   * Adds what `create` makes, bound to the session if there is one. Throws LIMIT_REACHED when `instancesMax` are in use,
   * the one that gives the lists among them.
   */
  add(key: string, session: SessionTie | null, create: () => Backend): Backend {
    this.#makeRoom();
    const { clock } = this.#options;
    const instance: Instance = { backend: create(), own: new OwnOffer(), usedAt: clock.now(), untie: () => undefined };
    this.#instances.set(key, instance);
    if (session !== null) instance.untie = session.ended.onCancel(() => this.#end(key));
    this.#watch();
    return instance.backend;
  }

  /** What those offer their callers that do not offer what the first one does. */
  *offers(first: Offered): Generator<readonly [key: string, offered: Offered]> {
    for (const [key, { backend, own }] of this.#instances) if (backend.moved !== null) yield [key, own.of(first, backend.moved)];
  }

  /** What the instance of this key offers otherwise than at its start; null for nothing. */
  movedOf(key: string): Moved | null {
    return this.#instances.get(key)?.backend.moved ?? null;
  }

  /** All of them. */
  *backends(): Generator<Backend> {
    for (const { backend } of this.#instances.values()) yield backend;
  }

  async close(): Promise<void> {
    this.#reaper?.cancel();
    for (const key of [...this.#instances.keys()]) this.#end(key);
    await Promise.all(this.#ending);
  }

  #makeRoom(): void {
    const { name, limits } = this.#options;
    if (this.#instances.size + 1 < limits.instancesMax) return;
    const idle = [...this.#instances].filter(([, { backend }]) => backend.idle).sort(([, a], [, b]) => a.usedAt - b.usedAt)[0];
    if (idle === undefined) throw fault("LIMIT_REACHED", { backend: name, detail: `limits.instancesMax is ${limits.instancesMax}, and all are in use` });
    this.#end(idle[0]);
  }

  #end(key: string): void {
    const instance = this.#instances.get(key);
    if (instance === undefined) return;
    this.#instances.delete(key);
    instance.untie();
    this.#options.ended(instance.backend);
    const ended = instance.backend.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  /** Looks again when the first of them can have been idle for too long. */
  #watch(): void {
    if (this.#reaper !== null || this.#instances.size === 0) return;
    const { clock, limits } = this.#options;
    const oldest = Math.min(...[...this.#instances.values()].map(({ usedAt }) => usedAt));
    this.#reaper = clock.timer(oldest + limits.instanceIdleMsMax - clock.now(), () => {
      this.#reaper = null;
      this.#reap();
      this.#watch();
    });
  }

  #reap(): void {
    const now = this.#options.clock.now();
    for (const [key, instance] of [...this.#instances]) {
      // Its time starts when what it does is over.
      if (!instance.backend.idle) instance.usedAt = now;
      else if (now - instance.usedAt >= this.#options.limits.instanceIdleMsMax) this.#end(key);
    }
  }
}
