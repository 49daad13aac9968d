/**
 * One hash for one meaning: equal values have equal fingerprints whatever the order of their members. Decides whether
 * a running process may go on after its entry in the configuration was rewritten, and whether a file has changed.
 */
import { Secret } from "./secret.ts";

/**
 * SHA-256, in hex, of the value's canonical JSON (members sorted by name, undefined ones left out, secrets by their
 * value: a rotated one counts as a change). Takes what JSON can hold, and Secrets; anything else is a bug and throws.
 */
export const fingerprint = (value: unknown): string => Bun.SHA256.hash(canonical(value), "hex");

function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return canonicalNumber(value);
  if (value instanceof Secret) return JSON.stringify(value.reveal());
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  return canonicalObject(value);
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`no fingerprint of ${value}`);
  return JSON.stringify(value);
}

function canonicalObject(value: unknown): string {
  if (typeof value !== "object" || value === null || !isPlain(value)) throw new TypeError(`no fingerprint of a ${typeof value}`);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(",")}}`;
}

// A Map or a class instance has no members to see and would pass as an empty object.
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
