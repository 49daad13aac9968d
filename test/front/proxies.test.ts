import { describe, expect, test } from "bun:test";
import { proxiesOf } from "../../src/front/proxies.ts";

const trusted = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"];

describe("on an address that others can reach", () => {
  const { mayConnect } = proxiesOf(trusted, { host: "0.0.0.0", port: 0 });
  test.each(["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "fd12::1", "127.0.0.1", "::1", "::ffff:127.0.0.1"])("%s may connect", (address) => expect(mayConnect(address)).toBe(true));
  test.each(["192.0.2.2", "11.0.0.1", "fe80::1", "::ffff:11.0.0.1", "", "x"])("%p may not", (address) => expect(mayConnect(address)).toBe(false));
});

test("on loopback and on a unix socket everybody may connect who can", () => {
  expect(["127.0.0.1", "10.0.0.1"].map(proxiesOf([], { host: "::1", port: 0 }).mayConnect)).toEqual([true, true]);
  expect([null].map(proxiesOf([], { unix: "/x" }).mayConnect)).toEqual([true]);
});

describe("the client of a request", () => {
  const { clientOf } = proxiesOf(trusted, { host: "127.0.0.1", port: 0 });
  test.each([
    ["127.0.0.1", "203.0.113.9", "127.0.0.1"],
    ["10.0.0.1", null, "10.0.0.1"],
    ["10.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"],
    ["10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"],
    ["10.0.0.1", "forged\u001b[31m", "10.0.0.1"],
    ["10.0.0.1", "", "10.0.0.1"],
    [null, "203.0.113.9", "gone"],
  ])("from %p, which says %p, is %s", (address, forwarded, client) => expect(clientOf(address, forwarded)).toBe(client));
});

test("on a unix socket the client is that", () => expect(proxiesOf([], { unix: "/x" }).clientOf(null, null)).toBe("unix"));
