import { describe, expect, test } from "bun:test";
import type { OAuthIn, OAuthOut } from "../../src/auth/index.ts";
import { defaultLimits, type LogFields, nullLog } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createKeeper } from "../fixtures/doorkeeper.ts";
import { type OpenFront, openFront } from "../fixtures/front.ts";

const paths = ["/.well-known/oauth-authorization-server", "/authorize", "/token", "/register", "/device", "/login"];
const form = { "content-type": "application/x-www-form-urlencoded" };

async function served(answer: (request: OAuthIn) => OAuthOut | Promise<OAuthOut> = () => ({ kind: "json", status: 200, headers: {}, body: { ok: true } }), more: Parameters<typeof openFront>[0] = {}) {
  const seen: OAuthIn[] = [];
  const handle = async (request: OAuthIn): Promise<OAuthOut> => (seen.push(request), answer(request));
  const front = await openFront({ auth: createKeeper({ paths, handle }), ...more });
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(front.origin + path, { redirect: "manual", ...init });
  return { front, seen, ask, [Symbol.asyncDispose]: () => front.close(0) };
}
const post = (headers: Record<string, string> = {}, body = "a=1"): RequestInit => ({ method: "POST", body, headers: { ...form, ...headers } });
const own = (front: OpenFront): Record<string, string> => ({ origin: front.origin });

describe("a request to the authorization server", () => {
  test("is handed on whole, and what it gives goes back as it is", async () => {
    await using at = await served(() => ({ kind: "json", status: 418, headers: { "Cache-Control": "max-age=5", Pragma: "no-cache" }, body: { a: 1 } }));
    const answer = await at.ask("/token?b=2", post({ "x-more": "y" }, "c=3&c=4"));
    expect([answer.status, await answer.json(), answer.headers.get("cache-control"), answer.headers.get("content-type"), answer.headers.get("x-content-type-options")]).toEqual([418, { a: 1 }, "max-age=5", "application/json", "nosniff"]);
    const [one] = at.seen;
    expect([one?.method, one?.path, one?.query.get("b"), one?.body, one?.header("x-more"), one?.address]).toEqual(["POST", "/token", "2", "c=3&c=4", "y", "127.0.0.1"]);
  });

  test("may be answered with a redirect, a page, or without a body", async () => {
    const outs: OAuthOut[] = [
      { kind: "redirect", to: "http://127.0.0.1:9/cb?code=x", headers: { "Set-Cookie": "a=b" } },
      { kind: "page", status: 403, headers: {}, page: { name: "notice", title: "T", text: "x" } },
      { kind: "json", status: 200, headers: {}, body: null },
    ];
    await using at = await served(() => outs.shift() as OAuthOut);
    const redirect = await at.ask("/authorize");
    expect([redirect.status, redirect.headers.get("location"), redirect.headers.get("set-cookie"), redirect.headers.get("cache-control"), redirect.headers.get("referrer-policy")]).toEqual([302, "http://127.0.0.1:9/cb?code=x", "a=b", "no-store", "no-referrer"]);
    const page = await at.ask("/authorize");
    expect([page.status, page.headers.get("content-type"), await page.text()]).toEqual([403, "text/html; charset=utf-8", expect.stringContaining("<h1>T</h1>")]);
    expect(await (await at.ask("/token", post())).text()).toBe("");
  });

  test("by HEAD is one by GET", async () => {
    await using at = await served();
    const answer = await at.ask("/.well-known/oauth-authorization-server", { method: "HEAD" });
    expect([answer.status, await answer.text(), at.seen[0]?.method]).toEqual([200, "", "GET"]);
  });

  test("with more than limits.oauthBytesMax is read by nobody", async () => {
    await using at = await served();
    const answer = await at.ask("/token", post({}, "x".repeat(defaultLimits.oauthBytesMax + 1)));
    expect([answer.status, await answer.json(), at.seen]).toMatchObject([413, { error: "invalid_request" }, []]);
  });

  test("that fails inside is a 500 with a fixed body, and the reason is in the log alone", async () => {
    const told: unknown[] = [];
    await using at = await served(() => Promise.reject(new Error("inner words")), { log: { ...nullLog, error: (_: string, fields?: LogFields) => void told.push(fields?.["reason"]) } });
    const answer = await at.ask("/token", post());
    expect([answer.status, (await answer.text()).includes("inner"), told]).toEqual([500, false, ["Error: inner words"]]);
  });

  test("by a name that is not ours is refused wherever it goes", async () => {
    await using at = await served();
    for (const path of paths) expect((await at.ask(path, { headers: { host: "evil.example" } })).status).toBe(403);
    expect(at.seen).toEqual([]);
  });
});

describe("what may be asked from which page", () => {
  test("metadata from everywhere, by reading alone", async () => {
    await using at = await served();
    const path = "/.well-known/oauth-authorization-server";
    for (const origin of ["https://elsewhere.example", "null"]) {
      const answer = await at.ask(path, { headers: { origin } });
      expect([answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("access-control-allow-credentials")]).toEqual([200, "*", null]);
    }
    const preflight = await at.ask(path, { method: "OPTIONS", headers: { origin: "https://elsewhere.example", "access-control-request-method": "GET" } });
    expect([preflight.status, preflight.headers.get("access-control-allow-methods")]).toEqual([204, "GET, HEAD"]);
  });

  test("tokens and registration from pages that are let in, never with credentials", async () => {
    await using at = await served(undefined, { allowedOrigins: ["https://inspector.example"] });
    for (const path of ["/token", "/register"]) {
      const allowed = await at.ask(path, post({ origin: "https://inspector.example" }));
      expect([allowed.status, allowed.headers.get("access-control-allow-origin"), allowed.headers.get("access-control-allow-credentials")]).toEqual([200, "https://inspector.example", null]);
      const preflight = await at.ask(path, { method: "OPTIONS", headers: { origin: "https://inspector.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type" } });
      expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([204, "content-type"]);
      for (const origin of ["https://elsewhere.example", "null", "http://localhost:9"]) {
        for (const method of ["POST", "OPTIONS"]) {
          const refused = await at.ask(path, { method, headers: { ...form, origin } });
          expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([403, null]);
        }
      }
    }
  });

  test("forms from our own pages alone: which say so by their origin, or, as ours let no referrer out, by where they stand", async () => {
    await using at = await served(undefined, { allowedOrigins: ["https://inspector.example"] });
    const passes = async (headers: Record<string, string>): Promise<boolean> => (await at.ask("/authorize", post(headers))).status === 200;
    for (const headers of [{}, own(at.front), { origin: "null", "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "same-origin" }]) expect(await passes(headers)).toBe(true);
    for (const headers of [{ origin: "null" }, { origin: "null", "sec-fetch-site": "cross-site" }, { origin: "https://inspector.example" }, { origin: "http://localhost:9" }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) expect(await passes(headers)).toBe(false);
    const refused = await at.ask("/login", post({ origin: "https://evil.example" }));
    expect([refused.status, refused.headers.get("content-type")]).toEqual([400, "text/html; charset=utf-8"]);
    expect((await at.ask("/authorize", { method: "OPTIONS" })).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("whoever asks too often", () => {
  test.each([
    ["/token", post(), 60, "json"],
    ["/authorize", {}, 30, "page"],
    ["/register", post(), 20, "json"],
    ["/device", post(), 5, "page"],
    ["/authorize?handle=x", {}, 300, "page"],
    ["/login", post(), 30, "page"],
  ] as const)("at %s is told when to come back, and everybody else is served", async (path, init, burst, kind) => {
    const clock = createTestClock();
    await using at = await served(undefined, { clock });
    for (let index = 0; index < burst; index += 1) expect((await at.ask(path, init)).status).toBe(200);
    const refused = await at.ask(path, init);
    expect([refused.status, Number(refused.headers.get("retry-after")) >= 1, refused.headers.get("content-type")]).toEqual([429, true, kind === "json" ? "application/json" : "text/html; charset=utf-8"]);
    expect(at.seen).toHaveLength(burst);
    expect((await at.ask("/.well-known/oauth-authorization-server")).status).toBe(200);
    await clock.advance(60 * 60_000);
    expect((await at.ask(path, init)).status).toBe(200);
  });
});

test("other sites are served beside it, and what is none of theirs is not there", async () => {
  const site = { paths: ["/connect/:server"], handle: async ({ path }: OAuthIn): Promise<OAuthOut | null> => (path === "/connect/a" ? { kind: "json", status: 200, headers: {}, body: path } : null) };
  await using front = await openFront({ sites: [site] });
  expect([(await fetch(`${front.origin}/connect/a`)).status, (await fetch(`${front.origin}/connect/b`)).status, (await fetch(`${front.origin}/authorize`)).status]).toEqual([200, 404, 404]);
});
