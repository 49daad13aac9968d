/**
 * Logins that were begun and are waited for, and links that begin one. Each is known by a random word that works once and
 * not for long. What a browser has to show beside the word, that it is the one that began, is kept as a digest.
 */
import { type Clock, fault, randomBytes } from "../base/index.ts";
import type { Attempt } from "./remoteAttempt.ts";
import type { Login } from "./remoteLogin.ts";

export interface OnceOptions {
  readonly clock: Clock;
  readonly lifeMs: number;
  readonly max: number;
}

/** Things that can be taken once, by a word that nobody can guess. */
export class Once<T> {
  readonly #options: OnceOptions;
  readonly #held = new Map<string, { readonly what: T; readonly until: number }>();

  constructor(options: OnceOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Keeps a thing under a word of `newWord`; its time starts anew if it is there. Throws LIMIT_REACHED. */
  keep(word: string, what: T): void {
    const { clock, lifeMs, max } = this.#options;
    const now = clock.now();
    for (const [old, { until }] of this.#held) if (until <= now) this.#held.delete(old);
    if (this.#held.size >= max && !this.#held.has(word)) throw fault("LIMIT_REACHED", { detail: `limits.loginsBegunMax is ${max}` });
    this.#held.set(word, { what, until: now + lifeMs });
  }

  /** The thing, which stays; null for an unknown word or one whose time is over. */
  look(word: string | null): T | null {
    const held = word === null ? undefined : this.#held.get(word);
    return held === undefined || held.until <= this.#options.clock.now() ? null : held.what;
  }

  /** The thing, which is gone then. */
  take(word: string | null): T | null {
    const what = this.look(word);
    if (word !== null) this.#held.delete(word);
    return what;
  }

  /** Makes room among those of which `is` says so: the oldest go, until there are fewer than `max`. */
  makeRoom(is: (what: T) => boolean, max: number): void {
    const those = [...this.#held].filter(([, { what }]) => is(what));
    for (const [word] of those.slice(0, Math.max(0, those.length - max + 1))) this.#held.delete(word);
  }

  /** Drops those of which `is` says so. */
  drop(is: (what: T) => boolean): void {
    for (const [word, { what }] of this.#held) if (is(what)) this.#held.delete(word);
  }
}

/** A login that somebody is on his way to. */
export interface Begun {
  readonly login: Login;
  readonly attempt: Attempt;
  /** What the browser must show that comes back; null: the operator brings the address himself. */
  readonly binding: Buffer | null;
}

/** A link that begins a login, for who has it. */
export interface Invitation {
  readonly login: Login;
  /** For a caller of ours, who has to be asked first; null: for the operator. */
  readonly principal: string | null;
}

/** Ends a login with what came back in the query. Throws LOGIN_FAILED. */
export async function completed({ login, attempt }: Begun, query: URLSearchParams): Promise<void> {
  const backend = login.key.server;
  const iss = query.get("iss");
  // RFC 9207, for errors too; and nothing else of an answer that may be another server's is looked at.
  if (iss === null ? attempt.namesItself : iss !== attempt.issuer) throw fault("LOGIN_FAILED", { backend, detail: "the answer is not from the authorization server that was asked" });
  const code = query.get("code");
  if (code === null) throw fault("LOGIN_FAILED", { backend, detail: "the authorization server did not agree" });
  await login.complete(attempt, code, iss);
}

const wordBytes = 32;

/** A word that nobody can guess. */
export const newWord = (): string => randomBytes(wordBytes).toString("base64url");

/** What is kept of a word that somebody else has to show. */
export const digestOf = (word: string): Buffer => Buffer.from(Bun.SHA256.hash(word).buffer);

/** Whether this is the word. */
export const isWord = (shown: string | null, digest: Buffer): boolean => shown !== null && crypto.timingSafeEqual(digestOf(shown), digest);
