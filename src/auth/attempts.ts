/**
 * Counts of what went wrong, by address: who guesses is locked out for a while. An IPv6 address stands for its network
 * (/64), since its owner has all of that. Bounded: of too many addresses the one that was seen first is forgotten.
 */
import type { Clock } from "../base/index.ts";

export interface AttemptsOptions {
  readonly clock: Clock;
  /** So many, and the address is locked out. */
  readonly max: number;
  /** For so long after the first of them. */
  readonly windowMs: number;
  readonly addressesMax: number;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #counts = new Map<string, { readonly since: number; count: number }>();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Milliseconds for which nothing more is taken from there; 0: it is. */
  lockedMs(address: string | null): number {
    const found = this.#counts.get(networkOf(address));
    if (found === undefined || found.count < this.#options.max) return 0;
    return Math.max(0, found.since + this.#options.windowMs - this.#options.clock.now());
  }

  /** Forgets what went wrong: it went right. */
  forgive(address: string | null): void {
    this.#counts.delete(networkOf(address));
  }

  /** Counts one more. */
  note(address: string | null): void {
    const { clock, windowMs, addressesMax } = this.#options;
    const key = networkOf(address);
    const found = this.#counts.get(key);
    if (found !== undefined && clock.now() < found.since + windowMs) {
      found.count += 1;
      return;
    }
    this.#counts.delete(key);
    this.#counts.set(key, { since: clock.now(), count: 1 });
    if (this.#counts.size > addressesMax) this.#counts.delete(this.#counts.keys().next().value ?? "");
  }
}

function networkOf(address: string | null): string {
  if (address === null || !address.includes(":") || /^::ffff:\d/i.test(address)) return address ?? "";
  const [head = "", tail] = address.split("::");
  const front = head.split(":").filter((part) => part !== "");
  const back = (tail ?? "").split(":").filter((part) => part !== "");
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => "0");
  return [...front, ...zeros, ...back].slice(0, 4).map((part) => Number.parseInt(part, 16).toString(16)).join(":");
}
