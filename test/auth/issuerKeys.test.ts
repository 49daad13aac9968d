import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { IssuerKeys, NoKeys } from "../../src/auth/issuerKeys.ts";
import { defaultLimits, nullLog } from "../../src/base/index.ts";
import { noEgress } from "../fixtures/auth.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { openCompany } from "../fixtures/company.ts";
import { createFolder } from "../fixtures/folder.ts";

async function fromFile(text: string) {
  const folder = await createFolder();
  const jwksFile = folder.at("keys.json");
  await writeFile(jwksFile, text);
  const clock = createTestClock();
  const keys = new IssuerKeys({ issuer: { issuer: "https://login.example", jwksUrl: null, jwksFile }, egress: noEgress, clock, limits: defaultLimits, log: nullLog, ended: new AbortController().signal });
  const find = (kid: string) => Promise.resolve(keys.find({ alg: "ES256", kid }, { payload: "", signature: "" })).then(() => "found", (thrown: Error) => thrown.constructor.name);
  return { jwksFile, clock, keys, find, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("keys of a file are there from the start, without a request, and found anew when it has changed", async () => {
  await using company = await openCompany({ audience: "x" });
  await using stage = await fromFile(JSON.stringify(company.jwks()));
  await stage.keys.open();
  expect([await stage.find("key1"), await stage.find("key2")]).toEqual(["found", "JWKSNoMatchingKey"]);
  await company.rotate();
  await writeFile(stage.jwksFile, JSON.stringify(company.jwks()));
  expect(await stage.find("key2")).toBe("JWKSNoMatchingKey");
  await stage.clock.advance(defaultLimits.issuerPauseMs);
  expect([await stage.find("key2"), await stage.find("key1")]).toEqual(["found", "JWKSNoMatchingKey"]);
});

test("a file that cannot be used stops the start; one that becomes so changes nothing for a day", async () => {
  for (const text of ["", "{}", JSON.stringify({ keys: [] }), "x".repeat(defaultLimits.issuerBytesMax + 1)]) {
    await using stage = await fromFile(text);
    await expect(stage.keys.open()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  }
  await using company = await openCompany({ audience: "x" });
  await using stage = await fromFile(JSON.stringify(company.jwks()));
  await stage.keys.open();
  await writeFile(stage.jwksFile, "broken");
  await stage.clock.advance(defaultLimits.issuerKeysAgeMs + 1);
  expect(await stage.find("key1")).toBe("found");
  await stage.clock.advance(defaultLimits.issuerKeysMsMax);
  expect(await stage.find("key1")).toBe(NoKeys.name);
});

test("keys of some age still answer at once, and are looked at anew beside that: one that was withdrawn is gone then", async () => {
  await using company = await openCompany({ audience: "x" });
  await using stage = await fromFile(JSON.stringify(company.jwks()));
  await stage.keys.open();
  await company.rotate();
  await writeFile(stage.jwksFile, JSON.stringify(company.jwks()));
  await stage.clock.advance(defaultLimits.issuerKeysAgeMs);
  expect(await stage.find("key1")).toBe("found");
  await stage.clock.advance(1);
  expect(await stage.find("key1")).toBe("found");
  // It is read from the file, which takes turns of the event loop and no time of the clock.
  while ((await stage.find("key1")) === "found") await stage.clock.settle();
  expect([await stage.find("key1"), await stage.find("key2")]).toEqual(["JWKSNoMatchingKey", "found"]);
});

test("a file that is not there stops the start", async () => {
  await using stage = await fromFile("{}");
  const keys = new IssuerKeys({ issuer: { issuer: "https://login.example", jwksUrl: null, jwksFile: `${stage.jwksFile}.none` }, egress: noEgress, clock: stage.clock, limits: defaultLimits, log: nullLog, ended: new AbortController().signal });
  await expect(keys.open()).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("ENOENT") });
});
