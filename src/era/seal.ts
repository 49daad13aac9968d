/**
 * Every request state we hand out is ours: a backend's own travels inside it, encrypted and bound to the caller and the
 * request it was issued for. The backend sees one principal, the proxy, so nobody but us can keep its callers apart
 * (2026-07-28, basic/patterns/mrtr: integrity of `requestState`).
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { type Call, editObject, type RawObject, stringOf } from "../protocol/index.ts";
import { type Clock, fingerprint } from "../base/index.ts";
import { methodOf } from "./methods.ts";

/** What a sealed state holds. */
export interface Sealed {
  readonly backend: string;
  /** The backend's own state, byte for byte. */
  readonly state: string;
}

export interface Seal {
  seal(content: Sealed, binding: string): string;
  /** Null: not ours, tampered with, expired, or issued for something else. */
  unseal(text: string, binding: string): Sealed | null;
}

const kidBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = kidBytes + nonceBytes + tagBytes;

/** Takes 32 bytes of key and the lifetime of a state. Layout: key id, nonce, tag, AES-256-GCM of the content, as base64url. */
export function createSeal(options: { readonly key: Uint8Array; readonly clock: Clock; readonly msMax: number }): Seal {
  const { clock, msMax } = options;
  const key = Buffer.from(options.key);
  const kid = createHash("sha256").update("request state").update(key).digest().subarray(0, kidBytes);
  return {
    seal(content, binding) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(binding));
      const body = Buffer.concat([cipher.update(JSON.stringify([clock.now() + msMax, content.backend, content.state]), "utf8"), cipher.final()]);
      return Buffer.concat([kid, nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    unseal(text, binding) {
      const bytes = Buffer.from(text, "base64url");
      // The decoder skips what it does not know; a state is what we wrote, not what resembles it.
      if (bytes.length <= headBytes || bytes.toString("base64url") !== text || !bytes.subarray(0, kidBytes).equals(kid)) return null;
      const content = open(key, bytes, binding);
      return content === null || content[0] <= clock.now() ? null : { backend: content[1], state: content[2] };
    },
  };
}

function open(key: Buffer, bytes: Buffer, binding: string): [number, string, string] | null {
  const nonce = bytes.subarray(kidBytes, kidBytes + nonceBytes);
  const tag = bytes.subarray(kidBytes + nonceBytes, headBytes);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(binding)).setAuthTag(tag);
  try {
    const plain = Buffer.concat([decipher.update(bytes.subarray(headBytes)), decipher.final()]);
    return JSON.parse(plain.toString("utf8")) as [number, string, string];
  } catch {
    // The one expected failure: the tag does not fit, so it was not sealed by this key for this binding.
    return null;
  }
}

/** What a state is bound to: who asks, where, for what, with which parameters beside those that a retry adds. */
export function bindingOf(call: Pick<Call, "method" | "params" | "principal" | "selection">): string {
  const { target } = methodOf(call.method);
  const name = target === null ? null : stringOf(call.params, target);
  return JSON.stringify([call.principal.id, call.selection.server, call.method, name, digestOf(call.params)]);
}

const retryMembers = Object.freeze({ _meta: null, inputResponses: null, requestState: null });

const digestOf = (params: RawObject): string => fingerprint(JSON.parse(editObject(params, retryMembers), exactly));

// A number that JavaScript cannot hold is compared by its text; all others by value, so 1.0 is 1 after a round trip.
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return value;
  return `number ${context?.source ?? value}`;
}
