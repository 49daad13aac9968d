/**
 * What a token can be for: our MCP endpoints, under every name by which we are reached. A token is bound to the path of
 * an endpoint; this computer has three names, and clients compare what they are told with the one that they use.
 *
 * Whether a server of some name exists is not looked at: metadata are for everybody, and would tell strangers.
 */

/** Where we are reached. */
export interface Reached {
  /** The address by which others know us, or null. */
  readonly publicUrl: string | null;
  /** What is listened on; not asked before something listens. */
  listenUrl(): string;
  /** More values of Host, as `host:port`. */
  readonly allowedHosts: readonly string[];
}

/** One of our endpoints, as somebody named it. */
export interface Endpoint {
  /** As `/mcp/github`; null: all of them (RFC 8707 without a path, and clients that do not name any). */
  readonly path: string | null;
  /** As it was named. */
  readonly url: string;
  /** Where its metadata is (RFC 9728, section 3.1), under the same name. */
  readonly metadataUrl: string;
}

/** Our endpoints. */
export interface Resources {
  /** Our own name as an authorization server: the same, byte for byte, everywhere; an origin, no slash at its end. */
  issuer(): string;
  /** Whether only this computer reaches us, as far as we are told. */
  isLocal(): boolean;
  /** The endpoint of that URL; null if it is none of ours. */
  of(url: string): Endpoint | null;
  /** What a client names as the resource (RFC 8707), every endpoint where it names none; null if it is none of ours. */
  targetOf(named: string | undefined): Pick<Endpoint, "path"> | null;
  /** The origin for a Host header; the issuer for one that we do not know. */
  originOf(host: string | null): string;
}

/** Path of the metadata of a protected resource; what follows is the resource's own. */
export const resourceMetadataPath = "/.well-known/oauth-protected-resource";

const everything = Object.freeze({ path: null });
const loopbackNames: readonly string[] = Object.freeze(["127.0.0.1", "localhost", "[::1]"]);
const wildcards: readonly string[] = Object.freeze(["0.0.0.0", "[::]"]);
const serverName = "[A-Za-z0-9_.-]+";

const isLoopbackName = (host: string): boolean => host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);

/** Describes our endpoints: `bases` are their paths, each of which has one for every server below it. */
export function createResources(reached: Reached, bases: readonly string[]): Resources {
  const shape = new RegExp(`^(?:${bases.join("|")})(?:/${serverName})?$`);
  let known: { readonly for: string; readonly origins: readonly string[] } | null = null;
  const origins = (): readonly string[] => {
    const listens = reached.listenUrl();
    if (known?.for !== listens) known = { for: listens, origins: originsOf(reached, listens) };
    return known.origins;
  };
  const endpointOf = (url: string): Endpoint | null => {
    const origin = origins().find((one) => url.startsWith(one) && /^(?:\/|$)/.test(url.slice(one.length)));
    if (origin === undefined) return null;
    const path = url.slice(origin.length);
    if (path === "" || path === "/") return { path: null, url, metadataUrl: origin + resourceMetadataPath };
    return shape.test(path) ? { path, url, metadataUrl: origin + resourceMetadataPath + path } : null;
  };
  return {
    issuer: () => origins()[0] ?? "",
    isLocal: () => isLoopbackName(new URL(origins()[0] ?? "").hostname),
    originOf: (host) => origins().find((origin) => hostOf(origin) === host?.toLowerCase()) ?? origins()[0] ?? "",
    targetOf: (named) => (named === undefined ? everything : endpointOf(named)),
    of: endpointOf,
  };
}

const hostOf = (origin: string): string => origin.slice(origin.indexOf("//") + 2);

/** The first is the issuer. */
function originsOf({ publicUrl, allowedHosts }: Reached, listens: string): readonly string[] {
  const shown = publicUrl === null ? [] : [new URL(publicUrl).origin];
  // Beyond this computer nobody speaks plain http to us.
  const allowed = allowedHosts.map((host) => `${isLoopbackName(host.replace(/:\d+$/, "")) ? "http" : "https"}://${host.toLowerCase()}`);
  return [...new Set([...shown, ...listenedOn(listens), ...allowed])];
}

function listenedOn(listens: string): readonly string[] {
  const url = URL.parse(listens);
  if (url === null || !/^https?:$/.test(url.protocol)) return ["http://localhost"];
  if (!isLoopbackName(url.hostname) && !wildcards.includes(url.hostname)) return [url.origin];
  const port = url.port === "" ? "" : `:${url.port}`;
  const names = isLoopbackName(url.hostname) ? [url.hostname, ...loopbackNames] : loopbackNames;
  return names.map((name) => `${url.protocol}//${name}${port}`);
}
