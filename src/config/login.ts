/**
 * The part of a remote server's entry that says how we log in there (OAuth 2.1 as a client): its shape, and what is made
 * of it. Where nothing is written, everything is found out from the server itself once it asks for a login.
 */
import * as v from "valibot";
import { Secret } from "../base/index.ts";
import { type SecretReference, valueEither } from "./reference.ts";
import { isSafeWay, scopes, text } from "./shapes.ts";

const secret = v.pipe(valueEither, v.check((value) => value !== "", "must not be empty"));

const hostName = v.pipe(v.string(), v.regex(/^[^\s/@?#*:]+$/, "must be a host name, without scheme, port and path"));

const isHttpsDocument = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && url.protocol === "https:" && url.pathname !== "/" && url.username === "" && url.hash === "";
};
// RFC 8252: plain http for this computer alone.
const isCallback = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && url.hash === "" && url.username === "" && isSafeWay(url);
};

const references = "${VAR} and ${VAR:-default} are replaced";

/** `oauth` of a server that is reached by a URL. */
export const oauthEntry = v.strictObject({
  grant: v.optional(v.pipe(v.picklist(["authorization_code", "client_credentials"]), v.description("How a token is got: a person logs in, or we do by ourselves. Default: authorization_code."))),
  clientId: v.optional(v.pipe(text(), v.description(`The client that was registered for us there; ${references}. Default: we register ourselves.`))),
  clientSecret: v.optional(v.pipe(secret, v.description(`Its secret; ${references}. Default: none.`))),
  privateKey: v.optional(v.pipe(secret, v.description(`PEM (PKCS #8) of the key that it signs with in place of a secret (private_key_jwt); ${references}. Default: none.`))),
  keyAlgorithm: v.optional(v.pipe(v.picklist(["ES256", "ES384", "RS256", "PS256"]), v.description("How it signs. Default: ES256."))),
  issuer: v.optional(v.pipe(text(), v.description("The authorization server that clientId is for: no other gets to see its secret. Default: the first one that the server names."))),
  clientMetadataUrl: v.optional(v.pipe(v.string(), v.check(isHttpsDocument, "must be an https URL with a path"), v.description("Our client metadata document, where the authorization server takes such. Default: our own one where publicUrl is https."))),
  scopes: v.optional(scopes("What to ask for. Default: what the server names.")),
  redirectUrl: v.optional(v.pipe(v.string(), v.check(isCallback, "must be an https URL, or an http one of this computer"), v.description("Where the browser comes back to. Default: /oauth/callback here."))),
  allowHosts: v.optional(v.pipe(v.array(hostName), v.description("Hosts in private networks that may take part in the login beside the server's own. Default: none."))),
});

export type OAuthEntry = v.InferOutput<typeof oauthEntry>;

/** How we log in at one remote server. */
export interface RemoteOAuth {
  readonly grant: "authorization_code" | "client_credentials";
  readonly clientId: string | null;
  readonly clientSecret: Secret | null;
  readonly privateKey: Secret | null;
  readonly keyAlgorithm: string;
  readonly issuer: string | null;
  readonly clientMetadataUrl: string | null;
  /** Empty: those that the server names. */
  readonly scopes: readonly string[];
  readonly redirectUrl: string | null;
  readonly allowHosts: readonly string[];
}

/** Those of its members that are read. */
export type OAuthText = "clientId" | "clientSecret" | "privateKey";

/** What was written, with its variables put in by `read`. */
export function oauthOf(entry: OAuthEntry | undefined, read: (key: OAuthText, written: string | SecretReference) => string): RemoteOAuth {
  const texts = { clientId: textOf("clientId", entry, read), clientSecret: textOf("clientSecret", entry, read), privateKey: textOf("privateKey", entry, read) };
  return Object.freeze({
    ...plain,
    // What stands in a file is never undefined.
    ...(entry as Partial<RemoteOAuth> | undefined),
    scopes: Object.freeze([...(entry?.scopes ?? [])]),
    allowHosts: Object.freeze([...(entry?.allowHosts ?? [])]),
    clientId: texts.clientId,
    clientSecret: secretOf(texts.clientSecret),
    privateKey: secretOf(texts.privateKey),
  });
}

const plain = Object.freeze({ grant: "authorization_code", keyAlgorithm: "ES256", issuer: null, clientMetadataUrl: null, redirectUrl: null } as const);

const secretOf = (text: string | null): Secret | null => (text === null ? null : new Secret(text));

function textOf(key: OAuthText, entry: OAuthEntry | undefined, read: (key: OAuthText, written: string | SecretReference) => string): string | null {
  const written = entry?.[key];
  return written === undefined ? null : read(key, written);
}

/** What cannot be meant together; null where all is well. */
export function oauthProblem({ grant, clientId, clientSecret, privateKey }: OAuthEntry): string | null {
  const proofs = [clientSecret, privateKey].filter((proof) => proof !== undefined).length;
  if (clientId === undefined && proofs > 0) return "has a secret without clientId";
  if (proofs > 1) return "has both clientSecret and privateKey";
  return grant === "client_credentials" && proofs === 0 ? "needs clientId, and clientSecret or privateKey, for client_credentials" : null;
}
