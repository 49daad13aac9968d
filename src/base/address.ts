/** IP addresses and ranges of them, as people write them and as sockets tell them. */
import ipaddr from "ipaddr.js";

/** Some addresses. */
export interface Addresses {
  /** Also for the IPv6 form in which a socket for both tells an IPv4 address; false for what is no address. */
  has(address: string): boolean;
}

/** Whether a text is one whole address: no short, octal or hexadecimal forms of IPv4, no brackets. */
export const isAddress = (text: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

/** Whether a text is an address or a range like 10.0.0.0/8. */
export function isAddressRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  if (!isAddress(address) || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (address.includes(":") ? 128 : 32));
}

/** The addresses of some ranges. What is no range adds nothing. */
export function addressesOf(ranges: readonly string[]): Addresses {
  const blocks = ranges.filter(isAddressRange).map(blockOf);
  return {
    has(address) {
      if (!isAddress(address)) return false;
      const bytes = ipaddr.process(address).toByteArray();
      return blocks.some((block) => block.bytes.length === bytes.length && block.bytes.every((byte, index) => ((byte ^ (bytes[index] ?? 0)) & maskOf(block.bits - index * 8)) === 0));
    },
  };
}

// Addresses that are no single, reachable place in the public internet: the registries of special-purpose addresses
// (RFC 6890 and what followed), private networks and those of carriers, and for IPv6 what carries an IPv4 address inside.
const special = Object.freeze([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"],
  ...["192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"],
  ...["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"],
]);
const global = Object.freeze(["0.0.0.0/0", "2000::/3"]);

/** Whether an address is one of the public internet (global unicast); an IPv4 address in an IPv6 form is judged as what it is, or not at all. */
export const isPublicAddress = (address: string): boolean => addressesOf(global).has(address) && !addressesOf(special).has(address);

/**
 * What an address is counted as: an IPv4 address as itself, in whatever form it came; of an IPv6 address the network,
 * since whoever has one such address has all of its last 64 bits. What is no address is counted as what it is.
 */
export function networkOf(address: string): string {
  if (!isAddress(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  const groups = (parsed as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16));
  return `${groups.join(":")}::/64`;
}

interface Block {
  readonly bytes: readonly number[];
  /** How many of the bits count. */
  readonly bits: number;
}

function blockOf(range: string): Block {
  const [address = "", bits] = range.split("/");
  const bytes = ipaddr.parse(address).toByteArray();
  return { bytes, bits: bits === undefined ? bytes.length * 8 : Number(bits) };
}

// Of one byte: as many of its first bits as are left.
const maskOf = (bits: number): number => (0xff00 >> Math.max(0, Math.min(8, bits))) & 0xff;
