/**
 * The grants and their access tokens: what was given to whom, until when. Whoever ends one writes that down in the same
 * transaction; so every process that has the store open hears of it, whoever did it, and ends what stands on the grant.
 */
import type { Clock, Limits } from "../base/index.ts";
import type { Person } from "../protocol/index.ts";
import type { Store } from "./store.ts";
import type { Signing } from "./signing.ts";
import { createId, createSecret, digestOf, type Random } from "./tokens.ts";
import type { GrantInfo } from "./types.ts";

/** What a new grant is made of. */
export interface NewGrant {
  readonly kind: GrantInfo["kind"];
  readonly name: string;
  readonly clientId: string | null;
  /** null: everything. */
  readonly scopes: readonly string[] | null;
  /** Path of the endpoint; null: every one. */
  readonly resource: string | null;
  /** It is renewed by refresh tokens. */
  readonly refreshes: boolean;
  readonly expiresAt: number | null;
  /** It ends then, unless it is renewed before. */
  readonly idleUntil: number | null;
  /** Where alone it opens anything; absent: anywhere. */
  readonly sources?: readonly string[];
  /** Whose it is, where a company's issuer has said so. */
  readonly person?: Person | null;
}

/** What an access token opens. */
export interface Opening {
  readonly grantId: string;
  readonly scopes: readonly string[] | null;
  readonly resource: string | null;
  readonly expiresAt: number;
  /** Null: anywhere. */
  readonly sources: readonly string[] | null;
  readonly person: Person | null;
}

/** A grant as other files of this room need it. */
export interface Grant {
  readonly id: string;
  readonly clientId: string | null;
  readonly clientName: string;
  readonly scopes: readonly string[] | null;
  readonly resource: string | null;
  readonly expiresAt: number | null;
}

export interface GrantsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** Makes access tokens that others can read; null, or absent: ours say nothing. */
  readonly signing?: Pick<Signing, "token"> | null;
}

interface GrantRow {
  readonly id: string;
  readonly kind: GrantInfo["kind"];
  readonly name: string;
  readonly client_id: string | null;
  readonly scopes: string | null;
  readonly resource: string | null;
  readonly created_at: number;
  readonly used_at: number | null;
  readonly expires_at: number | null;
  readonly sources: string | null;
  readonly person_id: string | null;
  readonly person_name: string | null;
}

interface OpeningRow {
  readonly grant_id: string;
  readonly scopes: string | null;
  readonly resource: string | null;
  readonly expires_at: number;
  readonly until: number | null;
  readonly sources: string | null;
  readonly person_id: string | null;
  readonly person_name: string | null;
}

/** How long it is remembered that a grant has ended, for other processes to hear of it: far longer than two run side by side. */
const endedMs = 60 * 60 * 1000;
/** How long it is known of an access token that it was one. */
const staleMs = 24 * 60 * 60 * 1000;

export class Grants {
  readonly #options: GrantsOptions;
  readonly #used = new Map<string, number>();
  #usedWrittenAt: number;
  #heard: number;

  constructor(options: GrantsOptions) {
    this.#options = options;
    this.#usedWrittenAt = options.clock.now();
    this.#heard = options.store.get<{ readonly last: number | null }>("select max(number) as last from ended")?.last ?? 0;
  }

  /** Makes a grant; gives its id. Of those that people approved the least recently used makes room where there are too many. */
  create(grant: NewGrant): string {
    const { store, clock, random, limits } = this.#options;
    const id = createId(random, "g_");
    const [personId, personName] = personColumns(grant.person ?? null);
    if (grant.kind !== "token") this.#makeRoom("person_id is ?", personId, limits.grantsMax);
    if (personId !== null) this.#makeRoom("person_id is not ?", null, limits.personGrantsMax);
    store.run(
      "insert into grants (id, kind, name, client_id, scopes, resource, refreshes, created_at, expires_at, idle_until, sources, person_id, person_name) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      id, grant.kind, grant.name, grant.clientId, jsonOf(grant.scopes), grant.resource, grant.refreshes ? 1 : 0, clock.now(), grant.expiresAt, grant.idleUntil, jsonOf(grant.sources ?? null), personId, personName,
    );
    return id;
  }

  /** The grant that a client has by itself for an endpoint; lives until then at least. To be called in a transaction. */
  ofClient(client: { readonly id: string; readonly name: string; readonly ownScopes: readonly string[] | null }, resource: string | null, expiresAt: number): string {
    const { store } = this.#options;
    const known = store.get<{ readonly id: string }>("select id from grants where kind = 'client' and client_id = ? and resource is ?", client.id, resource);
    if (known === null) return this.create({ kind: "client", name: client.name, clientId: client.id, scopes: client.ownScopes, resource, refreshes: false, expiresAt, idleUntil: null });
    store.run("update grants set scopes = ?, expires_at = max(expires_at, ?) where id = ?", jsonOf(client.ownScopes), expiresAt, known.id);
    return known.id;
  }

  /** The grant that somebody has through a client by the word of another issuer; lives until then at least. To be called in a transaction. */
  ofPerson(asserted: { readonly clientId: string; readonly name: string; readonly scopes: readonly string[]; readonly person: Person }, resource: string | null, expiresAt: number): string {
    const { store } = this.#options;
    const { clientId, name, scopes, person } = asserted;
    const known = store.get<{ readonly id: string }>("select id from grants where kind = 'company' and client_id = ? and person_id = ? and resource is ?", clientId, person.id, resource);
    if (known === null) return this.create({ kind: "company", name, clientId, scopes, resource, refreshes: false, expiresAt, idleUntil: null, person });
    store.run("update grants set scopes = ?, expires_at = max(expires_at, ?) where id = ?", jsonOf(scopes), expiresAt, known.id);
    return known.id;
  }

  /** Everybody has room of his own: the operator with what he approved, and each person. */
  #makeRoom(whose: "person_id is ?" | "person_id is not ?", person: string | null, max: number): void {
    const { store } = this.#options;
    const over = (store.get<{ readonly n: number }>(`select count(*) as n from grants where kind <> 'token' and ${whose}`, person)?.n ?? 0) - max + 1;
    if (over <= 0) return;
    for (const { id } of store.all<{ readonly id: string }>(`select id from grants where kind <> 'token' and ${whose} order by coalesce(used_at, created_at) limit ?`, person, over)) this.end(id);
  }

  /** A new access token for a grant, and until when. */
  issue(grantId: string, scopes: readonly string[] | null, expiresAt: number): string {
    const { store, random } = this.#options;
    const token = this.#signed(grantId, scopes, expiresAt) ?? createSecret(random);
    store.run("insert into access (digest, grant_id, scopes, expires_at) values (?, ?, ?, ?)", digestOf(token), grantId, jsonOf(scopes), expiresAt);
    return token;
  }

  /** What others can read of it, signed. The operator's static tokens are for us alone; and what does not fit stays opaque. */
  #signed(grantId: string, scopes: readonly string[] | null, expiresAt: number): string | null {
    const { signing = null, store } = this.#options;
    if (signing === null || scopes === null) return null;
    const row = store.get<GrantRow & { readonly client_id: string }>("select * from grants where id = ? and client_id is not null", grantId);
    return row === null ? null : signing.token({ subject: subjectOf(row), clientId: row.client_id, scopes, resource: row.resource, expiresAt });
  }

  /** Whether another token can be given out. */
  hasRoom(): boolean {
    const live = this.#options.store.get<{ readonly n: number }>("select count(*) as n from access where expires_at > ?", this.#options.clock.now());
    return (live?.n ?? 0) < this.#options.limits.liveTokensMax;
  }

  /** What a token opens, by its digest; null for one that is not (any more) known. It may have expired. */
  openingOf(digest: string): Opening | null {
    const row = this.#options.store.get<OpeningRow>("select a.grant_id, a.scopes, g.resource, a.expires_at, g.expires_at as until, g.sources, g.person_id, g.person_name from access a join grants g on g.id = a.grant_id where a.digest = ?", digest);
    if (row === null) return null;
    return { grantId: row.grant_id, scopes: scopesOf(row.scopes), resource: row.resource, expiresAt: Math.min(row.expires_at, row.until ?? Number.POSITIVE_INFINITY), sources: scopesOf(row.sources), person: personOf(row) };
  }

  /** A grant that lives. */
  of(id: string): Grant | null {
    const row = this.#options.store.get<GrantRow>("select * from grants where id = ?", id);
    if (row === null || (row.expires_at !== null && row.expires_at <= this.#options.clock.now())) return null;
    return { id: row.id, clientId: row.client_id, clientName: row.name, scopes: scopesOf(row.scopes), resource: row.resource, expiresAt: row.expires_at };
  }

  /** A grant as operators see it; null for one that is not there. */
  infoOf(id: string): GrantInfo | null {
    const row = this.#options.store.get<GrantRow>("select * from grants where id = ?", id);
    return row === null ? null : infoOf(row);
  }

  list(): readonly GrantInfo[] {
    return this.#options.store.all<GrantRow>("select * from grants where coalesce(expires_at, ?1 + 1) > ?1 order by created_at, id", this.#options.clock.now()).map(infoOf);
  }

  /** How many static tokens there are. */
  countTokens(): number {
    return this.#options.store.get<{ readonly n: number }>("select count(*) as n from grants where kind = 'token'")?.n ?? 0;
  }

  /** Ends a grant with all that hangs on it. To be told by `hear`, once the transaction around is through. */
  end(id: string): boolean {
    const gone = this.#options.store.get<{ readonly person_id: string | null }>("delete from grants where id = ? returning person_id", id);
    if (gone === null) return false;
    this.tellEnded(id);
    if (gone.person_id !== null) this.#endPerson(gone.person_id);
    return true;
  }

  /** What is kept for somebody goes with his last grant. */
  #endPerson(id: string): void {
    if (this.#options.store.get("select 1 from grants where person_id = ? limit 1", id) === null) this.tellEnded(id);
  }

  /** Tells the other processes, and `hear` here, that what stands on an id has to end, though no grant of the store had it. */
  tellEnded(id: string): void {
    this.#options.store.run("insert into ended (grant_id, at) values (?, ?)", id, this.#options.clock.now());
  }

  /** Ids of the grants that have ended since it was asked last, in whatever process. */
  hear(): readonly string[] {
    const rows = this.#options.store.all<{ readonly number: number; readonly grant_id: string }>("select number, grant_id from ended where number > ? order by number", this.#heard);
    this.#heard = rows.at(-1)?.number ?? this.#heard;
    return rows.map(({ grant_id }) => grant_id);
  }

  /** Notes that a grant was used; written a while later. */
  used(id: string): void {
    this.#used.set(id, this.#options.clock.now());
  }

  /** Ends what has expired, forgets what nobody can ask for any more, and writes what was used. */
  sweep(): void {
    const { store, clock, limits } = this.#options;
    const now = clock.now();
    const due = store.all<{ readonly id: string }>("select id from grants where expires_at <= ?1 or idle_until <= ?1", now);
    if (due.length > 0) store.atomically(() => due.forEach(({ id }) => this.end(id)));
    if (now - this.#usedWrittenAt < limits.grantUsedMs) return;
    this.flush();
    store.run("delete from access where expires_at <= ?", now - staleMs);
    store.run("delete from ended where at <= ?", now - endedMs);
  }

  /** Writes when the grants were used last. */
  flush(): void {
    const { store, clock } = this.#options;
    this.#usedWrittenAt = clock.now();
    if (this.#used.size === 0) return;
    store.atomically(() => this.#used.forEach((at, id) => void store.run("update grants set used_at = ? where id = ?", at, id)));
    this.#used.clear();
  }
}

/** Scopes, and sources, as they are kept. */
export const jsonOf = (scopes: readonly string[] | null): string | null => (scopes === null ? null : JSON.stringify(scopes));

/** Kept scopes, or sources. Only we write them. */
export const scopesOf = (kept: string | null): readonly string[] | null => (kept === null ? null : Object.freeze(JSON.parse(kept) as string[]));

/** Whose a grant is: somebody's of a company, the operator's who approved it, else the client's own. */
function subjectOf({ person_id: person, kind, client_id: client }: GrantRow & { readonly client_id: string }): string {
  return person ?? (kind === "code" || kind === "device" ? "operator" : client);
}

/** A person as columns. */
export const personColumns = (person: Person | null): readonly [id: string | null, name: string | null] => (person === null ? [null, null] : [person.id, person.name]);

/** Whose a row is. */
export const personOf = (row: { readonly person_id: string | null; readonly person_name: string | null }): Person | null =>
  row.person_id === null ? null : Object.freeze({ id: row.person_id, name: row.person_name ?? row.person_id });

const infoOf = (row: GrantRow): GrantInfo =>
  Object.freeze({
    id: row.id,
    kind: row.kind,
    name: row.name,
    clientId: row.client_id,
    scopes: scopesOf(row.scopes),
    resource: row.resource,
    createdAt: row.created_at,
    usedAt: row.used_at,
    expiresAt: row.expires_at,
    ...(row.sources === null ? {} : { sources: scopesOf(row.sources) ?? [] }),
    ...(row.person_name === null ? {} : { person: row.person_name }),
  });
