import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { Secret, type Fault } from "../../src/base/index.ts";
import type { RemoteLogin } from "../../src/auth/index.ts";
import type { RemoteOAuth } from "../../src/config/login.ts";
import { type Bends, createGuarded } from "../fixtures/guarded.ts";
import { deskOf, loginSpec } from "../fixtures/logins.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const refused = (login: RemoteLogin, sent: string | null, more: Partial<{ status: number; challenge: string; tries: number }> = {}) => login.refused({ status: 401, challenge: null, sent, tries: 0, ...more });

/** A server where the operator is logged in, unless he is not to be. */
async function loggedIn(bends: Partial<Bends> = {}, how: Partial<RemoteOAuth> = {}, isIn = true) {
  const guarded = createGuarded(bends);
  const spec = loginSpec(guarded.url, how);
  const desk = await deskOf([spec]);
  const login = desk.logins.of(spec, "operator") as RemoteLogin;
  const again = async (): Promise<void> => desk.logins.finish("remote", await guarded.visit((await desk.logins.start("remote", "paste")).url ?? ""));
  if (isIn) await again();
  const close = async (): Promise<void> => {
    await desk[Symbol.asyncDispose]();
    await guarded[Symbol.asyncDispose]();
  };
  return { guarded, desk, login, again, clock: desk.clock, [Symbol.asyncDispose]: close };
}

describe("a token is renewed", () => {
  test("ahead of its end, once for all who need it, while the old one still goes out", async () => {
    await using stage = await loggedIn({ expiresIn: 600 });
    const { login, guarded, clock } = stage;
    const first = login.authorization();
    expect(first).toBeString();
    await clock.advance(500_000);
    expect(login.authorization()).toBe(first as string);
    await clock.advance(45_000);
    const came = Array.from({ length: 64 }, () => login.authorization());
    expect(new Set(came)).toEqual(new Set([first]));
    await new Promise<void>((resolve) => void login.onChanged(resolve));
    expect(guarded.count("/token")).toBe(2);
    expect(login.authorization()).not.toBe(first as string);
  });

  test("first, where it has ended: nobody sends it", async () => {
    await using stage = await loggedIn({ expiresIn: 600 });
    const { login, guarded, clock } = stage;
    const first = login.authorization();
    await clock.advance(600_000);
    const came = await Promise.all(Array.from({ length: 64 }, () => login.authorization()));
    expect(new Set(came).size).toBe(1);
    expect([came[0] === first, guarded.count("/token")]).toEqual([false, 2]);
  });

  test("not in the first half of its life, however short that is", async () => {
    await using stage = await loggedIn({ expiresIn: 10 });
    await stage.clock.advance(4_900);
    expect(stage.login.authorization()).toBeString();
    expect(stage.guarded.count("/token")).toBe(1);
  });

  test("not where nothing renews it: it is sent until it is refused", async () => {
    await using stage = await loggedIn({ expiresIn: 600, refresh: "none" });
    await stage.clock.advance(700_000);
    const sent = stage.login.authorization();
    expect(sent).toBeString();
    expect([await refused(stage.login, sent as string), stage.login.needed]).toEqual(["login", true]);
    expect(stage.guarded.count("/token")).toBe(1);
  });

  test("when the server does not take it any more, and the request is made again", async () => {
    await using stage = await loggedIn();
    const sent = stage.login.authorization() as string;
    expect(await refused(stage.login, sent)).toBe("again");
    const next = stage.login.authorization() as string;
    expect(next).not.toBe(sent);
    // Another request went out with the old one meanwhile.
    expect(await refused(stage.login, sent, { tries: 1 })).toBe("again");
    // And a fresh one that is refused as well helps nobody.
    expect(await refused(stage.login, next, { tries: 1 })).toBe("login");
  });
});

describe("somebody must log in", () => {
  test("where nobody has, and nothing is asked before that", async () => {
    await using stage = await loggedIn({}, {}, false);
    expect([stage.login.authorization(), await refused(stage.login, null), stage.login.needed, stage.login.page()]).toEqual([null, "login", true, null]);
    expect(stage.login.advice).toContain("1mcp auth login remote");
    expect(stage.guarded.asked).toEqual([]);
    expect(stage.desk.logins.list()).toMatchObject([{ state: "needs-login" }]);
  });

  test("when the renewal is refused, and then all is well again", async () => {
    await using stage = await loggedIn({ expiresIn: 600 });
    const { login, guarded, clock, again, desk } = stage;
    guarded.bends.refresh = "invalid_grant";
    await clock.advance(600_000);
    expect([await login.authorization(), login.needed]).toEqual([null, true]);
    for (let n = 0; n < 100; n += 1) expect(await login.authorization()).toBeNull();
    expect(guarded.count("/token")).toBe(2);
    expect(desk.log.join("")).not.toContain("foreign words");
    await again();
    expect([login.needed, String(await login.authorization()).slice(0, 14)]).toEqual([false, "Bearer access-"]);
  });

  test("when the server has gone over to another authorization server, which never sees what was the old one's", async () => {
    await using stage = await loggedIn();
    await using other = createGuarded();
    stage.guarded.bends.issuer = other.origin;
    expect([await refused(stage.login, stage.login.authorization() as string), stage.login.needed]).toEqual(["login", true]);
    for (const { body, headers } of other.asked) for (const secret of stage.guarded.secrets) expect(body + JSON.stringify([...headers])).not.toContain(secret);
    expect(other.count("/register")).toBe(1);
  });
});

test("an authorization server that is away makes nobody log in: the next try comes later", async () => {
  await using stage = await loggedIn({ expiresIn: 600 });
  const { login, guarded, clock } = stage;
  guarded.bends.refresh = "unavailable";
  const sent = login.authorization() as string;
  expect([await refused(login, sent), login.needed]).toEqual(["refused", false]);
  await clock.advance(600_000);
  const tries = guarded.count("/token");
  await login.authorization();
  expect(guarded.count("/token")).toBe(tries + 1);
  for (let n = 0; n < 100; n += 1) expect(await refused(login, await login.authorization() as string)).toBe("refused");
  expect(guarded.count("/token")).toBe(tries + 1);
  guarded.bends.refresh = "rotate";
  await clock.advance(10_000);
  expect(String(await login.authorization())).not.toBe(sent);
});

test("more scopes are added up for the next login, once: what was granted is not asked for again", async () => {
  await using stage = await loggedIn({ wants: ["read"] });
  const { login, guarded, again } = stage;
  const challenge = 'Bearer error="insufficient_scope", scope="read write"';
  expect(await refused(login, login.authorization() as string, { status: 403, challenge })).toBe("scopes");
  expect(login.needed).toBeFalse();
  await again();
  expect(guarded.asked.findLast(({ path }) => path.startsWith("/authorize"))?.path).toContain("scope=read+write");
  expect(await refused(login, login.authorization() as string, { status: 403, challenge })).toBe("refused");
  expect(await refused(login, login.authorization() as string, { status: 403 })).toBe("refused");
});

describe("as a client of its own", () => {
  const own = { grant: "client_credentials", clientId: "c" } as const;

  test("it gets a token when one is needed, and more when more is wanted", async () => {
    await using stage = await loggedIn({}, { ...own, clientSecret: new Secret("s") }, false);
    const { login, guarded } = stage;
    const sent = await login.authorization();
    expect(sent).toStartWith("Bearer access-");
    expect(await refused(login, sent, { status: 403, challenge: 'Bearer error="insufficient_scope", scope="more"' })).toBe("again");
    expect(new URLSearchParams(guarded.asked.at(-1)?.body).get("scope")).toBe("more");
    expect(stage.desk.logins.list()).toMatchObject([{ renews: true, scopes: ["more"] }]);
  });

  test("it signs with its key", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await using stage = await loggedIn({}, { ...own, privateKey: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString()) }, false);
    expect(await stage.login.authorization()).toStartWith("Bearer ");
    expect(new URLSearchParams(stage.guarded.asked.at(-1)?.body).get("client_assertion")?.split(".")).toHaveLength(3);
  });

  test("it gives up where it is refused, until somebody sees to it", async () => {
    await using stage = await loggedIn({ tokenEndpoint: "https://10.0.0.1/token" }, own, false);
    expect([await stage.login.authorization(), stage.login.needed]).toEqual([null, true]);
    const asked = stage.guarded.asked.length;
    expect([await stage.login.authorization(), await refused(stage.login, null, { tries: 1 }), stage.guarded.asked.length]).toEqual([null, "login", asked]);
    expect(stage.login.advice).toContain("oauth.clientId");
    expect(stage.desk.log.join("")).toContain("which is not to be asked");
  });
});

test("an authorization server that is away is asked again by itself, where nobody logs in", async () => {
  const away = createGuarded();
  const [url] = [away.url, await away[Symbol.asyncDispose]()];
  const spec = loginSpec(url, { grant: "client_credentials", clientId: "c", clientSecret: new Secret("s") });
  await using desk = await deskOf([spec]);
  const login = desk.logins.of(spec, "operator") as RemoteLogin;
  expect([await login.authorization(), login.needed, await refused(login, null)]).toEqual([null, false, "refused"]);
});

describe("no login is begun", () => {
  test.each<[string, Partial<Bends>]>([
    // Threat rows 45, 46 and 50.
    ["where the metadata is another's", { statedIssuer: "https://other.example" }],
    ["where the resource is on another origin", { statedResource: "https://other.example/mcp" }],
    ["where the resource only begins like it", { statedResource: "http://127.0.0.1/mcp-other" }],
    ["at an authorization server in a private network", { issuer: "http://10.0.0.1" }],
    ["at an address that no browser should open", { authorizationEndpoint: "javascript:alert(1)" }],
  ])("%s", async (_, bends) => {
    await using stage = await loggedIn(bends, {}, false);
    expect((await failure(stage.desk.logins.start("remote", "paste"))).code).toBe("LOGIN_FAILED");
  });
});

test("what the other side says of a failure is in no text of ours", async () => {
  await using stage = await loggedIn({}, {}, false);
  const { url } = await stage.desk.logins.start("remote", "paste");
  const back = new URL(await stage.guarded.visit(url ?? ""));
  back.searchParams.set("code", "wrong");
  const why = await failure(stage.desk.logins.finish("remote", back.href));
  expect([why.code, why.message.includes("invalid_grant")]).toEqual(["LOGIN_FAILED", false]);
});
