/**
 * Who is calling: a bearer token becomes a Principal or a challenge. The token of this installation is made at the first
 * start and lies in the state folder, where its owner alone can read it; in memory only its digest stays, and what comes
 * in is digested before it is compared, so that neither a core dump nor the time of a comparison tells anything of it.
 *
 * Checked for every request, in plain synchronous code without a memo: the digest takes 0.2 µs, less than asking a map
 * whether it can be saved.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Log } from "../base/index.ts";
import type { Principal } from "../protocol/index.ts";
import { ensureOwnToken, ownTokenPath } from "./ownToken.ts";

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

const digestBytes = 32;
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
  const tokenPath = ownTokenPath(options.stateDir);
  const expected = new Uint8Array(digestBytes);
  Bun.SHA256.hash(await ensureOwnToken(options.stateDir, randomBytes, options.log), expected);
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

/** Whoever started this very process, and talks to it over its pipes. */
export const operator: Principal = Object.freeze({ id: "operator", scopes: null });

/** A guard that lets everybody in as the local operator. For `--insecure-no-auth` alone; the listener's address is checked elsewhere. */
export function createOpenGuard(): Guard {
  const accepted: Verdict = Object.freeze({ ok: true, principal: operator });
  return { tokenPath: null, principalOf: () => accepted };
}

// Hashed once more: the name is shown in logs, and a part of the digest itself would shorten a search.
const nameOf = (digest: Uint8Array): string => new Bun.CryptoHasher("sha256").update("principal\0").update(digest).digest("hex").slice(0, 16);
