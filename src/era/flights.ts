/**
 * The calls in flight to one backend: which of them something belongs to, and how one is cancelled there. Attribution is
 * here, in one place, because what reaches a stranger is a leak: progress goes by the token we gave (the request's own
 * id), a log line to the call on whose stream it came, else to the only call that can have caused it, else to nobody's
 * client but our own log. A call that nobody waits for any more may still run there, so it counts for a while.
 */
import { type Fault, fault, faultOf } from "../base/index.ts";
import { type Call, type LogLevel, logLevels, memberOf, type Notice, type Notification, notificationText, quote, type RawObject, rawOf, stringOf } from "../protocol/index.ts";
import { Flood } from "./flood.ts";
import { isRetryable } from "./methods.ts";
import type { South } from "./south.ts";
import type { Target } from "./types.ts";

/** One call on its way. */
export interface Flight {
  readonly id: number;
  readonly call: Call;
  readonly timeoutMs: number;
  /** Beyond that time (ms since the epoch) no progress helps. */
  readonly lastAt: number;
  /** Questions of the backend that the call may wait for. */
  asked: number;
  /** The last progress value that was passed on; values must rise (2026-07-28, basic/patterns/progress). */
  progress: number;
  /** Bounds its log lines; null before the first. */
  flood: Flood | null;
  /** Ends a wait that is not the wire's own. */
  stop: ((reason: Fault) => void) | null;
  readonly unhook: () => void;
  /** The request itself is answered, with a task that goes on and is cancelled by other means. */
  answered: boolean;
}

/** What ties a message to a request: the call on whose stream it came, or that it came on one of our own; null: nothing. */
export type Source = Flight | "ours" | null;

/** The calls in flight that can have caused something, oldest first. */
export interface Suspects {
  readonly flights: readonly Flight[];
  /** Nobody but one principal can have caused it. */
  readonly isOnePrincipal: boolean;
}

/** How one dialect treats its calls. */
export interface FlightRules {
  /** Cancelling needs a notification (stdio, and every older backend); otherwise closing the stream is enough. */
  readonly tellCancel: boolean;
  /** Every call that may have caused something counts (older backends); otherwise only calls that want log lines. */
  readonly anySuspect: boolean;
  /** HTTP headers of a notification. */
  headers(): Readonly<Record<string, string>>;
  /** The answer is due that long from now instead. */
  postpone(id: number, ms: number): void;
}

/** Whose call still may run at the backend, and until when that counts: for everybody, and for log lines of the same principal. */
interface Leftover {
  readonly principal: string;
  readonly until: number;
  readonly untilOwn: number;
}

/** Levels from here on are passed on however many there are. */
const weighty = logLevels.indexOf("warning");

const isWeighty = (level: LogLevel): boolean => logLevels.indexOf(level) >= weighty;

export class Flights {
  readonly #south: South;
  readonly #rules: FlightRules;
  readonly #open = new Map<number, Flight>();
  /** Bounds the lines of our own log. */
  readonly #flood: Flood;
  /** Bounds the lines of the client whose alone the connection is. */
  readonly #besideFlood: Flood;
  #leftovers: Leftover[] = [];

  constructor(south: South, rules: FlightRules) {
    this.#south = south;
    this.#rules = rules;
    this.#flood = new Flood(south);
    this.#besideFlood = new Flood(south);
  }

  /** Registers a call under a new id. Throws CALL_CANCELLED when it is cancelled already. */
  begin(call: Call, { timeoutMs, totalMs = 0 }: Pick<Target, "timeoutMs" | "totalMs">): Flight {
    if (call.cancel.cancelled) throw fault("CALL_CANCELLED", { op: call.method });
    const id = this.#south.wire.nextId();
    const unhook = call.cancel.onCancel((reason) => this.#cancel(id, reason));
    // The clock is looked at only where progress can come.
    const lastAt = call.progress ? this.#south.clock.now() + totalMs : 0;
    const flight: Flight = { id, call, timeoutMs, lastAt, asked: 0, progress: Number.NEGATIVE_INFINITY, flood: null, stop: null, unhook, answered: false };
    this.#open.set(id, flight);
    return flight;
  }

  end(flight: Flight): void {
    flight.unhook();
    this.#open.delete(flight.id);
  }

  /** What to throw when the wait for an answer failed; a time-out is told to the backend. */
  failed(flight: Flight, thrown: unknown): Fault {
    const reason = faultOf(thrown);
    if (reason.code !== "BACKEND_TIMEOUT") return reason;
    this.#leave(flight.call);
    if (this.#rules.tellCancel && !flight.answered) this.#tell(flight.id, "timeout");
    return reason;
  }

  /** True while somebody waits for the call's answer. */
  isWaiting(flight: Flight): boolean {
    return this.#open.has(flight.id) && !flight.call.cancel.cancelled;
  }

  /** The most verbose level that any call in flight wants; null where none wants any. */
  get level(): LogLevel | null {
    let lowest: number = logLevels.length;
    for (const { call } of this.#open.values()) if (call.logLevel !== null) lowest = Math.min(lowest, logLevels.indexOf(call.logLevel));
    return logLevels[lowest] ?? null;
  }

  /** Which calls can have caused what came from this source. */
  suspects(source: Source): Suspects {
    if (source === "ours") return nobody;
    if (source !== null) return isRetryable(source.call.method) ? { flights: [source], isOnePrincipal: true } : nobody;
    const flights: Flight[] = [];
    for (const flight of this.#open.values()) if (this.#isSuspect(flight.call)) flights.push(flight);
    const first = flights[0]?.call.principal.id;
    if (first === undefined) return nobody;
    const isOnePrincipal = flights.every(({ call }) => call.principal.id === first) && this.#stillThere().every(({ principal }) => principal === first);
    return { flights, isOnePrincipal };
  }

  /** A call that nobody waits for any more may still run at the backend. */
  get lingers(): boolean {
    return this.#stillThere().length > 0;
  }

  /** Ends every wait that is not the wire's own. */
  close(): void {
    for (const flight of this.#open.values()) flight.stop?.(fault("BACKEND_GONE", { backend: this.#south.options.name }));
  }

  /** Passes on a notification that belongs to a call. Gives false when it is of no kind known here. */
  notify(notification: Notification, source: Source): boolean {
    const params = notification.params;
    if (notification.method === "notifications/progress") this.#progress(params);
    else if (notification.method === "notifications/message") this.#log(params, source);
    else return this.#other(notification, source);
    return true;
  }

  #other({ method, params }: Notification, source: Source): boolean {
    const flight = source === null ? this.#onlyCause() : flightOf(source);
    const notice: Notice = { kind: "other", method, params };
    if (flight === null) return this.#tellBeside(notice, source);
    flight.call.notice(notice);
    return true;
  }

  /** The one call that can have caused what is no log line. Which calls can, and could when they were given up, is known of older backends alone. */
  #onlyCause(): Flight | null {
    return this.#rules.anySuspect && this.#open.size === 1 ? this.#onlySuspect() : null;
  }

  /** Whatever belongs to no single call is for the client whose alone the connection is; false: there is none that listens. */
  #tellBeside(notice: Notice, source: Source): boolean {
    return source === null && this.#south.options.beside?.notice(notice) === true;
  }

  #progress(params: RawObject | null): void {
    if (params === null) return;
    const flight = this.#open.get(Number(memberOf(params, "progressToken") ?? "x"));
    const value = Number(memberOf(params, "progress") ?? "x");
    if (flight === undefined || !flight.call.progress || !(value > flight.progress)) return;
    flight.progress = value;
    this.#extend(flight);
    flight.call.notice({ kind: "progress", params });
  }

  /** It is alive: its time begins anew, but not for ever. Where a person was asked, there is more time anyway. */
  #extend({ id, timeoutMs, lastAt, asked }: Flight): void {
    const ms = Math.min(timeoutMs, lastAt - this.#south.clock.now());
    if (ms > 0 && asked === 0) this.#rules.postpone(id, ms);
  }

  #log(params: RawObject | null, source: Source): void {
    if (params === null) return;
    const level = logLevels.find((known) => known === stringOf(params, "level"));
    if (level === undefined) return this.#logHere(params);
    const flight = source === null ? this.#onlySuspect() : flightOf(source);
    if (flight === null) return this.#logBeside(level, params, source);
    const wanted = flight.call.logLevel;
    if (wanted === null) this.#logHere(params);
    else if (logLevels.indexOf(level) >= logLevels.indexOf(wanted)) this.#logThere(flight, level, params);
  }

  #logBeside(level: LogLevel, params: RawObject, source: Source): void {
    if (this.#south.options.beside === undefined) return this.#logHere(params);
    const isTold = (isWeighty(level) || this.#besideFlood.allows()) && this.#tellBeside({ kind: "log", level, params }, source);
    if (!isTold) this.#logHere(params);
  }

  #logHere(params: RawObject): void {
    if (this.#flood.allows()) this.#south.options.logged(rawOf(params));
  }

  #logThere(flight: Flight, level: LogLevel, params: RawObject): void {
    flight.flood ??= new Flood(this.#south);
    if (isWeighty(level) || flight.flood.allows()) flight.call.notice({ kind: "log", level, params });
  }

  /** The one call that can have caused something; null when there is none or more than one, calls that were given up included. */
  #onlySuspect(): Flight | null {
    const [flight, second] = this.suspects(null).flights;
    return flight === undefined || second !== undefined || this.#isHaunted(flight.call.principal.id) ? null : flight;
  }

  // What one person's given-up call still says may reach another call of the same person, but not at once: most servers
  // stop when they are told, and a minute without log lines after each cancelled call would cost more than it saves.
  #isHaunted(principal: string): boolean {
    const now = this.#south.clock.now();
    return this.#stillThere().some((leftover) => leftover.principal !== principal || leftover.untilOwn > now);
  }

  #isSuspect(call: Call): boolean {
    return this.#rules.anySuspect ? isRetryable(call.method) : call.logLevel !== null;
  }

  /** Nobody waits for the call any more, but the backend may not know it yet, or not mind. */
  #leave(call: Call): void {
    if (!this.#isSuspect(call)) return;
    const { clock, limits } = this.#south;
    const leftovers = this.#stillThere();
    if (leftovers.length >= limits.pendingMax) leftovers.shift();
    const now = clock.now();
    leftovers.push({ principal: call.principal.id, until: now + limits.lingerMsMax, untilOwn: now + Math.min(limits.lingerOwnMsMax, limits.lingerMsMax) });
  }

  #stillThere(): Leftover[] {
    if (this.#leftovers.length === 0) return this.#leftovers;
    const now = this.#south.clock.now();
    this.#leftovers = this.#leftovers.filter(({ until }) => until > now);
    return this.#leftovers;
  }

  #cancel(id: number, reason: string): void {
    const flight = this.#open.get(id);
    if (flight !== undefined) this.#leave(flight.call);
    if (this.#rules.tellCancel && flight?.answered !== true) this.#tell(id, reason);
    flight?.stop?.(fault("CALL_CANCELLED"));
    this.#south.wire.abandon(id);
  }

  /** A backend that cannot be told any more has nothing left to cancel: worth a line, not a failure. */
  #tell(id: number, reason: string): void {
    const text = notificationText("notifications/cancelled", `{"requestId":${id},"reason":${quote(reason)}}`);
    this.#south.wire.send(text, this.#rules.headers()).catch((thrown: unknown) => {
      this.#south.log.debug("a cancellation could not be sent", { backend: this.#south.options.name, code: faultOf(thrown).code });
    });
  }
}

const nobody: Suspects = Object.freeze({ flights: Object.freeze([]), isOnePrincipal: true });

/** The call that the source names; null where it names none. */
const flightOf = (source: Source): Flight | null => (source === "ours" ? null : source);
