import { describe, expect, test } from "bun:test";
import { type ClientMetadataRules, isObject, parseClientMetadata } from "../../src/auth/clientMetadata.ts";
import { defaultLimits } from "../../src/base/index.ts";

const rules: ClientMetadataRules = { schemes: ["vscode"], methods: ["none", "client_secret_post", "private_key_jwt"], needsName: true, limits: { ...defaultLimits, redirectsMax: 2 } };
const good = { client_name: "App", redirect_uris: ["https://app.example/cb", "vscode://ext/cb"] };
const parse = (more: object, own: Partial<ClientMetadataRules> = {}) => parseClientMetadata({ ...good, ...more }, { ...rules, ...own });
const metadata = (more: object) => {
  const result = parse(more);
  if (!result.ok) throw new Error(result.why);
  return result.metadata;
};

test("of what a client says the part is taken that we know", () => {
  expect(metadata({ grant_types: ["authorization_code", "refresh_token"], logo_uri: "https://app.example/logo.svg", unknown: { a: 1 } })).toEqual({ name: "App", redirectUris: good.redirect_uris, method: "none", jwks: null, refreshes: true });
  expect(metadata({}).refreshes).toBe(false);
});

test("a name is a claim: nothing in it hides, reorders or goes on for ever", () => {
  expect(metadata({ client_name: " A\u202eB\u0000\nC\u200b " }).name).toBe("A B  C");
  expect([...metadata({ client_name: "😀".repeat(500) }).name]).toHaveLength(128);
  expect(parse({ client_name: undefined }, { needsName: false })).toMatchObject({ ok: true, metadata: { name: "a client without a name" } });
});

test("keys are public, and there for signing alone", () => {
  const jwks = { keys: [{ kty: "EC", crv: "P-256", x: "a", y: "b" }] };
  expect(metadata({ token_endpoint_auth_method: "private_key_jwt", jwks }).jwks).toEqual(jwks);
});

describe("is refused for", () => {
  test.each([
    { redirect_uris: undefined }, { redirect_uris: [] }, { redirect_uris: "https://app.example/cb" }, { redirect_uris: [1] }, { redirect_uris: ["javascript:alert(1)"] }, { redirect_uris: ["https://app.example/cb", "data:text/html,x"] },
    { redirect_uris: ["file:///etc"] }, { redirect_uris: ["https://app.example/cb#x"] }, { redirect_uris: ["https://u:p@app.example/cb"] }, { redirect_uris: ["http://app.example/cb"] }, { redirect_uris: ["myapp:"] }, { redirect_uris: ["https://a.example/1", "https://a.example/2", "https://a.example/3"] },
  ])("its redirects: %p", (more) => expect(parse(more)).toMatchObject({ ok: false, error: "invalid_redirect_uri" }));

  test.each([
    { client_name: undefined }, { client_name: 1 }, { client_name: "  " }, { token_endpoint_auth_method: "client_secret_jwt" }, { token_endpoint_auth_method: "client_secret_basic" }, { token_endpoint_auth_method: "private_key_jwt" },
    { jwks: { keys: [{ kty: "EC" }] } }, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [] } }, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC", d: "x" }] } },
    { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "oct" }] } }, { token_endpoint_auth_method: "private_key_jwt", jwks: 1 }, { logo_uri: "javascript:alert(1)" }, { client_uri: 1 }, { tos_uri: "http://app.example" },
  ])("the rest of it: %p", (more) => expect(parse(more)).toMatchObject({ ok: false, error: "invalid_client_metadata" }));

  test("being no object", () => {
    for (const given of [null, [], "text", 1, undefined]) {
      expect(parseClientMetadata(given, rules)).toMatchObject({ ok: false });
      expect(isObject(given)).toBe(false);
    }
  });
});
