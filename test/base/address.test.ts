import { describe, expect, test } from "bun:test";
import { addressesOf, isAddress, isAddressRange, isPublicAddress, networkOf } from "../../src/base/address.ts";

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

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ["::1", "0:0:0:0::/64"],
  ["unix", "unix"],
])("%s is counted as %s", (address, network) => expect(networkOf(address)).toBe(network));

describe("of the public internet", () => {
  test.each(["8.8.8.8", "1.1.1.1", "93.184.216.34", "::ffff:8.8.8.8", "2001:4860:4860::8888", "2606:4700::1111", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "223.255.255.255"])("%s is", (address) => expect(isPublicAddress(address)).toBeTrue());
  test.each([
    ...["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255"],
    ...["192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
    ...["::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1"],
    ...["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "4000::1"],
    ...["", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "017700000001", "[::1]"],
  ])("%p is not", (address) => expect(isPublicAddress(address)).toBeFalse());
});
