/** Starts the export of spans where the environment asks for it. The exporter is loaded then, and not before. */
import type { Clock } from "./clock.ts";
import type { Egress } from "./egress.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Meter } from "./meter.ts";
import type { KnownSecrets } from "./secret.ts";
import { parseTelemetry, type TelemetrySettings } from "./telemetry.ts";
import type { TraceParent } from "./traceContext.ts";
import type { Tracer } from "./tracer.ts";

export interface ExportingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly meter: Meter;
  readonly secrets: KnownSecrets;
  readonly egress: Egress;
}

/** An export under way. */
export interface Exporting {
  readonly tracer: Tracer;
  /** Names a span in `traceparent`. */
  readonly textOf: (context: TraceParent) => string;
  /** Sends what is left. Closing twice is fine. */
  close(): Promise<void>;
}

/** Null where nobody asks for spans. */
export async function openExporting(options: ExportingOptions): Promise<Exporting | null> {
  const { settings, problems } = parseTelemetry(options.env, options.version);
  for (const problem of problems) options.log.warn(problem);
  return settings === null ? null : open(settings, options);
}

async function open(settings: TelemetrySettings, { egress, version, clock, limits, log, meter, secrets }: ExportingOptions): Promise<Exporting> {
  const [{ createExporter }, { createTracer, traceParentText }] = await Promise.all([import("./otlp.ts"), import("./tracer.ts")]);
  for (const value of Object.values(settings.headers)) secrets.add(value);
  const exporter = createExporter({ settings, egress, clock, limits, log, scrub: (text) => secrets.scrub(text), version });
  meter.observed("counter", { name: "onemcp_spans", help: "Spans, by what became of them.", labels: ["result"] }, () => Object.entries(exporter.counts()).map(([result, count]) => [[result], count]));
  log.info("spans are exported", { to: new URL(settings.url).host });
  return { tracer: createTracer(settings, clock, (span) => exporter.add(span)), textOf: traceParentText, close: () => exporter.close() };
}
