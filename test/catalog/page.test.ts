import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cacheOf, type Page, type PageOptions, pageOf, type View, viewOf } from "../../src/catalog/index.ts";
import type { CacheHint } from "../../src/protocol/index.ts";
import { catalogOf, everybody, offerOf, type OfferSketch, toolText, viewOn } from "../fixtures/offers.ts";

const key = new Uint8Array(32).fill(7);
const base: PageOptions = { cursor: null, pageSize: 2, principalId: "p", key, now: 5000 };

function page(view: View, options: Partial<PageOptions> = {}): Page {
  const result = pageOf(view, "tools", { ...base, ...options });
  if (!result.ok) throw result.fault;
  return result.page;
}
const code = (view: View, options: Partial<PageOptions>): string => {
  const result = pageOf(view, "tools", { ...base, ...options });
  return result.ok ? "ok" : result.fault.code;
};
const name = (raw: string): string => (JSON.parse(raw) as { name: string }).name;

/** Follows cursors to the end; `viewAt` may give another view for each page. */
function walk(viewAt: (page: number) => View, pageSize: number): string[] {
  const names: string[] = [];
  for (let cursor: string | null = null, at = 0; ; at += 1) {
    const { items, nextCursor } = page(viewAt(at), { cursor, pageSize });
    names.push(...items.map(name));
    if (nextCursor === null) return names;
    cursor = nextCursor;
  }
}

const tools = (server: string | null, ...names: string[]): View => viewOn([offerOf("s", { tools: names })], server);

describe("pages", () => {
  test("without a page size all is on one page, made once", () => {
    const view = tools(null, "a", "b", "c");
    const whole = page(view, { pageSize: null });
    expect(whole).toMatchObject({ nextCursor: null, items: { length: 3 } });
    expect(whole.result).toBe(page(view, { pageSize: null }).result);
    expect(whole.result.text).toBe(`{"tools":[${["s__a", "s__b", "s__c"].map(toolText).join(",")}]}`);
  });

  test("hold so many items, and the cursor leads on to the end", () => {
    const view = tools(null, "a", "b", "c");
    const first = page(view);
    expect(first.items.map(name)).toEqual(["s__a", "s__b"]);
    expect(JSON.parse(first.result.text)).toEqual({ tools: first.items.map((raw) => JSON.parse(raw)), nextCursor: first.nextCursor });
    const second = page(view, { cursor: first.nextCursor });
    expect(second.items.map(name)).toEqual(["s__c"]);
    expect(second.result.text).not.toContain("nextCursor");
  });

  test("an empty list has one empty page", () => expect(page(tools(null)).result.text).toBe('{"tools":[]}'));

  test("of any size make up the list, in order, each item once, on all servers and on one", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9_.-]{1,8}$/), { maxLength: 20 }), fc.integer({ min: 1, max: 7 }), fc.constantFrom(null, "s"), (names, size, server) => {
        const view = tools(server, ...names);
        expect(walk(() => view, size)).toEqual(view.lists.tools.entries.map((entry) => entry.public));
      }),
    );
  });
});

describe("a cursor under change", () => {
  // Checklist: G5
  test("whatever comes and goes between pages, nothing is shown twice and nothing that stayed is left out", () => {
    const local = fc.stringMatching(/^[a-z]{1,3}$/);
    fc.assert(
      fc.property(fc.uniqueArray(local, { maxLength: 12 }), fc.uniqueArray(local, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (before, after, size) => {
        const shown = walk((at) => tools(null, ...(at === 0 ? before : after)), size);
        expect(new Set(shown).size).toBe(shown.length);
        if (before.length > size) for (const stayed of before.filter((one) => after.includes(one))) expect(shown).toContain(`s__${stayed}`);
      }),
    );
  });

  test("on one server, in its own order, the place of the last item counts, and its index when the item is gone", () => {
    const { nextCursor } = page(tools("s", "z", "a", "m", "b"));
    expect(page(tools("s", "new", "z", "a", "m", "b"), { cursor: nextCursor }).items.map(name)).toEqual(["m", "b"]);
    expect(page(tools("s", "z", "m", "b"), { cursor: nextCursor }).items.map(name)).toEqual(["m", "b"]);
    expect(page(tools("s"), { cursor: nextCursor }).items).toEqual([]);
  });

  test("survives a restart: it depends on the key and the list alone", () => {
    expect(page(tools(null, "a", "b", "c")).nextCursor).toBe(page(tools(null, "a", "b", "c")).nextCursor);
  });
});

describe("a cursor that was not issued for this is refused", () => {
  const view = tools(null, "a", "b", "c");
  const cursor = page(view).nextCursor ?? "";

  test.each([
    ["another caller's", { principalId: "q" }],
    ["one under another key", { key: new Uint8Array(32) }],
    ["one without a key", { key: null }],
  ])("%s", (_, options) => expect(code(view, { cursor, ...options })).toBe("CURSOR_INVALID"));

  test("another list's", () => {
    const both = viewOn([offerOf("s", { tools: ["a", "b", "c"], prompts: ["a", "b", "c"] })]);
    const result = pageOf(both, "prompts", base);
    expect(code(both, { cursor: result.ok ? result.page.nextCursor : null })).toBe("CURSOR_INVALID");
  });
  test("one of the same list, narrowed or narrowed otherwise", () => {
    const offers = [offerOf("s", { tools: ["a", "b", "c", "d"], offer: { tags: ["x", "y"] } })];
    const narrowed = (filter?: string): View => viewOf(catalogOf(...offers), everybody, filter === undefined ? { server: null } : { server: null, filter });
    const issued = page(narrowed("x")).nextCursor ?? "";
    expect(code(narrowed("x"), { cursor: issued })).not.toBe("CURSOR_INVALID");
    for (const other of [narrowed(), narrowed("y")]) expect(code(other, { cursor: issued })).toBe("CURSOR_INVALID");
    expect(code(narrowed("x"), { cursor: page(narrowed()).nextCursor ?? "" })).toBe("CURSOR_INVALID");
  });
  test("another selection's", () => expect(code(tools("s", "a", "b", "c"), { cursor })).toBe("CURSOR_INVALID"));
  test("any other text, the empty one included, and any change of one character", () => {
    expect(code(view, { cursor: "" })).toBe("CURSOR_INVALID");
    expect(code(view, { cursor: `${cursor}A` })).toBe("CURSOR_INVALID");
    fc.assert(fc.property(fc.string(), (text) => code(view, { cursor: text }) === "CURSOR_INVALID"));
    fc.assert(fc.property(fc.nat({ max: cursor.length - 1 }), fc.constantFrom("A", "b", "-", "=", " ", "ü"), (at, letter) => cursor[at] === letter || code(view, { cursor: cursor.slice(0, at) + letter + cursor.slice(at + 1) }) === "CURSOR_INVALID"));
  });
  test("cursors without a key work, and are still bound to the caller", () => {
    const open = page(view, { key: null }).nextCursor;
    expect(page(view, { key: null, cursor: open }).items.map(name)).toEqual(["s__c"]);
    expect(code(view, { key: null, cursor: open, principalId: "q" })).toBe("CURSOR_INVALID");
  });
});

describe("how long a list may be kept", () => {
  const hint = (ttlMs: number, scope: CacheHint["scope"], fetchedAt: number): OfferSketch => ({ cache: { tools: { ttlMs, scope } }, fetchedAt, tools: ["a", "b", "c"] });
  const cache = (view: View, now: number): CacheHint => cacheOf(view.lists.tools, now);
  const publicOne = offerOf("a", hint(60_000, "public", 0));
  const privateOne = offerOf("b", hint(10_000, "private", 20_000));

  // Checklist: G2
  test("the shortest of all, less the age of our copy, and private dominates", () => {
    expect(cache(viewOn([publicOne, privateOne]), 20_000)).toEqual({ ttlMs: 10_000, scope: "private" });
    expect(cache(viewOn([publicOne]), 20_000)).toEqual({ ttlMs: 40_000, scope: "public" });
    expect(cache(viewOn([publicOne]), 90_000)).toEqual({ ttlMs: 0, scope: "public" });
  });
  // Checklist: G3
  test("not at all while a server is missing or only its last known list is there", () => {
    expect(cache(viewOn([publicOne, offerOf("c", { offer: { inventory: null } })]), 0)).toEqual({ ttlMs: 0, scope: "private" });
    expect(cache(viewOn([{ ...publicOne, stale: true }]), 0).ttlMs).toBe(0);
  });
  test("a server without such a list has no say", () => {
    expect(cache(viewOn([publicOne, offerOf("c", { capabilities: { prompts: "{}" } })]), 0)).toEqual({ ttlMs: 60_000, scope: "public" });
  });
  test("a list of nobody is nothing to keep", () => expect(cache(viewOn([]), 0)).toEqual({ ttlMs: 0, scope: "private" }));
  // Checklist: G4
  test("a list that is filtered for its caller is his alone", () => {
    const view = viewOf(catalogOf(publicOne), { id: "p", scopes: ["server:a"] }, { server: null });
    expect(cache(view, 0)).toEqual({ ttlMs: 60_000, scope: "private" });
  });
  // Checklist: N20
  test("every page of one list says the same scope; one that became private is fetched again", () => {
    const first = page(viewOn([privateOne]), { now: 0 });
    expect(first.cache.scope).toBe("private");
    const nowPublic = viewOn([offerOf("b", hint(60_000, "public", 0))]);
    expect(page(nowPublic, { cursor: first.nextCursor, now: 0 }).cache.scope).toBe("private");
    const wasPublic = page(nowPublic, { now: 0 }).nextCursor;
    expect(code(viewOn([privateOne]), { cursor: wasPublic, now: 0 })).toBe("CURSOR_INVALID");
  });
});

