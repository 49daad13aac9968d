/**
 * W3C trace context and baggage, as texts of foreign origin: what is valid, and what one says. What is not valid goes no
 * further, since the next reader may be less careful.
 */
import type { Limits } from "./limits.ts";

/** The names, as headers and as members of `_meta`. */
export const contextNames = Object.freeze(["traceparent", "tracestate", "baggage"] as const);
export type ContextName = (typeof contextNames)[number];

/** Where a trace comes from (Trace Context, 3.2). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

// A later version may have more behind these fields; version ff is none, nor are ids of zeros alone (Trace Context, 3.2.2).
const parentShape = /^(?!ff|0{2}-.{52}-|.{2}-0{32}|.{36}0{16}-)[0-9a-f]{2}-(?<trace>[0-9a-f]{32})-(?<span>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?:-.*)?$/;
const printable = /^[\x20-\x7e]+$/;

/** Reads a `traceparent`; null when it is not valid. */
export function parseTraceParent(text: string): TraceParent | null {
  const found = parentShape.exec(text)?.groups;
  return found === undefined ? null : { traceId: found["trace"] as string, spanId: found["span"] as string, sampled: (Number.parseInt(found["flags"] as string, 16) & 1) === 1 };
}

/** Whether a value of this name may travel on. The two lists are not taken apart: it is enough that they can be headers. */
export function isContext(name: ContextName, value: string, { traceCharsMax }: Pick<Limits, "traceCharsMax">): boolean {
  if (value.length > traceCharsMax) return false;
  if (name === "traceparent") return parseTraceParent(value) !== null;
  return printable.test(value) && value.includes("=");
}
