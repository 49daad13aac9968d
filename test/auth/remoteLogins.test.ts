import { expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Fault } from "../../src/base/index.ts";
import { createGuarded } from "../fixtures/guarded.ts";
import { browserOf, deskOf, loginSpec, ourOrigin, targetOf, titleOf } from "../fixtures/logins.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);

test("the operator's browser goes to the server's login and comes back without a further click, and the token goes on requests", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url);
  await using desk = await deskOf([spec]);
  const login = desk.logins.of(spec, "operator");
  expect(await login?.authorization()).toBeNull();
  expect(await login?.refused({ status: 401, challenge: 'Bearer scope="a b"', sent: null, tries: 0 })).toBe("login");
  const browser = browserOf(desk.logins, { isOperator: true });
  const to = new URL(targetOf(await browser.get("/oauth/authorize/remote")));
  expect([to.origin + to.pathname, to.searchParams.get("redirect_uri"), to.searchParams.get("resource"), to.searchParams.get("scope"), to.searchParams.get("code_challenge_method")]).toEqual([`${guarded.origin}/authorize`, `${ourOrigin}/oauth/callback`, guarded.url, "a b", "S256"]);
  let heard = 0;
  login?.onChanged(() => (heard += 1));
  expect(titleOf(await browser.get(await guarded.visit(to.href)))).toBe("Logged in");
  expect(heard).toBe(1);
  expect(guarded.valid.has(String(await login?.authorization()).replace("Bearer ", ""))).toBeTrue();
  expect(desk.logins.list()).toEqual([{ server: "remote", owner: "operator", state: "logged-in", issuer: guarded.origin, scopes: ["a", "b"], gotAt: desk.clock.now(), expiresAt: desk.clock.now() + 3_600_000, renews: true }]);
});

test("on disk there is ciphertext alone, and a restart finds it again", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url);
  await using desk = await deskOf([spec]);
  const { url } = await desk.logins.start("remote", "paste");
  await desk.logins.finish("remote", await guarded.visit(url ?? ""));
  const before = await desk.logins.of(spec, "operator")?.authorization();
  const folder = join(desk.stateDir, "logins");
  const text = (await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")))).join("");
  expect(guarded.secrets.length).toBeGreaterThan(2);
  for (const secret of guarded.secrets) expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(guarded.secrets.at(-1) ?? "").toString("base64url"));
  const again = await desk.again();
  expect(String(before)).toStartWith("Bearer access-");
  expect(await again.of(spec, "operator")?.authorization()).toBe(String(before));
  expect(desk.log.join("\n")).not.toContain("access-");
});

test("a login goes on under a changed entry, and not at another address", async () => {
  await using guarded = createGuarded();
  await using desk = await deskOf([loginSpec(guarded.url)]);
  const { url } = await desk.logins.start("remote", "paste");
  await desk.logins.finish("remote", await guarded.visit(url ?? ""));
  const changed = loginSpec(guarded.url, { scopes: ["x"] }, { fingerprint: "2" });
  const moved = loginSpec(`${guarded.origin}/other`, {}, { fingerprint: "3" });
  desk.logins.adopt([changed]);
  expect(await desk.logins.of(changed, "operator")?.authorization()).toStartWith("Bearer ");
  desk.logins.adopt([moved]);
  expect(await desk.logins.of(moved, "operator")?.authorization()).toBeNull();
});

test("a link from the operator's terminal works once, in any browser, for its server alone", async () => {
  await using guarded = createGuarded();
  await using desk = await deskOf([loginSpec(guarded.url), loginSpec(guarded.url, {}, { name: "other" })]);
  const { url } = await desk.logins.start("remote", "browser");
  expect(url).toStartWith(`${ourOrigin}/oauth/authorize/remote?link=`);
  const browser = browserOf(desk.logins);
  expect(titleOf(await browser.get(String(url).replace("/remote", "/other")))).toBe("Not for this browser");
  expect(targetOf(await browser.get(url ?? ""))).toStartWith(`${guarded.origin}/authorize?`);
  expect(titleOf(await browser.get(url ?? ""))).toBe("Not for this browser");
});

test("an address that was brought by hand ends its own login, once, and none that a browser began", async () => {
  await using guarded = createGuarded();
  await using desk = await deskOf([loginSpec(guarded.url), loginSpec(guarded.url, {}, { name: "other" })]);
  const { url } = await desk.logins.start("remote", "paste");
  const back = await guarded.visit(url ?? "");
  await desk.logins.finish("remote", back);
  expect((await failure(desk.logins.finish("remote", back))).code).toBe("LOGIN_FAILED");
  expect((await failure(desk.logins.finish("remote", "no address"))).code).toBe("LOGIN_FAILED");
  const second = await guarded.visit((await desk.logins.start("remote", "paste")).url ?? "");
  expect((await failure(desk.logins.finish("other", second))).code).toBe("LOGIN_FAILED");
  const browser = browserOf(desk.logins, { isOperator: true });
  const third = await guarded.visit(targetOf(await browser.get("/oauth/authorize/remote")));
  expect((await failure(desk.logins.finish("remote", third))).code).toBe("LOGIN_FAILED");
});

test("logging out forgets the login, on disk too, and says how many", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url);
  await using desk = await deskOf([spec]);
  await desk.logins.finish("remote", await guarded.visit((await desk.logins.start("remote", "paste")).url ?? ""));
  expect(await desk.logins.logout("remote")).toBe(1);
  expect(await desk.logins.logout("remote", true)).toBe(0);
  expect([await desk.logins.of(spec, "operator")?.authorization(), desk.logins.list()[0]?.state]).toEqual([null, "logged-out"]);
  expect(await readdir(join(desk.stateDir, "logins"))).toEqual([]);
  expect((await failure(desk.logins.logout("nobody"))).code).toBe("NAME_UNKNOWN");
});

test("everybody's own login is his alone, and goes with his grant", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, {}, { credentials: "per-user" });
  await using desk = await deskOf([spec]);
  const [anna, bert] = [desk.logins.of(spec, "anna"), desk.logins.of(spec, "bert")];
  const browser = browserOf(desk.logins, { actsFor: ["anna"] });
  const page = anna?.page() ?? "";
  await browser.get(page);
  const link = new URL(page).searchParams.get("link") ?? "";
  await browser.get(await guarded.visit(targetOf(await browser.post("/connect/remote", { handle: link, decision: "approve" }))));
  expect(await anna?.authorization()).toStartWith("Bearer access-");
  expect(await bert?.authorization()).toBeNull();
  expect(desk.logins.of(spec, "operator")?.page()).toBeNull();
  await desk.logins.forget(["anna", "bert", "operator"]);
  expect([await anna?.authorization(), await desk.logins.of(spec, "anna")?.authorization(), await readdir(join(desk.stateDir, "logins"))]).toEqual([null, null, []]);
});

test("a login that was begun before its grant ended comes to nothing, wherever it is", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, { clientId: "c", issuer: new URL(guarded.url).origin }, { credentials: "per-user" });
  await using desk = await deskOf([spec]);
  const browser = browserOf(desk.logins, { actsFor: ["anna"] });
  const linkOf = (page: string): string => new URL(page).searchParams.get("link") ?? "";
  const page = (): string => desk.logins.of(spec, "anna")?.page() ?? "";
  const back = await guarded.visit(targetOf(await browser.post("/connect/remote", { handle: linkOf(page()), decision: "approve" })));
  const invitation = page();
  await desk.logins.forget(["anna"]);
  expect([titleOf(await browser.get(back)), titleOf(await browser.get(invitation))]).toEqual(["Not begun here", "Not for this browser"]);
  // What has come back already, and is being redeemed.
  const late = await guarded.visit(targetOf(await browser.post("/connect/remote", { handle: linkOf(page()), decision: "approve" })));
  const redeemed = browser.get(late);
  await desk.logins.forget(["anna"]);
  expect(titleOf(await redeemed)).toBe("The login did not work");
  expect([guarded.count("/token"), await desk.logins.of(spec, "anna")?.authorization(), await readdir(join(desk.stateDir, "logins"))]).toEqual([1, null, []]);
});

test.each([
  ["rotate", "registered"], ["unavailable", "registered"], ["invalid_grant", "registered"],
  // With a client that was written down nothing is kept on the way, up to the end.
  ["rotate", "configured"], ["unavailable", "configured"], ["invalid_grant", "configured"],
] as const)("a renewal that is under way brings back no login that was forgotten, nor anything of it: %s, client %s", async (refresh, client) => {
  await using guarded = createGuarded({ expiresIn: 600, refresh });
  const spec = loginSpec(guarded.url, client === "configured" ? { clientId: "c", issuer: new URL(guarded.url).origin } : {});
  await using desk = await deskOf([spec]);
  await desk.logins.finish("remote", await guarded.visit((await desk.logins.start("remote", "paste")).url ?? ""));
  await desk.clock.advance(600_000);
  const renewed = desk.logins.of(spec, "operator")?.authorization();
  await desk.logins.logout("remote");
  expect(await renewed).toBeNull();
  expect([await readdir(join(desk.stateDir, "logins")), desk.logins.list()[0]?.state]).toEqual([[], "needs-login"]);
});

test("one who begins many logins takes the place of his own alone", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, {}, { credentials: "per-user" });
  await using desk = await deskOf([spec], { limits: { loginsBegunMax: 20 } });
  const browser = browserOf(desk.logins, { actsFor: ["anna"] });
  const first = (await desk.logins.start("remote", "paste")).url ?? "";
  for (let n = 0; n < 30; n += 1) {
    const link = new URL(desk.logins.of(spec, "anna")?.page() ?? "").searchParams.get("link") ?? "";
    expect(targetOf(await browser.post("/connect/remote", { handle: link, decision: "approve" }))).toStartWith(guarded.url.slice(0, 16));
  }
  await desk.logins.finish("remote", await guarded.visit(first));
});

test("what nobody asked for since the start goes with its grant too", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" }, { credentials: "per-user" });
  await using desk = await deskOf([spec]);
  await desk.logins.of(spec, "anna")?.authorization();
  await (await desk.again()).forget(["anna"]);
  expect(await readdir(join(desk.stateDir, "logins"))).toEqual([]);
});

test("who logs everybody out logs out those too of whom nobody has asked since the start, and nobody elsewhere", async () => {
  await using guarded = createGuarded();
  const how = { grant: "client_credentials", clientId: "c" } as const;
  const [spec, other] = [loginSpec(guarded.url, how, { credentials: "per-user" }), loginSpec(guarded.url, how, { credentials: "per-user", name: "other" })];
  await using desk = await deskOf([spec, other]);
  for (const owner of ["anna", "bert"]) await desk.logins.of(spec, owner)?.authorization();
  await desk.logins.of(other, "anna")?.authorization();
  const logins = await desk.again();
  await logins.of(spec, "anna")?.authorization();
  expect([await logins.logout("remote"), (await readdir(join(desk.stateDir, "logins"))).length]).toEqual([0, 3]);
  expect([await logins.logout("remote", true), (await readdir(join(desk.stateDir, "logins"))).length]).toEqual([2, 1]);
  expect(await logins.logout("remote", true)).toBe(0);
});

test("the list has those too of whom nobody has asked since the start", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" }, { credentials: "per-user" });
  await using desk = await deskOf([spec]);
  for (const owner of ["anna", "bert"]) await desk.logins.of(spec, owner)?.authorization();
  const before = desk.logins.list().filter(({ owner }) => owner !== "operator");
  const logins = await desk.again();
  const order = (all: typeof before) => all.toSorted((a, b) => (a.owner < b.owner ? -1 : 1));
  expect([order(before).map(({ owner, state }) => [owner, state]), order(logins.list().filter(({ owner }) => owner !== "operator"))]).toEqual([[["anna", "logged-in"], ["bert", "logged-in"]], order(before)]);
  await logins.of(spec, "anna")?.authorization();
  expect(logins.list().filter(({ owner }) => owner === "anna")).toHaveLength(1);
  await logins.logout("remote", true);
  expect(logins.list().filter(({ state }) => state === "logged-in")).toEqual([]);
  logins.adopt([]);
  expect(logins.list()).toEqual([]);
});

test("a login that cannot be removed is told of in the log, and keeps no other", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" }, { credentials: "per-user" });
  await using desk = await deskOf([spec]);
  const folder = join(desk.stateDir, "logins");
  for (const owner of ["anna", "bert", "cara"]) await desk.logins.of(spec, owner)?.authorization();
  const logins = await desk.again();
  await logins.of(spec, "anna")?.authorization();
  for (const name of await readdir(folder)) {
    if (!(await Bun.file(join(folder, name)).text()).includes('"anna"')) continue;
    await rm(join(folder, name));
    await mkdir(join(folder, name));
  }
  await logins.forget(["anna", "bert", "cara"]);
  expect([(await readdir(folder)).length, desk.log.filter((line) => line.includes("could not be removed")).length]).toEqual([1, 1]);
});

test("a server whose header is its login has none here, and there are no more than the limit says", async () => {
  await using desk = await deskOf([], { limits: { loginsMax: 1 } });
  expect(desk.logins.of(loginSpec("http://127.0.0.1:1/mcp", {}, { oauth: null }), "operator")).toBeNull();
  expect(desk.logins.of(loginSpec("http://127.0.0.1:1/mcp"), "operator")).not.toBeNull();
  expect(() => desk.logins.of(loginSpec("http://127.0.0.1:1/mcp", {}, { name: "second" }), "operator")).toThrow("limits.loginsMax is 1");
  expect((await failure(desk.logins.start("nobody", "paste"))).code).toBe("NAME_UNKNOWN");
});

test("whoever came once and needed no login makes room for others; who logged in, has to, or is still connected, stays", async () => {
  await using guarded = createGuarded();
  const spec = loginSpec(guarded.url, {}, { credentials: "per-user" });
  const own = loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" }, { credentials: "per-user", name: "own" });
  await using desk = await deskOf([spec, own], { limits: { loginsMax: 4 } });
  const { logins } = desk;
  const [anna, bert, ella] = [logins.of(own, "anna"), logins.of(spec, "bert"), logins.of(spec, "ella")];
  const unhook = ella?.onChanged(() => undefined);
  await anna?.authorization();
  await bert?.refused({ status: 401, challenge: null, sent: null, tries: 0 });
  const cara = logins.of(spec, "cara");
  expect(logins.of(spec, "cara")).toBe(cara as never);
  for (let n = 0; n < 5; n += 1) expect(logins.of(spec, `visitor ${n}`)).not.toBeNull();
  expect([logins.of(own, "anna") === anna, logins.of(spec, "bert") === bert, logins.of(spec, "ella") === ella, logins.of(spec, "cara") === cara]).toEqual([true, true, true, false]);
  await logins.of(spec, "cara")?.refused({ status: 401, challenge: null, sent: null, tries: 0 });
  expect(() => logins.of(spec, "dora")).toThrow("limits.loginsMax is 4");
  // Her connection has ended.
  unhook?.();
  expect(logins.of(spec, "dora")).not.toBeNull();
});

test("each login, renewal and failure is written down with whose it is, and nothing secret or foreign with it", async () => {
  await using guarded = createGuarded({ expiresIn: 100, device: "authorization_pending" });
  const spec = loginSpec(guarded.url, { scopes: ["a"] });
  await using desk = await deskOf([spec]);
  const login = desk.logins.of(spec, "operator");
  await desk.logins.finish("remote", await guarded.visit((await desk.logins.start("remote", "paste")).url ?? ""));
  const asked = async (): Promise<unknown> => login?.authorization();
  await desk.clock.advance(100_000);
  await asked();
  guarded.bends.refresh = "invalid_grant";
  await desk.clock.advance(100_000);
  await asked();
  const wrong = await guarded.visit((await desk.logins.start("remote", "paste")).url ?? "");
  await desk.logins.finish("remote", wrong.replace("code=", "code=x")).catch(() => undefined);
  expect(desk.audited).toEqual([
    { ev: "backend.login", target: "remote", user: "operator", have: ["a"] },
    { ev: "backend.refresh", target: "remote", user: "operator", have: ["a"] },
    { ev: "backend.fail", target: "remote", user: "operator", reason: expect.any(String) },
    { ev: "backend.fail", target: "remote", user: "operator", reason: expect.any(String) },
  ]);
  const text = JSON.stringify(desk.audited);
  expect([guarded.secrets.filter((secret) => text.includes(secret)), text.includes("foreign")]).toEqual([[], false]);
});

test("a login of a caller's own, and one of ours, are written down as theirs", async () => {
  await using guarded = createGuarded();
  const own = loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" });
  await using desk = await deskOf([own]);
  await desk.logins.of(own, "operator")?.authorization();
  const each = loginSpec(guarded.url, {}, { credentials: "per-user", name: "each" });
  desk.logins.adopt([each]);
  const login = desk.logins.of(each, "g_1");
  await login?.refused({ status: 401, challenge: null, sent: null, tries: 0 });
  const browser = browserOf(desk.logins, { actsFor: ["g_1"] });
  const page = login?.page() ?? "";
  const link = new URL(page).searchParams.get("link") ?? "";
  await browser.get(await guarded.visit(targetOf(await browser.post(page, { handle: link, decision: "approve" }))));
  expect(desk.audited).toEqual([{ ev: "backend.login", target: "remote", user: "operator", have: [] }, { ev: "backend.login", target: "each", grant: "g_1", have: [] }]);
});
