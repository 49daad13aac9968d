/** A 2025 client before a backend that wants input in its result: real questions, and the call made again. */
import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import type { Call, Outcome } from "../../src/protocol/index.ts";
import { allJson, createWorld, type Json, nextEvent } from "../fixtures/era.ts";
import { done, failure, located, question } from "../fixtures/serve.ts";

const { roundsMax, paceMs, askMsMax } = defaultLimits;
const form = { a: { method: "elicitation/create", params: { mode: "form", message: "?", requestedSchema: { type: "object", properties: {} } } } };
const url = { u: { method: "elicitation/create", params: { mode: "url", message: "?", url: "https://a" } } };
const sampling = { s: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } } };
const roots = { r: { method: "roots/list" } };
const said = (text: string): Outcome => done({ content: [{ type: "text", text }] });

/** Plays the backend's steps in order, and remembers what each call came with. */
async function setUp(steps: readonly Outcome[], capabilities: Json = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }, revision = "2025-11-25") {
  const world = createWorld();
  const { serve, session, send } = world;
  const headers = await session(revision, { capabilities });
  const resumes: (Call["resume"])[] = [];
  const left = [...steps];
  serve.answer = (call) => {
    resumes.push(call.resume);
    return left.length > 1 ? (left.shift() as Outcome) : (left[0] as Outcome);
  };
  return {
    ...world,
    resumes,
    call: (method = "tools/call") => send({ jsonrpc: "2.0", id: 5, method, params: { name: "x", uri: "a://b", _meta: { progressToken: "t" } } }, { headers }),
    say: (message: Json) => send({ jsonrpc: "2.0", ...message }, { headers }).answer,
  };
}

async function spoken(answer: Parameters<typeof nextEvent>[0]): Promise<Json> {
  for (;;) {
    const event = await nextEvent(answer);
    if (event === null) return null;
    if (event.data !== "") return JSON.parse(event.data);
  }
}

describe("a session before a backend that wants input", () => {
  // Checklist: B18
  test("is asked all of a round at once, and the call is made again with the answers and the very state", async () => {
    const { call, say, resumes } = await setUp([question({ ...form, ...roots }, 'st"ate'), question(sampling, null), said("end")]);
    const answer = await call().answer;
    const asked = [await spoken(answer), await spoken(answer)];
    expect(asked.map(({ id, method, params }) => [id, method, params?.message])).toEqual([[1, "elicitation/create", "[asker] ?"], [2, "roots/list", undefined]]);
    await say({ id: 2, result: { roots: [] } });
    await say({ id: 1, result: { action: "accept", content: {} } });
    expect((await spoken(answer)).method).toBe("sampling/createMessage");
    await say({ id: 3, result: { role: "assistant", model: "m", content: { type: "text", text: "t" } } });
    expect(await spoken(answer)).toMatchObject({ id: 5, result: { content: [{ text: "end" }] } });
    expect(resumes).toEqual([
      null,
      { responses: '{"a":{"action":"accept","content":{}},"r":{"roots":[]}}', state: 'st"ate', backend: "asker" },
      { responses: '{"s":{"role":"assistant","model":"m","content":{"type":"text","text":"t"}}}', state: null, backend: "asker" },
    ]);
  });

  // Checklist: B20
  test("waits where only time is wanted, with the very state", async () => {
    const { call, clock, resumes } = await setUp([question(undefined, "1"), question({}, "2"), said("end")]);
    const sent = call();
    await clock.advance(paceMs - 1);
    expect(resumes).toHaveLength(1);
    await clock.advance(1);
    expect(resumes).toHaveLength(2);
    await clock.advance(paceMs);
    expect((await allJson(await sent.answer)).at(-1).result.content[0].text).toBe("end");
    expect(resumes.map((resume) => resume?.state)).toEqual([undefined, "1", "2"]);
  });

  // Checklist: B18
  test("is not asked for ever: a tool says so, anything else fails", async () => {
    const tool = await setUp([question(undefined, "more")]);
    const sent = tool.call();
    await tool.clock.advance(paceMs * roundsMax);
    const last = (await allJson(await sent.answer)).at(-1).result;
    expect([last.isError, last.content[0].text, tool.resumes.length]).toEqual([true, expect.stringContaining("asker"), roundsMax + 1]);
    const prompt = await setUp([question(undefined, "more")]);
    const other = prompt.call("prompts/get");
    await prompt.clock.advance(paceMs * roundsMax);
    expect((await allJson(await other.answer)).at(-1).error).toMatchObject({ code: -32603, data: { code: "ASK_REFUSED" } });
  });

  // Checklist: B19
  test("that fails a form, or is silent, has cancelled it", async () => {
    const { call, say, resumes, clock } = await setUp([question(form, "1"), question(form, "2"), said("end")]);
    const answer = await call().answer;
    await spoken(answer);
    await say({ id: 1, error: { code: -32603, message: "no window" } });
    await spoken(answer);
    await clock.advance(askMsMax);
    expect((await spoken(answer)).method).toBe("notifications/cancelled");
    expect((await spoken(answer)).result.content[0].text).toBe("end");
    expect(resumes.slice(1).map((resume) => resume?.responses)).toEqual(Array(2).fill('{"a":{"action":"cancel"}}'));
  });

  // Checklist: B19
  test("that refuses its model or its roots ends the call, and is not asked the rest", async () => {
    const tool = await setUp([question({ ...form, ...sampling }, "1"), said("never")]);
    const answer = await tool.call().answer;
    for (const _ of [1, 2]) await spoken(answer);
    await tool.say({ id: 2, error: { code: -1, message: "rejected" } });
    expect(await spoken(answer)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 1 } });
    expect((await spoken(answer)).result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("rejected") }] });
    const read = await setUp([question(roots, "1"), said("never")]);
    const other = await read.call("resources/read").answer;
    await spoken(other);
    await read.say({ id: 1, error: { code: -32603, message: "none" } });
    expect((await spoken(other)).error.code).toBe(-32603);
    expect([tool.resumes.length, read.resumes.length]).toEqual([1, 1]);
  });

  // Checklist: B21
  test("is not asked what it did not declare: the answer names it, and no code of the other era", async () => {
    const lacking = await setUp([question(form, "s")], {});
    expect((await lacking.call().answer).json.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("elicitation.form") }] });
    const older = await setUp([question(url, "s")], { elicitation: {} }, "2025-06-18");
    expect((await older.call("prompts/get").answer).json.error).toMatchObject({ code: -32603, message: expect.stringContaining("elicitation.url") });
    const told = await setUp([failure(-32021, "missing", { requiredCapabilities: { elicitation: { form: {} } } })], {});
    expect((await told.call().answer).json.error).toMatchObject({ code: -32603, message: expect.stringContaining("elicitation.form") });
    for (const one of [lacking, older, told]) expect(one.resumes).toHaveLength(1);
  });

  test("does not suffer from questions that are none", async () => {
    for (const odd of [question(undefined, null), question({ a: 5 }, "s"), question({ a: { method: "ping" } }, "s")]) {
      const { call } = await setUp([odd]);
      expect((await call().answer).json.result).toMatchObject({ isError: true });
    }
    const list = await setUp([question(form, "s")]);
    expect((await list.call("tools/list").answer).json.error.data.code).toBe("BACKEND_GARBLED");
  });

  test("is sent to a page with an id that it can be told the end of", async () => {
    const { call, say } = await setUp([question(url, "s"), said("end")]);
    const answer = await call().answer;
    expect((await spoken(answer)).params).toEqual({ mode: "url", message: "[asker] ?", url: "https://a", elicitationId: expect.any(String) });
    await say({ id: 1, result: { action: "accept" } });
    expect((await spoken(answer)).result.content[0].text).toBe("end");
  });

  test("that cancels the call is asked nothing more, and nothing is called again", async () => {
    const { call, say, resumes, clock } = await setUp([question(undefined, "wait")]);
    const sent = call();
    await clock.advance(paceMs / 2);
    await say({ method: "notifications/cancelled", params: { requestId: 5 } });
    await clock.advance(paceMs);
    expect((await allJson(await sent.answer)).length).toBe(0);
    expect(resumes).toHaveLength(1);
  });

  // Checklist: B24
  test("sees progress that rises across the rounds", async () => {
    const { call, serve, clock } = await setUp([]);
    let round = 0;
    serve.answer = (running) => {
      round += 1;
      for (const progress of [1, round]) running.notice({ kind: "progress", params: located(`{"progress":${progress}}`) });
      return round < 3 ? question(undefined, "more") : said("end");
    };
    const sent = call();
    await clock.advance(paceMs * 2);
    const values = (await allJson(await sent.answer)).filter(({ method }) => method === "notifications/progress").map(({ params }) => params);
    expect(values).toEqual([1, 2, 3].map((progress) => ({ progress, progressToken: "t" })));
  });
});
