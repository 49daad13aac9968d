/** What is granted by what another issuer says of somebody. Pure; what is not said grants nothing. */
import type { ClaimRule, TrustedIssuer } from "../config/index.ts";
import { digestOf } from "./tokens.ts";

/** The id of somebody: only issuer and subject name him for ever (OpenID Connect Core, section 5.7). */
export const personIdOf = (issuer: string, subject: string): string => `p_${digestOf(JSON.stringify([issuer, subject]))}`;

type Claims = Readonly<Record<string, unknown>>;

/** The scopes of whoever these claims are about. */
export function scopesByClaims({ scopes, rules }: Pick<TrustedIssuer, "scopes" | "rules">, claims: Claims): readonly string[] {
  return Object.freeze([...new Set([...scopes, ...rules.filter((rule) => holds(rule, claims)).flatMap((rule) => rule.scopes)])]);
}

function holds({ claim, contains, equals }: ClaimRule, claims: Claims): boolean {
  const value = valueAt(claims, claim);
  if (equals !== null) return value === equals;
  if (typeof value === "string") return value.split(" ").includes(contains ?? "");
  return Array.isArray(value) && value.includes(contains);
}

function valueAt(claims: Claims, claim: string): unknown {
  if (!claim.startsWith("/")) return memberOf(claims, claim);
  const steps = claim.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return steps.reduce<unknown>(memberOf, claims);
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined;
