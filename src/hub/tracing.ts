/**
 * Spans for calls, put around the hub and around the pool: a server's span for each request, and below it a client's span
 * for each time a server is asked, named to that server as the parent of whatever it does. Where nobody collects spans
 * none of this is there, and a call pays nothing for it.
 */
import type { Lease, Pool } from "../backend/index.ts";
import { type Attributes, defaultLimits, type Exporting, Fault, parseTraceParent, type Span, type TraceParent } from "../base/index.ts";
import { type Call, editObject, emptyObject, methods, type Outcome, parseObject, quote, type Raw, type Serve, stringOf } from "../protocol/index.ts";
import { RelayedCall } from "./relayed.ts";
import { shownUri } from "./trail.ts";

type Spans = Pick<Exporting, "tracer" | "textOf">;

/** What serves, with a span for each call. */
export function traced(serve: Serve, { tracer }: Spans): Serve {
  return {
    call(call) {
      const span = tracer.start("server", nameOf(call), parentOf(call.meta), attributesOf(call));
      return ended(serve.call(new SpanCall(call, span.context, call.meta)), span);
    },
    describe: (principal, selection) => serve.describe(principal, selection),
    watch: (watch) => serve.watch(watch),
    tool: (principal, selection, name) => serve.tool(principal, selection, name),
  };
}

/** The pool, with a span for each time that a server is asked. */
export function tracedPool(pool: Pool, spans: Spans): Pool {
  return { acquire: (spec) => tracedLease(pool.acquire(spec), spans), endIdle: () => pool.endIdle(), close: () => pool.close(), kill: () => pool.kill() };
}

function tracedLease(lease: Lease, { tracer, textOf }: Spans): Lease {
  return {
    spec: lease.spec,
    call(call, target) {
      const above = spanOf(call);
      const span = tracer.start("client", nameOf(call, target.name), above, { ...attributesOf(call, target.name), "onemcp.server": lease.spec.name });
      return ended(lease.call(new SpanCall(call, span.context, metaWith(call.meta, textOf(span.context))), target), span);
    },
    subscribe: (uri, who) => lease.subscribe(uri, who),
    again: (call) => lease.again(call),
    variants: () => lease.variants(),
    offered: () => lease.offered(),
    status: () => lease.status(),
    settled: (ms, cancel) => lease.settled(ms, cancel),
    release: () => lease.release(),
  };
}

async function ended(running: Promise<Outcome>, span: Span): Promise<Outcome> {
  try {
    const outcome = await running;
    if (outcome.kind === "failed") span.end(outcome.error.message, { "error.type": outcome.error.fault ?? String(outcome.error.code), "rpc.response.status_code": String(outcome.error.code) });
    else span.end(null);
    return outcome;
  } catch (thrown) {
    span.end(thrown instanceof Error ? thrown.message : "failed", { "error.type": thrown instanceof Fault ? thrown.code : "INTERNAL" });
    throw thrown;
  }
}

/** The method and what it is for, as long as that is one of few: a tool or a prompt, but no URI. */
function nameOf({ method, params }: Call, local: string | null = null): string {
  const target = targetOf(method) === "name" ? (local ?? stringOf(params, "name")) : null;
  return target === null ? method : `${method} ${target}`;
}

const targetOf = (method: string): string | null => (Object.hasOwn(methods, method) ? methods[method as keyof typeof methods].target : null);

const targetKeys: Readonly<Record<string, string>> = Object.freeze({ "tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name", "resources/read": "mcp.resource.uri" });

function attributesOf({ method, params, callId }: Call, local: string | null = null): Attributes {
  const target = targetOf(method);
  const value = target === null || target === "ref" ? null : shownTarget(target, local ?? stringOf(params, target));
  const common = { "rpc.system": "jsonrpc", "mcp.method.name": method, "onemcp.call_id": callId };
  return value === null ? common : { ...common, [targetKeys[method] ?? "mcp.target"]: value };
}

const shownTarget = (member: string, value: string | null): string | null => (member === "uri" ? shownUri(value) : value);

function parentOf(meta: Raw | null): TraceParent | null {
  if (meta === null || !meta.includes("traceparent")) return null;
  const text = stringOf(parseObject(meta, defaultLimits) ?? emptyObject, "traceparent");
  return text === null ? null : parseTraceParent(text);
}

function metaWith(meta: Raw | null, parent: string): Raw | null {
  const object = meta === null ? emptyObject : parseObject(meta, defaultLimits);
  return object === null ? meta : editObject(object, { traceparent: quote(parent) });
}

/** A call with its span, and perhaps other `_meta`. */
class SpanCall extends RelayedCall {
  readonly span: TraceParent;
  readonly #meta: Raw | null;

  constructor(call: Call, span: TraceParent, meta: Raw | null) {
    super(call);
    this.span = span;
    this.#meta = meta;
  }

  override get meta() {
    return this.#meta;
  }
}

/** The span of a call, or of the one that it came of. */
function spanOf(call: Call): TraceParent | null {
  if (call instanceof SpanCall) return call.span;
  return call instanceof RelayedCall ? spanOf(call.origin) : parentOf(call.meta);
}
