/**
 * Trace context between the two places where it stands: HTTP headers, and members of `_meta`. What stands in `_meta` was
 * written with the message, so it wins over what the transport says; it travels as it is. To a server over HTTP it is
 * also said in headers, for what stands before that server.
 */
import { type ContextName, contextNames, isContext, type Limits } from "../base/index.ts";
import { editObject, emptyObject, memberOf, parseObject, quote, type Raw, stringOf } from "../protocol/index.ts";
import type { Caller } from "./types.ts";

/** `_meta` with the context of the request's headers, where it says nothing of it itself. */
export function metaWithContext(meta: Raw | null, caller: Caller, limits: Limits): Raw | null {
  const parent = caller.header?.("traceparent") ?? null;
  const baggage = caller.header?.("baggage") ?? null;
  return parent === null && baggage === null ? meta : joined(meta, { traceparent: parent, tracestate: caller.header?.("tracestate") ?? null, baggage }, limits);
}

function joined(meta: Raw | null, said: Readonly<Record<ContextName, string | null>>, limits: Limits): Raw | null {
  const object = meta === null ? emptyObject : parseObject(meta, limits);
  if (object === null) return meta;
  const changes: Record<string, Raw> = {};
  for (const name of contextNames) {
    const value = said[name];
    if (value !== null && memberOf(object, name) === null && isContext(name, value, limits)) changes[name] = quote(value);
  }
  // A state without its own parent says nothing (Trace Context, 3.3).
  if (changes["traceparent"] === undefined) delete changes["tracestate"];
  return Object.keys(changes).length === 0 ? meta : editObject(object, changes);
}

const says = (meta: Raw | null, name: ContextName): boolean => meta !== null && meta.includes(name);

/** The headers that say the context of a call; null for a call without one. */
export function contextHeaders(meta: Raw | null, limits: Limits): Readonly<Record<string, string>> | null {
  if (!says(meta, "traceparent") && !says(meta, "baggage")) return null;
  const object = parseObject(meta ?? "{}", limits);
  if (object === null) return null;
  const found: [string, string][] = [];
  for (const name of contextNames) {
    const value = stringOf(object, name);
    if (value !== null && isContext(name, value, limits)) found.push([name, value]);
  }
  const isTraced = found.some(([name]) => name === "traceparent");
  return Object.fromEntries(found.filter(([name]) => name !== "tracestate" || isTraced));
}
