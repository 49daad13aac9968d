import { describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { Signing } from "../../src/auth/signing.ts";
import { Fault, defaultLimits, type Limits } from "../../src/base/index.ts";
import { ask, bodyOf, granted, issuer, mcp, openAuth, opens, refreshed } from "../fixtures/auth.ts";
import { createTestClock, type TestClock } from "../fixtures/clock.ts";

const access = { tokens: { format: "jwt" } } as const;
const fiveMinutesMs = 300_000;

interface Stage extends AsyncDisposable {
  readonly signing: Signing;
  readonly clock: TestClock;
  readonly path: string;
  /** Another process with the same folder. */
  beside(): Promise<Signing>;
}

async function open(limits: Partial<Limits> = {}): Promise<Stage> {
  const stateDir = await mkdtemp(join(tmpdir(), "signing-"));
  const clock = createTestClock();
  const beside = (): Promise<Signing> => Signing.open({ stateDir, clock, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)), limits: { ...defaultLimits, ...limits }, resources: { issuer: () => issuer }, accessMs: fiveMinutesMs });
  return { signing: await beside(), clock, path: join(stateDir, "signing.json"), beside, [Symbol.asyncDispose]: () => rm(stateDir, { recursive: true, force: true }) };
}

const tokenOf = ({ signing, clock }: Stage, scopes: readonly string[] = ["tag:web"]): string => signing.token({ subject: "operator", clientId: "c", scopes, resource: "/mcp", expiresAt: clock.now() + fiveMinutesMs }) ?? "";

/** Verifies a token as another server does that knows these keys. */
const verified = (token: string, keys: object, now: number) => jwtVerify(token, createLocalJWKSet(keys as JSONWebKeySet), { issuer, audience: mcp, typ: "at+jwt", algorithms: ["ES256"], currentDate: new Date(now), requiredClaims: ["sub", "client_id", "jti", "iat", "exp"] });

const keysOf = (signing: Signing): unknown[] => signing.jwks().keys.map(({ kid }) => kid);
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? "";
const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no fault", (error: unknown) => (error instanceof Fault ? error.code : error));

describe("a signed token", () => {
  test("is an access token of RFC 9068 to whoever has our published keys", async () => {
    await using stage = await open();
    const [one, two] = [tokenOf(stage), tokenOf(stage)];
    const { payload, protectedHeader } = await verified(one, stage.signing.jwks(), stage.clock.now());
    expect(protectedHeader).toEqual({ alg: "ES256", typ: "at+jwt", kid: kidOf(one) });
    expect(payload).toEqual({ iss: issuer, sub: "operator", aud: mcp, client_id: "c", scope: "tag:web", jti: payload.jti ?? "", iat: stage.clock.now() / 1000, exp: stage.clock.now() / 1000 + 300 });
    expect(decodeJwt(two).jti).not.toBe(payload.jti ?? "");
    expect(stage.signing.isShape(one)).toBe(true);
    for (const other of ["", "eyJ", `1mcp_${one}`, one.slice(1), `${one}${"x".repeat(4096)}`]) expect(stage.signing.isShape(other)).toBe(false);
  });

  test("is not made where it would not fit into a header", async () => {
    await using stage = await open();
    expect(tokenOf(stage, Array.from({ length: 200 }, (_, index) => `server:${index}-${"x".repeat(30)}`))).toBe("");
  });
});

describe("the keys", () => {
  test("lie in a file of their owner's alone, and nothing secret of them is published", async () => {
    await using stage = await open();
    expect((await stat(stage.path)).mode & 0o777).toBe(0o600);
    expect(stage.signing.jwks().keys.map((key) => Object.keys(key).sort())).toEqual([["alg", "crv", "kid", "kty", "use", "x", "y"]]);
    expect(keysOf(await stage.beside())).toEqual(keysOf(stage.signing));
  });

  test("that others could have read, or that are none, are refused", async () => {
    await using stage = await open();
    await chmod(stage.path, 0o644);
    expect(await codeOf(stage.beside())).toBe("STATE_UNSAFE");
    await chmod(stage.path, 0o600);
    const [key] = JSON.parse(await readFile(stage.path, "utf8")) as [{ jwk: object }];
    for (const broken of ["", "{}", "[{}]", JSON.stringify([{ jwk: key.jwk }]), JSON.stringify([{ jwk: { ...key.jwk, crv: "P-384" }, createdAt: 0 }])]) {
      await writeFile(stage.path, broken);
      expect(await codeOf(stage.beside())).toBe("STATE_BROKEN");
    }
  });

  test("change: a new one is published before it signs, the old one for as long as a token of it lives", async () => {
    await using stage = await open();
    const { signing, clock } = stage;
    const first = tokenOf(stage);
    expect(signing.dueAt).toBe(clock.now() + defaultLimits.signingKeyMs);
    await clock.advance(defaultLimits.signingKeyMs);
    await signing.turn();
    expect([keysOf(signing).length, kidOf(tokenOf(stage))]).toEqual([2, kidOf(first)]);
    // Whoever learned the keys now can read what is signed an hour later, and the other way round.
    const learned = signing.jwks();
    await clock.advance(defaultLimits.signingAheadMs - 1);
    const last = tokenOf(stage);
    await clock.advance(1);
    const second = tokenOf(stage);
    expect([kidOf(last) === kidOf(first), kidOf(second) === kidOf(first)]).toEqual([true, false]);
    await verified(second, learned, clock.now());
    expect(signing.dueAt).toBe(clock.now() + fiveMinutesMs);
    await clock.advance(fiveMinutesMs - 2000);
    await signing.turn();
    await verified(last, signing.jwks(), clock.now());
    await clock.advance(2000);
    await signing.turn();
    expect(keysOf(signing)).toEqual([kidOf(second)]);
    expect(await readFile(stage.path, "utf8")).not.toContain(kidOf(first));
    expect(keysOf(await stage.beside())).toEqual([kidOf(second)]);
  });
});

test("however often keys change, sixteen are kept at most, the newest ones", async () => {
  await using stage = await open({ signingKeyMs: 1 });
  for (let count = 0; count < 20; count++) {
    await stage.clock.advance(1);
    await stage.signing.turn();
  }
  const kept = JSON.parse(await readFile(stage.path, "utf8")) as { readonly createdAt: number }[];
  expect([keysOf(stage.signing).length, kept.map(({ createdAt }) => stage.clock.now() - createdAt)]).toEqual([16, Array.from({ length: 16 }, (_, index) => 15 - index)]);
});

describe("the program", () => {
  test("gives signed tokens, says where its keys are, and ends each at once", async () => {
    await using stage = await openAuth({ access });
    const { access: token, refresh, clientId } = await granted(stage);
    const { status, ...keys } = bodyOf(await ask(stage.auth, "GET", "/jwks.json"));
    expect(status).toBe(200);
    expect(bodyOf(await ask(stage.auth, "GET", "/.well-known/oauth-authorization-server"))["jwks_uri"]).toBe(`${issuer}/jwks.json`);
    const { payload } = await verified(token, keys, stage.clock.now());
    expect(payload).toMatchObject({ sub: "operator", client_id: clientId, scope: "tag:web" });
    expect(await opens(stage.auth, token)).toEqual(["tag:web"]);
    expect(await opens(stage.auth, token, `${issuer}/sse`)).toBe(false);
    const renewed = String((await refreshed(stage, clientId, refresh))["access_token"]);
    expect((await verified(renewed, keys, stage.clock.now())).payload.jti).not.toBe(payload.jti ?? "");
    const beside = await stage.beside();
    expect(await opens(beside, renewed)).toEqual(["tag:web"]);
    stage.auth.operator.revoke(stage.auth.operator.grants()[0]?.id ?? "");
    for (const one of [token, renewed]) expect(await opens(stage.auth, one)).toBe(false);
  });

  test("takes no token that it has not given itself, though its head is ours and its claims are good", async () => {
    await using stage = await openAuth({ access });
    const { access: token } = await granted(stage);
    const [head = "", claims = "", signature = ""] = token.split(".");
    const more = Buffer.from(JSON.stringify({ ...decodeJwt(token), scope: "tag:web server:alpha" })).toString("base64url");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt" })).toString("base64url");
    for (const forged of [`${head}.${more}.${signature}`, `${head}.${claims}.`, `${none}.${claims}.`, `${head}.${claims}.${signature}A`]) expect(await opens(stage.auth, forged)).toBe(false);
  });

  test("changes its keys by itself", async () => {
    await using stage = await openAuth({ access, limits: { signingKeyMs: 120_000 } });
    const count = async (): Promise<number> => (bodyOf(await ask(stage.auth, "GET", "/jwks.json"))["keys"] as unknown[]).length;
    expect(await count()).toBe(1);
    await stage.clock.advance(120_000 + defaultLimits.grantUsedMs);
    while ((await count()) === 1) await stage.clock.settle();
    expect(await count()).toBe(2);
  });

  test("has changed them when it has ended, if it ends while they are being changed, and writes nothing after that", async () => {
    await using stage = await openAuth({ access, limits: { signingKeyMs: 120_000 } });
    await stage.clock.advance(120_000 + defaultLimits.grantUsedMs);
    await stage.auth.close();
    expect(JSON.parse(await readFile(join(stage.stateDir, "signing.json"), "utf8"))).toHaveLength(2);
  });

  test("keeps the operator's static tokens to itself, and without being told signs nothing and publishes nothing", async () => {
    await using stage = await openAuth({ access });
    expect(stage.auth.operator.createToken({ name: "ci", scopes: ["tag:web"], lifeMs: 60_000 }).token).toStartWith("1mcp_");
    expect((await ask(stage.auth, "POST", "/jwks.json")).headers["Allow"]).toBe("GET, HEAD");
    await using plain = await openAuth();
    expect((await granted(plain)).access).toStartWith("1mcp_");
    expect(plain.auth.paths.includes("/jwks.json")).toBe(false);
  });
});
