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
  do {
    const page: RawObject | null = await dialect.page(kind, cursor);
    if (page === null) return none;
    items.push(...itemsOf(south, page, kind));
    hints.push(hintOf(page));
    cursor = nextOf(page);
  } while (cursor !== null && goesOn(south, kind, items.length, cursor, seen));
  return { items: items.slice(0, south.limits.listItemsMax), cache: tightest(hints) };
}

/** The cursor's own JSON text; an empty string is a cursor like any other (server/utilities/pagination). */
function nextOf(page: RawObject): Raw | null {
  const raw = memberOf(page, "nextCursor");
  return raw?.startsWith('"') === true ? raw : null;
}

function itemsOf(south: South, page: RawObject, kind: Kind): Raw[] {
  const { member, method } = listWords[kind];
  const raw = memberOf(page, member);
  const items = raw === null ? null : elementsOf(raw, south.limits);
  if (items === null) throw fault("BACKEND_GARBLED", { backend: south.options.name, op: method, detail: `no array "${member}"` });
  return items;
}

/** Whether one more page is worth fetching; says in the log when it stops early. */
function goesOn(south: South, kind: Kind, count: number, cursor: Raw, seen: Set<Raw>): boolean {
  const problem = stopOf(south, count, cursor, seen);
  seen.add(cursor);
  if (problem === null) return true;
  south.log.warn("a list of a server was cut", { backend: south.options.name, list: kind, reason: problem, items: count });
  return false;
}

function stopOf(south: South, count: number, cursor: Raw, seen: Set<Raw>): string | null {
  if (seen.has(cursor)) return "a cursor came twice";
  if (seen.size + 1 >= south.limits.listPagesMax) return "too many pages";
  return count >= south.limits.listItemsMax ? "too many items" : null;
}

/** A page's caching hint; without one, nothing may be kept and nothing shared (server/utilities/caching). */
function hintOf(page: RawObject): CacheHint {
  const ttlMs = Number(memberOf(page, "ttlMs") ?? "0");
  const usable = Number.isInteger(ttlMs) && ttlMs >= 0;
  return { ttlMs: usable ? ttlMs : 0, scope: stringOf(page, "cacheScope") === "public" ? "public" : "private" };
}

function tightest(hints: readonly CacheHint[]): CacheHint {
  const isPublic = hints.every((hint) => hint.scope === "public");
  return { ttlMs: Math.min(...hints.map((hint) => hint.ttlMs)), scope: isPublic ? "public" : "private" };
}
