/**
 * People of a company: what each may grant, and the browsers that they have signed in with. Such a browser is known by a
 * cookie of which only a digest is kept, for an hour; what its person may grant was found out when he signed in, by rules
 * that may have changed since: then he signs in anew. It is never the operator's browser.
 */
import type { Clock, Limits } from "../base/index.ts";
import type { SignInConfig } from "../config/index.ts";
import { cookieOf } from "./answers.ts";
import { personIdOf, scopesByClaims } from "./claims.ts";
import { personOf } from "./grants.ts";
import type { Approver } from "./pending.ts";
import type { Store } from "./store.ts";
import { createSecret, digestOf, isSecretShape, type Random } from "./tokens.ts";

export interface PeopleOptions {
  readonly signIn: SignInConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
}

type Claims = Readonly<Record<string, unknown>>;

const personCookie = "__Host-1mcp-person";
const nameCharsMax = 200;

export class People {
  readonly #options: PeopleOptions;
  readonly #rules: string;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#rules = digestOf(JSON.stringify(options.signIn));
  }

  /** Makes a browser that person's; gives what it has to be sent. */
  admit({ person, scopes }: Approver): Readonly<Record<string, string>> {
    const { store, clock, random, limits } = this.#options;
    const secret = createSecret(random);
    const now = clock.now();
    store.atomically(() => {
      store.run("insert into visitors (digest, person_id, person_name, scopes, rules, created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?)", digestOf(secret), person.id, person.name, JSON.stringify(scopes), this.#rules, now, now + limits.personBrowserMs);
      store.run("delete from visitors where digest not in (select digest from visitors order by created_at desc limit ?)", limits.personBrowsersMax);
    });
    return { "Set-Cookie": `${personCookie}=${secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${Math.floor(limits.personBrowserMs / 1000)}` };
  }

  /** Who has signed in with the browser that sends these cookies, and what he may grant. */
  of(cookie: string | null): Approver | null {
    const secret = cookieOf(cookie, personCookie);
    if (secret === null || !isSecretShape(secret)) return null;
    const row = this.#options.store.get<{ readonly person_id: string; readonly person_name: string; readonly scopes: string }>("select person_id, person_name, scopes from visitors where digest = ? and rules = ? and expires_at > ?", digestOf(secret), this.#rules, this.#options.clock.now());
    const person = row === null ? null : personOf(row);
    return row === null || person === null ? null : { person, scopes: JSON.parse(row.scopes) as string[] };
  }

  /** Forgets what has expired. */
  sweep(): void {
    this.#options.store.run("delete from visitors where expires_at <= ?", this.#options.clock.now());
  }
}

/** Whoever these claims are about, and what he may grant; null: nothing at all. */
export function approverOf(signIn: SignInConfig, claims: Claims & { readonly sub: string }): Approver | null {
  const scopes = [...new Set([...scopesByClaims(signIn, claims), ...scopesByEmail(signIn, claims)])];
  return scopes.length === 0 ? null : { person: { id: personIdOf(signIn.issuer, claims.sub), name: nameOf(signIn, claims) }, scopes };
}

function scopesByEmail({ emailDomains }: SignInConfig, claims: Claims): readonly string[] {
  const domain = /^[^@\s]+@([^@\s]+)$/.exec(emailIn(claims) ?? "")?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(emailDomains, domain) ? (emailDomains[domain] ?? []) : [];
}

/** The e-mail address, where the issuer has made sure that it is his. */
function emailIn({ email, email_verified: isVerified }: Claims): string | null {
  return isVerified === true && typeof email === "string" ? email : null;
}

function nameOf({ nameClaim, issuer }: SignInConfig, claims: Claims & { readonly sub: string }): string {
  const named = nameClaim === null ? emailIn(claims) : Object.hasOwn(claims, nameClaim) ? claims[nameClaim] : null;
  const name = (typeof named === "string" && named !== "" ? named : claims.sub).slice(0, nameCharsMax);
  // In the audit log that word is whoever runs 1mcp, and people may choose what they are called.
  return /^\s*operator\s*$/i.test(name) ? `${name} of ${issuer}` : name;
}
