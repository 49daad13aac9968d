/**
 * What a client says of itself, in a document or when it registers (RFC 7591, section 2), held against what we take. It
 * is told by whoever wrote it, so its name is a claim, its pictures are never loaded, and every place that a browser
 * could be sent to must be one that is safe to be sent to. What we do not know is left aside.
 */
import type { Limits } from "../base/index.ts";
import { isSafeRedirect } from "./redirects.ts";

/** How a client shows at our endpoints that it is itself. */
export type ClientMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";

/** What is left of what a client says. */
export interface ClientMetadata {
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly method: ClientMethod;
  readonly jwks: Jwks | null;
  /** It says that it uses refresh tokens. */
  readonly refreshes: boolean;
}

/** Public keys (RFC 7517, section 5). */
export interface Jwks {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

export type ClientMetadataResult = { readonly ok: true; readonly metadata: ClientMetadata } | { readonly ok: false; readonly error: "invalid_redirect_uri" | "invalid_client_metadata"; readonly why: string };

/** What is taken. */
export interface ClientMetadataRules {
  /** Private-use schemes that a browser may be sent to. */
  readonly schemes: readonly string[];
  readonly methods: readonly ClientMethod[];
  readonly needsName: boolean;
  readonly limits: Limits;
}

const nameCharsMax = 128;
const keysMax = 16;
const privateMembers = Object.freeze(["d", "p", "q", "dp", "dq", "qi", "oth", "k"]);
const addresses = Object.freeze(["client_uri", "logo_uri", "policy_uri", "tos_uri"]);

const bad = (why: string): ClientMetadataResult => ({ ok: false, error: "invalid_client_metadata", why });

/** Reads a parsed document. */
export function parseClientMetadata(given: unknown, rules: ClientMetadataRules): ClientMetadataResult {
  if (!isObject(given)) return bad("it is not a JSON object");
  const redirects = redirectsOf(given["redirect_uris"], rules);
  if (redirects === null) return { ok: false, error: "invalid_redirect_uri", why: "redirect_uris must name one or more https addresses, or http ones of this computer" };
  const name = nameOf(given["client_name"], rules.needsName);
  if (name === null) return bad("client_name must be a text");
  const method = (given["token_endpoint_auth_method"] ?? "none") as ClientMethod;
  if (!rules.methods.includes(method)) return bad("this token_endpoint_auth_method is not taken");
  const keys = keysOf(given["jwks"]);
  if (keys === "odd" || (method === "private_key_jwt") !== (keys !== null)) return bad("jwks must hold public keys, for private_key_jwt alone");
  const odd = addresses.find((member) => given[member] !== undefined && !isWebAddress(given[member]));
  if (odd !== undefined) return bad(`${odd} must be an https address`);
  return { ok: true, metadata: Object.freeze({ name, redirectUris: redirects, method, jwks: keys, refreshes: listOf(given["grant_types"]).includes("refresh_token") }) };
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function redirectsOf(value: unknown, { schemes, limits }: ClientMetadataRules): readonly string[] | null {
  const uris = listOf(value);
  if (uris.length === 0 || uris.length > limits.redirectsMax) return null;
  return uris.every((uri) => typeof uri === "string" && isSafeRedirect(uri, schemes, limits.redirectCharsMax)) ? Object.freeze([...(uris as string[])]) : null;
}

function nameOf(value: unknown, needed: boolean): string | null {
  if (value === undefined) return needed ? null : "a client without a name";
  if (typeof value !== "string" || value.trim() === "") return null;
  // Nothing that reorders or hides the words around it.
  return [...value.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, " ").trim()].slice(0, nameCharsMax).join("");
}

function keysOf(value: unknown): Jwks | null | "odd" {
  if (value === undefined) return null;
  const keys = isObject(value) ? listOf(value["keys"]) : [];
  const fine = keys.length > 0 && keys.length <= keysMax && keys.every((key) => isObject(key) && key["kty"] !== "oct" && !privateMembers.some((member) => Object.hasOwn(key, member)));
  return fine ? Object.freeze({ keys: keys as Jwks["keys"] }) : "odd";
}

const isWebAddress = (value: unknown): boolean => typeof value === "string" && URL.parse(value)?.protocol === "https:";
