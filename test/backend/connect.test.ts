import { describe, expect, test } from "bun:test";
import type { Backend } from "../../src/backend/backend.ts";
import { connected } from "../../src/backend/connect.ts";
import { CancelSource, defaultLimits, type Fault, fault } from "../../src/base/index.ts";
import { type Ask, type Call, rawOf, stringOf } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { type LoggedPool, loggedPool } from "../fixtures/loggedPool.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const call = ({ lease }: LoggedPool, more: Partial<Call> = {}): Promise<string> =>
  lease.call(callOf("tools/call", '{"name":"whoami"}', more), { name: "whoami", tool: null }).then((outcome) => (outcome.kind === "done" ? rawOf(outcome.result) : JSON.stringify(outcome)));
const anna = { id: "anna", scopes: ["server:remote"] };
const bert = { id: "bert", scopes: ["server:remote"] };
/** Ready with the operator's login. */
async function ready(more = {}): Promise<LoggedPool> {
  const place = await loggedPool({}, more);
  await place.until("needs-login");
  await place.logIn();
  await place.until("ready");
  return place;
}

describe("a server that wants a login", () => {
  test("waits for it without trying again, says what to do, and goes on when somebody has logged in", async () => {
    await using place = await loggedPool();
    await place.until("needs-login");
    const status = place.lease.status();
    expect([status.reason?.includes("1mcp auth login remote"), (status.retryAt ?? 0) - status.since, status.breaker]).toEqual([true, 3_600_000, "closed"]);
    const asked = place.guarded.asked.length;
    for (let n = 0; n < 20; n += 1) {
      const why = await failure(call(place));
      expect([why.code, why.hint.includes("1mcp auth login remote")]).toEqual(["LOGIN_NEEDED", true]);
    }
    expect(place.guarded.asked.length).toBe(asked);
    await place.logIn();
    await place.until("ready");
    expect(await call(place)).toContain("called whoami");
  });

  test("wants another one when the first is worth nothing any more", async () => {
    await using place = await ready();
    place.guarded.valid.clear();
    place.guarded.bends.refresh = "invalid_grant";
    expect((await failure(call(place))).code).toBe("LOGIN_NEEDED");
    await place.until("needs-login");
    await place.logIn();
    await place.until("ready");
    expect(await call(place)).toContain("called whoami");
  });

  test("wants more for some calls, and serves the others meanwhile", async () => {
    await using place = await ready();
    place.guarded.bends.wants = ["write"];
    const why = await failure(call(place));
    expect([why.code, why.message.includes("for more than it was logged in for"), place.lease.status().state]).toEqual(["LOGIN_NEEDED", true, "ready"]);
    await place.logIn();
    expect(await call(place)).toContain("called whoami");
    place.guarded.bends.grants = "";
    place.guarded.bends.wants = ["write", "more"];
    await failure(call(place));
    await place.logIn();
    expect((await failure(call(place))).code).toBe("LOGIN_NEEDED");
  });
});

describe("where everybody has his own login", () => {
  const perUser = { credentials: "per-user" } as const;

  // Threat row 55.
  test("a caller is sent to our page, and his call goes on with his own token and nobody else's", async () => {
    await using place = await ready(perUser);
    expect(await call(place, { principal: operator })).toContain("called whoami");
    const operators = place.guarded.secrets.findLast((secret) => secret.startsWith("access-")) ?? "";
    const asks: Ask[] = [];
    const ask: Call["ask"] = async (one) => {
      asks.push(one);
      const page = stringOf(one.params ?? callOf("x").params, "url") ?? "";
      void place.open(page, "anna");
      return { ok: true, result: '{"action":"accept"}' };
    };
    place.guarded.asked.length = 0;
    expect(await call(place, { principal: anna, ask })).toContain("called whoami");
    expect(asks).toHaveLength(1);
    const [{ params, backend }] = asks as [Ask & { params: NonNullable<Ask["params"]> }];
    expect([stringOf(params, "mode"), stringOf(params, "url"), backend]).toEqual(["url", expect.stringContaining("/connect/remote?link="), "remote"]);
    const sent = place.guarded.asked.filter((one) => one.path === "/mcp").map(({ headers }) => headers.get("authorization"));
    expect(sent.length).toBeGreaterThan(0);
    expect(sent).not.toContain(`Bearer ${operators}`);
    // Nothing of the token is in what the client sees.
    for (const secret of place.guarded.secrets) expect(rawOf(params)).not.toContain(secret);
    // And he is not asked again.
    expect(await call(place, { principal: anna })).toContain("called whoami");
    expect((await failure(call(place, { principal: bert }))).code).toBe("LOGIN_NEEDED");
  });

  test("who cannot be asked, or says no, or goes away, reads where to go", async () => {
    await using place = await ready(perUser);
    const no: Call["ask"] = async () => ({ ok: true, result: '{"action":"decline"}' });
    const broken: Call["ask"] = async () => ({ ok: false, error: { code: -32603, message: "no", data: null, raw: "{}" } });
    for (const more of [{}, { ask: no }, { ask: broken }]) {
      const why = await failure(call(place, { principal: bert, ...more }));
      expect([why.code, /open http:\S+\/connect\/remote\?link=[\w-]+ and call again/.test(why.message), typeof why.data?.["url"]]).toEqual(["LOGIN_NEEDED", true, "string"]);
    }
    const cancel = new CancelSource();
    const leaves: Call["ask"] = async () => {
      cancel.cancel("the client has gone");
      return { ok: true, result: '{"action":"accept"}' };
    };
    expect((await failure(call(place, { principal: bert, ask: leaves, cancel }))).code).toBe("LOGIN_NEEDED");
  });

  test("another failure is nobody's to log in for", async () => {
    await using place = await ready(perUser);
    await place.guarded[Symbol.asyncDispose]();
    expect((await failure(call(place, { principal: operator }))).code).not.toBe("LOGIN_NEEDED");
  });
});

test("who agreed and did not come back is not waited for any longer than the limit says", async () => {
  const clock = createTestClock();
  const login = { page: () => "http://127.0.0.1/connect", onChanged: () => () => undefined };
  const ask: Call["ask"] = async () => ({ ok: true, result: '{"action":"accept"}' });
  const came = failure(connected({ login } as unknown as Backend, callOf("tools/call", "{}", { ask }), () => Promise.reject(fault("LOGIN_NEEDED", { backend: "s" })), { clock, limits: defaultLimits }));
  await clock.advance(defaultLimits.connectMsMax - 1);
  expect(clock.pending).toBe(1);
  await clock.advance(1);
  expect([(await came).code, clock.pending]).toEqual(["LOGIN_NEEDED", 0]);
});
