/**
 * Spans: what took how long, on whose behalf. Made only when somebody collects them. One that is not sampled has an
 * identity all the same, so that whoever comes after it knows that the trace is not sampled.
 */
import { type Clock, monotonicMs } from "./clock.ts";
import type { TelemetrySettings } from "./telemetry.ts";
import type { TraceParent } from "./traceContext.ts";

/** What a span says beside its times. */
export type Attributes = Readonly<Record<string, string | number>>;

/** A span that has ended. Times in ms since the epoch. */
export interface Finished {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly kind: "server" | "client";
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Why it failed; null: it did not. */
  readonly error: string | null;
}

/** A span under way. */
export interface Span {
  /** Whom those are for that come of it. */
  readonly context: TraceParent;
  /** Ends it; the first end counts. */
  end(error: string | null, more?: Attributes): void;
}

export interface Tracer {
  /** Starts a span below `parent`; null: a trace begins here. */
  start(kind: Finished["kind"], name: string, parent: TraceParent | null, attributes: Attributes): Span;
}

const noAttributes: Attributes = Object.freeze({});

/** Makes a tracer whose sampled spans go to `finished`. */
export function createTracer({ ratio, followsParent }: Pick<TelemetrySettings, "ratio" | "followsParent">, clock: Clock, finished: (span: Finished) => void): Tracer {
  return {
    start(kind, name, parent, attributes) {
      const traceId = parent?.traceId ?? randomHex(16);
      const sampled = followsParent && parent !== null ? parent.sampled : isWithin(traceId, ratio);
      const context: TraceParent = { traceId, spanId: randomHex(8), sampled };
      const [startMs, startedMs] = [clock.now(), monotonicMs()];
      let over = !sampled;
      return {
        context,
        end(error, more = noAttributes) {
          if (over) return;
          over = true;
          finished({ traceId, spanId: context.spanId, parentId: parent?.spanId ?? null, kind, name, startMs, endMs: startMs + monotonicMs() - startedMs, attributes: { ...attributes, ...more }, error });
        },
      };
    },
  };
}

/** The value of `traceparent` that names a span. */
export const traceParentText = ({ traceId, spanId, sampled }: TraceParent): string => `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const randomHex = (bytes: number): string => hex(crypto.getRandomValues(new Uint8Array(bytes)));

const digits = 13;

// The rightmost part of a trace's id is random (Trace Context 2, 2.2.3), so that everybody who looks decides the same.
const isWithin = (traceId: string, ratio: number): boolean => Number.parseInt(traceId.slice(-digits), 16) < ratio * 16 ** digits;
