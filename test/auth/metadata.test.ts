import { describe, expect, test } from "bun:test";
import { ask, bodyOf, issuer, openAuth } from "../fixtures/auth.ts";

const root = "/.well-known/oauth-protected-resource";

describe("the metadata of an endpoint", () => {
  test("lies under its own path and name, for every endpoint, and tells nothing of servers", async () => {
    await using stage = await openAuth();
    for (const [path, host] of [["/mcp", "127.0.0.1:3050"], ["/mcp/github", "localhost:3050"], ["/sse", "[::1]:3050"], ["/mcp/no-such-server", "127.0.0.1:3050"], ["", "127.0.0.1:3050"]] as const) {
      const out = await ask(stage.auth, "GET", root + path, { headers: { host } });
      expect(bodyOf(out)).toEqual({ status: 200, resource: `http://${host}${path}`, authorization_servers: [issuer], bearer_methods_supported: ["header"], resource_name: "1mcp" });
      expect(out.headers).toEqual({ "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300" });
    }
    expect(bodyOf(await ask(stage.auth, "GET", `${root}/other`)).status).toBe(404);
    expect((await ask(stage.auth, "POST", `${root}/mcp`)).headers["Allow"]).toBe("GET, HEAD");
  });

  test("names scopes where the operator wants clients to choose, but never offline_access", async () => {
    await using stage = await openAuth({ access: { defaultScopes: ["tag:web", "offline_access"] } });
    expect(bodyOf(await ask(stage.auth, "GET", `${root}/mcp`))["scopes_supported"]).toEqual(["tag:web"]);
  });

  test("names the authorization servers whose tokens count", async () => {
    await using mixed = await openAuth({ access: { mode: "mixed", issuers: [{ issuer: "https://login.example" }] } });
    expect(bodyOf(await ask(mixed.auth, "GET", `${root}/mcp`))["authorization_servers"]).toEqual([issuer, "https://login.example"]);
    await using external = await openAuth({ access: { mode: "external", issuers: [{ issuer: "https://login.example" }] } });
    expect(bodyOf(await ask(external.auth, "GET", `${root}/mcp`))["authorization_servers"]).toEqual(["https://login.example"]);
  });
});

describe("the metadata of the authorization server", () => {
  const path = "/.well-known/oauth-authorization-server";

  test("says who we are, byte for byte, and what we can do", async () => {
    await using stage = await openAuth();
    expect(bodyOf(await ask(stage.auth, "GET", path))).toEqual({
      status: 200,
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
      device_authorization_endpoint: `${issuer}/device_authorization`,
      registration_endpoint: `${issuer}/register`,
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      grant_types_supported: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["ES256", "EdDSA", "RS256", "PS256"],
      revocation_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
      revocation_endpoint_auth_signing_alg_values_supported: ["ES256", "EdDSA", "RS256", "PS256"],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
    });
    expect((await ask(stage.auth, "DELETE", path)).headers["Allow"]).toBe("GET, HEAD");
  });

  test("leaves out what is switched off, and adds what a client was given", async () => {
    const reached = { publicUrl: "https://mcp.example.com/", listenUrl: () => "http://127.0.0.1:3050/mcp", allowedHosts: [] };
    await using stage = await openAuth({ reached, access: { clients: { cimd: "off", preregistered: [{ clientId: "robot", secretSha256: "0".repeat(64), clientCredentials: [] }] } } });
    const body = bodyOf(await ask(stage.auth, "GET", path));
    expect(body["issuer"]).toBe("https://mcp.example.com");
    expect([body["registration_endpoint"], body["client_id_metadata_document_supported"]]).toEqual([undefined, undefined]);
    expect(body["grant_types_supported"]).toContain("client_credentials");
  });
});
