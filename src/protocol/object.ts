/**
 * Reading and rewriting objects whose members are located. What is not changed keeps its bytes: a rewritten object is
 * made of slices of the old text, never of values written anew.
 */
import { defaultLimits } from "../base/index.ts";
import { locate, type Raw, type RawMember, type RawObject, Scan } from "./raw.ts";

/** `{}`. */
export const emptyObject: RawObject = Object.freeze({ text: "{}", open: 0, close: 2, members: Object.freeze([]) });

const quotation = 34;
const backslash = 92;
const brace = 123;
const shortChars = 40;

/**
 * The member of that name, or null. Lengths are compared first: that spares a native call for each key, since a fresh
 * slice has no comparable text of its own yet.
 */
export function memberNamed(o: RawObject, key: string): RawMember | null {
  for (const member of o.members) if (member.key.length === key.length && member.key === key) return member;
  return null;
}

/** The text of a member's value; null when there is no such member (a JSON `null` is "null"). */
export function memberOf(o: RawObject, key: string): Raw | null {
  const member = memberNamed(o, key);
  return member === null ? null : o.text.slice(member.start, member.end);
}

/** A member's value as a string; null when it is absent or no string. Escaped lone surrogates stay in it. */
export function stringOf(o: RawObject, key: string): string | null {
  const member = memberNamed(o, key);
  if (member === null || o.text.charCodeAt(member.start) !== quotation) return null;
  const { start, end } = member;
  return hasEscape(o.text, start, end) ? (JSON.parse(o.text.slice(start, end)) as string) : o.text.slice(start + 1, end - 1);
}

/** Names are short, and a loop over one costs less than a native search; a long string is searched natively. */
function hasEscape(text: string, start: number, end: number): boolean {
  if (end - start > shortChars) return text.slice(start, end).includes("\\");
  for (let i = start; i < end; i += 1) if (text.charCodeAt(i) === backslash) return true;
  return false;
}

/**
 * A member's value as an object with located members; null when it is absent or no object, and when it has too many
 * members or two of one name. Grammar and depth were checked with the message.
 */
export function objectOf(o: RawObject, key: string): RawObject | null {
  const member = memberNamed(o, key);
  if (member === null || o.text.charCodeAt(member.start) !== brace) return null;
  if (member.inner !== null) return member.inner;
  const scan = new Scan(o.text, uncheckedDepth);
  const object = locate(scan, member.start, 0, 2);
  return scan.flaw === null ? object : null;
}

/** The depth was bounded when the owner was scanned, by whatever limit was configured. */
const uncheckedDepth = Object.freeze({ ...defaultLimits, depthMax: Number.MAX_SAFE_INTEGER });

/** The object's own text. */
export function rawOf(o: RawObject): Raw {
  return o.open === 0 && o.close === o.text.length ? o.text : o.text.slice(o.open, o.close);
}

/** The JSON text of a string. */
export const quote = (s: string): Raw => JSON.stringify(s);

/**
 * The object's text with members replaced in place, removed (null) or, where they are new, appended at the end.
 * Everything else stays byte for byte. The values given must be valid JSON text.
 */
export function editObject(o: RawObject, changes: Readonly<Record<string, Raw | null>>): Raw {
  const { text, members } = o;
  let out = text.slice(o.open, members[0]?.from ?? o.open + 1);
  let kept = false;
  let end = o.open + 1;
  for (const member of members) {
    const change = Object.hasOwn(changes, member.key) ? changes[member.key] : undefined;
    if (change !== null) {
      // What separates two members goes with the second; of the first that is kept it is left out.
      const from = kept ? end : member.from;
      out += change === undefined ? text.slice(from, member.end) : text.slice(from, member.start) + change;
      kept = true;
    }
    end = member.end;
  }
  return out + addedTo(o, changes, kept) + text.slice(end, o.close);
}

/** The changes that are no members yet, each behind its comma. */
function addedTo(o: RawObject, changes: Readonly<Record<string, Raw | null>>, behindOthers: boolean): string {
  let added = "";
  for (const key in changes) {
    const value = changes[key];
    if (value === null || value === undefined || memberNamed(o, key) !== null) continue;
    added += `${behindOthers || added !== "" ? "," : ""}${quote(key)}:${value}`;
  }
  return added;
}
