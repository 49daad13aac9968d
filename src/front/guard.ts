/**
 * Who may knock at all: Host and Origin, size and type of the body. Plain functions over plain headers, run before a
 * body is read: an async middleware for each would cost more than the rest of the front.
 *
 * Host and Origin are compared whole, port included (2026-07-28, basic/transports/streamable-http: security): a page of
 * another program on this machine has our host name, but not our port, and a page that rebound its own name in the DNS
 * has neither.
 */
import { type Fault, fault } from "../base/index.ts";
import type { Listen } from "./types.ts";

/** What Host and Origin may be. */
export interface Gate {
  /** `host[:port]` in lower case; null: whatever it is (nobody reaches a unix socket by name). */
  readonly hosts: ReadonlySet<string> | null;
  readonly origins: ReadonlySet<string>;
  /** The origin for each of the hosts: what an endpoint is called depends on who asks. */
  readonly named: ReadonlyMap<string, string>;
}

/** What the gate is made of. */
export interface GateOptions {
  readonly listen: Listen;
  readonly publicUrl: string | null;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Absent or null: plain http is spoken. */
  readonly tls?: object | null;
}

const loopbackNames: readonly string[] = Object.freeze(["localhost", "127.0.0.1", "[::1]"]);
const wildcards: readonly string[] = Object.freeze(["0.0.0.0", "::", "[::]"]);

/** Whether an address can be reached from this machine only. */
export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);

/** The hosts and origins that are ours, once the port is known. */
export function gateOf(options: GateOptions, port: number): Gate {
  const scheme = (options.tls ?? null) === null ? "http" : "https";
  const own = "unix" in options.listen ? [] : namesOf(options.listen.host).flatMap((name) => withPort(scheme, name, port));
  const shown = options.publicUrl === null ? null : new URL(options.publicUrl);
  const published = shown === null ? [] : withPort(shown.protocol.slice(0, -1), shown.hostname, Number(shown.port));
  const hosts = [...own, ...published, ...options.allowedHosts].map((host) => host.toLowerCase());
  const origins = [...own.map((host) => `${scheme}://${host}`), ...(shown === null ? [] : [shown.origin]), ...options.allowedOrigins];
  return Object.freeze({
    hosts: "unix" in options.listen ? null : new Set(hosts),
    // "null" is what every sandboxed frame and local file sends: it names nobody.
    origins: new Set(origins.map((origin) => origin.toLowerCase()).filter((origin) => origin !== "null")),
    named: new Map([
      ...options.allowedHosts.map((host) => [host.toLowerCase(), originFor(host)] as const),
      ...own.map((host) => [host.toLowerCase(), `${scheme}://${host.replace(/:(80|443)$/, "")}`] as const),
      ...published.map((host) => [host.toLowerCase(), shown?.origin ?? ""] as const),
    ]),
  });
}

// Beyond this computer nobody speaks plain http to us.
const originFor = (host: string): string => `${isLoopback(host.replace(/:\d+$/, "")) ? "http" : "https"}://${host.toLowerCase()}`;

/** Our origin as a client named it that got this far. On a unix socket, where it may call us anything, there is only one. */
export const originOf = (headers: Headers, { named }: Gate): string => named.get(headers.get("host")?.toLowerCase() ?? "") ?? "http://localhost";

function namesOf(host: string): readonly string[] {
  if (isLoopback(host)) return [...new Set([...loopbackNames, bracketed(host)])];
  return wildcards.includes(host) ? loopbackNames : [bracketed(host)];
}

const bracketed = (host: string): string => (host.includes(":") && !host.startsWith("[") ? `[${host}]` : host);

// Clients leave the scheme's own port out, most of them; `URL` always does.
function withPort(scheme: string, name: string, port: number): readonly string[] {
  const usual = scheme === "https" ? 443 : 80;
  return port === 0 || port === usual ? [name, `${name}:${usual}`] : [`${name}:${port}`];
}

/** Whether only this machine can reach what is listened on. */
export const isPrivate = (listen: Listen): boolean => "unix" in listen || isLoopback(listen.host);

/** Throws LISTEN_UNSAFE for an address that others can reach without authentication, a name to check, or a proxy that does TLS. */
export function assertSafe(options: GateOptions, authenticated: boolean): void {
  if ("unix" in options.listen || isLoopback(options.listen.host)) return;
  if (!authenticated) throw fault("LISTEN_UNSAFE", { detail: `${options.listen.host} without authentication`, hint: "leave out --insecure-no-auth, or listen on loopback" });
  const missing = missingOf(options);
  if (missing.length > 0) throw fault("LISTEN_UNSAFE", { detail: `${options.listen.host} needs ${missing.join(", and ")} in the configuration` });
}

/** What an address that others can reach needs beside authentication. */
function missingOf({ publicUrl, allowedHosts, trustedProxies, tls = null }: GateOptions): readonly string[] {
  const named = publicUrl !== null || allowedHosts.length > 0;
  const secured = trustedProxies.length > 0 || tls !== null;
  return [...(named ? [] : ["publicUrl or allowedHosts"]), ...(secured ? [] : ["tls or trustedProxies"])];
}

/** Refuses a Host that is not ours and an Origin that is not let in; null lets it pass. Without Origin it is no browser. */
export function refusedOrigin(headers: Headers, gate: Gate): Fault | null {
  const origin = headers.get("origin");
  return refusedHost(headers, gate) ?? (origin === null || isListed(gate.origins, origin) ? null : fault("ORIGIN_REFUSED", { detail: "Origin" }));
}

/** Refuses a Host that is not ours, wherever the page comes from that asks. */
export function refusedHost(headers: Headers, { hosts }: Gate): Fault | null {
  const host = headers.get("host");
  // Two Host headers arrive joined by a comma, which is in no set.
  return hosts !== null && (host === null || !isListed(hosts, host)) ? fault("ORIGIN_REFUSED", { detail: "Host" }) : null;
}

/**
 * Refuses a form that does not come from a page of ours. Those pages let no referrer out, and then browsers send "null"
 * for the origin and tell by another header that it is the page's own (Fetch, "append a request Origin header"). What
 * sends neither is no browser, and has no cookies that it does not mean to send.
 */
export function refusedForm(headers: Headers, gate: Gate): Fault | null {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const isOurs = origin === null || origin === "null" ? site === "same-origin" || (origin === null && site === null) : origin.toLowerCase() === originOf(headers, gate).toLowerCase();
  return isOurs ? null : fault("ORIGIN_REFUSED", { detail: "the form comes from another page" });
}

const isListed = (set: ReadonlySet<string>, value: string): boolean => set.has(value) || set.has(value.toLowerCase());

/** Refuses a body that is announced as larger than the limit. */
export function refusedSize(headers: Headers, bytesMax: number): Fault | null {
  const length = headers.get("content-length");
  return length !== null && Number(length) > bytesMax ? tooLarge(bytesMax) : null;
}

export const tooLarge = (bytesMax: number): Fault => fault("MESSAGE_TOO_LARGE", { detail: `at most ${bytesMax} bytes` });

/** Refuses a body that is not JSON as it stands. */
export function refusedType(headers: Headers): Fault | null {
  if (!isJson(headers.get("content-type"))) return fault("CONTENT_TYPE_REFUSED");
  const encoding = headers.get("content-encoding");
  if (encoding === null || encoding === "identity") return null;
  return fault("CONTENT_TYPE_REFUSED", { detail: "Content-Encoding", hint: "send the body unencoded" });
}

const json = "application/json";

function isJson(type: string | null): boolean {
  if (type === json) return true;
  return type !== null && (type.split(";", 1)[0] ?? "").trim().toLowerCase() === json;
}
