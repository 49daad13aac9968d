/**
 * What goes in and out of the authorization server, apart from what it means: parameters that must not be repeated,
 * forms, cookies, and the few kinds of answers. Nothing that is answered may be kept by anybody on the way.
 */
import type { OAuthIn, OAuthOut, Page } from "./types.ts";

/** Parameters that were sent once each, or the name of one that was sent more than once (RFC 6749, 3.1 and 3.2). */
export type Parameters = { readonly ok: true; readonly values: ReadonlyMap<string, string> } | { readonly ok: false; readonly repeated: string };

/** The parameters of a query or form; those without a value count as left out. */
export function parseParameters(given: URLSearchParams): Parameters {
  const values = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of given) {
    if (names.has(name)) return { ok: false, repeated: name };
    names.add(name);
    if (value !== "") values.set(name, value);
  }
  return { ok: true, values };
}

/** The form that a request brings; null if it brings something else. */
export function formOf(request: OAuthIn): URLSearchParams | null {
  const type = request.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/x-www-form-urlencoded" ? new URLSearchParams(request.body) : null;
}

/** A cookie's value; null if the browser has none of that name, or several. */
export function cookieOf(header: string | null, name: string): string | null {
  const found = (header ?? "").split(";").map((pair) => pair.trim()).filter((pair) => pair.startsWith(`${name}=`));
  return found.length === 1 ? (found[0]?.slice(name.length + 1) ?? null) : null;
}

/** Whether a request that changes something comes from a page of ours, as far as the browser tells. */
export function isFromUs(request: OAuthIn, origin: string): boolean {
  const site = request.header("sec-fetch-site");
  const from = request.header("origin");
  // Our pages let no referrer out, and then browsers send "null" in place of the origin (Fetch, "append a request Origin header").
  if (from === "null") return site === "same-origin";
  return (site === null || site === "same-origin") && (from === null || from.toLowerCase() === origin);
}

/** A page of ours and nothing else: "//elsewhere" and "/\\elsewhere" are other hosts to a browser. */
export const localPath = (next: string | null): string => (next !== null && /^\/(?![/\\])[!$-;=?-[\]_a-z~]*$/.test(next) ? next : "/");

const noStore = Object.freeze({ "Cache-Control": "no-store", Pragma: "no-cache", "Referrer-Policy": "no-referrer" });

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): OAuthOut => ({ kind: "json", status, headers: { ...noStore, ...headers }, body });

/** An error in the words of OAuth. */
export const refused = (status: number, error: string, description: string, headers: Readonly<Record<string, string>> = {}): OAuthOut => json(status, { error, error_description: description }, headers);

export const page = (shown: Page, status = 200, headers: Readonly<Record<string, string>> = {}): OAuthOut => ({ kind: "page", status, headers: { ...noStore, ...headers }, page: shown });

export const notice = (status: number, title: string, text: string): OAuthOut => page({ name: "notice", title, text }, status);

export const redirect = (to: string, headers: Readonly<Record<string, string>> = {}): OAuthOut => ({ kind: "redirect", to, headers: { ...noStore, ...headers } });

/** Another verb than those that are served. */
export const otherVerb = (allow: string): OAuthOut => refused(405, "invalid_request", "the method is not served here", { Allow: allow });
