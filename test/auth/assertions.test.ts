import { describe, expect, test } from "bun:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { bodyOf, issuer, openAuth, tokenOf } from "../fixtures/auth.ts";

describe("a client with a key", () => {
  const keys = async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    return { privateKey, jwks: { keys: [{ ...(await exportJWK(publicKey)) } as Record<string, unknown>] } };
  };
  const assertionForm = (assertion: string): Record<string, string> => ({ grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: assertion });

  test("signs that it is itself: for us, for now, and once", async () => {
    const { privateKey, jwks } = await keys();
    await using stage = await openAuth({ access: { clients: { preregistered: [{ clientId: "signer", jwks, clientCredentials: ["tag:web"] }] } } });
    const nowS = Math.floor(stage.clock.now() / 1000);
    const claims = { iss: "signer", sub: "signer", aud: issuer as string | string[], exp: nowS + 60 as number | undefined, jti: "one" as string | undefined };
    const signed = (more: Partial<typeof claims> = {}, key = privateKey, alg = "ES256"): Promise<string> => new SignJWT({ ...claims, ...more } as Record<string, unknown>).setProtectedHeader({ alg }).sign(key);
    const statusOf = async (assertion: string, more: Readonly<Record<string, string>> = {}): Promise<number> => bodyOf(await tokenOf(stage.auth, { ...assertionForm(assertion), ...more })).status;

    const good = await signed();
    expect([await statusOf(good), await statusOf(good)]).toEqual([200, 401]);
    expect(await statusOf(await signed({ jti: "two", aud: `${issuer}/token` }), { client_id: "signer" })).toBe(200);

    const { privateKey: foreign } = await keys();
    const bad = [
      await signed({ jti: "3", aud: "https://other.example" }),
      await signed({ jti: "4", aud: [issuer, "https://other.example"] }),
      await signed({ jti: "5", exp: nowS }),
      await signed({ jti: "6", exp: nowS + 301 }),
      await signed({ jti: "7", exp: undefined }),
      await signed({ jti: undefined }),
      await signed({ jti: "8", iss: "other" }),
      await signed({ jti: "9", sub: "nobody" }),
      await signed({ jti: "10" }, foreign),
      `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ ...claims, jti: "11" }))}.`,
      await new SignJWT({ ...claims, jti: "12" } as Record<string, unknown>).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(JSON.stringify(jwks.keys[0]))),
      "x",
      "a.!!!.c",
    ];
    for (const assertion of bad) expect([assertion, await statusOf(assertion)]).toEqual([assertion, 401]);
    expect(await statusOf(await signed({ jti: "13" }), { client_secret: "x" })).toBe(400);
    expect(await statusOf(await signed({ jti: "14" }), { client_assertion_type: "other" })).toBe(400);
    expect(bodyOf(await tokenOf(stage.auth, { grant_type: "client_credentials", client_id: "signer" }))).toMatchObject({ status: 401 });
  });

  test("finds no room where too many assertions are remembered, until they have expired", async () => {
    const { privateKey, jwks } = await keys();
    await using stage = await openAuth({ limits: { assertionsMax: 1 }, access: { clients: { preregistered: [{ clientId: "signer", jwks, clientCredentials: ["tag:web"] }] } } });
    const statusOf = async (jti: string): Promise<number> => {
      const assertion = await new SignJWT({ iss: "signer", sub: "signer", aud: issuer, exp: Math.floor(stage.clock.now() / 1000) + 60, jti }).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
      return bodyOf(await tokenOf(stage.auth, assertionForm(assertion))).status;
    };
    expect([await statusOf("1"), await statusOf("2")]).toEqual([200, 401]);
    await stage.clock.advance(122_000);
    expect(await statusOf("3")).toBe(200);
  });
});
