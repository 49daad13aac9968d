import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fetchKeys, parseKeys } from "../../src/auth/issuerDocuments.ts";
import { createEgress, defaultLimits, type Egress, systemClock } from "../../src/base/index.ts";
import { openCompany } from "../fixtures/company.ts";

const egress = createEgress({ limits: defaultLimits, env: {} });
const options = { egress, clock: systemClock, limits: defaultLimits, ended: new AbortController().signal };

describe("keys", () => {
  test("are public ones, at least one, and not too many", () => {
    const key = { kty: "EC", crv: "P-256" };
    expect(parseKeys(JSON.stringify({ keys: [key, "junk"] }), 2)).toMatchObject({ ok: true, keys: { keys: [key] } });
    for (const keys of [[], ["junk"], [{ kid: "x" }], [key, key, key], [{ ...key, d: "x" }], [{ kty: "oct", k: "x" }], "no list"]) expect(parseKeys(JSON.stringify({ keys }), 2).ok).toBe(false);
  });

  test("are never found in what is none", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof parseKeys(text, 10).ok === "boolean"));
  });
});

describe("an issuer's keys are", () => {
  const found = async (company: Awaited<ReturnType<typeof openCompany>>, jwksUrl: string | null = null): Promise<string> => {
    const result = await fetchKeys({ issuer: company.issuer, jwksUrl }, options);
    return result.ok ? "found" : result.why;
  };

  test("where its metadata of either kind say, or where the operator says", async () => {
    await using oauth = await openCompany({ audience: "x" });
    await using openid = await openCompany({ audience: "x", metadataPath: "/.well-known/openid-configuration" });
    await using none = await openCompany({ audience: "x", metadataPath: "/elsewhere" });
    expect([await found(oauth), await found(openid), await found(none), await found(none, `${none.issuer}/keys`)]).toEqual(["found", "found", "its metadata do not say where they are", "found"]);
    expect(openid.asked).toEqual(["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/keys"]);
    expect(none.asked.at(-1)).toBe("/keys");
  });

  test("not fetched from another host that is not in the public internet", async () => {
    await using other = await openCompany({ audience: "x" });
    await using company = await openCompany({ audience: "x", jwksUri: `${other.issuer}/keys` });
    expect([await found(company), other.asked]).toEqual([expect.stringContaining("no plain https URL"), []]);
  });

  test("not those of somebody else's metadata, nor in what is no address", async () => {
    await using company = await openCompany({ audience: "x", jwksUri: "no address" });
    expect(await found(company)).toBe("its metadata do not say where they are");
    await using mine = await openCompany({ audience: "x" });
    await using strange = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ issuer: mine.issuer, jwks_uri: `${mine.issuer}/keys` }) });
    expect([await fetchKeys({ issuer: strange.url.origin, jwksUrl: null }, options), mine.asked]).toEqual([{ ok: false, why: "its metadata do not say where they are" }, []]);
  });

  test("not followed to where a redirect leads, nor read without end", async () => {
    const answering = (answer: () => Response) => Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
    await using away = answering(() => Response.redirect("http://127.0.0.1:1/keys"));
    await using endless = answering(() => new Response("x".repeat(defaultLimits.issuerBytesMax + 1)));
    for (const { url } of [away, endless]) expect((await fetchKeys({ issuer: url.origin, jwksUrl: `${url.origin}/keys` }, options)).ok).toBe(false);
    const refusing: Egress = { send: () => Promise.reject(new Error("secret")), openStream: () => Promise.reject(new Error("x")) };
    expect(await fetchKeys({ issuer: "https://a.example", jwksUrl: null }, { ...options, egress: refusing })).toMatchObject({ ok: false, why: expect.not.stringContaining("secret") });
  });
});
