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
}

/** What the gate is made of. */
export interface GateOptions {
  readonly listen: Listen;
  readonly publicUrl: string | null;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
}

const loopbackNames: readonly string[] = Object.freeze(["localhost", "127.0.0.1", "[::1]"]);
const wildcards: readonly string[] = Object.freeze(["0.0.0.0", "::", "[::]"]);

/** Whether an address can be reached from this machine only. */
export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);

/** The hosts and origins that are ours, once the port is known. */
export function gateOf(options: GateOptions, port: number): Gate {
  const own = "unix" in options.listen ? [] : namesOf(options.listen.host).flatMap((name) => withPort("http", name, port));
  const shown = options.publicUrl === null ? null : new URL(options.publicUrl);
  const published = shown === null ? [] : withPort(shown.protocol.slice(0, -1), shown.hostname, Number(shown.port));
  const hosts = [...own, ...published, ...options.allowedHosts].map((host) => host.toLowerCase());
  const origins = [...own.map((host) => `http://${host}`), ...(shown === null ? [] : [shown.origin]), ...options.allowedOrigins];
  return Object.freeze({
    hosts: "unix" in options.listen ? null : new Set(hosts),
    // "null" is what every sandboxed frame and local file sends: it names nobody.
    origins: new Set(origins.map((origin) => origin.toLowerCase()).filter((origin) => origin !== "null")),
  });
}

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
  const missing = [
    ...(options.publicUrl === null && options.allowedHosts.length === 0 ? ["publicUrl or allowedHosts"] : []),
    ...(options.trustedProxies.length === 0 ? ["trustedProxies"] : []),
  ];
  if (missing.length > 0) throw fault("LISTEN_UNSAFE", { detail: `${options.listen.host} needs ${missing.join(", and ")} in the configuration` });
}

/** Refuses a Host that is not ours and an Origin that is not let in; null lets it pass. Without Origin it is no browser. */
export function refusedOrigin(headers: Headers, gate: Gate): Fault | null {
  const host = headers.get("host");
  // Two Host headers arrive joined by a comma, which is in no set.
  if (gate.hosts !== null && (host === null || !isListed(gate.hosts, host))) return fault("ORIGIN_REFUSED", { detail: "Host" });
  const origin = headers.get("origin");
  return origin === null || isListed(gate.origins, origin) ? null : fault("ORIGIN_REFUSED", { detail: "Origin" });
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
