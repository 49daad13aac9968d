/**
 * The course of one server's lives: the one state machine of a backend, and the loop that drives it. The first start, a
 * crash, a lost session, a server that hangs, and a stop for want of use all take this way, and there is no other.
 *
 *   from                 to            when
 *   (made)               disabled      the entry says so; never left
 *   (made)               misconfigured the entry cannot be used; never left
 *   (made)               idle          it starts on demand, and what it offers is known
 *   (made)               starting      else
 *   starting             ready         handshake and lists came in time
 *   starting             backing-off   anything else came of it
 *   starting             needs-login   it wants a login that nobody has
 *   ready                degraded      it gives no sign of life when asked for one
 *   degraded             ready         it gives one
 *   ready, degraded      backing-off   process, connection or session is lost, or it gave no sign of life for long
 *   ready, degraded      needs-login   it does not take the login any more
 *   ready                idle          it starts on demand, and nobody used it for long
 *   backing-off          starting      the time has come, and somebody wants it: never given up
 *   backing-off          idle          the time has come, but it starts on demand and nobody wants it now
 *   needs-login          starting      somebody has logged in, or a long time has passed, and somebody wants it
 *   needs-login          idle          the same, but nobody wants it now
 *   idle                 starting      a call, a subscription, an entry that is eager now, or what it offers is unknown
 *   any but the first 2  draining      it is closed
 *   draining             stopped       everything of it has ended
 *
 * What it offers stays listed while it is away, for `graceMsMax` after it fell.
 */
import type { RemoteLogin } from "../auth/index.ts";
import { type Clock, escapeControls, Fault, faultOf, type KnownSecrets, type Limits, type Log, type Timer } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Eras, Upstream } from "../era/index.ts";
import type { Beside, Raw, RawObject } from "../protocol/index.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import { Condition } from "./condition.ts";
import { Leisure } from "./leisure.ts";
import { Life } from "./life.ts";
import type { Link } from "./link.ts";
import { type Changing, Lists } from "./lists.ts";
import type { BackendState, BackendStatus, Offered } from "./types.ts";
import { Vigil } from "./vigil.ts";

export interface CourseOptions {
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
  /** See ConnectOptions, these two too. */
  readonly client?: Raw | null;
  readonly prefersOlder?: boolean;
  /** Whether the server is known to say nothing before it has something to say. */
  readonly isMute: () => boolean;
  /** Takes secrets out of texts that were not made here. */
  readonly secrets: KnownSecrets;
  readonly remembered?: Offered | null;
  /** `offered()`, `moved` or `status()` has changed. */
  readonly changed: () => void;
  /** The server says that lists of this kind have changed, or may have. */
  readonly announced?: (kind: Changing) => void;
  /** A resource that somebody subscribed to has changed, or may have; for subscribers of these abilities, null for all. */
  readonly updated: (uri: string, params: RawObject, abilities: Raw | null) => void;
}

/** Who uses the server. */
export interface Users {
  /** Somebody waits for it, or wants to hear from it: it is to run. */
  readonly wanted: () => boolean;
  /** Nothing is under way there. */
  readonly idle: () => boolean;
  /** Calls so far. */
  readonly calls: () => number;
  /** It is connected from now on. */
  readonly follow: (upstream: Upstream) => void;
  /** It is connected no more. */
  readonly leave: () => void;
}

/** Why a life was ended though the server had not fallen. */
const unused = Symbol("unused");
type End = string | typeof unused;

export class Course {
  readonly condition: Condition;
  readonly lists: Lists;
  readonly breaker: Breaker;
  readonly #options: CourseOptions;
  readonly #name: string;
  readonly #users: Users;
  readonly #leisure: Leisure;
  #spec: BackendSpec;
  #life: Life | null = null;
  #upstream: Upstream | null = null;
  /** The start came to nothing for want of a login. */
  #isRefused = false;
  #starts = 0;
  #restarts = 0;
  /** Why it was not available, as the log was told last; null once it is ready. */
  #told: string | null = null;
  /** Runs while it is away, from its fall on. */
  #grace: Timer | null = null;
  /** Ends the present wait of the loop. */
  #wake: (end: End) => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  /** Nothing happens before `begin`. */
  constructor(options: CourseOptions, users: Users) {
    const { spec, clock, limits, log, changed, remembered = null } = options;
    this.#options = options;
    this.#name = spec.name;
    this.#spec = spec;
    this.#users = users;
    this.lists = new Lists({ name: spec.name, clock, limits, log, changed, remembered });
    this.breaker = createBreaker(clock, limits);
    this.#leisure = new Leisure({ clock, idle: users.idle, calls: users.calls, over: () => this.#stopUnused() });
    this.condition = new Condition(clock, this.#firstState(), changed);
    if (this.condition.state === "misconfigured") this.condition.explain(spec.issue?.message ?? "");
  }

  /** Set exactly while connected: ready or degraded. */
  get upstream(): Upstream | null {
    return this.#upstream;
  }

  /** Connected, and not fallen, whether or not that has been dealt with. */
  get isUsable(): boolean {
    return this.#upstream !== null && this.#life?.fallen === null;
  }

  /** The login that it is used with. */
  get login(): RemoteLogin | null {
    return this.#life?.link.login ?? null;
  }

  /** It fell from readiness, and is tried again within this time. */
  isBackWithin(ms: number): boolean {
    const { state, retryAt } = this.condition.facts;
    if (state !== "backing-off" || this.breaker.state !== "closed" || this.lists.facts === null) return false;
    return (retryAt ?? Number.POSITIVE_INFINITY) - this.#options.clock.now() <= ms;
  }

  /** Requests without an answer so far. */
  get inFlight(): number {
    return this.#life?.link.inFlight ?? 0;
  }

  /** What is known here of its status. */
  status(): Omit<BackendStatus, "name" | "retried" | "inFlight"> {
    const link = this.#life?.link;
    return {
      ...this.condition.facts,
      breaker: this.breaker.state,
      lists: this.lists.source,
      pid: link?.pid ?? null,
      stderr: link?.stderr() ?? [],
      restarts: this.#restarts,
      revision: this.#upstream?.facts.revision ?? null,
    };
  }

  begin(): void {
    const { state } = this.condition;
    if (state === "starting" || state === "idle") this.#loop = this.#run();
  }

  /** See Backend. */
  adjust(spec: BackendSpec): void {
    const { start, idleMs } = this.#spec;
    this.#spec = spec;
    if (spec.start === start && spec.idleMs === idleMs) return;
    if (spec.start === "eager") this.want();
    if (this.#upstream !== null) this.#watchUse();
  }

  /** It starts if it is idle. */
  want(): void {
    if (this.condition.state !== "idle") return;
    this.condition.become("starting");
    this.#wake(unused);
  }

  async close(): Promise<void> {
    if (this.condition.isOver) return this.#loop;
    const wasConnected = this.#upstream !== null;
    // At once, as with whom nobody uses: what comes from here on is not sent.
    this.#upstream = null;
    this.condition.become("draining");
    this.#wake("it is being stopped");
    this.#grace?.cancel();
    // While starting, the loop hangs on the link; ending that lets it go on.
    if (!wasConnected) await this.#life?.link.close();
    await this.#loop;
    this.condition.become("stopped");
  }

  // ---- the loop --------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    while (!this.condition.isOver) {
      if (this.condition.state === "idle") await this.#pause(null);
      else await this.#liveOnce();
    }
  }

  async #liveOnce(): Promise<void> {
    const life = this.#createLife();
    this.#isRefused = false;
    if (typeof life === "string") return this.#unborn(life);
    const end = await this.#live(life);
    this.#leave();
    if (this.condition.isOver) return life.bury();
    if (end === unused) await life.bury();
    else if (this.#wantsLogin(life.link)) await this.#awaitLogin(life, end);
    else await this.#backOff(life, end);
  }

  async #unborn(reason: string): Promise<void> {
    // Whoever begins the course hears of nothing before he has it.
    await Promise.resolve();
    if (!this.condition.isOver) await this.#backOff(null, reason);
  }

  #wantsLogin({ needsLogin }: Link): boolean {
    return this.#isRefused || needsLogin === true;
  }

  /** No tries here: without a login each would come to the same, and some servers lock out who tries often. */
  async #awaitLogin(life: Life, reason: string): Promise<void> {
    const { clock, limits, log } = this.#options;
    log[reason === this.condition.facts.reason ? "debug" : "warn"]("waits for a login", { server: this.#name, reason });
    this.condition.failed(reason);
    this.condition.become("needs-login", { reason, retryAt: clock.now() + limits.loginWaitMsMax });
    this.#startGrace();
    await Promise.all([life.bury(), this.#loginOf(life.link)]);
    this.#startAgain(reason);
  }

  /** Resolves when somebody has logged in, which may have been since it was refused, or after a long time. */
  async #loginOf({ login, needsLogin }: Link): Promise<void> {
    if (needsLogin === true && login?.needed === false) return;
    const unhook = login?.onChanged(() => (login.needed ? undefined : this.#wake(unused)));
    await this.#pause(this.#options.limits.loginWaitMsMax);
    unhook?.();
  }

  #startAgain(reason: string): void {
    if (this.condition.isOver) return;
    const isWanted = this.#isWanted();
    if (isWanted) this.#restarts += 1;
    this.condition.become(isWanted ? "starting" : "idle", { reason });
  }

  async #backOff(life: Life | null, reason: string): Promise<void> {
    const { clock, log } = this.#options;
    const waitMs = this.breaker.failed();
    // Said once: whoever tries often, and for days, would otherwise fill the log with one and the same reason.
    const level = reason === this.#told ? "debug" : "warn";
    this.#told = reason;
    log[level]("not available", { server: this.#name, reason, retryMs: Math.round(waitMs), breaker: this.breaker.state });
    this.condition.failed(reason);
    this.condition.become("backing-off", { reason, retryAt: clock.now() + waitMs });
    this.#startGrace();
    await Promise.all([life?.bury(), this.#pause(waitMs)]);
    if (this.condition.isOver) return;
    this.breaker.trying();
    this.#startAgain(reason);
  }

  /** One life of the server, from start to end; gives why it ended. */
  async #live(life: Life): Promise<End> {
    this.#life = life;
    this.#starts += 1;
    const { link } = life;
    try {
      const upstream = await life.start();
      const over = Promise.withResolvers<End>();
      this.#wake = over.resolve;
      link.onDown = over.resolve;
      if (life.fallen !== null) return life.fallen;
      if (this.condition.isOver) return "it is being stopped";
      this.#becomeReady(upstream);
      return await this.#watched(link, upstream, over.promise);
    } catch (thrown) {
      this.#isRefused = faultOf(thrown).code === "LOGIN_NEEDED";
      return this.#reasonOf(thrown, link);
    }
  }

  async #watched(link: Link, upstream: Upstream, over: Promise<End>): Promise<End> {
    const vigil = new Vigil({
      limits: this.#options.limits,
      probe: (timeoutMs) => upstream.alive(timeoutMs),
      heard: () => link.heard,
      silent: () => this.#becomeDegraded(),
      answers: () => this.#recovered(),
      dead: () => link.giveUp("it gives no sign of life"),
    });
    link.onLate = () => vigil.late();
    const end = await over;
    vigil.end();
    return end;
  }

  #leave(): void {
    this.#upstream = null;
    this.#leisure.end();
    this.lists.leave();
    this.#users.leave();
  }

  /** Waits; `ms` null: until it is woken. */
  async #pause(ms: number | null): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#wake = () => over.resolve();
    const timer = ms === null ? null : this.#options.clock.timer(ms, over.resolve);
    await over.promise;
    timer?.cancel();
  }

  /** Or why there can be none now: a bound is reached, maybe. The loop goes on, or it would be starting for ever. */
  #createLife(): Life | string {
    const { createLink, ...options } = this.#options;
    try {
      return new Life({ ...options, spec: this.#spec, link: createLink(), lists: this.lists });
    } catch (thrown) {
      return this.#reasonOf(thrown, null);
    }
  }

  // ---- states ----------------------------------------------------------------------------------------------------

  #firstState(): BackendState {
    if (this.#spec.disabled) return "disabled";
    if (this.#spec.issue !== null) return "misconfigured";
    return this.#isWanted() ? "starting" : "idle";
  }

  /** It is to run: always, or somebody waits for it, or nobody knows what it offers. */
  #isWanted(): boolean {
    return this.#spec.start === "eager" || this.lists.offered === null || this.#users.wanted();
  }

  #becomeReady(upstream: Upstream): void {
    this.breaker.ready();
    this.#told = null;
    this.#grace?.cancel();
    this.#grace = null;
    this.#upstream = upstream;
    this.condition.become("ready");
    this.#options.log.info("ready", { server: this.#name, revision: upstream.facts.revision, starts: this.#starts });
    this.lists.follow(upstream);
    this.#users.follow(upstream);
    this.#watchUse();
  }

  #watchUse(): void {
    if (this.#spec.start === "on-demand") this.#leisure.watch(this.#spec.idleMs);
    else this.#leisure.end();
  }

  // All at once: a call that comes from here on begins the next life.
  #stopUnused(): void {
    if (this.condition.state !== "ready") return this.#watchUse();
    this.#upstream = null;
    this.#options.log.info("stopped, since nobody uses it", { server: this.#name });
    this.condition.become("idle");
    this.#wake(unused);
  }

  #becomeDegraded(): void {
    const reason = "it gives no sign of life";
    this.#options.log.warn("does not answer", { server: this.#name });
    this.condition.failed(reason);
    this.condition.become("degraded", { reason });
  }

  #recovered(): void {
    this.#options.log.info("answers again", { server: this.#name });
    this.condition.become("ready");
  }

  /** Clients keep what they know of its lists as long as those do not change: a server that comes and goes must not change them. */
  #startGrace(): void {
    if (this.lists.offered === null) return;
    const { clock, limits, log, changed } = this.#options;
    this.#grace ??= clock.timer(limits.graceMsMax, () => {
      log.warn("away for too long: what it offers is listed no more until it is back", { server: this.#name });
      this.lists.hide();
      changed();
      this.want();
    });
  }

  #reasonOf(thrown: unknown, link: Link | null): string {
    // Anything but a fault is a bug of ours: it must not end the loop, and must not be hidden.
    if (!(thrown instanceof Fault)) this.#options.log.error("start failed by a defect", { server: this.#name, reason: String(thrown) });
    const last = link?.stderr().at(-1);
    const message = faultOf(thrown).message.replace(`${this.#name}: `, "");
    const reason = last === undefined || message.includes(last) ? message : `${message}; its last words: ${last}`;
    // It is shown to clients and may quote what the server said, or its own command.
    return escapeControls(this.#options.secrets.scrub(reason)).slice(0, this.#options.limits.excerptMax);
  }
}
