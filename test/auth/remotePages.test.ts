import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import type { OAuthOut } from "../../src/auth/index.ts";
import { type Bends, createGuarded } from "../fixtures/guarded.ts";
import { browserOf, deskOf, loginSpec, ourOrigin, targetOf, titleOf } from "../fixtures/logins.ts";

async function placed(bends: Partial<Bends> = {}, more: object = {}) {
  const guarded = createGuarded(bends);
  const spec = loginSpec(guarded.url, {}, more);
  const desk = await deskOf([spec]);
  const close = async (): Promise<void> => {
    await desk[Symbol.asyncDispose]();
    await guarded[Symbol.asyncDispose]();
  };
  return { guarded, desk, spec, logins: desk.logins, [Symbol.asyncDispose]: close };
}

const statusOf = (out: OAuthOut | null): number | null => (out === null || out.kind === "redirect" ? null : out.status);

// Threat row 49.
test("nobody but the operator's browser begins a login", async () => {
  await using place = await placed();
  const stranger = browserOf(place.logins);
  for (const path of ["/oauth/authorize/remote", "/oauth/authorize/remote?link=guessed", "/connect/remote", "/connect/remote?link=guessed"]) expect(statusOf(await stranger.get(path))).toBe(401);
  expect(statusOf(await stranger.post("/connect/remote", { handle: "guessed", decision: "approve" }))).toBe(401);
  // Who can be known is sent to where that is found out first; what he sends of a form is not.
  const unknown = browserOf(place.logins, { first: "/sign-in?next=x" });
  expect(await unknown.get("/connect/remote?link=guessed")).toMatchObject({ kind: "redirect", to: "/sign-in?next=x" });
  expect(statusOf(await unknown.post("/connect/remote", { handle: "guessed", decision: "approve" }))).toBe(401);
  expect([await stranger.post("/oauth/authorize/remote", {}), await stranger.post("/oauth/callback", {}), await stranger.get("/elsewhere")]).toEqual([null, null, null]);
  expect(place.guarded.asked).toEqual([]);
});

test("the cookie that binds the browser is for this way alone, and no script's", async () => {
  await using place = await placed();
  const out = await browserOf(place.logins, { isOperator: true }).get("/oauth/authorize/remote");
  expect(out?.headers["Set-Cookie"]).toMatch(/^1mcp_login=[\w-]{43}; Path=\/oauth; Max-Age=600; HttpOnly; SameSite=Lax$/);
  place.logins.serveAt("https://mcp.example");
  expect((await browserOf(place.logins, { isOperator: true }).get("https://mcp.example/oauth/authorize/remote"))?.headers["Set-Cookie"]).toEndWith("; Secure");
});

// Threat row 47.
describe("a browser that comes back is refused, and nothing is redeemed,", () => {
  test.each<[string, (back: URL) => void, boolean]>([
    ["without a state", (back) => back.searchParams.delete("state"), true],
    ["with another state", (back) => back.searchParams.set("state", "x".repeat(43)), true],
    ["with two states", (back) => back.searchParams.append("state", "y"), true],
    ["with two codes", (back) => back.searchParams.append("code", "y"), true],
    ["where it is another browser", () => undefined, false],
  ])("%s", async (_, bend, isSame) => {
    await using place = await placed();
    const browser = browserOf(place.logins, { isOperator: true });
    const back = new URL(await place.guarded.visit(targetOf(await browser.get("/oauth/authorize/remote"))));
    bend(back);
    const comes = isSame ? browser : browserOf(place.logins, { isOperator: true });
    expect(statusOf(await comes.get(back.href))).toBe(400);
    expect(place.guarded.count("/token")).toBe(0);
  });

  test("a second time, and when it took too long", async () => {
    await using place = await placed();
    const browser = browserOf(place.logins, { isOperator: true });
    const back = await place.guarded.visit(targetOf(await browser.get("/oauth/authorize/remote")));
    expect([titleOf(await browser.get(back)), statusOf(await browser.get(back))]).toEqual(["Logged in", 400]);
    const late = await place.guarded.visit(targetOf(await browser.get("/oauth/authorize/remote")));
    await place.desk.clock.advance(defaultLimits.loginMsMax);
    expect([statusOf(await browser.get(late)), place.guarded.count("/token")]).toEqual([400, 1]);
  });
});

// Threat row 48.
test.each<[Partial<Bends>, string]>([
  [{}, "Logged in"],
  [{ iss: null, namesItself: false }, "Logged in"],
  [{ iss: null }, "The login did not work"],
  [{ iss: "https://other.example" }, "The login did not work"],
  [{ iss: "https://other.example", namesItself: false }, "The login did not work"],
])("an answer with %p ends with “%s”", async (bends, title) => {
  await using place = await placed(bends);
  const browser = browserOf(place.logins, { isOperator: true });
  expect(titleOf(await browser.get(await place.guarded.visit(targetOf(await browser.get("/oauth/authorize/remote")))))).toBe(title);
  expect(place.guarded.count("/token")).toBe(title === "Logged in" ? 1 : 0);
});

test("what an authorization server says of an error is not shown", async () => {
  await using place = await placed();
  const browser = browserOf(place.logins, { isOperator: true });
  const state = new URL(targetOf(await browser.get("/oauth/authorize/remote"))).searchParams.get("state") ?? "";
  const out = await browser.get(`/oauth/callback?${new URLSearchParams({ state, iss: place.guarded.origin, error: "access_denied", error_description: "<b>call 0900</b>" })}`);
  expect([titleOf(out), JSON.stringify(out).includes("0900")]).toEqual(["The login did not work", false]);
});

test("a browser goes out where it will come back, once", async () => {
  await using place = await placed();
  const browser = browserOf(place.logins, { isOperator: true });
  expect(targetOf(await browser.get("http://localhost:3050/oauth/authorize/remote?link=x"))).toBe(`${ourOrigin}/oauth/authorize/remote?link=x&home=1`);
  expect(targetOf(await browser.get("http://inner:3050/oauth/authorize/remote?home=1"))).toStartWith(place.guarded.origin);
});

test("a server that there is not, or that cannot be asked, is said", async () => {
  await using place = await placed({ statedIssuer: "https://other.example" });
  const browser = browserOf(place.logins, { isOperator: true });
  expect(statusOf(await browser.get("/oauth/authorize/nobody"))).toBe(404);
  expect(statusOf(await browser.get("/oauth/authorize/%E0%A4%A"))).toBe(404);
  expect([titleOf(await browser.get("/oauth/authorize/remote")), statusOf(await browser.get("/oauth/authorize/remote"))]).toEqual(["The login did not work", 400]);
});

describe("a caller's own login", () => {
  // Threat row 55, and what somebody does who sends his link to another.
  test("begins only after a yes, in the browser of somebody who may act for him", async () => {
    await using place = await placed({}, { credentials: "per-user" });
    const page = place.logins.of(place.spec, "anna")?.page() ?? "";
    const link = new URL(page).searchParams.get("link") ?? "";
    const bert = browserOf(place.logins, { isOperator: true, actsFor: ["bert"] });
    expect([statusOf(await bert.get(page)), statusOf(await bert.get(page.replace("/connect/", "/oauth/authorize/")))]).toEqual([401, 401]);
    expect(statusOf(await bert.post("/connect/remote", { handle: link, decision: "approve" }))).toBe(401);
    const anna = browserOf(place.logins, { actsFor: ["anna"] });
    expect(statusOf(await anna.get(page.replace("/remote", "/other")))).toBe(401);
    expect(await anna.get(page)).toMatchObject({ kind: "page", page: { name: "connect", handle: link, server: "remote", principal: "anna" } });
    expect(place.guarded.asked).toEqual([]);
    expect(targetOf(await anna.post("/connect/remote", { handle: link, decision: "approve" }))).toStartWith(place.guarded.origin);
    expect(statusOf(await anna.post("/connect/remote", { handle: link, decision: "approve" }))).toBe(401);
  });

  test("does not begin after a no, and has one link at a time", async () => {
    await using place = await placed({}, { credentials: "per-user" });
    const login = place.logins.of(place.spec, "anna");
    const anna = browserOf(place.logins, { actsFor: ["anna"] });
    const page = login?.page() ?? "";
    expect(login?.page()).toBe(page);
    const handle = new URL(page).searchParams.get("link") ?? "";
    expect(titleOf(await anna.post("/connect/remote", { handle, decision: "deny" }))).toBe("Not logged in");
    expect([statusOf(await anna.get(page)), place.guarded.asked]).toEqual([401, []]);
    expect(login?.page()).not.toBe(page);
  });
});

test("our description as a client is there where others can reach it", async () => {
  await using place = await placed();
  const browser = browserOf(place.logins);
  expect(await browser.get("/oauth/client.json")).toBeNull();
  place.logins.serveAt("https://mcp.example");
  expect(await browser.get("https://mcp.example/oauth/client.json")).toMatchObject({ kind: "json", status: 200, body: { client_id: "https://mcp.example/oauth/client.json", redirect_uris: ["https://mcp.example/oauth/callback"] } });
  place.guarded.bends.takesDocuments = true;
  const to = new URL(targetOf(await browserOf(place.logins, { isOperator: true }).get("https://mcp.example/oauth/authorize/remote")));
  expect([to.searchParams.get("client_id"), place.guarded.count("/register")]).toEqual(["https://mcp.example/oauth/client.json", 0]);
});

test("a login that needs nobody says so", async () => {
  await using guarded = createGuarded();
  await using desk = await deskOf([loginSpec(guarded.url, { grant: "client_credentials", clientId: "c" })]);
  expect(titleOf(await browserOf(desk.logins, { isOperator: true }).get("/oauth/authorize/remote"))).toBe("Logged in");
});
