import { describe, expect, test } from "bun:test";
import { createEgress, defaultLimits } from "../../src/base/index.ts";
import { ask, bodyOf, issuer as ours, mcp, openAuth, opens, tokenOf } from "../fixtures/auth.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { openCompany } from "../fixtures/company.ts";

const secret = "a long and random secret";
const secretSha256 = new Bun.CryptoHasher("sha256").update(secret).digest("hex");
const clients = { preregistered: [{ clientId: "app", name: "App", secretSha256 }, { clientId: "other", secretSha256 }, { clientId: "public" }] };
const rules = [{ claim: "groups", contains: "mcp-web", scopes: ["tag:web", "server:alpha"] }];

async function opened(more: object = {}) {
  const clock = createTestClock();
  const company = await openCompany({ now: () => clock.now(), audience: ours });
  const stage = await openAuth({ clock, egress: createEgress({ limits: defaultLimits, env: {} }), access: { clients, issuers: [{ issuer: company.issuer, rules, idJag: true, ...more }] } });
  let counted = 0;
  /** An identity assertion as it should be, with these differences. */
  const assertion = (claims: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}): Promise<string> => {
    counted += 1;
    return company.token({ jti: `j${counted}`, resource: mcp, groups: ["mcp-web"], ...claims }, { typ: "oauth-id-jag+jwt", ...header });
  };
  const trade = async (shown: string, form: Readonly<Record<string, string>> = {}) => bodyOf(await tokenOf(stage.auth, { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", client_id: "app", client_secret: secret, assertion: shown, ...form }));
  const end = async (): Promise<void> => {
    await stage[Symbol.asyncDispose]();
    await company[Symbol.asyncDispose]();
  };
  return { clock, company, stage, assertion, trade, [Symbol.asyncDispose]: end };
}

describe("an identity assertion", () => {
  test("is traded for a token of ours, once, with nothing to renew", async () => {
    await using all = await opened();
    const { stage, trade } = all;
    const shown = await all.assertion();
    const body = await trade(shown);
    expect(body).toEqual({ status: 200, access_token: expect.any(String), token_type: "Bearer", expires_in: 900, scope: "tag:web server:alpha" });
    expect([await opens(stage.auth, String(body["access_token"])), await opens(stage.auth, String(body["access_token"]), `${ours}/sse`)]).toEqual([["tag:web", "server:alpha"], false]);
    expect(await trade(shown)).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(stage.auth.operator.grants()).toMatchObject([{ kind: "company", name: "App", person: `ada of ${all.company.issuer}`, clientId: "app", resource: "/mcp" }]);
  });

  test("of the same person is the same grant, which ends with its last token and can be revoked", async () => {
    await using all = await opened();
    const { stage, clock, trade } = all;
    await trade(await all.assertion());
    await clock.advance(800_000);
    const { access_token: token } = await trade(await all.assertion({ exp: Math.floor(clock.now() / 1000) + 60 }));
    await trade(await all.assertion({ sub: "bob" }));
    expect(stage.auth.operator.grants()).toHaveLength(2);
    await clock.advance(600_000);
    expect(await opens(stage.auth, String(token))).not.toBe(false);
    stage.auth.operator.revoke("all");
    expect(await opens(stage.auth, String(token))).toBe(false);
  });

  test("shown by sixty-four at once serves one", async () => {
    await using all = await opened();
    const shown = await all.assertion();
    const statuses = await Promise.all(Array.from({ length: 64 }, () => all.trade(shown).then(({ status }) => status)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });

  test("that is another kind, for others, bound to a key, too long or from somebody else is worth nothing", async () => {
    await using all = await opened({ clients: ["app"] });
    const at = Math.floor(all.clock.now() / 1000);
    const worthless: readonly (readonly [object, object?])[] = [
      [{}, { typ: "at+jwt" }], [{}, { typ: undefined }], [{}, { kid: "unknown" }],
      [{ aud: mcp }], [{ aud: [ours, "https://other.example"] }], [{ aud: [ours] }], [{ client_id: "other" }], [{ client_id: undefined, azp: "app" }], [{ cnf: { jkt: "x" } }],
      [{ resource: "https://other.example/mcp" }], [{ resource: [mcp] }], [{ resource: undefined }], [{ jti: undefined }], [{ jti: "" }], [{ jti: 7 }], [{ sub: "" }],
      [{ exp: at + 301 }], [{ iat: at + 20, exp: at + 331 }], [{ iat: at - 100, exp: at - 31 }], [{ iat: undefined }], [{ iss: "https://other.example" }],
    ];
    for (const [claims, header] of worthless) expect([claims, await all.trade(await all.assertion(claims as Record<string, unknown>, header as Record<string, unknown>))]).toEqual([claims, expect.objectContaining({ status: 400, error: "invalid_grant" })]);
    expect((await all.trade("junk"))["error"]).toBe("invalid_grant");
    expect((await all.trade(""))["error"]).toBe("invalid_request");
    expect((await all.trade(await all.assertion()))["status"]).toBe(200);
  });

  test("gives what the rules give, and less where the issuer or the client wants less, never more", async () => {
    await using all = await opened();
    const scope = async (claims: object, form: Readonly<Record<string, string>> = {}) => {
      const body = await all.trade(await all.assertion(claims as Record<string, unknown>), form);
      return body["scope"] ?? body["error"];
    };
    expect(await scope({ scope: "tag:web tag:more" })).toBe("tag:web");
    expect(await scope({ scope: 7 })).toBe("invalid_scope");
    expect(await scope({}, { scope: "server:alpha" })).toBe("server:alpha");
    expect(await scope({}, { scope: "tag:more" })).toBe("invalid_scope");
    expect(await scope({ groups: [] })).toBe("invalid_scope");
    expect(await scope({}, { resource: `${ours}/sse` })).toBe("invalid_target");
    expect(await scope({ resource: ours }, { resource: `${ours}/sse` })).toBe("tag:web server:alpha");
  });

  test("is taken from a client that shows it is itself, and only of an issuer that may", async () => {
    await using all = await opened();
    expect((await all.trade(await all.assertion({ client_id: "public" }), { client_id: "public", client_secret: "" }))["error"]).toBe("unauthorized_client");
    expect((await all.trade(await all.assertion(), { client_id: "other" }))["error"]).toBe("invalid_grant");
    await using others = await opened({ clients: ["other"] });
    expect((await others.trade(await others.assertion()))["error"]).toBe("invalid_grant");
    await using closed = await opened({ idJag: false });
    expect((await closed.trade(await closed.assertion()))["error"]).toBe("invalid_grant");
  });
});

test("that assertions are taken is told where clients look, and only where they are", async () => {
  await using taking = await opened();
  await using not = await opened({ idJag: false });
  const metadata = async ({ stage }: typeof not) => bodyOf(await ask(stage.auth, "GET", "/.well-known/oauth-authorization-server"));
  const [does, doesNot] = [await metadata(taking), await metadata(not)];
  expect(does).toMatchObject({ authorization_grant_profiles_supported: ["urn:ietf:params:oauth:grant-profile:id-jag"], grant_types_supported: expect.arrayContaining(["urn:ietf:params:oauth:grant-type:jwt-bearer"]) });
  expect(doesNot["authorization_grant_profiles_supported"]).toBeUndefined();
  expect(doesNot["grant_types_supported"]).not.toContain("urn:ietf:params:oauth:grant-type:jwt-bearer");
});
