import { describe, expect, test } from "bun:test";
import { reveal } from "../../src/base/index.ts";
import type { RemoteSpec } from "../../src/config/index.ts";
import { configIn, issuesIn, lines, serverIn } from "../fixtures/config.ts";

const url = "https://example.com/mcp";
const remoteIn = (entry: object, variables?: Record<string, string>): RemoteSpec => serverIn({ url, ...entry }, variables) as RemoteSpec;
const issueOf = (entry: object): string | null => remoteIn(entry).issue?.message ?? null;

test("without a word on it, the login is what the server says itself, and the operator's serves everybody", () => {
  expect(remoteIn({})).toMatchObject({ oauth: { grant: "authorization_code", clientId: null, clientSecret: null, privateKey: null, keyAlgorithm: "ES256", issuer: null, clientMetadataUrl: null, scopes: [], redirectUrl: null, allowHosts: [] }, credentials: "shared" });
});

test("a configured header Authorization is the login", () => {
  const spec = remoteIn({ headers: { authorization: "Bearer x" } });
  expect([spec.oauth, spec.issue]).toEqual([null, null]);
  expect(issueOf({ headers: { Authorization: "Bearer x" }, oauth: {} })).toContain("cannot be used beside a header Authorization");
});

test("variables are put in, and secrets are kept from every text", () => {
  const { oauth, secrets } = remoteIn({ oauth: { clientId: "${ID}", clientSecret: "${SECRET}", scopes: ["a", "b:c"] } }, { ID: "client-1", SECRET: "very-secret" });
  expect([oauth?.clientId, String(oauth?.clientSecret), oauth?.clientSecret?.reveal(), oauth?.scopes]).toEqual(["client-1", "[secret]", "very-secret", ["a", "b:c"]]);
  expect(secrets.map(reveal)).toEqual(["very-secret"]);
  expect(remoteIn({ oauth: { clientId: "c", clientSecret: "written here" } }).secrets.map(reveal)).toEqual(["written here"]);
  expect(remoteIn({ oauth: { clientId: "c", privateKey: "pem" } }).oauth?.privateKey?.reveal()).toBe("pem");
});

test("a missing variable puts the server out", () => expect(issueOf({ oauth: { clientId: "${NOT_SET}" } })).toContain("needs the variable NOT_SET"));

test("what cannot be meant together puts the server out", () => {
  expect(issueOf({ oauth: { clientSecret: "s" } })).toContain("has a secret without clientId");
  expect(issueOf({ oauth: { clientId: "c", clientSecret: "s", privateKey: "k" } })).toContain("has both clientSecret and privateKey");
  expect(issueOf({ oauth: { grant: "client_credentials", clientId: "c" } })).toContain("needs clientId, and clientSecret or privateKey");
  expect(issueOf({ oauth: { grant: "client_credentials", clientId: "c", clientSecret: "s" } })).toBeNull();
});

test("everybody's own login does not go with one connection, header or client for all", () => {
  expect(issueOf({ credentials: "per-user" })).toBeNull();
  expect(issueOf({ credentials: "per-user", isolation: "shared" })).toContain("cannot be per-user");
  expect(issueOf({ credentials: "per-user", headers: { Authorization: "x" } })).toContain("cannot be per-user");
  expect(issueOf({ credentials: "per-user", oauth: { grant: "client_credentials", clientId: "c", clientSecret: "s" } })).toContain("cannot be per-user");
});

test("a changed login is another connection", () => {
  const prints = [{}, { oauth: { scopes: ["a"] } }, { oauth: { clientId: "c", clientSecret: "1" } }, { oauth: { clientId: "c", clientSecret: "2" } }, { credentials: "per-user" }].map((entry) => remoteIn(entry).fingerprint);
  expect(new Set(prints).size).toBe(prints.length);
});

describe("refused are", () => {
  test.each([
    { redirectUrl: "http://example.com/cb" },
    { redirectUrl: "javascript:alert(1)" },
    { redirectUrl: "https://a@example.com/cb" },
    { clientMetadataUrl: "http://example.com/client.json" },
    { clientMetadataUrl: "https://example.com/" },
    { scopes: ["two words"] },
    { allowHosts: ["https://example.com"] },
    { allowHosts: ["example.com:80"] },
    { other: 1 },
    { grant: "password" },
  ])("%p", (oauth) => expect(lines(issuesIn({ mcpServers: { one: { url, oauth } } }))).toHaveLength(1));
});

test("a loopback address may be come back to without TLS", () => {
  for (const redirectUrl of ["http://127.0.0.1:3050/oauth/callback", "http://localhost/cb", "http://[::1]:1/cb", "https://example.com/cb"]) expect(configIn({ mcpServers: { one: { url, oauth: { redirectUrl } } } }).backends[0]).toMatchObject({ oauth: { redirectUrl } });
});
