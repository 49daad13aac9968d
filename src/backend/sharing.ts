/**
 * Who shares an instance with whom. It hides what that depends on: what the operator set, who calls in which session,
 * and, where a server is told only once what its client can do, what exactly that client can do.
 *
 * Nothing here is decided for `shared`: there everybody has the same instance, told of all that can be relayed.
 */
import { fault, type Limits } from "../base/index.ts";
import type { BackendSpec, RemoteSpec } from "../config/index.ts";
import { abilitiesOf, type Profile, profileOf, relayableCapabilities, type UpstreamFacts } from "../era/index.ts";
import type { Call, Principal, Raw, SessionTie } from "../protocol/index.ts";

/** One part of an instance's users. */
export interface Share {
  /** Calls of one key go to one instance. */
  readonly key: string;
  /** What of it is for the caller's abilities; null where they do not count. */
  readonly profile: string | null;
  /** What the instance is told that its client can do, where it is told once. */
  readonly capabilities: Raw;
  /** The session that it lives and dies with; null: it belongs to a principal. */
  readonly session: SessionTie | null;
  /** Whose login it is used with, where everybody has his own. */
  readonly principal: string;
  /** What its one client says of itself; null: it has not said anything, or there are several. */
  readonly info: Raw | null;
}

/** A caller as far as sharing goes. */
export interface Sharer extends Pick<Call, "principal" | "selection" | "client" | "session"> {
  /** See Target. */
  readonly extensions?: readonly string[] | null;
}

/** What of an entry says who shares. */
export type SharedBy = Pick<BackendSpec, "isolation" | "kind" | "isBridged"> & Partial<Pick<RemoteSpec, "credentials">>;

/**
 * Whether the instance that gives the lists serves every caller. A remote server that hears of each caller with each
 * request keeps nothing for a connection, so there is nothing to keep apart; a process may keep what it likes, and
 * another proxy has its own servers to keep apart.
 */
export const isForAll = ({ isolation, kind, isBridged, credentials }: SharedBy, facts: UpstreamFacts | null): boolean =>
  isolation === "shared" || (kind === "remote" && isBridged !== true && credentials !== "per-user" && facts?.perRequest === true);

/** Whose logins a caller has: a person's are the same with each of his clients. */
const ownerOf = ({ principal }: Sharer): string => principal.person?.id ?? principal.id;

export class Sharing {
  readonly #limits: Limits;
  /** By how caller and server stand to each other, and the capabilities as they were declared: most callers repeat themselves. */
  readonly #profiles = [new Map<Raw, Profile>(), new Map<Raw, Profile>(), new Map<Raw, Profile>(), new Map<Raw, Profile>()] as const;
  /** By how far the extensions reach, and as above. */
  readonly #abilities = [new Map<Raw, Raw>(), new Map<Raw, Raw>(), new Map<Raw, Raw>(), new Map<Raw, Raw>()] as const;
  readonly #everything: Profile;
  /** By the caller, the share that was his last: mostly it is again, and a call should not put its key together anew. */
  readonly #shares = new WeakMap<Principal, Share>();

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#everything = profileOf(relayableCapabilities, limits);
  }

  /** The share of this caller, where not all have the same. Throws CALL_CANCELLED when its session is over. */
  shareOf(caller: Sharer, by: SharedBy, facts: UpstreamFacts): Share {
    const { session } = caller;
    if (by.isolation !== "session" || session === null) return this.#shareOfPrincipal(caller, facts);
    if (session.ended.cancelled) throw fault("CALL_CANCELLED", { detail: "its session is over" });
    // Another proxy is told once, in the session that is opened there, whatever the first connection to it is like.
    const isToldOnce = by.isBridged === true || facts.perRequest !== true;
    const { capabilities } = isToldOnce ? this.#profileOf(caller, true) : this.#everything;
    return { key: `session ${session.id}`, profile: null, capabilities, session, principal: ownerOf(caller), info: caller.client.info };
  }

  #shareOfPrincipal(caller: Sharer, { perRequest }: UpstreamFacts): Share {
    const { key, capabilities } = perRequest === true ? this.#everything : this.#profileOf(caller, false);
    const profile = perRequest === true ? null : key;
    const last = this.#shares.get(caller.principal);
    if (last?.profile === profile) return last;
    const share: Share = { key: `principal ${profile ?? ""} ${caller.principal.id}`, profile, capabilities, session: null, principal: ownerOf(caller), info: null };
    this.#shares.set(caller.principal, share);
    return share;
  }

  /** What this caller can do, as a server is told that hears of it with each request. */
  abilitiesOf(who: Sharer): Raw {
    // Only who declares an extension can have one that is a single server's own.
    if (who.extensions && who.client.capabilities.includes("extensions")) return abilitiesOf(who, this.#limits);
    const known = this.#abilities[(who.selection.server === null ? 0 : 1) + (who.session === null ? 0 : 2)] as Map<Raw, Raw>;
    return this.#remembered(known, who.client.capabilities, () => abilitiesOf(who, this.#limits));
  }

  /**
   * Whether the instance that gives the lists may be this share's own: it is told of everything, and never ends, so it
   * suits who can do everything, or whoever comes where that is not told once.
   */
  suitsFirst(share: Share): boolean {
    return share.session === null && share.capabilities === this.#everything.capabilities;
  }

  #profileOf({ selection, client }: Sharer, isOne: boolean): Profile {
    const isAlone = selection.server !== null;
    const known = this.#profiles[(isAlone ? 1 : 0) + (isOne ? 2 : 0)] as Map<Raw, Profile>;
    return this.#remembered(known, client.capabilities, () => profileOf(client.capabilities, this.#limits, { isAlone, isOne }));
  }

  #remembered<T>(known: Map<Raw, T>, capabilities: Raw, make: () => T): T {
    const found = known.get(capabilities);
    if (found !== undefined) return found;
    const made = make();
    const oldest = known.keys().next();
    if (known.size >= this.#limits.profilesMax && oldest.done === false) known.delete(oldest.value);
    known.set(capabilities, made);
    return made;
  }
}
