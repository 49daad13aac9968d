/**
 * How often somebody may do something: token buckets that fill evenly, each kept as the one moment at which it will be
 * full again. A bucket that is full is not kept at all, and of the others only a bounded number, the least used given up
 * first: so nobody can fill the memory by coming from many addresses.
 */
import { type Clock, type Limits, networkOf } from "../base/index.ts";

/** So much at once, and again as much in each period. */
export interface Rate {
  readonly name: string;
  readonly burst: number;
  readonly periodMs: number;
}

/** Everything that is counted, by what it is. */
export interface FrontRates {
  readonly requests: Rate;
  readonly badTokens: Rate;
  readonly tokens: Rate;
  readonly authorizes: Rate;
  readonly looks: Rate;
  readonly devices: Rate;
  readonly registers: Rate;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The rates that the limits say. */
export function ratesOf(limits: Limits): FrontRates {
  const rate = (name: string, burst: number, periodMs = minuteMs): Rate => Object.freeze({ name, burst, periodMs });
  return Object.freeze({
    requests: rate("requests", limits.requestsPerMinuteMax),
    badTokens: rate("bad tokens", limits.badTokensPerMinuteMax),
    tokens: rate("tokens", limits.tokensPerMinuteMax),
    authorizes: rate("authorizes", limits.authorizesPerMinuteMax),
    looks: rate("looks", limits.looksPerMinuteMax),
    devices: rate("devices", limits.devicesPerMinuteMax),
    registers: rate("registers", limits.registersPerHourMax, hourMs),
  });
}

export class Rates {
  readonly #clock: Clock;
  readonly #max: number;
  /** When each bucket will be full again; the least recently used first. */
  readonly #fullAt = new Map<string, number>();
  #newest = "";

  constructor(clock: Clock, limits: Pick<Limits, "ratesMax">) {
    this.#clock = clock;
    this.#max = limits.ratesMax;
  }

  /** How many buckets are not full, or were so when they were last used. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one for `who`; gives 0, or in how many milliseconds there will be one. */
  take({ name, burst, periodMs }: Rate, who: string): number {
    const key = `${name} ${who}`;
    const now = this.#clock.now();
    const eachMs = periodMs / burst;
    const fullAt = Math.max(this.#fullAtOf(key, now + periodMs), now) + eachMs;
    const earlyMs = fullAt - now - periodMs;
    // A thousandth of a millisecond: whole buckets are not to fail by a rounding.
    if (earlyMs > 0.001) return earlyMs;
    // Who comes again and again stands at the end as it is.
    if (key !== this.#newest) this.#fullAt.delete(key);
    this.#newest = key;
    this.#fullAt.set(key, fullAt);
    if (this.#fullAt.size > this.#max) this.#makeRoom(now);
    return 0;
  }

  // No bucket takes longer than its period to fill: where one seems to, the clock was set back, and nobody waits for that.
  #fullAtOf(key: string, latest: number): number {
    const fullAt = this.#fullAt.get(key) ?? 0;
    if (fullAt <= latest) return fullAt;
    this.#fullAt.set(key, latest);
    return latest;
  }

  /** The same, for whoever is at an address: where one is given for IPv6, its network is. */
  takeFrom(rate: Rate, address: string): number {
    return this.take(rate, networkOf(address));
  }

  #makeRoom(now: number): void {
    for (const [key, fullAt] of this.#fullAt) {
      if (fullAt > now && this.#fullAt.size <= this.#max) return;
      this.#fullAt.delete(key);
    }
  }
}
