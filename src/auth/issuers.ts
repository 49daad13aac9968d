/**
 * The other issuers whose word counts here, by name, each with its keys; and how what one of them signed is verified:
 * who may have signed it, and how, is never taken from the token itself. What it must say beyond that is for whoever asks.
 * What verifies is loaded when there is something to verify: most have no other issuer.
 */
import type { JWTPayload } from "jose";
import type { TrustedIssuer } from "../config/index.ts";
import { parseObject } from "./issuerDocuments.ts";
import { IssuerKeys, type IssuerKeysOptions } from "./issuerKeys.ts";
import { signatures } from "./metadata.ts";

export type IssuersOptions = Omit<IssuerKeysOptions, "issuer" | "ended"> & { readonly trusted: readonly TrustedIssuer[] };

/** Something that an issuer of ours has signed. */
export interface Signed {
  readonly issuer: TrustedIssuer;
  readonly claims: JWTPayload;
  /** What it says that it is (RFC 7515, section 4.1.9): a media type, in lower case and without "application/"; null: nothing. */
  readonly kind: string | null;
}

/** The other issuers. */
export interface Issuers {
  /** The issuer that something says it is of; null: none of ours. Nothing is verified yet. */
  claimed(token: string): TrustedIssuer | null;
  /** Verifies signature, issuer, times and who it is about. Throws errors of jose, and NoKeys. */
  verified(token: string, issuer: TrustedIssuer): Promise<Signed>;
  close(): void;
}

const compact = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;

/** Makes them ready. Throws CONFIG_INVALID where keys of a file cannot be used. */
export async function openIssuers({ trusted, ...options }: IssuersOptions): Promise<Issuers> {
  const ended = new AbortController();
  const known = new Map(trusted.map((issuer) => [issuer.issuer, { issuer, keys: new IssuerKeys({ ...options, issuer, ended: ended.signal }) }]));
  for (const { keys } of known.values()) await keys.open();
  return {
    claimed: (token) => known.get(issuerIn(token) ?? "")?.issuer ?? null,
    async verified(token, issuer) {
      const { keys } = known.get(issuer.issuer) ?? {};
      if (keys === undefined) throw new Error("no such issuer");
      const { jwtVerify } = await import("jose");
      const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
        algorithms: [...signatures],
        issuer: issuer.issuer,
        requiredClaims: ["exp", "iat", "sub", "aud"],
        maxTokenAge: issuer.maxAgeMs / 1000,
        clockTolerance: options.limits.issuerSkewMs / 1000,
        currentDate: new Date(options.clock.now()),
      });
      return { issuer, claims: payload, kind: kindOf(protectedHeader.typ) };
    },
    close: () => ended.abort(),
  };
}

const kindOf = (typ: string | undefined): string | null => typ?.toLowerCase().replace(/^application\//, "") ?? null;

function issuerIn(token: string): string | null {
  if (!compact.test(token)) return null;
  const claims = parseObject(Buffer.from(token.split(".", 2)[1] ?? "", "base64url").toString());
  return typeof claims?.["iss"] === "string" ? claims["iss"] : null;
}
