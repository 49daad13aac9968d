/**
 * The instances behind all leases of one entry. It hides that there may be several: the first runs from the start, gives
 * the lists that everybody sees whose own instance has no others, and never ends before the entry; others come up for those who must not share it.
 *
 *   shared      everybody has the first, which is told of every capability that can be relayed
 *   principal   one for each principal and, where the server is told only once, for each set of capabilities
 *   session     one for each session, told of exactly its client's capabilities; callers without one as under principal.
 *               At another proxy (a bridge) it is a session there, of the older era as its client's
 *
 * Which of these a server is like (told once, or with each request) is known when the first has been ready, not before.
 */
import { operator } from "../auth/index.ts";
import { type Clock, fault, type KnownSecrets, type Limits, type Log } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import { type Eras, relayableCapabilities } from "../era/index.ts";
import type { Call, Outcome, Raw, RawObject } from "../protocol/index.ts";
import { type Backend, createBackend } from "./backend.ts";
import { Bulkhead, type Principals } from "./bulkhead.ts";
import { connected } from "./connect.ts";
import type { CourseOptions } from "./course.ts";
import { Instances } from "./instances.ts";
import type { Link } from "./link.ts";
import { isForAll, type Share, type Sharer, Sharing } from "./sharing.ts";
import type { BackendStatus, Moved, Offered, Variant } from "./types.ts";

export interface EntryOptions {
  /** Makes a new link to the server of this spec with this owner's login, not yet open. */
  readonly createLink: (spec: BackendSpec, owner: string) => Link;
  readonly connect: Eras["connect"];
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly secrets: KnownSecrets;
  /** What each may have over all servers. */
  readonly principals: Principals;
  /** What the server of this spec offered in an earlier life of this program; null: nothing is known. */
  readonly remembered?: (spec: BackendSpec) => Offered | null;
}

/** What an entry reports: changes of what it offers and of how its first instance is, and news of resources of each. */
export interface Reports {
  changed(): void;
  updated(uri: string, params: RawObject, concerns: (who: Sharer) => boolean): void;
}

/** How one instance differs from others of its entry, beside its capabilities. */
type Told = Pick<CourseOptions, "changed" | "announced" | "remembered" | "beside" | "client" | "prefersOlder">;

export class Entry {
  leases = 0;
  readonly first: Backend;
  /** All calls go through it, to whichever instance. */
  readonly bulkhead: Bulkhead;
  readonly #options: EntryOptions;
  readonly #sharing: Sharing;
  readonly #others: Instances;
  readonly #reports: Reports;
  /** The newest of those that mean this one: they may differ in their times. */
  #spec: BackendSpec;
  /** Whose own the first instance is, beside giving the lists. */
  #firstKey: string | null = null;
  #isOver = false;

  constructor(spec: BackendSpec, options: EntryOptions, reports: Reports) {
    const { clock, limits } = options;
    this.#spec = spec;
    this.#options = options;
    this.#reports = reports;
    this.#sharing = new Sharing(limits);
    this.bulkhead = new Bulkhead(spec.maxInFlight, { backend: spec.name, clock, limits, principals: options.principals });
    this.#others = new Instances({ name: spec.name, clock, limits, ended: ({ moved }) => (moved === null ? undefined : reports.changed()) });
    for (const secret of spec.secrets) options.secrets.add(secret);
    this.first = this.#create(relayableCapabilities, operator.id, { changed: reports.changed, remembered: options.remembered?.(spec) ?? null }, (who) => this.#isFirstOf(who));
  }

  /** Everybody has the first instance. */
  get isForAll(): boolean {
    return isForAll(this.#spec, this.first.facts);
  }

  adjust(spec: BackendSpec): void {
    this.#spec = spec;
    this.bulkhead.max = spec.maxInFlight;
    this.first.adjust(spec);
    for (const backend of this.#others.backends()) backend.adjust(spec);
  }

  /** This caller's instance; null while nothing is known of the server. Throws LIMIT_REACHED, CALL_CANCELLED. */
  instanceOf(call: Sharer): Backend | null {
    const { facts } = this.first;
    if (facts === null) {
      // Who shares with whom is not decided by what was remembered.
      this.first.want();
      return null;
    }
    // At the end there is nobody else to be had: what came late would start one that nobody ends.
    if (this.isForAll || this.#isOver) return this.first;
    const share = this.#sharing.shareOf(call, this.#spec, facts);
    if (this.#firstKey === null && this.#mayHaveFirst(share)) this.#firstKey = share.key;
    return this.#firstKey === share.key ? this.first : (this.#others.use(share.key) ?? this.#add(share));
  }

  /** The same, once the first instance is ready. Throws Faults (BACKEND_…) too. */
  async settledInstanceOf(call: Call): Promise<Backend> {
    await this.first.ready(call);
    const instance = this.instanceOf(call);
    if (instance === null) throw fault("BACKEND_DOWN", { backend: this.#spec.name, detail: "it has just fallen", data: { sent: false } });
    return instance;
  }

  /** Runs what a caller wants of his own instance, whom we ask to log in where that is what is missing. See connect.ts. */
  connecting(instance: Backend, call: Call, run: () => Promise<Outcome>): Promise<Outcome> {
    return this.#spec.kind === "remote" && this.#spec.credentials === "per-user" ? connected(instance, call, run, this.#options) : run();
  }

  /** What callers are offered who do not see what the first instance offers. */
  variants(): readonly Variant[] {
    const first = this.first.offered();
    if (first === null || this.isForAll) return [];
    return [...this.#others.offers(first)].map(([key, offered]) => ({ offered, concerns: (who) => this.#keyOf(who) === key }));
  }

  /** What this caller can do, as a server may be told that it tells of a resource. */
  abilitiesOf(who: Sharer): Raw {
    return this.#sharing.abilitiesOf(who);
  }

  status(): BackendStatus {
    const status = this.first.status();
    let { inFlight, retried } = status;
    for (const backend of this.#others.backends()) {
      inFlight += backend.inFlight;
      retried += backend.status().retried;
    }
    return { ...status, inFlight, retried };
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all([this.first.close(), this.#others.close()]);
  }

  #add(share: Share): Backend {
    const { key, session, principal } = share;
    return this.#others.add(key, session, () => this.#create(share.capabilities, principal, { ...this.#reportsOf(key), ...this.#ownOf(share) }, (who) => this.#keyOf(who) === key));
  }

  /** What an instance of one session knows of its client. */
  #ownOf({ session, info }: Share): Pick<CourseOptions, "beside" | "client" | "prefersOlder"> {
    if (session === null) return {};
    return { beside: session.beside, client: info, prefersOlder: this.#spec.isBridged === true };
  }

  /** Of a further instance only its lists count; and what changed there may have changed for everybody. */
  #reportsOf(key: string): Pick<CourseOptions, "changed" | "announced"> {
    let known: Moved | null = null;
    const changed = (): void => {
      const moved = this.#others.movedOf(key);
      if (moved === known) return;
      known = moved;
      this.#reports.changed();
    };
    return { changed, announced: (kind) => this.first.suspect(kind) };
  }

  /** The first one is used with the operator's login: where everybody has his own, it is nobody else's. */
  #mayHaveFirst(share: Share): boolean {
    const isOwned = this.#spec.kind === "remote" && this.#spec.credentials === "per-user";
    return this.#sharing.suitsFirst(share) && (!isOwned || share.principal === operator.id);
  }

  #isFirstOf(who: Sharer): boolean {
    return this.isForAll || (this.#firstKey !== null && this.#keyOf(who) === this.#firstKey);
  }

  /** Whose instance is this caller's; null when it is nobody's any more. */
  #keyOf(who: Sharer): string | null {
    const { facts } = this.first;
    const isOver = this.#spec.isolation === "session" && who.session?.ended.cancelled === true;
    return facts === null || isOver ? null : this.#sharing.shareOf(who, this.#spec, facts).key;
  }

  /** Of those whom `concerns` means, who can do just this; everybody where it does not matter. */
  #among(concerns: (who: Sharer) => boolean, abilities: Raw | null): (who: Sharer) => boolean {
    return abilities === null ? concerns : (who) => this.#sharing.abilitiesOf(who) === abilities && concerns(who);
  }

  #create(capabilities: Raw, owner: string, told: Told, concerns: (who: Sharer) => boolean): Backend {
    const { connect, clock, limits, log, secrets } = this.#options;
    return createBackend({ spec: this.#spec, createLink: () => this.#options.createLink(this.#spec, owner), connect, clock, limits, log, secrets, capabilities, isMute: () => this.first.offered()?.facts.mute === true, ...told, updated: (uri, params, abilities) => this.#reports.updated(uri, params, this.#among(concerns, abilities)) });
  }
}
