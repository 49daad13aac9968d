import { expect, test } from "bun:test";
import { Attempts } from "../../src/auth/attempts.ts";
import { createTestClock } from "../fixtures/clock.ts";

const counted = (addressesMax = 100) => {
  const clock = createTestClock();
  return { clock, attempts: new Attempts({ clock, max: 3, windowMs: 1000, addressesMax }) };
};

test("an address is locked out after so many tries, for what is left of the time", async () => {
  const { clock, attempts } = counted();
  for (let count = 0; count < 3; count++) {
    expect(attempts.lockedMs("192.0.2.1")).toBe(0);
    attempts.note("192.0.2.1");
    await clock.advance(100);
  }
  expect([attempts.lockedMs("192.0.2.1"), attempts.lockedMs("192.0.2.2"), attempts.lockedMs(null)]).toEqual([700, 0, 0]);
  await clock.advance(700);
  expect(attempts.lockedMs("192.0.2.1")).toBe(0);
  attempts.note("192.0.2.1");
  expect(attempts.lockedMs("192.0.2.1")).toBe(0);
});

test("an IPv6 address stands for its network, however it is written; an IPv4 address for itself", () => {
  const { attempts } = counted();
  for (const address of ["2001:db8:1:2::1", "2001:db8:1:2:ffff:1:2:3", "2001:0DB8:1:2::9"]) attempts.note(address);
  expect(attempts.lockedMs("2001:db8:1:2:9::")).toBeGreaterThan(0);
  expect(attempts.lockedMs("2001:db8:1:3::1")).toBe(0);
  for (const address of ["::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3"]) attempts.note(address);
  expect(attempts.lockedMs("::ffff:192.0.2.1")).toBe(0);
});

test("what went right is forgotten, and of too many addresses the first", () => {
  const { attempts } = counted(2);
  for (let count = 0; count < 3; count++) for (const address of ["a", "b"]) attempts.note(address);
  attempts.forgive("b");
  expect([attempts.lockedMs("a"), attempts.lockedMs("b")]).toEqual([1000, 0]);
  attempts.note("b");
  attempts.note("c");
  expect(attempts.lockedMs("a")).toBe(0);
});
