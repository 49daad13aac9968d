import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { openIssuers } from "../../src/auth/issuers.ts";
import { createEgress, defaultLimits, nullLog } from "../../src/base/index.ts";
import { accessOf } from "../../src/config/index.ts";
import { noEgress } from "../fixtures/auth.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { openCompany } from "../fixtures/company.ts";
import { createFolder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

async function opened() {
  const clock = createTestClock();
  const company = await openCompany({ audience: "x", now: () => clock.now() });
  const { issuers: trusted } = accessOf({ issuers: [{ issuer: company.issuer }] }, "/");
  const issuers = await openIssuers({ trusted, egress: createEgress({ limits: defaultLimits, env: {} }), clock, limits: defaultLimits, log: nullLog });
  return { clock, company, issuers, trusted, [Symbol.asyncDispose]: () => company[Symbol.asyncDispose]() };
}

test("an issuer is known by exactly its name, and what it signed says so", async () => {
  await using stage = await opened();
  const { issuers, company, trusted } = stage;
  const token = await company.token();
  const issuer = issuers.claimed(token);
  if (issuer === null) throw new Error("not known");
  expect(await issuers.verified(token, issuer)).toMatchObject({ issuer: trusted[0], kind: "at+jwt", claims: { sub: "ada" } });
  for (const iss of [`${company.issuer}/`, company.issuer.toUpperCase(), undefined, ["x"]]) expect(issuers.claimed(await company.token({ iss }))).toBeNull();
  await expect(issuers.verified(token, { ...issuer, issuer: "https://other.example" })).rejects.toThrow("no such issuer");
});

test("what is no token is nobody's", async () => {
  await using stage = await opened();
  const { issuers } = stage;
  fc.assert(fc.property(fc.oneof(fc.string(), fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => `eyJ${parts.join(".")}`)), (text) => issuers.claimed(text) === null));
});

test("whoever waits for keys at the end is told at once that there are none", async () => {
  await using stage = await opened();
  const { issuers, company, trusted } = stage;
  company.behave("hang");
  const waiting = trusted.map(async (issuer) => issuers.verified(await company.token(), issuer));
  const settled = Promise.allSettled(waiting);
  await stage.clock.settle();
  issuers.close();
  expect((await settled).map(({ status }) => status)).toEqual(["rejected"]);
});

test("four ways of signing count, by keys of a file without any request, and no other", async () => {
  await using folder = await createFolder();
  const ways = ["ES256", "EdDSA", "RS256", "PS256", "ES384", "RS512"];
  const pairs = await Promise.all(ways.map(async (alg) => ({ alg, ...(await generateKeyPair(alg, { extractable: true })) })));
  await writeFile(folder.at("keys.json"), JSON.stringify({ keys: await Promise.all(pairs.map(async ({ alg, publicKey }) => ({ ...(await exportJWK(publicKey)), kid: alg }))) }));
  const clock = createTestClock();
  const { issuers: trusted } = accessOf({ issuers: [{ issuer: "https://login.example", jwks: { $file: "keys.json" } }] }, folder.path);
  const issuers = await openIssuers({ trusted, egress: noEgress, clock, limits: defaultLimits, log: nullLog });
  const at = Math.floor(clock.now() / 1000);
  const counts = pairs.map(async ({ alg, privateKey }) => {
    const token = await new SignJWT({ iss: "https://login.example", aud: "x", sub: "ada", iat: at, exp: at + 60 }).setProtectedHeader({ alg, kid: alg, typ: "at+jwt" }).sign(privateKey);
    return trusted.map((issuer) => issuers.verified(token, issuer).then(() => alg, () => "refused"))[0];
  });
  expect(await Promise.all(counts)).toEqual(["ES256", "EdDSA", "RS256", "PS256", "refused", "refused"]);
});

test("what verifies signatures is loaded by nobody before there is one to be verified", async () => {
  const sources = await Array.fromAsync(new Bun.Glob("src/**/*.ts").scan(projectDir), async (path) => [path, await Bun.file(join(projectDir, path)).text()] as const);
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter(([, text]) => /^import (?!type)[^;]*"jose"/mu.test(text)).map(([path]) => path)).toEqual([]);
});
