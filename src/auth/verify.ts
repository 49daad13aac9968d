/**
 * The guard of every request. A token is digested and looked up in a map in memory; the store behind it is asked when
 * the map does not know, or has not asked for a while, since another process may have ended the grant. Nothing is
 * allocated for a token that is known, and what cannot be one of ours never reaches the store.
 */
import { type Addresses, addressesOf, type Clock, faultOf, type Limits, type Log } from "../base/index.ts";
import type { Principal } from "../protocol/index.ts";
import type { Challenges } from "./challenge.ts";
import type { Grants } from "./grants.ts";
import type { Signing } from "./signing.ts";
import { digestOf, isSecretShape } from "./tokens.ts";
import type { Credentials, Verdict } from "./types.ts";

/** Judges tokens that are not ours, by their digest where they are known: those of other issuers. Never rejects; null: it is none of theirs either. */
export type Foreign = (token: string, credentials: Credentials, digest: string) => Verdict | Promise<Verdict> | null;

export interface VerifierOptions {
  readonly grants: Grants;
  readonly challenges: Challenges;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly foreign: Foreign | null;
  /** Our own tokens count. */
  readonly own: boolean;
  /** Ours may be signed ones; null: they are not. */
  readonly signing: Pick<Signing, "isShape"> | null;
}

interface Held {
  readonly verdict: Verdict;
  readonly grantId: string;
  readonly path: string | null;
  readonly expiresAt: number;
  readonly readAt: number;
  /** Null: from anywhere. */
  readonly sources: Addresses | null;
}

/** The operator: whoever can read the state folder. */
export const operatorPrincipal: Principal = Object.freeze({ id: "operator", scopes: null });

const notOurs = "the token is not valid here";
// The scheme's name has no case (RFC 9110, section 11.1). Bounded, so that nothing long is digested for a stranger; a JWT is longer than ours.
const bearer = /^bearer +([\w.~+/-]{1,8192}=*) *$/i;

export class Verifier {
  readonly #options: VerifierOptions;
  readonly #known = new Map<string, Held>();
  readonly #operator: Verdict = Object.freeze({ ok: true, principal: operatorPrincipal });
  #ownDigest: string | null = null;
  #voidDigest: string | null = null;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** The operator's own token, from now on, unless it is the one that was voided. */
  setOwn(token: string): void {
    const digest = digestOf(token);
    if (digest !== this.#voidDigest) this.#ownDigest = digest;
  }

  /** The operator's own token opens nothing any more. */
  voidOwn(): void {
    this.#voidDigest = this.#ownDigest ?? this.#voidDigest;
    this.#ownDigest = null;
  }

  /** Forgets what is known of tokens: a grant has ended. */
  forget(): void {
    this.#known.clear();
  }

  verify(credentials: Credentials): Verdict | Promise<Verdict> {
    const token = tokenIn(credentials);
    if (token === undefined) return this.#malformed(credentials);
    const digest = digestOf(token);
    if (digest === this.#ownDigest) return this.#operator;
    const now = this.#options.clock.now();
    const held = this.#held(token, digest, now);
    if (held === undefined) return this.#unknown(token, credentials, digest);
    if (held.sources !== null && !held.sources.has(addressOf(credentials))) return this.#misplaced(held, credentials);
    if (now >= held.expiresAt) return this.#refused(credentials, "the token has expired");
    return isFor(held.path, credentials.resource) ? held.verdict : this.#refused(credentials, "the token is for another resource");
  }

  #held(token: string, digest: string, now: number): Held | undefined {
    const held = this.#known.get(digest);
    return held === undefined || now - held.readAt > this.#options.limits.tokenMemoMs ? this.#read(token, digest, now) : held;
  }

  #malformed({ authorization, resource }: Credentials): Verdict {
    if (authorization !== null && /^bearer\b/i.test(authorization)) return this.#refused({ authorization, resource }, "the token is malformed");
    return { ok: false, code: "TOKEN_MISSING", challenge: this.#options.challenges.missing(resource) };
  }

  #unknown(token: string, credentials: Credentials, digest: string): Verdict | Promise<Verdict> {
    return this.#options.foreign?.(token, credentials, digest) ?? this.#refused(credentials, notOurs);
  }

  // In the words for a token that is none of ours: whoever has stolen one must not learn that it is good elsewhere.
  #misplaced({ grantId }: Held, credentials: Credentials): Verdict {
    this.#options.log.warn("a token was shown from an address that it is not for", { grant: grantId, client: addressOf(credentials) });
    return this.#refused(credentials, notOurs);
  }

  #refused({ resource }: Credentials, why: string): Verdict {
    return { ok: false, code: "TOKEN_INVALID", challenge: this.#options.challenges.invalid(resource, why) };
  }

  #read(token: string, digest: string, now: number): Held | undefined {
    this.#known.delete(digest);
    const opening = this.#options.own && this.#canBeOurs(token) ? this.#opening(digest) : null;
    if (opening === null) return undefined;
    const { grantId, scopes, resource, expiresAt, sources, person } = opening;
    const principal: Principal = Object.freeze({ id: grantId, scopes, ...(person === null ? {} : { person }) });
    const verdict: Verdict = Object.freeze({ ok: true, principal, expiresAt });
    const held: Held = { verdict, grantId, path: resource, expiresAt, readAt: now, sources: sources === null ? null : addressesOf(sources) };
    this.#known.set(digest, held);
    // The one that was read longest ago makes room.
    if (this.#known.size > this.#options.limits.tokenMemoMax) this.#known.delete(this.#known.keys().next().value ?? "");
    if (now < expiresAt) this.#options.grants.used(grantId);
    return held;
  }

  #canBeOurs(token: string): boolean {
    return isSecretShape(token) || this.#options.signing?.isShape(token) === true;
  }

  #opening(digest: string): ReturnType<Grants["openingOf"]> {
    try {
      return this.#options.grants.openingOf(digest);
    } catch (thrown) {
      this.#options.log.error("the grants cannot be read, so no token opens anything", { reason: faultOf(thrown).message });
      return null;
    }
  }
}

/** Where it comes from; nowhere, where nobody knows. */
const addressOf = ({ address }: Credentials): string => address?.() ?? "";

const tokenIn = ({ authorization }: Credentials): string | undefined => (authorization === null ? undefined : bearer.exec(authorization)?.[1]);

/** Whether a URL of ours has that path, and nothing before or behind it. */
export function isFor(path: string | null, resource: string): boolean {
  return path === null || (resource.endsWith(path) && resource.indexOf("/", "https://".length) === resource.length - path.length);
}
