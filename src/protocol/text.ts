/**
 * From a peer's bytes to text that can be scanned: UTF-8 checked, no control character left, and so no line break that
 * could break a frame. Also the native searches that both this and the scanner live on.
 */

import { isAscii } from "node:buffer";

export const space = 32;
export const quotation = 34;
export const comma = 44;
export const backslash = 92;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const control = /[\u0000-\u001f]/;
const largeBytesMin = 64 * 1024;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Decodes UTF-8, dropping a leading byte order mark; null when the bytes are not UTF-8 (raw surrogates included). */
export function decodeText(bytes: Uint8Array): string | null {
  // Plain ASCII, as most large messages are, needs no decoding: a quarter less time. Small ones would pay for the look.
  if (bytes.byteLength > largeBytesMin && isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * The text without control characters: white space outside strings is removed where there is a line break or tab, so
 * that what is relayed fits one line of stdio or SSE. Null when a control character stands where JSON has none.
 * The test is one native search, so a text without any (nearly every message) costs next to nothing here.
 */
export function compactText(text: string): string | null {
  if (!control.test(text)) return text;
  const pieces: string[] = [];
  const ahead: Ahead = { nextQuote: -1, nextBackslash: -1 };
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    if (c === quotation) at = closingQuote(text, at, ahead);
    else if (isBlank(c)) {
      pieces.push(text.slice(from, at));
      from = endOfBlank(text, at);
      // Two bare words would grow into one valid word; a space keeps the text as invalid as it was.
      if (isWord(text.charCodeAt(at - 1)) && isWord(text.charCodeAt(from))) pieces.push(" ");
      at = from;
    } else at += 1;
  }
  pieces.push(text.slice(from));
  const compact = pieces.join("");
  return control.test(compact) ? null : compact;
}

const isBlank = (c: number): boolean => c === space || (c <= 13 && (c === 9 || c === 10 || c === 13));

const isWord = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 43 && c <= 57 && c !== comma) || (c >= 65 && c <= 90);

function endOfBlank(text: string, at: number): number {
  let end = at + 1;
  while (isBlank(text.charCodeAt(end))) end += 1;
  return end;
}

/** The next quotation mark and backslash at or behind the last place that was asked for; -1 before the first. */
export interface Ahead {
  nextQuote: number;
  nextBackslash: number;
}

/**
 * The offset of the next quotation mark or backslash at or behind `at`, found natively; the text's length if there is
 * none. Both are remembered: asking again for a far one after each escape would be quadratic.
 */
export function endOfPlain(text: string, at: number, ahead: Ahead): number {
  if (ahead.nextBackslash < at) ahead.nextBackslash = offsetOf(text, "\\", at);
  if (ahead.nextBackslash === at) return at;
  if (ahead.nextQuote < at) ahead.nextQuote = offsetOf(text, '"', at);
  return Math.min(ahead.nextQuote, ahead.nextBackslash);
}

function offsetOf(text: string, what: string, at: number): number {
  const found = text.indexOf(what, at);
  return found < 0 ? text.length : found;
}

/** The offset behind the string that opens at `at`, its escapes unchecked; the end of the text when it never closes. */
function closingQuote(text: string, at: number, ahead: Ahead): number {
  let i = endOfPlain(text, at + 1, ahead);
  while (text.charCodeAt(i) === backslash) i = endOfPlain(text, i + 2, ahead);
  return Math.min(i + 1, text.length);
}
