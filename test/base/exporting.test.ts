import { expect, test } from "bun:test";
import { createEgress, createKnownSecrets, createMeter, defaultLimits, nullLog, openExporting, parseTraceParent, systemClock } from "../../src/base/index.ts";
import { createCollector } from "../fixtures/collector.ts";

const openWith = (env: Record<string, string>, warn: (line: string) => void = () => undefined) => {
  const meter = createMeter(defaultLimits);
  const secrets = createKnownSecrets();
  const exporting = openExporting({ env, version: "1", clock: systemClock, limits: defaultLimits, log: { ...nullLog, warn }, meter, secrets, egress: createEgress({ limits: defaultLimits, env: {} }) });
  return { exporting, meter, secrets };
};

test("nothing is exported where nobody asks for it, and what cannot be followed is said", async () => {
  const lines: string[] = [];
  expect(await openWith({}).exporting).toBeNull();
  expect(await openWith({ OTEL_EXPORTER_OTLP_ENDPOINT: "x" }, (line) => void lines.push(line)).exporting).toBeNull();
  expect(lines).toEqual([expect.stringContaining("OTEL_EXPORTER_OTLP_ENDPOINT")]);
});

test("spans go to the collector that the environment names, are counted, and its credentials are kept out of texts", async () => {
  await using collector = createCollector();
  const { exporting, meter, secrets } = openWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: "authorization=collector-secret" });
  const { tracer, textOf, close } = (await exporting) ?? expect.unreachable();
  const span = tracer.start("server", "ping", null, { text: "collector-secret" });
  expect(parseTraceParent(textOf(span.context))).toEqual(span.context);
  span.end(null);
  await close();
  expect(collector.spans()).toMatchObject([{ name: "ping", traceId: span.context.traceId, attributes: [{ key: "text", value: { stringValue: secrets.scrub("collector-secret") } }] }]);
  expect(meter.text("prometheus", String)).toContain('onemcp_spans_total{result="exported"} 1\n');
  expect(secrets.scrub("it said collector-secret")).not.toContain("collector-secret");
});
