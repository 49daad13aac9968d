import { expect, test } from "bun:test";
import type { DeviceOffer } from "../../src/auth/types.ts";
import { Secret } from "../../src/base/index.ts";
import type { Fault, Limits } from "../../src/base/index.ts";
import type { RemoteOAuth } from "../../src/config/login.ts";
import { createTestClock, type TestClock } from "../fixtures/clock.ts";
import { type Bends, createGuarded } from "../fixtures/guarded.ts";
import { deskOf, loginSpec } from "../fixtures/logins.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);

const answerMsMax = 12_345;

async function stageOf(bent: Partial<Bends> = {}, { how = {}, limits = {} }: { how?: Partial<RemoteOAuth>; limits?: Partial<Limits> } = {}) {
  const guarded = createGuarded({ device: "authorization_pending", ...bent });
  const spec = loginSpec(guarded.url, how);
  const clock = createTestClock();
  let pauses = 0;
  // Every other timer is the patience with one answer.
  const timer: TestClock["timer"] = (ms, run) => {
    if (ms !== answerMsMax) pauses += 1;
    return clock.timer(ms, run);
  };
  const desk = await deskOf([spec], { limits: { loginAnswerMsMax: answerMsMax, ...limits }, clock: Object.assign(Object.create(clock) as TestClock, { timer }) });
  const polls = (): number => guarded.asked.filter(({ path, body }) => path === "/token" && body.includes("device_code")).length;
  const close = async (): Promise<void> => {
    await desk[Symbol.asyncDispose]();
    await guarded[Symbol.asyncDispose]();
  };
  /** Moves on, and waits until the question that then falls due is answered, and the next one is waited for. */
  const polled = async (ms: number): Promise<void> => {
    const before = pauses;
    await clock.advance(ms);
    while (pauses <= before) await clock.settle();
  };
  const begun = async (): Promise<DeviceOffer | null> => {
    const before = pauses;
    const offer = await desk.logins.device("remote");
    while (pauses <= before) await clock.settle();
    return offer;
  };
  return { guarded, spec, desk, polls, polled, begun, [Symbol.asyncDispose]: close };
}

test("a person enters the code elsewhere, and the token goes on requests", async () => {
  await using stage = await stageOf({}, { how: { scopes: ["a", "b"] } });
  const { desk, guarded } = stage;
  expect(await stage.begun()).toEqual({ url: `${guarded.origin}/device`, code: "WDJB-MJHT", lifeMs: 900_000 });
  const form = new URLSearchParams(guarded.asked.find(({ path }) => path === "/device_authorization")?.body);
  const registered = JSON.parse(guarded.asked.find(({ path }) => path === "/register")?.body ?? "") as { grant_types: string[]; redirect_uris: string[] };
  expect([form.get("scope"), form.get("resource"), form.get("client_id")?.startsWith("client-"), (form.get("client_secret") ?? "") !== ""]).toEqual(["a b", guarded.url, true, true]);
  expect([registered.grant_types, registered.redirect_uris.length]).toEqual([["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], 1]);
  const ended = desk.logins.deviceEnded("remote");
  await stage.polled(2_000);
  guarded.bends.device = "approved";
  await desk.clock.advance(2_000);
  await ended;
  const token = String(await desk.logins.of(stage.spec, "operator")?.authorization()).replace("Bearer ", "");
  expect([stage.polls(), guarded.valid.has(token), desk.logins.list()[0]?.state, desk.clock.pending]).toEqual([2, true, "logged-in", 0]);
  const last = new URLSearchParams(guarded.asked.findLast(({ path }) => path === "/token")?.body);
  const code = String(last.get("device_code"));
  expect([last.get("resource"), code, desk.secrets.scrub(code)]).toEqual([guarded.url, expect.stringMatching(/^device-/), expect.not.stringContaining("device-")]);
});

test("it asks as seldom as it is told to, and more seldom where there is trouble", async () => {
  await using stage = await stageOf({ device: "slow_down" });
  await stage.begun();
  await stage.desk.clock.advance(1_999);
  expect(stage.polls()).toBe(0);
  await stage.polled(1);
  await stage.desk.clock.advance(6_999);
  expect(stage.polls()).toBe(1);
  stage.guarded.bends.device = "server_error";
  await stage.polled(1);
  await stage.desk.clock.advance(13_999);
  expect(stage.polls()).toBe(2);
  stage.guarded.bends.device = "approved";
  await stage.desk.clock.advance(1);
  await stage.desk.logins.deviceEnded("remote");
});

test("an authorization server that does not answer once is asked again, later", async () => {
  await using stage = await stageOf({ device: "silent" });
  await stage.begun();
  await stage.desk.clock.advance(2_000);
  while (stage.polls() === 0) await stage.desk.clock.settle();
  stage.guarded.bends.device = "approved";
  await stage.polled(answerMsMax);
  await stage.desk.clock.advance(4_000);
  await stage.desk.logins.deviceEnded("remote");
});

test("without a word about it, it asks every five seconds; and never without a pause", async () => {
  await using usual = await stageOf({ device: "approved", offer: { interval: undefined, expires_in: undefined } });
  expect(await usual.begun()).toMatchObject({ lifeMs: 30 * 60_000 });
  await usual.desk.clock.advance(4_999);
  expect(usual.polls()).toBe(0);
  await usual.desk.clock.advance(1);
  await usual.desk.logins.deviceEnded("remote");
  await using hasty = await stageOf({ device: "approved", offer: { interval: 0 } });
  await hasty.begun();
  await hasty.desk.clock.advance(999);
  expect(hasty.polls()).toBe(0);
});

test("a code is waited for as long as it is good, and not longer than limits.deviceLoginMsMax", async () => {
  await using stage = await stageOf({ offer: { interval: 10, expires_in: 9_999_999 } }, { limits: { deviceLoginMsMax: 15_000 } });
  expect(await stage.begun()).toMatchObject({ lifeMs: 15_000 });
  const ended = failure(stage.desk.logins.deviceEnded("remote"));
  await stage.polled(10_000);
  await stage.desk.clock.advance(10_000);
  expect([(await ended).message.includes("nobody entered the code in time"), stage.polls()]).toEqual([true, 1]);
});

test("whoever denies it there is told, in our words, and what was kept is still there", async () => {
  await using stage = await stageOf();
  const { desk, guarded } = stage;
  await desk.logins.finish("remote", await guarded.visit((await desk.logins.start("remote", "paste")).url ?? ""));
  const before = await desk.logins.of(stage.spec, "operator")?.authorization();
  for (const [word, why] of [["access_denied", "it was denied there"], ["expired_token", "in time"], ["invalid_grant", "the login at the remote server did not work"]] as const) {
    guarded.bends.device = word;
    await stage.begun();
    const ended = failure(desk.logins.deviceEnded("remote"));
    // The library asks once more for a grant that is not valid.
    if (word === "invalid_grant") await stage.polled(2_000);
    await desk.clock.advance(2_000);
    const { code, message } = await ended;
    expect([word, code, message.includes("foreign")]).toEqual([word, "LOGIN_FAILED", false]);
    if (word !== "invalid_grant") expect(message).toContain(why);
  }
  expect(await desk.logins.of(stage.spec, "operator")?.authorization()).toBe(String(before));
});

test("a second one ends the first, and so do the end of the program and that of the entry", async () => {
  await using stage = await stageOf();
  const { desk } = stage;
  const endings: (() => unknown)[] = [() => desk.logins.device("remote"), () => desk.logins.adopt([]), () => desk.logins.close()];
  for (const end of endings) {
    desk.logins.adopt([stage.spec]);
    await stage.begun();
    const ended = failure(desk.logins.deviceEnded("remote"));
    await end();
    expect((await ended).message).toContain("another login was begun");
  }
  expect((await failure(desk.logins.deviceEnded("remote"))).message).toContain("no login by a code was begun");
});

test("an authorization server that offers none, or gives what nobody can use, is told of", async () => {
  const bad: [Partial<Bends>, string][] = [
    [{ device: null }, "offers no login by a code"],
    [{ offer: { user_code: "\u001b[31mred" } }, "no code that could be used"],
    [{ offer: { user_code: undefined } }, "no code that could be used"],
    [{ offer: { device_code: 7 } }, "no code that could be used"],
    [{ offer: { verification_uri: "javascript:alert(1)" } }, "no browser should open"],
    [{ offer: { verification_uri: "http://elsewhere.example/" } }, "no browser should open"],
    [{ offer: { verification_uri: "nowhere" } }, "no code that could be used"],
    [{ offer: { error: "authorization_pending" } }, "did not work"],
    [{ offer: { error: "slow_down" } }, "did not work"],
  ];
  for (const [bent, why] of bad) {
    await using stage = await stageOf(bent);
    expect((await failure(stage.desk.logins.device("remote"))).message).toContain(why);
    expect(stage.polls()).toBe(0);
  }
});

test("a configured client proves itself there as it does for a token, and nobody else gets its secret", async () => {
  const proofs: [string, (form: URLSearchParams, header: string | null) => unknown[], unknown[]][] = [
    ["client_secret_basic", (form, header) => [form.get("client_id"), header], [null, `Basic ${Buffer.from("me:a%2Bb").toString("base64")}`]],
    ["client_secret_post", (form, header) => [form.get("client_secret"), header], ["a+b", null]],
    ["none", (form, header) => [form.get("client_id"), form.get("client_secret"), header], ["me", null, null]],
  ];
  for (const [method, look, expected] of proofs) {
    await using stage = await stageOf({ methods: [method] }, { how: { clientId: "me", clientSecret: new Secret("a+b") } });
    await stage.begun();
    const asked = stage.guarded.asked.find(({ path }) => path === "/device_authorization");
    expect(look(new URLSearchParams(asked?.body), asked?.headers.get("authorization") ?? null)).toEqual(expected);
  }
});

test("a client that signs does so there too", async () => {
  const { generateKeyPair, exportPKCS8 } = await import("jose");
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  await using stage = await stageOf({}, { how: { clientId: "me", privateKey: new Secret(await exportPKCS8(privateKey)) } });
  await stage.begun();
  const form = new URLSearchParams(stage.guarded.asked.find(({ path }) => path === "/device_authorization")?.body);
  expect([form.get("client_assertion_type"), (form.get("client_assertion") ?? "").split(".").length]).toEqual(["urn:ietf:params:oauth:client-assertion-type:jwt-bearer", 3]);
});

test("a pause that is longer than the code is good, or than a timer can be, ends with the code, without a question", async () => {
  for (const interval of [1e9, 1_000]) {
    await using stage = await stageOf({ offer: { interval, expires_in: 60 } });
    expect(await stage.begun()).toMatchObject({ lifeMs: 60_000 });
    const ended = failure(stage.desk.logins.deviceEnded("remote"));
    await stage.desk.clock.advance(59_999);
    expect([stage.polls(), stage.desk.clock.pending]).toEqual([0, 1]);
    await stage.desk.clock.advance(1);
    expect([(await ended).message.includes("nobody entered the code in time"), stage.polls()]).toEqual([true, 0]);
  }
});
