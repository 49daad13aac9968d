/**
 * All offers, one catalog. Data in, frozen data out: nothing here waits, remembers or looks at a clock, so the same
 * offers give the same bytes in every run, whichever backend was ready first.
 */
import type { Limits } from "../base/index.ts";
import { type CacheHint, editObject, type Kind, publicName, quote, type Raw, rawOf, type RawObject } from "../protocol/index.ts";
import { hasKind, ownCapabilities } from "./capabilities.ts";
import { byKind, compareText, kinds } from "./order.ts";
import { isPairName } from "./pair.ts";
import { instructionsKey, pinKey } from "./pins.ts";
import { Appearance, isPermitted, unmetRules } from "./rules.ts";
import { Indexes } from "./search.ts";
import { strangeMentions } from "./shadow.ts";
import { patternOf } from "./template.ts";
import type { Catalog, Entry, Freshness, Inventory, Item, Offer, Presets, Problem, Route, Server } from "./types.ts";

export interface CatalogOptions {
  /** Between server and local name in public names. */
  readonly separator: string;
  /** Stands in place of what all servers together say of themselves; "" for nothing. Default: their own words. */
  readonly instructions?: string | null;
  /** Whether callers of all servers find tools by searching, in place of a list of them. Default: no. */
  readonly searched?: boolean;
  /** The same as a template. Default: none. */
  readonly instructionTemplate?: string | null;
  readonly limits: Limits;
  /** Default: none. */
  readonly presets?: Presets;
}

/** What is under way while one catalog is built. */
interface Building extends CatalogOptions {
  readonly problems: Problem[];
  /** Public names taken so far, by kind; the owner's server name as value. */
  readonly taken: Readonly<Record<Kind, Map<string, string>>>;
}

/** The same for one of its servers. */
interface Work extends Building {
  readonly offer: Offer;
  readonly appearance: Appearance;
  readonly linked: Set<string>;
}

/** One item on its way into the lists. */
interface Draft {
  readonly item: Item;
  readonly route: Route;
  /** Its name or URI as it is shown, before any prefix; and its texts with that in it. */
  readonly name: string;
  readonly raw: Raw;
  readonly merged: RawObject | null;
}

/**
 * Merges offers, given in the configured order. Where two servers claim one public name or URI the earlier one has it;
 * every item that is not shown is told in `problems`, except those the operator switched off.
 */
export function buildCatalog(offers: readonly Offer[], options: CatalogOptions): Catalog {
  const building: Building = { ...options, problems: [], taken: byKind(() => new Map()) };
  const servers = offers.map((offer) => serverOf(offer, building));
  for (const problem of strangeMentions(offers, options.separator)) building.problems.push(problem);
  return Object.freeze({
    servers: Object.freeze(servers),
    separator: options.separator,
    instructions: options.instructions ?? null,
    searched: options.searched === true,
    indexes: new Indexes(options.limits),
    instructionTemplate: options.instructionTemplate ?? null,
    limits: options.limits,
    presets: options.presets ?? new Map(),
    problems: Object.freeze(building.problems.sort(compareProblems)),
  });
}

function serverOf(offer: Offer, building: Building): Server {
  const { inventory } = offer;
  const work = workOf(offer, building);
  const drafts = byKind((kind) => draftsOf(kind, work));
  return Object.freeze({
    name: offer.name,
    tags: offer.tags,
    hidden: offer.hidden === true,
    prefix: offer.prefix,
    instructions: (offer.instructionOverride ?? (offer.withheld?.has(instructionsKey) === true ? null : inventory?.instructions)) || null,
    info: inventory === null ? null : inventory.info,
    capabilities: inventory === null ? "{}" : ownCapabilities(inventory.capabilities),
    own: byKind((kind) => Object.freeze(drafts[kind].map(ownEntry))),
    merged: byKind((kind) => mergedEntries(kind, drafts[kind], work)),
    patterns: Object.freeze(drafts.templates.map(({ item }) => patternOf(item.id, offer.name, work.limits.uriCharsMax))),
    linked: work.linked,
    fresh: byKind((kind) => freshnessOf(inventory, kind, offer.stale === true)),
  });
}

function workOf(offer: Offer, building: Building): Work {
  const tools = offer.inventory?.lists.tools ?? [];
  const work: Work = { ...building, offer, appearance: new Appearance(offer, tools, building.limits), linked: new Set() };
  // Of who is away nobody knows what it has now.
  const isKnown = offer.inventory !== null && offer.stale !== true;
  if (isKnown) for (const { id, reason } of unmetRules(offer, tools)) refuse(work, "tools", id, reason);
  return work;
}

function draftsOf(kind: Kind, work: Work): Draft[] {
  const drafts: Draft[] = [];
  const { inventory, withheld } = work.offer;
  for (const item of inventory?.lists[kind] ?? []) {
    if (kind === "tools" && !isPermitted(work.offer, item.id)) continue;
    if (withheld?.has(pinKey(kind, item.id)) === true) {
      refuse(work, kind, item.id, "it is not what was trusted, and withheld until `1mcp mcp trust` accepts it");
      continue;
    }
    const draft = draftOf(kind, item, work);
    if (draft !== null) drafts.push(draft);
  }
  return drafts;
}

function draftOf(kind: Kind, item: Item, work: Work): Draft | null {
  for (const flaw of item.flaws) refuse(work, kind, item.id, flaw);
  if (item.linked !== null) work.linked.add(item.linked);
  if (!item.anywhere) return null;
  const route = Object.freeze({ backend: work.offer.name, local: item.id, tool: kind === "tools" ? item.raw : null });
  if (kind !== "tools") return { item, route, name: item.id, raw: item.raw, merged: item.merged };
  const refused = work.appearance.refused.get(item.id);
  if (refused !== undefined) refuse(work, kind, item.id, refused);
  return { item, route, ...work.appearance.of(item) };
}

const ownEntry = ({ name, route, raw }: Draft): Entry => Object.freeze({ public: name, route, raw });

function mergedEntries(kind: Kind, drafts: readonly Draft[], work: Work): readonly Entry[] {
  const entries: Entry[] = [];
  const seen = new Set<string>();
  for (const draft of drafts) {
    const { item, merged } = draft;
    if (merged === null) continue;
    if (seen.has(item.id)) {
      refuse(work, kind, item.id, "it is listed more than once; the first is used");
      continue;
    }
    seen.add(item.id);
    const entry = mergedEntry(kind, draft, merged, work);
    if (kind === "tools" && isPairName(entry.public)) refuse(work, kind, item.id, `${quote(entry.public)} is a name of the proxy's own tools`);
    else entries.push(entry);
  }
  return Object.freeze(entries.sort((a, b) => compareText(a.public, b.public)));
}

// Who comes second is kept too: what a caller sees must not depend on a server that he may not see.
function mergedEntry(kind: Kind, { name, route }: Draft, object: RawObject, work: Work): Entry {
  const named = kind === "tools" || kind === "prompts";
  const shown = named ? publicName(work.offer.prefix, work.separator, name) : name;
  const owner = work.taken[kind].get(shown);
  if (owner === undefined) work.taken[kind].set(shown, route.backend);
  else refuse(work, kind, route.local, `${quote(shown)} is already taken by server ${quote(owner)}`);
  const raw = shown === name ? rawOf(object) : editObject(object, { name: quote(shown) });
  return Object.freeze({ public: shown, route, raw });
}

function refuse(work: Work, kind: Kind, id: string, reason: string): void {
  work.problems.push(Object.freeze({ backend: work.offer.name, kind, id, reason }));
}

function freshnessOf(inventory: Inventory | null, kind: Kind, stale: boolean): Freshness | null {
  if (inventory === null) return Object.freeze({ until: 0, scope: "private" });
  if (!hasKind(inventory.capabilities, kind)) return null;
  const { ttlMs, scope }: CacheHint = inventory.cache[kind];
  return Object.freeze({ until: stale || ttlMs <= 0 ? 0 : inventory.fetchedAt + ttlMs, scope });
}

function compareProblems(a: Problem, b: Problem): number {
  return (
    compareText(a.backend, b.backend) ||
    kinds.indexOf(a.kind) - kinds.indexOf(b.kind) ||
    compareText(a.id, b.id) ||
    compareText(a.reason, b.reason)
  );
}
