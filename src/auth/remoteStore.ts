/**
 * The logins at remote servers on disk: one private file each in `<stateDir>/logins`, sealed (AES-256-GCM) with a key of
 * its own. It hides how a file is named and sealed. Server, address, owner and issuer are bound into the seal, so that a
 * file which is moved to another name opens nothing: a token goes where it was meant for, or nowhere.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateDir, faultOf, type Limits, type Log, nodeCrypto, randomBytes, readPrivateFile, removeFile, writeFileAtomic } from "../base/index.ts";
import type { OAuthDiscoveryState, StoredOAuthClientInformation, StoredOAuthTokens } from "@modelcontextprotocol/client";

/** Whose login at what. */
export interface LoginKey {
  readonly server: string;
  /** Origin and path of the server's URL. */
  readonly url: string;
  readonly owner: string;
}

/** What is known of one login. */
export interface Kept {
  /** The authorization server that the tokens are from. */
  readonly issuer: string | null;
  readonly tokens: StoredOAuthTokens | null;
  /** When they were got, and when the access token ends (milliseconds since the epoch). */
  readonly gotAt: number;
  readonly expiresAt: number | null;
  /** What was asked for when they were got. */
  readonly scopes: readonly string[];
  readonly discovery: OAuthDiscoveryState | null;
  /** What we are at each authorization server. */
  readonly clients: readonly StoredOAuthClientInformation[];
  /** The authorization server that the configured client is for, where the configuration does not say. */
  readonly clientIssuer: string | null;
}

/** Nothing is known. */
export const nothingKept: Kept = Object.freeze({ issuer: null, tokens: null, gotAt: 0, expiresAt: null, scopes: Object.freeze([]), discovery: null, clients: Object.freeze([]), clientIssuer: null });

export interface LoginStore {
  /** What is kept under this key; null for nothing. Known without asking the disk. */
  of(key: LoginKey): Kept | null;
  /** Of whom something is kept. */
  keys(): readonly LoginKey[];
  /** Throws STATE_UNWRITABLE. */
  save(key: LoginKey, kept: Kept): Promise<void>;
  remove(key: LoginKey): Promise<void>;
}

export interface LoginStoreOptions {
  readonly stateDir: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly limits: Limits;
  readonly log: Log;
}

/** Opens the store. Throws STATE_UNSAFE, STATE_UNWRITABLE. A file that cannot be used is told of, and as good as none. */
export async function openLoginStore({ stateDir, key: secret, limits, log }: LoginStoreOptions): Promise<LoginStore> {
  const folder = join(stateDir, "logins");
  await ensurePrivateDir(folder);
  const pathOf = (key: LoginKey): string => join(folder, `${nameOf(key)}.json`);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).slice(0, limits.loginsMax);
  const known = new Map<string, { readonly key: LoginKey; readonly kept: Kept }>();
  for (const one of await Promise.all(files.map((name) => readLogin(join(folder, name), secret, log)))) if (one !== null) known.set(nameOf(one.key), one);
  return {
    of: (key) => known.get(nameOf(key))?.kept ?? null,
    keys: () => Array.from(known.values(), ({ key }) => key),
    async save(key, kept) {
      await writeFileAtomic(pathOf(key), sealed(key, kept, secret));
      known.set(nameOf(key), { key, kept });
    },
    async remove(key) {
      known.delete(nameOf(key));
      await removeFile(pathOf(key));
    },
  };
}

const nameOf = ({ server, url, owner }: LoginKey): string => Bun.SHA256.hash(JSON.stringify([server, url, owner]), "hex").slice(0, 32);

const boundOf = ({ server, url, owner }: LoginKey, issuer: string | null): Buffer => Buffer.from(JSON.stringify(["login", server, url, owner, issuer]));

const cipher = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;

function sealed(key: LoginKey, kept: Kept, secret: Uint8Array): string {
  const iv = randomBytes(ivBytes);
  const lock = nodeCrypto().createCipheriv(cipher, secret, iv).setAAD(boundOf(key, kept.issuer));
  const box = Buffer.concat([iv, lock.update(JSON.stringify(kept), "utf8"), lock.final(), lock.getAuthTag()]);
  return `${JSON.stringify({ v: 1, ...key, issuer: kept.issuer, box: box.toString("base64url") })}\n`;
}

interface File extends LoginKey {
  readonly issuer: string | null;
  readonly box: string;
}

async function readLogin(path: string, secret: Uint8Array, log: Log): Promise<{ readonly key: LoginKey; readonly kept: Kept } | null> {
  try {
    const { server, url, owner, issuer, box } = JSON.parse((await readPrivateFile(path)) ?? "") as File;
    const key = { server, url, owner };
    return { key, kept: { ...nothingKept, ...(JSON.parse(opened(Buffer.from(box, "base64url"), boundOf(key, issuer), secret)) as Kept) } };
  } catch (thrown) {
    log.warn("a login that was kept cannot be used: log in again", { path, code: faultOf(thrown).code });
    return null;
  }
}

/** Throws where anything of it is not as it was sealed. */
function opened(box: Buffer, bound: Buffer, secret: Uint8Array): string {
  const lock = nodeCrypto().createDecipheriv(cipher, secret, box.subarray(0, ivBytes)).setAAD(bound).setAuthTag(box.subarray(-tagBytes));
  return Buffer.concat([lock.update(box.subarray(ivBytes, -tagBytes)), lock.final()]).toString("utf8");
}
