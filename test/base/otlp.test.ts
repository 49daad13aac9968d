import { describe, expect, test } from "bun:test";
import { createEgress, defaultLimits, type Log, nullLog } from "../../src/base/index.ts";
import { createExporter, type ExporterOptions } from "../../src/base/otlp.ts";
import type { Finished } from "../../src/base/tracer.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createCollector } from "../fixtures/collector.ts";

const spanOf = (name: string, more: Partial<Finished> = {}): Finished => ({ traceId: "a".repeat(32), spanId: "b".repeat(16), parentId: null, kind: "server", name, startMs: 1_700_000_000_001, endMs: 1_700_000_000_002.5, attributes: {}, error: null, ...more });

const exporterTo = (url: string, more: Partial<ExporterOptions["limits"]> = {}, log: Log = nullLog) => {
  const clock = createTestClock();
  const limits = { ...defaultLimits, ...more };
  const settings = { url: `${url}/v1/traces`, headers: { authorization: "Bearer x" }, resource: { "service.name": "s" }, ratio: 1, followsParent: true, timeoutMs: null, everyMs: null };
  return { clock, limits, exporter: createExporter({ settings, egress: createEgress({ limits, env: {} }), clock, limits, log, scrub: (text) => text.replaceAll("hunter2", "[secret]"), version: "1.2.3" }) };
};

describe("spans", () => {
  test("are posted together after a while, in the collector's words", async () => {
    await using collector = createCollector();
    const { exporter, clock, limits } = exporterTo(collector.url);
    exporter.add(spanOf("one", { attributes: { text: "t", number: 7 } }));
    exporter.add(spanOf("two", { kind: "client", parentId: "c".repeat(16), error: "it failed" }));
    expect(collector.requests).toEqual([]);
    await clock.advance(limits.exportEveryMs);
    const [one, two] = await collector.collected(2);
    expect(one).toEqual({ traceId: "a".repeat(32), spanId: "b".repeat(16), name: "one", kind: 2, startTimeUnixNano: "1700000000001000000", endTimeUnixNano: "1700000000002500000", attributes: [{ key: "text", value: { stringValue: "t" } }, { key: "number", value: { intValue: "7" } }], status: {} });
    expect(two).toMatchObject({ kind: 3, parentSpanId: "c".repeat(16), status: { code: 2, message: "it failed" } });
    expect(collector.requests.map(({ url, headers }) => [new URL(url).pathname, headers.get("content-type"), headers.get("authorization")])).toEqual([["/v1/traces", "application/json", "Bearer x"]]);
    expect(collector.posts[0]?.resourceSpans[0]?.resource.attributes).toEqual([{ key: "service.name", value: { stringValue: "s" } }]);
    await exporter.close();
    expect(exporter.counts()).toEqual({ exported: 2, failed: 0, dropped: 0 });
  });

  test("hold no secret, and no text without end", async () => {
    await using collector = createCollector();
    const { exporter } = exporterTo(collector.url, { logTextMax: 20 });
    exporter.add(spanOf("call hunter2", { attributes: { uri: "x://hunter2" }, error: `hunter2 is wrong${"!".repeat(100)}` }));
    await exporter.close();
    const [span] = collector.spans();
    expect([span?.name, span?.attributes[0]?.value.stringValue, span?.status.message]).toEqual(["call [secret]", "x://[secret]", "[secret] is wrong!!!"]);
  });

  test("are posted at once when there are enough, never more at a time", async () => {
    await using collector = createCollector();
    const { exporter } = exporterTo(collector.url, { spansPerExportMax: 3 });
    for (let n = 0; n < 7; n += 1) exporter.add(spanOf(String(n)));
    await exporter.close();
    expect(collector.posts.map(({ resourceSpans }) => resourceSpans[0]?.scopeSpans[0]?.spans.length)).toEqual([3, 3, 1]);
    expect(collector.spans().map(({ name }) => name)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });
});

describe("a collector", () => {
  test("that hangs holds up no more than there is room for, and is given up in time", async () => {
    await using collector = createCollector();
    const hang = Promise.withResolvers<Response>();
    collector.answer = () => hang.promise;
    const { exporter, clock, limits } = exporterTo(collector.url, { spansPerExportMax: 2, spansMax: 5 });
    for (let n = 0; n < 12; n += 1) exporter.add(spanOf(String(n)));
    await collector.asked(1);
    // Two are on their way, five wait.
    expect(exporter.counts()).toEqual({ exported: 0, failed: 0, dropped: 5 });
    collector.answer = () => Response.json({});
    await clock.advance(limits.exportMsMax);
    while (exporter.counts().failed === 0) await clock.settle();
    expect(collector.requests).toHaveLength(1);
    await clock.advance(limits.exportEveryMs);
    await collector.asked(2);
    await exporter.close();
    expect(exporter.counts()).toEqual({ exported: 5, failed: 2, dropped: 5 });
    hang.resolve(new Response());
  });

  test("that is away or refuses is told of once, and again when it is back", async () => {
    const lines: string[] = [];
    const log: Log = { ...nullLog, warn: (message) => void lines.push(message), info: (message) => void lines.push(message) };
    await using collector = createCollector();
    const { exporter, clock, limits } = exporterTo(collector.url, { spansPerExportMax: 1 }, log);
    collector.answer = () => new Response("no", { status: 500 });
    for (let n = 1; n <= 3; n += 1) {
      exporter.add(spanOf(String(n)));
      await clock.advance(limits.exportEveryMs);
      while (exporter.counts().failed < n) await clock.settle();
    }
    collector.answer = () => Response.json({});
    exporter.add(spanOf("back"));
    await exporter.close();
    expect(lines).toEqual(["spans cannot be exported", "spans are exported again"]);
    expect(exporter.counts()).toEqual({ exported: 1, failed: 3, dropped: 0 });
  });

  test("that hangs at the end is waited for no longer than a farewell may take", async () => {
    await using collector = createCollector();
    const hang = Promise.withResolvers<Response>();
    collector.answer = () => hang.promise;
    const { exporter, clock, limits } = exporterTo(collector.url);
    exporter.add(spanOf("last"));
    const closing = exporter.close();
    await collector.asked(1);
    await clock.advance(limits.farewellMs);
    await closing;
    await exporter.close();
    exporter.add(spanOf("too late"));
    expect(exporter.counts().dropped).toBe(1);
    hang.resolve(new Response());
  });
});
