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
  // subnetMatch looks at ranges of the address's own kind only.
  const named = { some: ranges.filter(isAddressRange).map((range) => (range.includes("/") ? ipaddr.parseCIDR(range) : wholeOf(ipaddr.parse(range)))) };
  return {
    has(address) {
      if (!isAddress(address)) return false;
      const one = ipaddr.process(address);
      return (one instanceof ipaddr.IPv4 ? ipaddr.subnetMatch(one, named, "none") : ipaddr.subnetMatch(one, named, "none")) === "some";
    },
  };
}

const wholeOf = (address: ipaddr.IPv4 | ipaddr.IPv6): [ipaddr.IPv4 | ipaddr.IPv6, number] => [address, address.kind() === "ipv4" ? 32 : 128];
