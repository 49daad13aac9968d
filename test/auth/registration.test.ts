import { describe, expect, test } from "bun:test";
import { ask, authorizeUrl, bodyOf, callback, codeForm, approvedCode, granted, openAuth, pageOf, refreshed, registered, tokenOf } from "../fixtures/auth.ts";

const register = async (stage: Awaited<ReturnType<typeof openAuth>>, json: unknown, address?: string) => bodyOf(await ask(stage.auth, "POST", "/register", { json, ...(address === undefined ? {} : { address }) }));
const good = { redirect_uris: [callback] };

test("a client gets an id, and hears what was taken of what it said", async () => {
  await using stage = await openAuth();
  expect(await register(stage, { ...good, client_name: "App", grant_types: ["refresh_token"], scope: "admin:write", software_id: "x" })).toEqual({
    status: 201,
    client_id: expect.stringMatching(/^c_\w{10}$/),
    client_id_issued_at: Math.floor(stage.clock.now() / 1000),
    client_name: "App",
    redirect_uris: [callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  });
  expect(stage.audited.at(-1)).toMatchObject({ ev: "client.registered", result: "201" });
});

test("a secret is given where it is asked for, and has to be shown then", async () => {
  await using stage = await openAuth();
  const { client_id: id, client_secret: secret } = await register(stage, { ...good, token_endpoint_auth_method: "client_secret_basic" });
  const form = { ...codeForm(String(id), await approvedCode(stage.auth, String(id))) };
  expect(bodyOf(await tokenOf(stage.auth, form))).toMatchObject({ status: 401, error: "invalid_client" });
  const basic = (text: string): Record<string, string> => ({ authorization: `Basic ${btoa(text)}` });
  const wrong = await tokenOf(stage.auth, form, basic(`${id}:wrong`));
  expect(wrong).toMatchObject({ status: 401, headers: { "WWW-Authenticate": 'Basic realm="1mcp"' } });
  expect(bodyOf(await tokenOf(stage.auth, form, basic(`${id}:${secret}`))).status).toBe(200);
});

describe("a hostile one is refused", () => {
  test.each(["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", `${callback}#x`, "https://u:p@app.example/cb", "http://app.example/cb", "myapp://cb"])("for %s", async (uri) => {
    await using stage = await openAuth();
    expect(await register(stage, { redirect_uris: [callback, uri] })).toMatchObject({ status: 400, error: "invalid_redirect_uri" });
    expect(stage.audited.at(-1)).toMatchObject({ ev: "client.rejected", result: "400", reason: "invalid_redirect_uri" });
  });

  test("for what cannot be read, or is not served", async () => {
    await using stage = await openAuth();
    expect(bodyOf(await ask(stage.auth, "POST", "/register", { form: { a: "b" } }))).toMatchObject({ status: 400 });
    expect((await ask(stage.auth, "GET", "/register")).headers["Allow"]).toBe("POST");
    expect(await register(stage, { ...good, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC" }] } })).toMatchObject({ error: "invalid_client_metadata" });
  });
});

test("only clients of this computer may, unless the operator says otherwise", async () => {
  const reached = { publicUrl: "https://mcp.example.com", listenUrl: () => "http://127.0.0.1:3050/mcp", allowedHosts: [] };
  await using shut = await openAuth({ reached });
  expect(await register(shut, good)).toMatchObject({ status: 403, error: "access_denied" });
  await using wide = await openAuth({ reached, access: { clients: { registration: "open" } } });
  expect((await register(wide, good)).status).toBe(201);
  await using off = await openAuth({ access: { clients: { registration: "off" } } });
  expect((await register(off, good)).status).toBe(403);
});

test("a flood from one address ends after twenty in an hour, and the others go on", async () => {
  await using stage = await openAuth();
  const statuses = await Promise.all(Array.from({ length: 200 }, () => register(stage, good, "192.0.2.1")));
  expect(statuses.filter(({ status }) => status === 201)).toHaveLength(20);
  expect(statuses.filter(({ status }) => status === 429)).toHaveLength(180);
  expect((await register(stage, good, "192.0.2.2")).status).toBe(201);
});

test("there is room for so many; the oldest that came to nothing makes room, one in use never", async () => {
  await using stage = await openAuth({ limits: { clientsMax: 2, registrationsMax: 100 } });
  const used = await granted(stage);
  const [first, second] = [await registered(stage.auth), await registered(stage.auth)];
  expect(pageOf(await ask(stage.auth, "GET", authorizeUrl(first)), "notice").status).toBe(400);
  expect(pageOf(await ask(stage.auth, "GET", authorizeUrl(second)), "waiting").request.client.id).toBe(second);
  expect((await refreshed(stage, used.clientId, used.refresh)).status).toBe(200);
  await granted(stage, { clientId: second });
  expect(await register(stage, good)).toMatchObject({ status: 503, error: "temporarily_unavailable" });
});

test("one that is never used is forgotten after a day, one that is used ninety days later", async () => {
  await using stage = await openAuth({ limits: { grantSweepMs: 3_600_000 } });
  const [unused, { clientId }] = [await registered(stage.auth), await granted(stage)];
  await stage.clock.advance(86_400_000);
  expect(pageOf(await ask(stage.auth, "GET", authorizeUrl(unused)), "notice").status).toBe(400);
  expect(pageOf(await ask(stage.auth, "GET", authorizeUrl(clientId)), "waiting").status).toBe(200);
  await stage.clock.advance(89 * 86_400_000);
  expect(pageOf(await ask(stage.auth, "GET", authorizeUrl(clientId)), "notice").status).toBe(400);
});
