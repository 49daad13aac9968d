import { expect, test } from "bun:test";
import { configIn, issuesIn } from "../fixtures/config.ts";

const signIn = { issuer: "https://login.example.com", clientId: "1mcp", scopes: ["tag:web"] };

test("a company is as it was written, and what is left out has its default", () => {
  expect(configIn({ auth: { signIn } }).auth.signIn).toEqual({
    issuer: "https://login.example.com",
    clientId: "1mcp",
    clientSecretFile: null,
    name: "login.example.com",
    requestScopes: ["email"],
    nameClaim: null,
    scopes: ["tag:web"],
    rules: [],
    emailDomains: {},
    grantMs: 2_592_000_000,
  });
  const rules = [{ claim: "groups", contains: "mcp", scopes: ["tag:ops"] }];
  expect(configIn({ auth: { mode: "mixed", issuers: [{ issuer: "https://other.example" }], signIn: { issuer: signIn.issuer, clientId: "x", clientSecretFile: "secret", name: "Example", requestScopes: ["profile"], nameClaim: "upn", rules, emailDomains: { "example.com": ["tag:web"] }, grantMs: 60_000 } } }).auth.signIn).toMatchObject({
    clientSecretFile: expect.stringMatching(/^\/.*secret$/),
    name: "Example",
    nameClaim: "upn",
    rules: [{ claim: "groups", contains: "mcp", equals: null, scopes: ["tag:ops"] }],
    emailDomains: { "example.com": ["tag:web"] },
    grantMs: 60_000,
  });
  expect(configIn({}).auth.signIn).toBeNull();
});

test.each<[string, object]>([
  ["nobody may grant anything", { scopes: [] }],
  ["an address without TLS", { issuer: "http://login.example.com" }],
  ["an address with a query", { issuer: "https://login.example.com?x" }],
  ["no client", { clientId: "" }],
  ["a domain that is none", { emailDomains: { "Example.com": ["tag:web"] } }],
  ["a domain for nothing", { emailDomains: { "example.com": [] } }],
  ["a rule that says nothing", { rules: [{ claim: "groups", scopes: ["tag:web"] }] }],
  ["a scope that is none", { scopes: ["two words"] }],
  ["a life that is too short", { grantMs: 1 }],
  ["something unknown", { secret: "x" }],
])("%s refuses the whole file", (_, more) => {
  expect(issuesIn({ auth: { signIn: { ...signIn, ...more } } }).length).toBeGreaterThan(0);
});

test.each(["token", "external"])("with mode %s there is nothing to sign in for", (mode) => {
  expect(issuesIn({ auth: { mode, issuers: [{ issuer: "https://other.example" }], signIn } }).length).toBeGreaterThan(0);
});
