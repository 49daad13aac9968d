/**
 * How fast a server is listened to that talks without being asked. Answers cost it nothing; all else (lines that are no
 * messages, notifications, requests, stderr) comes out of an allowance, and when that is used up its stream is read no
 * faster than the allowance grows again. The pipe then fills, and it is the server that waits, not we who work.
 */
import { type Clock, type Limits, sleep } from "../base/index.ts";

/** What a line costs beside its length: most of the work is done once a line. */
const lineCost = 48;
/** Bytes that are only passed over count for so much less. */
const passedShift = 4;

const lineFeed = 10;

export class Noise {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #windowMs: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, { noiseBytesMax, noiseWindowMs }: Pick<Limits, "noiseBytesMax" | "noiseWindowMs">) {
    this.#clock = clock;
    this.#max = noiseBytesMax;
    this.#windowMs = noiseWindowMs;
    this.#left = noiseBytesMax;
    this.#at = clock.now();
  }

  /** A line of so many characters was no answer. */
  line(chars: number): void {
    this.#left -= chars + lineCost;
  }

  /** So many bytes were read and not looked at. */
  passed(bytes: number): void {
    this.#left -= bytes >> passedShift;
  }

  /**
   * A chunk of a stream of events has been read, and so much of what it completed were answers. A line that it only
   * begins, or goes on with, may still become one.
   */
  chunk(bytes: Uint8Array, answered: number): void {
    const whole = bytes.lastIndexOf(lineFeed) + 1;
    this.passed(bytes.length - whole);
    if (whole > answered) this.line(whole - answered);
  }

  /** Null: read on at once. Else resolves when it is time to, within `noiseWindowMs`. */
  pause(): Promise<void> | null {
    if (this.#left >= 0) return null;
    const now = this.#clock.now();
    const grown = ((now - this.#at) * this.#max) / this.#windowMs;
    this.#at = now;
    // Never in debt for more than a window: what waits behind one huge line is not to wait for long.
    this.#left = Math.max(-this.#max, Math.min(this.#max, this.#left + grown));
    return this.#left >= 0 ? null : sleep(this.#clock, Math.ceil((-this.#left * this.#windowMs) / this.#max));
  }
}
