import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stateKeys } from "../../src/auth/index.ts";
import { Fault } from "../../src/base/index.ts";

let folder: string;
let stateDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keys-"));
  stateDir = join(folder, "state");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const keyPath = (): string => join(stateDir, "state.key");
const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no fault", (error: unknown) => (error instanceof Fault ? error.code : error));

test("the key is made at the first start, private, and the same ever after", async () => {
  const first = await (await stateKeys({ stateDir })).subkey("seal");
  expect(first.byteLength).toBe(32);
  expect((await stat(keyPath())).mode & 0o777).toBe(0o600);
  expect(await (await stateKeys({ stateDir })).subkey("seal")).toEqual(first);
});

test("a subkey is not the key itself, and another installation has another", async () => {
  const subkey = await (await stateKeys({ stateDir })).subkey("seal");
  expect(Buffer.from(subkey).toString("base64url")).not.toBe((await readFile(keyPath(), "utf8")).trim());
  expect(await (await stateKeys({ stateDir: join(folder, "other") })).subkey("seal")).not.toEqual(subkey);
});

test("a known key gives the subkey of RFC 5869", async () => {
  await stateKeys({ stateDir });
  await writeFile(keyPath(), `${Buffer.alloc(32, 7).toString("base64url")}\n`);
  const mac = (key: Uint8Array, text: Uint8Array): Buffer => createHmac("sha256", key).update(text).digest();
  const extracted = mac(Buffer.alloc(32), Buffer.alloc(32, 7));
  expect(Buffer.from(await (await stateKeys({ stateDir })).subkey("seal")).equals(mac(extracted, Buffer.from("1mcp seal\u0001")))).toBe(true);
});

test("all that start at once share one key", async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => stateKeys({ stateDir })));
  const subkeys = await Promise.all(keys.map((each) => each.subkey("seal")));
  expect(new Set(subkeys.map((subkey) => Buffer.from(subkey).toString("hex"))).size).toBe(1);
});

test.each(["", "short", "A".repeat(44), "*".repeat(43)])("a file that holds no key (%p) is reported, not replaced", async (text) => {
  await stateKeys({ stateDir });
  await writeFile(keyPath(), text);
  expect(await codeOf(stateKeys({ stateDir }))).toBe("STATE_BROKEN");
  expect(await readFile(keyPath(), "utf8")).toBe(text);
});

test("a key that others could have read is refused", async () => {
  await stateKeys({ stateDir });
  await chmod(keyPath(), 0o640);
  expect(await codeOf(stateKeys({ stateDir }))).toBe("STATE_UNSAFE");
});
