/**
 * Where a login may lead. A remote server's metadata names further addresses, and it is a stranger's word: it must not
 * make us send anything into networks that only we can reach. The server's own host is the operator's choice; others in
 * private networks have to be named by him.
 */
import ipaddr from "ipaddr.js";

/** "any": the operator has chosen the host. "public": only while all addresses of it are public. */
export type Reach = "any" | "public";

/** How a URL that a server's metadata names may be asked; null: not at all. */
export function reachOf(url: URL, server: URL, allowHosts: readonly string[]): Reach | null {
  const isAtHome = isLoopback(server.hostname) && isLoopback(url.hostname);
  // Without TLS only on this very computer, and only for a server that is there itself.
  if (isNamed(url) || !isSecured(url, isAtHome)) return null;
  if (isAtHome || url.hostname === server.hostname || allowHosts.includes(plain(url.hostname))) return "any";
  return isPublicHost(plain(url.hostname)) ? "public" : null;
}

const isSecured = ({ protocol }: URL, isAtHome: boolean): boolean => protocol === "https:" || (protocol === "http:" && isAtHome);

/** It carries a user or a password. */
const isNamed = (url: URL): boolean => url.username !== "" || url.password !== "";

/** Whether a person's browser may be sent there. */
export const isVisitable = (url: URL, server: URL): boolean =>
  !isNamed(url) && isSecured(url, isLoopback(server.hostname) && isLoopback(url.hostname));

const plain = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1");

const isLoopback = (hostname: string): boolean => hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);

// Names without a dot, and these endings, mean somebody near by (RFC 6761, 6762, 8375).
const nearby = /^[^.]+$|\.(localhost|local|internal|intranet|lan|home|home\.arpa|corp|private)\.?$/i;

function isPublicHost(host: string): boolean {
  if (!ipaddr.isValid(host)) return !nearby.test(host);
  return ipaddr.process(host).range() === "unicast";
}
