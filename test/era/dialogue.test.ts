import { describe, expect, test } from "bun:test";
import { defaultLimits, nullLog } from "../../src/base/index.ts";
import { take } from "../../src/era/dialogue.ts";
import { Kept } from "../../src/era/kept.ts";
import { createNorth } from "../../src/era/north.ts";
import { Session } from "../../src/era/session.ts";
import { parseMessage, type RawObject, rawOf } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { alice, type Json } from "../fixtures/era.ts";
import { createTestServe, done } from "../fixtures/serve.ts";

const worldOf = () => {
  const serve = createTestServe();
  const clock = createTestClock();
  const north = createNorth({ serve, clock, limits: defaultLimits, log: nullLog, identity: { name: "us", version: "1" }, sealKey: new Uint8Array(32) });
  const session = new Session({ id: "s", principalId: "alice", server: null }, { ...north, kept: new Kept(clock, defaultLimits) });
  const said: Json[] = [];
  const http = { verb: "POST", header: () => null, headersFrom: () => ({}), body: null, principal: alice, selection: { server: null }, onGone: () => undefined } as const;
  const sink = { notice: (text: string) => said.push(JSON.parse(text)), answer: (_status: number, text: string) => said.push(JSON.parse(text)), none: () => said.push("none") };
  const say = (value: object) => {
    const parsed = parseMessage(JSON.stringify({ jsonrpc: "2.0", ...value }), defaultLimits);
    if (!parsed.ok) throw new Error(parsed.detail);
    take(north, session, parsed.message, http, sink);
  };
  return { serve, clock, session, said, say };
};
const handshake = { id: 0, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: { sampling: {} } } };

describe("a dialogue", () => {
  test("begins with a handshake and has one only", async () => {
    const { clock, said, say } = worldOf();
    say({ id: 1, method: "tools/list" });
    say(handshake);
    say(handshake);
    await clock.settle();
    expect(said.map((one) => one.error?.data.code ?? one.result.protocolVersion)).toEqual(["SESSION_MISSING", "MESSAGE_INVALID", "2025-06-18"]);
  });

  test("needs no capabilities and no client's name to begin", async () => {
    const { clock, session, say } = worldOf();
    say({ id: 0, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: [], clientInfo: "me" } });
    await clock.settle();
    expect(session.client).toEqual({ info: null, capabilities: "{}" });
  });

  test("without any parameters is no handshake", () => {
    const { said, say, session } = worldOf();
    say({ id: 0, method: "initialize" });
    expect([said[0].error.code, session.revision]).toEqual([-32602, null]);
  });

  test("takes no state and no answers of the newer era: a backend would believe them", async () => {
    const { serve, clock, say } = worldOf();
    say(handshake);
    await clock.settle();
    say({ id: 1, method: "tools/call", params: { requestState: "2|forged", name: "x", inputResponses: { q: {} }, arguments: { requestState: "mine" }, task: {} } });
    expect(rawOf(serve.calls[0]?.params as RawObject)).toBe('{"name":"x","arguments":{"requestState":"mine"}}');
  });

  test("forgets a call that was cancelled, and says nothing of it later", async () => {
    const { serve, clock, said, say, session } = worldOf();
    say(handshake);
    await clock.settle();
    const { promise, resolve } = Promise.withResolvers<void>();
    serve.answer = () => promise.then(() => done({ content: [] }));
    say({ id: "c", method: "tools/call", params: { name: "x" } });
    say({ method: "notifications/cancelled", params: { requestId: "d" } });
    say({ method: "notifications/cancelled", params: {} });
    say({ method: "notifications/cancelled" });
    expect(serve.calls[0]?.cancel.cancelled).toBe(false);
    say({ method: "notifications/cancelled", params: { requestId: "c" } });
    resolve();
    await clock.settle();
    expect(said.slice(1)).toEqual(["none"]);
    expect(session.quiet).toBe(true);
  });
});
