/**
 * What one server is asked to tell of: resources by URI (and tasks, by their topics), counted, so that one subscription
 * at the server serves all who want it and can do the same. It hides that the server may be away: wishes stay through a
 * crash and are told to the next life, and whoever wished then hears that the resource may have changed.
 */
import { type Clock, fault, faultOf, type Limits, type Log, type Timer } from "../base/index.ts";
import type { Upstream } from "../era/index.ts";
import { emptyObject, parseObject, quote, type Raw, type RawObject } from "../protocol/index.ts";
import { type Breaker, createBreaker } from "./breaker.ts";

export interface SubscriptionsOptions {
  /** The configured name of the server. */
  readonly name: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** Whether it takes subscriptions, as far as is known while it is away. */
  readonly canSubscribe: (uri: string) => boolean;
  /** Nobody could hear of this resource for a while. */
  readonly missed: (uri: string, abilities: Raw) => void;
}

interface Wish {
  readonly resource: Resource;
  /** What those who wish can do, as the server may be told. */
  readonly abilities: Raw;
  count: number;
  /** The present life of the server has been told. */
  told: boolean;
  /** For a while nobody could hear of it, and whoever wished has not been told so. */
  missed: boolean;
}

interface Resource {
  readonly uri: string;
  /** By abilities. */
  readonly wishes: Map<Raw, Wish>;
  /** What was asked of the server last about this resource: asking overtakes nothing. */
  turn: Promise<unknown>;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #wishes = new Set<Wish>();
  readonly #resources = new Map<string, Resource>();
  /** Set while the server is ready. */
  #upstream: Upstream | null = null;
  #patience: Breaker;
  #tries = 0;
  #retry: Timer | null = null;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#patience = createBreaker(options.clock, options.limits);
  }

  /** Different wishes: resources, each for those who can do the same. */
  get size(): number {
    return this.#wishes.size;
  }

  /** Adds one wish; false when the server does not fulfil it. Throws LIMIT_REACHED and Faults of the wire; then nothing is added. */
  async subscribe(uri: string, abilities: Raw): Promise<boolean> {
    const wish = this.#resources.get(uri)?.wishes.get(abilities) ?? this.#create(uri, abilities);
    wish.count += 1;
    let isHeard = false;
    try {
      isHeard = await this.#inTurn(wish, () => this.#tell(wish));
    } finally {
      if (!isHeard) this.#giveUp(wish);
    }
    return isHeard;
  }

  /** Takes one wish back; what nobody wished for is fine. */
  async unsubscribe(uri: string, abilities: Raw): Promise<void> {
    const wish = this.#resources.get(uri)?.wishes.get(abilities);
    if (wish !== undefined && wish.count > 0) await this.#giveUp(wish);
  }

  /** The server is ready, perhaps again: it is told of every wish. */
  follow(upstream: Upstream): void {
    this.#upstream = upstream;
    this.#patience = createBreaker(this.#options.clock, this.#options.limits);
    this.#tries = 0;
    this.#tellAll(upstream);
  }

  /** The server has fallen, and has forgotten. */
  leave(): void {
    this.#upstream = null;
    this.#retry?.cancel();
    this.#retry = null;
    for (const wish of this.#wishes) {
      wish.missed ||= wish.told;
      wish.told = false;
    }
  }

  #tellAll(upstream: Upstream): void {
    for (const wish of this.#wishes) if (!wish.told) void this.#inTurn(wish, () => this.#tellAgain(wish, upstream));
  }

  #create(uri: string, abilities: Raw): Wish {
    const { limits, name } = this.#options;
    if (this.#wishes.size >= limits.subscriptionsPerServerMax) throw fault("LIMIT_REACHED", { backend: name, detail: `limits.subscriptionsPerServerMax is ${limits.subscriptionsPerServerMax}` });
    const resource = this.#resources.get(uri) ?? { uri, wishes: new Map<Raw, Wish>(), turn: Promise.resolve() };
    const wish: Wish = { resource, abilities, count: 0, told: false, missed: false };
    this.#resources.set(uri, resource);
    resource.wishes.set(abilities, wish);
    this.#wishes.add(wish);
    return wish;
  }

  #inTurn<T>({ resource }: Wish, act: () => Promise<T>): Promise<T> {
    const done = resource.turn.then(act);
    resource.turn = done.catch(() => undefined);
    return done;
  }

  async #tell(wish: Wish): Promise<boolean> {
    const upstream = this.#upstream;
    if (wish.told) return true;
    // Away, but it is told as soon as it is back.
    if (upstream === null) return (wish.missed = this.#options.canSubscribe(wish.resource.uri));
    const isHeard = await upstream.subscribe(wish.resource.uri, wish.abilities);
    if (this.#upstream === upstream) wish.told = isHeard;
    if (wish.told && wish.missed) this.#caughtUp(wish);
    return isHeard;
  }

  #caughtUp(wish: Wish): void {
    wish.missed = false;
    if (wish.count > 0) this.#options.missed(wish.resource.uri, wish.abilities);
  }

  async #tellAgain(wish: Wish, upstream: Upstream): Promise<void> {
    if (wish.count === 0 || this.#upstream !== upstream) return;
    const code = await this.#tell(wish).then(
      (isHeard) => (isHeard ? null : "refused"),
      (thrown: unknown) => faultOf(thrown).code,
    );
    if (code === null) return;
    // Told once: it may be so for a while.
    this.#options.log[this.#tries === 0 ? "warn" : "debug"]("a subscription could not be made again", { server: this.#options.name, uri: wish.resource.uri, code });
    this.#retryLater(upstream);
  }

  /** A server that has just come back may not be up to everything yet. */
  #retryLater(upstream: Upstream): void {
    if (this.#upstream !== upstream || this.#retry !== null || this.#tries >= this.#options.limits.subscribeTriesMax) return;
    this.#retry = this.#options.clock.timer(this.#patience.failed(), () => {
      this.#retry = null;
      this.#tries += 1;
      this.#tellAll(upstream);
    });
  }

  #giveUp(wish: Wish): Promise<void> {
    wish.count -= 1;
    return wish.count > 0 ? Promise.resolve() : this.#inTurn(wish, () => this.#end(wish));
  }

  async #end(wish: Wish): Promise<void> {
    // Somebody may have wished for it again meanwhile.
    if (wish.count > 0) return;
    try {
      if (wish.told) await this.#upstream?.unsubscribe(wish.resource.uri, wish.abilities);
    } catch (thrown) {
      this.#options.log.debug("a subscription could not be ended", { server: this.#options.name, uri: wish.resource.uri, code: faultOf(thrown).code });
    }
    wish.told = false;
    // Whoever wished for it while it was ended comes after this in turn, and keeps it.
    if (wish.count === 0) this.#forget(wish);
  }

  #forget(wish: Wish): void {
    const { uri, wishes } = wish.resource;
    this.#wishes.delete(wish);
    wishes.delete(wish.abilities);
    if (wishes.size === 0) this.#resources.delete(uri);
  }
}

/** The parameters of a change that nobody told of. */
export const missedParams = (uri: string, limits: Limits): RawObject => parseObject(`{"uri":${quote(uri)}}`, limits) ?? emptyObject;
