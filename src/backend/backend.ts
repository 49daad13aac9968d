/**
 * One upstream server over its whole life. It hides that processes and connections come and go: the first start, a
 * crash and a lost connection take one and the same way through one loop, and whoever calls sees only the state.
 *
 *   starting → ready → backing-off → starting → …       (never given up)
 *       └────────────→ backing-off
 *   any → draining → stopped                            (close)
 *   disabled, misconfigured                             (never left: the entry must change)
 */
import { type Cancel, type Clock, escapeControls, Fault, fault, faultOf, type KnownSecrets, type Limits, type Log } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Eras, Target, Upstream } from "../era/index.ts";
import { type Beside, type Call, type Outcome, type Raw, type RawObject, taskIn } from "../protocol/index.ts";
import { createBreaker } from "./breaker.ts";
import type { Link } from "./link.ts";
import { type Changing, Lists } from "./lists.ts";
import { OpenTasks } from "./openTasks.ts";
import { missedParams, Subscriptions } from "./subscriptions.ts";
import type { BackendState, BackendStatus, Moved, Offered } from "./types.ts";

export interface BackendOptions {
  readonly spec: BackendSpec;
  /** Makes a new link, not yet open. */
  readonly createLink: () => Link;
  /** Opens the handshake over a link. */
  readonly connect: Eras["connect"];
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** What it is told that its client can do, where it is told once (JSON text). */
  readonly capabilities: Raw;
  /** The client whose alone it is, as it is reached beside its calls. */
  readonly beside?: Beside | undefined;
  /** Whether the server is known to say nothing before it has something to say. */
  readonly isMute: () => boolean;
  /** Takes secrets out of texts that were not made here. */
  readonly secrets: KnownSecrets;
  /** `offered()`, `moved` or `status()` has changed. */
  readonly changed: () => void;
  /** The server says that lists of this kind have changed, or may have. */
  readonly announced?: (kind: Changing) => void;
  /** A resource that somebody subscribed to has changed, or may have; for subscribers of these abilities, null for all. */
  readonly updated: (uri: string, params: RawObject, abilities: Raw | null) => void;
}

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
  status(): BackendStatus;
  /** See Lease. */
  settled(ms: number, cancel?: Cancel): Promise<void>;
  /** Calls that wait for an answer, or for the server to start. */
  readonly inFlight: number;
  /** Nobody waits for a call or a task, and nobody wants to hear of a resource. */
  readonly idle: boolean;
  /** Takes over the times of a newer entry that means the same process; they count from the next start on. */
  adjust(spec: BackendSpec): void;
  close(): Promise<void>;
}

/** Makes a backend, which starts at once unless its entry is disabled or cannot be used. */
export function createBackend(options: BackendOptions): Backend {
  return new RunningBackend(options);
}

/** How a state reads in the detail of a fault. */
const stateWords: Readonly<Record<BackendState, string>> = Object.freeze({
  disabled: "it is disabled",
  misconfigured: "its entry cannot be used",
  starting: "it is not ready yet",
  ready: "it has just fallen",
  "backing-off": "it is started again soon",
  draining: "it is being stopped",
  stopped: "it is stopped",
});

/** What one life of the server consists of. */
interface Life {
  readonly link: Link;
  upstream: Upstream | null;
  /** Why its dialect gave it up, before or after it was ready. */
  lost: string | null;
  /** It is over; what comes of it now is too late. */
  buried: boolean;
}

class RunningBackend implements Backend {
  readonly #options: BackendOptions;
  readonly #name: string;
  readonly #lists: Lists;
  readonly #subscriptions: Subscriptions;
  readonly #tasks: OpenTasks;
  #spec: BackendSpec;
  #state: BackendState = "starting";
  #reason: string | null = null;
  #link: Link | null = null;
  /** Set exactly while ready. */
  #upstream: Upstream | null = null;
  #starts = 0;
  readonly #waiters = new Set<() => void>();
  /** Calls that wait for the start. */
  #queued = 0;
  /** Ends the present wait of the loop: for a crash while ready, or for the time of the next try. */
  #wake: (reason: string) => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#name = options.spec.name;
    this.#spec = options.spec;
    this.#lists = new Lists({ name: this.#name, clock: options.clock, limits: options.limits, log: options.log, changed: options.changed });
    this.#tasks = new OpenTasks(options.clock, options.limits);
    this.#subscriptions = new Subscriptions({
      name: this.#name,
      clock: options.clock,
      limits: options.limits,
      log: options.log,
      // Who has a task's id got it from this server.
      canSubscribe: (uri) => taskIn(uri) !== null || this.#lists.offered?.facts.subscribes === true,
      missed: (uri, abilities) => (taskIn(uri) === null ? options.updated(uri, missedParams(uri, options.limits), abilities) : undefined),
    });
    if (options.spec.disabled) this.#state = "disabled";
    else if (options.spec.issue !== null) this.#becomeMisconfigured(options.spec.issue.message);
    else this.#loop = this.#run();
  }

  get inFlight(): number {
    return this.#queued + (this.#link?.inFlight ?? 0);
  }

  get idle(): boolean {
    return this.inFlight === 0 && this.#subscriptions.size === 0 && !this.#tasks.any;
  }

  adjust(spec: BackendSpec): void {
    this.#spec = spec;
  }

  call(call: Call, target: Target): Promise<Outcome> {
    return this.#upstream === null ? this.#callLater(call, target) : this.#upstream.call(call, target);
  }

  noticed(call: Call, outcome: Outcome): void {
    this.#tasks.noticed(call, outcome);
  }

  async subscribe(uri: string, abilities: Raw): Promise<boolean> {
    if (this.#upstream === null) await this.settled(this.#spec.connectMs);
    return await this.#subscriptions.subscribe(uri, abilities);
  }

  unsubscribe(uri: string, abilities: Raw): Promise<void> {
    return this.#subscriptions.unsubscribe(uri, abilities);
  }

  offered(): Offered | null {
    return this.#lists.offered;
  }

  get moved(): Moved | null {
    return this.#lists.moved;
  }

  suspect(kind: Changing): void {
    this.#lists.becameStale(kind);
  }

  status(): BackendStatus {
    return {
      name: this.#name,
      state: this.#state,
      pid: this.#link?.pid ?? null,
      reason: this.#reason,
      stderr: this.#link?.stderr() ?? [],
      restarts: Math.max(0, this.#starts - 1),
      inFlight: this.inFlight,
      revision: this.#upstream?.facts.revision ?? null,
    };
  }

  async settled(ms: number, cancel?: Cancel): Promise<void> {
    if (this.#state !== "starting" || this.#waiters.size >= this.#options.limits.pendingMax) return;
    const done = Promise.withResolvers<void>();
    this.#waiters.add(done.resolve);
    const timer = this.#options.clock.timer(ms, done.resolve);
    const unhook = cancel?.onCancel(() => done.resolve());
    await done.promise;
    unhook?.();
    timer.cancel();
    this.#waiters.delete(done.resolve);
  }

  async close(): Promise<void> {
    if (this.#isOver()) return this.#loop;
    this.#become("draining", null);
    this.#wake("it is being stopped");
    // While starting, the loop hangs on the link; ending that lets it go on.
    if (this.#upstream === null) await this.#link?.close();
    await this.#loop;
    this.#become("stopped", null);
  }

  // ---- calls -----------------------------------------------------------------------------------------------------

  async #callLater(call: Call, target: Target): Promise<Outcome> {
    for (;;) {
      await this.ready(call);
      // It may have fallen before we came to it.
      if (this.#upstream !== null) return this.#upstream.call(call, target);
    }
  }

  async ready(call: Call): Promise<void> {
    await this.#queue(call);
    if (this.#upstream !== null) return;
    if (this.#state === "misconfigured") throw fault("BACKEND_MISCONFIGURED", this.#detail());
    throw fault("BACKEND_DOWN", this.#detail());
  }

  async #queue({ cancel, method }: Call): Promise<void> {
    const { pendingMax } = this.#options.limits;
    if (this.#queued >= pendingMax) throw fault("BACKEND_BUSY", { backend: this.#name, detail: `${pendingMax} calls wait for it to start`, data: { sent: false } });
    this.#queued += 1;
    try {
      await this.settled(this.#spec.connectMs, cancel);
    } finally {
      this.#queued -= 1;
    }
    if (cancel.cancelled) throw fault("CALL_CANCELLED", { backend: this.#name, op: method });
  }

  #detail(): { backend: string; detail: string; data: { sent: boolean } } {
    const state = stateWords[this.#state];
    return { backend: this.#name, detail: this.#reason === null ? state : `${state}: ${this.#reason}`, data: { sent: false } };
  }

  // ---- the loop --------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    const { clock, limits, log } = this.#options;
    const breaker = createBreaker(clock, limits);
    while (!this.#isOver()) {
      const life: Life = { link: this.#options.createLink(), upstream: null, lost: null, buried: false };
      const reason = await this.#live(life, () => breaker.ready());
      this.#upstream = null;
      this.#lists.leave();
      this.#subscriptions.leave();
      if (this.#isOver()) return this.#bury(life);
      const waitMs = breaker.failed();
      // Said once: whoever tries often, and for days, would otherwise fill the log with one and the same reason.
      log[reason === this.#reason ? "debug" : "warn"]("not available", { server: this.#name, reason, retryMs: Math.round(waitMs) });
      this.#become("backing-off", reason);
      await Promise.all([this.#bury(life), this.#pause(waitMs)]);
      if (!this.#isOver()) this.#become("starting", reason);
    }
  }

  /** One life of the server, from start to end; gives why it ended. */
  async #live(life: Life, onReady: () => void): Promise<string> {
    this.#link = life.link;
    this.#starts += 1;
    try {
      const upstream = await this.#start(life);
      const fallen = Promise.withResolvers<string>();
      this.#wake = fallen.resolve;
      life.link.onDown = fallen.resolve;
      // It may have fallen while nobody was told, since a handshake may end and start a child on its own account.
      const reason = life.link.fallen ?? life.lost;
      if (reason !== null) return reason;
      if (this.#isOver()) return "it is being stopped";
      onReady();
      this.#becomeReady(upstream);
      return await fallen.promise;
    } catch (thrown) {
      return this.#reasonOf(thrown, life.link);
    }
  }

  /** Process or connection, handshake, lists: all within the time that the entry gives. */
  async #start(life: Life): Promise<Upstream> {
    const { connectMs } = this.#spec;
    const failed = Promise.withResolvers<never>();
    const timer = this.#options.clock.timer(connectMs, () => failed.reject(this.#late(connectMs)));
    try {
      return await Promise.race([failed.promise, this.#handshake(life)]);
    } finally {
      timer.cancel();
    }
  }

  async #handshake(life: Life): Promise<Upstream> {
    const { limits, log, connect } = this.#options;
    const spec = this.#spec;
    const { link } = life;
    await link.open();
    const upstream = await connect(link, {
      name: this.#name,
      era: spec.era,
      requestMsMax: spec.requestMs,
      probeMsMax: limits.probeMsMax,
      capabilities: this.#options.capabilities,
      mute: this.#options.isMute(),
      ...(this.#options.beside === undefined ? {} : { beside: this.#options.beside }),
      updated: this.#options.updated,
      changed: (kind) => {
        this.#lists.becameStale(kind);
        this.#options.announced?.(kind);
      },
      logged: (text: Raw) => log.info("log message", { server: this.#name, text }),
      lost: (reason) => {
        life.lost ??= reason;
        link.onDown(reason);
      },
    });
    life.upstream = upstream;
    // Its time is over, and with it the chance that anybody else closes it.
    if (life.buried) await this.#takeLeave(upstream);
    const take = await this.#lists.fetchAll(upstream);
    // A server that fell meanwhile would look like one that offers nothing.
    if (link.fallen === null && life.lost === null && !life.buried) take();
    return upstream;
  }

  async #bury(life: Life): Promise<void> {
    life.buried = true;
    if (life.upstream !== null) await this.#takeLeave(life.upstream);
    await life.link.close();
  }

  async #takeLeave(upstream: Upstream): Promise<void> {
    try {
      await upstream.close();
    } catch (thrown) {
      // It only says goodbye, perhaps to somebody who has gone.
      this.#options.log.debug("could not take leave", { server: this.#name, code: faultOf(thrown).code });
    }
  }

  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#wake = () => over.resolve();
    const timer = this.#options.clock.timer(ms, over.resolve);
    await over.promise;
    timer.cancel();
  }

  // ---- states ----------------------------------------------------------------------------------------------------

  #becomeReady(upstream: Upstream): void {
    this.#upstream = upstream;
    this.#become("ready", null);
    this.#options.log.info("ready", { server: this.#name, revision: upstream.facts.revision, starts: this.#starts });
    this.#lists.follow(upstream);
    this.#subscriptions.follow(upstream);
  }

  #becomeMisconfigured(reason: string): void {
    this.#state = "misconfigured";
    this.#reason = reason;
  }

  #become(state: BackendState, reason: string | null): void {
    this.#state = state;
    this.#reason = reason;
    if (state !== "starting") for (const waiter of this.#waiters) waiter();
    this.#options.changed();
  }

  #isOver(): boolean {
    return this.#state === "draining" || this.#state === "stopped";
  }

  #late(connectMs: number): Fault {
    return fault("BACKEND_TIMEOUT", { backend: this.#name, op: "start", detail: `it was not ready within ${connectMs} ms` });
  }

  #reasonOf(thrown: unknown, link: Link): string {
    // Anything but a fault is a bug of ours: it must not end the loop, and must not be hidden.
    if (!(thrown instanceof Fault)) this.#options.log.error("start failed by a defect", { server: this.#name, reason: String(thrown) });
    const last = link.stderr().at(-1);
    const message = faultOf(thrown).message.replace(`${this.#name}: `, "");
    const reason = last === undefined || message.includes(last) ? message : `${message}; its last words: ${last}`;
    // It is shown to clients and may quote what the server said, or its own command.
    return escapeControls(this.#options.secrets.scrub(reason)).slice(0, this.#options.limits.excerptMax);
  }
}
