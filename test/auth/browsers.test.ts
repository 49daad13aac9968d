import { expect, test } from "bun:test";
import { openAuth, TestBrowser } from "../fixtures/auth.ts";
import { authorizeUrl, pageOf, registered } from "../fixtures/auth.ts";

test("a browser is known by a cookie that only our origin can set, and keeps it", async () => {
  await using stage = await openAuth();
  const url = authorizeUrl(await registered(stage.auth));
  const browser = new TestBrowser(stage.auth);
  expect((await browser.go("GET", url)).headers["Set-Cookie"]).toMatch(/^__Host-1mcp-browser=1mcp_\w{49}; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
  expect((await browser.go("GET", url)).headers["Set-Cookie"]).toBeUndefined();
  browser.cookies.set("__Host-1mcp-browser", "chosen by somebody else");
  expect((await browser.go("GET", url)).headers["Set-Cookie"]).toBeDefined();
});

test("the operator's browser stays his for twelve hours, and for one without use", async () => {
  await using stage = await openAuth({ limits: { grantSweepMs: 600_000 } });
  const [used, idle] = [new TestBrowser(stage.auth), new TestBrowser(stage.auth)];
  for (const browser of [used, idle]) await browser.own(stage.auth);
  for (let minutes = 0; minutes < 11 * 60 + 50; minutes += 10) {
    await stage.clock.advance(600_000);
    expect([minutes, stage.auth.isOperator(used.cookie)]).toEqual([minutes, true]);
  }
  expect(stage.auth.isOperator(idle.cookie)).toBe(false);
  await stage.clock.advance(600_000);
  expect(stage.auth.isOperator(used.cookie)).toBe(false);
});

test("nothing but that cookie makes a browser the operator's, not even a token of his", async () => {
  await using stage = await openAuth();
  const { token } = stage.auth.operator.createToken({ name: "all", scopes: null, lifeMs: 1000 });
  for (const cookie of [null, "", "x=1", `__Host-1mcp-operator=${token}`, `__Host-1mcp-operator=x`]) expect(stage.auth.isOperator(cookie)).toBe(false);
});

test("so many browsers are the operator's at once; the one that was used longest ago makes room", async () => {
  await using stage = await openAuth({ limits: { operatorBrowsersMax: 2 } });
  const browsers = [new TestBrowser(stage.auth), new TestBrowser(stage.auth), new TestBrowser(stage.auth)];
  for (const browser of browsers) {
    await browser.own(stage.auth);
    await stage.clock.advance(1);
  }
  expect(browsers.map((browser) => stage.auth.isOperator(browser.cookie))).toEqual([false, true, true]);
});

test("a panic ends them all, and the links that would make more", async () => {
  await using stage = await openAuth();
  const browser = new TestBrowser(stage.auth);
  await browser.own(stage.auth);
  const link = stage.auth.operator.openLink();
  stage.auth.operator.revoke("all");
  expect(stage.auth.isOperator(browser.cookie)).toBe(false);
  expect(pageOf(await browser.go("GET", link), "notice").status).toBe(400);
});
