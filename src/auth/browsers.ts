/**
 * Browsers: which one began something, and which one is the operator's. Both are known by a cookie that only our own
 * origin can set and read (`__Host-`), and of which only a digest is kept. A form of ours carries a word that only the
 * browser it was shown to can know, so that no other page can send it.
 */
import type { Clock, Limits } from "../base/index.ts";
import { cookieOf } from "./answers.ts";
import type { Store } from "./store.ts";
import { createSecret, digestOf, isSecretShape, type Random } from "./tokens.ts";
import type { OAuthIn } from "./types.ts";

const browserCookie = "__Host-1mcp-browser";
const operatorCookie = "__Host-1mcp-operator";
/** How exactly it is known when the operator's browser was last used. */
const seenMs = 60_000;

export interface BrowsersOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
}

/** A browser that something can be bound to. */
export interface Browser {
  readonly digest: string;
  /** What it has to be sent to be known again; empty where it has that already. */
  readonly headers: Readonly<Record<string, string>>;
  /** The word that a form for that purpose carries. */
  word(purpose: "device" | "login"): string;
}

export class Browsers {
  readonly #options: BrowsersOptions;

  constructor(options: BrowsersOptions) {
    this.#options = options;
  }

  /** The browser that sent this, known or to be. */
  of(request: OAuthIn): Browser {
    const known = this.known(request);
    if (known !== null) return known;
    const secret = createSecret(this.#options.random);
    return browserOf(secret, { "Set-Cookie": `${browserCookie}=${secret}; Path=/; Secure; HttpOnly; SameSite=Lax` });
  }

  /** The browser that sent this, if it is known. */
  known(request: OAuthIn): Browser | null {
    const secret = cookieOf(request.header("cookie"), browserCookie);
    return secret === null || !isSecretShape(secret) ? null : browserOf(secret, {});
  }

  /** Makes a browser the operator's; gives what it has to be sent. */
  admit(): Readonly<Record<string, string>> {
    const { store, clock, random, limits } = this.#options;
    const secret = createSecret(random);
    const now = clock.now();
    store.atomically(() => {
      store.run("insert into browsers (digest, created_at, seen_at) values (?, ?, ?)", digestOf(secret), now, now);
      store.run("delete from browsers where digest not in (select digest from browsers order by seen_at desc limit ?)", limits.operatorBrowsersMax);
    });
    return { "Set-Cookie": `${operatorCookie}=${secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${Math.floor(limits.operatorBrowserMs / 1000)}` };
  }

  /** Whether these cookies are those of an operator's browser. */
  isOperator(cookie: string | null): boolean {
    const secret = cookieOf(cookie, operatorCookie);
    if (secret === null || !isSecretShape(secret)) return false;
    const { store, clock, limits } = this.#options;
    const digest = digestOf(secret);
    const row = store.get<{ readonly created_at: number; readonly seen_at: number }>("select created_at, seen_at from browsers where digest = ?", digest);
    const now = clock.now();
    if (row === null || now >= row.created_at + limits.operatorBrowserMs || now >= row.seen_at + limits.operatorBrowserIdleMs) return false;
    if (now - row.seen_at >= seenMs) store.run("update browsers set seen_at = ? where digest = ?", now, digest);
    return true;
  }

  /** A word that makes one browser the operator's, once. */
  createLink(): string {
    const { store, clock, random, limits } = this.#options;
    const secret = createSecret(random);
    store.run("insert into links (digest, expires_at) values (?, ?)", digestOf(secret), clock.now() + limits.openLinkMs);
    return secret;
  }

  /** Whether that word is good; it is not any more afterwards. */
  takeLink(secret: string): boolean {
    const { store, clock } = this.#options;
    const row = store.get<{ readonly expires_at: number }>("delete from links where digest = ? returning expires_at", digestOf(secret));
    return row !== null && clock.now() < row.expires_at;
  }

  /** No browser is the operator's any more, or anybody's. */
  forgetAll(): void {
    this.#options.store.run("delete from browsers");
    this.#options.store.run("delete from links");
    this.#options.store.run("delete from visitors");
  }

  /** Forgets what has expired. */
  sweep(): void {
    const { store, clock, limits } = this.#options;
    const now = clock.now();
    store.run("delete from links where expires_at <= ?", now);
    store.run("delete from browsers where created_at <= ? or seen_at <= ?", now - limits.operatorBrowserMs, now - limits.operatorBrowserIdleMs);
  }
}

const browserOf = (secret: string, headers: Readonly<Record<string, string>>): Browser => ({ digest: digestOf(secret), headers, word: (purpose) => digestOf(`${purpose} ${secret}`) });
