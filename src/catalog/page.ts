/**
 * Pages of a list. Cursors are keysets: they hold the last name shown, not a position, so they survive changes of the
 * catalog, restarts and other replicas with the same key. They are authenticated and bound to the caller, the list and
 * the selection: a foreign or made-up one is refused (2026-07-28, server/utilities/pagination).
 */
import { type Fault, fault } from "../base/index.ts";
import type { CacheHint } from "../protocol/index.ts";
import type { Entry, Page, View, ViewList } from "./types.ts";
import { listResult } from "./view.ts";

export interface PageOptions {
  /** What the client sent; null for the first page. */
  readonly cursor: string | null;
  /** Items on a page; null for all. */
  readonly pageSize: number | null;
  readonly principalId: string;
  /** Authenticates cursors; null: they are bound and checked, but anybody could compute one. */
  readonly key: Uint8Array | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type PageResult = { readonly ok: true; readonly page: Page } | { readonly ok: false; readonly fault: Fault };

/** What a cursor holds. */
interface Position {
  /** Public name of the last item shown, and where it stood. */
  readonly name: string;
  readonly index: number;
  /** All pages of one list must carry the same scope. */
  readonly scope: CacheHint["scope"];
}

const macBytes = 16;

/** One page of a list of the view. Fails with CURSOR_INVALID. */
export function pageOf(view: View, kind: ViewList["kind"], options: PageOptions): PageResult {
  const list = view.lists[kind];
  const cache = cacheOf(list, options.now);
  const sealing = { ...options, context: contextOf(view, kind, options.principalId) };
  if (options.cursor === null) return { ok: true, page: cut(list, 0, cache, sealing) };
  const position = open(options.cursor, sealing);
  if (position === null) return { ok: false, fault: fault("CURSOR_INVALID") };
  // Private dominates; a list that was public on its first page and is not any more must be fetched again.
  if (position.scope === "public" && cache.scope === "private") return { ok: false, fault: fault("CURSOR_INVALID", { detail: "the list has changed" }) };
  const from = view.server === null ? after(list.entries, position.name) : afterUnsorted(list.entries, position);
  return { ok: true, page: cut(list, from, { ...cache, scope: position.scope }, sealing) };
}

// Without a filter as it always was: cursors outlive the program that issued them.
const contextOf = ({ server, filter }: View, kind: ViewList["kind"], principalId: string): string => JSON.stringify(filter === null ? [kind, server, principalId] : [kind, server, principalId, filter]);

/** How long a list may be kept from now on: what its backends allowed, less the age of our copy. */
export const cacheOf = (list: ViewList, now: number): CacheHint => ({ ttlMs: Math.max(0, list.fresh.until - now), scope: list.fresh.scope });

interface Sealing extends PageOptions {
  /** What a cursor is bound to, beside its content. */
  readonly context: string;
}

function cut(list: ViewList, from: number, cache: CacheHint, sealing: Sealing): Page {
  const { entries } = list;
  const to = sealing.pageSize === null ? entries.length : Math.min(entries.length, from + sealing.pageSize);
  const last = entries[to - 1];
  const nextCursor = to < entries.length && last !== undefined ? seal({ name: last.public, index: to - 1, scope: cache.scope }, sealing) : null;
  if (from === 0 && nextCursor === null) return { ...list.whole(), nextCursor, cache };
  const items = entries.slice(from, to).map((entry) => entry.raw);
  return { items, nextCursor, result: listResult(list.kind, items, nextCursor), cache };
}

// The first entry behind a name, whether or not the name is still there.
function after(entries: readonly Entry[], name: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.public ?? "") > name) high = middle;
    else low = middle + 1;
  }
  return low;
}

// One server's list keeps its own order: its place is the name's, and where the name is gone, the place where it stood.
function afterUnsorted(entries: readonly Entry[], { index, name }: Position): number {
  if (entries[index]?.public === name) return index + 1;
  const found = entries.findLastIndex((entry) => entry.public === name);
  return found === -1 ? Math.min(index, entries.length) : found + 1;
}

function seal({ index, name, scope }: Position, sealing: Sealing): string {
  const text = Buffer.from(JSON.stringify([index, scope === "public" ? 1 : 0, name]));
  return Buffer.concat([mac(text, sealing), text]).toString("base64url");
}

function open(cursor: string, sealing: Sealing): Position | null {
  const bytes = Buffer.from(cursor, "base64url");
  if (bytes.length <= macBytes || bytes.toString("base64url") !== cursor) return null;
  const text = bytes.subarray(macBytes);
  if (!crypto.timingSafeEqual(bytes.subarray(0, macBytes), mac(text, sealing))) return null;
  const [index, open, name] = JSON.parse(text.toString()) as [number, number, string];
  return { index, name, scope: open === 1 ? "public" : "private" };
}

const mac = (text: Buffer, { context, key }: Sealing): Buffer =>
  new Bun.CryptoHasher("sha256", key ?? Buffer.alloc(0)).update(context).update("\n").update(text).digest().subarray(0, macBytes);
