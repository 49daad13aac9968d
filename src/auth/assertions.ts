/**
 * How a client signs in place of a secret (RFC 7523, `private_key_jwt`). What it signs is for us alone, for a few minutes,
 * and serves once, so that whoever sees it on the way has nothing.
 */
import type { JSONWebKeySet } from "jose";
import type { Clock, Limits } from "../base/index.ts";
import type { Jwks } from "./clientMetadata.ts";
import { signatures } from "./metadata.ts";
import type { Resources } from "./resources.ts";
import type { Store } from "./store.ts";
import { digestOf } from "./tokens.ts";

export interface AssertionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly resources: Resources;
}

/** What clients sign to show that they are themselves; each serves once. */
export class Assertions {
  readonly #options: AssertionsOptions;

  constructor(options: AssertionsOptions) {
    this.#options = options;
  }

  /** Whether an assertion is that client's, for us, of now, and was not shown before. */
  async isOf(clientId: string, jwks: Jwks, assertion: string): Promise<boolean> {
    const { clock, resources, limits } = this.#options;
    try {
      const issuer = resources.issuer();
      const { createLocalJWKSet, jwtVerify } = await import("jose");
      const { payload } = await jwtVerify(assertion, createLocalJWKSet(jwks as unknown as JSONWebKeySet), {
        algorithms: [...signatures],
        issuer: clientId,
        subject: clientId,
        audience: [issuer, `${issuer}/token`],
        requiredClaims: ["exp", "jti"],
        currentDate: new Date(clock.now()),
      });
      const until = (payload.exp ?? 0) * 1000;
      const isShort = until <= clock.now() + limits.assertionMsMax;
      // One audience, or another receiver could show it to us.
      return isShort && typeof payload.aud === "string" && typeof payload.jti === "string" && this.isNew(`${clientId} ${payload.jti}`, until);
    } catch {
      return false; // whatever is wrong with it: it proves nothing
    }
  }

  /** Whether something that serves once, and counts until then, is shown for the first time. */
  isNew(id: string, until: number): boolean {
    const { store, limits } = this.#options;
    return store.atomically(() => {
      if ((store.get<{ readonly n: number }>("select count(*) as n from assertions")?.n ?? 0) >= limits.assertionsMax) return false;
      return store.run("insert or ignore into assertions (id, expires_at) values (?, ?)", digestOf(id), until) === 1;
    });
  }

  /** Forgets those that have expired. */
  sweep(): void {
    this.#options.store.run("delete from assertions where expires_at <= ?", this.#options.clock.now());
  }
}
