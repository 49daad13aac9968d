import { expect, test } from "bun:test";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { approverOf, People } from "../../src/auth/people.ts";
import { openStore } from "../../src/auth/store.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { accessOf, type SignInConfig } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { temporaryDir } from "../fixtures/program.ts";

const signInOf = (more: object): SignInConfig => {
  const { signIn } = accessOf({ signIn: { issuer: "https://login.example", clientId: "x", ...more } }, "/");
  if (signIn === null) throw new Error("no company");
  return signIn;
};

const personOf = (more: object, claims: object) => approverOf(signInOf({ scopes: ["tag:a"], ...more }), { sub: "ada", ...claims })?.person ?? { id: "", name: "" };

const scopesOf = (more: object, claims: object): readonly string[] | null => approverOf(signInOf(more), { sub: "ada", ...claims })?.scopes ?? null;

test("what somebody may grant is what everybody may, what his claims say, and what the domain of his address says", () => {
  const all = { scopes: ["tag:a"], rules: [{ claim: "groups", contains: "b", scopes: ["tag:b", "tag:a"] }], emailDomains: { "example.com": ["tag:c"] } };
  expect(scopesOf(all, {})).toEqual(["tag:a"]);
  expect(scopesOf(all, { groups: ["b"], email: "Ada@Example.COM", email_verified: true })).toEqual(["tag:a", "tag:b", "tag:c"]);
});

test.each<[string, object]>([
  ["not verified", { email: "ada@example.com" }],
  ["verified in words", { email: "ada@example.com", email_verified: "true" }],
  ["of a domain below", { email: "ada@evil.example.com", email_verified: true }],
  ["of a domain that ends alike", { email: "ada@notexample.com", email_verified: true }],
  ["of several", { email: "ada@evil.example@example.com", email_verified: true }],
  ["with something behind", { email: "ada@example.com\n", email_verified: true }],
  ["of nobody", { email: "@example.com", email_verified: true }],
  ["no text", { email: ["ada@example.com"], email_verified: true }],
  ["a member of every object", { email: "ada@constructor", email_verified: true }],
])("an address that is %s opens nothing", (_, claims) => {
  expect(scopesOf({ emailDomains: { "example.com": ["tag:c"] } }, claims)).toBeNull();
});

test("nobody gets what no rule names, whatever is said of him", () => {
  const named = ["tag:a", "tag:b", "tag:c"];
  const signIn = signInOf({ scopes: ["tag:a"], rules: [{ claim: "groups", contains: "b", scopes: ["tag:b"] }], emailDomains: { "example.com": ["tag:c"] } });
  const claims = fc.record({ sub: fc.string({ minLength: 1 }), groups: fc.jsonValue(), email: fc.oneof(fc.emailAddress(), fc.constant("x@example.com"), fc.jsonValue()), email_verified: fc.oneof(fc.boolean(), fc.jsonValue()), scope: fc.jsonValue() }, { requiredKeys: ["sub"] });
  fc.assert(fc.property(claims, (about) => (approverOf(signIn, about)?.scopes ?? []).every((scope) => named.includes(scope))));
});

test("people are known by issuer and subject, and named by what can be relied on", () => {
  expect(personOf({}, { email: "a@b.example", email_verified: false }).name).toBe("ada");
  expect(personOf({}, { email: "a@b.example", email_verified: true }).name).toBe("a@b.example");
  expect([personOf({ nameClaim: "upn" }, { upn: "Ada" }).name, personOf({ nameClaim: "upn" }, { upn: 7 }).name, personOf({ nameClaim: "toString" }, {}).name]).toEqual(["Ada", "ada", "ada"]);
  expect(personOf({}, { sub: "x".repeat(300) }).name).toHaveLength(200);
  expect(personOf({}, {}).id).toBe(personOf({ nameClaim: "upn" }, { upn: "Ada" }).id);
  expect(personOf({}, {}).id).not.toBe(personOf({ issuer: "https://other.example" }, {}).id);
});

test("nobody is named as the operator is in the audit log, whatever he calls himself", () => {
  const names = ["operator", "Operator", " operator\n"].map((name) => personOf({ nameClaim: "name" }, { name }).name);
  expect(names).toEqual(["operator of https://login.example", "Operator of https://login.example", " operator\n of https://login.example"]);
  expect([personOf({}, { sub: "operator" }).name, personOf({ nameClaim: "name" }, { name: "operators" }).name]).toEqual(["operator of https://login.example", "operators"]);
});

test("no more browsers are known than the limit says, the oldest go, and only a digest of what they show is kept", async () => {
  await using folder = await temporaryDir();
  const store = await openStore(`${folder.path}/state`);
  const clock = createTestClock();
  const people = new People({ signIn: signInOf({ scopes: ["tag:a"] }), store, clock, random: (bytes) => randomBytes(bytes), limits: { ...defaultLimits, personBrowsersMax: 2 } });
  const cookies: string[] = [];
  for (let count = 0; count < 3; count++) {
    cookies.push(people.admit({ person: { id: `p_${count}`, name: "Ada" }, scopes: ["tag:a"] })["Set-Cookie"]?.split(";")[0] ?? "");
    await clock.advance(1);
  }
  expect(cookies.map((cookie) => people.of(cookie)?.person.id)).toEqual([undefined, "p_1", "p_2"]);
  expect(JSON.stringify(store.all("select * from visitors"))).not.toContain("1mcp_");
  for (const other of [null, "", "__Host-1mcp-person=x", `${cookies[2]}; ${cookies[2]}`, cookies[2]?.replace("person", "operator") ?? ""]) expect(people.of(other)).toBeNull();
  await clock.advance(defaultLimits.personBrowserMs);
  people.sweep();
  expect(store.all("select * from visitors")).toEqual([]);
  store.close();
});
