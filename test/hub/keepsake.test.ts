import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Offered } from "../../src/backend/index.ts";
import { defaultLimits, type Limits } from "../../src/base/index.ts";
import { parseKept, textOf } from "../../src/hub/keepsake.ts";
import { earlier } from "../fixtures/lives.ts";
import { specOf } from "../fixtures/pool.ts";

const spec = specOf("web", { fingerprint: "secret-looking" });
const offered: Offered = { ...earlier('{"name":"a","x":1.10}', '{"name":"b"}'), fetchedAt: 7 };
const text = textOf(spec, offered, 7);
const read = (other: string, of = spec, limits: Limits = defaultLimits) => parseKept(other, of, limits);
const edited = (change: (kept: { facts: Record<string, unknown>; lists: Record<string, { items: unknown[]; cache: unknown }> } & Record<string, unknown>) => void): string => {
  const kept = JSON.parse(text) as Parameters<typeof change>[0];
  change(kept);
  return JSON.stringify(kept);
};

test("what was written is read again, every item to the byte", () => {
  expect(read(text)).toEqual({ kind: "offered", offered });
});

test("nothing of an entry can be read from it, and another entry or server finds nothing in it", () => {
  expect(text).not.toContain("secret-looking");
  expect(read(text, specOf("web", { fingerprint: "other" })).kind).toBe("outdated");
  expect(read(text, specOf("mail", { fingerprint: "secret-looking" })).kind).toBe("outdated");
});

test("equal offers have equal texts but for the time", () => {
  expect(textOf(spec, { ...offered, fetchedAt: 99 }, 0)).toBe(textOf(spec, offered, 0));
});

test("what would break an answer that it is put into is refused", () => {
  const broken = [
    edited(({ lists }) => lists["tools"]?.items.push('{"name":"c"},{"name":"d"}')),
    edited(({ lists }) => lists["prompts"]?.items.push("no JSON")),
    edited(({ lists }) => lists["prompts"]?.items.push(7)),
    edited(({ facts }) => (facts["info"] = "{")),
    edited(({ facts }) => (facts["capabilities"] = [["tools", '{},"resources":{}']])),
    edited(({ facts }) => (facts["capabilities"] = [["tools", ""]])),
    edited(({ lists }) => ((lists["tools"] as { cache: unknown }).cache = { ttlMs: -1, scope: "public" })),
    edited((kept) => (kept["form"] = 2)),
    edited((kept) => Object.assign(kept, { lists: undefined })),
    "[]",
    "null",
    "",
  ];
  expect(broken.map((one) => read(one).kind)).toEqual(broken.map(() => "broken"));
  expect(read(text, spec, { ...defaultLimits, listItemsMax: 1 }).kind).toBe("broken");
});

test("whatever a file holds, reading it throws nothing, and cut short it is never used", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: text.length - 2 }), (length) => expect(read(text.slice(0, length)).kind).toBe("broken")));
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (other) => expect(read(other).kind).toBe("broken")));
});
