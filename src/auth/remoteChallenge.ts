/**
 * What a remote server says in WWW-Authenticate (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9728, section 5.1).
 * The header may hold several challenges; the one for bearer tokens counts. Everything in it is a stranger's word.
 */

/** The challenge for bearer tokens; empty where there is none. */
export interface Challenge {
  readonly error: string | null;
  readonly scopes: readonly string[];
  /** Where the server's metadata is said to be. */
  readonly resourceMetadata: URL | null;
}

const empty: Challenge = Object.freeze({ error: null, scopes: Object.freeze([]), resourceMetadata: null });

// A scheme, or name=value with the value as token or quoted string; one after the other, with commas or blanks between.
const piece = /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~/=-]+))/y;
const charsMax = 8192;
// RFC 6749, appendix A.4.
const scopeShape = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Reads the header; what it cannot read ends it. Never throws. */
export function parseChallenge(header: string | null): Challenge {
  const members = bearerMembers((header ?? "").slice(0, charsMax));
  if (members.size === 0) return empty;
  return { error: members.get("error") ?? null, scopes: scopesOf(members.get("scope") ?? ""), resourceMetadata: URL.parse(members.get("resource_metadata") ?? "") };
}

/** Scopes as they are written in one text. */
export const scopesOf = (text: string): readonly string[] => [...new Set(text.split(/\s+/).filter((scope) => scopeShape.test(scope)))];

function bearerMembers(header: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let scheme = "";
  piece.lastIndex = 0;
  for (let found = piece.exec(header); found !== null; found = piece.exec(header)) {
    const [, name, quoted, token, word] = found;
    if (word !== undefined) scheme = word.toLowerCase();
    else if (scheme === "bearer" && name !== undefined && !members.has(name.toLowerCase())) members.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? token ?? "");
  }
  return members;
}
