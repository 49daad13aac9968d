import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { contextHeaders, metaWithContext } from "../../src/era/context.ts";
import { alice } from "../fixtures/era.ts";

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const other = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00";
const from = (headers: Record<string, string>, meta: string | null = null) => metaWithContext(meta, { principal: alice, selection: { server: null }, header: (name) => headers[name] ?? null }, defaultLimits);

describe("context in headers", () => {
  test("comes to stand in _meta, beside what is there byte for byte", () => {
    expect(from({ traceparent: parent, tracestate: "a=1", baggage: 'k=v"' })).toBe(`{"traceparent":"${parent}","tracestate":"a=1","baggage":"k=v\\""}`);
    expect(from({ traceparent: parent }, '{ "x" : 1.0 }')).toBe(`{ "x" : 1.0,"traceparent":"${parent}" }`);
    expect(from({ baggage: "k=v" }, "{}")).toBe('{"baggage":"k=v"}');
  });

  test("yields to what _meta says itself, which is not touched, valid or not", () => {
    expect(from({ traceparent: parent, tracestate: "a=1" }, `{"traceparent":"${other}"}`)).toBe(`{"traceparent":"${other}"}`);
    expect(from({ traceparent: parent, baggage: "k=v" }, '{"tracep\\u0061rent":7}')).toBe('{"tracep\\u0061rent":7,"baggage":"k=v"}');
  });

  test("that is not valid goes nowhere, and a state goes nowhere without its parent", () => {
    expect(from({ traceparent: "00-x", tracestate: "a=1", baggage: "none" })).toBeNull();
    expect(from({ tracestate: "a=1" })).toBeNull();
    expect(from({}, '{"x":1}')).toBe('{"x":1}');
  });

  test("is none where messages have no headers", () => {
    expect(metaWithContext('{"x":1}', { principal: alice, selection: { server: null } }, defaultLimits)).toBe('{"x":1}');
  });
});

describe("context in _meta", () => {
  test("is said in headers, as far as it is valid", () => {
    const headersOf = (meta: string | null) => contextHeaders(meta, defaultLimits);
    expect(headersOf(`{"traceparent":"${parent}","tracestate":"a=1","baggage":"k=v","x":"traceparent"}`)).toEqual({ traceparent: parent, tracestate: "a=1", baggage: "k=v" });
    expect(headersOf('{"traceparent":"00-x","tracestate":"a=1","baggage":"k=v\\n"}')).toEqual({});
    expect(headersOf('{"traceparent":7}')).toEqual({});
    expect([headersOf(null), headersOf('{"x":1}'), headersOf('{"x":{"traceparent":1}')]).toEqual([null, null, null]);
  });
});
