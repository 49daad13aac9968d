/**
 * One upstream server over its whole life. It hides that processes and connections come and go: the first start, a
 * crash and a lost connection take one and the same way through one loop, and whoever calls sees only the state.
 *
 *   starting → ready → backing-off → starting → …       (never given up)
 *       └────────────→ backing-off
 *   any → draining → stopped                            (close)
 *   disabled, misconfigured                             (never left: the entry must change)
 */
import { type Clock, Fault, fault, faultOf, type Limits, type Log, singleFlight, sleep } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Eras, Listed, Target, Upstream } from "../era/index.ts";
import type { Call, Kind, Outcome, Raw } from "../protocol/index.ts";
import { createBreaker } from "./breaker.ts";
import type { Link } from "./link.ts";
import type { BackendState, BackendStatus, Offered } from "./types.ts";

export interface BackendOptions {
  readonly spec: BackendSpec;
  /** Makes a new link, not yet open. */
  readonly createLink: () => Link;
  /** Opens the handshake over a link. */
  readonly connect: Eras["connect"];
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** `offered()` or `status()` has changed. */
  readonly changed: () => void;
}

export interface Backend {
  /** Runs one call; waits while the server starts. Throws Faults (BACKEND_…). */
  call(call: Call, target: Target): Promise<Outcome>;
  offered(): Offered | null;
  status(): BackendStatus;
  /** See Lease. */
  settled(ms: number): Promise<void>;
  readonly inFlight: number;
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
}

const kinds: readonly Kind[] = Object.freeze(["tools", "prompts", "resources", "templates"] as const);
const nothing: Listed = Object.freeze({ items: Object.freeze([]), cache: Object.freeze({ ttlMs: 0, scope: "private" as const }) });

class RunningBackend implements Backend {
  readonly #options: BackendOptions;
  readonly #name: string;
  readonly #refreshSoon: () => Promise<void>;
  #state: BackendState = "starting";
  #reason: string | null = null;
  #link: Link | null = null;
  /** Set exactly while ready. */
  #upstream: Upstream | null = null;
  #offered: Offered | null = null;
  #starts = 0;
  #stale = new Set<Kind>();
  #waiters: (() => void)[] = [];
  /** Ends the present wait of the loop: for a crash while ready, or for the time of the next try. */
  #wake: (reason: string) => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#name = options.spec.name;
    this.#refreshSoon = singleFlight(() => this.#refresh());
    if (options.spec.disabled) this.#state = "disabled";
    else if (options.spec.issue !== null) this.#becomeMisconfigured(options.spec.issue.message);
    else this.#loop = this.#run();
  }

  get inFlight(): number {
    return this.#link?.inFlight ?? 0;
  }

  call(call: Call, target: Target): Promise<Outcome> {
    return this.#upstream === null ? this.#callLater(call, target) : this.#upstream.call(call, target);
  }

  offered(): Offered | null {
    return this.#offered;
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

  async settled(ms: number): Promise<void> {
    if (this.#state !== "starting") return;
    const done = Promise.withResolvers<void>();
    this.#waiters.push(done.resolve);
    const timer = this.#options.clock.timer(ms, done.resolve);
    await done.promise;
    timer.cancel();
    this.#waiters = this.#waiters.filter((waiter) => waiter !== done.resolve);
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
    await this.settled(this.#options.spec.connectMs);
    if (this.#upstream !== null) return this.#upstream.call(call, target);
    if (this.#state === "misconfigured") throw fault("BACKEND_MISCONFIGURED", this.#detail());
    throw fault("BACKEND_DOWN", this.#detail());
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
      const life: Life = { link: this.#options.createLink(), upstream: null, lost: null };
      const reason = await this.#live(life, () => breaker.ready());
      this.#upstream = null;
      if (this.#isOver()) return this.#bury(life);
      const waitMs = breaker.failed();
      log.warn("not available", { server: this.#name, reason, retryMs: Math.round(waitMs) });
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
    const { spec, clock } = this.#options;
    const failed = Promise.withResolvers<never>();
    const timer = clock.timer(spec.connectMs, () => failed.reject(this.#late()));
    try {
      return await Promise.race([failed.promise, this.#handshake(life)]);
    } finally {
      timer.cancel();
    }
  }

  async #handshake(life: Life): Promise<Upstream> {
    const { spec, limits, log, connect } = this.#options;
    const { link } = life;
    await link.open();
    const upstream = await connect(link, {
      name: this.#name,
      era: spec.era,
      requestMsMax: spec.requestMs,
      probeMsMax: limits.probeMsMax,
      changed: (kind) => this.#becameStale(kind),
      logged: (text: Raw) => log.info("log message", { server: this.#name, text }),
      lost: (reason) => {
        life.lost ??= reason;
        link.onDown(reason);
      },
    });
    life.upstream = upstream;
    this.#stale.clear();
    const lists = await Promise.all(kinds.map((kind) => this.#list(upstream, kind, nothing)));
    // A server that fell meanwhile would look like one that offers nothing.
    if (link.fallen === null && life.lost === null) this.#offered = this.#offer(upstream, Object.fromEntries(kinds.map((kind, index) => [kind, lists[index]])) as Offered["lists"]);
    return upstream;
  }

  async #bury({ link, upstream }: Life): Promise<void> {
    try {
      await upstream?.close();
    } catch (thrown) {
      // It only says goodbye, perhaps to somebody who has gone.
      this.#options.log.debug("could not take leave", { server: this.#name, code: faultOf(thrown).code });
    }
    await link.close();
  }

  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#wake = () => over.resolve();
    const timer = this.#options.clock.timer(ms, over.resolve);
    await over.promise;
    timer.cancel();
  }

  // ---- lists -----------------------------------------------------------------------------------------------------

  // One kind that cannot be listed must not cost the others.
  async #list(upstream: Upstream, kind: Kind, otherwise: Listed): Promise<Listed> {
    try {
      return await upstream.list(kind);
    } catch (thrown) {
      const failure = faultOf(thrown);
      this.#options.log.warn("a list could not be fetched", { server: this.#name, kind, code: failure.code, reason: failure.message });
      return otherwise;
    }
  }

  #becameStale(kind: "tools" | "prompts" | "resources"): void {
    this.#stale.add(kind);
    if (kind === "resources") this.#stale.add("templates");
    if (this.#upstream !== null) void this.#refreshSoon();
  }

  // Collected for a moment: servers announce each of a hundred new tools by itself.
  async #refresh(): Promise<void> {
    await sleep(this.#options.clock, this.#options.limits.noticeQuietMs);
    const upstream = this.#upstream;
    const before = this.#offered;
    if (upstream === null || before === null || this.#stale.size === 0) return;
    const wanted = [...this.#stale];
    this.#stale.clear();
    const lists = await Promise.all(wanted.map(async (kind) => [kind, await this.#list(upstream, kind, before.lists[kind])] as const));
    if (this.#upstream !== upstream) return;
    this.#offered = this.#offer(upstream, { ...before.lists, ...Object.fromEntries(lists) });
    this.#options.changed();
  }

  #offer(upstream: Upstream, lists: Offered["lists"]): Offered {
    return Object.freeze({ facts: upstream.facts, lists: Object.freeze(lists), fetchedAt: this.#options.clock.now() });
  }

  // ---- states ----------------------------------------------------------------------------------------------------

  #becomeReady(upstream: Upstream): void {
    this.#upstream = upstream;
    this.#become("ready", null);
    this.#options.log.info("ready", { server: this.#name, revision: upstream.facts.revision, starts: this.#starts });
    if (this.#stale.size > 0) void this.#refreshSoon();
  }

  #becomeMisconfigured(reason: string): void {
    this.#state = "misconfigured";
    this.#reason = reason;
  }

  #become(state: BackendState, reason: string | null): void {
    this.#state = state;
    this.#reason = reason;
    if (state !== "starting") for (const waiter of this.#waiters.splice(0)) waiter();
    this.#options.changed();
  }

  #isOver(): boolean {
    return this.#state === "draining" || this.#state === "stopped";
  }

  #late(): Fault {
    return fault("BACKEND_TIMEOUT", { backend: this.#name, op: "start", detail: `it was not ready within ${this.#options.spec.connectMs} ms` });
  }

  #reasonOf(thrown: unknown, link: Link): string {
    // Anything but a fault is a bug of ours: it must not end the loop, and must not be hidden.
    if (!(thrown instanceof Fault)) this.#options.log.error("start failed by a defect", { server: this.#name, reason: String(thrown) });
    const last = link.stderr().at(-1);
    const message = faultOf(thrown).message.replace(`${this.#name}: `, "");
    return last === undefined || message.includes(last) ? message : `${message}; its last words: ${last}`;
  }
}
