/**
 * Public names of tools and prompts. Names are only ever made here and looked up elsewhere, never taken apart.
 *
 * Many model APIs take only 64 characters of A-Z a-z 0-9 _ - (2026-07-28, server/tools: 128, and the full stop), so a
 * name that is longer, or holds other characters, is rewritten: each other character becomes "_", and a hash of the
 * exact parts is put at the end, within the budget. The hash keeps apart what the rewriting would make equal
 * ("a b" and "a_b"), and stays the same on every machine and in every life. The full stop is kept: it is a legal name,
 * and renaming what is legal would break more than it mends.
 */
import { fingerprint } from "../base/index.ts";

const nameCharsMax = 64;
/** 32 bits: enough to tell the few rewritten names of one server apart; what still collides is reported by the catalog. */
const hashChars = 8;
const foreign = /[^A-Za-z0-9_.-]/gu;

/**
 * The name under which a backend's own is offered: prefix, separator, local name; no separator where the prefix is
 * empty. At most 64 characters, all of A-Z a-z 0-9 _ - and the full stop, whatever is given.
 */
export function publicName(prefix: string, separator: string, local: string): string {
  const joined = prefix === "" ? local : `${prefix}${separator}${local}`;
  const plain = joined.replace(foreign, "_");
  if (plain === joined && joined.length <= nameCharsMax) return joined;
  const hash = fingerprint([prefix, separator, local]).slice(0, hashChars);
  return `${plain.slice(0, nameCharsMax - hashChars - 1)}_${hash}`;
}
