import { expect, test } from "bun:test";
import { defaultLimits, fixedBounds } from "../../src/base/index.ts";

const all = [...Object.entries(defaultLimits), ...Object.entries(fixedBounds)];

test.each(all)("%s is a positive whole number", (_name, value) => {
  expect(Number.isSafeInteger(value)).toBe(true);
  expect(value).toBeGreaterThan(0);
});

test.each(all.map(([name]) => name))("%s says what it bounds and in which unit", (name) => {
  expect(name).toMatch(/(Max|Min|Ms)$/);
});

test("the limits cannot be changed while running", () => {
  expect([defaultLimits, fixedBounds].map(Object.isFrozen)).toEqual([true, true]);
});

test("a bound is either settable or not", () => {
  expect(new Set(all.map(([name]) => name)).size).toBe(all.length);
});

test("a back-off grows and a message may hold a body", () => {
  expect(defaultLimits.backoffMsMin).toBeLessThan(defaultLimits.backoffMsMax);
  expect(defaultLimits.bodyBytesMax).toBeLessThanOrEqual(defaultLimits.messageBytesMax);
});
