/**
 * One upstream server as its callers see it: calls go to whichever life of it runs, wait where one starts, and fail at
 * once, with the reason, where none will be there soon. How lives come and go is in course.ts.
 */
import type { RemoteLogin } from "../auth/index.ts";
import { type Cancel, type Fault, fault } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Target, Upstream, UpstreamFacts } from "../era/index.ts";
import { type Call, type Outcome, type Raw, taskIn } from "../protocol/index.ts";
import { type Budget, createBudget } from "./budget.ts";
import type { Condition } from "./condition.ts";
import { Course, type CourseOptions } from "./course.ts";
import type { Changing } from "./lists.ts";
import { OpenTasks } from "./openTasks.ts";
import { missedParams, Subscriptions } from "./subscriptions.ts";
import type { BackendState, BackendStatus, Moved, Offered } from "./types.ts";

export interface Backend {
  /** Runs one call; waits while the server starts. Throws Faults (BACKEND_…). */
  call(call: Call, target: Target): Promise<Outcome>;
  /** Takes what a call of it came to: a task keeps it from being idle. For instances that are ended when they are. */
  noticed(call: Call, outcome: Outcome): void;
  /** Waits while it starts, as a call does. Throws Faults (BACKEND_…) when it is not ready then. */
  ready(call: Call): Promise<void>;
  /** See Lease; `abilities` are the subscriber's. */
  subscribe(uri: string, abilities: Raw): Promise<boolean>;
  unsubscribe(uri: string, abilities: Raw): Promise<void>;
  offered(): Offered | null;
  /** What it offers otherwise than at its start; null for nothing. */
  readonly moved: Moved | null;
  /** Another instance says that its lists of this kind have changed: these may have, too. */
  suspect(kind: Changing): void;
  /** The login that it is used with. */
  readonly login: RemoteLogin | null;
  /** What it said of itself in this life of the program; null before that. */
  readonly facts: UpstreamFacts | null;
  /** See Lease. */
  again(call: Call): Promise<boolean>;
  /** Somebody will need it: it starts if it is idle. */
  want(): void;
  status(): BackendStatus;
  /** See Lease. */
  settled(ms: number, cancel?: Cancel): Promise<void>;
  /** The same when somebody has just logged in, and it is about to start for that. */
  settledAnew(ms: number, cancel?: Cancel): Promise<void>;
  /** Calls that wait for an answer, or for the server to start. */
  readonly inFlight: number;
  /** Nobody waits for a call, nobody wants to hear of a resource, and no task is known to be at work. */
  readonly idle: boolean;
  /** Takes over the times of a newer entry that means the same process; those of a start count from the next one on. */
  adjust(spec: BackendSpec): void;
  close(): Promise<void>;
}

/** Makes a backend, which starts at once unless its entry is disabled, cannot be used, or need not run to be listed. */
export function createBackend(options: CourseOptions): Backend {
  return new RunningBackend(options);
}

/** How a state reads in the detail of a fault. */
const stateWords: Readonly<Record<BackendState, string>> = Object.freeze({
  disabled: "it is disabled",
  misconfigured: "its entry cannot be used",
  starting: "it is not ready yet",
  ready: "it has just fallen",
  degraded: "it does not answer at present",
  "backing-off": "it is started again soon",
  "needs-login": "nobody is logged in there",
  idle: "it is started by the next call",
  draining: "it is being stopped",
  stopped: "it is stopped",
});

class RunningBackend implements Backend {
  readonly #options: CourseOptions;
  readonly #name: string;
  readonly #course: Course;
  readonly #subscriptions: Subscriptions;
  readonly #tasks: OpenTasks;
  readonly #budget: Budget;
  #spec: BackendSpec;
  #calls = 0;
  #retried = 0;
  /** Calls that wait for the start. */
  #queued = 0;

  constructor(options: CourseOptions) {
    const { spec, clock, limits, log } = options;
    this.#options = options;
    this.#name = spec.name;
    this.#spec = spec;
    this.#subscriptions = new Subscriptions({
      name: spec.name,
      clock,
      limits,
      log,
      // Who has a task's id got it from this server.
      canSubscribe: (uri) => taskIn(uri) !== null || this.#maySubscribe(),
      missed: (uri, abilities) => (taskIn(uri) === null ? options.updated(uri, missedParams(uri, limits), abilities) : undefined),
    });
    this.#tasks = new OpenTasks(clock, limits);
    this.#budget = createBudget(limits);
    this.#course = new Course(options, {
      wanted: () => this.#queued > 0 || this.#subscriptions.size > 0,
      idle: () => this.idle,
      calls: () => this.#calls,
      follow: (upstream) => this.#subscriptions.follow(upstream),
      leave: () => this.#leave(),
    });
    this.#course.begin();
  }

  get inFlight(): number {
    return this.#queued + this.#course.inFlight;
  }

  get idle(): boolean {
    return this.inFlight === 0 && this.#subscriptions.size === 0 && !this.#tasks.any;
  }

  get login(): RemoteLogin | null {
    return this.#course.login;
  }

  get facts(): UpstreamFacts | null {
    return this.#course.lists.facts;
  }

  adjust(spec: BackendSpec): void {
    this.#spec = spec;
    this.#course.adjust(spec);
  }

  call(call: Call, target: Target): Promise<Outcome> {
    this.#calls += 1;
    const { upstream } = this.#course;
    if (upstream === null) return this.#callLater(call, target);
    return this.#spec.start === "eager" ? upstream.call(call, target) : this.#callOnDemand(upstream, call, target);
  }

  noticed(call: Call, outcome: Outcome): void {
    this.#tasks.noticed(call, outcome);
  }

  async subscribe(uri: string, abilities: Raw): Promise<boolean> {
    if (this.#course.upstream === null) await this.settled(this.#spec.connectMs);
    return await this.#subscriptions.subscribe(uri, abilities);
  }

  unsubscribe(uri: string, abilities: Raw): Promise<void> {
    return this.#subscriptions.unsubscribe(uri, abilities);
  }

  offered(): Offered | null {
    return this.#course.lists.offered;
  }

  get moved(): Moved | null {
    return this.#course.lists.moved;
  }

  suspect(kind: Changing): void {
    this.#course.lists.becameStale(kind);
  }

  status(): BackendStatus {
    return {
      name: this.#name,
      ...this.#course.status(),
      retried: this.#retried,
      inFlight: this.inFlight,
    };
  }

  async settled(ms: number, cancel?: Cancel): Promise<void> {
    const { condition } = this.#course;
    if (condition.state !== "starting" || condition.waiting >= this.#options.limits.pendingMax) return;
    await condition.next(ms, cancel);
  }

  async settledAnew(ms: number, cancel?: Cancel): Promise<void> {
    const { condition } = this.#course;
    if (condition.state === "needs-login") await condition.next(ms, cancel);
    await this.settled(ms, cancel);
  }

  want(): void {
    this.#course.want();
  }

  close(): Promise<void> {
    return this.#course.close();
  }

  // ---- calls -----------------------------------------------------------------------------------------------------

  async #callLater(call: Call, target: Target): Promise<Outcome> {
    for (;;) {
      await this.ready(call);
      // It may have fallen before we came to it.
      const { upstream } = this.#course;
      if (upstream !== null) return this.#callOnDemand(upstream, call, target);
    }
  }

  async #callOnDemand(upstream: Upstream, call: Call, target: Target): Promise<Outcome> {
    const outcome = await upstream.call(call, target);
    this.#tasks.noticed(call, outcome);
    return outcome;
  }

  async ready(call: Call): Promise<void> {
    const { condition, breaker } = this.#course;
    const isForUs = condition.state === "idle";
    this.want();
    // Who failed so often is tried once more, but nobody has to wait for what will most likely fail again.
    if (isForUs || breaker.state !== "half-open") await this.#queue(call);
    if (this.#course.upstream !== null) return;
    throw this.#away();
  }

  async #queue({ cancel, method }: Call): Promise<void> {
    const { pendingMax } = this.#options.limits;
    if (this.#queued >= pendingMax) throw fault("BACKEND_BUSY", { backend: this.#name, detail: `${pendingMax} calls wait for it to start`, data: { sent: false } });
    this.#queued += 1;
    try {
      await this.#tried(cancel);
      if (!cancel.cancelled) await this.settled(this.#spec.connectMs, cancel);
    } finally {
      this.#queued -= 1;
    }
    if (cancel.cancelled) throw fault("CALL_CANCELLED", { backend: this.#name, op: method });
  }

  #away(): Fault {
    const { state } = this.#course.condition;
    const advice = this.#course.login?.advice;
    if (state === "needs-login") return fault("LOGIN_NEEDED", { ...this.#detail(), ...(advice === undefined ? {} : { hint: advice }) });
    return fault(state === "misconfigured" ? "BACKEND_MISCONFIGURED" : "BACKEND_DOWN", this.#detail());
  }

  /** Waits for the next try of a server that has just fallen: whoever came a moment later would wait for its start as well. */
  async #tried(cancel: Cancel): Promise<void> {
    const ms = Math.min(this.#options.limits.soonMsMax, this.#spec.requestMs);
    if (this.#course.isBackWithin(ms)) await this.#course.condition.next(ms, cancel);
  }

  #detail(): { backend: string; detail: string; data: Readonly<Record<string, unknown>> } {
    const { state, reason, retryAt } = this.#course.condition.facts;
    const words = stateWords[state];
    return { backend: this.#name, detail: reason === null ? words : `${words}: ${reason}`, data: { sent: false, state, ...(retryAt === null ? {} : { retryAt }) } };
  }

  async again({ cancel, method, callId }: Call): Promise<boolean> {
    const { log, clock, limits } = this.#options;
    if (!this.#budget.take(this.#calls)) {
      log.warn("a call is not made again, since too many were", { server: this.#name, method, callId });
      return false;
    }
    this.#queued += 1;
    const isBack = await this.#isBackBy(clock.now() + limits.againMsMax, cancel).finally(() => (this.#queued -= 1));
    if (!isBack) return false;
    this.#retried += 1;
    log.info("a call is made again, since the server fell under it", { server: this.#name, method, callId });
    return true;
  }

  /** Whether it is connected again by then, or at its first try at the latest. */
  async #isBackBy(until: number, cancel: Cancel): Promise<boolean> {
    const { clock } = this.#options;
    const { condition } = this.#course;
    let tried = false;
    while (!this.#course.isUsable) {
      if (cancel.cancelled || clock.now() >= until || isHopeless(condition, tried, until)) return false;
      tried ||= condition.state === "starting";
      await condition.next(until - clock.now(), cancel);
    }
    return !cancel.cancelled;
  }

  // ---- the server comes and goes ---------------------------------------------------------------------------------

  #leave(): void {
    this.#subscriptions.leave();
    this.#tasks.clear();
  }

  /** As far as is known while it is away. */
  #maySubscribe(): boolean {
    const may = this.#course.lists.offered?.facts.subscribes === true;
    if (may) this.want();
    return may;
  }
}

/** It will not be back by then, as far as can be seen. */
function isHopeless({ facts: { state, retryAt }, isOver }: Condition, tried: boolean, until: number): boolean {
  return isOver || state === "needs-login" || (state === "backing-off" && (tried || (retryAt ?? 0) > until));
}
