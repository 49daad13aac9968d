import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Passwords } from "../../src/auth/passwords.ts";
import { openStore, type Store } from "../../src/auth/store.ts";
import { Fault } from "../../src/base/index.ts";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "passwords-"));
  store = await openStore(join(folder, "state"));
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no fault", (error: unknown) => (error instanceof Fault ? error.code : error));

test("a password is kept as argon2id, replaced, and taken away", async () => {
  const passwords = await Passwords.open({ store, path: null });
  expect([passwords.isSet, await passwords.isRight("")]).toEqual([false, false]);
  await passwords.set("correct horse");
  expect(store.get<{ readonly value: string }>("select value from settings")?.value).toMatch(/^\$argon2id\$/);
  expect([await passwords.isRight("correct horse"), await passwords.isRight("correct hors"), await passwords.isRight("x".repeat(2000))]).toEqual([true, false, false]);
  await passwords.set("another one");
  expect([await passwords.isRight("correct horse"), await passwords.isRight("another one")]).toEqual([false, true]);
  await passwords.set(null);
  expect(passwords.isSet).toBe(false);
});

test("one that is too short or too long is none", async () => {
  const passwords = await Passwords.open({ store, path: null });
  for (const odd of ["", "1234567", "x".repeat(1025)]) expect(await codeOf(passwords.set(odd))).toBe("PARAMS_INVALID");
});

test("a file of the configuration comes first, and must be there and hold one", async () => {
  const path = join(folder, "password");
  expect(await codeOf(Passwords.open({ store, path }))).toBe("CONFIG_INVALID");
  await writeFile(path, "short\n");
  expect(await codeOf(Passwords.open({ store, path }))).toBe("CONFIG_INVALID");
  await writeFile(path, "from the file\n");
  const passwords = await Passwords.open({ store, path });
  await passwords.set("from the store");
  expect([await passwords.isRight("from the file"), await passwords.isRight("from the store")]).toEqual([true, false]);
});

test("of very many at once only a few wait for their turn", async () => {
  const passwords = await Passwords.open({ store, path: null });
  await passwords.set("correct horse");
  const all = await Promise.all(Array.from({ length: 20 }, () => passwords.isRight("correct horse")));
  expect([all.filter((right) => right === true).length, all.filter((right) => right === null).length]).toEqual([8, 12]);
});
