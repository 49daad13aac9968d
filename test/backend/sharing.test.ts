import { expect, test } from "bun:test";
import { isForAll, type SharedBy, Sharing } from "../../src/backend/sharing.ts";
import { CancelSource, defaultLimits, type Limits } from "../../src/base/index.ts";
import { relayableCapabilities, type UpstreamFacts } from "../../src/era/index.ts";
import type { Call } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";

const byPrincipal: SharedBy = { isolation: "principal", kind: "stdio" };
const bySession: SharedBy = { isolation: "session", kind: "stdio" };
const toldOnce: UpstreamFacts = { info: "{}", capabilities: new Map(), instructions: null, revision: "r", announces: true, subscribes: false };
const toldEachTime: UpstreamFacts = { ...toldOnce, perRequest: true };

const caller = (id: string, capabilities = "{}", more: Partial<Call> = {}): Call => callOf("tools/call", "{}", { principal: { id, scopes: null }, client: { info: null, capabilities }, ...more });
const session = (id: string, ended = new CancelSource()) => ({ session: { id, ended } });
const sharing = (limits: Limits = defaultLimits) => new Sharing(limits);
const elicits = '{"elicitation":{"form":{}}}';

test("everybody shares where the operator says so, and at a remote server that hears of each caller with each request", () => {
  const rows = [
    ["shared", "stdio", toldOnce, true],
    ["shared", "remote", null, true],
    ["principal", "remote", toldEachTime, true],
    ["session", "remote", toldEachTime, true],
    ["principal", "remote", toldOnce, false],
    ["principal", "remote", null, false],
    ["principal", "stdio", toldEachTime, false],
    ["session", "stdio", toldEachTime, false],
  ] as const;
  for (const [isolation, kind, facts, expected] of rows) expect(isForAll({ isolation, kind }, facts)).toBe(expected);
});

test("a principal has one share for all that its clients can do, and is told of exactly that", () => {
  const shares = sharing();
  const key = (id: string, capabilities?: string, more?: Partial<Call>): string => shares.shareOf(caller(id, capabilities, more), byPrincipal, toldOnce).key;
  expect(key("a", elicits)).toBe(key("a", '{"elicitation":{},"x-unknown":{}}'));
  expect(key("a", elicits)).not.toBe(key("a"));
  expect(key("a", elicits)).not.toBe(key("b", elicits));
  expect(key("a", elicits, session("s"))).toBe(key("a", elicits));
  expect(shares.shareOf(caller("a", elicits), byPrincipal, toldOnce)).toMatchObject({ capabilities: '{"elicitation":{}}', session: null });
});

test("what a client can do is no matter where the server hears it with each request", () => {
  const shares = sharing();
  expect(shares.shareOf(caller("a", elicits), byPrincipal, toldEachTime).key).toBe(shares.shareOf(caller("a"), byPrincipal, toldEachTime).key);
  expect(shares.shareOf(caller("a"), byPrincipal, toldEachTime).key).not.toBe(shares.shareOf(caller("b"), byPrincipal, toldEachTime).key);
});

test("a session has a share of its own, a caller without one that of its principal", () => {
  const shares = sharing();
  const one = shares.shareOf(caller("a", elicits, session("1")), bySession, toldOnce);
  expect(one).toMatchObject({ capabilities: '{"elicitation":{}}', session: { id: "1" }, info: null });
  expect(shares.shareOf(caller("a", elicits, session("2")), bySession, toldOnce).key).not.toBe(one.key);
  expect(shares.shareOf(caller("a", elicits, session("1")), bySession, toldOnce).key).toBe(one.key);
  expect(shares.shareOf(caller("a", elicits), bySession, toldOnce)).toEqual(shares.shareOf(caller("a", elicits), byPrincipal, toldOnce));
});

test("at another proxy a session has its own, told once, and a caller without one what it would have at any server", () => {
  const shares = sharing();
  const bridged: SharedBy = { isolation: "session", kind: "remote", isBridged: true };
  expect(isForAll(bridged, toldEachTime)).toBe(false);
  const info = '{"name":"c","version":"1"}';
  expect(shares.shareOf(caller("a", elicits, { ...session("1"), client: { info, capabilities: elicits } }), bridged, toldEachTime)).toMatchObject({ key: "session 1", capabilities: '{"elicitation":{}}', info });
  expect(shares.suitsFirst(shares.shareOf(caller("a", elicits), bridged, toldEachTime))).toBe(true);
});

test("what a caller can do is as its own calls say it", () => {
  const shares = sharing({ ...defaultLimits, profilesMax: 2 });
  const declared = '{"sampling":{},"experimental":{"x":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"x.example/own":{"n":1}},"unknown":1}';
  const said = (more: Partial<Call>): unknown => JSON.parse(shares.abilitiesOf(caller("a", declared, more)));
  const alone = { selection: { server: "s", tags: null } } as unknown as Partial<Call>;
  for (let round = 0; round < 2; round += 1) {
    expect(said({})).toEqual({ sampling: {}, extensions: { "io.modelcontextprotocol/tasks": {} } });
    expect(said(session("1"))).toEqual({ sampling: {} });
    expect(said(alone)).toEqual({ sampling: {}, experimental: { x: {} }, extensions: { "io.modelcontextprotocol/tasks": {}, "x.example/own": { n: 1 } } });
    expect(said({ extensions: ["x.example/own"] } as object)).toEqual({ sampling: {}, extensions: { "io.modelcontextprotocol/tasks": {}, "x.example/own": { n: 1 } } });
    for (const other of ["{}", elicits]) shares.abilitiesOf(caller("a", other));
  }
});

test("a session that is over gets nothing any more", () => {
  const ended = new CancelSource();
  ended.cancel("closed");
  expect(() => sharing().shareOf(caller("a", "{}", session("1", ended)), bySession, toldOnce)).toThrow(expect.objectContaining({ code: "CALL_CANCELLED" }));
});

test("the instance of the lists suits who can do everything, and whoever comes where that is not told once, but no session", () => {
  const shares = sharing();
  const suits = (call: Call, facts: UpstreamFacts): boolean => shares.suitsFirst(shares.shareOf(call, bySession, facts));
  expect(suits(caller("a", relayableCapabilities), toldOnce)).toBe(true);
  expect(suits(caller("a", elicits), toldOnce)).toBe(false);
  expect(suits(caller("a"), toldEachTime)).toBe(true);
  expect(suits(caller("a", relayableCapabilities, session("1")), toldOnce)).toBe(false);
});

test("no more sets of capabilities are remembered than the limit says, and the answer is the same without", () => {
  const shares = sharing({ ...defaultLimits, profilesMax: 2 });
  const keys = () => [1, 2, 3, 4].map((n) => shares.shareOf(caller("a", `{"roots":{"n":${n}}}`), byPrincipal, toldOnce).key);
  expect(keys()).toEqual(keys());
  expect(new Set(keys()).size).toBe(1);
});

test("a person's logins are the same with each of his clients, and his instances are not", () => {
  const shares = sharing();
  const of = (id: string, person: string | null) => shares.shareOf({ ...caller("a"), principal: { id, scopes: null, ...(person === null ? {} : { person: { id: person, name: "Ada" } }) } }, byPrincipal, toldOnce);
  expect([of("g_1", "p_1").principal, of("g_2", "p_1").principal, of("g_1", null).principal]).toEqual(["p_1", "p_1", "g_1"]);
  expect(of("g_1", "p_1").key).not.toBe(of("g_2", "p_1").key);
});
