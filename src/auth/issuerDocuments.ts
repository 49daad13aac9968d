/**
 * What another issuer publishes: its metadata (RFC 8414, or OpenID Connect Discovery), and its keys (RFC 7517). The
 * operator named the issuer, so it may be on a private network; where its metadata lead to another host, only the public
 * internet will do. Everything is small, quick, and without redirects.
 */
import type { JSONWebKeySet } from "jose";
import { type Clock, type Egress, type EgressReply, faultOf, type Limits } from "../base/index.ts";
import type { TrustedIssuer } from "../config/index.ts";
import { isObject } from "./clientMetadata.ts";

export interface PublishedOptions {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Nobody waits for it any more. */
  readonly ended: AbortSignal;
}

/** Keys that can be used, or why there are none, without anything of what was sent in it. */
export type KeysResult = { readonly ok: true; readonly keys: JSONWebKeySet } | { readonly ok: false; readonly why: string };

const no = (why: string): KeysResult => ({ ok: false, why });

/** Reads a set of keys: public ones alone, and at least one. */
export function parseKeys(text: string, keysMax: number): KeysResult {
  const parsed = parseObject(text);
  const listed = parsed?.["keys"];
  if (!Array.isArray(listed) || listed.length > keysMax) return no(`they are no set of at most ${keysMax} keys`);
  if (listed.some((key) => isObject(key) && ("d" in key || "k" in key))) return no("they hold a secret key");
  const keys = listed.filter((key) => isObject(key) && typeof key["kty"] === "string");
  return keys.length === 0 ? no("there is no key among them") : { ok: true, keys: { keys } as unknown as JSONWebKeySet };
}

/** Fetches the keys of an issuer. Never rejects. */
export async function fetchKeys({ issuer, jwksUrl }: Pick<TrustedIssuer, "issuer" | "jwksUrl">, options: PublishedOptions): Promise<KeysResult> {
  try {
    return await published(options, async (get) => {
      const place = jwksUrl ?? (await placeOf(issuer, get));
      if (place === null) return no("its metadata do not say where they are");
      return parseKeys(await get(place, jwksUrl !== null || new URL(place).origin === new URL(issuer).origin), options.limits.issuerKeysMax);
    });
  } catch (thrown) {
    return no(whyOf(thrown));
  }
}

/** Gets a document; `isNamed`: the operator named the address, or its host. "" where the issuer has none there. */
type Get = (url: string, isNamed: boolean) => Promise<string>;

class Late extends Error {}

/** Asks an issuer for as long as that may take. Throws what egress throws, and what `whyOf` knows. */
export async function published<T>(options: PublishedOptions, ask: (get: Get, signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = new AbortController();
  const timer = options.clock.timer(options.limits.issuerMsMax, () => patience.abort());
  const signal = AbortSignal.any([patience.signal, options.ended]);
  try {
    return await ask((url, isNamed) => fetched(url, isNamed, signal, options), signal);
  } catch (thrown) {
    throw patience.signal.aborted ? new Late() : thrown;
  } finally {
    timer.cancel();
  }
}

/** Why an issuer could not be asked, without anything of what it sent. */
export const whyOf = (thrown: unknown): string => (thrown instanceof Late ? "it does not answer in time" : faultOf(thrown).message);

async function placeOf(issuer: string, get: Get): Promise<string | null> {
  for (const url of metadataUrls(issuer)) {
    const metadata = parseObject(await get(url, true).catch(unlessCancelled));
    // Somebody else's metadata under this address say nothing (RFC 8414, section 3.3).
    const place = metadata?.["issuer"] === issuer ? metadata["jwks_uri"] : null;
    if (typeof place === "string" && URL.canParse(place)) return place;
  }
  return null;
}

function unlessCancelled(thrown: unknown): string {
  const { code } = faultOf(thrown);
  if (code === "BACKEND_REFUSED") return "";
  throw thrown;
}

function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  return [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}${path}/.well-known/openid-configuration`];
}

async function fetched(url: string, isNamed: boolean, signal: AbortSignal, { egress, limits }: PublishedOptions): Promise<string> {
  const reply = await egress.send(url, { method: "GET", headers: { accept: "application/json" }, signal, backend: "issuer", ...(isNamed ? {} : { reach: "public" }) });
  if (reply.status !== 200) return refusedBy(reply);
  return new TextDecoder("utf-8").decode(await reply.all(limits.issuerBytesMax));
}

function refusedBy(reply: EgressReply): string {
  reply.cancel();
  return "";
}

/** Reads a document; null: it is none. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
