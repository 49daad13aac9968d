import { expect, test } from "bun:test";
import fc from "fast-check";
import { openIssuers } from "../../src/auth/issuers.ts";
import { createEgress, defaultLimits, nullLog } from "../../src/base/index.ts";
import { accessOf } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { openCompany } from "../fixtures/company.ts";

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
  expect(await issuers.verified(token, issuer)).toMatchObject({ issuer: trusted[0], typ: "at+jwt", claims: { sub: "ada" } });
  for (const iss of [`${company.issuer}/`, company.issuer.toUpperCase(), undefined, ["x"]]) expect(issuers.claimed(await company.token({ iss }))).toBeNull();
  expect(issuers.verified(token, { ...issuer, issuer: "https://other.example" })).rejects.toThrow("no such issuer");
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
