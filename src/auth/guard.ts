/**
 * Who is calling: a bearer token becomes a Principal or a challenge. The token of this installation is made at the first
 * start and lies in the state folder, where its owner alone can read it; in memory only its digest stays, and what comes
 * in is digested before it is compared, so that neither a core dump nor the time of a comparison tells anything of it.
 *
 * Checked for every request, in plain synchronous code without a memo: the digest takes 0.2 µs, less than asking a map
 * whether it can be saved.
 */
import { randomInt, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { createPrivateFile, ensurePrivateDir, fault, type Log, readPrivateFile } from "../base/index.ts";
import type { Principal } from "../protocol/index.ts";

/** Who is calling, or what to answer instead: `challenge` is the value of WWW-Authenticate (RFC 6750, section 3). */
export type Verdict =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly code: "TOKEN_MISSING" | "TOKEN_INVALID"; readonly challenge: string };

/** Judges every request of one listener. */
export interface Guard {
  /** Takes the value of the Authorization header. Never throws. */
  principalOf(authorization: string | null): Verdict;
  /** The file that holds the token, for people to read it there; null where none is asked for. */
  readonly tokenPath: string | null;
}

export interface TokenGuardOptions {
  /** Made (0700) if missing. */
  readonly stateDir: string;
  readonly log: Log;
}

const tokenPrefix = "1mcp_";
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// 43 characters of 62 carry 256 bits.
const tokenLength = 43;
const digestBytes = 32;
const tokenShape = /^1mcp_[0-9A-Za-z]{43}$/;
// The scheme's name has no case (RFC 9110, section 11.1). Bounded, so that nothing long is digested for a stranger.
const bearer = /^bearer +([\w.~+/-]{1,512}=*) *$/i;

const missing: Verdict = Object.freeze({ ok: false, code: "TOKEN_MISSING", challenge: 'Bearer realm="1mcp"' });
const invalid: Verdict = Object.freeze({
  ok: false,
  code: "TOKEN_INVALID",
  challenge: 'Bearer realm="1mcp", error="invalid_token", error_description="the token is not valid here"',
});

/** A guard that asks for the token in `stateDir`/token, which is made if there is none. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function createTokenGuard(options: TokenGuardOptions): Promise<Guard> {
  const tokenPath = join(options.stateDir, "token");
  await ensurePrivateDir(options.stateDir);
  const expected = new Uint8Array(digestBytes);
  Bun.SHA256.hash(await tokenAt(tokenPath, options.log), expected);
  const accepted: Verdict = Object.freeze({ ok: true, principal: Object.freeze({ id: `token-${nameOf(expected)}`, scopes: null }) });
  const given = new Uint8Array(digestBytes);
  return {
    tokenPath,
    principalOf(authorization) {
      const token = authorization === null ? null : bearer.exec(authorization);
      if (token === null) return authorization !== null && /^bearer\b/i.test(authorization) ? invalid : missing;
      Bun.SHA256.hash(token[1] ?? "", given);
      return timingSafeEqual(given, expected) ? accepted : invalid;
    },
  };
}

/** The token of this installation, for a program of the same user; null if none was made yet. Throws STATE_UNSAFE, STATE_BROKEN. */
export const ownToken = (stateDir: string): Promise<string | null> => storedToken(join(stateDir, "token"));

/** Whoever started this very process, and talks to it over its pipes. */
export const operator: Principal = Object.freeze({ id: "operator", scopes: null });

/** A guard that lets everybody in as the local operator. For `--insecure-no-auth` alone; the listener's address is checked elsewhere. */
export function createOpenGuard(): Guard {
  const accepted: Verdict = Object.freeze({ ok: true, principal: operator });
  return { tokenPath: null, principalOf: () => accepted };
}

async function tokenAt(path: string, log: Log): Promise<string> {
  const found = await storedToken(path);
  if (found !== null) return found;
  const fresh = tokenPrefix + Array.from({ length: tokenLength }, () => alphabet[randomInt(alphabet.length)]).join("");
  const made = await createPrivateFile(path, `${fresh}\n`);
  if (made) log.info("a bearer token was made", { path });
  // Another process that starts at the same moment may have been first; then its token counts.
  return made ? fresh : tokenAt(path, log);
}

async function storedToken(path: string): Promise<string | null> {
  const text = (await readPrivateFile(path, { bytesMax: 4096 }))?.trim() ?? null;
  if (text !== null && !tokenShape.test(text)) throw fault("STATE_BROKEN", { op: "read", detail: `${path} holds no token` });
  return text;
}

// Hashed once more: the name is shown in logs, and a part of the digest itself would shorten a search.
const nameOf = (digest: Uint8Array): string => new Bun.CryptoHasher("sha256").update("principal\0").update(digest).digest("hex").slice(0, 16);
