import { describe, expect, test } from "bun:test";
import { CancelSource, createCallIds, defaultLimits } from "../../src/base/index.ts";
import { ClientCall, nowhere } from "../../src/era/clientCall.ts";
import { ClientQuestions } from "../../src/era/clientQuestions.ts";
import { Sessions } from "../../src/era/sessions.ts";
import { Streams } from "../../src/era/streams.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { emptyObject } from "../../src/protocol/index.ts";
import { alice, bob } from "../fixtures/era.ts";

const all = { server: null };
const callOf = () =>
  new ClientCall(
    { callIds: createCallIds("t"), id: "1", round: 0, method: "tools/call", params: emptyObject, meta: null, principal: alice, selection: all, client: { info: null, capabilities: "{}" }, progressToken: null, logLevel: null, resume: null, session: null, backend: null, paramHeaders: null },
    nowhere,
    new ClientQuestions({ client: { info: null, capabilities: "{}" }, revision: null, server: null, tie: { ended: new CancelSource() }, listens: false, logLevel: "warning", announce: () => undefined }, createTestClock(), defaultLimits),
  );
const worldOf = (more: object = {}) => {
  const clock = createTestClock();
  const limits = { ...defaultLimits, sessionsMax: 2, sessionIdleMsMax: 1000, ...more };
  return { clock, sessions: new Sessions(clock, limits, new Streams(clock, limits)) };
};

describe("the sessions of the program", () => {
  test("are found by their own principal on their own endpoint, as long as they last", () => {
    const { sessions } = worldOf();
    const session = sessions.open(alice, all);
    expect(sessions.find(session.id, alice, all)).toBe(session);
    expect(sessions.find(session.id, bob, all)).toBeNull();
    expect(sessions.find(session.id, alice, { server: "one" })).toBeNull();
    expect(sessions.find(session.id, alice, { server: null, filter: "a" })).toBeNull();
    const narrowed = sessions.open(alice, { server: null, filter: "a" });
    expect(sessions.find(narrowed.id, alice, { server: null, filter: "a" })).toBe(narrowed);
    for (const selection of [all, { server: null, filter: "b" }, { server: "one", filter: "a" }]) expect(sessions.find(narrowed.id, alice, selection)).toBeNull();
    narrowed.end("over");
    session.end("over");
    expect(sessions.find(session.id, alice, all)).toBeNull();
    expect(sessions.size).toBe(0);
  });

  test("are limited for each grant: the quiet one unused for longest gives way, and where none is quiet nobody gets in; the operator's are not counted", async () => {
    const { clock, sessions } = worldOf({ sessionsMax: 10, sessionsPerGrantMax: 2 });
    const grant = { id: "g", scopes: [] };
    const first = sessions.open(grant, all);
    await clock.advance(1);
    const second = sessions.open(grant, all);
    const third = sessions.open(grant, all);
    expect([first.ended, second.ended, sessions.size]).toEqual([true, false, 2]);
    second.begin("1", callOf());
    third.begin("1", callOf());
    expect(() => sessions.open(grant, all)).toThrow("sessionsPerGrantMax");
    expect(sessions.find(sessions.open({ id: "h", scopes: [] }, all).id, grant, all)).toBeNull();
    for (let index = 0; index < 4; index += 1) sessions.open(alice, all);
    expect(sessions.size).toBe(7);
  });

  test("end when they were idle for long, but not while something runs or is read", async () => {
    const { clock, sessions } = worldOf({ sessionsMax: 10 });
    const idle = sessions.open(alice, all);
    const used = sessions.open(alice, all);
    const running = sessions.open(alice, all);
    running.begin("1", callOf());
    const read = sessions.open(alice, all);
    read.openStandalone();
    await clock.advance(600);
    sessions.find(used.id, alice, all);
    await clock.advance(500);
    expect([idle, used, running, read].map((session) => session.ended)).toEqual([true, false, false, false]);
    await clock.advance(600);
    expect([used, running, read].map((session) => session.ended)).toEqual([true, false, false]);
    sessions.close();
  });

  test("give way when all places are taken: one's own first, else the quietest, else nobody", () => {
    const { sessions } = worldOf();
    const first = sessions.open(bob, all);
    const own = sessions.open(alice, all);
    const next = sessions.open(alice, all);
    expect([first.ended, own.ended]).toEqual([false, true]);
    next.openStandalone();
    const last = sessions.open(alice, all);
    expect([first.ended, next.ended]).toEqual([true, false]);
    last.openStandalone();
    expect(() => sessions.open(bob, all)).toThrow("sessionsMax");
    sessions.close();
    expect([sessions.size, last.ended]).toEqual([0, true]);
  });

  test("leave no timer behind", async () => {
    const { clock, sessions } = worldOf();
    sessions.open(alice, all);
    await clock.advance(5000);
    expect(clock.pending).toBe(0);
    sessions.open(alice, all);
    sessions.close();
    expect(clock.pending).toBe(0);
  });
});
