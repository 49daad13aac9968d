import { describe, expect, test } from "bun:test";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../../src/base/index.ts";
import { approvedCode, ask, authorizeUrl, bodyOf, codeForm, granted, mcp, openAuth, opens, pageOf, registered, TestBrowser, tokenOf } from "../fixtures/auth.ts";

const year = 366 * 86_400_000;
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof Fault ? error.code : error;
  }
};

describe("a static token", () => {
  test("opens what it was made for, every endpoint of it, until its time is over", async () => {
    await using stage = await openAuth({ limits: { grantSweepMs: 86_400_000 } });
    const { grant, token } = stage.auth.operator.createToken({ name: "ci", scopes: ["tag:web"], lifeMs: year });
    expect(grant).toEqual({ id: expect.stringMatching(/^g_\w{10}$/), kind: "token", name: "ci", clientId: null, scopes: ["tag:web"], resource: null, createdAt: stage.clock.now(), usedAt: null, expiresAt: stage.clock.now() + year });
    expect([await opens(stage.auth, token), await opens(stage.auth, token, `${mcp}/alpha`)]).toEqual([["tag:web"], ["tag:web"]]);
    expect(await opens(stage.auth, stage.auth.operator.createToken({ name: "all", scopes: null, lifeMs: 1000 }).token)).toBeNull();
    await stage.clock.advance(year);
    expect([await opens(stage.auth, token), stage.auth.operator.grants()]).toEqual([false, []]);
  });

  test("lives a year at most, has a name and real scopes, and there are only so many", async () => {
    await using stage = await openAuth({ limits: { staticTokensMax: 1 } });
    const create = (more: object): unknown => codeOf(() => stage.auth.operator.createToken({ name: "ci", scopes: [], lifeMs: 1000, ...more }));
    for (const odd of [{ lifeMs: year + 1 }, { lifeMs: 0 }, { lifeMs: Number.NaN }, { name: "" }, { name: "x".repeat(65) }, { scopes: ["a b"] }]) expect(create(odd)).toBe("PARAMS_INVALID");
    expect(create({})).toMatchObject({ grant: { name: "ci" } });
    expect(create({})).toBe("LIMIT_REACHED");
    await using mute = await openAuth({ audit: { record: () => undefined, isWritable: false } });
    for (const sources of [[], ["home"], ["10.0.0.0/33"], ["::ffff:10.0.0.0/104"], Array.from({ length: 65 }, () => "10.0.0.1")]) expect([sources, create({ sources })]).toEqual([sources, "PARAMS_INVALID"]);
    expect(codeOf(() => mute.auth.operator.createToken({ name: "ci", scopes: [], lifeMs: 1000 }))).toBe("LIMIT_REACHED");
  });

  test("is replaced by another: two are valid for a day, and never more", async () => {
    await using stage = await openAuth({ limits: { grantSweepMs: 3_600_000 } });
    const first = stage.auth.operator.createToken({ name: "ci", scopes: ["tag:web"], lifeMs: year });
    const second = stage.auth.operator.rotateToken(first.grant.id);
    expect(second.grant).toEqual(first.grant);
    expect([await opens(stage.auth, first.token), await opens(stage.auth, second.token)]).toEqual([["tag:web"], ["tag:web"]]);
    const third = stage.auth.operator.rotateToken(first.grant.id);
    expect([await opens(stage.auth, first.token), await opens(stage.auth, second.token), await opens(stage.auth, third.token)]).toEqual([false, ["tag:web"], ["tag:web"]]);
    await stage.clock.advance(86_400_000);
    expect([await opens(stage.auth, second.token), await opens(stage.auth, third.token)]).toEqual([false, ["tag:web"]]);
    expect(codeOf(() => stage.auth.operator.rotateToken("g_none"))).toBe("NAME_UNKNOWN");
  });
});

describe("to revoke", () => {
  test("one grant ends it at once, and nothing else", async () => {
    await using stage = await openAuth();
    const ended: string[] = [];
    stage.auth.onEnded((ids) => ended.push(...ids));
    const [one, other] = [await granted(stage), await granted(stage)];
    expect([await opens(stage.auth, one.access), await opens(stage.auth, other.access)]).not.toContain(false);
    const id = stage.auth.operator.grants().find(({ clientId }) => clientId === one.clientId)?.id ?? "";
    expect([stage.auth.operator.revoke(id), stage.auth.operator.revoke(id)]).toEqual([1, 0]);
    expect([await opens(stage.auth, one.access), await opens(stage.auth, other.access), ended]).toEqual([false, ["tag:web"], [id]]);
  });

  test("all of them leaves nothing that opens anything, the operator's own token included, which is another one from then on", async () => {
    await using stage = await openAuth();
    const own = (): Promise<string> => readFile(join(stage.stateDir, "token"), "utf8").then((text) => text.trim());
    const before = await own();
    const { access } = await granted(stage);
    const { token } = stage.auth.operator.createToken({ name: "ci", scopes: null, lifeMs: 1000 });
    const ended: string[] = [];
    stage.auth.onEnded((ids) => ended.push(...ids));
    expect(stage.auth.operator.revoke("all")).toBe(3);
    expect([await opens(stage.auth, access), await opens(stage.auth, token), await opens(stage.auth, before)]).toEqual([false, false, false]);
    expect([ended.length, ended.includes("operator")]).toEqual([3, true]);
    await stage.auth.close();
    const after = await own();
    expect(after).not.toBe(before);
    const again = await stage.beside();
    expect([await opens(again, before), await opens(again, after)]).toEqual([false, null]);
  });

  test("all of them gives nothing any more for what was approved before and not fetched yet", async () => {
    await using stage = await openAuth();
    const clientId = await registered(stage.auth);
    const code = await approvedCode(stage.auth, clientId);
    const deviceCode = String(bodyOf(await ask(stage.auth, "POST", "/device_authorization", { form: { client_id: clientId } }))["device_code"]);
    const browser = new TestBrowser(stage.auth);
    const { handle, request } = pageOf(await browser.go("GET", authorizeUrl(clientId), undefined), "waiting");
    for (const { id } of stage.auth.operator.waiting()) stage.auth.operator.decide(id, { approve: true, scopes: ["tag:web"] });
    expect(request.id).toMatch(/^r_/);
    stage.auth.operator.revoke("all");
    const polled = await tokenOf(stage.auth, { grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: clientId, device_code: deviceCode });
    const redeemed = await tokenOf(stage.auth, codeForm(clientId, code));
    expect([bodyOf(polled), bodyOf(redeemed)]).toMatchObject([{ status: 400, error: "invalid_grant" }, { status: 400, error: "invalid_grant" }]);
    expect(pageOf(await browser.go("GET", `/authorize?handle=${handle}`), "notice").status).toBe(400);
    expect(stage.auth.operator.grants()).toEqual([]);
  });

  test("all of them leaves what nobody has decided, and tells of a code that is shown again", async () => {
    await using stage = await openAuth();
    const { clientId, code } = await granted(stage);
    await ask(stage.auth, "GET", authorizeUrl(clientId));
    stage.auth.operator.revoke("all");
    expect(stage.auth.operator.waiting()).toHaveLength(1);
    await tokenOf(stage.auth, codeForm(clientId, code));
    expect(stage.audited.at(-1)).toMatchObject({ ev: "token.replay", reason: "code" });
  });

  test("all of them voids the operator's old token though the new one cannot be written", async () => {
    const lines: string[] = [];
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (line: string) => void lines.push(line), with: () => log };
    await using stage = await openAuth({ log, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) });
    const before = (await readFile(join(stage.stateDir, "token"), "utf8")).trim();
    await chmod(stage.stateDir, 0o500);
    stage.auth.operator.revoke("operator");
    expect(await opens(stage.auth, before)).toBe(false);
    await stage.clock.advance(4_000);
    expect(await opens(stage.auth, before)).toBe(false);
    await chmod(stage.stateDir, 0o700);
  });
});
