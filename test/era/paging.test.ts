import { describe, expect, test } from "bun:test";
import { listAll } from "../../src/era/paging.ts";
import type { Dialect } from "../../src/era/south.ts";
import type { Listed } from "../../src/era/types.ts";
import { parseObject, type Raw } from "../../src/protocol/index.ts";
import { defaultLimits, type Limits } from "../../src/base/index.ts";
import { benchOf, faultCodeOf } from "../fixtures/wire.ts";

/** Lists through a dialect whose pages are given; tells the cursors that were asked for. */
async function list(pages: readonly string[] | ((index: number) => string), limits: Partial<Limits> = {}): Promise<{ listed: Listed; cursors: (Raw | null)[] }> {
  const { south } = benchOf("stdio", () => "silent", {}, limits);
  const cursors: (Raw | null)[] = [];
  const dialect = {
    facts: { info: "{}", capabilities: new Map([["tools", "{}"]]), instructions: null, revision: "x", announces: false, subscribes: false },
    async page(_kind: string, cursor: Raw | null) {
      cursors.push(cursor);
      const text = typeof pages === "function" ? pages(cursors.length - 1) : pages[cursors.length - 1];
      return text === undefined ? null : parseObject(text, defaultLimits);
    },
  } as unknown as Dialect;
  return { listed: await listAll(south, dialect, "tools"), cursors };
}

describe("a list", () => {
  test("is fetched page by page, items and cursors as they came", async () => {
    const { listed, cursors } = await list(['{"tools":[{"name":"a","n":1.10}],"nextCursor":"x\\u0041"}', '{"tools":[{"name":"b"}]}']);
    expect(listed.items).toEqual(['{"name":"a","n":1.10}', '{"name":"b"}']);
    expect(cursors).toEqual([null, '"x\\u0041"']);
  });

  // Checklist: S10
  test("goes on after an empty cursor, which is a cursor like any other", async () => {
    const { listed, cursors } = await list(['{"tools":[1],"nextCursor":""}', '{"tools":[2]}']);
    expect(cursors).toEqual([null, '""']);
    expect(listed.items).toEqual(["1", "2"]);
  });

  // Checklist: S10
  test("ends at a cursor that is null", async () => {
    expect((await list(['{"tools":[1],"nextCursor":null}'])).cursors).toEqual([null]);
  });

  // Checklist: S10
  test("ends where a cursor comes twice", async () => {
    const { listed, cursors } = await list(() => '{"tools":[1],"nextCursor":""}');
    expect(cursors).toEqual([null, '""']);
    expect(listed.items).toEqual(["1", "1"]);
    const two = await list((index) => `{"tools":[${index}],"nextCursor":"${index % 2}"}`);
    expect(two.listed.items).toEqual(["0", "1", "2"]);
  });

  // Checklist: S10
  test("ends at the bounds on pages and on items", async () => {
    const endless = (index: number): string => `{"tools":[1,2,3],"nextCursor":"${index}"}`;
    expect((await list(endless, { listPagesMax: 4 })).cursors).toHaveLength(4);
    const { listed, cursors } = await list(endless, { listItemsMax: 5 });
    expect(listed.items).toHaveLength(5);
    expect(cursors).toHaveLength(2);
  });

  test("is cut where one page has too many items, and where its pages are too long together", async () => {
    const items = Array.from({ length: 100_000 }, (_, index) => `{"name":"t${index}"}`);
    const { listed } = await list([`{"tools":[${items.join(",")}]}`]);
    expect(listed.items).toEqual(items.slice(0, defaultLimits.listItemsMax));
    const long = await list((index) => `{"tools":["${"x".repeat(1000)}"],"nextCursor":"${index}"}`, { messageBytesMax: 2500 });
    expect([long.listed.items.length, long.cursors.length]).toEqual([3, 3]);
  });

  test("is empty where the capability or the method is missing", async () => {
    const { south } = benchOf("stdio", () => "silent");
    const dialect = { facts: { capabilities: new Map() } } as unknown as Dialect;
    expect((await listAll(south, dialect, "templates")).items).toEqual([]);
    expect((await list([])).listed).toEqual({ items: [], cache: { ttlMs: 0, scope: "private" } });
  });

  test.each(['{"tools":{}}', "{}", '{"tools":null}'])("is garbled when a page is %s", async (page) => {
    expect(await faultCodeOf(list([page]))).toBe("BACKEND_GARBLED");
  });

  test.each([
    [['{"tools":[],"ttlMs":500,"cacheScope":"public"}'], 500, "public"],
    [['{"tools":[],"ttlMs":500,"cacheScope":"public","nextCursor":"1"}', '{"tools":[],"ttlMs":20,"cacheScope":"private"}'], 20, "private"],
    [['{"tools":[],"ttlMs":-1,"cacheScope":"everybody"}'], 0, "private"],
    [['{"tools":[],"ttlMs":"9"}'], 0, "private"],
    [['{"tools":[],"ttlMs":1e300,"cacheScope":"public"}'], 0, "public"],
    [['{"tools":[],"ttlMs":9007199254740991,"cacheScope":"public"}'], 2 ** 52, "public"],
    [['{"tools":[],"ttlMs":1.5}'], 0, "private"],
    [['{"tools":[],"ttlMs":6e4}'], 60_000, "private"],
    [['{"tools":[],"ttlMs":null}'], 0, "private"],
    [['{"tools":[]}'], 0, "private"],
  ] as const)("may be kept as the strictest of its pages says: %p", async (pages, ttlMs, scope) => {
    expect((await list([...pages])).listed.cache).toEqual({ ttlMs, scope });
  });
});
