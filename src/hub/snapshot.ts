/**
 * The frozen world of one moment: a generation, the catalog made from what its servers offered then, and the views of
 * it that callers have asked for. A call keeps the snapshot that it began with. The memo of views lives and dies with
 * the snapshot, so nothing ever has to be invalidated.
 */
import type { Lease, Offered, Sharer, Variant } from "../backend/index.ts";
import type { Limits } from "../base/index.ts";
import { buildCatalog, type Catalog, type Inventory, inventoryOf, knownView, type Offer, pinKey, type Server, type View, viewKeyOf, viewOf } from "../catalog/index.ts";
import type { BackendSpec, Config } from "../config/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";
import type { Generation } from "./generation.ts";
import type { Trust } from "./trust.ts";

export class Snapshot {
  readonly number: number;
  readonly generation: Generation;
  readonly catalog: Catalog;
  /** Servers that are on their first way to readiness: a list made now may be incomplete. */
  readonly starting: readonly Lease[];
  readonly #offers: readonly Offer[];
  /** What some callers are offered otherwise: mostly nothing. */
  readonly #variants: readonly Named[];
  readonly #views = new Map<string, View>();
  /** Keys on all servers together, by the very scopes that a grant has each time: a call should not sort them anew. */
  readonly #keys = new WeakMap<readonly string[], string>();
  /** Anybody can think of expressions without end: what is asked for without one must not give way to them. */
  readonly #filtered = new Map<string, View>();
  readonly #ownViews = new Map<string, View>();
  readonly #inventories: InventoryMemo;

  constructor(number: number, generation: Generation, inventories: InventoryMemo) {
    const { config } = generation;
    this.number = number;
    this.generation = generation;
    this.#inventories = inventories;
    this.#offers = offersOf(config, generation.leases, inventories);
    this.#variants = [...generation.leases].flatMap(([name, lease]) => lease.variants().map((variant) => ({ name, variant })));
    this.catalog = this.#catalogOf(this.#offers);
    this.starting = [...generation.leases.values()].filter((lease) => isOnItsWay(lease));
  }

  /** What its catalog was made of. */
  get offers(): readonly Offer[] {
    return this.#offers;
  }

  /**
   * What this caller sees; remembered for as long as the snapshot lives. `caller` is whose own process or connection
   * counts where it has changed its lists; null: nobody's.
   */
  view(principal: Principal, selection: Selection, caller: Sharer | null = null): View {
    const key = this.#keyOf(principal, selection);
    const views = selection.filter === undefined ? this.#views : this.#filtered;
    const own = caller === null || this.#variants.length === 0 ? nothing : this.#variants.filter(({ variant }) => variant.concerns(caller));
    if (own.length === 0) return views.get(key) ?? this.#remember(views, key, viewOf(this.catalog, principal, selection));
    const ownKey = `${own.map((one) => this.#variants.indexOf(one)).join()} ${key}`;
    return this.#ownViews.get(ownKey) ?? this.#remember(this.#ownViews, ownKey, viewOf(this.#ownCatalog(own), principal, selection));
  }

  // Most callers hold every scope: their key is the selection itself, which no key of `viewKeyOf` can equal ("[…]").
  #keyOf(principal: Principal, selection: Selection): string {
    const { scopes } = principal;
    if (selection.filter !== undefined) return viewKeyOf(principal, selection);
    if (scopes === null) return selection.server ?? "";
    if (selection.server !== null) return viewKeyOf(principal, selection);
    const known = this.#keys.get(scopes);
    if (known !== undefined) return known;
    const key = viewKeyOf(principal, selection);
    this.#keys.set(scopes, key);
    return key;
  }

  /** What there is for whoever is granted it, hidden servers aside: to tell what a refused call would have needed. */
  known(selection: Selection): View {
    const key = knownKeyOf(selection);
    const views = selection.filter === undefined ? this.#views : this.#filtered;
    return views.get(key) ?? this.#remember(views, key, knownView(this.catalog, selection));
  }

  #remember(views: Map<string, View>, key: string, made: View): View {
    // Anybody can make up names of servers; what is asked for all the time must not give way to them.
    if (!made.found) return made;
    const oldest = views.keys().next();
    if (views.size >= this.limits.viewsMax && oldest.done === false) views.delete(oldest.value);
    views.set(key, made);
    return made;
  }

  /** Whether a definition of this kind and name is kept from whoever asks the server for it by name, since it is not what was trusted. */
  withholds(server: string, kind: "tools" | "prompts", name: string): boolean {
    const key = pinKey(kind, name);
    const own = this.#variants.filter((variant) => variant.name === server).map(({ variant }) => this.#inventories.of(variant.offered, this.limits));
    return this.#offers.some((offer) => offer.name === server && offer.withheld?.has(key) === true) || own.some((inventory) => inventory !== null && this.#withheldOf(server, inventory)?.has(key) === true);
  }

  #withheldOf(server: string, inventory: Inventory): ReadonlySet<string> | null {
    const lease = this.generation.leases.get(server);
    return lease === undefined ? null : this.#inventories.withheldOf(lease.spec, inventory);
  }

  /** Only the servers with lists of their own are made anew: catalogs are large, and no server in one depends on another. */
  #ownCatalog(own: readonly Named[]): Catalog {
    const offered = new Map(own.map(({ name, variant }) => [name, variant.offered]));
    const offers = this.#offers.flatMap((offer) => {
      const inventory = this.#inventories.of(offered.get(offer.name) ?? null, this.limits);
      return inventory === null ? [] : [{ ...offer, inventory, withheld: this.#withheldOf(offer.name, inventory) }];
    });
    const made = new Map(this.#catalogOf(offers).servers.map((server) => [server.name, server]));
    return Object.freeze({ ...this.catalog, servers: Object.freeze(this.catalog.servers.map((server) => made.get(server.name) ?? server)) });
  }

  #catalogOf(offers: readonly Offer[]): Catalog {
    const { names, instructions, instructionTemplate, limits, presets, catalog } = this.generation.config;
    return buildCatalog(offers, { separator: names.separator, instructions, instructionTemplate, searched: catalog === "search", limits, presets });
  }

  /** Visible servers that have not offered anything yet and whose public names could begin like this one. */
  absentOwners(view: View, name: string): readonly Lease[] {
    const could = ({ prefix }: Server): boolean => view.server !== null || prefix === "" || name.startsWith(`${prefix}${view.separator}`);
    return view.servers.filter(could).flatMap((server) => {
      const lease = this.generation.leases.get(server.name);
      return lease === undefined || lease.offered() !== null ? [] : [lease];
    });
  }

  get limits(): Limits {
    return this.generation.config.limits;
  }
}

/** Who failed so often that it is only tried now and then is not waited for. */
function isOnItsWay(lease: Lease): boolean {
  const { state, breaker } = lease.status();
  return lease.offered() === null && state === "starting" && breaker === "closed";
}

/** What callers of one server are offered otherwise. */
interface Named {
  readonly name: string;
  readonly variant: Variant;
}

const nothing: readonly Named[] = Object.freeze([]);

/** No server's name begins like these, and no key of `viewKeyOf`. */
const knownKeyOf = ({ server, filter }: Selection): string => (filter === undefined ? `?${server ?? ""}` : `!${JSON.stringify([server, filter])}`);

function offersOf(config: Config, leases: ReadonlyMap<string, Lease>, inventories: InventoryMemo): Offer[] {
  const offers: Offer[] = [];
  for (const spec of config.backends) {
    const lease = leases.get(spec.name);
    if (lease === undefined) continue;
    const inventory = inventories.of(lease.offered(), config.limits);
    offers.push(offerOf(spec, lease, inventory, inventory === null ? null : inventories.withheld(spec, inventory)));
  }
  return offers;
}

const offerOf = (spec: BackendSpec, lease: Lease, inventory: Inventory | null, withheld: ReadonlySet<string> | null): Offer => ({
  name: spec.name,
  tags: spec.tags,
  prefix: spec.prefix ?? spec.name,
  disabledTools: spec.disabledTools,
  tools: spec.tools,
  instructionOverride: spec.instructionOverride,
  hidden: spec.hidden,
  inventory,
  withheld,
  stale: lease.status().state !== "ready",
});

/** Inventories made from what backends offered, each made once. Weak: it holds nothing that the pool has let go. */
export class InventoryMemo {
  readonly #made = new WeakMap<Offered, Inventory>();
  readonly #trust: Trust | null;

  /** `trust` says what of it nobody gets to see; null: everything is trusted. */
  constructor(trust: Trust | null = null) {
    this.#trust = trust;
  }

  /** See Trust. */
  withheld(spec: BackendSpec, inventory: Inventory): ReadonlySet<string> | null {
    return this.#trust?.withheld(spec, inventory) ?? null;
  }

  /** See Trust. */
  withheldOf(spec: BackendSpec, inventory: Inventory): ReadonlySet<string> | null {
    return this.#trust?.withheldOf(spec, inventory) ?? null;
  }

  of(offered: Offered | null, limits: Limits): Inventory | null {
    if (offered === null) return null;
    const known = this.#made.get(offered);
    if (known !== undefined) return known;
    const inventory = inventoryOf(offered, limits);
    this.#made.set(offered, inventory);
    return inventory;
  }
}
