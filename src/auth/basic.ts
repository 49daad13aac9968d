/**
 * A client's id and secret in the header of a request (RFC 6749, section 2.3.1): both are encoded as in a form before they
 * are joined, which plain HTTP Basic knows nothing of; as a client sends them, and as a server reads them.
 */

/** The value of Authorization. */
export const basicOf = (id: string, secret: string): string => `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString("base64")}`;

const encoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice("x=".length);

/** What such a value says; an empty secret is none. Null for what is none of these. */
export function parseBasic(authorization: string): { readonly id: string; readonly secret: string | null } | null {
  const joined = /^basic +([\w+/-]{1,2048}=*)$/i.exec(authorization)?.[1];
  if (joined === undefined) return null;
  const [id, ...secret] = Buffer.from(joined, "base64").toString("utf8").split(":");
  const [plainId, plainSecret] = [decoded(id ?? ""), decoded(secret.join(":"))];
  return plainId === null || plainSecret === null || plainId === "" ? null : { id: plainId, secret: plainSecret === "" ? null : plainSecret };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
