import { describe, expect, test } from "bun:test";
import { ask, issuer, openAuth, pageOf, TestBrowser } from "../fixtures/auth.ts";

const password = "correct horse";

describe("by the password", () => {
  test("a browser becomes the operator's, and goes on where it came from", async () => {
    await using stage = await openAuth();
    await stage.auth.operator.setPassword(password);
    const browser = new TestBrowser(stage.auth);
    const page = pageOf(await browser.go("GET", "/login?next=%2Fauthorize%3Fhandle%3Dx"), "login");
    expect(page).toMatchObject({ problem: null, next: "/authorize?handle=x" });
    const out = await browser.go("POST", "/login", { handle: page.handle, password, next: page.next });
    expect(out).toMatchObject({ kind: "redirect", to: "/authorize?handle=x" });
    expect(out.headers["Set-Cookie"]).toMatch(/^__Host-1mcp-operator=1mcp_\w{49}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=43200$/);
    expect(stage.auth.isOperator(browser.cookie)).toBe(true);
    expect(stage.audited.at(-1)).toMatchObject({ ev: "operator.login", user: "operator" });
  });

  test("a hundred guesses are mostly not even looked at, however many come at once", async () => {
    await using stage = await openAuth();
    await stage.auth.operator.setPassword(password);
    const browser = new TestBrowser(stage.auth);
    const { handle } = pageOf(await browser.go("GET", "/login"), "login");
    const outs = await Promise.all(Array.from({ length: 100 }, (_, index) => browser.go("POST", "/login", { handle, password: `guess ${index}` })));
    const statuses = outs.map((out) => pageOf(out, "login").status);
    expect([statuses.filter((status) => status === 400).length, statuses.filter((status) => status === 429).length]).toEqual([5, 95]);
    const right = await browser.go("POST", "/login", { handle, password });
    expect(right).toMatchObject({ status: 429, headers: { "Retry-After": "600" } });
    expect(stage.audited.map(({ ev }) => ev).filter((ev) => ev === "operator.lock")).toHaveLength(96);
    await stage.clock.advance(600_000);
    expect((await browser.go("POST", "/login", { handle, password })).kind).toBe("redirect");
  });

  test("a right one forgives the wrong ones before", async () => {
    await using stage = await openAuth({ limits: { passwordTriesMax: 2 } });
    await stage.auth.operator.setPassword(password);
    const browser = new TestBrowser(stage.auth);
    const { handle } = pageOf(await browser.go("GET", "/login"), "login");
    for (let round = 0; round < 3; round++) {
      expect(pageOf(await browser.go("POST", "/login", { handle, password: "wrong" }), "login").status).toBe(400);
      expect((await browser.go("POST", "/login", { handle, password })).kind).toBe("redirect");
    }
  });

  test("a form that is not of this browser's page is asked for again", async () => {
    await using stage = await openAuth();
    await stage.auth.operator.setPassword(password);
    const browser = new TestBrowser(stage.auth);
    const { handle } = pageOf(await browser.go("GET", "/login"), "login");
    for (const out of [
      await ask(stage.auth, "POST", "/login", { form: { handle, password } }),
      await browser.go("POST", "/login", { handle: "x", password }),
      await browser.go("POST", "/login", { handle, password }, { origin: "https://evil.example" }),
      await browser.go("POST", "/login"),
    ]) expect(pageOf(out, "login").status).toBe(400);
    expect((await browser.go("DELETE", "/login")).headers["Allow"]).toBe("GET, POST");
  });

  test.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\r\nb", "/a b", "/\tx"])("nobody is sent elsewhere: %p", async (next) => {
    await using stage = await openAuth();
    await stage.auth.operator.setPassword(password);
    expect(pageOf(await ask(stage.auth, "GET", `/login?${new URLSearchParams({ next })}`), "login").next).toBe("/");
  });

  test("without one there is no page for it", async () => {
    await using stage = await openAuth();
    expect(pageOf(await ask(stage.auth, "GET", "/login"), "notice").status).toBe(404);
  });
});

describe("by a link", () => {
  test("a browser becomes the operator's: once, for two minutes", async () => {
    await using stage = await openAuth();
    const link = stage.auth.operator.openLink();
    expect(link).toMatch(new RegExp(`^${issuer}/open\\?link=1mcp_\\w{49}$`));
    const [first, second] = [new TestBrowser(stage.auth), new TestBrowser(stage.auth)];
    expect(await first.go("GET", link)).toMatchObject({ kind: "redirect", to: "/" });
    expect(pageOf(await second.go("GET", link), "notice").status).toBe(400);
    expect([stage.auth.isOperator(first.cookie), stage.auth.isOperator(second.cookie)]).toEqual([true, false]);
    const late = stage.auth.operator.openLink();
    await stage.clock.advance(120_000);
    expect(pageOf(await second.go("GET", late), "notice").status).toBe(400);
    expect((await second.go("POST", late)).headers["Allow"]).toBe("GET");
  });
});
