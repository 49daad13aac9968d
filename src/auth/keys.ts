/**
 * The one key of this installation. It lies in the state folder, so that what was sealed before a restart can be opened
 * after it. Nobody uses it itself: each purpose gets a subkey of its own, and losing one tells nothing of the others.
 */
import { join } from "node:path";
import { createPrivateFile, ensurePrivateDir, fault, randomBytes, readPrivateFile } from "../base/index.ts";

/** What a subkey is for; part of its derivation. */
export type KeyPurpose = "seal" | "cursor" | "south";

export interface StateKeys {
  /** 32 bytes, the same at every start. */
  subkey(purpose: KeyPurpose): Promise<Uint8Array>;
}

const keyBytes = 32;

/** Reads `stateDir`/state.key, and makes it first if there is none. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function stateKeys(options: { readonly stateDir: string }): Promise<StateKeys> {
  await ensurePrivateDir(options.stateDir);
  const key = await keyAt(join(options.stateDir, "state.key"));
  const from = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  // RFC 5869; each key there is comes from chance alone, so no salt is needed.
  const how = (purpose: KeyPurpose) => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: new TextEncoder().encode(`1mcp ${purpose}`) });
  return { subkey: async (purpose) => new Uint8Array(await crypto.subtle.deriveBits(how(purpose), from, keyBytes * 8)) };
}

async function keyAt(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = await readPrivateFile(path, { bytesMax: 4096 });
  if (text !== null) return decoded(path, text.trim());
  const fresh = randomBytes(keyBytes);
  const made = await createPrivateFile(path, `${fresh.toString("base64url")}\n`);
  // Another process that starts at the same moment may have been first; then its key counts.
  return made ? fresh : keyAt(path);
}

function decoded(path: string, text: string): Uint8Array<ArrayBuffer> {
  const key = Buffer.from(text, "base64url");
  if (key.byteLength === keyBytes && key.toString("base64url") === text) return key;
  throw fault("STATE_BROKEN", { op: "read", detail: `${path} holds no key`, hint: "move it away; what was sealed with it is lost" });
}
