import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createEgress, defaultLimits } from "../../src/base/index.ts";
import type { OAuthOut } from "../../src/auth/index.ts";
import { ask, type AuthStage, authorizeUrl, bodyOf, codeForm, issuer, mcp, openAuth, type Overrides, pageOf, redirected, refreshed, registered, TestBrowser, tokenOf } from "../fixtures/auth.ts";
import { createTestClock, type TestClock } from "../fixtures/clock.ts";
import { openOpenId, type OpenId } from "../fixtures/openId.ts";

const egress = createEgress({ limits: defaultLimits, env: {} });
const rules = [{ claim: "groups", contains: "mcp-web", scopes: ["tag:web"] }];

interface Scene extends AsyncDisposable {
  readonly company: OpenId;
  readonly stage: AuthStage;
}

/** Our server with a company whose people may sign in, a new one where none is named. */
async function open({ signIn = {}, company: known, clock = createTestClock(), ...more }: Omit<Overrides, "clock"> & { readonly signIn?: object; readonly company?: OpenId; readonly clock?: TestClock } = {}): Promise<Scene> {
  const company = known ?? (await openOpenId({ now: clock.now }));
  const stage = await openAuth({ clock, egress, access: { signIn: { issuer: company.issuer, clientId: "our:client", rules, ...signIn } }, ...more });
  return {
    company,
    stage: { ...stage, clock },
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      if (known === undefined) await company[Symbol.asyncDispose]();
    },
  };
}

const toOf = (out: OAuthOut): string => (out.kind === "redirect" ? out.to : `no redirect, but ${JSON.stringify(out)}`);

/** A browser that a client has sent to us, in front of the page that waits. */
async function waitingBrowser({ stage }: Scene, more: Readonly<Record<string, string>> = {}): Promise<{ readonly browser: TestBrowser; readonly handle: string; readonly clientId: string }> {
  const clientId = await registered(stage.auth);
  const browser = new TestBrowser(stage.auth);
  const { handle } = pageOf(await browser.go("GET", authorizeUrl(clientId, more)), "waiting");
  return { browser, handle, clientId };
}

const next = (handle: string): string => `/authorize?handle=${handle}`;

/** Where the company sends it back to. */
async function sent({ company }: Scene, browser: TestBrowser, to: string): Promise<string> {
  return company.visit(toOf(await browser.go("GET", `/sign-in?${new URLSearchParams({ next: to })}`)));
}

/** Signs in; gives what our callback answers, or our page where the way there is shut. */
async function signedIn({ company }: Pick<Scene, "company">, browser: TestBrowser, to: string): Promise<OAuthOut> {
  const out = await browser.go("GET", `/sign-in?${new URLSearchParams({ next: to })}`);
  return out.kind === "redirect" ? browser.go("GET", await company.visit(out.to)) : out;
}

/** A grant of whoever sits at the company. */
async function grantedTo(scene: Scene, scopes: readonly string[] = ["tag:web"]): Promise<{ readonly access: string; readonly lifeSeconds: unknown; readonly refresh: string; readonly clientId: string }> {
  const { browser, handle, clientId } = await waitingBrowser(scene);
  await signedIn(scene, browser, next(handle));
  const form = new URLSearchParams({ handle, decision: "approve" });
  for (const scope of scopes) form.append("scope", scope);
  const code = redirected(await browser.go("POST", "/authorize", form))["code"] ?? "";
  const body = bodyOf(await tokenOf(scene.stage.auth, codeForm(clientId, code)));
  return { clientId, access: String(body["access_token"]), lifeSeconds: body["expires_in"], refresh: String(body["refresh_token"]) };
}

const principalOf = async ({ stage }: Scene, token: string) => {
  const verdict = await stage.auth.verify({ authorization: `Bearer ${token}`, resource: mcp });
  return verdict.ok ? verdict.principal : null;
};

/** Who comes with that token: grant, person, and how he is called. */
async function idsOf(scene: Scene, token: string): Promise<{ readonly grant: string; readonly person: string; readonly name: string }> {
  const principal = await principalOf(scene, token);
  return { grant: principal?.id ?? "", person: principal?.person?.id ?? "", name: principal?.person?.name ?? "" };
}

describe("somebody of the company", () => {
  test("signs in, is asked about the program on our page, and gets a grant that is his", async () => {
    await using scene = await open();
    const { browser, handle, clientId } = await waitingBrowser(scene);
    const waiting = pageOf(await browser.go("GET", next(handle)), "waiting");
    expect(waiting.signIn).toBe(new URL(scene.company.issuer).host);
    const target = new URL(toOf(await browser.go("GET", `/sign-in?${new URLSearchParams({ next: next(handle) })}`)));
    expect(target.origin + target.pathname).toBe(`${scene.company.issuer}/authorize`);
    expect(Object.fromEntries(target.searchParams)).toMatchObject({ response_type: "code", client_id: "our:client", redirect_uri: `${issuer}/sign-in/callback`, scope: "openid email", code_challenge_method: "S256" });
    const back = await browser.go("GET", await scene.company.visit(target.href));
    expect(toOf(back)).toBe(next(handle));
    expect(back.headers["Set-Cookie"]).toMatch(/^__Host-1mcp-person=1mcp_\w{49}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600$/);
    // Nothing is granted by having signed in.
    expect(scene.stage.auth.operator.grants()).toEqual([]);
    const consent = pageOf(await browser.go("GET", next(handle)), "consent");
    expect(consent).toMatchObject({ person: "ada@example.com", request: { client: { id: clientId }, lifeMs: 2_592_000_000 } });
    expect(consent.request.scopes.map(({ scope }) => scope)).toEqual(["tag:web"]);
    const code = redirected(await browser.go("POST", "/authorize", { handle, decision: "approve", scope: "tag:web", remember: "yes" }))["code"] ?? "";
    const { access_token: access } = bodyOf(await tokenOf(scene.stage.auth, codeForm(clientId, code)));
    expect(await principalOf(scene, String(access))).toMatchObject({ id: expect.stringMatching(/^g_/), scopes: ["tag:web"], person: { id: expect.stringMatching(/^p_[\w-]{43}$/), name: "ada@example.com" } });
    expect(scene.stage.auth.operator.grants()).toMatchObject([{ kind: "code", name: "Test client", person: "ada@example.com" }]);
    expect(scene.stage.audited.filter(({ user }) => user === "ada@example.com").map(({ ev }) => ev)).toEqual(["person.login", "authorize.approved", "token.issued"]);
    expect(scene.stage.auth.isOperator(browser.cookie)).toBe(false);
  });

  test("is the same person with each of his programs, and another is not", async () => {
    await using scene = await open();
    const [one, two] = [await idsOf(scene, (await grantedTo(scene)).access), await idsOf(scene, (await grantedTo(scene)).access)];
    scene.company.bends.person = { sub: "bob", email: "ada@example.com", email_verified: true, groups: ["mcp-web"] };
    const three = await idsOf(scene, (await grantedTo(scene)).access);
    expect([one.person === two.person, one.grant === two.grant]).toEqual([true, false]);
    // A name is no identity.
    expect([three.name, three.person === one.person]).toEqual(["ada@example.com", false]);
  });

  test("grants no more than the rules say, whatever the form says", async () => {
    await using scene = await open();
    const { browser, handle } = await waitingBrowser(scene, { scope: "server:alpha" });
    await signedIn(scene, browser, next(handle));
    expect(pageOf(await browser.go("GET", next(handle)), "consent").request.scopes).toMatchObject([{ scope: "tag:web", asked: false }]);
    expect(pageOf(await browser.go("POST", "/authorize", { handle, decision: "approve", scope: "server:alpha" }), "notice").status).toBe(400);
    expect(redirected(await browser.go("POST", "/authorize", { handle, decision: "deny" }))["error"]).toBe("access_denied");
  });

  test("to whom no rule speaks gets nowhere", async () => {
    await using scene = await open();
    scene.company.bends.person = { sub: "eve", groups: ["guests"] };
    const { browser, handle } = await waitingBrowser(scene);
    expect(pageOf(await signedIn(scene, browser, next(handle)), "notice").status).toBe(403);
    pageOf(await browser.go("GET", next(handle)), "waiting");
    expect(scene.stage.audited.at(-1)).toMatchObject({ ev: "person.fail", user: "eve", reason: "no rule" });
  });

  test("renews a grant until it has to be approved anew, and it can be taken back at once", async () => {
    await using scene = await open({ signIn: { grantMs: 3_600_000 } });
    const ended: string[] = [];
    scene.stage.auth.onEnded((ids) => void ended.push(...ids));
    const { access, refresh, clientId } = await grantedTo(scene);
    const ids = await idsOf(scene, access);
    await scene.stage.clock.advance(1_000_000);
    const renewed = String((await refreshed(scene.stage, clientId, refresh))["access_token"]);
    expect(await idsOf(scene, renewed)).toEqual(ids);
    expect(scene.stage.auth.operator.revoke(ids.grant)).toBe(1);
    expect(await principalOf(scene, renewed)).toBeNull();
    // With his last grant whatever is kept for him ends too.
    expect(ended).toEqual([ids.grant, ids.person]);
    const again = await grantedTo(scene);
    await scene.stage.clock.advance(3_600_000);
    expect(await refreshed(scene.stage, again.clientId, again.refresh)).toMatchObject({ status: 400 });
  });

  test("has what he approved for no longer than a grant lasts, though other tokens live longer", async () => {
    await using scene = await open({ signIn: { grantMs: 60_000 } });
    const { access, lifeSeconds } = await grantedTo(scene);
    const verdict = await scene.stage.auth.verify({ authorization: `Bearer ${access}`, resource: mcp });
    expect([lifeSeconds, verdict]).toEqual([60, expect.objectContaining({ ok: true, expiresAt: scene.stage.clock.now() + 60_000 })]);
  });

  test("decides for himself alone: nothing is remembered of it, and what the operator has remembered decides nothing for him", async () => {
    const [id, web] = ["https://vscode.dev/client.json", "https://app.example/callback"];
    const document = new TextEncoder().encode(JSON.stringify({ client_id: id, client_name: "App", redirect_uris: [web] }));
    const known = { status: 200, header: () => null, read: () => Promise.resolve(null), all: () => Promise.resolve(document), cancel: () => undefined };
    await using scene = await open({ egress: { ...egress, send: (url, init) => (url === id ? Promise.resolve(known) : egress.send(url, init)) } });
    const target = authorizeUrl(id, { redirect_uri: web, scope: "tag:web" });
    const approve = async (browser: TestBrowser, shown: OAuthOut): Promise<string | undefined> =>
      redirected(await browser.go("POST", "/authorize", { handle: pageOf(shown, "consent").handle, decision: "approve", scope: "tag:web", remember: "yes" }))["code"];
    const person = new TestBrowser(scene.stage.auth);
    await signedIn(scene, person, "/");
    expect(await approve(person, await person.go("GET", target))).toMatch(/^1mcp_/);
    const operator = new TestBrowser(scene.stage.auth);
    await operator.own(scene.stage.auth);
    expect(await approve(operator, await operator.go("GET", target))).toMatch(/^1mcp_/);
    expect(redirected(await operator.go("GET", target))["code"]).toMatch(/^1mcp_/);
    expect(pageOf(await person.go("GET", target), "consent").person).toBe("ada@example.com");
  });

  test("approves a device too, for himself", async () => {
    await using scene = await open();
    const clientId = await registered(scene.stage.auth);
    const offer = bodyOf(await ask(scene.stage.auth, "POST", "/device_authorization", { form: { client_id: clientId } }));
    const browser = new TestBrowser(scene.stage.auth);
    const { handle: word } = pageOf(await browser.go("GET", "/device"), "device");
    const { handle } = pageOf(await browser.go("POST", "/device", { handle: word, user_code: String(offer["user_code"]) }), "waiting");
    await signedIn(scene, browser, next(handle));
    pageOf(await browser.go("POST", "/authorize", { handle, decision: "approve", scope: "tag:web" }), "notice");
    const body = bodyOf(await tokenOf(scene.stage.auth, { grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: clientId, device_code: String(offer["device_code"]) }));
    expect((await principalOf(scene, String(body["access_token"])))?.person?.name).toBe("ada@example.com");
  });

  test("signs in as somebody else when he wants to, and goes to no page but ours", async () => {
    await using scene = await open();
    const browser = new TestBrowser(scene.stage.auth);
    expect(new URL(toOf(await browser.go("GET", "/sign-in?again=yes"))).searchParams.get("prompt")).toBe("select_account");
    for (const elsewhere of ["//evil.example/", "https://evil.example", `/${"x".repeat(1024)}`]) expect(toOf(await signedIn(scene, browser, elsewhere))).toBe("/");
    for (const path of ["/sign-in", "/sign-in/callback"]) expect((await browser.go("POST", path)).headers["Allow"]).toBe("GET");
  });

  test("is known for an hour, and only by the rules of now", async () => {
    await using scene = await open();
    const { browser, handle } = await waitingBrowser(scene);
    await signedIn(scene, browser, next(handle));
    expect(scene.stage.auth.personIn(browser.cookie)).toMatch(/^p_/);
    const { cookie } = browser;
    // The same folder after a restart: with the same rules, and with others.
    const again = (groups: string) => open({ company: scene.company, clock: scene.stage.clock, stateDir: scene.stage.stateDir, signIn: { rules: [{ claim: "groups", contains: groups, scopes: ["tag:web"] }] } });
    await using same = await again("mcp-web");
    await using stricter = await again("other");
    expect([same.stage.auth.personIn(cookie), stricter.stage.auth.personIn(cookie)]).toEqual([expect.stringMatching(/^p_/), null]);
    await scene.stage.clock.advance(defaultLimits.personBrowserMs);
    expect(scene.stage.auth.personIn(cookie)).toBeNull();
    pageOf(await browser.go("POST", "/authorize", { handle, decision: "approve", scope: "tag:web" }), "notice");
  });

  test("is not known any more once everything was revoked", async () => {
    await using scene = await open();
    const { browser, handle } = await waitingBrowser(scene);
    await signedIn(scene, browser, next(handle));
    scene.stage.auth.operator.revoke("all");
    expect(scene.stage.auth.personIn(browser.cookie)).toBeNull();
  });
});

describe("an attack", () => {
  /** Nobody is known in that browser, and nothing is decided. */
  async function refuses(bend: (scene: Scene) => void, status = 502): Promise<void> {
    await using scene = await open();
    bend(scene);
    const { browser, handle } = await waitingBrowser(scene);
    expect(pageOf(await signedIn(scene, browser, next(handle)), "notice").status).toBe(status);
    expect(scene.stage.auth.personIn(browser.cookie)).toBeNull();
    pageOf(await browser.go("GET", next(handle)), "waiting");
    expect(scene.stage.audited.at(-1)?.ev).toBe("person.fail");
  }

  const past = (seconds: number) => Math.floor(Date.UTC(2026, 0, 1) / 1000) - seconds;
  test.each<[string, Record<string, unknown>]>([
    ["another nonce", { nonce: "x" }],
    ["no nonce", { nonce: undefined }],
    ["another issuer", { iss: "https://evil.example" }],
    ["another audience", { aud: "another" }],
    ["several audiences, given to another", { aud: ["our:client", "another"], azp: "another" }],
    ["several audiences, given to nobody", { aud: ["our:client", "another"] }],
    ["one audience, given to another", { azp: "another" }],
    ["no audience", { aud: undefined }],
    ["an end that is over", { iat: past(120), exp: past(60) }],
    ["no end", { exp: undefined }],
    ["a beginning long ago", { iat: past(3600) }],
    ["nobody", { sub: undefined }],
    ["an empty subject", { sub: "" }],
    ["a subject that is no text", { sub: 7 }],
  ])("with a token that names %s fails", (_, claims) => refuses(({ company }) => Object.assign(company.bends, { claims })));

  test.each<[string, object]>([
    ["a token that nobody signed", { signed: "none" }],
    ["a token that somebody else signed", { signed: "strange" }],
    ["an answer of another issuer", { iss: "https://evil.example" }],
    ["an answer that names no issuer, of one that always does", { iss: null }],
    ["an answer that says no", { error: "access_denied" }],
    ["metadata of another issuer", { metadata: { issuer: "https://evil.example" } }],
    ["metadata that lead elsewhere without TLS", { metadata: { token_endpoint: "http://127.0.0.2:1/token" } }],
    ["metadata that lead to a script", { metadata: { authorization_endpoint: "javascript:alert(1)" } }],
    ["no token at all", { answer: () => Response.json({ access_token: "x" }) }],
    ["something that is no document", { answer: () => new Response("<html>") }],
    ["an answer without end", { answer: () => new Response("x".repeat(100_000)) }],
    ["a redirect", { answer: () => Response.redirect("https://evil.example/") }],
  ])("with %s fails", (_, bend) => refuses(({ company }) => Object.assign(company.bends, bend)));

  test("with a state that was never sent fails", () => refuses(({ company }) => Object.assign(company.bends, { state: "1mcp_x" }), 400));

  test("from another browser fails, and the right one still gets in, once", async () => {
    await using scene = await open();
    const { browser, handle } = await waitingBrowser(scene);
    const back = await sent(scene, browser, next(handle));
    const other = new TestBrowser(scene.stage.auth);
    await other.go("GET", "/device");
    for (const one of [other, new TestBrowser(scene.stage.auth)]) expect(pageOf(await one.go("GET", back), "notice").status).toBe(400);
    expect(scene.company.count("/token")).toBe(0);
    expect((await browser.go("GET", back)).kind).toBe("redirect");
    expect(pageOf(await browser.go("GET", back), "notice").status).toBe(400);
    expect(scene.company.count("/token")).toBe(1);
  });

  test("with parameters twice, or too late, fails before anything is asked", async () => {
    await using scene = await open();
    const { browser, handle } = await waitingBrowser(scene);
    const back = await sent(scene, browser, next(handle));
    expect(pageOf(await browser.go("GET", `${back}&code=x`), "notice").status).toBe(400);
    await scene.stage.clock.advance(defaultLimits.loginMsMax);
    expect(pageOf(await browser.go("GET", back), "notice").status).toBe(400);
    expect(scene.company.count("/token")).toBe(0);
  });

  test("with a link to a program's request ends at our page about it", async () => {
    await using scene = await open();
    const clientId = await registered(scene.stage.auth, { client_name: "Evil" });
    const victim = new TestBrowser(scene.stage.auth);
    await signedIn(scene, victim, "/");
    // Who is signed in is still asked, each time, for each program.
    for (let round = 0; round < 2; round++) expect(pageOf(await victim.go("GET", authorizeUrl(clientId)), "consent").request.client.name).toBe("Evil");
    const { handle } = pageOf(await victim.go("GET", authorizeUrl(clientId)), "consent");
    expect(pageOf(await victim.go("POST", "/authorize", { handle, decision: "approve" }, { origin: "https://evil.example" }), "notice").status).toBe(400);
    expect(scene.stage.auth.operator.grants()).toEqual([]);
  });

  test("by many attempts takes the place of its own sender's alone, up to a bound", async () => {
    await using scene = await open({ limits: { signInsMax: 12 } });
    const { browser, handle } = await waitingBrowser(scene);
    const back = await sent(scene, browser, next(handle));
    const begin = (address: string): Promise<OAuthOut> => ask(scene.stage.auth, "GET", "/sign-in", { address });
    for (let count = 0; count < 30; count++) expect((await begin(`2001:db8::${count.toString(16)}`)).kind).toBe("redirect");
    expect((await begin("192.0.2.2")).kind).toBe("redirect");
    expect(pageOf(await begin("192.0.2.3"), "notice").status).toBe(503);
    expect((await browser.go("GET", back)).kind).toBe("redirect");
  });
});

describe("the company", () => {
  test.each(["client_secret_basic", "client_secret_post"])("hears our secret by %s, as it wants", async (method) => {
    const clock = createTestClock();
    await using company = await openOpenId({ now: clock.now, secret: "s3cret" });
    company.bends.metadata = { token_endpoint_auth_methods_supported: [method] };
    await using folder = await openAuth();
    const path = join(folder.stateDir, "secret");
    await writeFile(path, "s3cret\n");
    await using stage = await openAuth({ clock, egress, access: { signIn: { issuer: company.issuer, clientId: "our:client", clientSecretFile: path, rules } } });
    const browser = new TestBrowser(stage.auth);
    expect((await signedIn({ company }, browser, "/")).kind).toBe("redirect");
    const { authorization, values } = company.asked.find(({ path: asked }) => asked === "/token") ?? { authorization: "", values: {} as Record<string, string> };
    expect([authorization === null, values["client_secret"] ?? null]).toEqual(method === "client_secret_basic" ? [false, null] : [true, "s3cret"]);
  });

  test("is asked for its metadata once in a while, and again after it was away", async () => {
    await using scene = await open();
    const browser = new TestBrowser(scene.stage.auth);
    scene.company.bends.metadata = { issuer: "elsewhere" };
    expect(pageOf(await browser.go("GET", "/sign-in"), "notice").status).toBe(502);
    scene.company.bends.metadata = {};
    for (let count = 0; count < 3; count++) expect((await signedIn(scene, browser, "/")).kind).toBe("redirect");
    // Each time for its addresses, and once for its keys.
    expect(scene.company.count("/.well-known/openid-configuration")).toBe(3);
    await scene.stage.clock.advance(defaultLimits.issuerKeysAgeMs + 1);
    await browser.go("GET", "/sign-in");
    expect(scene.company.count("/.well-known/openid-configuration")).toBe(4);
  });

  test("that hangs is not waited for without end, nor when we close", async () => {
    await using scene = await open();
    const released = Promise.withResolvers<Response>();
    const reached = Promise.withResolvers<void>();
    scene.company.bends.answer = () => {
      reached.resolve();
      return released.promise;
    };
    const browser = new TestBrowser(scene.stage.auth);
    const back = signedIn(scene, browser, "/");
    await reached.promise;
    await scene.stage.clock.advance(defaultLimits.issuerMsMax);
    expect(pageOf(await back, "notice").status).toBe(502);
    released.resolve(new Response());
  });

  test("cannot be signed in with where nothing can be written down", async () => {
    await using scene = await open({ audit: { record: () => undefined, isWritable: false } });
    expect(pageOf(await signedIn(scene, new TestBrowser(scene.stage.auth), "/"), "notice").status).toBe(503);
  });

  test("is not there where nobody configured it", async () => {
    await using stage = await openAuth();
    expect([stage.auth.takesPeople, stage.auth.personIn("__Host-1mcp-person=x"), stage.auth.paths.includes("/sign-in")]).toEqual([false, null, false]);
  });
});
