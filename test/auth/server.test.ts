import { describe, expect, test } from "bun:test";
import { Fault } from "../../src/base/index.ts";
import { ask, bodyOf, openAuth } from "../fixtures/auth.ts";

describe("what is served", () => {
  test("depends on how callers are known", async () => {
    await using oauth = await openAuth();
    const resource = ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/*"];
    const server = ["/.well-known/oauth-authorization-server", "/authorize", "/device", "/device_authorization", "/login", "/open", "/register", "/revoke", "/token"];
    expect([...oauth.auth.paths].sort()).toEqual([...server, ...resource].sort());
    await using token = await openAuth({ access: { mode: "token" } });
    expect(token.auth.paths).toEqual([]);
    expect(await token.auth.verify({ authorization: null, resource: "http://127.0.0.1:3050/mcp" })).toEqual({ ok: false, code: "TOKEN_MISSING", challenge: 'Bearer realm="1mcp"' });
    await using external = await openAuth({ access: { mode: "external" } });
    expect([...external.auth.paths].sort()).toEqual([...resource, "/login", "/open"].sort());
  });

  test("is nothing else", async () => {
    await using stage = await openAuth();
    for (const path of ["/introspect", "/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/mcp"]) await expect(ask(stage.auth, "GET", path)).rejects.toThrow(Fault);
  });

  test("tells nobody what went wrong inside", async () => {
    const lines: unknown[] = [];
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (_line: string, fields: unknown) => void lines.push(fields), with: () => log };
    await using stage = await openAuth({ log });
    await stage.auth.close();
    const out = bodyOf(await ask(stage.auth, "POST", "/register", { json: { redirect_uris: ["https://app.example/cb"] } }));
    expect(out).toEqual({ status: 500, error: "server_error", error_description: "something went wrong inside" });
    expect(lines).toHaveLength(1);
  });
});
