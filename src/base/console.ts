/**
 * What libraries and the runtime write to the console, in our log in its place: there nothing secret gets out, no control
 * character does, and nothing of it falls into standard output, on which a client may be spoken to. Whoever floods the
 * console is cut short and counted.
 */
import type { Clock } from "./clock.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";

/** What has a console: this process, or what a test puts in its place. */
export interface Talking {
  readonly console: Record<string, unknown>;
  /** The runtime says its warnings here. */
  readonly process: { emitWarning: (warning: string | Error) => void };
}

export interface ConsoleOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "consoleLinesMax">;
  /** Absent: this process. */
  readonly talking?: Talking;
}

const complaints: readonly string[] = Object.freeze(["warn", "error", "trace"]);
const remarks: readonly string[] = Object.freeze(["log", "info", "debug", "dir", "dirxml", "table", "group", "groupCollapsed", "count", "timeLog", "timeEnd", "write"]);
const windowMs = 60_000;
// Libraries put what a peer has sent between quotation marks, whole answers too: no body is for the log.
const quotation = /"(?:[^"\\]|\\.){24,}"/g;

/** Has the console speak to the log; gives what ends that. Ending twice is fine, and so is any order of several. */
export function routeConsole({ log, clock, limits, talking = self }: ConsoleOptions): () => void {
  const { console: spoken, process: runtime } = talking;
  const route = new Route(log, clock, limits.consoleLinesMax);
  const ends = [...complaints, ...remarks].map((name) => {
    const level = complaints.includes(name) ? "warn" : "debug";
    return replaced(spoken, name, route, (...args) => route.take(level, format(...args)));
  });
  ends.push(replaced(spoken, "assert", route, (isSo, ...args) => (isSo === true ? undefined : route.take("warn", format("assertion failed:", ...args)))));
  ends.push(replaced(runtime, "emitWarning", route, (warning) => route.take("warn", String(warning))));
  return () => {
    route.isOver = true;
    for (const end of ends) end();
  };
}

// Loaded when somebody speaks: most runs of the program hear nobody.
const format = (...said: readonly unknown[]): string => process.getBuiltinModule("node:util").format(...said);

const self: Talking = Object.freeze({ console: console as unknown as Talking["console"], process });

class Route {
  isOver = false;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #linesMax: number;
  #isTaking = false;
  #window = 0;
  #lines = 0;

  constructor(log: Log, clock: Clock, linesMax: number) {
    this.#log = log;
    this.#clock = clock;
    this.#linesMax = linesMax;
  }

  /** Whether what is said now is for the log: not once this is over, and not what the log itself says in writing. */
  get isOpen(): boolean {
    return !this.isOver && !this.#isTaking;
  }

  take(level: "warn" | "debug", said: string): void {
    this.#isTaking = true;
    try {
      const passed = this.#passed();
      if (passed === "yes") this.#log[level]("said on the console", { said: said.trimEnd().replaceAll(quotation, '"…"') });
      if (passed === "last") this.#log.warn("the console says too much; what follows within a minute is left out", { lines: this.#linesMax });
    } finally {
      this.#isTaking = false;
    }
  }

  #passed(): "yes" | "last" | "no" {
    const window = Math.floor(this.#clock.now() / windowMs);
    this.#lines = window === this.#window ? this.#lines + 1 : 1;
    this.#window = window;
    if (this.#lines <= this.#linesMax) return "yes";
    return this.#lines === this.#linesMax + 1 ? "last" : "no";
  }
}

type Speaker = (...args: unknown[]) => unknown;

/** Puts `speak` in a method's place, and gives what puts it back, unless somebody else has taken that place since: then ours only passes on. */
function replaced(owner: object, name: string, route: Route, speak: Speaker): () => void {
  const methods = owner as Record<string, unknown>;
  const before = methods[name] as Speaker;
  const ours: Speaker = (...args) => (route.isOpen ? void speak(...args) : before.apply(owner, args));
  methods[name] = ours;
  return () => {
    if (methods[name] === ours) methods[name] = before;
  };
}
