/**
 * Who stands in front of us. We speak plain http, so beyond loopback only a proxy that does TLS may connect: a token must
 * not cross a network in clear. What such a proxy says about its own client is believed, and nobody else's word is.
 */
import { addressesOf, isAddress } from "../base/index.ts";
import { isPrivate } from "./guard.ts";
import type { Listen } from "./types.ts";

/** The proxies that are trusted. */
export interface Proxies {
  /** Everybody may connect who can: spares the look at his address. */
  readonly isOpen: boolean;
  /** Whether the listener serves a connection from this address; null where there is none. */
  mayConnect(address: string | null): boolean;
  /** The client behind a connection, for the log: what the trusted ones passed on (`X-Forwarded-For`), as far as they are trusted. */
  clientOf(address: string | null, forwardedFor: string | null): string;
}

const own: readonly string[] = Object.freeze(["127.0.0.0/8", "::1"]);

/** `trusted`: addresses and ranges (`10.0.0.0/8`). Where only this machine can reach us, everybody may connect who can. */
export function proxiesOf(trusted: readonly string[], listen: Listen, speaksTls = false): Proxies {
  // With TLS of our own no proxy is needed; where one is named all the same, it alone may connect.
  const isOpen = isPrivate(listen) || (speaksTls && trusted.length === 0);
  // A connection that broke has no address any more.
  const nameless = "unix" in listen ? "unix" : "gone";
  const proxies = addressesOf(trusted);
  const allowed = addressesOf([...trusted, ...own]);
  return {
    isOpen,
    mayConnect: (address) => isOpen || (address !== null && allowed.has(address)),
    clientOf(address, forwardedFor) {
      let client = address ?? nameless;
      if (forwardedFor === null) return client;
      // From the right: each hop was written by the one after it, so the first that is not trusted is the last that is known.
      const hops = forwardedFor.split(",").map((hop) => hop.trim());
      while (proxies.has(client) && isAddress(hops.at(-1) ?? "")) client = hops.pop() ?? client;
      return client;
    },
  };
}
