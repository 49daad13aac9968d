/**
 * Access tokens of other issuers (RFC 9068): what they must be for us to let somebody in, who that is then, and what he
 * may. A token that was found good is remembered for a while, by its digest, so that a plain call costs no signature; one
 * that was not is not remembered, since strangers have as many as they like.
 */
import type { JWTPayload } from "jose";
import type { Clock, Limits } from "../base/index.ts";
import type { TrustedIssuer } from "../config/index.ts";
import type { Challenges } from "./challenge.ts";
import { scopesByClaims } from "./claims.ts";
import { NoKeys } from "./issuerKeys.ts";
import type { Issuers, Signed } from "./issuers.ts";
import type { Resources } from "./resources.ts";
import { digestOf } from "./tokens.ts";
import type { Credentials, Verdict } from "./types.ts";
import { type Foreign, isFor } from "./verify.ts";

export interface ExternalOptions {
  readonly issuers: Issuers;
  readonly resources: Resources;
  readonly challenges: Challenges;
  readonly clock: Clock;
  readonly limits: Limits;
}

/** A token that is good. */
interface Good {
  readonly verdict: Verdict;
  /** Paths of the endpoints that it is for; null: all of them. */
  readonly paths: readonly string[] | null;
  /** Until when it is not looked at again. */
  readonly until: number;
}

/** Why it is not. */
class Bad extends Error {}

/** Who comes with tokens of other issuers. */
export function createForeign(options: ExternalOptions): Foreign {
  const { issuers, clock, limits, challenges } = options;
  const known = new Map<string, Good>();
  const refused = (resource: string, why: string): Verdict => ({ ok: false, code: "TOKEN_INVALID", challenge: challenges.invalid(resource, why) });
  const judged = ({ verdict, paths }: Good, { resource }: Credentials): Verdict => (paths === null || paths.some((path) => isFor(path, resource)) ? verdict : refused(resource, "the token is for another resource"));
  const keep = (digest: string, good: Good): Good => {
    known.set(digest, good);
    if (known.size > limits.issuedMemoMax) known.delete(known.keys().next().value ?? "");
    return good;
  };
  const look = async (token: string, issuer: TrustedIssuer, digest: string, credentials: Credentials): Promise<Verdict> => {
    try {
      return judged(keep(digest, goodOf(await issuers.verified(token, issuer), options)), credentials);
    } catch (thrown) {
      return refused(credentials.resource, reasonOf(thrown));
    }
  };
  return (token, credentials, digest) => {
    const found = known.get(digest);
    if (found !== undefined && clock.now() < found.until) return judged(found, credentials);
    known.delete(digest);
    const issuer = issuers.claimed(token);
    return issuer === null ? null : look(token, issuer, digest, credentials);
  };
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof NoKeys) return "the keys of its issuer cannot be had at the moment";
  if ((thrown as { readonly code?: unknown } | null)?.code === "ERR_JWT_EXPIRED") return "the token has expired";
  return thrown instanceof Bad ? thrown.message : "the token is not valid here";
}

function goodOf(signed: Signed, options: ExternalOptions): Good {
  const { issuer, claims } = signed;
  const { clock, limits } = options;
  if (!isKind(signed)) throw new Bad("the token is no access token");
  const paths = pathsOf(issuer, claims, options.resources);
  const client = clientOf(issuer, claims);
  const expiresAt = (claims.exp ?? 0) * 1000 + limits.issuerSkewMs;
  const principal = Object.freeze({ id: `x_${digestOf(JSON.stringify([issuer.issuer, claims.sub, client]))}`, scopes: scopesByClaims(issuer, claims) });
  return { verdict: Object.freeze({ ok: true, principal, expiresAt }), paths, until: Math.min(expiresAt, clock.now() + limits.issuedMemoMs) };
}

// RFC 9068, section 4: so that nothing else that an issuer signs (identity, logout, assertions) passes for one.
const isKind = ({ issuer, kind }: Signed): boolean => kind === "at+jwt" || (issuer.typ === "jwt" && (kind === null || kind === "jwt"));

function pathsOf({ audience }: TrustedIssuer, { aud }: JWTPayload, resources: Resources): readonly string[] | null {
  const named = typeof aud === "string" ? [aud] : (aud ?? []);
  if (audience !== null && named.includes(audience)) return null;
  const paths = audience === null ? named.flatMap((one) => (typeof one === "string" ? (resources.of(one)?.path ?? []) : [])) : [];
  if (paths.length === 0) throw new Bad("the token is for another resource");
  return Object.freeze(paths);
}

function clientOf({ clients }: TrustedIssuer, { client_id: id, azp, sub }: JWTPayload): string {
  const client = id ?? azp;
  if (typeof client !== "string" || client === "" || typeof sub !== "string" || sub === "") throw new Bad("the token does not say whose it is");
  if (clients !== null && !clients.includes(client)) throw new Bad("the token is of a client that is not let in");
  return client;
}
