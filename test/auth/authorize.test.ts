import { describe, expect, test } from "bun:test";
import { approvedCode, ask, authorizeUrl, bodyOf, callback, codeForm, issuer, mcp, openAuth, opens, pageOf, redirected, registered, TestBrowser, tokenOf } from "../fixtures/auth.ts";

describe("a request", () => {
  test("waits on a page that shows who asks, where it goes, for what, and for how long", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const page = pageOf(await new TestBrowser(stage.auth).go("GET", authorizeUrl(clientId, { scope: "tag:web unknown offline_access" })), "waiting");
    expect(page).toMatchObject({ status: 200, code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/), canUsePassword: false });
    expect(page.request).toEqual({
      id: expect.stringMatching(/^r_\w{10}$/),
      code: page.code,
      client: { id: clientId, name: "Test client", domain: null },
      redirectHost: "127.0.0.1:7777",
      isLoopback: true,
      resource: mcp,
      scopes: [{ scope: "tag:web", servers: [{ name: "alpha", tools: ["one"] }, { name: "beta", tools: ["two"] }], asked: true }],
      refresh: true,
      lifeMs: 90 * 86_400_000,
      expiresAt: stage.clock.now() + 600_000,
    });
    expect(stage.auth.operator.waiting()).toEqual([page.request]);
  });

  test("that asks for nothing in particular is offered all there is", async () => {
    await using stage = await openAuth();
    const page = pageOf(await new TestBrowser(stage.auth).go("GET", authorizeUrl(await registered(stage.auth))), "waiting");
    expect(page.request.scopes.map(({ scope, asked }) => [scope, asked])).toEqual([["server:alpha", false], ["tag:web", false]]);
  });

  test("goes on by itself when the operator has approved it on his terminal: once", async () => {
    await using stage = await openAuth();
    const browser = new TestBrowser(stage.auth);
    const page = pageOf(await browser.go("GET", authorizeUrl(await registered(stage.auth))), "waiting");
    expect(pageOf(await browser.go("GET", `/authorize?handle=${page.handle}`), "waiting").code).toBe(page.code);
    stage.auth.operator.decide(page.request.id, { approve: true, scopes: ["tag:web"] });
    const out = await browser.go("GET", `/authorize?handle=${page.handle}`);
    expect(redirected(out)).toEqual({ code: expect.stringMatching(/^1mcp_/), state: "xyz", iss: issuer });
    expect(pageOf(await browser.go("GET", `/authorize?handle=${page.handle}`), "notice").status).toBe(400);
    expect(() => stage.auth.operator.decide(page.request.id, { approve: true, scopes: [] })).toThrow("no such request");
  });

  test("that was denied goes back with an error and our name", async () => {
    await using stage = await openAuth();
    const browser = new TestBrowser(stage.auth);
    const page = pageOf(await browser.go("GET", authorizeUrl(await registered(stage.auth), { state: "" })), "waiting");
    stage.auth.operator.decide(page.request.id, { approve: false });
    expect(redirected(await browser.go("GET", `/authorize?handle=${page.handle}`))).toEqual({ error: "access_denied", iss: issuer });
  });

  test("is gone after ten minutes, outlives a restart before, and is decided by whichever process", async () => {
    await using stage = await openAuth();
    const browser = new TestBrowser(stage.auth);
    const page = pageOf(await browser.go("GET", authorizeUrl(await registered(stage.auth))), "waiting");
    const other = await stage.beside();
    other.operator.decide(page.request.id, { approve: true, scopes: ["tag:web"] });
    expect(redirected(await browser.go("GET", `/authorize?handle=${page.handle}`))["code"]).toBeDefined();
    const late = pageOf(await browser.go("GET", authorizeUrl(await registered(stage.auth))), "waiting");
    await stage.clock.advance(600_000);
    expect(() => stage.auth.operator.decide(late.request.id, { approve: true, scopes: [] })).toThrow("no such request");
    expect(pageOf(await browser.go("GET", `/authorize?handle=${late.handle}`), "notice").status).toBe(400);
  });

  test("has room beside others, but not beside a hundred, and ten of one address", async () => {
    await using stage = await openAuth({ limits: { approvalsMax: 12 } });
    const clientId = await registered(stage.auth);
    const from = (address: string) => ask(stage.auth, "GET", authorizeUrl(clientId), { address });
    for (let count = 0; count < 15; count++) pageOf(await from("192.0.2.1"), "waiting");
    expect(stage.auth.operator.waiting()).toHaveLength(10);
    for (const address of ["192.0.2.2", "192.0.2.3"]) pageOf(await from(address), "waiting");
    expect(redirected(await from("192.0.2.4"))["error"]).toBe("temporarily_unavailable");
  });
});

describe("without the operator", () => {
  test("whoever walks all the way by HTTP stops at his page", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const browser = new TestBrowser(stage.auth);
    const page = pageOf(await browser.go("GET", authorizeUrl(clientId)), "waiting");
    const form = new URLSearchParams({ handle: page.handle, decision: "approve", scope: "tag:web" });
    pageOf(await browser.go("POST", "/authorize", form), "waiting");
    expect(stage.auth.operator.waiting()).toHaveLength(1);
    expect(bodyOf(await tokenOf(stage.auth, codeForm(clientId, page.handle)))).toMatchObject({ status: 400, error: "invalid_grant" });
  });

  test("a decision from another browser, another page, or with another handle is none", async () => {
    await using stage = await openAuth();
    const [mine, foreign] = [new TestBrowser(stage.auth), new TestBrowser(stage.auth)];
    for (const browser of [mine, foreign]) await browser.own(stage.auth);
    const page = pageOf(await mine.go("GET", authorizeUrl(await registered(stage.auth))), "consent");
    const form = new URLSearchParams({ handle: page.handle, decision: "approve", scope: "tag:web" });
    for (const out of [
      await foreign.go("POST", "/authorize", form),
      await ask(stage.auth, "POST", "/authorize", { form, headers: { cookie: `__Host-1mcp-operator=${mine.cookies.get("__Host-1mcp-operator")}` } }),
      await mine.go("POST", "/authorize", form, { origin: "https://evil.example" }),
      await mine.go("POST", "/authorize", form, { origin: "null" }),
      await mine.go("POST", "/authorize", form, { "sec-fetch-site": "cross-site" }),
      await mine.go("POST", "/authorize", new URLSearchParams({ handle: "1mcp_other", decision: "approve" })),
      await mine.go("POST", "/authorize"),
      await foreign.go("GET", `/authorize?handle=${page.handle}`),
    ]) expect(pageOf(out, "notice").status).toBe(400);
    expect(stage.auth.operator.waiting()).toHaveLength(1);
    expect(redirected(await mine.go("POST", "/authorize", form, { origin: issuer, "sec-fetch-site": "same-origin" }))["code"]).toBeDefined();
  });
});

describe("the operator's browser", () => {
  test("decides on its page: what is ticked is granted, and nothing else", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const browser = new TestBrowser(stage.auth);
    await browser.own(stage.auth);
    const page = pageOf(await browser.go("GET", authorizeUrl(clientId)), "consent");
    const bad = await browser.go("POST", "/authorize", new URLSearchParams({ handle: page.handle, decision: "approve", scope: "admin:write" }));
    expect(pageOf(bad, "notice").title).toBe("This cannot be approved");
    const code = redirected(await browser.go("POST", "/authorize", new URLSearchParams([["handle", page.handle], ["decision", "approve"], ["scope", "tag:web"], ["scope", "server:alpha"]])))["code"] ?? "";
    expect(await opens(stage.auth, String(bodyOf(await tokenOf(stage.auth, codeForm(clientId, code)))["access_token"]))).toEqual(["tag:web", "server:alpha"]);
  });

  test("denies with anything but an approval", async () => {
    await using stage = await openAuth();
    const browser = new TestBrowser(stage.auth);
    await browser.own(stage.auth);
    const page = pageOf(await browser.go("GET", authorizeUrl(await registered(stage.auth))), "consent");
    expect(redirected(await browser.go("POST", "/authorize", { handle: page.handle }))).toEqual({ error: "access_denied", state: "xyz", iss: issuer });
  });
});

describe("an approval that shall stand", () => {
  const web = "https://app.example/callback";
  const document = { client_id: "https://vscode.dev/client.json", client_name: "App", redirect_uris: [web, callback] };
  const egress = { send: () => Promise.resolve({ status: 200, header: () => null, read: () => Promise.resolve(null), all: () => Promise.resolve(new TextEncoder().encode(JSON.stringify(document))), cancel: () => undefined }), openStream: () => Promise.reject(new Error("no")) };
  const url = (scope: string, redirect: string): string => authorizeUrl(document.client_id, { scope, redirect_uri: redirect });

  test("is not asked for again, but for more it is, and never for a program of this computer", async () => {
    await using stage = await openAuth({ egress });
    const browser = new TestBrowser(stage.auth);
    await browser.own(stage.auth);
    const approve = async (target: string): Promise<unknown> => {
      const page = pageOf(await browser.go("GET", target), "consent");
      expect(page.request.client.domain).toBe("vscode.dev");
      return redirected(await browser.go("POST", "/authorize", { handle: page.handle, decision: "approve", scope: "tag:web", remember: "on" }))["code"];
    };
    expect(await approve(url("tag:web", web))).toBeDefined();
    expect(redirected(await browser.go("GET", url("tag:web", web)))["code"]).toBeDefined();
    pageOf(await browser.go("GET", url("tag:web server:alpha", web)), "consent");
    pageOf(await browser.go("GET", authorizeUrl(document.client_id, { redirect_uri: web })), "consent");
    pageOf(await new TestBrowser(stage.auth).go("GET", url("tag:web", web)), "waiting");
    expect(await approve(url("tag:web", callback))).toBeDefined();
    pageOf(await browser.go("GET", url("tag:web", callback)), "consent");
    // Who takes back what a program got wants to be asked when it comes again.
    const code = redirected(await browser.go("GET", url("tag:web", web)))["code"] ?? "";
    await tokenOf(stage.auth, { ...codeForm(document.client_id, code), redirect_uri: web });
    stage.auth.operator.revoke(stage.auth.operator.grants()[0]?.id ?? "");
    expect(await approve(url("tag:web", web))).toBeDefined();
    stage.auth.operator.revoke("all");
    await browser.own(stage.auth);
    pageOf(await browser.go("GET", url("tag:web", web)), "consent");
  });
});

describe("what is wrong", () => {
  test("with the client or where it wants to go back to is told on a page, never by a redirect", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth, { redirect_uris: [callback, "https://app.example/cb"] });
    const targets = [
      authorizeUrl("unknown"),
      authorizeUrl(""),
      authorizeUrl(clientId, { redirect_uri: "" }),
      `${authorizeUrl(clientId)}&client_id=${clientId}`,
      `${authorizeUrl(clientId)}&redirect_uri=${encodeURIComponent(callback)}`,
      ...["https://evil.example/cb", "https://app.example/cb/", "https://app.example/cb2", "https://app.example/CB", "https://app.example/%63b", "https://app.example%2Fcb", "https://u@app.example/cb", "https://app.example/cb#x", "https://app.example:443/cb", "http://app.example/cb", "http://127.0.0.1:7777/other", "http://localhost:7777/callback", "http://127.0.0.1:7777@evil.example/callback"].map((uri) => authorizeUrl(clientId, { redirect_uri: uri })),
    ];
    for (const target of targets) expect([target, pageOf(await ask(stage.auth, "GET", target), "notice").status]).toEqual([target, 400]);
    expect(stage.audited.filter(({ ev }) => ev === "authorize.denied")).toHaveLength(targets.length);
  });

  test.each([
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_type: "" }, "invalid_request"],
    [{ response_mode: "fragment" }, "invalid_request"],
    [{ code_challenge: "" }, "invalid_request"],
    [{ code_challenge: "short" }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge_method: "" }, "invalid_request"],
    [{ resource: "https://other.example/mcp" }, "invalid_target"],
    [{ resource: `${issuer}/admin` }, "invalid_target"],
    [{ resource: `${mcp}#x` }, "invalid_target"],
    [{ scope: 'a"b' }, "invalid_scope"],
    [{ scope: Array.from({ length: 201 }, (_, index) => `s${index}`).join(" ") }, "invalid_scope"],
  ])("with the rest of it goes back to the client: %p", async (more, error) => {
    await using stage = await openAuth();
    const out = await ask(stage.auth, "GET", authorizeUrl(await registered(stage.auth), more as unknown as Record<string, string>));
    expect(redirected(out)).toEqual({ error, state: "xyz", iss: issuer });
    expect(stage.auth.operator.waiting()).toEqual([]);
  });

  test("with parameters that are repeated goes back, too", async () => {
    await using stage = await openAuth();
    const url = authorizeUrl(await registered(stage.auth));
    expect(redirected(await ask(stage.auth, "GET", `${url}&scope=a&scope=b`))["error"]).toBe("invalid_request");
    expect(redirected(await ask(stage.auth, "GET", `${url}&resource=${encodeURIComponent(mcp)}`))["error"]).toBe("invalid_target");
    expect(redirected(await ask(stage.auth, "GET", `${url}&state=other`))).toEqual({ error: "invalid_request", iss: issuer });
    expect((await ask(stage.auth, "PUT", url)).headers["Allow"]).toBe("GET, POST");
  });

  test("with our own house grants nothing", async () => {
    await using stage = await openAuth({ audit: { record: () => undefined, isWritable: false } });
    expect(redirected(await ask(stage.auth, "GET", authorizeUrl(await registered(stage.auth))))["error"]).toBe("temporarily_unavailable");
  });
});

test("any free port of this computer is gone back to, and a program's own scheme by a link", async () => {
  await using stage = await openAuth({ access: { clients: { redirectSchemes: ["vscode"] } } });
  const clientId = await registered(stage.auth, { redirect_uris: [callback, "vscode://ext/cb?x=1"] });
  expect(await approvedCode(stage.auth, clientId, { more: { redirect_uri: "http://127.0.0.1:51234/callback" } })).toMatch(/^1mcp_/);
  const browser = new TestBrowser(stage.auth);
  const page = pageOf(await browser.go("GET", authorizeUrl(clientId, { redirect_uri: "vscode://ext/cb?x=1" })), "waiting");
  stage.auth.operator.decide(page.request.id, { approve: true, scopes: [] });
  expect(pageOf(await browser.go("GET", `/authorize?handle=${page.handle}`), "leaving").to).toMatch(/^vscode:\/\/ext\/cb\?x=1&code=1mcp_\w+&state=xyz&iss=/);
});
