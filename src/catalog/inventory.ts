/**
 * From what a backend sent to an Inventory: each item gets the one thing the catalog sorts and routes by, its id, and is
 * judged, once: catalogs are made anew with every change of any server, and most of what they hold stays as it was.
 */
import type { Limits } from "../base/index.ts";
import { type CacheHint, type Kind, parseObject, type Raw, type RawObject, stringOf } from "../protocol/index.ts";
import { cleanedOf, mentionsIn } from "./clean.ts";
import { byKind } from "./order.ts";
import { shapedOf } from "./shape.ts";
import { soundnessOf } from "./tool.ts";
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
  if (object === null || id === null || id === "") return Object.freeze({ id: "", raw, ...hidden("it has no name or URI, or is no object", false) });
  return Object.freeze({ id, raw, ...(kind === "tools" ? judgedTool(id, object, limits) : shown(kind, id, object, null, limits)) });
}

type Judged = Omit<Item, "id" | "raw">;

const noFlaws: readonly string[] = Object.freeze([]);

const noMentions: readonly string[] = Object.freeze([]);

const hidden = (flaw: string, anywhere: boolean): Judged => ({ merged: null, anywhere, linked: null, flaws: [flaw], mentions: noMentions });

function judgedTool(id: string, tool: RawObject, limits: Limits): Judged {
  const soundness = soundnessOf(tool, limits);
  return soundness.ok ? shown("tools", id, soundness.merged, soundness.linked, limits) : hidden(soundness.reason, !soundness.everywhere);
}

/** The item as it stands beside those of other servers; what it loses for that is a flaw. */
function shown(kind: Kind, id: string, object: RawObject, linked: string | null, limits: Limits): Judged {
  const shaped = shapedOf(kind, object, id, limits);
  if (shaped === null) return hidden("what it holds is not what clients can read", true);
  const lost = shaped.lost.length === 0 ? noFlaws : [`it is shown without what clients cannot read of ${shaped.lost.join(", ")}`];
  const { item, flaws } = cleanedOf(kind, shaped.item, id, limits);
  return { merged: item, anywhere: true, linked, flaws: flaws.length === 0 ? lost : [...lost, ...flaws], mentions: item === null ? noMentions : mentionsIn(item) };
}
