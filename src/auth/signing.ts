/**
 * Access tokens that other servers can read (RFC 9068): signed with a key of ours, whose public half is at `/jwks.json`.
 * We ourselves know a token as we know an opaque one, by its digest, so revocation is immediate here; the signature is for
 * the others. Keys lie in the state folder (0600) and change by themselves: a new one is published before it signs, an
 * old one for as long as a token of it can live. Loaded only where the configuration asks for such tokens.
 */
import type { JsonWebKeyInput, KeyObject } from "node:crypto";
import { join } from "node:path";
import { type Clock, fault, type Limits, nodeCrypto, readPrivateFile, writeFileAtomic } from "../base/index.ts";
import type { Resources } from "./resources.ts";
import { createId, type Random } from "./tokens.ts";

export interface SigningOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly resources: Pick<Resources, "issuer">;
  /** How long a token of ours can live. */
  readonly accessMs: number;
}

/** What a token says. */
export interface TokenFacts {
  /** Whose it is: a person's id, "operator", or the client's own. */
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Path of the endpoint that it is for; null: all of them. */
  readonly resource: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Key {
  /** The first part of what it signs, with the point behind it. */
  readonly head: string;
  readonly createdAt: number;
  readonly key: KeyObject;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

// A token has to fit into a header, of ours and of whoever else reads it.
const charsMax = 4096;
const keysMax = 16;

export class Signing {
  readonly #options: SigningOptions;
  #keys: readonly Key[] = [];

  private constructor(options: SigningOptions) {
    this.#options = options;
  }

  /** Reads the keys, or makes the first. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
  static async open(options: SigningOptions): Promise<Signing> {
    const signing = new Signing(options);
    await signing.turn();
    return signing;
  }

  /** Takes over what is in the file, makes a new key where it is time, and drops those that nothing is signed with any more. Throws as `open`. */
  async turn(): Promise<void> {
    const { clock, limits, stateDir } = this.#options;
    const path = join(stateDir, "signing.json");
    const kept = keysIn(await readPrivateFile(path, { bytesMax: limits.issuerBytesMax }), path);
    const newest = kept.at(-1);
    const isDue = newest === undefined || clock.now() >= newest.createdAt + limits.signingKeyMs;
    const all = isDue ? [...kept, keyOf(nodeCrypto().generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, clock.now())] : kept;
    const needed = all.filter((_, index) => this.#isNeeded(all, index)).slice(-keysMax);
    if (needed.length !== kept.length || isDue) await writeFileAtomic(path, textOf(needed));
    this.#keys = needed;
  }

  /** It signs, will sign, or has signed what may still be good. */
  #isNeeded(all: readonly Key[], index: number): boolean {
    const { clock, limits, accessMs } = this.#options;
    const next = all[index + 1];
    return next === undefined || clock.now() < next.createdAt + limits.signingAheadMs + accessMs;
  }

  /** When another look at the keys is due, in milliseconds since the epoch. */
  get dueAt(): number {
    const { limits, accessMs } = this.#options;
    const [oldest, second] = this.#keys;
    const nextKey = (this.#keys.at(-1)?.createdAt ?? 0) + limits.signingKeyMs;
    return oldest === undefined || second === undefined ? nextKey : Math.min(nextKey, second.createdAt + limits.signingAheadMs + accessMs);
  }

  /** A token that says this; null where it would be too long. Each is another one. */
  token({ subject, clientId, scopes, resource, expiresAt }: TokenFacts): string | null {
    const { clock, random, resources } = this.#options;
    const issuer = resources.issuer();
    const { head, key } = this.#current();
    const claims = {
      iss: issuer,
      sub: subject,
      aud: issuer + (resource ?? ""),
      client_id: clientId,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
      jti: createId(random, "t_") + createId(random, ""),
      iat: Math.floor(clock.now() / 1000),
      exp: Math.floor(expiresAt / 1000),
    };
    const signed = head + part(claims);
    const token = `${signed}.${nodeCrypto().sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    return token.length > charsMax ? null : token;
  }

  // Whoever keeps our keys for a while shall have it before it is used.
  #current(): Key {
    const { clock, limits } = this.#options;
    const known = this.#keys.findLast(({ createdAt }) => clock.now() >= createdAt + limits.signingAheadMs) ?? this.#keys[0];
    if (known === undefined) throw fault("STATE_BROKEN", { op: "sign", detail: "there is no key" });
    return known;
  }

  /** Whether a text can be a token of ours: what is not need not be looked for. */
  isShape(token: string): boolean {
    return token.length <= charsMax && this.#keys.some(({ head }) => token.startsWith(head));
  }

  /** The public keys (RFC 7517). */
  jwks(): { readonly keys: readonly Readonly<Record<string, unknown>>[] } {
    return { keys: this.#keys.map(({ publicJwk }) => publicJwk) };
  }
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function keyOf(key: KeyObject, createdAt: number): Key {
  const { kty, crv, x, y } = nodeCrypto().createPublicKey(key).export({ format: "jwk" });
  // RFC 7638: its name is what it is.
  const id = Bun.SHA256.hash(JSON.stringify({ crv, kty, x, y }), "base64url");
  return { head: `${part({ alg: "ES256", typ: "at+jwt", kid: id })}.`, createdAt, key, publicJwk: Object.freeze({ kty, crv, x, y, kid: id, alg: "ES256", use: "sig" }) };
}

const textOf = (keys: readonly Key[]): string => `${JSON.stringify(keys.map(({ createdAt, key }) => ({ createdAt, jwk: key.export({ format: "jwk" }) })))}\n`;

function keysIn(text: string | null, path: string): readonly Key[] {
  if (text === null) return [];
  try {
    const read = JSON.parse(text) as readonly { readonly createdAt: number; readonly jwk: JsonWebKeyInput["key"] }[];
    const keys = read.map(({ createdAt, jwk }) => keyOf(nodeCrypto().createPrivateKey({ key: jwk, format: "jwk" }), createdAt)).sort((a, b) => a.createdAt - b.createdAt);
    if (keys.every(({ createdAt, publicJwk }) => Number.isSafeInteger(createdAt) && publicJwk["crv"] === "P-256")) return keys;
  } catch {
    // Told below: what is in there is not shown.
  }
  throw fault("STATE_BROKEN", { op: "read", detail: `${path} holds no keys`, hint: "move it away; others will have to learn the new keys" });
}
