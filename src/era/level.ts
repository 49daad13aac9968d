/**
 * The log level of a session with an older backend, which has one for all its callers: the most verbose that any call in
 * flight wants. It is raised at once, and lowered by the next call, when nobody in flight needs it any more.
 */
import type { LogLevel } from "../protocol/index.ts";

/** What the session tells and does. */
export interface LevelHooks {
  /** The backend has a log. */
  isOffered(): boolean;
  /** The most verbose level that is wanted now. */
  wanted(): LogLevel | null;
  /** Tells the backend. Never throws; resolves when the level holds for what is sent next. */
  set(level: LogLevel): Promise<void>;
}

export class SessionLevel {
  readonly #hooks: LevelHooks;
  #level: LogLevel | null = null;
  /** Until the backend has been told. */
  #setting: Promise<void> | null = null;

  constructor(hooks: LevelHooks) {
    this.#hooks = hooks;
  }

  /** True when a call that wants this level has to wait for `adjust`. */
  isOff(wanted: LogLevel | null): boolean {
    return wanted !== null && (wanted !== this.#level || this.#setting !== null) && this.#hooks.isOffered();
  }

  adjust(): Promise<void> {
    const wanted = this.#hooks.wanted();
    return wanted === null || wanted === this.#level ? (this.#setting ?? Promise.resolve()) : this.#set(wanted);
  }

  /** The session is a new one, and knows nothing of what was set. */
  async renew(): Promise<void> {
    if (this.#level !== null && this.#hooks.isOffered()) await this.#set(this.#hooks.wanted() ?? this.#level);
  }

  #set(level: LogLevel): Promise<void> {
    this.#level = level;
    const setting = this.#hooks.set(level).finally(() => {
      if (this.#setting === setting) this.#setting = null;
    });
    this.#setting = setting;
    return setting;
  }
}
