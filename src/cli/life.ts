/**
 * The life of a proxy as a process: what signals, the end of its client and a bug mean to it. The proxy itself is put
 * together elsewhere.
 */
import { defaultLimits, fault, faultOf, systemClock } from "../base/index.ts";
import type { Occasion } from "./occasion.ts";
import { faultText } from "./print.ts";

// Each step of closing has its own bound; this one is for the bug in them, and below the 90 s of service managers.
const closeMsMax = defaultLimits.drainMsMax;

// One Ctrl-C in a terminal arrives several times, from the terminal and from each runner above us that passes it on.
const sameSignalMs = 250;

type Lived = Alive & {
  /** Hands over to a new process of this program; absent: that cannot be. */
  readonly succeed?: () => Promise<void>;
};

/** What runs. */
export interface Alive {
  reload(): Promise<unknown>;
  close(): Promise<void>;
}

export interface Life {
  /** From now on there is something to reload, to close and to hand over. */
  began(running: Lived): void;
  /** There is nothing more to do: closes, as the first signal would. */
  finish(): void;
  /** The exit code. */
  readonly ended: Promise<number>;
  /** Takes its hands off the signals. */
  forget(): void;
}

/**
 * Listens from before the start, since a start has children already that must not be left behind: INT and TERM close
 * (what is still starting is closed when it is there), a second one ends at once, HUP reads the configuration again, USR2
 * hands over to a new process. A bug that nobody caught closes too, for what it leaves is unknown; a promise that nobody looked at is only told of.
 */
export function createLife({ signals, stderr, clock }: Occasion): Life {
  const ended = Promise.withResolvers<number>();
  let running: Lived | null = null;
  let closing: (() => void) | null = null;
  let stoppedAt = 0;

  const closeThen = (settle: () => void): void => {
    closing = settle;
    if (running !== null) void closed(running).then(settle, ended.reject);
  };
  const stop = (): void => {
    if (closing !== null) {
      if (clock.now() - stoppedAt >= sameSignalMs) ended.resolve(1);
      return;
    }
    stoppedAt = clock.now();
    stderr.write("1mcp is shutting down; once more ends it at once\n");
    closeThen(() => ended.resolve(0));
  };
  const listeners = {
    SIGINT: stop,
    SIGTERM: stop,
    SIGHUP: () => void running?.reload(),
    SIGUSR2: () => {
      if (running?.succeed === undefined) stderr.write("1mcp was told to hand over to a new process, which it does with --graceful-restart only\n");
      else if (closing === null) void running.succeed();
    },
    uncaughtException: (thrown: unknown) => closeThen(() => ended.reject(thrown)),
    unhandledRejection: (reason: unknown) => stderr.write(faultText(faultOf(reason))),
  };
  for (const [name, listener] of Object.entries(listeners)) signals.on(name, listener);
  return {
    began(started) {
      running = started;
      if (closing !== null) closeThen(closing);
    },
    finish() {
      if (closing === null) closeThen(() => ended.resolve(0));
    },
    ended: ended.promise,
    forget() {
      for (const [name, listener] of Object.entries(listeners)) signals.off(name, listener);
    },
  };
}

async function closed(running: Pick<Alive, "close">): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = systemClock.timer(closeMsMax, () => late.reject(fault("INTERNAL", { op: "close", detail: `shutting down took longer than ${closeMsMax} ms` })));
  await Promise.race([Promise.try(() => running.close()), late.promise]).finally(() => timer.cancel());
}
