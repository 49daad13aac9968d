/**
 * Every request state we hand out is ours: a backend's own travels inside it, encrypted and bound to the caller and the
 * request it was issued for. The backend sees one principal, the proxy, so nobody but us can keep its callers apart
 * (2026-07-28, basic/patterns/mrtr: integrity of `requestState`).
 */
import { type Call, editObject, type RawObject, stringOf } from "../protocol/index.ts";
import { type Clock, fingerprint, nodeCrypto, randomBytes } from "../base/index.ts";
import { methodOf } from "./methods.ts";

/** Whose state it is: a backend's own, passed through; a call that waits inside us; a visit to a page, then the call anew; a backend's task. */
export type SealedKind = "relay" | "parked" | "url-wait" | "task";

/** What a sealed state holds. */
export interface Sealed {
  readonly kind: SealedKind;
  readonly backend: string;
  /** The backend's own state, byte for byte; or what names the call that waits. */
  readonly state: string;
  /** How often this call has wanted input by now. */
  readonly round: number;
}

export interface Seal {
  /** `msMax` is its lifetime, if not the usual one. */
  seal(content: Sealed, binding: string, msMax?: number): string;
  /** Null: not ours, tampered with, or issued for something else. "expired": it was ours, for this. */
  unseal(text: string, binding: string): Sealed | "expired" | null;
}

const kidBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = kidBytes + nonceBytes + tagBytes;

/** The content as it is encrypted: when it expires, then the members of Sealed. */
type Content = [number, SealedKind, string, string, number];

/** Takes 32 bytes of key and the lifetime of a state. Layout: key id, nonce, tag, AES-256-GCM of the content, as base64url. */
export function createSeal(options: { readonly key: Uint8Array; readonly clock: Clock; readonly msMax: number }): Seal {
  const { clock, msMax } = options;
  const key = Buffer.from(options.key);
  const kid = new Bun.CryptoHasher("sha256").update("request state").update(key).digest().subarray(0, kidBytes);
  return {
    seal({ kind, backend, state, round }, binding, ms = msMax) {
      const content: Content = [clock.now() + ms, kind, backend, state, round];
      const nonce = randomBytes(nonceBytes);
      const cipher = nodeCrypto().createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(binding));
      const body = Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final()]);
      return Buffer.concat([kid, nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    unseal(text, binding) {
      const bytes = Buffer.from(text, "base64url");
      // The decoder skips what it does not know; a state is what we wrote, not what resembles it.
      if (bytes.length <= headBytes || bytes.toString("base64url") !== text || !bytes.subarray(0, kidBytes).equals(kid)) return null;
      const content = open(key, bytes, binding);
      if (content === null) return null;
      const [until, kind, backend, state, round] = content;
      return until <= clock.now() ? "expired" : { kind, backend, state, round };
    },
  };
}

function open(key: Buffer, bytes: Buffer, binding: string): Content | null {
  const nonce = bytes.subarray(kidBytes, kidBytes + nonceBytes);
  const tag = bytes.subarray(kidBytes + nonceBytes, headBytes);
  const decipher = nodeCrypto().createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(binding)).setAuthTag(tag);
  try {
    const plain = Buffer.concat([decipher.update(bytes.subarray(headBytes)), decipher.final()]);
    return JSON.parse(plain.toString("utf8")) as Content;
  } catch {
    // The one expected failure: the tag does not fit, so it was not sealed by this key for this binding.
    return null;
  }
}

/** What a state is bound to: who asks, where, for what, with which parameters beside those that a retry adds. */
export function bindingOf(call: Pick<Call, "method" | "params" | "principal" | "selection">): string {
  const { target } = methodOf(call.method);
  const name = target === null ? null : stringOf(call.params, target);
  const { server, filter } = call.selection;
  // Without a filter as it always was: what was sealed may come back to a newer program.
  return JSON.stringify([call.principal.id, server, call.method, name, digestOf(call.params), ...(filter === undefined ? [] : [filter])]);
}

const retryMembers = Object.freeze({ _meta: null, inputResponses: null, requestState: null });

/** Longer parameters are compared by their text: to take millions of small values apart would hold up everybody's calls. */
const comparedCharsMax = 128 * 1024;

function digestOf(params: RawObject): string {
  const text = editObject(params, retryMembers);
  if (text.length > comparedCharsMax) return fingerprint([text]);
  const value: unknown = hasLarge.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
  // Of two members with one name our reader sees the last; a backend may see the first. Then only the very text counts.
  return fingerprint(membersIn(value) === memberTextsIn(text) ? value : [text]);
}

/** There may be a number that JavaScript cannot hold. */
const hasLarge = /\d{16}|\d[eE]/u;

/** Begins what stands for such a number, and each text that would look like one. */
const mark = "\0number ";

// A number that JavaScript cannot hold is compared by its text; all others by value, so 1.0 is 1 after a round trip.
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "string") return value.startsWith(mark) ? mark + value : value;
  if (typeof value !== "number" || (Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return value;
  return mark + (context?.source ?? String(value));
}

/** The members of all objects in this value. */
function membersIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const one of inner) count += membersIn(one);
  return count;
}

/** The members of all objects in this JSON text, those of one name counted apart. */
function memberTextsIn(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === colon) count += 1;
    else if (code === quotation) at = endOfString(text, at + 1);
  }
  return count;
}

const quotation = 34;
const colon = 58;
const backslash = 92;

/** Where the string ends that goes on here. */
function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== quotation) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}
