/**
 * What our secrets look like, and what is kept of them. Every bearer secret that we give out (static token, access and
 * refresh token, code, handle, cookie) has one shape, a fixed beginning and a checksum, so that scanners find it where it
 * should not be and the log masks it whatever it is; and none is kept but as its SHA-256, which is what is looked up, so
 * that neither the disk nor the time of a comparison tells anything of it.
 */

/** Gives so many random bytes, each value equally likely. */
export type Random = (bytes: number) => Uint8Array;

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// RFC 8628, 6.1: no vowels, so that no words come out, and nothing that looks alike.
const letters = "BCDFGHJKLMNPQRSTVWXZ";

const prefix = "1mcp_";
// 43 characters of 62 carry 256 bits; six hold any CRC-32.
const bodyLength = 43;
const checksumLength = 6;

/** A new bearer secret. */
export function createSecret(random: Random): string {
  const body = drawn(base62, bodyLength, random);
  return prefix + body + checksumOf(body);
}

/** Whether a text can be one of ours: what is not need not be looked for. */
export const isSecretShape = (text: string): boolean =>
  text.length === prefix.length + bodyLength + checksumLength && text.startsWith(prefix) && text.endsWith(checksumOf(text.slice(prefix.length, prefix.length + bodyLength)));

/** What is kept of a secret. */
export const digestOf = (secret: string): string => Bun.SHA256.hash(secret, "base64url");

/** A name that tells nothing and that nobody guesses: 59 bits. */
export const createId = (random: Random, beginning: string): string => beginning + drawn(base62, 10, random);

/** What people compare on two screens, or type: 34 bits, as `HRCL-PCVJ`. */
export function createCode(random: Random): string {
  const drawnLetters = drawn(letters, 8, random);
  return `${drawnLetters.slice(0, 4)}-${drawnLetters.slice(4)}`;
}

/** A code as people type it, in its own form; null for what cannot be one. */
export function parseCode(typed: string): string | null {
  const found = typed.toUpperCase().replaceAll(/[^A-Z]/g, "");
  return found.length === 8 && typed.length <= 32 ? `${found.slice(0, 4)}-${found.slice(4)}` : null;
}

// GitHub's idea: a scanner that knows the checksum raises no false alarm.
function checksumOf(body: string): string {
  let rest = Bun.hash.crc32(body);
  let text = "";
  for (let place = 0; place < checksumLength; place++) {
    text = (base62[rest % 62] ?? "") + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function drawn(alphabet: string, length: number, random: Random): string {
  // Bytes beyond the last whole multiple would make some characters likelier than others.
  const least = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of random(length - text.length)) if (byte < least) text += alphabet[byte % alphabet.length];
  }
  return text;
}
