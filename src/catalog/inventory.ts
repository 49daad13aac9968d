/** From what a backend sent to an Inventory: each item gets the one thing the catalog sorts and routes by, its id. */
import type { Limits } from "../base/index.ts";
import { type CacheHint, type Kind, parseObject, type Raw, stringOf } from "../protocol/index.ts";
import { byKind } from "./order.ts";
import type { Inventory, Item } from "./types.ts";

/** What a backend said, by shape: the catalog knows nothing of the room that fetched it. */
export interface Fetched {
  readonly facts: {
    readonly info: Raw;
    readonly capabilities: ReadonlyMap<string, Raw>;
    readonly instructions: string | null;
  };
  readonly lists: Readonly<Record<Kind, { readonly items: readonly Raw[]; readonly cache: CacheHint }>>;
  readonly fetchedAt: number;
}

const idMembers: Readonly<Record<Kind, string>> = Object.freeze({ tools: "name", prompts: "name", resources: "uri", templates: "uriTemplate" });

/**
 * The inventory of a backend. An item that is no readable object, or has no id, gets the id "": `buildCatalog` leaves
 * it out and tells why.
 */
export function inventoryOf(fetched: Fetched, limits: Limits): Inventory {
  return Object.freeze({
    lists: byKind((kind) => Object.freeze(fetched.lists[kind].items.map((raw) => itemOf(kind, raw, limits)))),
    cache: byKind((kind) => fetched.lists[kind].cache),
    fetchedAt: fetched.fetchedAt,
    info: fetched.facts.info,
    capabilities: fetched.facts.capabilities,
    instructions: fetched.facts.instructions,
  });
}

function itemOf(kind: Kind, raw: Raw, limits: Limits): Item {
  const object = parseObject(raw, limits);
  const id = object === null ? null : stringOf(object, idMembers[kind]);
  return Object.freeze({ id: id ?? "", raw });
}
