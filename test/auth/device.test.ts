import { describe, expect, test } from "bun:test";
import { ask, type AuthStage, bodyOf, issuer, mcp, openAuth, opens, pageOf, registered, TestBrowser, tokenOf } from "../fixtures/auth.ts";

const kind = "urn:ietf:params:oauth:grant-type:device_code";

async function begun(stage: AuthStage): Promise<{ readonly clientId: string; readonly deviceCode: string; readonly userCode: string; poll(): Promise<Record<string, unknown> & { readonly status: number }> }> {
  const clientId = await registered(stage.auth);
  const body = bodyOf(await ask(stage.auth, "POST", "/device_authorization", { form: { client_id: clientId, scope: "tag:web", resource: mcp } }));
  expect(body).toEqual({ status: 200, device_code: expect.stringMatching(/^1mcp_/), user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/), verification_uri: `${issuer}/device`, expires_in: 600, interval: 5 });
  const deviceCode = String(body["device_code"]);
  return { clientId, deviceCode, userCode: String(body["user_code"]), poll: async () => bodyOf(await tokenOf(stage.auth, { grant_type: kind, client_id: clientId, device_code: deviceCode })) };
}

async function typing(stage: AuthStage, browser = new TestBrowser(stage.auth)) {
  const { handle } = pageOf(await browser.go("GET", "/device"), "device");
  return { browser, type: (code: string) => browser.go("POST", "/device", { handle, user_code: code }) };
}

describe("a device", () => {
  test("waits until its code was typed and approved, and gets its grant then: once", async () => {
    await using stage = await openAuth();
    const { userCode, poll } = await begun(stage);
    expect(await poll()).toMatchObject({ status: 400, error: "authorization_pending" });
    const { browser, type } = await typing(stage);
    await browser.own(stage.auth);
    const page = pageOf(await type(userCode.toLowerCase().replace("-", "")), "consent");
    expect(page.request).toMatchObject({ code: userCode, redirectHost: null, isLoopback: false, client: { name: "Test client" } });
    expect(pageOf(await browser.go("POST", "/authorize", { handle: page.handle, decision: "approve", scope: "tag:web" }), "notice").title).toBe("Approved");
    await stage.clock.advance(5_000);
    const all = await Promise.all(Array.from({ length: 64 }, poll));
    const winners = all.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(await opens(stage.auth, String(winners[0]?.["access_token"]))).toEqual(["tag:web"]);
    expect(stage.auth.operator.grants()).toMatchObject([{ kind: "device", resource: "/mcp" }]);
  });

  test("is approved on the terminal as well, where the same code is shown", async () => {
    await using stage = await openAuth();
    const { userCode, poll } = await begun(stage);
    const [request] = stage.auth.operator.waiting();
    expect(request?.code).toBe(userCode);
    const { browser, type } = await typing(stage);
    const page = pageOf(await type(userCode), "waiting");
    stage.auth.operator.decide(request?.id ?? "", { approve: true, scopes: ["tag:web"] });
    expect(pageOf(await browser.go("GET", `/authorize?handle=${page.handle}`), "notice").title).toBe("Approved");
    expect((await poll()).status).toBe(200);
  });

  test("hears that it was denied, that it is too late, and that it asks too often", async () => {
    await using stage = await openAuth();
    const denied = await begun(stage);
    stage.auth.operator.decide(stage.auth.operator.waiting()[0]?.id ?? "", { approve: false });
    expect(await denied.poll()).toMatchObject({ error: "access_denied" });
    expect(await denied.poll()).toMatchObject({ error: "invalid_grant" });
    const hasty = await begun(stage);
    await hasty.poll();
    await stage.clock.advance(4_999);
    expect(await hasty.poll()).toMatchObject({ error: "slow_down" });
    await stage.clock.advance(9_999);
    expect(await hasty.poll()).toMatchObject({ error: "slow_down" });
    await stage.clock.advance(15_000);
    expect(await hasty.poll()).toMatchObject({ error: "authorization_pending" });
    await stage.clock.advance(600_000);
    expect(await hasty.poll()).toMatchObject({ error: "expired_token" });
  });

  test("has to be the one that asked", async () => {
    await using stage = await openAuth();
    const { deviceCode } = await begun(stage);
    const other = await registered(stage.auth);
    expect(bodyOf(await tokenOf(stage.auth, { grant_type: kind, client_id: other, device_code: deviceCode }))).toMatchObject({ error: "invalid_grant" });
    expect(bodyOf(await tokenOf(stage.auth, { grant_type: kind, client_id: other, device_code: "1mcp_x" }))).toMatchObject({ error: "invalid_grant" });
  });

  test("that asks for another resource than was approved still gets what was", async () => {
    await using stage = await openAuth();
    const { clientId, deviceCode, poll } = await begun(stage);
    stage.auth.operator.decide(stage.auth.operator.waiting()[0]?.id ?? "", { approve: true, scopes: ["tag:web"] });
    expect(bodyOf(await tokenOf(stage.auth, { grant_type: kind, client_id: clientId, device_code: deviceCode, resource: `${mcp}/github` }))).toMatchObject({ error: "invalid_target" });
    await stage.clock.advance(5_000);
    expect(await poll()).toMatchObject({ status: 200, scope: "tag:web" });
  });

  test("is refused for a foreign resource, an odd scope, an unknown client, and where too many wait", async () => {
    await using stage = await openAuth({ limits: { approvalsMax: 1 } });
    const clientId = await registered(stage.auth);
    const errorOf = async (form: Record<string, string> | URLSearchParams): Promise<unknown> => bodyOf(await ask(stage.auth, "POST", "/device_authorization", { form }))["error"];
    expect(await errorOf({ client_id: clientId, resource: "https://other.example" })).toBe("invalid_target");
    expect(await errorOf({ client_id: clientId, scope: 'a"' })).toBe("invalid_scope");
    expect(await errorOf({ client_id: "nobody" })).toBe("invalid_client");
    expect(await errorOf(new URLSearchParams("client_id=a&client_id=b"))).toBe("invalid_request");
    expect((await ask(stage.auth, "GET", "/device_authorization")).headers["Allow"]).toBe("POST");
    expect(await errorOf({ client_id: clientId })).toBeUndefined();
    expect(bodyOf(await ask(stage.auth, "POST", "/device_authorization", { form: { client_id: clientId }, address: "192.0.2.9" }))).toMatchObject({ status: 503, error: "temporarily_unavailable" });
  });
});

describe("a code that is typed", () => {
  test("and guessed locks the address out after five, the right one included", async () => {
    await using stage = await openAuth();
    const { userCode } = await begun(stage);
    const { browser, type } = await typing(stage);
    for (let count = 0; count < 5; count++) expect(pageOf(await type("BBBB-BBBB"), "device").status).toBe(400);
    for (let count = 0; count < 45; count++) expect(pageOf(await type("CCCC-CCCC"), "device").status).toBe(429);
    expect(pageOf(await type(userCode), "device")).toMatchObject({ status: 429, problem: expect.stringContaining("Too many") });
    expect(stage.audited.filter(({ ev }) => ev === "operator.fail")).toHaveLength(5);
    await stage.clock.advance(600_000);
    const { userCode: next } = await begun(stage);
    expect(pageOf(await (await typing(stage, browser)).type(next), "waiting").code).toBe(next);
  });

  test("counts on the page it was asked on alone", async () => {
    await using stage = await openAuth();
    const { userCode } = await begun(stage);
    const { browser } = await typing(stage);
    for (const out of [
      await browser.go("POST", "/device", { handle: "wrong", user_code: userCode }),
      await ask(stage.auth, "POST", "/device", { form: { handle: "x", user_code: userCode } }),
      await browser.go("POST", "/device", { handle: pageOf(await browser.go("GET", "/device"), "device").handle, user_code: userCode }, { origin: "https://evil.example" }),
    ]) expect(pageOf(out, "device").status).toBe(400);
    expect((await browser.go("PUT", "/device")).headers["Allow"]).toBe("GET, POST");
  });
});
