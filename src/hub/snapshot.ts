/**
 * The frozen world of one moment: a generation, the catalog made from what its servers offered then, and the views of
 * it that callers have asked for. A call keeps the snapshot that it began with. The memo of views lives and dies with
 * the snapshot, so nothing ever has to be invalidated.
 */
import type { Lease, Offered } from "../backend/index.ts";
import type { Limits } from "../base/index.ts";
import { buildCatalog, type Catalog, type Inventory, inventoryOf, type Offer, type Server, type View, viewKeyOf, viewOf } from "../catalog/index.ts";
import type { BackendSpec, Config } from "../config/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";
import type { Generation } from "./generation.ts";

export class Snapshot {
  readonly number: number;
  readonly generation: Generation;
  readonly catalog: Catalog;
  /** Servers that are on their first way to readiness: a list made now may be incomplete. */
  readonly starting: readonly Lease[];
  readonly #views = new Map<string, View>();
  readonly #viewsMax: number;

  constructor(number: number, generation: Generation, inventories: InventoryMemo) {
    const { config } = generation;
    this.number = number;
    this.generation = generation;
    this.catalog = buildCatalog(offersOf(config, generation.leases, inventories), { separator: config.names.separator, limits: config.limits });
    this.starting = [...generation.leases.values()].filter((lease) => isOnItsWay(lease));
    this.#viewsMax = config.limits.viewsMax;
  }

  /** What this caller sees; remembered for as long as the snapshot lives. */
  view(principal: Principal, selection: Selection): View {
    const key = keyOf(principal, selection);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const made = viewOf(this.catalog, principal, selection);
    const oldest = this.#views.keys().next();
    if (this.#views.size >= this.#viewsMax && oldest.done === false) this.#views.delete(oldest.value);
    this.#views.set(key, made);
    return made;
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

/** Most callers hold every scope: their key is the selection itself, which no key of `viewKeyOf` can equal ("[…]"). */
const keyOf = (principal: Principal, selection: Selection): string =>
  principal.scopes === null ? (selection.server ?? "") : viewKeyOf(principal, selection);

function offersOf(config: Config, leases: ReadonlyMap<string, Lease>, inventories: InventoryMemo): Offer[] {
  const offers: Offer[] = [];
  for (const spec of config.backends) {
    const lease = leases.get(spec.name);
    if (lease !== undefined) offers.push(offerOf(spec, lease, inventories.of(lease.offered(), config.limits)));
  }
  return offers;
}

const offerOf = (spec: BackendSpec, lease: Lease, inventory: Inventory | null): Offer => ({
  name: spec.name,
  tags: spec.tags,
  prefix: spec.prefix ?? spec.name,
  disabledTools: spec.disabledTools,
  instructionOverride: spec.instructionOverride,
  inventory,
  stale: lease.status().state !== "ready",
});

/** Inventories made from what backends offered, each made once. Weak: it holds nothing that the pool has let go. */
export class InventoryMemo {
  readonly #made = new WeakMap<Offered, Inventory>();

  of(offered: Offered | null, limits: Limits): Inventory | null {
    if (offered === null) return null;
    const known = this.#made.get(offered);
    if (known !== undefined) return known;
    const inventory = inventoryOf(offered, limits);
    this.#made.set(offered, inventory);
    return inventory;
  }
}
