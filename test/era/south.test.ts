import { describe, expect, test } from "bun:test";
import { defaultLimits, type Fault } from "../../src/base/index.ts";
import { answerOf, changeOf, identityOf, isAnnounced, namelessOf, refusalOf, responseOf } from "../../src/era/south.ts";
import type { WireReply } from "../../src/era/types.ts";
import { benchOf, messageOf } from "../fixtures/wire.ts";

const reply = (status: number, text = "", more: Partial<WireReply> = {}): WireReply => ({ status, header: () => null, message: null, text, ...more });
const failure = '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}';

describe("a reply", () => {
  test.each([
    [401, "BACKEND_REFUSED"],
    [403, "BACKEND_REFUSED"],
    [408, "BACKEND_DOWN"],
    [429, "BACKEND_DOWN"],
    [500, "BACKEND_DOWN"],
    [404, null],
    [200, null],
  ])("with status %d speaks of %p", (status, code) => {
    expect(refusalOf(status, "box", "op")?.code ?? null).toBe(code as Fault["code"]);
  });

  test("may hold its error in a text without id, and nothing else", () => {
    expect(responseOf(reply(400, failure), defaultLimits)).toMatchObject({ kind: "failure", error: { code: -32000 } });
    expect(responseOf(reply(400, '{"jsonrpc":"2.0","id":7,"result":{}}'), defaultLimits)).toBeNull();
    expect(responseOf(reply(400, "{broken"), defaultLimits)).toBeNull();
    expect(responseOf(reply(400, "<html>"), defaultLimits)).toBeNull();
    expect(responseOf(reply(200, "", { message: messageOf('{"jsonrpc":"2.0","id":7,"method":"ping"}') }), defaultLimits)).toBeNull();
  });

  test.each([
    [reply(401, failure), "BACKEND_REFUSED"],
    [reply(503), "BACKEND_DOWN"],
    [reply(404), "BACKEND_REFUSED"],
    [reply(200), "BACKEND_GARBLED"],
    [reply(200, "", { resume: { lastEventId: "1", retryMs: null } }), "BACKEND_GONE"],
  ])("without an answer is a fault %#", (given, code) => {
    const { south } = benchOf("http", () => "silent");
    expect(() => answerOf(south, given, "op")).toThrow(expect.objectContaining({ code, backend: "box", op: "op" }));
  });
});

test("a capability announces changes only when it says so", () => {
  expect(isAnnounced('{"listChanged":true}', defaultLimits)).toBe(true);
  expect(["{}", '{"listChanged":"true"}', "true", undefined].map((raw) => isAnnounced(raw, defaultLimits))).toEqual([false, false, false, false]);
});

test("identities and change notifications are read by name", () => {
  expect(identityOf({ name: 'a"', version: "1" })).toBe('{"name":"a\\"","version":"1"}');
  expect(namelessOf("box")).toBe('{"name":"box","version":"unknown"}');
  expect(changeOf("notifications/prompts/list_changed")).toBe("prompts");
  expect(changeOf("toString")).toBeNull();
});
