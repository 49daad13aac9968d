import { describe, expect, test } from "bun:test";
import { approvedCode, ask, bodyOf, callback, codeForm, granted, issuer, mcp, openAuth, opens, refreshed, refreshForm, registered, tokenOf, verifier } from "../fixtures/auth.ts";

describe("a code", () => {
  test("becomes an access token for what was approved, and a refresh token for a client that uses them", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const out = await tokenOf(stage.auth, codeForm(clientId, await approvedCode(stage.auth, clientId)));
    expect(bodyOf(out)).toEqual({ status: 200, access_token: expect.stringMatching(/^1mcp_\w{49}$/), token_type: "Bearer", expires_in: 900, scope: "tag:web", refresh_token: expect.stringMatching(/^1mcp_\w{49}$/) });
    expect(out.headers["Cache-Control"]).toBe("no-store");
    expect(await opens(stage.auth, String(bodyOf(out)["access_token"]))).toEqual(["tag:web"]);
    expect(stage.auth.operator.grants()).toMatchObject([{ kind: "code", name: "Test client", clientId, scopes: ["tag:web"], resource: "/mcp" }]);
  });

  test("of a client that does not refresh lives as long as its access token", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth, { grant_types: ["authorization_code"] });
    const body = bodyOf(await tokenOf(stage.auth, codeForm(clientId, await approvedCode(stage.auth, clientId))));
    expect(body["refresh_token"]).toBeUndefined();
    await stage.clock.advance(900_000);
    expect(await opens(stage.auth, String(body["access_token"]))).toBe(false);
    expect(stage.auth.operator.grants()).toEqual([]);
  });

  test("with no scope ticked opens a grant that opens nothing", async () => {
    await using stage = await openAuth();
    expect(await opens(stage.auth, (await granted(stage, { scopes: [] })).access)).toEqual([]);
  });

  test("wins once of 64 redemptions at the same time, over two processes", async () => {
    await using stage = await openAuth();
    const other = await stage.beside();
    const clientId = await registered(stage.auth);
    const code = await approvedCode(stage.auth, clientId);
    const outs = await Promise.all(Array.from({ length: 64 }, (_, index) => tokenOf(index % 2 === 0 ? stage.auth : other, codeForm(clientId, code))));
    expect(outs.filter((out) => bodyOf(out).status === 200)).toHaveLength(1);
    expect(new Set(outs.filter((out) => bodyOf(out).status !== 200).map((out) => bodyOf(out)["error"]))).toEqual(new Set(["invalid_grant"]));
  });

  test("that is shown again takes back what it gave, and ends what stands on that", async () => {
    await using stage = await openAuth();
    const ended: string[] = [];
    stage.auth.onEnded((ids) => ended.push(...ids));
    const { clientId, code, access, refresh } = await granted(stage);
    const [grant] = stage.auth.operator.grants();
    expect(await opens(stage.auth, access)).toEqual(["tag:web"]);
    expect(bodyOf(await tokenOf(stage.auth, codeForm(clientId, code)))).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(await opens(stage.auth, access)).toBe(false);
    expect(bodyOf(await tokenOf(stage.auth, refreshForm(clientId, refresh)))).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(ended).toEqual([grant?.id ?? ""]);
    expect(stage.audited.map(({ ev }) => ev)).toContain("token.replay");
  });

  test("without the verifier, with a wrong, a short or the plain one gives nothing", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const code = await approvedCode(stage.auth, clientId);
    const { code_verifier: _, ...without } = codeForm(clientId, code);
    expect(bodyOf(await tokenOf(stage.auth, without))).toMatchObject({ status: 400, error: "invalid_request" });
    for (const wrong of ["b".repeat(43), "short", "ungBQzJ1ZhOD3qgvzdJlXSLVh7XRzJTq0kBvyTGcyMs"]) {
      expect(bodyOf(await tokenOf(stage.auth, { ...codeForm(clientId, code), code_verifier: wrong }))).toMatchObject({ status: 400, error: "invalid_grant" });
    }
    expect(bodyOf(await tokenOf(stage.auth, codeForm(clientId, code))).status).toBe(200);
  });

  test("gives the same answer when it is unknown, expired, another client's, or for another address to go back to", async () => {
    await using stage = await openAuth();
    const [clientId, other] = [await registered(stage.auth), await registered(stage.auth)];
    const code = await approvedCode(stage.auth, clientId);
    const answers = [
      await tokenOf(stage.auth, codeForm(clientId, "1mcp_unknown")),
      await tokenOf(stage.auth, codeForm(other, code)),
      await tokenOf(stage.auth, { ...codeForm(clientId, code), redirect_uri: `${callback}/` }),
    ];
    await stage.clock.advance(60_000);
    answers.push(await tokenOf(stage.auth, codeForm(clientId, code)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(bodyOf(answers[0] as (typeof answers)[0])).toMatchObject({ status: 400, error: "invalid_grant" });
  });

  test("is for the endpoint that was approved", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const code = await approvedCode(stage.auth, clientId);
    for (const resource of ["https://other.example/mcp", `${mcp}/github`, `${issuer}/mcp2`]) expect(bodyOf(await tokenOf(stage.auth, { ...codeForm(clientId, code), resource }))).toMatchObject({ status: 400, error: "invalid_target" });
    const access = String(bodyOf(await tokenOf(stage.auth, { ...codeForm(clientId, code), resource: "http://localhost:3050/mcp" }))["access_token"]);
    expect(await opens(stage.auth, access, "http://localhost:3050/mcp")).toEqual(["tag:web"]);
    for (const resource of [`${mcp}/alpha`, `${issuer}/sse`, `${issuer}/mcp/mcp`]) expect(await opens(stage.auth, access, resource)).toBe(false);
  });

  test("of a client that names no resource is for every endpoint, or for the one that it names later", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const { resource: _, ...form } = codeForm(clientId, await approvedCode(stage.auth, clientId, { more: { resource: "" } }));
    const access = String(bodyOf(await tokenOf(stage.auth, form))["access_token"]);
    for (const resource of [mcp, `${mcp}/alpha`, `${issuer}/sse`]) expect(await opens(stage.auth, access, resource)).toEqual(["tag:web"]);
    const later = await granted(stage, { clientId, more: { resource: "" } });
    expect([await opens(stage.auth, later.access), await opens(stage.auth, later.access, `${issuer}/sse`)]).toEqual([["tag:web"], false]);
  });
});

describe("a refresh token", () => {
  test("is used once, and gives the next of its family", async () => {
    await using stage = await openAuth();
    const first = await granted(stage);
    const second = await refreshed(stage, first.clientId, first.refresh);
    expect(second).toMatchObject({ status: 200, scope: "tag:web", expires_in: 900 });
    expect(await opens(stage.auth, String(second["access_token"]))).toEqual(["tag:web"]);
    expect(await opens(stage.auth, first.access)).toEqual(["tag:web"]);
    expect(stage.auth.operator.grants()).toHaveLength(1);
    await stage.clock.advance(11_000);
    expect((await refreshed(stage, first.clientId, String(second["refresh_token"]))).status).toBe(200);
  });

  test("wins once of 64 uses at the same time, over two processes, and the family lives", async () => {
    await using stage = await openAuth();
    const other = await stage.beside();
    const { clientId, refresh } = await granted(stage);
    const asked = Array.from({ length: 64 }, (_, index) => tokenOf(index % 2 === 0 ? stage.auth : other, refreshForm(clientId, refresh)));
    await stage.clock.advance(100);
    const outs = (await Promise.all(asked)).map(bodyOf);
    const winners = outs.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(new Set(outs.filter(({ status }) => status !== 200).map((out) => `${out.status} ${String(out["error"])}`))).toEqual(new Set(["503 temporarily_unavailable"]));
    expect((await refreshed(stage, clientId, String(winners[0]?.["refresh_token"]))).status).toBe(200);
    expect(stage.auth.operator.grants()).toHaveLength(1);
  });

  test("whose reply was lost works once more, and what was lost opens nothing", async () => {
    await using stage = await openAuth();
    const { clientId, refresh } = await granted(stage);
    const lost = await refreshed(stage, clientId, refresh);
    const again = await refreshed(stage, clientId, refresh);
    expect(again.status).toBe(200);
    expect([await opens(stage.auth, String(lost["access_token"])), await opens(stage.auth, String(again["access_token"]))]).toEqual([false, ["tag:web"]]);
    expect((await refreshed(stage, clientId, String(again["refresh_token"]))).status).toBe(200);
    expect(stage.auth.operator.grants()).toHaveLength(1);
  });

  test("whose reply was lost is taken once of 64 repetitions at the same time", async () => {
    await using stage = await openAuth();
    const { clientId, refresh } = await granted(stage);
    await refreshed(stage, clientId, refresh);
    const asked = Array.from({ length: 64 }, () => tokenOf(stage.auth, refreshForm(clientId, refresh)));
    await stage.clock.advance(100);
    expect((await Promise.all(asked)).map((out) => bodyOf(out).status).filter((status) => status === 200)).toHaveLength(1);
    expect(stage.auth.operator.grants()).toHaveLength(1);
  });

  const family = async (misuse: (stage: Awaited<ReturnType<typeof openAuth>>, clientId: string, refresh: string) => Promise<unknown>): Promise<void> => {
    await using stage = await openAuth();
    const ended: string[] = [];
    stage.auth.onEnded((ids) => ended.push(...ids));
    const { clientId, refresh, access } = await granted(stage);
    expect(await misuse(stage, clientId, refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(stage.auth.operator.grants()).toEqual([]);
    expect(ended).toHaveLength(1);
    expect(await opens(stage.auth, access)).toBe(false);
    expect(stage.audited.at(-1)).toMatchObject({ ev: "token.replay", client: clientId, reason: "refresh" });
  };

  test("that is used again later ends its family", () =>
    family(async (stage, clientId, refresh) => {
      await refreshed(stage, clientId, refresh);
      await stage.clock.advance(10_000);
      return refreshed(stage, clientId, refresh);
    }));

  test("that is used again after its successor was ends its family", () =>
    family(async (stage, clientId, refresh) => {
      const next = await refreshed(stage, clientId, refresh);
      await refreshed(stage, clientId, String(next["refresh_token"]));
      return refreshed(stage, clientId, refresh);
    }));

  test("that is used a third time ends its family", () =>
    family(async (stage, clientId, refresh) => {
      await refreshed(stage, clientId, refresh);
      await refreshed(stage, clientId, refresh);
      return refreshed(stage, clientId, refresh);
    }));

  test("that was lost and turns up after another took its place ends its family", () =>
    family(async (stage, clientId, refresh) => {
      const lost = await refreshed(stage, clientId, refresh);
      await refreshed(stage, clientId, refresh);
      return refreshed(stage, clientId, String(lost["refresh_token"]));
    }));

  test("of another client changes nothing, and tells nothing", async () => {
    await using stage = await openAuth();
    const other = await registered(stage.auth);
    const { clientId, refresh } = await granted(stage);
    expect(await refreshed(stage, other, refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(await refreshed(stage, other, "1mcp_nothing")).toEqual(await refreshed(stage, other, refresh));
    expect((await refreshed(stage, clientId, refresh)).status).toBe(200);
  });

  test("never widens: a larger scope and another endpoint are refused, a smaller scope narrows", async () => {
    await using stage = await openAuth();
    const { clientId, refresh } = await granted(stage, { scopes: ["tag:web", "server:alpha"] });
    expect(await refreshed(stage, clientId, refresh, { scope: "tag:web tag:other" })).toMatchObject({ status: 400, error: "invalid_scope" });
    expect(await refreshed(stage, clientId, refresh, { resource: `${mcp}/alpha` })).toMatchObject({ status: 400, error: "invalid_target" });
    const narrow = await refreshed(stage, clientId, refresh, { scope: "server:alpha" });
    expect(await opens(stage.auth, String(narrow["access_token"]))).toEqual(["server:alpha"]);
  });

  test("that nobody used for two weeks, or ninety days after the grant, is worth nothing", async () => {
    await using stage = await openAuth({ limits: { grantSweepMs: 86_400_000 } });
    const idle = await granted(stage);
    await stage.clock.advance(14 * 86_400_000);
    expect(await refreshed(stage, idle.clientId, idle.refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(stage.auth.operator.grants()).toEqual([]);
    const kept = await granted(stage);
    let { refresh } = kept;
    for (let week = 0; week < 12; week++) {
      await stage.clock.advance(7 * 86_400_000);
      refresh = String((await refreshed(stage, kept.clientId, refresh))["refresh_token"]);
    }
    await stage.clock.advance(7 * 86_400_000);
    expect(await refreshed(stage, kept.clientId, refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
  });
});

describe("the token endpoint", () => {
  test("takes forms by POST, each parameter once, and kinds of grants that it knows", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    expect((await ask(stage.auth, "GET", "/token")).headers["Allow"]).toBe("POST");
    const errorOf = async (form: URLSearchParams | Record<string, string>, headers?: Record<string, string>): Promise<unknown> => bodyOf(await ask(stage.auth, "POST", "/token", { form, ...(headers === undefined ? {} : { headers }) }))["error"];
    expect(bodyOf(await ask(stage.auth, "POST", "/token", { json: codeForm(clientId, "x") }))["error"]).toBe("invalid_request");
    expect(await errorOf(new URLSearchParams([...Object.entries(codeForm(clientId, "x")), ["code", "y"]]))).toBe("invalid_request");
    expect(await errorOf(new URLSearchParams([...Object.entries(codeForm(clientId, "x")), ["resource", mcp]]))).toBe("invalid_target");
    for (const [form, error] of [
      [{ client_id: clientId }, "invalid_request"],
      [{ client_id: clientId, grant_type: "password" }, "unsupported_grant_type"],
      [{ client_id: clientId, grant_type: "constructor" }, "unsupported_grant_type"],
      [{ client_id: clientId, grant_type: "authorization_code", code_verifier: verifier }, "invalid_request"],
      [{ client_id: clientId, grant_type: "refresh_token" }, "invalid_request"],
      [{ client_id: clientId, grant_type: "urn:ietf:params:oauth:grant-type:device_code" }, "invalid_request"],
      [{ client_id: clientId, grant_type: "client_credentials" }, "unauthorized_client"],
      [{ ...codeForm(clientId, "x"), scope: "a\u0007" }, "invalid_scope"],
      [{ grant_type: "authorization_code" }, "invalid_client"],
      [{ ...codeForm("nobody", "x") }, "invalid_client"],
    ] as const) expect([form, await errorOf(form)]).toEqual([form, error]);
  });

  test("gives nothing that cannot be written down, nor more than there is room for", async () => {
    await using mute = await openAuth({ audit: { record: () => undefined, isWritable: false } });
    const clientId = await registered(mute.auth);
    expect(bodyOf(await tokenOf(mute.auth, codeForm(clientId, "x")))).toMatchObject({ status: 503, error: "temporarily_unavailable" });
    await using full = await openAuth({ limits: { liveTokensMax: 1 } });
    const first = await granted(full);
    expect(bodyOf(await tokenOf(full.auth, refreshForm(first.clientId, first.refresh)))).toMatchObject({ status: 503, error: "temporarily_unavailable" });
  });

  test("makes room for a new grant by the one that was used least recently", async () => {
    await using stage = await openAuth({ limits: { grantsMax: 2 } });
    const first = await granted(stage);
    await stage.clock.advance(1);
    const second = await granted(stage);
    await stage.clock.advance(1);
    const third = await granted(stage);
    expect([await opens(stage.auth, first.access), await opens(stage.auth, second.access), await opens(stage.auth, third.access)]).toEqual([false, ["tag:web"], ["tag:web"]]);
  });
});
