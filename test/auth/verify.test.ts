import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { createSecret } from "../../src/auth/tokens.ts";
import type { Auth, Verdict } from "../../src/auth/index.ts";
import { createChallenges } from "../../src/auth/challenge.ts";
import { Grants } from "../../src/auth/grants.ts";
import { openStore } from "../../src/auth/store.ts";
import { Verifier } from "../../src/auth/verify.ts";
import { defaultLimits, nullLog } from "../../src/base/index.ts";
import { mcp, openAuth, opens } from "../fixtures/auth.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { temporaryDir } from "../fixtures/program.ts";

const metadata = 'resource_metadata="http://127.0.0.1:3050/.well-known/oauth-protected-resource/mcp"';
const failed = async (verdict: Verdict | Promise<Verdict>): Promise<string> => {
  const given = await verdict;
  return given.ok ? "let in" : `${given.code}: ${given.challenge}`;
};

test("without a bearer token a caller is told where to begin, and no error", async () => {
  await using stage = await openAuth();
  for (const authorization of [null, "", "Basic b3BlcmF0b3I6eA==", "Digest x"]) expect(await failed(stage.auth.verify({ authorization, resource: mcp }))).toBe(`TOKEN_MISSING: Bearer ${metadata}`);
});

test("the operator's token that was voided opens nothing any more, though it is read again from where it still lies", async () => {
  const clock = createTestClock();
  await using folder = await temporaryDir();
  const store = await openStore(folder.path);
  const grants = new Grants({ store, clock, random: randomBytes, limits: defaultLimits });
  const verifier = new Verifier({ grants, challenges: createChallenges(null, []), clock, limits: defaultLimits, log: nullLog, foreign: null, own: true, signing: null });
  const [one, two] = [createSecret(randomBytes), createSecret(randomBytes)];
  const good = async (token: string): Promise<boolean> => (await verifier.verify({ authorization: `Bearer ${token}`, resource: mcp })).ok;
  verifier.setOwn(one);
  const before = await good(one);
  verifier.voidOwn();
  verifier.setOwn(one);
  const voided = await good(one);
  verifier.setOwn(two);
  expect([before, voided, await good(one), await good(two)]).toEqual([true, false, false, true]);
  store.close();
});

test("a malformed header is refused as a bad token", async () => {
  await using stage = await openAuth();
  for (const authorization of ["Bearer", "Bearer ", "Bearer a b", "Bearer \u0000", `Bearer ${"a".repeat(100_000)}`]) expect(await failed(stage.auth.verify({ authorization, resource: mcp }))).toBe(`TOKEN_INVALID: Bearer error="invalid_token", error_description="the token is malformed", ${metadata}`);
});

test("ten thousand tokens that are none are refused, also those that look like ours", async () => {
  await using stage = await openAuth();
  const { token } = stage.auth.operator.createToken({ name: "ci", scopes: null, lifeMs: 1_000_000 });
  const near = fc.nat(token.length - 1).chain((at) => fc.string({ maxLength: 3 }).map((text) => token.slice(0, at) + text + token.slice(at + 1)));
  fc.assert(
    fc.property(fc.oneof(near, fc.string(), fc.constant(null).map(() => createSecret(randomBytes))), (given) => {
      fc.pre(given.trim() !== token);
      expect((stage.auth.verify({ authorization: `Bearer ${given}`, resource: mcp }) as Verdict).ok).toBe(false);
    }),
    { numRuns: 10_000 },
  );
  expect(await opens(stage.auth, token)).toBeNull();
});

describe("a token", () => {
  test("gives the same principal each time, which tells nothing of it", async () => {
    await using stage = await openAuth();
    const { grant, token } = stage.auth.operator.createToken({ name: "ci", scopes: ["tag:web"], lifeMs: 1_000_000 });
    const verdicts = [stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp }), stage.auth.verify({ authorization: `bearer  ${token} `, resource: `${mcp}/alpha` })] as readonly Verdict[];
    expect(verdicts[0]).toEqual({ ok: true, principal: { id: grant.id, scopes: ["tag:web"] }, expiresAt: grant.expiresAt ?? 0 });
    expect(verdicts[0]).toBe(verdicts[1] as Verdict);
    expect(Object.isFrozen(verdicts[0])).toBe(true);
  });

  test("that has expired or is for another resource is told so", async () => {
    await using stage = await openAuth();
    const { token } = stage.auth.operator.createToken({ name: "ci", scopes: [], lifeMs: 1000 });
    await stage.clock.advance(1000);
    expect(await failed(stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp }))).toContain("the token has expired");
  });

  test("that is for some addresses opens nothing from elsewhere, and says no more than one that is none of ours", async () => {
    await using stage = await openAuth();
    const { grant, token } = stage.auth.operator.createToken({ name: "ci", scopes: ["tag:web"], lifeMs: 1_000_000, sources: ["10.0.0.0/8", "2001:db8::/32"] });
    expect([grant.sources, stage.auth.operator.grants()[0]?.sources]).toEqual([["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.0/8", "2001:db8::/32"]]);
    const from = (auth: Auth, shown: string, address: string | null) => auth.verify({ authorization: `Bearer ${shown}`, resource: mcp, address: () => address }) as Verdict;
    const stranger = from(stage.auth, createSecret(randomBytes), "10.0.0.1");
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"]) expect([address, from(stage.auth, token, address).ok]).toEqual([address, true]);
    for (const address of ["11.0.0.1", "2001:db9::7", "::1", "unix", "gone", "", null, "10.1.2.3, 11.0.0.1"]) expect([address, from(stage.auth, token, address)]).toEqual([address, stranger]);
    expect(stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp })).toEqual(stranger);
    const other = stage.auth.operator.rotateToken(grant.id);
    const beside = await stage.beside();
    for (const auth of [stage.auth, beside]) expect([from(auth, other.token, "10.0.0.1").ok, from(auth, other.token, "11.0.0.1").ok]).toEqual([true, false]);
    await stage.clock.advance(1_000_000);
    expect(from(stage.auth, token, "11.0.0.1")).toEqual(stranger);
  });

  test("is remembered for so many, and looked for again after that", async () => {
    await using stage = await openAuth({ limits: { tokenMemoMax: 2 } });
    const tokens = Array.from({ length: 5 }, (_, index) => stage.auth.operator.createToken({ name: `t${index}`, scopes: [`tag:${index}`], lifeMs: 1_000_000 }).token);
    for (let round = 0; round < 2; round++) for (const [index, token] of tokens.entries()) expect(await opens(stage.auth, token)).toEqual([`tag:${index}`]);
  });

  test("of nobody we know is shown to who judges the others, and to nobody else", async () => {
    const seen: string[] = [];
    const foreign = (token: string): Promise<Verdict> | null => {
      seen.push(token);
      return token.startsWith("jwt.") ? Promise.resolve({ ok: true, principal: { id: "them", scopes: [] } } as const) : null;
    };
    await using stage = await openAuth({ foreign, access: { mode: "mixed" } });
    const { token } = stage.auth.operator.createToken({ name: "ci", scopes: [], lifeMs: 1000 });
    expect([await opens(stage.auth, "jwt.a.b"), await opens(stage.auth, "other"), await opens(stage.auth, token)]).toEqual([[], false, []]);
    expect(seen).toEqual(["jwt.a.b", "other"]);
  });

  test("of our own opens nothing where only others' count, but for the operator's", async () => {
    await using stage = await openAuth({ access: { mode: "external" } });
    const { token } = stage.auth.operator.createToken({ name: "ci", scopes: null, lifeMs: 1000 });
    const own = (await Bun.file(`${stage.stateDir}/token`).text()).trim();
    expect([await opens(stage.auth, token), await opens(stage.auth, own)]).toEqual([false, null]);
  });

  test("opens nothing while the grants cannot be read", async () => {
    await using stage = await openAuth();
    const { token } = stage.auth.operator.createToken({ name: "ci", scopes: null, lifeMs: 1_000_000 });
    await stage.auth.close();
    expect(await opens(stage.auth, token)).toBe(false);
  });
});
