import { describe, expect, test } from "bun:test";
import { accessOf } from "../../src/config/access.ts";
import { configIn, issuesIn, lines } from "../fixtures/config.ts";

test("without a word of it people approve clients, known hosts vouch for theirs, and only local clients register themselves", () => {
  expect(configIn({}).auth).toEqual({
    mode: "oauth",
    clients: { cimd: "allowlist", allow: [], registration: "local-only", redirectSchemes: [], preregistered: [] },
    tokens: { accessMs: 900_000, refreshIdleMs: 1_209_600_000, refreshAbsoluteMs: 7_776_000_000, format: "opaque" },
    defaultScopes: [],
    stepUp: "challenge",
    operatorPasswordFile: null,
    issuers: [],
    signIn: null,
  });
  expect(configIn({}).auth).toEqual(accessOf(undefined, "/etc"));
});

test("what is written replaces its default alone, and a file is looked for beside the configuration", () => {
  const { auth } = configIn({ auth: { mode: "token", tokens: { accessMs: 60_000 }, clients: { allow: ["app.example"] }, operatorPasswordFile: "password" } });
  expect(auth).toMatchObject({ mode: "token", clients: { cimd: "allowlist", allow: ["app.example"] }, tokens: { accessMs: 60_000, refreshIdleMs: 1_209_600_000 } });
  expect(auth.operatorPasswordFile).toBe("/etc/1mcp/password");
});

test("a client that is known from the start has a name, and no more than was written", () => {
  const digest = "0".repeat(64);
  const { auth } = configIn({ auth: { clients: { preregistered: [{ clientId: "ci" }, { clientId: "robot", name: "Robot", secretSha256: digest, clientCredentials: ["tag:web"] }] } } });
  expect(auth.clients.preregistered).toEqual([
    { clientId: "ci", name: "ci", redirectUris: [], secretSha256: null, jwks: null, clientCredentials: null },
    { clientId: "robot", name: "Robot", redirectUris: [], secretSha256: digest, jwks: null, clientCredentials: ["tag:web"] },
  ]);
});

describe("refuses the whole file for", () => {
  test.each([
    { mode: "none" },
    { mode: "off" },
    { clients: { cimd: "all" } },
    { clients: { allow: ["https://app.example"] } },
    { clients: { redirectSchemes: ["javascript"] } },
    { clients: { redirectSchemes: ["https"] } },
    { clients: { preregistered: [{ name: "x" }] } },
    { clients: { preregistered: [{ clientId: "x", secretSha256: "secret" }] } },
    { clients: { preregistered: [{ clientId: "x", jwks: { keys: [] } }] } },
    { clients: { preregistered: [{ clientId: "x", jwks: { keys: [{ kty: "EC", d: "private" }] } }] } },
    { tokens: { accessMs: 1 } },
    { tokens: { accessMs: 10 ** 12 } },
    { defaultScopes: ["two words"] },
    { stepUp: "maybe" },
    { unknown: true },
  ])("%p", (auth) => expect(lines(issuesIn({ auth })).length).toBeGreaterThan(0));
});
