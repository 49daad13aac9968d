import { describe, expect, test } from "bun:test";
import { bodyOf, issuer, mcp, openAuth, opens, tokenOf } from "../fixtures/auth.ts";

const secret = "a long and random secret";
const secretSha256 = new Bun.CryptoHasher("sha256").update(secret).digest("hex");
const robot = { clientId: "robot", name: "Robot", secretSha256, clientCredentials: ["tag:web", "server:alpha"] };
const form = { grant_type: "client_credentials", client_id: "robot", client_secret: secret };
const access = { clients: { preregistered: [robot, { clientId: "guest", secretSha256 }, { clientId: "open", clientCredentials: ["tag:web"] }] } };

describe("a client with a secret", () => {
  test("gets by itself what the operator wrote down, and nothing to renew", async () => {
    await using stage = await openAuth({ access });
    const body = bodyOf(await tokenOf(stage.auth, { ...form, resource: mcp }));
    expect(body).toEqual({ status: 200, access_token: expect.any(String), token_type: "Bearer", expires_in: 900, scope: "tag:web server:alpha" });
    expect(await opens(stage.auth, String(body["access_token"]))).toEqual(["tag:web", "server:alpha"]);
    expect(await opens(stage.auth, String(body["access_token"]), `${issuer}/sse`)).toBe(false);
    const less = bodyOf(await tokenOf(stage.auth, { ...form, scope: "tag:web" }));
    expect(await opens(stage.auth, String(less["access_token"]))).toEqual(["tag:web"]);
    expect(bodyOf(await tokenOf(stage.auth, { ...form, scope: "tag:web admin:write" }))).toMatchObject({ status: 400, error: "invalid_scope" });
  });

  test("has one grant for each endpoint, however many tokens, and it lives as long as they do", async () => {
    await using stage = await openAuth({ access });
    await tokenOf(stage.auth, { ...form, resource: mcp });
    await stage.clock.advance(800_000);
    const body = bodyOf(await tokenOf(stage.auth, { ...form, resource: mcp }));
    await stage.clock.advance(800_000);
    expect(await opens(stage.auth, String(body["access_token"]))).not.toBe(false);
    expect(stage.auth.operator.grants()).toMatchObject([{ kind: "client", name: "Robot", clientId: "robot", resource: "/mcp" }]);
    await stage.clock.advance(200_000);
    expect(stage.auth.operator.grants()).toEqual([]);
  });

  test("that is wrong, missing or shown twice is not known; one that may not, and one without a secret, gets nothing", async () => {
    await using stage = await openAuth({ access });
    const errorOf = async (more: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<unknown> => bodyOf(await tokenOf(stage.auth, { ...form, ...more }, headers))["error"];
    expect(await errorOf({ client_secret: "wrong" })).toBe("invalid_client");
    expect(await errorOf({ client_secret: "" })).toBe("invalid_client");
    expect(await errorOf({}, { authorization: `Basic ${btoa(`robot:${secret}`)}` })).toBe("invalid_request");
    expect(await errorOf({ client_secret: "", client_id: "other" }, { authorization: `Basic ${btoa(`robot:${encodeURIComponent(secret)}`)}` })).toBe("invalid_request");
    expect(await errorOf({ client_secret: "" }, { authorization: "Bearer x" })).toBe("invalid_request");
    expect(await errorOf({ client_secret: "" }, { authorization: `Basic ${btoa("robot:%zz")}` })).toBe("invalid_request");
    expect(await errorOf({ client_id: "guest" })).toBe("unauthorized_client");
    expect(await errorOf({ client_id: "open", client_secret: "" })).toBe("unauthorized_client");
    expect(bodyOf(await tokenOf(stage.auth, { grant_type: "client_credentials" }, { authorization: `Basic ${btoa(`robot:${encodeURIComponent(secret)}`)}` })).status).toBe(200);
  });
});
