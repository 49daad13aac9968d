/**
 * W3C trace context and baggage, as texts of foreign origin: what is valid, and what one says. What is not valid goes no
 * further, since the next reader may be less careful.
 */
import { defaultLimits } from "./limits.ts";

/** The names, as headers and as members of `_meta`. */
export const contextNames = Object.freeze(["traceparent", "tracestate", "baggage"] as const);
export type ContextName = (typeof contextNames)[number];

/** Where a trace comes from (Trace Context, 3.2). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

// A later version may have more behind these fields; version ff is none (Trace Context, 3.2.2.1).
const parentShape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const printable = /^[\x20-\x7e]+$/;

/** Reads a `traceparent`; null when it is not valid. */
export function parseTraceParent(text: string): TraceParent | null {
  if (text.length > defaultLimits.traceCharsMax) return null;
  const [, version, traceId = "", spanId = "", flags = "", more] = parentShape.exec(text) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Whether a value of this name may travel on. The two lists are not taken apart: it is enough that they can be headers. */
export function isContext(name: ContextName, value: string): boolean {
  if (name === "traceparent") return parseTraceParent(value) !== null;
  return value.length <= defaultLimits.traceCharsMax && printable.test(value) && value.includes("=");
}
