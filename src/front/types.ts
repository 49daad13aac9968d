/** The front's words: what it is built with, and what it gives back. */
import type { Auth, OAuthIn, OAuthOut } from "../auth/index.ts";
import type { Audit, Clock, Limits, Log, Meter } from "../base/index.ts";
import type { Eras } from "../era/index.ts";
import type { PresetNames } from "./selection.ts";
import type { Facts } from "./status.ts";
import type { TlsFiles } from "./tls.ts";

/** Where to listen: an address (port 0: any free one), or a unix socket that only its owner can open. */
export type Listen = { readonly host: string; readonly port: number } | { readonly unix: string };

/** What the front needs of whoever knows the callers. */
export type Doorkeeper = Pick<Auth, "mode" | "verify" | "stepUp" | "paths" | "handle" | "onEnded">;

/** Pages and documents for browsers and clients that log in. */
export interface Site {
  /** Patterns of paths: `/connect/:server`. */
  readonly paths: readonly string[];
  /** Null: it is none of them after all. */
  handle(request: OAuthIn): Promise<OAuthOut | null>;
}

/** One way in. */
export interface FrontRoute {
  readonly method: string;
  readonly path: string;
}

/** What the front is built with. */
export interface FrontOptions {
  readonly listen: Listen;
  /** Other processes of the same user may listen on the same port beside this one. */
  readonly sharePort: boolean;
  readonly eras: Eras;
  /** Clients of the older era need more verbs and paths, which are not there where only modern ones are served. */
  readonly clientEra: "any" | "modern";
  /** Who calls, and what serves the logins. Where it asks for nothing, an address that others can reach is refused. */
  readonly auth: Doorkeeper;
  /** What else is served as pages and documents, beside the authorization server. */
  readonly sites: readonly Site[];
  /** The address under which others know us, when something stands in front. */
  readonly publicUrl: string | null;
  /** More `host:port` values that a Host header may have. */
  readonly allowedHosts: readonly string[];
  /** More origins (scheme, host and port) from which browsers may call. */
  readonly allowedOrigins: readonly string[];
  /** Addresses and ranges of proxies in front; beyond loopback nobody else may connect. */
  readonly trustedProxies: readonly string[];
  /** The files to serve TLS with; absent or null: plain HTTP. */
  readonly tls?: TlsFiles | null;
  /** The presets that a URL may name; absent: none. */
  readonly presets?: PresetNames;
  /** A tag expression that narrows what every client sees; absent: none does. */
  readonly filter?: string | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Where it is written down who was turned away. */
  readonly audit: Audit;
  /** What is told to whoever asks how the proxy is. */
  readonly facts: Facts;
  /** Where the front counts; one front for each meter. */
  readonly meter: Meter;
}

/** A front door that is open. */
export interface Front {
  /** The address of the endpoint that shows all servers. */
  readonly url: string;
  /** Every route that there is, for whoever checks that none is without a guard. */
  readonly routes: readonly FrontRoute[];
  /**
   * Another one listens on the same port: where the system allows, it gets all new connections from now on, and those
   * that are here end with their next answer. Giving way twice is fine.
   */
  giveWay(): Promise<void>;
  /**
   * Lets nobody in any more, waits at most `ms` for answers under way, then cuts what is left. Standing streams end when
   * the era room is closed; close both at once. Closing twice is fine.
   */
  close(ms: number): Promise<void>;
}
