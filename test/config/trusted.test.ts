import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { issuersOf } from "../../src/config/trusted.ts";
import { projectDir } from "../fixtures/program.ts";
import { configIn, issuesIn, lines } from "../fixtures/config.ts";

test("an issuer that is only named is asked for its keys, and its tokens grant nothing yet", () => {
  const { issuers } = configIn({ auth: { mode: "external", issuers: [{ issuer: "https://login.example" }] } }).auth;
  expect(issuers).toEqual([{ issuer: "https://login.example", audience: null, jwksUrl: null, jwksFile: null, typ: "at+jwt", clients: null, maxAgeMs: 86_400_000, scopes: [], rules: [], idJag: false }]);
  expect(issuersOf(undefined, "/etc")).toEqual([]);
});

test("a file with keys is looked for beside the configuration, and a rule has one condition", () => {
  const rules = [{ claim: "groups", contains: "mcp-web", scopes: ["tag:web"] }, { claim: "team", equals: "eng", scopes: ["tag:eng"] }];
  const [issuer] = configIn({ auth: { issuers: [{ issuer: "http://127.0.0.1:8080/realm", jwks: { $file: "keys.json" }, rules }] } }).auth.issuers;
  expect(issuer).toMatchObject({ jwksFile: "/etc/1mcp/keys.json", rules: [{ ...rules[0], equals: null }, { ...rules[1], contains: null }] });
});

describe("refuses the whole file for", () => {
  const issuer = "https://login.example";
  test.each([
    { mode: "external" },
    { mode: "mixed", issuers: [] },
    { issuers: [{}] },
    { issuers: [{ issuer: "login.example" }] },
    { issuers: [{ issuer: "http://login.example" }] },
    { issuers: [{ issuer: "https://login.example?x" }] },
    { issuers: [{ issuer: "https://me:pass@login.example" }] },
    { issuers: [{ issuer: "https://:pass@login.example" }] },
    { issuers: [{ issuer }, { issuer }] },
    { issuers: [{ issuer, jwks: { $file: "x" }, jwksUrl: `${issuer}/keys` }] },
    { issuers: [{ issuer, jwks: { keys: [] } }] },
    { issuers: [{ issuer, typ: "any" }] },
    { issuers: [{ issuer, maxAgeMs: 1 }] },
    { issuers: [{ issuer, rules: [{ claim: "groups", scopes: ["a"] }] }] },
    { issuers: [{ issuer, rules: [{ claim: "groups", contains: "a", equals: "a", scopes: ["a"] }] }] },
    { issuers: [{ issuer, rules: [{ claim: "groups", contains: "a", scopes: [] }] }] },
  ])("%p", (auth) => expect(lines(issuesIn({ auth })).length).toBeGreaterThan(0));

  test("a misspelt key in a list, with its place", () => {
    expect(lines(issuesIn({ auth: { issuers: [{ issuer, audiense: "x" }] } }))).toEqual([expect.stringContaining("“audiense” is not a known key (did you mean “audience”?)")]);
  });
});

test("the example for people is a configuration that can be used", async () => {
  const section = (await Bun.file(join(projectDir, "docs", "security.md")).text()).split("## Other issuers")[1] ?? "";
  const { auth } = configIn(/```json\n([\s\S]*?)```/.exec(section)?.[1] ?? "");
  expect(auth).toMatchObject({ mode: "external", issuers: [{ issuer: "https://login.example.com", audience: "api://mcp", clients: ["desktop-client"], rules: [{ contains: "mcp-web", scopes: ["tag:web"] }, { claim: "/realm_access/roles" }] }] });
});
