/**
 * Which watch wants to hear of which resource or task, and which server tells of it. It hides that owners come and go: a wish
 * follows its resource to the next configuration and to another server, and where the teller changed, the watch hears
 * that the resource may have changed. What a server tells reaches only watches that subscribed there, so only those
 * that may see it.
 */
import type { Lease, Sharer, Subscription } from "../backend/index.ts";
import { type Clock, defaultLimits, fault, faultOf, type Log } from "../base/index.ts";
import { aliasOf, ownersOf, type Route } from "../catalog/index.ts";
import { editObject, emptyObject, parseObject, type Principal, quote, type RawObject, ServerError, type Subscribed, type TaskAt, taskIn, taskTopic, type Watch } from "../protocol/index.ts";
import { fateOf } from "./change.ts";
import { Orphans } from "./orphans.ts";
import type { Snapshot } from "./snapshot.ts";

/** The hub as far as subscriptions need it. */
export interface World {
  readonly clock: Clock;
  now(): Snapshot;
  /** The servers that named this resource to this caller. */
  learned(principal: Principal, uri: string): readonly string[];
  /** What this server tells a watcher names resources, as a result would. */
  named(watch: Watch, backend: string, params: RawObject): void;
  /** The watcher as this server hears of it. */
  as(watch: Watch, backend: string): Sharer;
  /** Waits for servers that are starting and may own what this watch asks for; false when there were none. */
  settled(watch: Watch): Promise<boolean>;
}

/** Who tells of a resource. */
interface Home {
  readonly backend: string;
  readonly lease: Lease;
  /** The server's own URI, where the wish may name an alias of it; or the task's topic there. */
  readonly local: string;
  /** As whom it was asked. */
  who: Sharer | null;
  /** Null until it has agreed. */
  subscription: Subscription | null;
}

/** One watch's wish for one resource, or for one task. */
interface Wish {
  readonly watch: Watch;
  /** What it is called among the watch's wishes: a resource's URI, or a topic. */
  readonly uri: string;
  /** Null for a resource. */
  readonly task: TaskAt | null;
  /** Null while nobody tells of it. */
  home: Home | null;
  ended: boolean;
  /** What came of it at first. */
  outcome: Promise<Subscribed>;
}

/** What looking for a teller came to; "refused": somebody was asked who would not. */
type Found = Subscribed | "refused" | ServerError;

/** The wishes of one watch. */
export interface Wishes {
  subscribe(uri: string): Promise<Subscribed>;
  unsubscribe(uri: string): Promise<void>;
  follow(task: TaskAt): Promise<Subscribed>;
  unfollow(task: TaskAt): Promise<void>;
  end(): void;
}

export class Subscriptions {
  readonly #world: World;
  readonly #log: Log;
  /** Server → URI → those who hear. */
  readonly #homes = new Map<string, Map<string, Set<Wish>>>();
  readonly #orphans: Orphans<Wish>;
  readonly #all = new Set<Wish>();

  constructor(world: World, log: Log) {
    this.#world = world;
    this.#log = log;
    this.#orphans = new Orphans({ clock: world.clock, limits: () => world.now().limits, look: (wish) => this.#inBackground(wish, this.#find(wish)) });
  }

  /** The wishes of a watch, none yet. `subscribe` throws LIMIT_REACHED, the ServerError of the only one who was asked, and Faults of the server. */
  open(watch: Watch): Wishes {
    const wishes = new Map<string, Wish>();
    let ended = false;
    const begin = async (uri: string, task: TaskAt | null): Promise<Subscribed> => {
      if (ended) return "unknown";
      const wish = wishes.get(uri) ?? this.#add(wishes, { watch, uri, task });
      let outcome: Subscribed = "unknown";
      try {
        outcome = await wish.outcome;
      } finally {
        if (outcome !== "subscribed") this.#remove(wishes, wish);
      }
      return outcome;
    };
    const giveUp = async (uri: string): Promise<void> => {
      const wish = wishes.get(uri);
      if (wish !== undefined) await this.#remove(wishes, wish);
    };
    return {
      // What only looks like a resource is somebody's task.
      subscribe: async (uri) => (taskIn(uri) === null ? begin(uri, null) : "unknown"),
      unsubscribe: giveUp,
      follow: (task) => begin(topicAt(task), task),
      unfollow: (task) => giveUp(topicAt(task)),
      end: () => {
        ended = true;
        for (const wish of wishes.values()) void this.#remove(wishes, wish);
      },
    };
  }

  /**
   * A server tells of a change: of those whom it concerns, who subscribed to this very URI hears it, else who subscribed
   * to one above it. Above a task there is nothing.
   */
  deliver(backend: string, uri: string, params: RawObject, concerns: (who: Sharer) => boolean): void {
    const told = this.#homes.get(backend);
    if (told === undefined) return;
    if (taskIn(uri) !== null) return this.#tellTask(told.get(uri) ?? [], params, concerns);
    if (tell(told.get(uri) ?? [], uri, params, concerns)) return;
    for (const [above, wishes] of told) if (isBelow(uri, above)) tell(wishes, uri, params, concerns);
  }

  #tellTask(wishes: Iterable<Wish>, params: RawObject, concerns: (who: Sharer) => boolean): void {
    for (const wish of wishes) {
      const { watch, task } = wish;
      if (task === null || !concerns(whoOf(wish))) continue;
      this.#world.named(watch, task.backend, params);
      watch.told?.(task, params);
    }
  }

  /** Another configuration is in place; the leases of the one before are still held. */
  move(now: Snapshot): void {
    for (const wish of this.#all) if (wish.home !== null) this.#moveOne(wish, wish.home, now);
    this.retry();
  }

  /** The world has changed: who has nobody that tells may find somebody. */
  retry(): void {
    this.#orphans.retry();
  }

  /** Nobody hears of anything any more. */
  close(): void {
    this.#orphans.close();
  }

  #add(wishes: Map<string, Wish>, what: Pick<Wish, "watch" | "uri" | "task">): Wish {
    const { subscriptionsPerWatchMax, subscriptionsMax } = this.#world.now().limits;
    if (wishes.size >= subscriptionsPerWatchMax) throw fault("LIMIT_REACHED", { detail: `limits.subscriptionsPerWatchMax is ${subscriptionsPerWatchMax}` });
    if (this.#all.size >= subscriptionsMax) throw fault("LIMIT_REACHED", { detail: `limits.subscriptionsMax is ${subscriptionsMax}` });
    const wish: Wish = { ...what, home: null, ended: false, outcome: Promise.resolve("unknown") };
    wishes.set(wish.uri, wish);
    this.#all.add(wish);
    wish.outcome = this.#first(wish);
    return wish;
  }

  async #remove(wishes: Map<string, Wish>, wish: Wish): Promise<void> {
    if (wish.ended) return;
    wish.ended = true;
    if (wishes.get(wish.uri) === wish) wishes.delete(wish.uri);
    this.#all.delete(wish);
    this.#orphans.delete(wish);
    const { home } = wish;
    this.#settle(wish, null);
    await home?.subscription?.end();
  }

  async #first(wish: Wish): Promise<Subscribed> {
    let found = await this.#find(wish);
    const isOpen = found !== "subscribed" && found !== "unsupported";
    if (isOpen && (await this.#world.settled(wish.watch))) found = await this.#find(wish);
    if (found instanceof ServerError) throw found;
    return found === "refused" ? "unknown" : found;
  }

  /**
   * Asks those who may own the resource, one after the other; gives the words of one who refuses if it is the only one. A
   * task has one owner, who alone may be asked.
   */
  async #find(wish: Wish): Promise<Found> {
    this.#orphans.delete(wish);
    const now = this.#world.now();
    if (wish.task !== null) return await this.#findTask(wish, wish.task, now);
    const { principal, selection } = wish.watch;
    const owners = ownersOf(now.view(principal, selection, wish.watch), wish.uri, this.#world.learned(principal, wish.uri));
    const homes = owners.flatMap((route) => homesOf(now, route));
    for (const home of homes) {
      const heard = await this.#ask(wish, home).catch(refusalOf);
      if (heard === true) return "subscribed";
      if (wish.ended) return "unknown";
      if (heard !== false && homes.length === 1) return heard;
    }
    if (owners.length === 0) return "unknown";
    return homes.some(mayTell) ? "refused" : "unsupported";
  }

  async #findTask(wish: Wish, { backend, taskId }: TaskAt, now: Snapshot): Promise<Found> {
    const lease = isVisible(now, wish.watch, backend) ? now.generation.leases.get(backend) : undefined;
    if (lease === undefined) return "unknown";
    return (await this.#ask(wish, { backend, lease, local: taskTopic(taskId), who: null, subscription: null })) ? "subscribed" : "refused";
  }

  /** Asks one server. From here on what it tells is heard, since the first news may come before its answer. */
  async #ask(wish: Wish, home: Home): Promise<boolean> {
    home.who = this.#world.as(wish.watch, home.backend);
    this.#settle(wish, home);
    let subscription: Subscription | null = null;
    try {
      subscription = await home.lease.subscribe(home.local, home.who);
    } finally {
      if (subscription === null && wish.home === home) this.#settle(wish, null);
    }
    home.subscription = subscription;
    if (wish.home === home) return subscription !== null;
    // Ended, or moved on to another home, while this one was asked.
    await subscription?.end();
    return wish.home !== null;
  }

  #settle(wish: Wish, home: Home | null): void {
    if (wish.home !== null) this.#forget(wish, wish.home);
    wish.home = home;
    if (home === null) return;
    const told = this.#homes.get(home.backend) ?? new Map<string, Set<Wish>>();
    this.#homes.set(home.backend, told);
    told.set(home.local, (told.get(home.local) ?? new Set()).add(wish));
  }

  #forget(wish: Wish, { backend, local }: Home): void {
    const told = this.#homes.get(backend);
    const wishes = told?.get(local);
    wishes?.delete(wish);
    if (wishes?.size === 0) told?.delete(local);
    if (told?.size === 0) this.#homes.delete(backend);
  }

  #moveOne(wish: Wish, home: Home, now: Snapshot): void {
    const { watch } = wish;
    const lease = isVisible(now, watch, home.backend) ? now.generation.leases.get(home.backend) : undefined;
    if (lease === home.lease) return;
    // The same process hears of the new lease before it loses the old one, so it is not asked anything.
    if (lease === undefined) this.#orphan(wish);
    else this.#inBackground(wish, this.#ask(wish, { ...home, lease, who: null, subscription: null }), fateOf(home.lease, lease) === "kept");
    void home.subscription?.end();
  }

  #orphan(wish: Wish): void {
    this.#settle(wish, null);
    if (!wish.ended) this.#orphans.add(wish);
  }

  /** A wish that came true before looks for its teller; whoever takes over cannot know what happened in between. */
  #inBackground(wish: Wish, asked: Promise<Found | boolean>, isSame = false): void {
    const seen = this.#world.now();
    asked.then(
      (outcome) => {
        if (outcome !== true && outcome !== "subscribed") this.#missed(wish, seen, outcome !== "unknown" && outcome !== "unsupported");
        // The server that agreed a moment ago may be nobody's, or hidden, by now.
        else if (!isSame && !wish.ended && wish.home !== null && wish.task === null) wish.watch.updated(wish.uri, uriParams(wish.uri));
      },
      (thrown: unknown) => {
        this.#log.debug("a subscription could not be moved", { uri: wish.uri, code: faultOf(thrown).code });
        this.#missed(wish, seen, true);
      },
    );
  }

  /** Nobody tells in the world that was looked at. Who asked was not among those who hear of another one. */
  #missed(wish: Wish, seen: Snapshot, wasAsked: boolean): void {
    this.#orphan(wish);
    if (!wish.ended && this.#world.now() !== seen) this.#inBackground(wish, this.#find(wish));
    else if (wasAsked) this.#orphans.later();
  }
}

/** A task's name among the wishes of a watch: two servers may give the same id. No server's name has a slash. */
const topicAt = ({ backend, taskId }: TaskAt): string => taskTopic(`${backend}/${taskId}`);

const isVisible = (now: Snapshot, { principal, selection }: Watch, backend: string): boolean => now.view(principal, selection).servers.some(({ name }) => name === backend);

/** It has not said that it takes no subscriptions; a server that was never ready has said nothing. */
const mayTell = ({ lease }: Home): boolean => lease.offered()?.facts.subscribes !== false;

/** The server as a home for wishes, if it may be one. */
function homesOf({ generation }: Snapshot, { backend, local }: Route): readonly Home[] {
  const lease = generation.leases.get(backend);
  return lease === undefined ? [] : [{ backend, lease, local, who: null, subscription: null }].filter(mayTell);
}

/** What a server said that refuses; throws anything else. */
function refusalOf(thrown: unknown): ServerError {
  if (thrown instanceof ServerError) return thrown;
  throw thrown;
}

const whoOf = ({ home, watch }: Wish): Sharer => home?.who ?? watch;

/** Tells those whom it concerns; false when there is none. */
function tell(wishes: Iterable<Wish>, uri: string, params: RawObject, concerns: (who: Sharer) => boolean): boolean {
  const concerned = [...wishes].filter((wish) => concerns(whoOf(wish)));
  for (const wish of concerned) tellOne(wish, uri, params);
  return concerned.length > 0;
}

/** Who asked by an alias hears of it by that alias, and of a part of it by one of the same form. */
function tellOne({ watch, uri: wished, home }: Wish, uri: string, params: RawObject): void {
  if (home === null || home.local === wished) return watch.updated(uri, params);
  const shown = wished.endsWith(home.local) ? wished.slice(0, -home.local.length) + uri : aliasOf(home.backend, uri);
  watch.updated(shown, parseObject(editObject(params, { uri: quote(shown) }), defaultLimits) ?? params);
}

/** One resource is part of another when its URI goes on where the other's ends: at a slash, a query or a fragment. */
const isBelow = (uri: string, above: string): boolean => uri.length > above.length && uri.startsWith(above) && (above.endsWith("/") || "/?#".includes(uri.charAt(above.length)));

const uriParams = (uri: string): RawObject => parseObject(`{"uri":${quote(uri)}}`, defaultLimits) ?? emptyObject;
