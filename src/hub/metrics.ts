/**
 * What the hub counts. A call that goes well pays for one look at a clock, one counter and one place of a histogram;
 * everything that can be read off the running proxy (states, calls in flight, restarts) is read when somebody looks.
 */
import { type Counter, type Family, type Histogram, type Meter, monotonicMs } from "../base/index.ts";
import { type Call, memberOf, methods, type Outcome, type RpcError, withData } from "../protocol/index.ts";
import type { HubStatus } from "./types.ts";

/** Seconds: from what a local server needs to what a person waits for. */
const bounds = Object.freeze([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]);
const states = Object.freeze(["disabled", "misconfigured", "starting", "ready", "degraded", "backing-off", "needs-login", "idle", "draining", "stopped"] as const);
const breakers = Object.freeze(["closed", "open", "half-open"] as const);
const outcomes = Object.freeze(["ok", "tool_error", "input", "task", "error", "fault"] as const);
type OutcomeName = (typeof outcomes)[number];

/** All that is counted for calls of one method to one server. */
interface Series {
  readonly durations: Histogram;
  readonly outcomes: Readonly<Record<OutcomeName, Counter>>;
}

export class HubMetrics {
  readonly #requests: Family<Counter>;
  readonly #durations: Family<Histogram>;
  readonly #errors: Family<Counter>;
  readonly #reloads: Family<Counter>;
  /** By server, then by method; as many as there are series. */
  readonly #series = new Map<string, Map<string, Series>>();

  /** `status` is asked whenever somebody looks. */
  constructor(meter: Meter, status: () => HubStatus) {
    this.#requests = meter.counter({ name: "onemcp_requests", help: "Requests answered, by server, method and what came of them.", labels: ["server", "method", "outcome"] });
    this.#durations = meter.histogram({ name: "onemcp_request_duration_seconds", help: "Time from a request's arrival to its answer.", labels: ["server", "method"] }, bounds);
    this.#errors = meter.counter({ name: "onemcp_errors", help: "Errors answered: our own by code, a server's as \"server\".", labels: ["server", "code"] });
    this.#reloads = meter.counter({ name: "onemcp_config_reloads", help: "Configurations looked at, by what came of them.", labels: ["result"] });
    for (const result of ["valid", "rejected"]) this.#reloads.of(result);
    observeServers(meter, status);
    observeConfig(meter, status);
  }

  /** The moment from which a call's time counts, for `ended`. */
  begin(): number {
    return monotonicMs();
  }

  /** Counts a call that is answered; gives its outcome, an error of ours with the call's id in it. */
  ended(call: Call, server: string | null, outcome: Outcome, begunMs: number, nowMs: number): Outcome {
    const { durations, outcomes: by } = this.#seriesOf(server ?? "", call.method);
    durations.observe((monotonicMs() - begunMs) / 1000, call.number, nowMs);
    by[outcomeName(call, outcome)].add();
    return outcome.kind === "failed" ? this.#failed(call, server, outcome) : outcome;
  }

  /** A configuration came into place, or was refused. */
  reloaded(result: "valid" | "rejected"): void {
    this.#reloads.of(result).add();
  }

  #failed(call: Call, server: string | null, outcome: Extract<Outcome, { kind: "failed" }>): Outcome {
    const { error } = outcome;
    this.#errors.of(server ?? "", error.fault ?? "server").add();
    return error.fault === undefined ? outcome : { ...outcome, error: named(error, call) };
  }

  #seriesOf(server: string, method: string): Series {
    return this.#series.get(server)?.get(method) ?? this.#add(server, Object.hasOwn(methods, method) ? method : "other", method);
  }

  #add(server: string, kind: string, method: string): Series {
    const made: Series = {
      durations: this.#durations.of(server, kind),
      outcomes: Object.fromEntries(outcomes.map((name) => [name, this.#requests.of(server, kind, name)])) as Record<OutcomeName, Counter>,
    };
    // A method that nobody knows is looked up each time: it could be any.
    if (kind === method) this.#series.set(server, (this.#series.get(server) ?? new Map<string, Series>()).set(method, made));
    return made;
  }
}

function outcomeName({ method }: Call, outcome: Outcome): OutcomeName {
  if (outcome.kind === "done") return method === "tools/call" && memberOf(outcome.result, "isError") === "true" ? "tool_error" : "ok";
  if (outcome.kind !== "failed") return outcome.kind;
  return outcome.error.fault === undefined ? "error" : "fault";
}

const named = (error: RpcError, call: Call): RpcError => withData(error, "callId", call.callId);

function observeServers(meter: Meter, status: () => HubStatus): void {
  const servers = () => status().backends;
  const each = <T extends string>(all: readonly T[], of: (server: HubStatus["backends"][number]) => T) => () => servers().flatMap((server) => all.map((one) => [[server.name, one], of(server) === one ? 1 : 0] as const));
  const labels = ["server"];
  meter.observed("gauge", { name: "onemcp_server_state", help: "1 for the state that a server is in.", labels: ["server", "state"] }, each(states, ({ state }) => state));
  meter.observed("gauge", { name: "onemcp_server_breaker", help: "1 for the state of a server's breaker.", labels: ["server", "state"] }, each(breakers, ({ breaker }) => breaker));
  meter.observed("counter", { name: "onemcp_server_restarts", help: "Starts of a server after it fell.", labels }, () => servers().map(({ name, restarts }) => [[name], restarts]));
  meter.observed("counter", { name: "onemcp_server_retries", help: "Calls made again because the server fell under them.", labels }, () => servers().map(({ name, retried }) => [[name], retried]));
  meter.observed("gauge", { name: "onemcp_server_calls_in_flight", help: "Calls that wait for a server.", labels }, () => servers().map(({ name, inFlight }) => [[name], inFlight]));
  meter.observed("gauge", { name: "onemcp_calls_in_flight", help: "Calls that are being served." }, () => [[[], status().inFlight]]);
}

function observeConfig(meter: Meter, status: () => HubStatus): void {
  meter.observed("gauge", { name: "onemcp_config_valid", help: "1 unless the configuration file was refused when it was last looked at." }, () => [[[], status().config.state === "valid" ? 1 : 0]]);
  meter.observed("gauge", { name: "onemcp_config_last_reload_timestamp_seconds", help: "When a configuration was last put in place or refused." }, () => [[[], status().config.at / 1000]]);
}
