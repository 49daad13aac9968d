/**
 * What a modern request must fulfil before it is served, in the order that decides which of several faults is reported:
 * envelope, version, mirrored headers, method, parameters, mirrored arguments (2026-07-28, basic/transports).
 */
import { fault, faultOf, type Fault, type Limits } from "../base/index.ts";
import { type Client, decodeHeader, type MirroredArgument, mirroredArguments, mirrorHeaders, parseObject, type Raw, type RawObject, type Request, type Serve, stringOf } from "../protocol/index.ts";
import { logLevelOf } from "./clientCall.ts";
import { type HopMeta, isObject, textOf } from "./hop.ts";
import { methodOf } from "./methods.ts";
import { isAboutTasks, taskFault } from "./tasks.ts";
import type { HttpIn } from "./types.ts";
import { modernRevisionOf, modernRevisions } from "./version.ts";
import { headers, metaKeys } from "./words.ts";

/** The client as its envelope describes it; only after `refusalOf` found nothing. */
export const clientOf = (envelope: HopMeta): Client => ({ info: envelope.clientInfo, capabilities: envelope.clientCapabilities ?? "{}" });

/**
 * The first thing that is wrong with a request, or null. `params` are the request's, empty if it had none; without
 * `request` it came where there are no headers.
 */
export function refusalOf(message: Request, params: RawObject, envelope: HopMeta, request: HttpIn | null, look: { readonly serve: Serve; readonly limits: Limits }): Fault | null {
  const { method } = message;
  return (
    envelopeFault(envelope) ??
    versionFault(envelope, request) ??
    (request === null ? null : mirrorFault(method, params, request)) ??
    methodFault(method) ??
    taskFault(isAboutTasks(method, params), envelope.clientCapabilities, look.limits) ??
    paramsFault(method, params, envelope) ??
    (request === null ? null : argumentsFault(method, params, request, look))
  );
}

const lacks = (member: string): Fault => fault("ENVELOPE_INVALID", { detail: `params._meta["${member}"]` });

function envelopeFault(envelope: HopMeta): Fault | null {
  if (textOf(envelope.version) === null) return lacks(metaKeys.version);
  if (!isObject(envelope.clientCapabilities)) return lacks(metaKeys.clientCapabilities);
  if (envelope.clientInfo !== null && !isObject(envelope.clientInfo)) return lacks(metaKeys.clientInfo);
  return null;
}

const disagrees = (header: string, detail: string): Fault => fault("HEADER_MISMATCH", { detail: `${header}: ${detail}` });

function versionFault(envelope: HopMeta, request: HttpIn | null): Fault | null {
  const claimed = textOf(envelope.version);
  const header = request === null ? claimed : bareHeader(request, headers.version);
  if (header !== null && header !== claimed) return disagrees(headers.version, "not the version in the body");
  if (modernRevisionOf(claimed) === null) return fault("VERSION_UNSUPPORTED", { data: { supported: modernRevisions, requested: claimed } });
  return header === null ? disagrees(headers.version, "missing") : null;
}

function mirrorFault(method: string, params: RawObject, request: HttpIn): Fault | null {
  const named = bareHeader(request, headers.method);
  if (named !== method) return disagrees(headers.method, named === null ? "missing" : "not the method in the body");
  const { target } = methodOf(method);
  const wanted = target === null ? null : stringOf(params, target);
  if (wanted === null) return null;
  const header = request.header(headers.name);
  if (header === null) return disagrees(headers.name, "missing");
  return decodeHeader(header) === wanted ? null : disagrees(headers.name, `not params.${target}`);
}

const methodFault = (method: string): Fault | null => (methodOf(method).modern === null ? fault("METHOD_UNKNOWN", { detail: method }) : null);

const invalid = (detail: string): Fault => fault("PARAMS_INVALID", { detail });

function paramsFault(method: string, params: RawObject, envelope: HopMeta): Fault | null {
  const { target } = methodOf(method);
  if (target !== null && stringOf(params, target) === null) return invalid(`"${target}" must be a string`);
  if (envelope.logLevel !== null && logLevelOf(textOf(envelope.logLevel)) === null) return invalid("unknown log level");
  return tokenFault(envelope.progressToken);
}

/** A progress token is a string or an integer. */
export function tokenFault(token: Raw | null): Fault | null {
  if (token === null || token.charCodeAt(0) === 0x22 || /^-?\d/.test(token)) return null;
  return invalid('"progressToken" must be a string or a number');
}

// Parsing a tool's definition for each call would cost more than the call; the word says whether there is need.
function argumentsFault(method: string, params: RawObject, request: HttpIn, { serve, limits }: { readonly serve: Serve; readonly limits: Limits }): Fault | null {
  if (method !== "tools/call") return null;
  const definition = serve.tool(request.principal, request.selection, stringOf(params, "name") ?? "");
  if (definition === null || !definition.includes("x-mcp-header")) return null;
  const tool = parseObject(definition, limits);
  const mirrored = tool === null ? null : mirroredArguments(tool, limits);
  if (mirrored === null || !mirrored.ok) return null;
  try {
    return mirroredFault(mirrored.args, mirrorHeaders(mirrored.args, params, limits), request);
  } catch (thrown) {
    return faultOf(thrown);
  }
}

function mirroredFault(args: readonly MirroredArgument[], expected: Readonly<Record<string, string>>, request: HttpIn): Fault | null {
  for (const { header, type } of args) {
    const name = `Mcp-Param-${header}`;
    const wanted = expected[name] ?? null;
    const sent = request.header(name.toLowerCase());
    if (sent === null && wanted === null) continue;
    if (sent === null) return disagrees(name, "missing");
    if (wanted === null || !agrees(decodeHeader(sent), decodeHeader(wanted), type)) return disagrees(name, "not the argument in the body");
  }
  return null;
}

// Integers are compared as numbers: 42.0 is 42.
function agrees(sent: string | null, wanted: string | null, type: MirroredArgument["type"]): boolean {
  if (sent === null) return false;
  return sent === wanted || (type === "integer" && decimal.test(sent) && Number(sent) === Number(wanted));
}

// A number as JSON writes one: what else JavaScript would read as a number, others would not.
const decimal = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A header without the white space that is not part of it; null if it was not sent. */
export function bareHeader(request: HttpIn, name: string): string | null {
  const value = request.header(name);
  if (value === null || !/^[ \t]|[ \t]$/.test(value)) return value;
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}
