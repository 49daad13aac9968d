/**
 * The database of auth: grants, their tokens, clients, requests that wait. The only file that knows of SQLite; whose the
 * tables are is said in the files that ask them. Of every bearer secret only a digest is in it.
 *
 * The state folder has one owner, but while a successor takes over two processes have the file open for a moment. So
 * whatever reads before it writes does both in one transaction that has the write lock from its beginning, and who finds
 * it locked waits. WAL, so that readers never wait; every commit reaches the disk, since what a power cut takes back
 * could be a revocation.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { ensurePrivateDir, fault, openPrivateLog } from "../base/index.ts";

export type Value = string | number | null;

/** The open database. What goes wrong with the disk throws STATE_BROKEN. */
export interface Store {
  /** The first row, or null. */
  get<T>(sql: string, ...values: readonly Value[]): T | null;
  all<T>(sql: string, ...values: readonly Value[]): readonly T[];
  /** Gives how many rows it changed. */
  run(sql: string, ...values: readonly Value[]): number;
  /** All that `work` does, or nothing of it, and nobody else in between. */
  atomically<T>(work: () => T): T;
  /** Closing twice is fine. */
  close(): void;
}

// Times are milliseconds since the epoch; lists of scopes, sources and documents are JSON, null scopes mean everything,
// null sources anywhere.
const first = `
create table grants (
  id text primary key, kind text not null, name text not null, client_id text, scopes text, resource text,
  refreshes integer not null, created_at integer not null, used_at integer, expires_at integer,
  idle_until integer
) strict, without rowid;
create index grants_by_client on grants (client_id);

create table access (
  digest text primary key, grant_id text not null references grants (id) on delete cascade, scopes text, expires_at integer not null
) strict, without rowid;
create index access_by_grant on access (grant_id);

create table refresh (
  digest text primary key, grant_id text not null references grants (id) on delete cascade, access text not null,
  expires_at integer not null, used_at integer, successor text, repeated_at integer
) strict, without rowid;
create index refresh_by_grant on refresh (grant_id);

create table clients (
  id text primary key, kind text not null, document text not null, secret text, created_at integer not null, used_at integer, expires_at integer not null
) strict, without rowid;

create table requests (
  id text primary key, kind text not null, handle text unique, browser text, device text unique, code text not null,
  client_id text not null, client_name text not null, client_domain text, redirect text, state text, challenge text,
  resource text, asked text not null, refreshes integer not null, address text, expires_at integer not null,
  decision text, scopes text, interval_ms integer not null, polled_at integer
) strict, without rowid;

create table codes (
  digest text primary key, client_id text not null, client_name text not null, redirect text not null, challenge text not null, resource text,
  scopes text not null, refreshes integer not null, expires_at integer not null, grant_id text
) strict, without rowid;

create table consents (
  client_id text not null, redirect text not null, resource text not null, scopes text not null, primary key (client_id, redirect, resource)
) strict, without rowid;

create table browsers (digest text primary key, created_at integer not null, seen_at integer not null) strict, without rowid;
create table links (digest text primary key, expires_at integer not null) strict, without rowid;
create table assertions (id text primary key, expires_at integer not null) strict, without rowid;
create table settings (name text primary key, value text not null) strict, without rowid;
create table ended (number integer primary key autoincrement, grant_id text not null, at integer not null) strict;
`;

// People of a company: whose a request, a code and a grant are, and the browsers that they signed in with.
const withPeople = `
alter table grants add column person_id text;
alter table grants add column person_name text;
create index grants_by_person on grants (person_id);
alter table codes add column person_id text;
alter table codes add column person_name text;
alter table requests add column person_id text;
alter table requests add column person_name text;
create table visitors (
  digest text primary key, person_id text not null, person_name text not null, scopes text not null, rules text not null, created_at integer not null, expires_at integer not null
) strict, without rowid;
`;

/** How a database became what it is, from the first one on; what was given out once is never changed here. */
const changes: readonly string[] = Object.freeze([first, "alter table grants add column sources text", withPeople]);

// Longer than any transaction of ours, shorter than a client waits.
const lockedMsMax = 5_000;

/** Opens `stateDir`/auth.db, and makes it if there is none. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function openStore(stateDir: string): Promise<Store> {
  await ensurePrivateDir(stateDir);
  const path = join(stateDir, "auth.db");
  // Makes it ours alone before anything is in it, and refuses one that others could have changed; what SQLite puts beside it gets the same mode.
  await (await openPrivateLog(path)).close();
  return guarded(path, () => new SqliteStore(connect(path)));
}

function connect(path: string): Database {
  const database = new Database(path, { readwrite: true, create: true, strict: true });
  database.run(`pragma busy_timeout = ${lockedMsMax}`);
  database.run("pragma journal_mode = wal");
  database.run("pragma synchronous = full");
  database.run("pragma foreign_keys = on");
  // What was deleted is overwritten: a client's name is nobody's business after its grant has ended.
  database.run("pragma secure_delete = on");
  database.transaction(() => migrate(database, path)).immediate();
  return database;
}

function migrate(database: Database, path: string): void {
  const found = database.query<{ readonly user_version: number }, []>("pragma user_version").get()?.user_version ?? 0;
  if (found > changes.length) throw fault("STATE_BROKEN", { op: "open", detail: `${path} was written by a later version`, hint: "use that version" });
  if (found === changes.length) return;
  for (const change of changes.slice(found)) database.run(change);
  database.run(`pragma user_version = ${changes.length}`);
}

class SqliteStore implements Store {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get<T>(sql: string, ...values: readonly Value[]): T | null {
    return this.#guarded(() => this.#database.query<T, Value[]>(sql).get(...values));
  }

  all<T>(sql: string, ...values: readonly Value[]): readonly T[] {
    return this.#guarded(() => this.#database.query<T, Value[]>(sql).all(...values));
  }

  run(sql: string, ...values: readonly Value[]): number {
    return this.#guarded(() => this.#database.query<unknown, Value[]>(sql).run(...values).changes);
  }

  atomically<T>(work: () => T): T {
    return this.#guarded(() => this.#database.transaction(work).immediate());
  }

  close(): void {
    this.#database.close(false);
  }

  #guarded<T>(work: () => T): T {
    return guarded("auth.db", work);
  }
}

/** A message of SQLite names tables and columns, never values. */
function guarded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if ((thrown as { readonly name?: unknown } | null)?.name !== "SQLiteError") throw thrown;
    throw fault("STATE_BROKEN", { op: "use", detail: `${what}: ${(thrown as Error).message}`, cause: thrown });
  }
}
