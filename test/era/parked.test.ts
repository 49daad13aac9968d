/** Calls that wait inside for their client: every transition, with a played backend that asks and a clock moved by hand. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CancelSource, defaultLimits, fault, type Limits } from "../../src/base/index.ts";
import { type Answer as Given, type Ask, type Call, type Outcome, rpcErrorOf } from "../../src/protocol/index.ts";
import { allJson, createWorld, gate, type Json, key, nextJson } from "../fixtures/era.ts";
import { done, failure, located } from "../fixtures/serve.ts";

const { collectMs, headMsMax, parkedMsMax, parkedGraceMs, redeliverMsMax } = defaultLimits;
const can = { meta: { [key.capabilities]: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} } } };
const accepted = { action: "accept", content: { name: "x" } };
const form = (message = "Who?"): Ask => ({ kind: "elicitation", params: located(JSON.stringify({ message, requestedSchema: { type: "object", properties: {} } })), backend: "asker", cancel: new CancelSource() });
const sampling = (): Ask => ({ kind: "sampling", params: located('{"messages":[],"maxTokens":1}'), backend: "asker", cancel: new CancelSource() });
const roots = (): Ask => ({ kind: "roots", params: null, backend: "asker", cancel: new CancelSource() });
const textOf = (given: Given): string => (given.ok ? given.result : `error ${given.error.code}`);
const told = (...texts: string[]): Outcome => done({ content: texts.map((text) => ({ type: "text", text })) });
/** What a question comes to, as text. */
const heard = (call: Call, ask: Ask): Promise<string> => call.ask(ask).then(textOf, (thrown: { code: string }) => thrown.code);

function setUp(limits: Partial<Limits> = {}) {
  const world = createWorld(limits);
  const { serve, clock, modernSent } = world;
  let id = 0;
  /** Sends a call and lets the questions of it be collected. */
  const send = (more: Json = {}, ask: Json = {}, args: unknown = { n: 1 }) => {
    id += 1;
    return modernSent("tools/call", { name: "x", arguments: args, ...more }, { ...can, ...ask, id });
  };
  const call = async (more: Json = {}, ask: Json = {}, args?: unknown): Promise<Json> => {
    const sent = send(more, ask, args);
    await clock.advance(collectMs);
    const { json } = await sent.answer;
    return json.result ?? json.error;
  };
  const again = (result: Json, inputResponses: Json, ask: Json = {}): Promise<Json> => call({ requestState: result.requestState, inputResponses }, ask);
  return { ...world, send, call, again, serve, clock };
}

describe("a call that asks", () => {
  // Checklist: B1
  test("is answered with the question, and goes on with the answer: one call at the backend", async () => {
    const { call, again, serve } = setUp();
    serve.answer = async (running) => told(await heard(running, form()));
    const first = await call();
    expect(first).toMatchObject({ resultType: "input_required", inputRequests: { q1: { method: "elicitation/create", params: { message: "[asker] Who?" } } } });
    expect(first._meta[key.serverInfo].name).toBe("1mcp");
    expect(await again(first, { q1: accepted })).toMatchObject({ resultType: "complete", content: [{ text: JSON.stringify(accepted) }] });
    expect(serve.calls).toHaveLength(1);
  });

  // Checklist: B2
  test("may ask twice, in two rounds with two states and two keys", async () => {
    const { call, again, serve, eras } = setUp();
    serve.answer = async (running) => told(await heard(running, form()), await heard(running, roots()));
    const first = await call();
    const second = await again(first, { q1: { action: "decline" } });
    expect(second).toMatchObject({ resultType: "input_required", inputRequests: { q2: { method: "roots/list" } } });
    expect(Object.keys(second.inputRequests)).toEqual(["q2"]);
    expect(second.requestState).not.toBe(first.requestState);
    const last = await again(second, { q2: { roots: [] } });
    expect(last.content.map(({ text }: Json) => text)).toEqual(['{"action":"decline"}', '{"roots":[]}']);
    expect([serve.calls.length, eras.status().streams]).toEqual([1, 0]);
  });

  // Checklist: B3
  test("may ask several things at once: one round", async () => {
    const { call, again, serve } = setUp();
    serve.answer = async (running) => told(...(await Promise.all([heard(running, form()), heard(running, sampling())])));
    const first = await call();
    expect(Object.keys(first.inputRequests)).toEqual(["q1", "q2"]);
    const last = await again(first, { q1: { action: "cancel" }, q2: { role: "assistant", model: "m", content: { type: "text", text: "t" } } });
    expect(last.content[0].text).toBe('{"action":"cancel"}');
    expect(last.content[1].text).toContain('"model":"m"');
  });

  // Checklist: B4
  test("asks again for answers that are missing or malformed, and ignores those to no question", async () => {
    const { call, again, serve } = setUp();
    serve.answer = async (running) => told(...(await Promise.all([heard(running, form("one")), heard(running, form("two")), heard(running, form("three"))])));
    const first = await call();
    const second = await again(first, { q1: accepted, q2: { action: "perhaps" }, q9: accepted, toString: accepted });
    expect(Object.keys(second.inputRequests)).toEqual(["q2", "q3"]);
    const third = await again(second, {});
    expect(Object.keys(third.inputRequests)).toEqual(["q2", "q3"]);
    expect((await again(third, { q1: { action: "cancel" }, q2: accepted, q3: accepted })).content.map(({ text }: Json) => text)).toEqual(Array(3).fill(JSON.stringify(accepted)));
  });

  test("asks in a request only what that request declared: a retry may declare less", async () => {
    const { call, again, serve } = setUp();
    serve.answer = async (running) => told(...(await Promise.all([heard(running, form()), heard(running, sampling())])));
    const first = await call();
    expect(Object.keys(first.inputRequests)).toEqual(["q1", "q2"]);
    const second = await again(first, {}, { meta: { [key.capabilities]: { sampling: {} } } });
    expect(Object.keys(second.inputRequests)).toEqual(["q2"]);
    const last = await again(second, {}, { meta: { [key.capabilities]: {} } });
    expect(last.content.map(({ text }: Json) => text)).toEqual(["error -32601", "error -32601"]);
  });

  test("that asks while nobody waits is heard by the next who does", async () => {
    const { call, again, serve, clock } = setUp();
    const late = gate<void>();
    serve.answer = async (running) => told(...(await Promise.all([heard(running, form("early")), late.promise.then(() => heard(running, form("late")))])));
    const first = await call();
    late.open();
    await clock.advance(1000);
    const second = await again(first, { q1: accepted, q2: accepted });
    expect(second.inputRequests).toEqual({ q2: { method: "elicitation/create", params: expect.objectContaining({ message: "[asker] late" }) } });
    expect((await again(second, { q2: accepted })).resultType).toBe("complete");
  });

  test("and whose client has gone before anybody looked is given up, not parked for nobody with the questions of others", async () => {
    const { send, serve, clock } = setUp();
    const asked: Promise<string>[] = [];
    serve.answer = async (running) => {
      asked.push(heard(running, form()));
      return told(...(await Promise.all(asked)));
    };
    const sent = send();
    await clock.settle();
    sent.hangUp();
    await clock.advance(collectMs);
    expect(serve.calls[0]?.cancel.cancelled).toBe(true);
    expect(await Promise.all(asked)).toEqual(["CALL_CANCELLED"]);
  });

  // Checklist: B24
  test("says nothing of its progress while nobody waits, and goes on with the next one's token and log level", async () => {
    const { send, serve, clock } = setUp();
    const parked = gate<void>();
    const progress = (call: Call, value: number) => call.notice({ kind: "progress", params: located(`{"progressToken":9,"progress":${value}}`) });
    const logs: unknown[] = [];
    serve.answer = async (running) => {
      progress(running, 1);
      const answer = heard(running, form());
      await parked.promise;
      progress(running, 2);
      logs.push(running.logLevel);
      await answer;
      logs.push(running.logLevel);
      running.notice({ kind: "log", level: "info", params: located('{"level":"info","data":1}') });
      progress(running, 2);
      progress(running, 3);
      return told("end");
    };
    const meta = (token: string, more = {}) => ({ meta: { ...can.meta, progressToken: token, ...more } });
    const first = await send({}, meta("one")).answer;
    await clock.advance(collectMs);
    const [before, question] = await allJson(first);
    expect(before.params).toEqual({ progressToken: "one", progress: 1 });
    parked.open();
    await clock.settle();
    const second = await send({ requestState: question.result.requestState, inputResponses: { q1: accepted } }, meta("two", { [key.logLevel]: "info" })).answer;
    const [line, after, end] = await allJson(second);
    expect([line.method, after.params, end.id, end.result.content[0].text]).toEqual(["notifications/message", { progressToken: "two", progress: 3 }, 2, "end"]);
    expect(logs).toEqual([null, "info"]);
  });

  test("is told on its retry's stream what was logged while nobody waited, the newest of it, and no progress", async () => {
    const { send, serve, clock } = setUp({ parkedLinesMax: 2 });
    const parked = gate<void>();
    serve.answer = async (running) => {
      const answer = heard(running, form());
      await parked.promise;
      for (const n of [1, 2, 3]) running.notice({ kind: "log", level: "info", params: located(`{"level":"info","data":${n}}`) });
      running.notice({ kind: "progress", params: located('{"progressToken":9,"progress":1}') });
      await answer;
      return told("end");
    };
    const meta = { meta: { ...can.meta, progressToken: "t", [key.logLevel]: "info" } };
    const first = send({}, meta);
    await clock.advance(collectMs);
    const { json } = await first.answer;
    parked.open();
    await clock.settle();
    const second = await send({ requestState: json.result.requestState, inputResponses: { q1: accepted } }, meta).answer;
    const messages = await allJson(second);
    expect(messages.map(({ params, result }: Json) => params?.data ?? result.content[0].text)).toEqual([2, 3, "end"]);
  });

  test("that ends before its questions were sent is just answered", async () => {
    const { call, serve, clock } = setUp();
    const questions: Promise<string>[] = [];
    serve.answer = (running) => {
      questions.push(heard(running, form()));
      return told("did not wait");
    };
    expect((await call()).content[0].text).toBe("did not wait");
    expect(await questions[0]).toBe("CALL_CANCELLED");
    await clock.advance(parkedMsMax);
    expect(clock.pending).toBe(0);
  });

  test("goes on as if nothing had been asked when the question is taken back at once", async () => {
    const { call, serve } = setUp();
    serve.answer = async (running) => {
      const source = new CancelSource();
      const answer = heard(running, { ...form(), cancel: source });
      source.cancel("never mind");
      return told(await answer);
    };
    expect((await call()).content[0].text).toBe("CALL_CANCELLED");
  });
});

describe("the state of a call that waits", () => {
  // Checklist: B5
  test("is good for one use, in its own round", async () => {
    const { call, again, serve } = setUp();
    serve.answer = async (running) => told(await heard(running, form()), await heard(running, form()));
    const first = await call();
    const second = await again(first, { q1: accepted });
    expect(await again(first, { q1: accepted })).toMatchObject({ code: -32602, message: expect.stringContaining("used before"), data: { code: "STATE_INVALID" } });
    expect((await again(second, { q2: accepted })).resultType).toBe("complete");
    expect(serve.calls).toHaveLength(1);
  });

  // Checklist: B5
  test("is of no use to anybody else, for anything else, or changed", async () => {
    const { call, serve, modern } = setUp();
    serve.answer = async (running) => told(await heard(running, form()));
    const { requestState } = await call();
    const inputResponses = { q1: accepted };
    const codes = await Promise.all([
      modern("tools/call", { name: "x", arguments: { n: 1 }, requestState, inputResponses }, { ...can, principal: { id: "bob", scopes: null } }),
      modern("tools/call", { name: "y", arguments: { n: 1 }, requestState, inputResponses }, can),
      modern("tools/call", { name: "x", arguments: { n: 2 }, requestState, inputResponses }, can),
      modern("tools/call", { name: "x", arguments: { n: 1 }, requestState: `${requestState}A`, inputResponses }, can),
    ]).then((answers) => answers.map(({ json }) => json.error.code));
    expect(codes).toEqual(Array(4).fill(-32602));
    expect((await call({ requestState, inputResponses })).resultType).toBe("complete");
    expect(serve.calls).toHaveLength(1);
  });

  // Checklist: B10
  test("of another process is told apart, and nothing is made again", async () => {
    const one = setUp();
    const other = setUp();
    for (const { serve } of [one, other]) serve.answer = async (running) => told(await heard(running, form()));
    const first = await one.call();
    expect(await other.again(first, { q1: accepted })).toMatchObject({ code: -32602, message: expect.stringContaining("another one") });
    expect(other.serve.calls).toHaveLength(0);
  });
});

describe("a call whose client is away", () => {
  // Checklist: B8
  test("may end: the answer is kept for it", async () => {
    const { call, again, serve, clock } = setUp();
    serve.answer = (running) => {
      void heard(running, form());
      return clockOf(clock.timer, 1000).then(() => told("finished anyway"));
    };
    const first = await call();
    await clock.advance(1000);
    expect((await again(first, { q1: accepted })).content[0].text).toBe("finished anyway");
  });

  // Checklist: B10
  test("may lose its backend: the error is kept for it, and nothing runs twice", async () => {
    const { call, again, serve, clock } = setUp();
    const died = gate<Outcome>();
    serve.answer = (running) => {
      void heard(running, form());
      return died.promise;
    };
    const first = await call();
    died.open({ kind: "failed", error: rpcErrorOf(fault("BACKEND_GONE", { backend: "asker" })) });
    await clock.settle();
    expect(await again(first, { q1: accepted })).toMatchObject({ code: -32603, data: { code: "BACKEND_GONE" } });
    expect(serve.calls).toHaveLength(1);
  });

  // Checklist: B9
  test("goes on without a question that its backend took back", async () => {
    const { call, again, serve, clock } = setUp();
    const source = new CancelSource();
    serve.answer = async (running) => told(...(await Promise.all([heard(running, { ...form(), cancel: source }), heard(running, form())])));
    const first = await call();
    source.cancel("not needed");
    await clock.settle();
    expect((await again(first, { q1: accepted, q2: accepted })).content.map(({ text }: Json) => text)).toEqual(["CALL_CANCELLED", JSON.stringify(accepted)]);
  });

  // Checklist: B7
  test("that does not come back: the backend gets a silent client's answers, a moment, then the end", async () => {
    const { call, again, serve, clock } = setUp({ stateMsMax: parkedMsMax * 2 });
    const heardAll: string[] = [];
    serve.answer = async (running) => {
      heardAll.push(...(await Promise.all([heard(running, form()), heard(running, sampling()), heard(running, roots())])));
      heardAll.push(await heard(running, form()));
      return new Promise<Outcome>(() => undefined);
    };
    const first = await call();
    await clock.advance(parkedMsMax - collectMs);
    expect(heardAll).toEqual([]);
    await clock.advance(collectMs);
    expect(heardAll).toEqual(['{"action":"cancel"}', "error -1", "error -32603", "ASK_REFUSED"]);
    expect(serve.calls[0]?.cancel.cancelled).toBe(false);
    expect(await again(first, { q1: accepted })).toMatchObject({ code: -32602, message: expect.stringContaining("expired") });
    await clock.advance(parkedGraceMs);
    expect(serve.calls[0]?.cancel.cancelled).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test("that ends in that moment is over", async () => {
    const { call, serve, clock } = setUp();
    serve.answer = async (running) => told(await heard(running, form()));
    await call();
    await clock.advance(parkedMsMax + parkedGraceMs);
    expect([serve.calls[0]?.cancel.cancelled, clock.pending]).toEqual([false, 0]);
  });

  test("forgets an answer that nobody fetched", async () => {
    const { call, serve, clock } = setUp();
    serve.answer = (running) => {
      void heard(running, form());
      return clockOf(clock.timer, 1000).then(() => told("nobody came"));
    };
    await call();
    await clock.advance(parkedMsMax);
    expect(clock.pending).toBe(0);
  });

  test("is not cancelled by anything that closes, until somebody waits for it and goes", async () => {
    const { send, serve, clock } = setUp();
    const answers: string[] = [];
    serve.answer = async (running) => {
      answers.push(await heard(running, form()));
      return new Promise<Outcome>(() => undefined);
    };
    const first = send();
    await clock.advance(collectMs);
    const { json } = await first.answer;
    first.hangUp();
    expect(serve.calls[0]?.cancel.cancelled).toBe(false);
    const second = send({ requestState: json.result.requestState, inputResponses: { q1: accepted } });
    await clock.advance(1000);
    second.hangUp();
    expect([serve.calls[0]?.cancel.cancelled, answers]).toEqual([true, [JSON.stringify(accepted)]]);
    const third = await send({ requestState: json.result.requestState, inputResponses: { q1: accepted } }).answer;
    expect(third.json.error).toMatchObject({ code: -32602, message: expect.stringContaining("over") });
  });
});

describe("an answer that was lost on its way", () => {
  const answered = async (limits: Partial<Limits> = {}, text = "once") => {
    const { call, again, serve, clock } = setUp(limits);
    serve.answer = async (running) => {
      await heard(running, form());
      return told(text);
    };
    const first = await call();
    expect((await again(first, { q1: accepted })).content[0].text).toBe(text);
    return { again, first, serve, clock };
  };

  test("is given again to the same words, once", async () => {
    const { again, first, serve } = await answered();
    expect((await again(first, { q1: accepted })).content[0].text).toBe("once");
    expect((await again(first, { q1: accepted })).code).toBe(-32602);
    expect(serve.calls).toHaveLength(1);
  });

  test("is not given to other words, after its time, where it is large, or where many are kept", async () => {
    const other = await answered();
    expect((await other.again(other.first, { q1: { action: "decline" } })).code).toBe(-32602);
    const late = await answered();
    await late.clock.advance(redeliverMsMax);
    expect((await late.again(late.first, { q1: accepted })).code).toBe(-32602);
    expect(late.clock.pending).toBe(0);
    const large = await answered({ redeliverBytesMax: 10 });
    expect((await large.again(large.first, { q1: accepted })).code).toBe(-32602);
  });
});

describe("every transition of a call that waits", () => {
  /** A call whose backend does as it is told, a client that can come back, and what became of its questions. */
  const open = async (limits: Partial<Limits> = {}) => {
    const world = setUp(limits);
    const { send, serve, clock } = world;
    const finish = gate<Outcome>();
    serve.answer = () => finish.promise;
    const sent = send();
    await clock.settle();
    const running = serve.calls[0] as Call;
    const asked: string[] = [];
    const ask = (cancel = new CancelSource()): CancelSource => {
      void heard(running, { ...form(), cancel }).then((text) => asked.push(text));
      return cancel;
    };
    /** Asks, and lets the question reach the client. */
    const park = async (): Promise<Json> => {
      ask();
      await clock.advance(collectMs);
      return (await sent.answer).json.result;
    };
    const back = (result: Json, inputResponses: Json = { q1: accepted }) => send({ requestState: result.requestState, inputResponses });
    return { ...world, sent, running, asked, ask, park, back, finish: () => finish.open(told("end")) };
  };
  /** The answer that has come, or null. */
  const now = async (sent: { answer: Promise<{ json: Json }> }, clock: { settle(): Promise<void> }): Promise<Json> => {
    let json: Json = null;
    void sent.answer.then((answer) => (json = answer.json));
    await clock.settle();
    return json?.result ?? json?.error ?? null;
  };

  test("waited → waited: all questions are taken back before they were sent", async () => {
    const { ask, clock, sent, asked } = await open();
    ask().cancel("never mind");
    await clock.advance(collectMs);
    expect([await now(sent, clock), asked]).toEqual([null, ["CALL_CANCELLED"]]);
  });

  test("waited → parked: the questions of a few moments are sent as one", async () => {
    const { ask, clock, sent } = await open();
    ask();
    await clock.advance(collectMs - 1);
    ask();
    expect(await now(sent, clock)).toBeNull();
    await clock.advance(1);
    expect(Object.keys((await now(sent, clock)).inputRequests)).toEqual(["q1", "q2"]);
  });

  test("waited → ended: the backend has finished before its questions were sent", async () => {
    const { ask, clock, sent, asked, finish } = await open();
    ask();
    finish();
    expect([(await now(sent, clock)).content[0].text, asked]).toEqual(["end", ["CALL_CANCELLED"]]);
    await clock.advance(headMsMax);
    expect(clock.pending).toBe(0);
  });

  test("waited → ended: the client goes away before it was asked", async () => {
    const { ask, clock, sent, asked, running } = await open();
    ask();
    await clock.advance(defaultLimits.patienceMs);
    sent.hangUp();
    await clock.settle();
    expect([running.cancel.cancelled, asked]).toEqual([true, ["CALL_CANCELLED"]]);
    await clock.advance(headMsMax);
    expect(clock.pending).toBe(0);
  });

  test("parked → parked: a further question joins, and one that is taken back leaves", async () => {
    const { ask, park, back, clock } = await open();
    const first = await park();
    const unwanted = ask();
    ask();
    unwanted.cancel("never mind");
    await clock.advance(1000);
    const second = back(first);
    await clock.advance(collectMs);
    expect(Object.keys((await now(second, clock)).inputRequests)).toEqual(["q3"]);
  });

  test("parked → waited → answered: the client comes back in time, and the backend finishes", async () => {
    const { park, back, clock, asked, finish } = await open({ headMsMax: parkedMsMax });
    const first = await park();
    await clock.advance(parkedMsMax - 1);
    const second = back(first);
    expect([await now(second, clock), asked]).toEqual([null, [JSON.stringify(accepted)]]);
    finish();
    expect((await now(second, clock)).content[0].text).toBe("end");
    await clock.advance(redeliverMsMax);
    expect(clock.pending).toBe(0);
  });

  test("parked → waited → parked: it asks again, under a new state, with all the time anew", async () => {
    const { park, back, ask, clock } = await open();
    const first = await park();
    await clock.advance(parkedMsMax - 1);
    const second = back(first);
    await clock.settle();
    ask();
    await clock.advance(collectMs);
    const { requestState } = await now(second, clock);
    expect(requestState).not.toBe(first.requestState);
    await clock.advance(parkedMsMax - 1);
    expect(await now(back({ requestState }, { q2: accepted }), clock)).toBeNull();
  });

  test("parked → answered: the backend has finished while nobody waited", async () => {
    const { park, back, clock, finish, asked } = await open();
    const first = await park();
    finish();
    await clock.advance(1000);
    expect([(await now(back(first), clock)).content[0].text, asked]).toEqual(["end", ["CALL_CANCELLED"]]);
  });

  test("parked → ended: the backend has finished, and nobody came for the answer", async () => {
    const { park, finish, clock, running } = await open();
    await park();
    finish();
    await clock.advance(parkedMsMax);
    expect([clock.pending, running.cancel.cancelled]).toEqual([0, false]);
  });

  test("parked → expired → ended: nobody came back; the backend has a moment, then it is cancelled", async () => {
    const { park, asked, ask, clock, running, back } = await open({ stateMsMax: parkedMsMax * 2 });
    const first = await park();
    await clock.advance(parkedMsMax);
    expect([asked, running.cancel.cancelled]).toEqual([['{"action":"cancel"}'], false]);
    ask();
    await clock.settle();
    expect(asked.at(-1)).toBe("ASK_REFUSED");
    expect(await now(back(first), clock)).toMatchObject({ code: -32602, message: expect.stringContaining("expired") });
    await clock.advance(parkedGraceMs);
    expect([running.cancel.cancelled, clock.pending]).toEqual([true, 0]);
    expect((await now(back(first), clock)).code).toBe(-32602);
  });

  test("expired → ended: the backend makes something of the silence in its moment", async () => {
    const { park, finish, clock, running } = await open();
    await park();
    await clock.advance(parkedMsMax);
    finish();
    await clock.advance(parkedGraceMs);
    expect([running.cancel.cancelled, clock.pending]).toEqual([false, 0]);
  });

  test("answered → ended: the answer was given once more, or its time is over", async () => {
    for (const isLost of [true, false]) {
      const { park, back, finish, clock } = await open();
      const first = await park();
      const second = back(first);
      finish();
      expect((await now(second, clock)).content[0].text).toBe("end");
      if (isLost) expect((await now(back(first), clock)).content[0].text).toBe("end");
      else await clock.advance(redeliverMsMax);
      expect((await now(back(first), clock)).code).toBe(-32602);
      await clock.advance(headMsMax);
      expect(clock.pending).toBe(0);
    }
  });

  test("no transition: a second retry while the first is waited for", async () => {
    const { park, back, finish, clock } = await open();
    const first = await park();
    const [one, two] = [back(first), back(first)];
    expect([await now(one, clock), (await now(two, clock)).code]).toEqual([null, -32602]);
    finish();
    expect((await now(one, clock)).content[0].text).toBe("end");
  });
});

describe("pages to visit before a call", () => {
  const visit = (): Outcome => ({ ...failure(-32042, "Sign in first", { elicitations: [{ mode: "url", elicitationId: "e", url: "https://a/x?y=1", message: "Sign in" }] }), backend: "asker" }) as Outcome;

  // Checklist: B17
  const over = (running: Call | undefined, id = "e"): void => running?.notice({ kind: "other", method: "notifications/elicitation/complete", params: located(JSON.stringify({ elicitationId: id })) });

  test("are questions; the call is made anew when they were accepted and are over", async () => {
    const { call, again, serve } = setUp();
    serve.answer = visit;
    const first = await call();
    over(serve.calls[0]);
    expect(first).toMatchObject({ resultType: "input_required", inputRequests: { visit1: { method: "elicitation/create", params: { mode: "url", url: "https://a/x?y=1", message: "[asker] Sign in" } } } });
    expect(first.inputRequests.visit1.params).not.toHaveProperty("elicitationId");
    const second = await again(first, { visit1: { action: "accept" } });
    expect(second.resultType).toBe("input_required");
    over(serve.calls[1]);
    serve.answer = () => told("signed in");
    expect((await again(second, { visit1: { action: "accept" } })).content[0].text).toBe("signed in");
    expect(serve.calls.map(({ resume }) => resume)).toEqual([null, { responses: null, state: null, backend: null }, { responses: null, state: null, backend: null }]);
  });

  // Checklist: B17
  test("that are accepted are waited for, until the backend says that they are over", async () => {
    const { call, send, serve, clock } = setUp();
    serve.answer = visit;
    const first = await call();
    serve.answer = () => told("signed in");
    const retry = send({ requestState: first.requestState, inputResponses: { visit1: { action: "accept" } } });
    await clock.advance(5000);
    over(serve.calls[0], "another");
    await clock.settle();
    expect(serve.calls).toHaveLength(1);
    over(serve.calls[0]);
    expect((await retry.answer).json.result.content[0].text).toBe("signed in");
    expect(serve.calls).toHaveLength(2);
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  // Checklist: B17
  test("that the backend never says the end of hold the call up for a bounded time", async () => {
    const { call, send, serve, clock } = setUp({ headMsMax: 120_000, visitMsMax: 7000 });
    serve.answer = visit;
    const first = await call();
    const retry = send({ requestState: first.requestState, inputResponses: { visit1: { action: "accept" } } });
    await clock.advance(6999);
    expect(serve.calls).toHaveLength(1);
    await clock.advance(1);
    expect((await retry.answer).json.result.resultType).toBe("input_required");
    expect(serve.calls).toHaveLength(2);
  });

  test("are not waited for where the backend gave them no id, or when the client has gone: then nothing runs", async () => {
    const { call, again, send, serve, clock } = setUp();
    serve.answer = () => ({ ...failure(-32042, "first", { elicitations: [{ url: "https://a" }] }), backend: "asker" }) as Outcome;
    const bare = await call();
    expect((await again(bare, { visit1: { action: "accept" } })).resultType).toBe("input_required");
    serve.answer = visit;
    const first = await call();
    const before = serve.calls.length;
    const retry = send({ requestState: first.requestState, inputResponses: { visit1: { action: "accept" } } });
    await clock.advance(1000);
    retry.hangUp();
    await clock.settle();
    over(serve.calls.at(-1));
    await clock.advance(defaultLimits.visitMsMax);
    expect([serve.calls.length, clock.pending]).toEqual([before, 0]);
  });

  // Checklist: B17
  test("that somebody will not visit end the call: nothing runs", async () => {
    const { call, again, serve, modern } = setUp();
    serve.answer = visit;
    expect(await again(await call(), { visit1: { action: "decline" } })).toMatchObject({ resultType: "complete", isError: true });
    const prompt = (await modern("prompts/get", { name: "p" }, can)).json.result;
    expect((await modern("prompts/get", { name: "p", requestState: prompt.requestState, inputResponses: { visit1: { action: "cancel" } } }, can)).json.error.code).toBe(-32603);
    expect(serve.calls).toHaveLength(2);
  });

  test("are for clients that can, in methods that can be made again", async () => {
    const { serve, modern } = setUp();
    serve.answer = visit;
    const lacking = await modern("tools/call", { name: "x" }, { meta: { [key.capabilities]: { elicitation: {} } } });
    expect([lacking.status, lacking.json.error.code, lacking.json.error.data.requiredCapabilities]).toEqual([400, -32021, { elicitation: { url: {} } }]);
    expect((await modern("completion/complete", { ref: {} }, can)).json.error.code).toBe(-32603);
    serve.answer = () => failure(-32042, "no pages", {});
    expect((await modern("tools/call", { name: "x" }, can)).json.error.code).toBe(-32603);
  });

  test("are over without a word to clients that come back by themselves", async () => {
    const { send, serve } = setUp();
    serve.answer = (running) => {
      running.notice({ kind: "other", method: "notifications/elicitation/complete", params: located('{"elicitationId":"e"}') });
      return told("plain");
    };
    expect((await send().answer).stream).toBeNull();
  });
});

test("a question on an open stream is that stream's last message", async () => {
  const { send, serve, clock } = setUp();
  serve.answer = async (running) => {
    running.notice({ kind: "other", method: "x/y", params: null });
    return told(await heard(running, form()));
  };
  const answer = await send().answer;
  expect((await nextJson(answer)).method).toBe("x/y");
  await clock.advance(collectMs);
  expect((await nextJson(answer)).result.resultType).toBe("input_required");
  expect(await nextJson(answer)).toBeNull();
});

type Step = { kind: "ask" | "finish" | "hang up" } | { kind: "withdraw"; which: number } | { kind: "wait"; ms: number } | { kind: "come back"; answers: string[] };

test("whatever comes in whatever order, every question is settled, the call is made once, and nothing is left", async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.constant({ kind: "ask" } as const),
    fc.record({ kind: fc.constant("withdraw" as const), which: fc.nat(7) }),
    fc.record({ kind: fc.constant("come back" as const), answers: fc.subarray(["q1", "q2", "q3", "q4", "q5", "q6"]) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, collectMs, 1000) }),
    fc.constant({ kind: "finish" } as const),
    fc.constant({ kind: "hang up" } as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { send, call, serve, clock } = setUp({ parkedPerPrincipalMax: 1 });
      const finish = gate<Outcome>();
      const asked: { readonly cancel: CancelSource; readonly answer: Promise<string> }[] = [];
      serve.answer = () => finish.promise;
      let state: string | null = null;
      let sent = send();
      const look = (): void => {
        void sent.answer.then(({ json }) => {
          state = json?.result?.requestState ?? state;
        });
      };
      const ask = (): void => {
        const cancel = new CancelSource();
        asked.push({ cancel, answer: heard(serve.calls[0] as Call, { ...form(), cancel }) });
      };
      const comeBack = (answers: readonly string[]): void => {
        if (state !== null) sent = send({ requestState: state, inputResponses: Object.fromEntries(answers.map((name) => [name, accepted])) });
      };
      const run = (one: Step): void | Promise<void> => {
        switch (one.kind) {
          case "ask": return ask();
          case "withdraw": return asked[one.which]?.cancel.cancel("not needed");
          case "wait": return clock.advance(one.ms);
          case "finish": return finish.open(told("end"));
          case "hang up": return sent.hangUp();
          default: return comeBack(one.answers);
        }
      };
      for (const one of steps) {
        await run(one);
        look();
        await clock.settle();
      }
      finish.open(told("end"));
      await clock.advance(parkedMsMax + parkedGraceMs);
      const texts = await Promise.all(asked.map(({ answer }) => answer));
      for (const text of texts) expect([JSON.stringify(accepted), '{"action":"cancel"}', "CALL_CANCELLED", "LIMIT_REACHED"]).toContain(text);
      expect([serve.calls.length, clock.pending]).toEqual([1, 0]);
      serve.answer = async (running) => told(await heard(running, form()));
      expect((await call()).resultType).toBe("input_required");
    }),
    { numRuns: 150 },
  );
});

const clockOf = (timer: (ms: number, run: () => void) => unknown, ms: number): Promise<void> => new Promise((resolve) => void timer(ms, resolve));
