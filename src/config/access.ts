/**
 * The part of the configuration that says who may call us: its shape, and every default. Nothing in here is put out
 * alone: a mistake in what guards the door refuses the whole file, at the start and while running.
 */
import { resolve } from "node:path";
import * as v from "valibot";
import { dayMs, scopes, secondMs, text, wholeNumber } from "./shapes.ts";
import { type SignInConfig, signInEntry, signInOf } from "./signIn.ts";
import { issuersEntry, issuersOf, type TrustedIssuer } from "./trusted.ts";

const lifetime = (most: number, description: string, standard: string) => wholeNumber(secondMs, most, `${description}, in milliseconds. Default: ${standard}.`);

const minuteMs = 60 * secondMs;

const host = v.pipe(v.string(), v.regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$/, "must be a host name in lower case, without scheme and path"));
const clientId = v.pipe(v.string(), v.regex(/^[\x20-\x7e]{1,256}$/, "must be 1 to 256 plain characters"));

const preregistered = v.strictObject({
  clientId: v.pipe(clientId, v.description("What the client calls itself.")),
  name: v.optional(v.pipe(text(), v.description("How people are shown it. Default: clientId."))),
  redirectUris: v.optional(v.pipe(v.array(text()), v.description("Where the browser may go back to, exactly; the port of this computer's http addresses is free. Default: none."))),
  secretSha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits in lower case"), v.description("SHA-256 of its secret, in hexadecimal. Default: it has none."))),
  jwks: v.optional(
    v.pipe(
      v.strictObject({ keys: v.pipe(v.array(v.record(v.string(), v.unknown())), v.minLength(1, "must hold a key")) }),
      v.check(({ keys }) => keys.every((key) => !("d" in key) && !("k" in key)), "must hold public keys only"),
      v.description("Its public keys, where it signs in place of a secret (private_key_jwt). Default: none."),
    ),
  ),
  clientCredentials: v.optional(scopes("What it is granted by itself, without a person (client credentials); needs secretSha256 or jwks. Default: not at all.")),
});

/** `auth` of the configuration. */
export const accessEntry = v.pipe(v.strictObject({
  mode: v.optional(v.pipe(v.picklist(["oauth", "token", "external", "mixed"]), v.description("How callers are known. oauth: people approve clients here. token: by tokens made with `1mcp token create` alone. external: by tokens of other issuers alone. mixed: both. Default: oauth."))),
  clients: v.optional(
    v.pipe(
      v.strictObject({
        cimd: v.optional(v.pipe(v.picklist(["allowlist", "pinned", "open", "off"]), v.description("Which clients may be named by the address of their metadata document, which is fetched: those of known hosts, those that were pinned (nothing is fetched), any, none. Default: allowlist."))),
        allow: v.optional(v.pipe(v.array(host), v.description("With allowlist: hosts beside the well-known ones. Default: none."))),
        registration: v.optional(v.pipe(v.picklist(["off", "local-only", "open"]), v.description("Whether clients may register themselves. local-only: where we are reached from this computer alone. Default: local-only."))),
        redirectSchemes: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^(?!(https?|javascript|data|file|blob|about|vbscript|view-source)$)[a-z][a-z0-9+.-]*$/, "is not a scheme that may be redirected to"))), v.description("Private-use schemes (as vscode) that a browser may go back to. Default: none."))),
        preregistered: v.optional(v.pipe(v.array(preregistered), v.description("Clients that are known from the start. Default: none."))),
      }),
      v.description("Which clients may ask for a grant."),
    ),
  ),
  tokens: v.optional(
    v.pipe(
      v.strictObject({
        accessMs: v.optional(lifetime(dayMs, "Life of an access token", "900000")),
        refreshIdleMs: v.optional(lifetime(366 * dayMs, "A grant ends when it was not renewed for so long", "1209600000")),
        refreshAbsoluteMs: v.optional(lifetime(366 * dayMs, "A grant ends so long after it was given", "7776000000")),
        format: v.optional(v.pipe(v.picklist(["opaque", "jwt"]), v.description("What access tokens are. opaque: they say nothing, and we alone know what they open. jwt: signed (RFC 9068), for other servers that shall know them by our keys at /jwks.json. Default: opaque."))),
      }),
      v.description("How long things live, and what tokens are."),
    ),
  ),
  defaultScopes: v.optional(scopes("What a caller without a token is told to ask for. Default: nothing, and the operator chooses.")),
  stepUp: v.optional(v.pipe(v.picklist(["challenge", "hide"]), v.description("A call beyond the grant: answered with what it needs, or as if there were nothing of that name. Default: challenge."))),
  operatorPasswordFile: v.optional(v.pipe(text(), v.description("File with the password of the operator's pages; a relative path starts at the configuration's folder. Default: none."))),
  issuers: v.optional(issuersEntry),
  signIn: v.optional(signInEntry),
}), v.check(({ mode, signIn }) => signIn === undefined || (mode !== "external" && mode !== "token"), "has signIn, which needs the mode oauth or mixed: elsewhere nothing is approved here"), v.check(({ mode, issuers = [] }) => (mode !== "external" && mode !== "mixed") || issuers.length > 0, "needs issuers with this mode: whose tokens count"));

export type AccessEntry = v.InferOutput<typeof accessEntry>;

/** A client that the operator wrote down. */
export interface PreregisteredClient {
  readonly clientId: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  /** In hexadecimal. */
  readonly secretSha256: string | null;
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | null;
  /** Null: it gets nothing without a person. */
  readonly clientCredentials: readonly string[] | null;
}

/** Who may call us, every default filled in. */
export interface AccessConfig {
  readonly mode: "oauth" | "token" | "external" | "mixed";
  readonly clients: {
    readonly cimd: "allowlist" | "pinned" | "open" | "off";
    readonly allow: readonly string[];
    readonly registration: "off" | "local-only" | "open";
    readonly redirectSchemes: readonly string[];
    readonly preregistered: readonly PreregisteredClient[];
  };
  readonly tokens: { readonly accessMs: number; readonly refreshIdleMs: number; readonly refreshAbsoluteMs: number; readonly format: "opaque" | "jwt" };
  readonly defaultScopes: readonly string[];
  readonly stepUp: "challenge" | "hide";
  readonly operatorPasswordFile: string | null;
  /** Whose tokens count beside ours. */
  readonly issuers: readonly TrustedIssuer[];
  /** How people of a company decide themselves; null: they do not. */
  readonly signIn: SignInConfig | null;
}

const lives = Object.freeze({ accessMs: 15 * minuteMs, refreshIdleMs: 14 * dayMs, refreshAbsoluteMs: 90 * dayMs, format: "opaque" } as const);
const clientDefaults = Object.freeze({ cimd: "allowlist", allow: Object.freeze([]), registration: "local-only", redirectSchemes: Object.freeze([]) } as const);
const plain = Object.freeze({ mode: "oauth", defaultScopes: Object.freeze([]), stepUp: "challenge", operatorPasswordFile: null } as const);

/** What was written in a file of this folder, and the defaults of the rest. What stands in a file is never undefined. */
export function accessOf(entry: AccessEntry | undefined, folder: string): AccessConfig {
  const { clients, tokens, issuers: _, signIn: __, ...rest } = (entry ?? {}) as Omit<Partial<AccessConfig>, "issuers" | "signIn"> & Pick<AccessEntry, "issuers" | "signIn">;
  const passwordFile = entry?.operatorPasswordFile;
  return Object.freeze({
    ...plain,
    ...rest,
    issuers: issuersOf(entry?.issuers, folder),
    signIn: signInOf(entry?.signIn, folder),
    operatorPasswordFile: passwordFile === undefined ? null : resolve(folder, passwordFile),
    clients: Object.freeze({ ...clientDefaults, ...clients, preregistered: Object.freeze((entry?.clients?.preregistered ?? []).map(clientOf)) }),
    tokens: Object.freeze({ ...lives, ...tokens }),
  });
}

/**
 * Whether several people call us, as far as a configuration tells: who comes by the word of another issuer is somebody of
 * his own, while everything that is approved or made here is the operator's, however many clients and tokens he has.
 */
export const isForSeveral = ({ mode, issuers = [], signIn }: AccessEntry = {}): boolean => mode !== "token" && (issuers.length > 0 || signIn !== undefined);

type PreregisteredEntry = v.InferOutput<typeof preregistered>;

const clientOf = ({ clientId: id, name = id, redirectUris = [], secretSha256, jwks, clientCredentials }: PreregisteredEntry): PreregisteredClient =>
  Object.freeze({ clientId: id, name, redirectUris, secretSha256: secretSha256 ?? null, jwks: jwks ?? null, clientCredentials: clientCredentials ?? null });
