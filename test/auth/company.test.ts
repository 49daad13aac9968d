import { expect, test } from "bun:test";
import { Company } from "../../src/auth/company.ts";
import { openIssuers } from "../../src/auth/issuers.ts";
import { createEgress, defaultLimits, type Egress, faultOf, nullLog, systemClock } from "../../src/base/index.ts";
import { accessOf, type TrustedIssuer } from "../../src/config/index.ts";
import { type OpenId, openOpenId } from "../fixtures/openId.ts";

const attempt = { state: "state", nonce: "nonce", verifier: "v".repeat(54) };
const redirectUri = "http://127.0.0.1:3050/sign-in/callback";
const plain = createEgress({ limits: defaultLimits, env: {} });

async function companyOf(issuer: string, more: { readonly egress?: Egress; readonly signIn?: object } = {}): Promise<Company> {
  const { signIn } = accessOf({ signIn: { issuer, clientId: "x", scopes: ["tag:a"], ...more.signIn } }, "/");
  if (signIn === null) throw new Error("no company");
  const trusted: TrustedIssuer = { issuer, audience: null, jwksUrl: null, jwksFile: null, typ: "jwt", clients: null, maxAgeMs: 600_000, scopes: [], rules: [], idJag: false };
  const options = { egress: more.egress ?? plain, clock: systemClock, limits: defaultLimits, log: nullLog, ended: new AbortController().signal };
  return new Company({ ...options, signIn, secret: null, trusted, issuers: await openIssuers({ ...options, trusted: [trusted] }) });
}

const reasonOf = (work: Promise<unknown>): Promise<string> => work.then(() => "nothing", (thrown: unknown) => faultOf(thrown).message);
const answerOf = async (issuer: OpenId, company: Company): Promise<URLSearchParams> => new URL(await issuer.visit(await company.target(attempt, redirectUri, false))).searchParams;

test("the way there carries all that the answer is held against, and the answer says who it is", async () => {
  await using issuer = await openOpenId();
  const company = await companyOf(issuer.issuer);
  expect(await company.claims(await answerOf(issuer, company), attempt, redirectUri)).toMatchObject({ sub: "ada", nonce: "nonce", email: "ada@example.com" });
  expect(await reasonOf(company.claims(new URLSearchParams({ iss: issuer.issuer, code: "guessed" }), attempt, redirectUri))).toContain("did not take the code");
});

test("a code works with the verifier and the address of its own attempt alone", async () => {
  await using issuer = await openOpenId();
  const company = await companyOf(issuer.issuer);
  for (const [other, to] of [[{ ...attempt, verifier: "w".repeat(54) }, redirectUri], [attempt, `${redirectUri}/x`]] as const) {
    expect(await reasonOf(company.claims(await answerOf(issuer, company), other, to))).toContain("did not take the code");
  }
});

test("an issuer that never names itself need not, and what it names all the same has to be it", async () => {
  await using issuer = await openOpenId();
  issuer.bends.metadata = { authorization_response_iss_parameter_supported: false };
  issuer.bends.iss = null;
  const company = await companyOf(issuer.issuer);
  expect((await company.claims(await answerOf(issuer, company), attempt, redirectUri)).sub).toBe("ada");
  issuer.bends.iss = "https://evil.example";
  expect(await reasonOf(company.claims(await answerOf(issuer, company), attempt, redirectUri))).toContain("not of the issuer");
});

test("a token endpoint on another host is asked in the public internet alone", async () => {
  await using issuer = await openOpenId();
  issuer.bends.metadata = { token_endpoint: "https://tokens.internal/token" };
  const reached: (readonly [string, string | undefined])[] = [];
  const egress: Egress = { ...plain, send: (url, init) => (url.startsWith(issuer.issuer) ? plain.send(url, init) : (reached.push([url, init.reach]), Promise.reject(new Error("refused")))) };
  const company = await companyOf(issuer.issuer, { egress });
  expect(await reasonOf(company.claims(await answerOf(issuer, company), attempt, redirectUri))).not.toBe("nothing");
  expect(reached).toEqual([["https://tokens.internal/token", "public"]]);
});

test("openid is asked for once, whatever is asked for beside it", async () => {
  await using issuer = await openOpenId();
  const company = await companyOf(`${issuer.issuer}`, { signIn: { requestScopes: ["openid", "profile"] } });
  expect(new URL(await company.target(attempt, redirectUri, true)).searchParams.get("scope")).toBe("openid profile");
});

test("an issuer that is not there is said to be that", async () => {
  const gone = await openOpenId();
  await gone[Symbol.asyncDispose]();
  expect(await reasonOf((await companyOf(gone.issuer)).target(attempt, redirectUri, false))).toContain("login");
});
