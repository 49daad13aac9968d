import { expect, test } from "bun:test";
import { isBefore, legacyRevisionOf, legacyRevisions, modernRevisionOf, modernRevisions, newestLegacy, newestModern } from "../../src/era/version.ts";

test("every released revision is in exactly one era, newest first", () => {
  const all = [...modernRevisions, ...legacyRevisions];
  expect(all).toEqual(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
  expect(all.map((name) => [modernRevisionOf(name) !== null, legacyRevisionOf(name) !== null])).toEqual([[true, false], ...legacyRevisions.map(() => [false, true])]);
  expect([newestModern, newestLegacy]).toEqual(["2026-07-28", "2025-11-25"]);
});

test("unknown names are in none", () => {
  for (const name of [null, "", "2027-01-01", "2025-11-25 "]) expect([modernRevisionOf(name), legacyRevisionOf(name)]).toEqual([null, null]);
});

test("the earlier date is the earlier revision", () => {
  expect([isBefore("2024-11-05", "2025-03-26"), isBefore("2025-06-18", "2025-06-18"), isBefore("2025-11-25", "2025-06-18")]).toEqual([true, false, false]);
});
