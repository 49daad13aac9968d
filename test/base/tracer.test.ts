import { describe, expect, test } from "bun:test";
import { parseTraceParent } from "../../src/base/index.ts";
import { createTracer, type Finished, traceParentText } from "../../src/base/tracer.ts";
import { createTestClock } from "../fixtures/clock.ts";

const parent = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true };

function tracerOf(ratio: number, followsParent: boolean) {
  const finished: Finished[] = [];
  const clock = createTestClock();
  return { finished, clock, tracer: createTracer({ ratio, followsParent }, clock, (span) => finished.push(span)) };
}

describe("a span", () => {
  test("is told once, when it ends, with what was said at both ends", () => {
    const { tracer, finished, clock } = tracerOf(1, true);
    const span = tracer.start("server", "tools/call x", parent, { a: 1 });
    expect(finished).toEqual([]);
    span.end("it failed", { b: "2" });
    span.end(null);
    expect(finished).toEqual([{ traceId: parent.traceId, spanId: span.context.spanId, parentId: parent.spanId, kind: "server", name: "tools/call x", startMs: clock.now(), endMs: expect.any(Number), attributes: { a: 1, b: "2" }, error: "it failed" }]);
    expect(finished[0]?.endMs).toBeGreaterThanOrEqual(clock.now());
  });

  test("has a name that others can read", () => {
    const { context } = tracerOf(1, true).tracer.start("client", "x", null, {});
    expect(parseTraceParent(traceParentText(context))).toEqual(context);
    expect(context.sampled).toBeTrue();
  });
});

describe("a trace", () => {
  test("that began elsewhere is sampled as it is there, or as is said here", () => {
    const sampled = (ratio: number, follows: boolean, there: boolean) => tracerOf(ratio, follows).tracer.start("server", "x", { ...parent, sampled: there }, {}).context.sampled;
    expect([sampled(0, true, true), sampled(1, true, false), sampled(0, false, true), sampled(1, false, false)]).toEqual([true, false, false, true]);
  });

  test("that is not sampled is told to nobody, and to those who come after that it is not", () => {
    const { tracer, finished } = tracerOf(0, true);
    const span = tracer.start("server", "x", null, {});
    span.end(null);
    expect([finished, traceParentText(span.context).slice(-3)]).toEqual([[], "-00"]);
  });

  test("is sampled by its id, as often as is asked for, and below itself alike", () => {
    const { tracer } = tracerOf(0.25, false);
    const roots = Array.from({ length: 4000 }, () => tracer.start("server", "x", null, {}).context);
    const share = roots.filter(({ sampled }) => sampled).length / roots.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
    for (const root of roots.slice(0, 50)) expect(tracer.start("client", "y", root, {}).context).toMatchObject({ traceId: root.traceId, sampled: root.sampled });
  });
});
