import { describe, expect, test } from "bun:test";
import { createEgress, defaultLimits } from "../../src/base/index.ts";
import { issuer as ours, mcp, openAuth, opens, type Overrides } from "../fixtures/auth.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { type Company, openCompany } from "../fixtures/company.ts";

const clock = createTestClock();
const egress = createEgress({ limits: defaultLimits, env: {} });
const rules = [{ claim: "groups", contains: "mcp-web", scopes: ["tag:web"] }];

async function opened(more: object = {}, overrides: Omit<Overrides, "access"> = {}, mode: "external" | "mixed" = "mixed") {
  const company = await openCompany({ now: () => clock.now(), audience: mcp });
  const stage = await openAuth({ clock, egress, access: { mode, issuers: [{ issuer: company.issuer, rules, ...more }] }, ...overrides });
  const why = async (token: string): Promise<string> => {
    const verdict = await stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp });
    return verdict.ok ? "let in" : (/error_description="([^"]*)"/.exec(verdict.challenge)?.[1] ?? "");
  };
  const end = async (): Promise<void> => {
    await stage[Symbol.asyncDispose]();
    await company[Symbol.asyncDispose]();
  };
  return { company, stage, why, [Symbol.asyncDispose]: end };
}

/** Who comes with it. */
async function whoComes({ stage }: Awaited<ReturnType<typeof opened>>, token: string): Promise<string> {
  const verdict = await stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp });
  return verdict.ok ? verdict.principal.id : "nobody";
}

describe("a token of another issuer", () => {
  test("opens what the rules say, and stays the same principal when it is renewed", async () => {
    await using all = await opened();
    const { company, stage } = all;
    expect(await opens(stage.auth, await company.token({ groups: ["mcp-web"] }))).toEqual(["tag:web"]);
    expect(await opens(stage.auth, await company.token())).toEqual([]);
    const [first, again, other, elsewhere] = [await company.token(), await company.token({ jti: "2" }), await company.token({ sub: "bob" }), await company.token({ client_id: undefined, azp: "other" })];
    const ids = await Promise.all([first, again, other, elsewhere].map((token) => whoComes(all, token)));
    expect(ids[0]).toMatch(/^x_[\w-]{43}$/);
    expect([ids[0] === ids[1], new Set(ids).size]).toEqual([true, 3]);
  });

  test("costs one signature a minute, and none is waited for after the first", async () => {
    await using all = await opened();
    const token = await all.company.token();
    const ask = () => all.stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp });
    const [first, then] = [await ask(), ask()];
    expect(then).toBe(first);
    await clock.advance(defaultLimits.issuedMemoMs);
    expect(ask()).toBeInstanceOf(Promise);
  });

  test("is remembered with so many others", async () => {
    await using all = await opened({}, { limits: { issuedMemoMax: 2 } });
    const tokens = await Promise.all(["a", "b", "c"].map((sub) => all.company.token({ sub })));
    for (const token of tokens) await opens(all.stage.auth, token);
    const asked = tokens.map((token) => all.stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp }) instanceof Promise);
    expect(asked).toEqual([true, false, false]);
  });

  test("is for the endpoint that it names, under each of our names, or for all by the audience that was written down", async () => {
    await using all = await opened();
    const { stage, company } = all;
    const token = await company.token({ aud: ["https://other.example", `${ours.replace("127.0.0.1", "localhost")}/mcp/alpha`] });
    expect([await opens(stage.auth, token), await opens(stage.auth, token, `${mcp}/alpha`), await opens(stage.auth, token, `${ours}/sse`)]).toEqual([false, [], false]);
    expect(await opens(stage.auth, await company.token({ aud: ours }))).toBe(false);
    await using named = await opened({ audience: "api://mcp" });
    const wide = await named.company.token({ aud: "api://mcp" });
    expect([await opens(named.stage.auth, wide), await opens(named.stage.auth, wide, `${ours}/sse`), await opens(named.stage.auth, await named.company.token())]).toEqual([[], [], false]);
  });

  test("has to say what it is, unless its issuer knows no better; an identity assertion never passes", async () => {
    await using strict = await opened();
    await using lax = await opened({ typ: "jwt" });
    const results = async (all: typeof lax) => Promise.all(["at+jwt", "application/AT+JWT", "JWT", undefined, "oauth-id-jag+jwt", "logout+jwt"].map(async (typ) => opens(all.stage.auth, await all.company.token({}, { typ }))));
    expect(await results(strict)).toEqual([[], [], false, false, false, false]);
    expect(await results(lax)).toEqual([[], [], [], [], false, false]);
  });

  test("is of a client that may come, is not too old, and says whose it is", async () => {
    await using all = await opened({ clients: ["app"], maxAgeMs: 60_000 });
    const { company, why } = all;
    const at = Math.floor(clock.now() / 1000);
    expect(await why(await company.token({ client_id: "other" }))).toBe("the token is of a client that is not let in");
    expect(await why(await company.token({ client_id: undefined }))).toBe("the token does not say whose it is");
    expect(await why(await company.token({ sub: "" }))).toBe("the token does not say whose it is");
    for (const [claims, expected] of [
      [{ iat: at - 91 }, "expired"],
      [{ iat: at - 89 }, "let in"],
      [{ iat: at + 29 }, "let in"],
      [{ iat: at + 31 }, "not valid"],
      [{ iat: undefined }, "not valid"],
      [{ exp: undefined }, "not valid"],
      [{ exp: at - 29 }, "let in"],
      [{ exp: at - 31 }, "expired"],
      [{ nbf: at + 31 }, "not valid"],
      [{ sub: undefined }, "not valid"],
    ] as const) expect([claims, await why(await company.token(claims))]).toEqual([claims, expect.stringContaining(expected)]);
  });

  test("ends when it says, with what stands on it", async () => {
    await using all = await opened();
    const token = await all.company.token();
    const verdict = await all.stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp });
    const end = Math.floor(clock.now() / 1000) * 1000 + 300_000 + defaultLimits.issuerSkewMs;
    expect(verdict).toMatchObject({ ok: true, expiresAt: end });
    await clock.advance(end - clock.now());
    expect(await all.why(token)).toBe("the token has expired");
  });

  test("of somebody who is not trusted makes nobody fetch anything", async () => {
    await using all = await opened();
    await using stranger = await openCompany({ now: () => clock.now(), audience: mcp });
    for (const token of [await stranger.token(), "eyJ.e30.x", "a.b.c", `${"a".repeat(50)}`]) expect(await all.why(token)).toBe("the token is not valid here");
    expect([all.company.asked, stranger.asked]).toEqual([[], []]);
  });

  test("counts only where the mode says so", async () => {
    await using company = await openCompany({ now: () => clock.now(), audience: mcp });
    await using stage = await openAuth({ clock, egress, access: { mode: "oauth", issuers: [{ issuer: company.issuer }] } });
    expect(await opens(stage.auth, await company.token())).toBe(false);
  });
});

/** Tokens with a key that is not known yet. */
const strange = (company: Company) => company.token({}, { kid: "unknown" });

describe("an issuer", () => {
  test("that takes a new key is asked once, and then not for a while", async () => {
    await using all = await opened();
    const { company, why } = all;
    expect([await why(await company.token()), company.asked.length]).toEqual(["let in", 2]);
    await clock.advance(defaultLimits.issuerPauseMs);
    await company.rotate();
    const [fresh, forged] = [await company.token(), await strange(company)];
    expect(await Promise.all([why(fresh), why(forged), why(forged)])).toEqual(["let in", "the token is not valid here", "the token is not valid here"]);
    expect(company.asked.length).toBe(4);
    await why(await strange(company));
    expect(company.asked.length).toBe(4);
  });

  test("that is away or hangs costs nobody anything whose key is known", async () => {
    await using all = await opened();
    const { company, why } = all;
    await why(await company.token());
    for (const manner of ["down", "hang"] as const) {
      company.behave(manner);
      await clock.advance(defaultLimits.issuerPauseMs);
      const waiting = why(await strange(company));
      expect(await why(await company.token({ jti: manner }))).toBe("let in");
      await clock.advance(defaultLimits.issuerMsMax);
      expect(await waiting).toBe("the token is not valid here");
    }
    company.behave("down");
    await clock.advance(defaultLimits.issuerKeysMsMax);
    expect(await why(await company.token({ jti: "late" }))).toBe("the keys of its issuer cannot be had at the moment");
  });

  test("that was away from the start is said to be, and found when it is back", async () => {
    await using all = await opened();
    const { company, why } = all;
    company.behave("down");
    expect(await why(await company.token())).toBe("the keys of its issuer cannot be had at the moment");
    company.behave("well");
    expect(await why(await company.token())).toBe("the keys of its issuer cannot be had at the moment");
    await clock.advance(defaultLimits.issuerPauseMs);
    expect(await why(await company.token())).toBe("let in");
  });

  test("that withdraws a key is believed after ten minutes, beside the calls", async () => {
    await using all = await opened();
    const { company, why } = all;
    const old = await company.token({ exp: Math.floor(clock.now() / 1000) + 3600 });
    await why(old);
    await company.rotate();
    await clock.advance(defaultLimits.issuerKeysAgeMs + 1);
    expect(await why(old)).toBe("let in");
    await why(await company.token());
    await clock.advance(defaultLimits.issuedMemoMs);
    expect(await why(old)).toBe("the token is not valid here");
  });

  test("is waited for by so many", async () => {
    await using all = await opened({}, { limits: { issuerWaitersMax: 1 } });
    all.company.behave("hang");
    const first = all.why(await all.company.token());
    const second = await all.why(await all.company.token({ jti: "2" }));
    expect(second).toBe("the keys of its issuer cannot be had at the moment");
    await clock.advance(defaultLimits.issuerMsMax);
    expect(await first).toBe(second);
  });
});
