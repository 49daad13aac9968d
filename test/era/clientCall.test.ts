import { describe, expect, test } from "bun:test";
import { CancelSource, createCallIds, defaultLimits } from "../../src/base/index.ts";
import { ClientCall, logLevelOf } from "../../src/era/clientCall.ts";
import { HeldLines } from "../../src/era/held.ts";
import { type Ask, emptyObject, type RawObject } from "../../src/protocol/index.ts";
import { alice } from "../fixtures/era.ts";
import { located } from "../fixtures/serve.ts";

const callOf = (more: object = {}) => {
  const said: string[] = [];
  const sink = { notice: (text: string) => said.push(text), answer: (status: number, text: string) => said.push(`${status} ${text}`), none: () => said.push("none") };
  const request = { callIds: createCallIds("t"), id: "1", round: 0, method: "tools/call", params: emptyObject, meta: null, principal: alice, selection: { server: null }, client: { info: null, capabilities: "{}" }, progressToken: null, logLevel: null, resume: null, session: null, backend: null, paramHeaders: null, ...more };
  const asker = { ask: (_call: ClientCall, ask: Ask) => Promise.resolve({ ok: true, result: `"${ask.kind}"` } as const), visited: (_call: ClientCall, params: RawObject) => void said.push(`visited ${params.text}`) };
  return { call: new ClientCall(request, sink as never, asker), said };
};

describe("one client request", () => {
  test("is answered once, and falls silent", () => {
    const { call, said } = callOf({ progressToken: "1" });
    call.answer(200, "first");
    call.answer(200, "second");
    call.notice({ kind: "progress", params: located('{"progress":1}') });
    call.abandon("late");
    expect(said).toEqual(["200 first"]);
    expect(call.cancel.cancelled).toBe(false);
  });

  test("that is abandoned is cancelled, and its sink hears that nothing comes", () => {
    const { call, said } = callOf();
    const reasons: string[] = [];
    call.cancel.onCancel((reason) => reasons.push(reason));
    call.abandon("why");
    call.abandon("again");
    call.answer(200, "late");
    expect([said, reasons]).toEqual([["none"], ["why"]]);
  });

  test("that is interrupted is answered by us, and cancelled", () => {
    const { call, said } = callOf();
    const reasons: string[] = [];
    call.cancel.onCancel((reason) => reasons.push(reason));
    call.interrupt(503, "the end", "why");
    call.interrupt(503, "the end", "again");
    expect([said, reasons]).toEqual([["503 the end"], ["why"]]);
  });

  test("restores the token as it was written, and drops values that do not rise or are none", () => {
    const { call, said } = callOf({ progressToken: '"\\u0061"' });
    for (const params of ['{"progress":1,"progressToken":9}', '{"progress":1}', '{"progress":"x"}', "{}", '{"progress":0.5}', '{"progress":1.5}']) call.notice({ kind: "progress", params: located(params) });
    expect(said.map((text) => text.slice(text.indexOf('"params"')))).toEqual(['"params":{"progress":1,"progressToken":"\\u0061"}}', '"params":{"progress":1.5,"progressToken":"\\u0061"}}']);
  });

  test("passes strangers' notices with and without parameters", () => {
    const { call, said } = callOf();
    call.notice({ kind: "other", method: "x/y", params: null });
    call.notice({ kind: "other", method: "x/z", params: located('{"a":1}') });
    expect(said).toEqual(['{"jsonrpc":"2.0","method":"x/y"}', '{"jsonrpc":"2.0","method":"x/z","params":{"a":1}}']);
  });
});

describe("a client that is asked", () => {
  const ask: Ask = { kind: "roots", params: null, backend: "b", cancel: new CancelSource() };

  test("is asked while its call runs, and no longer", async () => {
    const { call } = callOf();
    expect(await call.ask(ask)).toEqual({ ok: true, result: '"roots"' });
    call.answer(200, "end");
    await expect(call.ask(ask)).rejects.toMatchObject({ code: "CALL_CANCELLED" });
  });

  test("hears of the end before the answer, and nothing after it", () => {
    const { call, said } = callOf();
    call.ending.onCancel((reason) => call.say(reason));
    call.answer(200, "end");
    call.say("late");
    const late: string[] = [];
    call.ending.onCancel((reason) => late.push(reason));
    expect([said, late]).toEqual([["the call is answered", "200 end"], ["the call is answered"]]);
  });

  test("may go away and come back with another request", () => {
    const { call, said } = callOf({ progressToken: "1" });
    const next = callOf({ id: "2", progressToken: "2", logLevel: "info" });
    expect(call.away).toBe(false);
    call.pause(200, "first", new HeldLines(defaultLimits));
    expect(call.away).toBe(true);
    call.notice({ kind: "progress", params: located('{"progress":1}') });
    call.goOn(next.call);
    expect(call.away).toBe(false);
    call.notice({ kind: "progress", params: located('{"progress":2}') });
    call.answer(200, "second");
    expect([said, next.said, call.id, call.logLevel]).toEqual([["200 first"], ['{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":2,"progressToken":2}}', "200 second"], "2", "info"]);
  });

  test("hears on its return what was said while it was away, as far as it wants it then, and before anything else", () => {
    const { call, said } = callOf({ logLevel: "info" });
    const next = callOf({ id: "2", logLevel: "warning" });
    call.pause(200, "first", new HeldLines(defaultLimits));
    for (const level of ["debug", "info", "error"] as const) call.notice({ kind: "log", level, params: located(`{"level":"${level}"}`) });
    call.notice({ kind: "other", method: "x/y", params: null });
    call.goOn(next.call);
    call.answer(200, "second");
    expect([said, next.said]).toEqual([["200 first"], ['{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error"}}', '{"jsonrpc":"2.0","method":"x/y"}', "200 second"]]);
  });

  test("hears no log on its return where it wants none", () => {
    const { call } = callOf({ logLevel: "debug" });
    const next = callOf({ id: "2" });
    call.pause(200, "first", new HeldLines(defaultLimits));
    call.notice({ kind: "log", level: "emergency", params: located('{"level":"emergency"}') });
    call.goOn(next.call);
    expect(next.said).toEqual([]);
  });

  test("may be told of a visit after its call", () => {
    const { call, said } = callOf();
    call.answer(200, "end");
    call.notice({ kind: "other", method: "notifications/elicitation/complete", params: located('{"elicitationId":"e"}') });
    call.notice({ kind: "other", method: "notifications/elicitation/complete", params: null });
    expect(said).toEqual(["200 end", 'visited {"elicitationId":"e"}', "visited {}"]);
  });
});

test("log levels are exactly eight words", () => {
  expect(logLevelOf("emergency")).toBe("emergency");
  for (const other of ["Error", "", "warn", null]) expect(logLevelOf(other)).toBeNull();
});
