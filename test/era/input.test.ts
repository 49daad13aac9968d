import { describe, expect, test } from "bun:test";
import { defaultLimits, Fault } from "../../src/base/index.ts";
import { questionFault, resumeOf, sealedState } from "../../src/era/input.ts";
import { createSeal } from "../../src/era/seal.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { alice } from "../fixtures/era.ts";
import { located, question } from "../fixtures/serve.ts";

const seal = createSeal({ key: new Uint8Array(32), clock: createTestClock(), msMax: 1000 });
const request = (params: string, method = "tools/call") => ({ method, params: located(params), principal: alice, selection: { server: null } });
const inputOf = (questions: unknown, state: string | null) => {
  const outcome = question(questions, state);
  if (outcome.kind !== "input") throw new Error("no question");
  return outcome;
};

describe("a retry", () => {
  test("is nothing special on a first try, or where no retry exists", () => {
    expect(resumeOf(request('{"name":"x"}'), seal)).toBeNull();
    expect(resumeOf(request('{"requestState":"x","inputResponses":{}}', "tools/list"), seal)).toBeNull();
  });

  test("gives the backend's state back to the very same request", () => {
    const changes = sealedState(inputOf({}, "inner"), request('{"name":"x"}'), seal);
    const state = changes["requestState"];
    expect(resumeOf(request(`{"name":"x","requestState":${state}}`), seal)).toEqual({ responses: null, state: "inner", backend: "asker" });
    expect(resumeOf(request(`{"name":"y","requestState":${state}}`), seal)).toBeInstanceOf(Fault);
    expect(resumeOf(request('{"name":"x","requestState":null}'), seal)).toBeInstanceOf(Fault);
  });

  test("needs no state where none was given", () => {
    expect(sealedState(inputOf({}, null), request("{}"), seal)).toEqual({ requestState: null });
  });
});

test("a question by a name that objects have anyway is of unknown kind", () => {
  const call = { method: "tools/call", client: { info: null, capabilities: "{}" } };
  for (const odd of [{ a: { method: "toString" } }, { a: 5 }, { a: {} }]) expect(questionFault(inputOf(odd, "s"), call, defaultLimits)?.code).toBe("BACKEND_GARBLED");
  expect(questionFault(inputOf({}, "s"), call, defaultLimits)).toBeNull();
});
