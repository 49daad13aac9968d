/**
 * All pages of one list of a backend as one list, with bounds. A backend that repeats a cursor, or never ends, would hold
 * the gateway for ever; what came until then is kept, because half a list serves better than none.
 */
import { type CacheHint, elementsOf, type Kind, memberOf, type Raw, type RawObject, stringOf } from "../protocol/index.ts";
import { fault } from "../base/index.ts";
import { type Dialect, listWords, type South } from "./south.ts";
import type { Listed } from "./types.ts";

const none: Listed = Object.freeze({ items: Object.freeze([]) as readonly Raw[], cache: Object.freeze({ ttlMs: 0, scope: "private" }) });

/** Fetches a whole list. Throws what fetching a page throws, and BACKEND_GARBLED when a page is none. */
export async function listAll(south: South, dialect: Dialect, kind: Kind): Promise<Listed> {
  if (!dialect.facts.capabilities.has(listWords[kind].capability)) return none;
  const items: Raw[] = [];
  const hints: CacheHint[] = [];
  const seen = new Set<Raw>();
  let cursor: Raw | null = null;
  let chars = 0;
  do {
    const page: RawObject | null = await dialect.page(kind, cursor);
    if (page === null) return none;
    chars += page.close - page.open;
    for (const item of itemsOf(south, page, kind)) items.push(item);
    hints.push(hintOf(page));
    cursor = nextOf(page);
  } while (goesOn(south, kind, { items: items.length, chars, cursor, seen }));
  return { items: items.slice(0, south.limits.listItemsMax), cache: tightest(hints) };
}

/** How far a list has come. */
interface Reached {
  readonly items: number;
  /** Of all pages. */
  readonly chars: number;
  readonly cursor: Raw | null;
  readonly seen: Set<Raw>;
}

/** The cursor's own JSON text; an empty string is a cursor like any other (server/utilities/pagination). */
function nextOf(page: RawObject): Raw | null {
  const raw = memberOf(page, "nextCursor");
  return raw?.startsWith('"') === true ? raw : null;
}

function itemsOf(south: South, page: RawObject, kind: Kind): Raw[] {
  const { member, method } = listWords[kind];
  const raw = memberOf(page, member);
  // The page is here in full already: too many items are cut, like those of many pages.
  const items = raw === null ? null : elementsOf(raw, { ...south.limits, listItemsMax: Number.MAX_SAFE_INTEGER });
  if (items === null) throw fault("BACKEND_GARBLED", { backend: south.options.name, op: method, detail: `no array "${member}"` });
  return items;
}

/** Whether there is one more page, worth fetching; says in the log when the list ends early. */
function goesOn(south: South, kind: Kind, reached: Reached): boolean {
  const problem = stopOf(south, reached);
  const { cursor, items, seen } = reached;
  if (problem !== null) south.log.warn("a list of a server was cut", { backend: south.options.name, list: kind, reason: problem, items });
  if (cursor === null || problem !== null) return false;
  seen.add(cursor);
  return true;
}

// All pages together may be as long as one may be alone.
function stopOf({ limits }: South, { chars, cursor, items, seen }: Reached): string | null {
  if (items > limits.listItemsMax) return "too many items";
  if (cursor === null) return null;
  if (seen.has(cursor)) return "a cursor came twice";
  if (seen.size + 1 >= limits.listPagesMax) return "too many pages";
  if (chars >= limits.messageBytesMax) return "too long";
  return items === limits.listItemsMax ? "too many items" : null;
}

// Longer than any list lives, and the time at which it ends is still an exact number: clients refuse any other.
const longestMs = 2 ** 52;

/** A page's caching hint; without one, nothing may be kept and nothing shared (server/utilities/caching). */
function hintOf(page: RawObject): CacheHint {
  const ttlMs = Number(memberOf(page, "ttlMs") ?? "0");
  const usable = Number.isSafeInteger(ttlMs) && ttlMs >= 0;
  return { ttlMs: usable ? Math.min(ttlMs, longestMs) : 0, scope: stringOf(page, "cacheScope") === "public" ? "public" : "private" };
}

function tightest(hints: readonly CacheHint[]): CacheHint {
  const isPublic = hints.every((hint) => hint.scope === "public");
  return { ttlMs: Math.min(...hints.map((hint) => hint.ttlMs)), scope: isPublic ? "public" : "private" };
}
