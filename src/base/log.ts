/**
 * The operational log: one line an occasion, JSON for machines or plain words for people. What must not get out is
 * held back here, behind every caller: secrets by type, known secret values and token shapes by a last scrub of each
 * text, and control characters, so that no peer can forge a line or drive a terminal.
 *
 * consola's core does levels and dispatch; its full build costs as much start time as an SDK and is kept off the serve
 * path. Its throttle is off, because it would swallow repeated lines by a clock of its own.
 */
import { createConsola } from "consola/core";
import type { Clock } from "./clock.ts";
import { escapeControls } from "./controls.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { type KnownSecrets, Secret } from "./secret.ts";
import type { TailLine } from "./tail.ts";

export type LogLevelName = "debug" | "info" | "warn" | "error";
/** Fields of a log line: allow-listed words and numbers, never bodies, headers or tokens. A Secret prints as a mask. */
export type LogFields = Readonly<Record<string, string | number | boolean | Secret | null | undefined>>;
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines carry these fields too. */
  with(fields: LogFields): Log;
}

/** What a log is built with. */
export interface LogOptions {
  /** The least level that is written. */
  readonly level: LogLevelName;
  /** Takes one line without its line break. */
  write(line: string): void;
  /** Words for a person instead of JSON. */
  readonly pretty: boolean;
  readonly clock: Clock;
  /** Values that are scrubbed from every text; may grow while the log is in use. */
  readonly secrets?: KnownSecrets;
  /** Absent: the standard ones. */
  readonly limits?: Pick<Limits, "logTextMax">;
  /** Takes what people follow, whatever the level: all but the lines for debugging, and what servers say on stderr. */
  readonly keep?: (line: Omit<TailLine, "seq">) => void;
}

/** The message of a line for debugging that holds what a server has said on stderr. */
const stderrMessage = "stderr";

/** The levels, most verbose first. */
export const logLevelNames: readonly LogLevelName[] = Object.freeze(["debug", "info", "warn", "error"] as const);

// consola counts verbosity upwards and knows levels in between that we do not use.
const verbosity: Readonly<Record<LogLevelName, number>> = Object.freeze({ debug: 4, info: 3, warn: 1, error: 0 });

interface Line {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly fields: readonly (readonly [name: string, value: string | number | boolean | null])[];
}

/** Makes a log that writes lines of `level` and above. Never throws for what it is given to print. */
export function createLog(options: LogOptions): Log {
  const { logTextMax } = options.limits ?? defaultLimits;
  // Scrubbing comes before shortening: half a secret is no known value any more.
  const clean = (text: string): string => shortened(options.secrets?.scrub(text) ?? text, logTextMax);
  const format = options.pretty ? prettyLine : jsonLine;
  const sink = createConsola({
    level: verbosity[options.level],
    throttle: 0,
    reporters: [
      {
        log({ type, args: [message, fields] }) {
          const time = new Date(options.clock.now()).toISOString();
          options.write(format({ time, level: type, message: clean(String(message)), fields: fieldsOf(fields as LogFields, clean) }));
        },
      },
    ],
  });
  const say = (level: LogLevelName, message: string, fields: LogFields): void => {
    sink[level](message, fields);
    const isFollowed = level !== "debug" || message === stderrMessage;
    if (isFollowed) options.keep?.(tailLineOf(level, message, fields, { clean, clock: options.clock }));
  };
  const scoped = (own: LogFields): Log => ({
    debug: (message, fields) => say("debug", message, { ...own, ...fields }),
    info: (message, fields) => say("info", message, { ...own, ...fields }),
    warn: (message, fields) => say("warn", message, { ...own, ...fields }),
    error: (message, fields) => say("error", message, { ...own, ...fields }),
    with: (more) => scoped({ ...own, ...more }),
  });
  return scoped({});
}

/** A log that writes nothing. */
export const nullLog: Log = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => nullLog,
});

function fieldsOf(fields: LogFields, clean: (text: string) => string): Line["fields"] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === "string") return [[name, clean(value)] as const];
    return [[name, value instanceof Secret ? value.toString() : value] as const];
  });
}

const shortened = (text: string, charsMax: number): string => (text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`);

function jsonLine({ time, level, message, fields }: Line): string {
  // The fixed names come last, so that no field can pass itself off as one of them.
  const line = Object.assign(Object.create(null) as Record<string, unknown>, { time, level, message }, Object.fromEntries(fields), { time, level, message });
  return escapeControls(JSON.stringify(line));
}

function prettyLine({ time, level, message, fields }: Line): string {
  const tail = fields.map(([name, value]) => ` ${name}=${shown(value)}`).join("");
  return escapeControls(`${time.slice(11, 23)} ${level.padEnd(5)} ${message}${tail}`);
}

function tailLineOf(level: LogLevelName, message: string, { server, ...fields }: LogFields, { clean, clock }: { readonly clean: (text: string) => string; readonly clock: Clock }): Omit<TailLine, "seq"> {
  const about = { time: new Date(clock.now()).toISOString(), server: typeof server === "string" ? server : null };
  if (level === "debug") return { ...about, level: stderrMessage, text: clean(String(fields["line"])) };
  const tail = fieldsOf(fields, clean).map(([name, value]) => ` ${name}=${shown(value)}`);
  return { ...about, level, text: escapeControls(`${clean(message)}${tail.join("")}`) };
}

const shown = (value: string | number | boolean | null): string =>
  typeof value === "string" && /[\s"=]|^$/.test(value) ? JSON.stringify(value) : String(value);
