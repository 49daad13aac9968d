/**
 * Refresh tokens: each is used once, and gives the next. They form a family with the grant; whoever uses one that was
 * used before has it from somebody else, so the whole grant ends (OAuth 2.1, section 4.3.1). Two things look like that
 * and are not. Requests at the same time: one wins, the others are told to come again. And a reply that was lost: for a
 * few seconds, while nobody has used the successor, the token works once more, and gets another successor in its place.
 *
 * What is "at the same time" must not depend on how fast we are: the winner's reply is held back for as long as others
 * count as simultaneous. So whoever comes after a reply is never taken for somebody who came beside it.
 */
import type { Clock, Limits } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import type { Grant, Grants } from "./grants.ts";
import { narrowed } from "./scopes.ts";
import type { Store } from "./store.ts";
import { createSecret, digestOf, type Random } from "./tokens.ts";

export interface RefreshesOptions {
  readonly store: Store;
  readonly grants: Grants;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly config: AccessConfig;
}

/** The two tokens that a client gets. */
export interface Pair {
  readonly grant: Grant;
  readonly access: string;
  readonly refresh: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly accessUntil: number;
}

/** What became of a refresh token that was shown. "replayed": its grant has ended by it. */
export type Refreshed = { readonly outcome: "renewed"; readonly pair: Pair } | { readonly outcome: "unknown" | "beside" | "widened" | "elsewhere" } | { readonly outcome: "replayed"; readonly grant: Grant };

interface Row {
  readonly grant_id: string;
  readonly access: string;
  readonly expires_at: number;
  readonly used_at: number | null;
  readonly successor: string | null;
  readonly repeated_at: number | null;
}

/** What is asked for with a refresh token. `resource`: the path of an endpoint, null for none in particular. */
export interface RefreshRequest {
  readonly token: string;
  readonly clientId: string;
  readonly asked: readonly string[];
  readonly resource: string | null;
}

export class Refreshes {
  readonly #options: RefreshesOptions;

  constructor(options: RefreshesOptions) {
    this.#options = options;
  }

  /** The first refresh token of a grant. To be called in a transaction. */
  begin(grantId: string, access: string): string {
    return this.#insert(grantId, access);
  }

  #insert(grantId: string, access: string): string {
    const { store, clock, random, config } = this.#options;
    const token = createSecret(random);
    const expiresAt = clock.now() + config.tokens.refreshIdleMs;
    store.run("insert into refresh (digest, grant_id, access, expires_at) values (?, ?, ?, ?)", digestOf(token), grantId, digestOf(access), expiresAt);
    store.run("update grants set idle_until = ? where id = ?", expiresAt, grantId);
    return token;
  }

  /** Redeems one, for the client that it was given to. */
  redeem(request: RefreshRequest): Refreshed {
    const { store, grants, clock } = this.#options;
    const digest = digestOf(request.token);
    return store.atomically(() => {
      const row = store.get<Row>("select * from refresh where digest = ?", digest);
      const grant = row === null ? null : grants.of(row.grant_id);
      // Another client learns nothing by it, and changes nothing.
      if (row === null || grant === null || grant.clientId !== request.clientId) return { outcome: "unknown" };
      if (row.used_at !== null) return this.#again(row, row.used_at, grant, request);
      return clock.now() >= row.expires_at ? { outcome: "unknown" } : this.#renew(row, grant, request, digest);
    });
  }

  #again(row: Row, usedAt: number, grant: Grant, request: RefreshRequest): Refreshed {
    const { store, clock, limits, grants } = this.#options;
    const agoMs = clock.now() - usedAt;
    if (clock.now() - (row.repeated_at ?? usedAt) < limits.refreshSettleMs) return { outcome: "beside" };
    const successor = store.get<Row>("select * from refresh where digest = ?", row.successor);
    const wasLost = agoMs <= limits.refreshGraceMs && row.repeated_at === null && successor !== null && successor.used_at === null;
    if (!wasLost) {
      grants.end(grant.id);
      return { outcome: "replayed", grant };
    }
    return this.#renew(row, grant, request, digestOf(request.token), successor);
  }

  #renew(row: Row, grant: Grant, { asked, resource }: RefreshRequest, digest: string, lost: Row | null = null): Refreshed {
    const { store, clock } = this.#options;
    const scopes = narrowed(grant.scopes, asked);
    if (scopes === null) return { outcome: "widened" };
    if (resource !== null && grant.resource !== null && resource !== grant.resource) return { outcome: "elsewhere" };
    // Whoever has the lost one has it from the wire: it counts as used, and what came with it opens nothing.
    if (lost !== null) {
      store.run("delete from access where digest = ?", lost.access);
      store.run("update refresh set used_at = ? where digest = ?", clock.now() - this.#options.limits.refreshSettleMs, row.successor);
    }
    const pair = this.#pair(grant, scopes);
    store.run("update refresh set used_at = coalesce(used_at, ?1), successor = ?2, repeated_at = ?3 where digest = ?4", clock.now(), digestOf(pair.refresh), lost === null ? null : clock.now(), digest);
    return { outcome: "renewed", pair };
  }

  #pair(grant: Grant, scopes: readonly string[]): Pair {
    const { clock, config, grants, store } = this.#options;
    const accessUntil = Math.min(clock.now() + config.tokens.accessMs, grant.expiresAt ?? Number.POSITIVE_INFINITY);
    const access = grants.issue(grant.id, scopes, accessUntil);
    // Calls under way end with the token that they began with; more than a few of them are nobody's honest need.
    store.run("delete from access where grant_id = ?1 and digest not in (select digest from access where grant_id = ?1 order by expires_at desc limit ?2)", grant.id, accessPerGrantMax);
    return { grant, access, refresh: this.#insert(grant.id, access), scopes, accessUntil };
  }
}

const accessPerGrantMax = 16;
