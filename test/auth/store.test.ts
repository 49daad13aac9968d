import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "../../src/auth/store.ts";
import { Fault } from "../../src/base/index.ts";

let folder: string;
let stateDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-"));
  stateDir = join(folder, "state");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no fault", (error: unknown) => (error instanceof Fault ? error.code : error));
const set = (store: Store, value: string): number => store.run("insert or replace into settings (name, value) values ('x', ?)", value);
const got = (store: Store): string | undefined => store.get<{ readonly value: string }>("select value from settings where name = 'x'")?.value;

describe("the file", () => {
  test("and what lies beside it are readable by their owner alone, whatever the umask", async () => {
    const before = process.umask(0);
    const store = await openStore(stateDir).finally(() => process.umask(before));
    set(store, "a");
    const files = await readdir(stateDir);
    expect(files).toEqual(expect.arrayContaining(["auth.db", "auth.db-wal", "auth.db-shm"]));
    for (const file of files) expect([file, (await stat(join(stateDir, file))).mode & 0o777]).toEqual([file, 0o600]);
    store.close();
    store.close();
  });

  test("that others could have changed is refused", async () => {
    (await openStore(stateDir)).close();
    await chmod(join(stateDir, "auth.db"), 0o644);
    expect(await codeOf(openStore(stateDir))).toBe("STATE_UNSAFE");
  });

  test("that is no database is reported, not replaced", async () => {
    (await openStore(stateDir)).close();
    await writeFile(join(stateDir, "auth.db"), "something else, long enough to be looked at as a whole page of a database file".repeat(20), { mode: 0o600 });
    expect(await codeOf(openStore(stateDir))).toBe("STATE_BROKEN");
  });

  test("of a later version is left alone", async () => {
    (await openStore(stateDir)).close();
    const database = new Database(join(stateDir, "auth.db"));
    database.run("pragma user_version = 99");
    database.close();
    expect(await codeOf(openStore(stateDir))).toBe("STATE_BROKEN");
  });

  test("of an earlier version is brought up to date, with what is in it", async () => {
    const store = await openStore(stateDir);
    const now = (table: string): readonly unknown[] => store.all(`select name from pragma_table_info('${table}')`);
    const [grants, requests] = [now("grants"), now("requests")];
    store.run("insert into grants (id, kind, name, refreshes, created_at) values ('g_1', 'code', 'Editor', 1, 0)");
    // As it was before there were people.
    store.run("drop index grants_by_person");
    for (const table of ["grants", "codes", "requests"]) for (const column of ["person_id", "person_name"]) store.run(`alter table ${table} drop column ${column}`);
    store.run("drop table visitors");
    // And before grants could be bound to addresses.
    store.run("alter table grants drop column sources");
    store.run("pragma user_version = 1");
    store.close();
    const again = await openStore(stateDir);
    expect([again.all("select name from pragma_table_info('grants')"), again.all("select name from pragma_table_info('requests')")]).toEqual([grants, requests]);
    expect(again.all("select id, person_id, sources from grants")).toEqual([{ id: "g_1", person_id: null, sources: null }]);
    again.close();
  });

  test("keeps what was written over a restart, and two that make it at once make one", async () => {
    const [one, other] = await Promise.all([openStore(stateDir), openStore(stateDir)]);
    set(one, "a");
    expect(got(other)).toBe("a");
    one.close();
    other.close();
    const again = await openStore(stateDir);
    expect(got(again)).toBe("a");
    again.close();
  });
});

test("a transaction is done whole or not at all", async () => {
  const store = await openStore(stateDir);
  set(store, "before");
  expect(() =>
    store.atomically(() => {
      set(store, "half");
      throw new Error("stop");
    }),
  ).toThrow("stop");
  expect([got(store), store.all("select * from settings").length]).toEqual(["before", 1]);
  store.close();
});

test("what the database refuses is a fault that shows no value", async () => {
  const store = await openStore(stateDir);
  const thrown = (() => {
    try {
      return store.run("insert into settings (name, value) values (?, null)", "very-secret");
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(Fault);
  expect(String(thrown)).not.toContain("very-secret");
  store.close();
});
