import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isObject, readMeta, textOf } from "../../src/era/hop.ts";
import { key } from "../fixtures/era.ts";
import { located } from "../fixtures/serve.ts";

describe("_meta of a request", () => {
  test("is parted into what this hop needs and what travels on, byte for byte", () => {
    const meta = located(`{"a":1.0,"${key.version}":"v","progressToken":7,"${key.capabilities}":{"x":{}},"b":"\\u0062","${key.logLevel}":"info","${key.info}":{"name":"n"}}`);
    expect(readMeta(meta)).toEqual({ version: '"v"', progressToken: "7", clientCapabilities: '{"x":{}}', logLevel: '"info"', clientInfo: '{"name":"n"}', rest: '{"a":1.0,"b":"\\u0062"}' });
  });

  test("that is only for this hop leaves nothing, and strangers are left alone", () => {
    expect(readMeta(located('{"progressToken":7}')).rest).toBeNull();
    expect(readMeta(located("{}")).rest).toBeNull();
    expect(readMeta(null)).toEqual(readMeta(located("{}")));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (others) => {
        const text = JSON.stringify(others);
        fc.pre(!("progressToken" in others));
        expect(readMeta(located(text)).rest).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});

test("a JSON string is read, anything else is none", () => {
  expect([textOf('"a"'), textOf('"\\u0061\\n"'), textOf("1"), textOf(null), textOf("{}")]).toEqual(["a", "a\n", null, null, null]);
  expect([isObject("{}"), isObject("[]"), isObject(null)]).toEqual([true, false, false]);
});
