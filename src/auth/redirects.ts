/**
 * Where a browser may be sent with a code. A redirect URI is compared as it was written, with one exception: programs on
 * this computer listen on whatever port is free (RFC 8252, section 7.3), so the port of its plain http addresses does not
 * count. Nothing is normalized, because two readers of one URL may differ in what they make of it.
 */

const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?((?:[/?]|$)[^#]*)$/;

/** Whether a redirect URI may be registered: https, plain http of this computer, or a private scheme that the operator named. */
export function isSafeRedirect(uri: string, schemes: readonly string[], charsMax: number): boolean {
  // Only what can stand in a URL; neither a fragment, nor what some readers take for a slash.
  if (uri.length > charsMax || !/^[!$-;=?-[\]_a-z~]+$/.test(uri)) return false;
  const url = URL.parse(uri);
  if (url === null || url.username !== "" || url.password !== "") return false;
  if (uri.startsWith("http://")) return isLoopbackRedirect(uri);
  // Nobody may hide in front of an @, be it one that this reader does not see.
  if (uri.startsWith("https://")) return url.hostname !== "" && /^https:\/\/[^/?@\\]+(?:[/?]|$)/.test(uri);
  return schemes.some((scheme) => uri.startsWith(`${scheme}:`));
}

/** Whether it leads to a program on this computer. */
export function isLoopbackRedirect(uri: string): boolean {
  const port = loopback.exec(uri);
  return port !== null && (port[2] === undefined || (Number(port[2]) > 0 && Number(port[2]) < 65_536));
}

/** Whether a redirect URI is one of those that were registered. */
export function isRegistered(uri: string, registered: readonly string[]): boolean {
  if (registered.includes(uri)) return true;
  const asked = isLoopbackRedirect(uri) ? loopback.exec(uri) : null;
  if (asked === null) return false;
  return registered.some((one) => {
    const known = loopback.exec(one);
    return known !== null && known[1] === asked[1] && known[3] === asked[3];
  });
}

/** Host and port as people are shown them. */
export const redirectHost = (uri: string): string => {
  const url = URL.parse(uri);
  return url === null || url.host === "" ? `${uri.split(":", 1)[0]}:` : url.host;
};

/** The URI with more parameters; those that it has stay as they were written. */
export function withParameters(uri: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString();
  return uri + (uri.includes("?") ? (/[?&]$/.test(uri) ? "" : "&") : "?") + query;
}
