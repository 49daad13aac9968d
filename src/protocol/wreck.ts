/**
 * What a message that cannot be read seems to answer: too long, cut off, or not text at all, it may still show its id at
 * one of its edges. Whoever waits for it then need not wait for its time-out. Only what certainly is a response counts:
 * a request of the peer has an id of its own, which means something else.
 */
import type { Raw } from "./raw.ts";

/** How much of the beginning and of the end of a message is enough. */
export const edgeChars = 256;

const version = String.raw`(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?`;
// Ids of ours are whole numbers; a peer may have made text or a fraction of one.
const id = String.raw`"id"\s*:\s*"?(\d{1,15})(?:\.0+)?"?`;
const outcome = String.raw`"(?:result|error)"\s*:`;
const idFirst = new RegExp(String.raw`^\s*\{\s*${version}${id}\s*,\s*${version}${outcome}`);
const outcomeFirst = new RegExp(String.raw`^\s*\{\s*${version}${outcome}`);
// What ends a line ends its outermost object, so a member in front of it can be no other's.
const idLast = new RegExp(String.raw`,\s*${id}\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$`);

/** The id that a response with this beginning and this end answers, or null. */
export function answeredIn(head: string, tail: string): Raw | null {
  const start = head.slice(0, edgeChars);
  const first = idFirst.exec(start)?.[1];
  if (first !== undefined) return first;
  return outcomeFirst.test(start) ? (idLast.exec(tail.slice(-edgeChars))?.[1] ?? null) : null;
}
