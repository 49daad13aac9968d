/**
 * Scopes as clients send them, and how they narrow. Pure: what a scope opens is said where it is looked at (catalog).
 * Nothing here ever makes more of what was granted.
 */

const scopesMax = 200;
const scopeShape = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

/** Whether a text can be one scope (RFC 6749, appendix A.4). */
export const isScope = (text: string): boolean => scopeShape.test(text);

/** The scopes of a parameter, each once; null if it cannot be read as such. */
export function parseScopes(text: string | undefined): readonly string[] | null {
  if (text === undefined) return [];
  const scopes = [...new Set(text.split(" ").filter((scope) => scope !== ""))];
  return scopes.length <= scopesMax && scopes.every(isScope) ? scopes : null;
}

/** What may be granted: what was asked for and exists, or all there is where nothing of that was asked for. */
export function offered<T extends { readonly scope: string }>(asked: readonly string[], grantable: readonly T[]): readonly (T & { readonly asked: boolean })[] {
  const wanted = grantable.filter(({ scope }) => asked.includes(scope));
  return wanted.length > 0 ? wanted.map((one) => ({ ...one, asked: true })) : grantable.map((one) => ({ ...one, asked: false }));
}

/**
 * The part of a grant that is asked for: all of it where nothing is; null where more is asked for than there is (RFC
 * 6749, section 6). A refresh is no way to get offline access, so that it is named changes nothing.
 */
export function narrowed(granted: readonly string[] | null, asked: readonly string[]): readonly string[] | null {
  const wanted = asked.filter((scope) => scope !== "offline_access");
  if (wanted.length === 0) return granted ?? [];
  return wanted.every((scope) => granted?.includes(scope) === true) ? wanted : null;
}
