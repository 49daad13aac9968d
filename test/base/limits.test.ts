import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";

test.each(Object.entries(defaultLimits))("%s is a positive whole number", (_name, value) => {
  expect(Number.isSafeInteger(value)).toBe(true);
  expect(value).toBeGreaterThan(0);
});

test.each(Object.keys(defaultLimits))("%s says what it bounds and in which unit", (name) => {
  expect(name).toMatch(/(Max|Min|Ms)$/);
});

test("the limits cannot be changed while running", () => {
  expect(Object.isFrozen(defaultLimits)).toBe(true);
});

test("a back-off grows and a message may hold a body", () => {
  expect(defaultLimits.backoffMsMin).toBeLessThan(defaultLimits.backoffMsMax);
  expect(defaultLimits.bodyBytesMax).toBeLessThanOrEqual(defaultLimits.messageBytesMax);
});
