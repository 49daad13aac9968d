/** What browsers are told: which origins may call, with which headers, and what their scripts may read. Never with credentials. */

/** Header names for browsers; a name may end in `*`. */
export interface Cors {
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
}

const preflightSeconds = 600;

/** Headers for an answer to an origin that was let in; null where no browser asks. */
export function corsOf(origin: string | null, cors: Cors): Readonly<Record<string, string>> | null {
  if (origin === null) return null;
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": ["WWW-Authenticate", ...cors.responseHeaders].join(", "),
    Vary: "Origin",
  };
}

/** The answer to a preflight request of an origin that was let in. */
export function preflight(headers: Headers, verbs: string, cors: Cors): Response {
  const origin = corsOf(headers.get("origin"), cors);
  if (origin === null) return new Response(null, { status: 204, headers: { Allow: verbs } });
  return new Response(null, {
    status: 204,
    headers: {
      ...origin,
      Allow: verbs,
      "Access-Control-Allow-Methods": verbs,
      "Access-Control-Allow-Headers": allowedOf(headers.get("access-control-request-headers") ?? "", cors).join(", "),
      "Access-Control-Max-Age": String(preflightSeconds),
      Vary: "Origin, Access-Control-Request-Headers",
    },
  });
}

// The wanted names that are allowed rather than the whole list: a name with a free ending cannot be listed.
function allowedOf(wanted: string, cors: Cors): string[] {
  const allowed = ["authorization", "content-type", ...cors.requestHeaders.map((name) => name.toLowerCase())];
  const names = wanted.split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "" && allowed.some((pattern) => fits(name, pattern)));
}

const fits = (name: string, pattern: string): boolean => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
