/**
 * The frozen world of one moment: a generation, the catalog made from what its servers offered then, and the views of
 * it that callers have asked for. A call keeps the snapshot that it began with. The memo of views lives and dies with
 * the snapshot, so nothing ever has to be invalidated.
 */
import type { Lease, Offered } from "../backend/index.ts";
import type { Limits } from "../base/index.ts";
import { buildCatalog, type Catalog, type Inventory, type Item, type Offer, type View, viewOf } from "../catalog/index.ts";
import type { BackendSpec, Config } from "../config/index.ts";
import type { Kind, Principal, Raw, Selection } from "../protocol/index.ts";
import { memberOf, parseObject, stringOf } from "../protocol/index.ts";
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
    this.starting = [...generation.leases.values()].filter((lease) => lease.offered() === null && lease.status().state === "starting");
    this.#viewsMax = config.limits.viewsMax;
  }

  /** What this caller sees; remembered for as long as the snapshot lives. */
  view(principal: Principal, selection: Selection): View {
    const key = viewKey(principal, selection);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const made = viewOf(this.catalog, principal, selection);
    const oldest = this.#views.keys().next();
    if (this.#views.size >= this.#viewsMax && oldest.done === false) this.#views.delete(oldest.value);
    this.#views.set(key, made);
    return made;
  }

  get limits(): Limits {
    return this.generation.config.limits;
  }
}

/** What a caller sees depends on the scopes and the selection, not on who it is. */
function viewKey(principal: Principal, selection: Selection): string {
  const scopes = principal.scopes === null ? "*" : principal.scopes.join(" ");
  return selection.server === null ? `${scopes}\n` : `${scopes}\n${selection.server}`;
}

function offersOf(config: Config, leases: ReadonlyMap<string, Lease>, inventories: InventoryMemo): Offer[] {
  const offers: Offer[] = [];
  for (const spec of config.backends) {
    const lease = leases.get(spec.name);
    if (lease !== undefined) offers.push(offerOf(spec, inventories.of(lease.offered(), config.limits)));
  }
  return offers;
}

const offerOf = (spec: BackendSpec, inventory: Inventory | null): Offer => ({
  name: spec.name,
  tags: spec.tags,
  prefix: spec.prefix ?? spec.name,
  disabledTools: spec.disabledTools,
  instructionOverride: spec.instructionOverride,
  inventory,
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

/** Which member names an item of each kind. */
const idMember: Readonly<Record<Kind, string>> = Object.freeze({ tools: "name", prompts: "name", resources: "uri", templates: "uriTemplate" });

function inventoryOf(offered: Offered, limits: Limits): Inventory {
  const { facts, lists, fetchedAt } = offered;
  const items = (kind: Kind): Item[] => lists[kind].items.map((raw) => ({ id: idOf(raw, kind, limits), raw }));
  return {
    lists: { tools: items("tools"), prompts: items("prompts"), resources: items("resources"), templates: items("templates") },
    cache: { tools: lists.tools.cache, prompts: lists.prompts.cache, resources: lists.resources.cache, templates: lists.templates.cache },
    fetchedAt,
    info: facts.info,
    capabilities: facts.capabilities,
    instructions: facts.instructions,
  };
}

/** The item's own name; "" where it has none, which the catalog reports and drops. */
function idOf(raw: Raw, kind: Kind, limits: Limits): string {
  const item = parseObject(raw, limits);
  if (item === null || memberOf(item, idMember[kind]) === null) return "";
  return stringOf(item, idMember[kind]) ?? "";
}
