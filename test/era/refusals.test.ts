import { describe, expect, test } from "bun:test";
import { defaultLimits, fault } from "../../src/base/index.ts";
import { legacyError, modernError, modernStatus, thrownError } from "../../src/era/refusals.ts";
import { failure, located } from "../fixtures/serve.ts";

const error = (code: number, data?: unknown) => {
  const outcome = failure(code, "words", data);
  if (outcome.kind !== "failed") throw new Error("no failure");
  return outcome.error;
};
const call = (method = "tools/call") => ({ method, params: located('{"uri":"a://b"}'), client: { info: null, capabilities: '{"roots":{}}' } });

describe("an error on its way", () => {
  test("is the very same object where its code is allowed", () => {
    for (const code of [-32603, -32602, -32000, -32019, -32100, 5]) {
      const one = error(code);
      expect(modernError(one, call(), defaultLimits)).toBe(one);
      expect(legacyError(one, "tools/call", "2025-11-25", defaultLimits)).toBe(one);
    }
  });

  test("keeps data that is no object when its code changes", () => {
    expect(JSON.parse(modernError(error(-32002, "text"), call("resources/read"), defaultLimits).raw)).toEqual({ code: -32602, message: "words", data: "text" });
    expect(JSON.parse(modernError(error(-32002), call("tools/call"), defaultLimits).raw)).toEqual({ code: -32602, message: "words" });
  });

  test("about capabilities is the client's only if it names some that the client lacks", () => {
    expect(modernError(error(-32021, { requiredCapabilities: { sampling: {} } }), call(), defaultLimits).code).toBe(-32021);
    for (const data of [undefined, "x", {}, { requiredCapabilities: {} }, { requiredCapabilities: { sampling: {}, roots: {} } }]) {
      expect(modernError(error(-32021, data), call(), defaultLimits).code).toBe(-32603);
    }
  });

  test("about an extension is the client's if it lacks that one, whichever others it has", () => {
    const needs = (...names: string[]): unknown => ({ requiredCapabilities: { extensions: Object.fromEntries(names.map((name) => [name, {}])) } });
    const having = { ...call(), client: { info: null, capabilities: '{"extensions":{"a/ui":{}}}' } };
    expect(modernError(error(-32021, needs("a/tasks")), having, defaultLimits).code).toBe(-32021);
    expect(modernError(error(-32021, needs("a/tasks")), call(), defaultLimits).code).toBe(-32021);
    expect(modernError(error(-32021, needs("a/ui")), having, defaultLimits).code).toBe(-32603);
    expect(modernError(error(-32021, { requiredCapabilities: { extensions: 1 } }), having, defaultLimits).code).toBe(-32603);
  });

  test("has a status of its own for a missing method and a missing capability only", () => {
    expect([-32601, -32021, -32602, -32603, -32600, -32700, 1].map(modernStatus)).toEqual([404, 400, 200, 200, 200, 200, 200]);
  });

  test("that was thrown is a fault of ours", () => {
    expect(thrownError(fault("BACKEND_DOWN", { backend: "b" })).data).toContain('"backend":"b"');
    expect(thrownError("odd").data).toContain("INTERNAL");
  });
});
