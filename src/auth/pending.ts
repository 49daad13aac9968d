/**
 * Requests for a grant that wait for the operator: of browsers that a client sent here, and of devices without one. What
 * was asked for stays here, and is never taken from a form; a page carries a handle that works in the browser it was
 * shown to, until the request is decided. They outlive the process, so that one which takes over goes on with them.
 */
import { type Clock, fault, type Limits, networkOf } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import type { Client } from "./clients.ts";
import { isLoopbackRedirect, redirectHost } from "./redirects.ts";
import type { Resources } from "./resources.ts";
import { offered } from "./scopes.ts";
import type { Person } from "../protocol/index.ts";
import { personColumns, personOf } from "./grants.ts";
import type { Store } from "./store.ts";
import { createCode, createId, createSecret, digestOf, type Random } from "./tokens.ts";
import type { Decision, ShownRequest, ShownScope } from "./types.ts";

/** A scope that can be granted, and what stands behind it now. */
export type Grantable = Omit<ShownScope, "asked">;

export interface PendingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly config: AccessConfig;
  readonly resources: Resources;
  scopesOf(): readonly Grantable[];
}

/** A request as it waits. */
export interface Waiting {
  readonly id: string;
  readonly kind: "code" | "device";
  readonly code: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly domain: string | null;
  readonly redirect: string | null;
  readonly state: string | null;
  readonly challenge: string | null;
  readonly resource: string | null;
  readonly asked: readonly string[];
  readonly refreshes: boolean;
  readonly expiresAt: number;
  readonly decision: "approved" | "denied" | null;
  /** What was approved. */
  readonly scopes: readonly string[];
  /** Digest of the browser that it belongs to. */
  readonly browser: string | null;
  /** Who approved it for himself; null: the operator did. */
  readonly person: Person | null;
}

/** Somebody who is not the operator, and decides for himself: what he may grant. */
export interface Approver {
  readonly person: Person;
  readonly scopes: readonly string[];
}

/** What a new one is made of. */
export interface NewWaiting {
  readonly client: Client;
  readonly resource: string | null;
  readonly asked: readonly string[];
  readonly address: string | null;
}

/** What a browser's adds to that. */
export interface FromBrowser {
  readonly browser: string;
  readonly redirect: string;
  readonly state: string | null;
  readonly challenge: string;
}

interface Row {
  readonly id: string;
  readonly kind: Waiting["kind"];
  readonly browser: string | null;
  readonly code: string;
  readonly client_id: string;
  readonly client_name: string;
  readonly client_domain: string | null;
  readonly redirect: string | null;
  readonly state: string | null;
  readonly challenge: string | null;
  readonly resource: string | null;
  readonly asked: string;
  readonly refreshes: number;
  readonly expires_at: number;
  readonly decision: Waiting["decision"];
  readonly scopes: string | null;
  readonly interval_ms: number;
  readonly polled_at: number | null;
  readonly person_id: string | null;
  readonly person_name: string | null;
}

/** How a device is answered that asks whether it was approved. */
export type Poll = { readonly outcome: "unknown" | "expired" | "hasty" | "pending" | "denied" } | { readonly outcome: "approved"; readonly waiting: Waiting };

/** Of one address, or network of IPv6: what comes then takes the place of the oldest, so that nobody keeps the others out. */
const perAddressMax = 10;

export class Pending {
  readonly #options: PendingOptions;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** A browser's request; null where too many wait. Gives the handle for its page. */
  add(request: NewWaiting, from: FromBrowser): { readonly handle: string; readonly id: string } | null {
    const handle = createSecret(this.#options.random);
    const id = this.#insert("code", request, { ...from, handle: digestOf(handle), device: null });
    return id === null ? null : { handle, id };
  }

  /** A device's request; null where too many wait. Gives what the device asks with, and what a person types. */
  addDevice(request: NewWaiting): { readonly deviceCode: string; readonly userCode: string; readonly id: string } | null {
    const deviceCode = createSecret(this.#options.random);
    const id = this.#insert("device", request, { browser: null, redirect: null, state: null, challenge: null, handle: null, device: digestOf(deviceCode) });
    return id === null ? null : { deviceCode, userCode: this.#one("id = ?", id)?.code ?? "", id };
  }

  #insert(kind: Waiting["kind"], { client, resource, asked, address }: NewWaiting, from: { readonly [name in keyof FromBrowser]: string | null } & { readonly handle: string | null; readonly device: string | null }): string | null {
    const { store, clock, random, limits } = this.#options;
    const id = createId(random, "r_");
    const refreshes = client.refreshes || asked.includes("offline_access");
    const sender = address === null ? null : networkOf(address);
    const made = store.atomically(() => {
      this.sweep();
      store.run("delete from requests where id in (select id from requests where address is ?1 order by expires_at desc limit -1 offset ?2)", sender, perAddressMax - 1);
      if ((store.get<{ readonly n: number }>("select count(*) as n from requests")?.n ?? 0) >= limits.approvalsMax) return false;
      store.run(
        "insert into requests (id, kind, handle, browser, device, code, client_id, client_name, client_domain, redirect, state, challenge, resource, asked, refreshes, address, expires_at, interval_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id, kind, from.handle, from.browser, from.device, this.#freeCode(), client.id, client.name, client.domain, from.redirect, from.state, from.challenge, resource, JSON.stringify(asked), refreshes ? 1 : 0, sender, clock.now() + limits.approvalMsMax, limits.devicePollMs,
      );
      return true;
    });
    return made ? id : null;
  }

  #freeCode(): string {
    const code = createCode(this.#options.random);
    return this.#one("code = ?", code) === null ? code : this.#freeCode();
  }

  #row(condition: string, value: string): Row | null {
    return this.#options.store.get<Row>(`select * from requests where ${condition} and expires_at > ?2`.replace("?", "?1"), value, this.#options.clock.now());
  }

  #one(condition: string, value: string): Waiting | null {
    const row = this.#row(condition, value);
    return row === null ? null : waitingOf(row);
  }

  /** The request whose page carries that handle. */
  byHandle(handle: string): Waiting | null {
    return this.#one("handle = ?", digestOf(handle));
  }

  byId(id: string): Waiting | null {
    return this.#one("id = ?", id);
  }

  /** A device's request, by what a person typed; it belongs to that browser from now on. Gives the handle for its page. */
  claim(code: string, browser: string): { readonly handle: string; readonly id: string } | null {
    const { store, random } = this.#options;
    const handle = createSecret(random);
    return store.atomically(() => {
      const waiting = this.#one("kind = 'device' and decision is null and code = ?", code);
      if (waiting === null) return null;
      store.run("update requests set handle = ?, browser = ? where id = ?", digestOf(handle), browser, waiting.id);
      return { handle, id: waiting.id };
    });
  }

  /** Those that nobody has decided yet. */
  list(): readonly ShownRequest[] {
    const rows = this.#options.store.all<Row>("select * from requests where decision is null and expires_at > ? order by expires_at, id", this.#options.clock.now());
    return rows.map((row) => this.shown(waitingOf(row)));
  }

  /** As a person is shown it; only what `by` may grant, where it is not the operator. */
  shown(waiting: Waiting, by: Approver | null = null): ShownRequest {
    const { config, resources } = this.#options;
    const { redirect, resource, refreshes } = waiting;
    return {
      id: waiting.id,
      code: waiting.code,
      client: { id: waiting.clientId, name: waiting.clientName, domain: waiting.domain },
      redirectHost: redirect === null ? null : redirectHost(redirect),
      isLoopback: redirect !== null && isLoopbackRedirect(redirect),
      resource: resources.issuer() + (resource ?? ""),
      scopes: this.#offered(waiting, by),
      refresh: refreshes,
      lifeMs: refreshes ? renewedMsMax(config, by !== null) : config.tokens.accessMs,
      expiresAt: waiting.expiresAt,
    };
  }

  #offered({ asked }: Waiting, by: Approver | null): readonly ShownScope[] {
    const there = this.#options.scopesOf();
    return offered(asked, by === null ? there : there.filter(({ scope }) => by.scopes.includes(scope)));
  }

  /** Decides one, once; for the operator, or for somebody who decides for himself. Throws NAME_UNKNOWN where it does not wait (any more), PARAMS_INVALID for a scope that was not offered. */
  decide(id: string, decision: Decision, by: Approver | null = null): Waiting {
    const { store } = this.#options;
    return store.atomically(() => {
      const waiting = this.#undecided(id);
      const scopes = decision.approve ? [...new Set(decision.scopes)] : [];
      const possible = this.#offered(waiting, by).map(({ scope }) => scope);
      if (scopes.some((scope) => !possible.includes(scope))) throw fault("PARAMS_INVALID", { detail: "a scope was not among those that were offered" });
      const person = by?.person ?? null;
      const outcome = decision.approve ? "approved" : "denied";
      store.run("update requests set decision = ?, scopes = ?, person_id = ?, person_name = ? where id = ?", outcome, JSON.stringify(scopes), ...personColumns(person), id);
      return { ...waiting, decision: outcome, scopes, person };
    });
  }

  #undecided(id: string): Waiting {
    const waiting = this.byId(id);
    if (waiting === null || waiting.decision !== null) throw fault("NAME_UNKNOWN", { detail: "no such request waits for a decision" });
    return waiting;
  }

  /** Takes one that was decided away: what comes of it happens once. */
  take(id: string): boolean {
    return this.#options.store.run("delete from requests where id = ? and decision is not null", id) === 1;
  }

  /** Takes all away that were decided, and came to nothing yet. */
  withdraw(): void {
    this.#options.store.run("delete from requests where decision is not null");
  }

  /** A device asks (RFC 8628, section 3.4). To be called in a transaction; who is approved stays until `take`. */
  poll(deviceCode: string, clientId: string): Poll {
    const { store, clock, limits } = this.#options;
    const now = clock.now();
    const row = store.get<Row>("select * from requests where device = ? and client_id = ?", digestOf(deviceCode), clientId);
    if (row === null) return { outcome: "unknown" };
    if (row.expires_at <= now) return { outcome: "expired" };
    const hasty = row.polled_at !== null && now - row.polled_at < row.interval_ms;
    store.run("update requests set polled_at = ?, interval_ms = ? where id = ?", now, row.interval_ms + (hasty ? limits.devicePollMs : 0), row.id);
    if (hasty) return { outcome: "hasty" };
    if (row.decision === null) return { outcome: "pending" };
    if (row.decision === "approved") return { outcome: "approved", waiting: waitingOf(row) };
    this.take(row.id);
    return { outcome: "denied" };
  }

  /** Forgets what nobody can ask for any more. Devices are told for a while that theirs has expired. */
  sweep(): void {
    const { store, clock, limits } = this.#options;
    store.run("delete from requests where expires_at <= ?", clock.now() - limits.approvalMsMax);
    store.run("delete from requests where expires_at <= ? and kind = 'code'", clock.now());
  }
}

/** How long a grant lives at most that is renewed. */
export const renewedMsMax = ({ tokens, signIn }: AccessConfig, isPersons: boolean): number => (isPersons && signIn !== null ? Math.min(signIn.grantMs, tokens.refreshAbsoluteMs) : tokens.refreshAbsoluteMs);

const waitingOf = (row: Row): Waiting => ({
  id: row.id,
  kind: row.kind,
  code: row.code,
  clientId: row.client_id,
  clientName: row.client_name,
  domain: row.client_domain,
  redirect: row.redirect,
  state: row.state,
  challenge: row.challenge,
  resource: row.resource,
  asked: JSON.parse(row.asked) as string[],
  refreshes: row.refreshes === 1,
  expiresAt: row.expires_at,
  decision: row.decision,
  scopes: JSON.parse(row.scopes ?? "[]") as string[],
  browser: row.browser,
  person: personOf(row),
});
