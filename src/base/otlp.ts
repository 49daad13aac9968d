/**
 * Sends spans to a collector over OTLP/HTTP in JSON: in batches, one at a time, out of a queue with a bound. A collector
 * that hangs or is away costs the spans that find no room, and nothing else; that is told once, until it is back.
 */
import type { Clock, Timer } from "./clock.ts";
import type { Egress } from "./egress.ts";
import { Fault, faultOf, fault } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { TelemetrySettings } from "./telemetry.ts";
import type { Attributes, Finished } from "./tracer.ts";

export interface ExporterOptions {
  readonly settings: TelemetrySettings;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "spansMax" | "spansPerExportMax" | "exportEveryMs" | "exportMsMax" | "farewellMs" | "logTextMax">;
  readonly log: Log;
  /** Takes secrets out of texts: names and failures are those of clients and servers. */
  readonly scrub: (text: string) => string;
  readonly version: string;
}

/** What became of spans. */
export interface Exported {
  readonly exported: number;
  /** Sent in vain, or answered with a refusal. */
  readonly failed: number;
  /** There was no room for them. */
  readonly dropped: number;
}

export interface Exporter {
  /** Takes a span. Never waits, never throws. */
  add(span: Finished): void;
  counts(): Exported;
  /** Sends what is left, as long as a farewell may take. Closing twice is fine. */
  close(): Promise<void>;
}

const kinds = Object.freeze({ server: 2, client: 3 });
const failedCode = 2;

/** Makes an exporter; nothing is sent before there is a span. */
export const createExporter = (options: ExporterOptions): Exporter => new OtlpExporter(options);

class OtlpExporter implements Exporter {
  readonly #options: ExporterOptions;
  readonly #resource: object;
  #queue: Finished[] = [];
  #timer: Timer | null = null;
  #sending: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #isAway = false;
  #exported = 0;
  #failed = 0;
  #dropped = 0;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#resource = { attributes: attributesOf(options.settings.resource, String) };
  }

  add(span: Finished): void {
    const { limits, settings, clock } = this.#options;
    if (this.#closing !== null || this.#queue.length >= limits.spansMax) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(span);
    if (this.#queue.length >= limits.spansPerExportMax) this.#send();
    else this.#timer ??= clock.timer(settings.everyMs ?? limits.exportEveryMs, () => this.#send());
  }

  counts(): Exported {
    return { exported: this.#exported, failed: this.#failed, dropped: this.#dropped };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#timer?.cancel();
    const { clock, limits } = this.#options;
    const late = Promise.withResolvers<void>();
    const timer = clock.timer(limits.farewellMs, late.resolve);
    await Promise.race([this.#drain(), late.promise]);
    timer.cancel();
    this.#dropped += this.#queue.length;
    this.#queue = [];
  }

  async #drain(): Promise<void> {
    await this.#sending;
    while (this.#queue.length > 0) await this.#post(this.#take());
  }

  // One at a time: while a collector hangs, what comes waits in the queue, which has a bound.
  #send(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sending ??= this.#post(this.#take()).finally(() => {
      this.#sending = null;
      if (this.#queue.length > 0 && this.#closing === null) this.#again();
    });
  }

  // Whoever is away is not asked the more often for it.
  #again(): void {
    const { clock, settings, limits } = this.#options;
    if (!this.#isAway && this.#queue.length >= limits.spansPerExportMax) this.#send();
    else this.#timer ??= clock.timer(settings.everyMs ?? limits.exportEveryMs, () => this.#send());
  }

  #take(): Finished[] {
    return this.#queue.splice(0, this.#options.limits.spansPerExportMax);
  }

  async #post(spans: readonly Finished[]): Promise<void> {
    try {
      await this.#postOnce(spans);
      this.#exported += spans.length;
      this.#told(null);
    } catch (thrown) {
      this.#failed += spans.length;
      this.#told(faultOf(thrown));
    }
  }

  async #postOnce(spans: readonly Finished[]): Promise<void> {
    const { settings, egress, clock, limits } = this.#options;
    const patience = new AbortController();
    const timer = clock.timer(settings.timeoutMs ?? limits.exportMsMax, () => patience.abort());
    try {
      const reply = await egress.send(settings.url, { method: "POST", headers: { ...settings.headers, "content-type": "application/json" }, body: this.#bodyOf(spans), signal: patience.signal, backend: collector });
      reply.cancel();
      if (reply.status < 200 || reply.status > 299) throw fault("BACKEND_REFUSED", { backend: collector, detail: `status ${reply.status}` });
    } finally {
      timer.cancel();
    }
  }

  #told(why: Fault | null): void {
    const { log } = this.#options;
    if (why !== null && !this.#isAway) log.warn("spans cannot be exported", { code: why.code, reason: why.message });
    if (why === null && this.#isAway) log.info("spans are exported again", { lost: this.#failed + this.#dropped });
    this.#isAway = why !== null;
  }

  #bodyOf(spans: readonly Finished[]): string {
    const scope = { name: "1mcp", version: this.#options.version };
    return JSON.stringify({ resourceSpans: [{ resource: this.#resource, scopeSpans: [{ scope, spans: spans.map((span) => spanOf(span, this.#clean)) }] }] });
  }

  // In this order: half a secret is no known value any more.
  readonly #clean = (text: string): string => this.#options.scrub(text).slice(0, this.#options.limits.logTextMax);
}

const collector = "OTLP collector";

const spanOf = ({ traceId, spanId, parentId, kind, name, startMs, endMs, attributes, error }: Finished, clean: (text: string) => string): object => ({
  traceId,
  spanId,
  ...(parentId === null ? {} : { parentSpanId: parentId }),
  name: clean(name),
  kind: kinds[kind],
  startTimeUnixNano: nanosOf(startMs),
  endTimeUnixNano: nanosOf(endMs),
  attributes: attributesOf(attributes, clean),
  status: error === null ? {} : { code: failedCode, message: clean(error) },
});

// In two parts: a number cannot hold that many digits. As text, since JSON's numbers cannot either.
const nanosOf = (ms: number): string => `${Math.floor(ms)}${Math.floor((ms % 1) * 1_000_000).toString().padStart(6, "0")}`;

const attributesOf = (attributes: Attributes, clean: (text: string) => string): object[] => Object.entries(attributes).map(([key, value]) => ({ key, value: typeof value === "number" ? { intValue: String(value) } : { stringValue: clean(value) } }));
