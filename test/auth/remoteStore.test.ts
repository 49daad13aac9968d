import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kept, type LoginKey, nothingKept, openLoginStore } from "../../src/auth/remoteStore.ts";
import { createLog, defaultLimits, type Limits, systemClock } from "../../src/base/index.ts";
import { temporaryDir } from "../fixtures/program.ts";

const anna: LoginKey = { server: "s", url: "https://mcp.example/mcp", owner: "anna" };
const bert: LoginKey = { ...anna, owner: "bert" };
const kept: Kept = { ...nothingKept, issuer: "https://as.example", tokens: { access_token: "very-secret-token", token_type: "Bearer" }, gotAt: 1, expiresAt: 2, scopes: ["a"] };

async function placeOf(stateDir: string) {
  const key = randomBytes(32);
  const log: string[] = [];
  const open = (with_ = key, limits: Limits = defaultLimits) => openLoginStore({ stateDir, key: with_, limits, log: createLog({ level: "debug", write: (line) => log.push(line), pretty: false, clock: systemClock }) });
  const folder = join(stateDir, "logins");
  const files = async (): Promise<string[]> => (await readdir(folder)).map((name) => join(folder, name));
  return { open, log, files };
}

// Threat row 52.
test("what is kept comes back, and lies there as ciphertext for its owner alone", async () => {
  await using dir = await temporaryDir();
  const { open, files } = await placeOf(dir.path);
  const store = await open();
  expect(store.of(anna)).toBeNull();
  await store.save(anna, kept);
  expect([store.of(anna), store.of(bert), store.keys()]).toEqual([kept, null, [anna]]);
  expect((await open()).of(anna)).toEqual(kept);
  const [path = ""] = await files();
  expect(await readFile(path, "utf8")).not.toContain("very-secret-token");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await store.remove(anna);
  expect([store.of(anna), await files()]).toEqual([null, []]);
});

test("another key, another owner's file, another issuer and a changed byte open nothing, and are told of", async () => {
  await using dir = await temporaryDir();
  const { open, log, files } = await placeOf(dir.path);
  await (await open()).save(anna, kept);
  expect((await open(randomBytes(32))).of(anna)).toBeNull();
  const [path = ""] = await files();
  const text = await readFile(path, "utf8");
  for (const changed of [text.replace('"anna"', '"bert"'), text.replace("as.example", "evil.example"), text.replace("mcp.example/mcp", "evil.example/mcp"), text.replace(/"box":"(.)/, (_, first) => `"box":"${first === "A" ? "B" : "A"}`), "{}", "no JSON"]) {
    await writeFile(path, changed);
    const store = await open();
    expect([store.of(anna), store.of(bert), store.keys()]).toEqual([null, null, []]);
  }
  expect(log.filter((line) => line.includes("log in again"))).toHaveLength(7);
  expect(log.join("")).not.toContain("very-secret-token");
});

test("a file under another's name is still its own", async () => {
  await using dir = await temporaryDir();
  const { open, files } = await placeOf(dir.path);
  await (await open()).save(anna, kept);
  const [path = ""] = await files();
  await rename(path, join(dir.path, "logins", "other.json"));
  expect((await open()).keys()).toEqual([anna]);
});

test("no more files are read than there may be logins", async () => {
  await using dir = await temporaryDir();
  const { open } = await placeOf(dir.path);
  const store = await open();
  await store.save(anna, kept);
  await store.save(bert, kept);
  expect((await open(undefined, { ...defaultLimits, loginsMax: 1 })).keys()).toHaveLength(1);
});
