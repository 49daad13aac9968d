import { expect, test } from "bun:test";
import { chargeText, lostLine, parseCharge, Roll, tookLine } from "../../src/base/charge.ts";

test("a charge is read as it was written", () => {
  const charge = { life: "28a1700d5cc4494782dced70d48c4d5d", since: 1220945, graceMs: 2000, termMs: 100 };
  expect(parseCharge(chargeText(charge))).toEqual(charge);
});

test.each([undefined, "", "28a1700d5cc44947", "28a1700d5cc44947 1 2", "28a1 1 2 3", " 28a1700d5cc44947 1 2 3", "28a1700d5cc44947 1 2 -3", "28a1700d5cc44947 1 2 3 4"])("%p is none", (text) => {
  expect(parseCharge(text)).toBeNull();
});

test("the roll has who was taken and not lost", () => {
  const roll = new Roll();
  for (const line of [tookLine(10, 5), tookLine(11, null), tookLine(12, 7), lostLine(12), lostLine(99), tookLine(11, 6)]) roll.take(line);
  expect([...roll.groups]).toEqual([[10, 5], [11, 6]]);
});

test("a time that is not known yet is none", () => {
  const roll = new Roll();
  roll.take(tookLine(11, null));
  expect(roll.groups.get(11)).toBeNull();
});

test.each(["", "+", "+ ", "+ x 1", "- ", "+ -1 1", "+ 12345678901 1", "+ 1 1 1"])("%p says nothing", (line) => {
  const roll = new Roll();
  roll.take(line);
  expect(roll.groups.size).toBe(0);
});
