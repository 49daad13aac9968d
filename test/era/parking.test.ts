/** Which calls may wait inside, how many, and what of them there is room for. */
import { describe, expect, test } from "bun:test";
import { CancelSource, defaultLimits, type Limits } from "../../src/base/index.ts";
import type { Answer as Given, Ask, Call, Outcome } from "../../src/protocol/index.ts";
import { createWorld, gate, type Json, key } from "../fixtures/era.ts";
import { done, failure, located } from "../fixtures/serve.ts";

const { collectMs } = defaultLimits;
const can = { meta: { [key.capabilities]: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} } } };
const accepted = { action: "accept", content: { name: "x" } };
const form = (message = "Who?", mode = "form"): Ask => ({ kind: "elicitation", params: located(JSON.stringify({ mode, message })), backend: "asker", cancel: new CancelSource() });
const textOf = (given: Given): string => (given.ok ? given.result : `error ${given.error.code}`);
const told = (...texts: string[]): Outcome => done({ content: texts.map((text) => ({ type: "text", text })) });
/** What a question comes to, as text. */
const heard = (call: Call, ask: Ask): Promise<string> => call.ask(ask).then(textOf, (thrown: { code: string }) => thrown.code);

function setUp(limits: Partial<Limits> = {}) {
  const world = createWorld(limits);
  const { serve, clock, modernSent } = world;
  let id = 0;
  const send = (more: Json = {}, ask: Json = {}) => {
    id += 1;
    return modernSent("tools/call", { name: "x", arguments: { n: 1 }, ...more }, { ...can, ...ask, id });
  };
  const call = async (more: Json = {}, ask: Json = {}): Promise<Json> => {
    const sent = send(more, ask);
    await clock.advance(collectMs);
    const { json } = await sent.answer;
    return json.result ?? json.error;
  };
  return { ...world, send, call, serve, clock };
}

describe("the bounds", () => {
  test("of one principal and of all refuse the question, not the call", async () => {
    const { call, serve } = setUp({ parkedPerPrincipalMax: 2, parkedMax: 3 });
    serve.answer = async (running) => told(await heard(running, form()));
    const bob = { principal: { id: "bob", scopes: null } };
    for (const _ of [1, 2]) expect((await call()).resultType).toBe("input_required");
    expect((await call()).content[0].text).toBe("LIMIT_REACHED");
    const first = await call({}, bob);
    expect(first.resultType).toBe("input_required");
    expect((await call({}, bob)).content[0].text).toBe("LIMIT_REACHED");
    await call({ requestState: first.requestState, inputResponses: { q1: accepted } }, bob);
    expect((await call({}, bob)).resultType).toBe("input_required");
  });

  test("of one call refuse the next question", async () => {
    const { call, serve } = setUp({ questionsMax: 2 });
    const refused: string[] = [];
    serve.answer = async (running) => {
      const open = [heard(running, form()), heard(running, form())];
      refused.push(await heard(running, form()));
      return told(...(await Promise.all(open)));
    };
    expect(Object.keys((await call()).inputRequests)).toHaveLength(2);
    expect(refused).toEqual(["LIMIT_REACHED"]);
  });
});

test("at the end of the program whoever waits is answered, and every call that waits is cancelled", async () => {
  const { call, send, serve, eras, clock } = setUp();
  serve.answer = async (running) => told(await heard(running, form()), await new Promise<string>(() => undefined));
  await call();
  const second = await call();
  const waiting = send({ requestState: second.requestState, inputResponses: { q1: accepted } });
  await clock.settle();
  await eras.close();
  expect((await waiting.answer).json.error.data.code).toBe("SHUTTING_DOWN");
  expect(serve.calls.map((running) => running.cancel.cancelled)).toEqual([true, true]);
});

test("before the end of the program calls that nobody can come back to are given up, and nobody is asked", async () => {
  const { call, send, serve, eras } = setUp();
  serve.answer = async (running) => told(await heard(running, form()));
  await call();
  eras.retire();
  expect(serve.calls[0]?.cancel.cancelled).toBe(true);
  expect((await send().answer).json.result.content[0].text).toBe("SHUTTING_DOWN");
});

describe("what is kept", () => {
  const bob = { principal: { id: "bob", scopes: null } };

  test("of questions is bounded for one principal and for all; what was answered makes room", async () => {
    const { call, serve } = setUp({ parkedBytesPerPrincipalMax: 4000, parkedBytesMax: 6000 });
    serve.answer = async (running) => told(await heard(running, form("x".repeat(2000))));
    const first = await call();
    expect(first.resultType).toBe("input_required");
    expect((await call()).content[0].text).toBe("LIMIT_REACHED");
    expect((await call({}, bob)).content[0].text).toBe("LIMIT_REACHED");
    await call({ requestState: first.requestState, inputResponses: { q1: accepted } });
    expect((await call({}, bob)).resultType).toBe("input_required");
  });

  test("of an answer that nobody fetched yet is bounded: the client hears that it could not be kept, and nothing runs twice", async () => {
    const { call, serve, clock } = setUp({ parkedBytesMax: 4000 });
    const finish = gate<Outcome>();
    serve.answer = (running) => {
      void heard(running, form());
      return finish.promise;
    };
    const first = await call();
    finish.open(told("x".repeat(5000)));
    await clock.settle();
    expect(await call({ requestState: first.requestState, inputResponses: { q1: accepted } })).toMatchObject({ code: -32603, data: { code: "LIMIT_REACHED" }, message: expect.stringContaining("parkedBytesMax") });
    await clock.advance(defaultLimits.redeliverMsMax);
    expect([serve.calls.length, clock.pending]).toEqual([1, 0]);
  });
});

test("of one capability several parts may be lacking, and all are named", async () => {
  const { serve, modern } = setUp();
  serve.answer = async (running) => {
    await Promise.all([heard(running, form()), heard(running, form("?", "url")), heard(running, { ...form(), kind: "roots" })]);
    return { ...failure(-32000, "cannot"), backend: "asker" } as Outcome;
  };
  const answer = await modern("tools/call", { name: "x" });
  expect([answer.status, answer.json.error.data.requiredCapabilities]).toEqual([400, { elicitation: { form: {}, url: {} }, roots: {} }]);
});
