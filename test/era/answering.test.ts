import { expect, test } from "bun:test";
import { createCallIds, defaultLimits } from "../../src/base/index.ts";
import { Answering, Answers, WaitingCalls } from "../../src/era/answering.ts";
import { ClientCall, type Sink } from "../../src/era/clientCall.ts";
import { HeldLines } from "../../src/era/held.ts";
import { emptyObject } from "../../src/protocol/index.ts";
import { alice, type Json } from "../fixtures/era.ts";

const asker = { ask: () => Promise.reject(new Error("not here")), visited: () => undefined };

function callOf(id: string, sink: Sink): ClientCall {
  const client = { info: null, capabilities: "{}" };
  return new ClientCall({ callIds: createCallIds("t"), id, method: "tools/call", params: emptyObject, meta: null, principal: alice, selection: { server: null }, client, progressToken: null, logLevel: null, resume: null, session: null, backend: null, round: 0, paramHeaders: null }, sink, asker);
}

/** A request with its call, and what was said for it. */
function asked(id: string, waiting: WaitingCalls) {
  const said: string[] = [];
  const answering = new Answering({ send: (text) => void said.push(text), done: () => void said.push("done") }, id, waiting);
  answering.call = callOf(id, answering);
  return { answering, call: answering.call, said };
}

test("a call that is answered for good does not wait, one that is answered with a question does", () => {
  const waiting = new WaitingCalls();
  const [ended, paused] = [asked("1", waiting), asked("2", waiting)];
  ended.call.answer(200, "result");
  paused.call.pause(200, "question", new HeldLines(defaultLimits));
  expect([ended.said, paused.said]).toEqual([["result", "done"], ["question", "done"]]);
  expect([waiting.cancel("1", "enough"), waiting.cancel("2", "enough"), paused.call.cancel.cancelled]).toEqual([false, true, true]);
  expect(waiting.cancel("2", "enough")).toBe(false);
});

test("a call that goes on is meant by its newer id, and only while it waits", () => {
  const waiting = new WaitingCalls();
  const [first, second] = [asked("1", waiting), asked("2", waiting)];
  first.call.pause(200, "question", new HeldLines(defaultLimits));
  first.call.goOn(second.call);
  second.answering.call = first.call;
  expect([waiting.cancel("1", "late"), waiting.cancel("2", "still open")]).toEqual([false, false]);
  first.call.pause(200, "another question", new HeldLines(defaultLimits));
  expect([waiting.cancel("1", "late"), waiting.cancel("2", "enough"), first.call.over]).toEqual([false, true, true]);
  expect(second.said).toEqual(["another question", "done"]);
});

test("nobody waits after the end, nor after the end of the program", () => {
  const waiting = new WaitingCalls();
  const [paused, open] = [asked("1", waiting), asked("2", waiting)];
  paused.call.pause(200, "question", new HeldLines(defaultLimits));
  open.answering.shutDown();
  expect([JSON.parse(open.said[0] ?? "").error.data.code, new Set(open.said.slice(1)), waiting.cancel("2", "late")]).toEqual(["SHUTTING_DOWN", new Set(["done"]), false]);
  waiting.end("the client has gone");
  expect([paused.call.over, paused.said]).toEqual([true, ["question", "done"]]);
  const cancelled = asked("3", waiting);
  cancelled.answering.cancel("enough");
  expect([cancelled.call.over, cancelled.said]).toEqual([true, expect.arrayContaining(["done"])]);
});

test("the answers to a batch go out when the last is there, without those that nobody wants", () => {
  const sent: Json[] = [];
  const answers = new Answers(3, (text) => void sent.push(JSON.parse(text)));
  answers.notice('"notice"');
  answers.answer(200, "1");
  answers.none();
  answers.answer(400, "2");
  new Answers(1, (text) => void sent.push(text)).none();
  expect(sent).toEqual(["notice", [1, 2]]);
});
