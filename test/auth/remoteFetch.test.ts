import { expect, test } from "bun:test";
import { createRemoteFetch } from "../../src/auth/remoteFetch.ts";
import { createEgress, defaultLimits, type Fault, type Limits, systemClock } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createPeer, never } from "../fixtures/peer.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const fetchFor = (url: string, limits: Partial<Limits> = {}, clock = systemClock) => {
  const all = { ...defaultLimits, ...limits };
  return createRemoteFetch({ egress: createEgress({ limits: all, env: {} }), clock, limits: all, server: "s", url: new URL(url), allowHosts: [] });
};

test("a form goes out as it is, and the answer comes back with what the library reads of it", async () => {
  await using peer = createPeer(() => Response.json({ ok: 1 }, { status: 400, headers: { "retry-after": "3", "x-other": "no" } }));
  const reply = await fetchFor(peer.url)(`${peer.url}/token`, { method: "POST", headers: new Headers({ "content-type": "application/x-www-form-urlencoded" }), body: new URLSearchParams({ a: "b c" }) });
  expect([reply.status, await reply.json(), reply.headers.get("retry-after"), reply.headers.get("x-other")]).toEqual([400, { ok: 1 }, "3", null]);
  expect(peer.seen).toMatchObject([{ method: "POST", path: "/token", body: "a=b+c" }]);
  expect(peer.seen[0]?.headers.get("cookie")).toBeNull();
  expect(peer.seen[0]?.headers.get("authorization")).toBeNull();
});

test("an answer without a body is one", async () => {
  await using peer = createPeer(() => new Response(null, { status: 204 }));
  expect((await fetchFor(peer.url)(peer.url)).status).toBe(204);
});

// Threat row 45.
test("what must not be asked is not asked", async () => {
  await using peer = createPeer(() => new Response("secret"));
  const why = await failure(fetchFor("https://mcp.example/mcp")(`${peer.url}/x?secret`));
  expect([why.code, why.message.includes("127.0.0.1"), why.message.includes("secret"), peer.seen.length]).toEqual(["LOGIN_FAILED", true, false, 0]);
});

// Threat row 54.
test("a redirect is not followed", async () => {
  await using other = createPeer(() => new Response("no"));
  await using peer = createPeer(() => Response.redirect(`${other.url}/x`, 307));
  expect((await failure(fetchFor(peer.url)(peer.url, { method: "POST", body: "client_secret=x" }))).code).toBe("BACKEND_REFUSED");
  expect(other.seen).toEqual([]);
});

test("an answer that is too large, or too late, is none", async () => {
  await using large = createPeer(() => new Response("x".repeat(2000)));
  expect((await failure(fetchFor(large.url, { loginAnswerBytesMax: 1000 })(large.url))).code).toBe("BACKEND_GARBLED");
  const asked = Promise.withResolvers<void>();
  await using silent = createPeer(() => {
    asked.resolve();
    return never();
  });
  const clock = createTestClock();
  const late = failure(fetchFor(silent.url, {}, clock)(silent.url));
  await asked.promise;
  await clock.advance(defaultLimits.loginAnswerMsMax);
  // What we have may be good all the same: nobody has to log in because somebody is slow.
  expect([(await late).message.includes("did not answer within"), (await late).code]).toEqual([true, "BACKEND_TIMEOUT"]);
});
