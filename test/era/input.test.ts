import { describe, expect, test } from "bun:test";
import { defaultLimits, Fault } from "../../src/base/index.ts";
import { questionChanges, questionFault, tryOf, visitsOf } from "../../src/era/input.ts";
import { createSeal } from "../../src/era/seal.ts";
import { type Raw, rawOf } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { alice } from "../fixtures/era.ts";
import { located, question } from "../fixtures/serve.ts";

const clock = createTestClock();
const seal = createSeal({ key: new Uint8Array(32), clock, msMax: 1000 });
const request = (params: string, method = "tools/call") => ({ method, params: located(params), principal: alice, selection: { server: null } });
const inputOf = (questions: unknown, state: string | null) => {
  const outcome = question(questions, state);
  if (outcome.kind !== "input") throw new Error("no question");
  return outcome;
};

describe("a retry", () => {
  const asked = (questions: unknown, state: string | null, kind: "relay" | "parked" | "url-wait" = "relay", round = 0, server: string | null = null) =>
    questionChanges(inputOf(questions, state), { ...request('{"name":"x"}'), selection: { server: null }, round, ...(server === null ? {} : { selection: { server } }) }, seal, kind);
  const again = (state: Raw | null | undefined, responses = "{}") => tryOf(request(`{"name":"x","requestState":${state},"inputResponses":${responses}}`), seal);

  test("is nothing special on a first try, or where no retry exists", () => {
    const first = { kind: "call", resume: null, round: 0 };
    expect(tryOf(request('{"name":"x"}'), seal)).toEqual(first as never);
    expect(tryOf(request('{"requestState":"x","inputResponses":{}}', "tools/list"), seal)).toEqual(first as never);
  });

  test("gives the backend's state back to the very same request, and counts", () => {
    const { requestState } = asked({}, "inner", "relay", 4);
    expect(tryOf(request(`{"name":"x","requestState":${requestState}}`), seal)).toEqual({ kind: "call", resume: { responses: null, state: "inner", backend: "asker" }, round: 5 });
    expect(tryOf(request(`{"name":"y","requestState":${requestState}}`), seal)).toBeInstanceOf(Fault);
    expect(tryOf(request('{"name":"x","requestState":null}'), seal)).toBeInstanceOf(Fault);
  });

  test("carries its answers alone where no state was given", () => {
    expect(asked(undefined, null)).toEqual({ requestState: null });
    expect(tryOf(request('{"name":"x","inputResponses":{"a":1.0}}'), seal)).toEqual({ kind: "call", resume: { responses: '{"a":1.0}', state: null, backend: null }, round: 0 });
  });

  test("of a call that waits inside names it", () => {
    expect(again(asked({}, "id", "parked")["requestState"])).toMatchObject({ kind: "parked", sealed: { state: "id", round: 1 } });
  });

  test("after visits names the visit if all were accepted, or none was said to be anything", () => {
    const state = asked({}, "v", "url-wait")["requestState"];
    const visiting = { kind: "visiting", visit: "v", round: 1 };
    expect(again(state)).toEqual(visiting as never);
    expect(again(state, '{"a":{"action":"accept"},"b":{"action":"accept"}}')).toEqual(visiting as never);
    for (const other of ['{"a":{"action":"accept"},"b":{"action":"decline"}}', '{"a":{"action":"cancel"}}', '{"a":5}']) expect(again(state, other)).toEqual({ kind: "declined" });
  });

  test("that is too late is told so", async () => {
    const state = asked({}, "s")["requestState"];
    await clock.advance(1000);
    const refused = again(state);
    expect(refused instanceof Fault && refused.message).toContain("expired");
  });

  test("is preceded by questions that say who asks, where many could", () => {
    const form = { a: { method: "elicitation/create", params: { message: "?" } } };
    expect(asked(form, null)["inputRequests"]).toContain('"message":"[asker] ?"');
    expect(asked(form, null, "relay", 0, "asker")["inputRequests"]).toContain('"message":"?"');
  });
});

describe("an error that sends to pages", () => {
  const error = (data: unknown) => ({ code: -32042, message: "first", data: data === undefined ? null : JSON.stringify(data), raw: "{}" });

  test("is a question for each page", () => {
    const visits = visitsOf(error({ elicitations: [{ url: "https://a", message: "A", elicitationId: "1" }, { mode: "url", url: "https://b" }] }), "b", defaultLimits, () => "name");
    expect(visits?.state).toBe("name");
    expect(JSON.parse(visits === null ? "null" : rawOf(visits.result))).toEqual({
      inputRequests: {
        visit1: { method: "elicitation/create", params: { url: "https://a", message: "A", elicitationId: "1", mode: "url" } },
        visit2: { method: "elicitation/create", params: { mode: "url", url: "https://b" } },
      },
    });
  });

  test("is nothing special without pages, or with too many", () => {
    const many = Array.from({ length: defaultLimits.questionsMax + 1 }, () => ({ url: "https://a" }));
    for (const data of [undefined, {}, { elicitations: [] }, { elicitations: 5 }, [], { elicitations: [7, {}, { url: 5 }] }, { elicitations: many }]) expect(visitsOf(error(data), "b", defaultLimits, () => "")).toBeNull();
  });
});

test("a question by a name that objects have anyway is of unknown kind", () => {
  const call = { method: "tools/call", client: { info: null, capabilities: "{}" } };
  for (const odd of [{ a: { method: "toString" } }, { a: 5 }, { a: {} }]) expect(questionFault(inputOf(odd, "s"), call, defaultLimits)?.code).toBe("BACKEND_GARBLED");
  expect(questionFault(inputOf({}, "s"), call, defaultLimits)).toBeNull();
});
