/**
 * What one backend offers: fetched at its start, again where it announces a change, and again where a list could not be
 * fetched. It hides how announcements are collected and how long a list that fails is waited for, and it keeps what was
 * known before, so that a crash or a list that fails for a moment empties nobody's list.
 */
import { type Clock, faultOf, type Limits, type Log, singleFlight, type Timer } from "../base/index.ts";
import type { Listed, Upstream, UpstreamFacts } from "../era/index.ts";
import type { Kind, Raw } from "../protocol/index.ts";
import { type Breaker, createBreaker } from "./breaker.ts";
import type { BackendStatus, Moved, Offered } from "./types.ts";
import { privately } from "./variants.ts";

export interface ListsOptions {
  /** The configured name of the server. */
  readonly name: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** `offered` has changed while the server was followed. */
  readonly changed: () => void;
  /** What it offered in an earlier life of this program; null: nothing is known. */
  readonly remembered?: Offered | null;
}

/** What a server announces changes of. */
export type Changing = "tools" | "prompts" | "resources";

type Fetched = readonly (readonly [Kind, Listed])[];

const kinds: readonly Kind[] = Object.freeze(["tools", "prompts", "resources", "templates"] as const);
const nothing: Listed = Object.freeze({ items: Object.freeze([]), cache: Object.freeze({ ttlMs: 0, scope: "private" as const }) });
const emptyLists: Offered["lists"] = Object.freeze({ tools: nothing, prompts: nothing, resources: nothing, templates: nothing });

export class Lists {
  readonly #options: ListsOptions;
  readonly #refreshSoon: () => Promise<void>;
  /** Kinds of which a change was announced. */
  readonly #stale = new Set<Kind>();
  /** Kinds that could not be fetched. */
  readonly #missing = new Set<Kind>();
  #offered: Offered | null;
  /** It said so itself, in this life of the program. */
  #isLive = false;
  /** It has been away for too long. */
  #isHidden = false;
  #moved: Moved | null = null;
  /** Set while the server is ready. */
  #upstream: Upstream | null = null;
  #patience: Breaker;
  /** Runs from the first announcement on for as long as others are collected. */
  #quiet: Timer | null = null;
  #retry: Timer | null = null;

  constructor(options: ListsOptions) {
    this.#options = options;
    this.#offered = options.remembered ?? null;
    this.#patience = createBreaker(options.clock, options.limits);
    this.#refreshSoon = singleFlight(() => this.#refresh());
  }

  /** The newest; null while nothing is known, or it is hidden. */
  get offered(): Offered | null {
    return this.#isHidden ? null : this.#offered;
  }

  /** Where that comes from. */
  get source(): BackendStatus["lists"] {
    if (this.offered === null) return null;
    return this.#isLive ? "live" : "remembered";
  }

  /** What the server said of itself in this life of the program. What was remembered decides nothing but what is listed. */
  get facts(): UpstreamFacts | null {
    return this.#isLive ? (this.#offered?.facts ?? null) : null;
  }

  /** The server has been away for so long that it is listed no more, until it is back. */
  hide(): void {
    this.#isHidden = true;
  }

  /** Lists that are not any more what they were when this life of the server began; null for none. */
  get moved(): Moved | null {
    return this.#moved;
  }

  /** Fetches all lists of a server that has just opened; gives what takes them over, if it has not fallen meanwhile. */
  async fetchAll(upstream: Upstream): Promise<() => void> {
    this.#stale.clear();
    this.#missing.clear();
    const fetched = await this.#fetch(upstream, kinds);
    return () => {
      this.#moved = null;
      this.#take(upstream, fetched);
    };
  }

  /** The server is ready: from now on its announcements are followed. */
  follow(upstream: Upstream): void {
    this.#upstream = upstream;
    this.#patience = createBreaker(this.#options.clock, this.#options.limits);
    if (this.#stale.size > 0) this.#collect();
    this.#retryLater();
  }

  /** The server has fallen or is being stopped: nothing is asked any more. */
  leave(): void {
    this.#upstream = null;
    for (const timer of [this.#quiet, this.#retry]) timer?.cancel();
    this.#quiet = null;
    this.#retry = null;
  }

  /** The server says that these have changed. */
  becameStale(kind: Changing): void {
    this.#stale.add(kind);
    if (kind === "resources") this.#stale.add("templates");
    if (this.#upstream !== null) this.#collect();
  }

  /** For a moment: servers announce each of a hundred new tools by itself. */
  #collect(): void {
    this.#quiet ??= this.#options.clock.timer(this.#options.limits.noticeQuietMs, () => {
      this.#quiet = null;
      void this.#refreshSoon();
    });
  }

  async #refresh(): Promise<void> {
    const upstream = this.#upstream;
    if (upstream === null || this.#stale.size === 0) return;
    const wanted = [...this.#stale];
    this.#stale.clear();
    // What was not known before has not changed.
    const known = new Set(kinds.filter((kind) => !this.#missing.has(kind)));
    const fetched = await this.#fetch(upstream, wanted);
    if (this.#upstream !== upstream) return;
    if (fetched.length > 0) {
      this.#compare(fetched.filter(([kind]) => known.has(kind)));
      this.#take(upstream, fetched);
      this.#options.changed();
    }
    this.#retryLater();
  }

  #compare(fetched: Fetched): void {
    const before = this.#offered?.lists;
    const moved = fetched.filter(([kind, { items }]) => this.#moved?.[kind] !== undefined || (before !== undefined && !areEqual(before[kind].items, items)));
    if (moved.length > 0) this.#moved = Object.freeze({ ...this.#moved, ...Object.fromEntries(moved.map(([kind, listed]) => [kind, privately(listed)])) });
  }

  #retryLater(): void {
    if (this.#missing.size === 0 || this.#retry !== null) return;
    this.#retry = this.#options.clock.timer(this.#patience.failed(), () => {
      this.#retry = null;
      for (const kind of this.#missing) this.#stale.add(kind);
      void this.#refreshSoon();
    });
  }

  // One kind that cannot be listed must not cost the others.
  async #fetch(upstream: Upstream, wanted: readonly Kind[]): Promise<Fetched> {
    const lists = await Promise.all(wanted.map(async (kind) => [kind, await this.#list(upstream, kind)] as const));
    return lists.filter((one): one is readonly [Kind, Listed] => one[1] !== null);
  }

  async #list(upstream: Upstream, kind: Kind): Promise<Listed | null> {
    try {
      const listed = await upstream.list(kind);
      this.#missing.delete(kind);
      return listed;
    } catch (thrown) {
      const failure = faultOf(thrown);
      // Told once: it may be so for long.
      const level = this.#missing.has(kind) ? "debug" : "warn";
      this.#missing.add(kind);
      this.#options.log[level]("a list could not be fetched, it is asked for again", { server: this.#options.name, kind, code: failure.code, reason: failure.message });
      return null;
    }
  }

  #take(upstream: Upstream, fetched: Fetched): void {
    const lists = Object.freeze({ ...(this.#offered?.lists ?? emptyLists), ...Object.fromEntries(fetched) });
    this.#isLive = true;
    this.#isHidden = false;
    this.#offered = Object.freeze({ facts: upstream.facts, lists, fetchedAt: this.#options.clock.now() });
  }
}

const areEqual = (before: readonly Raw[], now: readonly Raw[]): boolean => before.length === now.length && before.every((item, index) => item === now[index]);
