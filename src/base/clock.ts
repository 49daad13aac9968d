/** Time and randomness enter the program here, so that a test can inject both. */
import type { Cancel } from "./cancel.ts";

/** A started timer. Cancelling twice, or after it fired, is fine. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `run` once after `ms` milliseconds; does not keep the process alive. */
  timer(ms: number, run: () => void): Timer;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Milliseconds since some moment, in parts of one, and never backwards: how long something took. */
export const monotonicMs = (): number => performance.now();

/** The real clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  random: () => Math.random(),
  timer(ms: number, run: () => void): Timer {
    const handle = setTimeout(run, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
});

/**
 * Holds this process until it is let go. Timers of the clock do not, nor does a process that is started to outlive us; and
 * where nothing holds it, Bun looks for work without a pause as long as a promise is awaited, and takes a whole processor.
 */
export function holdProcess(): { release(): void } {
  const handle = setInterval(() => undefined, 2 ** 30);
  return { release: () => clearInterval(handle) };
}

/** Resolves after `ms` milliseconds of the given clock, or when `cancel` is cancelled; no timer is left of it then. */
export function sleep(clock: Clock, ms: number, cancel?: Cancel): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.timer(ms, () => {
      unhook?.();
      resolve();
    });
    const unhook = cancel?.onCancel(() => {
      timer.cancel();
      resolve();
    });
  });
}
