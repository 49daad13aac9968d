import { expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits, isContext, parseTraceParent } from "../../src/base/index.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

test("a parent is read, and whether its trace is sampled", () => {
  expect(parseTraceParent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, sampled: true });
  expect(parseTraceParent(`00-${trace}-${span}-02`)?.sampled).toBeFalse();
  expect(parseTraceParent(`cc-${trace}-${span}-03-what-comes-later`)?.sampled).toBeTrue();
});

test.each([
  "",
  `00-${trace}-${span}`,
  `00-${trace}-${span}-01-more`,
  `ff-${trace}-${span}-01`,
  `00-${"0".repeat(32)}-${span}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${trace}-${span}-01\r\nx: y`,
  ` 00-${trace}-${span}-01`,
])("%j is no parent", (text) => {
  expect(parseTraceParent(text)).toBeNull();
  expect(isContext("traceparent", text, defaultLimits)).toBeFalse();
});

test("what is longer than may be does not travel on", () => {
  const later = `cc-${trace}-${span}-01-later`;
  for (const [name, text] of [["traceparent", later], ["tracestate", "a=1"], ["baggage", "a=1"]] as const) {
    expect([text.length, text.length - 1].map((traceCharsMax) => isContext(name, text, { traceCharsMax }))).toEqual([true, false]);
  }
});

test("lists travel on when they can be headers, and are not too long", () => {
  for (const name of ["tracestate", "baggage"] as const) {
    expect([isContext(name, "a=1,b=2;p=3", defaultLimits), isContext(name, "", defaultLimits), isContext(name, "nothing", defaultLimits), isContext(name, "a=1\nx: y", defaultLimits), isContext(name, "a=ü", defaultLimits), isContext(name, `a=${"x".repeat(8191)}`, defaultLimits)]).toEqual([true, false, false, false, false, false]);
  }
});

test("whatever travels on is one line of printable ASCII", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom("traceparent", "tracestate", "baggage"), (text, name) => {
      if (isContext(name as "baggage", text, defaultLimits)) expect(text).toMatch(/^[\x20-\x7e]+$/);
    }),
  );
});
