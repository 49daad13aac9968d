/**
 * Identity assertions (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant): the company's issuer says that a client
 * may act here for somebody, and the client trades that for a token of ours, without a browser. The assertion is for us,
 * for one endpoint, and for the very client that brings it; it is short-lived and serves once.
 */
import type { JWTPayload } from "jose";
import type { Clock, Limits } from "../base/index.ts";
import type { Person } from "../protocol/index.ts";
import { personIdOf, scopesByClaims } from "./claims.ts";
import type { Assertions } from "./assertions.ts";
import type { Client } from "./clients.ts";
import type { Issuers, Signed } from "./issuers.ts";
import type { Resources } from "./resources.ts";
import { parseScopes } from "./scopes.ts";

export interface IdJagOptions {
  readonly issuers: Issuers;
  readonly assertions: Assertions;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly limits: Limits;
}

/** What an assertion gives. */
export interface Asserted {
  /** Whose it is: by the issuer, and its word for somebody. */
  readonly person: Person;
  /** Path of the endpoint; null: all of them. */
  readonly path: string | null;
  readonly scopes: readonly string[];
}

/** What an assertion gives to that client; null: nothing, whatever the reason. It serves once. */
export async function redeemIdJag(assertion: string, client: Client, options: IdJagOptions): Promise<Asserted | null> {
  const issuer = options.issuers.claimed(assertion);
  if (issuer === null || !issuer.idJag) return null;
  try {
    const signed = await options.issuers.verified(assertion, issuer);
    const path = pathOf(signed.claims, options.resources);
    if (path === undefined || !isForUs(signed, client, options) || !isShort(signed.claims, options)) return null;
    return isNew(signed.claims, options) ? assertedOf(signed, path) : null;
  } catch {
    return null; // whatever is wrong with it: it proves nothing
  }
}

function isForUs({ kind, claims, issuer }: Signed, client: Client, { resources }: IdJagOptions): boolean {
  // One audience, or another receiver could show it to us. What is bound to a key (cnf) wants a proof that we do not take.
  const isOurs = claims.aud === resources.issuer() && claims["client_id"] === client.id && claims["cnf"] === undefined;
  return kind === "oauth-id-jag+jwt" && isOurs && (issuer.clients === null || issuer.clients.includes(client.id));
}

function isShort({ exp = 0, iat = 0 }: JWTPayload, { clock, limits }: IdJagOptions): boolean {
  return (exp - iat) * 1000 <= limits.idJagMsMax && exp * 1000 <= clock.now() + limits.idJagMsMax + limits.issuerSkewMs;
}

function isNew({ iss, jti, exp = 0 }: JWTPayload, { assertions, limits }: IdJagOptions): boolean {
  return typeof jti === "string" && jti !== "" && assertions.isNew(`id-jag ${JSON.stringify([iss, jti])}`, exp * 1000 + limits.issuerSkewMs);
}

function pathOf({ resource }: JWTPayload, resources: Resources): string | null | undefined {
  return typeof resource === "string" ? resources.targetOf(resource)?.path : undefined;
}

// What the issuer names as scope narrows what the rules here give, and never adds to it.
function assertedOf({ issuer, claims }: Signed, path: string | null): Asserted | null {
  const { scope, sub } = claims;
  const named = scope === undefined ? null : parseScopes(typeof scope === "string" ? scope : " ");
  const scopes = scopesByClaims(issuer, claims).filter((one) => named === null || named.includes(one));
  return typeof sub === "string" && sub !== "" ? { person: { id: personIdOf(issuer.issuer, sub), name: `${sub} of ${issuer.issuer}` }, path, scopes } : null;
}
