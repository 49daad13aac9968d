import { describe, expect, test } from "bun:test";
import { addressesOf, isAddress, isAddressRange } from "../../src/base/address.ts";

test("an address is whole and in its usual form", () => {
  for (const text of ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1", "::ffff:10.0.0.1"]) expect(isAddress(text)).toBeTrue();
  for (const text of ["", " ", "127.1", "0x7f.0.0.1", "2130706433", "300.1.1.1", "[::1]", "localhost", "1.2.3.4:80", "::1/128"]) expect(isAddress(text)).toBeFalse();
});

test("a range has as many bits as its kind of address", () => {
  for (const text of ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.0/32", "fd00::/8", "::1/128"]) expect(isAddressRange(text)).toBeTrue();
  for (const text of ["10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "localhost", "*", ""]) expect(isAddressRange(text)).toBeFalse();
});

describe("addresses", () => {
  const some = addressesOf(["10.0.0.0/8", "192.0.2.1", "fd00::/8", "not a range"]);
  test.each(["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "fd12::1"])("%s is one", (address) => expect(some.has(address)).toBeTrue());
  test.each(["192.0.2.2", "11.0.0.1", "fe80::1", "::ffff:11.0.0.1", "", "x", "not a range"])("%p is none", (address) => expect(some.has(address)).toBeFalse());
});

test("a range ends at its bit, inside a byte too", () => {
  const some = addressesOf(["10.1.16.0/20", "2001:db8::/33"]);
  expect(["10.1.16.0", "10.1.31.255", "2001:db8:7fff::1"].map(some.has)).toEqual([true, true, true]);
  expect(["10.1.15.255", "10.1.32.0", "2001:db8:8000::1"].map(some.has)).toEqual([false, false, false]);
  expect([addressesOf(["0.0.0.0/0"]).has("203.0.113.9"), addressesOf(["0.0.0.0/0"]).has("::1")]).toEqual([true, false]);
});
