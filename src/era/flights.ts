/**
 * The calls in flight to one backend: which of them a notice belongs to, and how one is cancelled there. Attribution is
 * here, in one place, because a notice that reaches a stranger is a leak: progress goes by the token we gave (the
 * request's own id), a log line to the call on whose stream it came, else to the only call that can have caused it, else
 * to nobody's client but our own log.
 */
import { type Fault, fault, faultOf } from "../base/index.ts";
import { type Call, type LogLevel, logLevels, memberOf, type Notification, notificationText, quote, type RawObject, rawOf, stringOf } from "../protocol/index.ts";
import { isRetryable } from "./methods.ts";
import type { South } from "./south.ts";

/** One call on its way. */
export interface Flight {
  readonly id: number;
  readonly call: Call;
  /** The last progress value that was passed on; values must rise (2026-07-28, basic/patterns/progress). */
  progress: number;
  /** Ends a wait that is not the wire's own. */
  stop: ((reason: Fault) => void) | null;
  readonly unhook: () => void;
}

/** How one dialect treats its calls. */
export interface FlightRules {
  /** Cancelling needs a notification (stdio, and every older backend); otherwise closing the stream is enough. */
  readonly tellCancel: boolean;
  /** Every call that may have caused something counts (older backends); otherwise only calls that want log lines. */
  readonly anySuspect: boolean;
  /** HTTP headers of a notification. */
  headers(): Readonly<Record<string, string>>;
}

export class Flights {
  readonly #south: South;
  readonly #rules: FlightRules;
  readonly #open = new Map<number, Flight>();

  constructor(south: South, rules: FlightRules) {
    this.#south = south;
    this.#rules = rules;
  }

  /** Registers a call under a new id. Throws CALL_CANCELLED when it is cancelled already. */
  begin(call: Call): Flight {
    if (call.cancel.cancelled) throw fault("CALL_CANCELLED", { op: call.method });
    const id = this.#south.wire.nextId();
    const unhook = call.cancel.onCancel((reason) => this.#cancel(id, reason));
    const flight: Flight = { id, call, progress: Number.NEGATIVE_INFINITY, stop: null, unhook };
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
    if (reason.code === "BACKEND_TIMEOUT" && this.#rules.tellCancel) this.#tell(flight.id, "timeout");
    return reason;
  }

  /** True when some call in flight wants log lines from this level on. */
  wants(level: LogLevel): boolean {
    for (const flight of this.#open.values()) if (flight.call.logLevel === level) return true;
    return false;
  }

  /** Ends every wait that is not the wire's own. */
  close(): void {
    for (const flight of this.#open.values()) flight.stop?.(fault("BACKEND_GONE", { backend: this.#south.options.name }));
  }

  /**
   * Passes on a notification that belongs to a call. `own` is the call on whose stream it came; null where nothing ties
   * it to one. Gives false when it is of no kind known here.
   */
  notify(notification: Notification, own: Flight | null): boolean {
    const params = notification.params;
    if (notification.method === "notifications/progress") this.#progress(params);
    else if (notification.method === "notifications/message") this.#log(params, own);
    else if (own !== null) own.call.notice({ kind: "other", method: notification.method, params });
    else return false;
    return true;
  }

  #progress(params: RawObject | null): void {
    if (params === null) return;
    const flight = this.#open.get(Number(memberOf(params, "progressToken") ?? "x"));
    const value = Number(memberOf(params, "progress") ?? "x");
    if (flight === undefined || !flight.call.progress || !(value > flight.progress)) return;
    flight.progress = value;
    flight.call.notice({ kind: "progress", params });
  }

  #log(params: RawObject | null, own: Flight | null): void {
    if (params === null) return;
    const flight = own ?? this.#onlySuspect();
    const level = logLevels.find((known) => known === stringOf(params, "level"));
    const wanted = flight?.call.logLevel ?? null;
    if (flight === null || wanted === null || level === undefined) this.#south.options.logged(rawOf(params));
    else if (logLevels.indexOf(level) >= logLevels.indexOf(wanted)) flight.call.notice({ kind: "log", level, params });
  }

  /** The one call in flight that can have caused something; null when there is none or more than one. */
  #onlySuspect(): Flight | null {
    let only: Flight | null = null;
    for (const flight of this.#open.values()) {
      if (!this.#isSuspect(flight.call)) continue;
      if (only !== null) return null;
      only = flight;
    }
    return only;
  }

  #isSuspect(call: Call): boolean {
    return this.#rules.anySuspect ? isRetryable(call.method) : call.logLevel !== null;
  }

  #cancel(id: number, reason: string): void {
    if (this.#rules.tellCancel) this.#tell(id, reason);
    this.#open.get(id)?.stop?.(fault("CALL_CANCELLED"));
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
