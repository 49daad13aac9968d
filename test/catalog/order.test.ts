import { expect, test } from "bun:test";
import { byKind, compareText, kinds } from "../../src/catalog/order.ts";

test("text is ordered by code units, whatever the locale of the machine", () => {
  expect(["ä", "a", "Z", "z", "_", "10", "9"].sort(compareText)).toEqual(["10", "9", "Z", "_", "a", "z", "ä"]);
  expect(compareText("same", "same")).toBe(0);
});

test("a record by kind has a value for every kind and cannot be changed", () => {
  const record = byKind((kind) => kind.length);
  expect(Object.keys(record).sort()).toEqual([...kinds].sort());
  expect(Object.isFrozen(record)).toBe(true);
});
