/**
 * Errors on their way to a client: which codes its era may see, what stands in place of those it may not, and the HTTP
 * status (2026-07-28, basic: error codes). Codes about one hop never describe another.
 */
import { defaultLimits, type Fault, faultOf, faults, type Limits } from "../base/index.ts";
import { type Call, editObject, emptyObject, memberOf, objectOf, type Outcome, parseObject, quote, type Raw, type RawObject, rawOf, type RpcError, rpcErrorOf } from "../protocol/index.ts";
import { capabilityName } from "./capability.ts";
import { isBefore, type LegacyRevision } from "./version.ts";

const internal = -32603;
const invalidParams = -32602;
const unknownMethod = -32601;
const notFound = -32002;
const questionByUrl = -32042;
const capabilityMissing = -32021;
/** Codes that the modern revision keeps for itself; those about headers and versions are about one hop. */
const reservedMax = -32020;
const reservedMin = -32099;

/** The error for a modern client. Gives the same object where nothing is to be changed. */
export function modernError(error: RpcError, call: Pick<Call, "method" | "params" | "client">, limits: Limits): RpcError {
  if (error.code === notFound) return asInvalid(error, call, limits);
  if (error.code > reservedMax || error.code < reservedMin) return error;
  if (error.code === capabilityMissing && isTheClients(error, call, limits)) return error;
  return asInternal(error);
}

/** The HTTP status of an error that ends a request before anything was streamed. */
export function modernStatus(code: number): number {
  if (code === unknownMethod) return 404;
  return code === capabilityMissing ? 400 : 200;
}

/** The error for a legacy client. */
export function legacyError(error: RpcError, method: string, revision: LegacyRevision, limits: Limits): RpcError {
  if (error.code === invalidParams && isAboutResource(method) && namesUri(error, limits)) return withCode(error, notFound, {}, limits);
  if (error.code === questionByUrl) return isBefore(revision, "2025-11-25") ? asInternal(error) : error;
  if (error.code === capabilityMissing) return asInternal({ ...error, message: withNeed(error, limits) });
  return error.code <= reservedMax && error.code >= capabilityMissing - 1 ? asInternal(error) : error;
}

/** Names the capability, since the code that stands for it is not for this client. */
function withNeed(error: RpcError, limits: Limits): string {
  const required = objectOf(dataOf(error, limits) ?? emptyObject, "requiredCapabilities");
  if (required === null) return error.message;
  return `${error.message} (needs a client with ${capabilityName(JSON.parse(rawOf(required)) as Record<string, unknown>)})`;
}

/** "Visit these pages, then call again" (2025-11-25). */
export const isVisitError = (error: RpcError): boolean => error.code === questionByUrl;

/** We refused it for lack of room, and say when there may be some; nothing was begun. */
export const isShed = (error: RpcError): boolean => error.fault !== undefined && faults[error.fault].http === shedStatus;

/** HTTP: too many requests. */
export const shedStatus = 429;

/** The scopes for lack of which we refused it; undefined where that is not the reason. */
export function scopesLacked(error: RpcError): readonly string[] | undefined {
  if (error.fault !== "SCOPE_MISSING" || error.data === null) return undefined;
  return (JSON.parse(error.data) as { readonly requiredScopes: readonly string[] }).requiredScopes;
}

/** HTTP: what was granted does not go so far. */
export const scopeStatus = 403;

/** What a call comes to that fails for a reason which its reader should know: a tool's answer is for the model to read. */
export function failureOf(method: string, reason: Fault): Outcome {
  const error = rpcErrorOf(reason);
  return method === "tools/call" ? toolFailure(error) : { kind: "failed", error };
}

/** An error as the result of a tool. */
export function toolFailure(error: RpcError): Outcome {
  const text = `{"content":[{"type":"text","text":${quote(error.message)}}],"isError":true}`;
  return { kind: "done", result: parseObject(text, defaultLimits) ?? emptyObject };
}

const isAboutResource = (method: string): boolean => method === "resources/read" || method === "resources/subscribe";

/** Any thrown value as an error for a client. */
export const thrownError = (thrown: unknown): RpcError => rpcErrorOf(faultOf(thrown));

const dataOf = (error: RpcError, limits: Limits): RawObject | null => (error.data === null ? null : parseObject(error.data, limits));

function namesUri(error: RpcError, limits: Limits): boolean {
  const data = dataOf(error, limits);
  return data !== null && memberOf(data, "uri") !== null;
}

// The modern form of "not found" names the resource.
function asInvalid(error: RpcError, call: Pick<Call, "method" | "params">, limits: Limits): RpcError {
  const uri = call.method === "resources/read" ? memberOf(call.params, "uri") : null;
  if (uri === null || namesUri(error, limits)) return withCode(error, invalidParams, {}, limits);
  const data = error.data === null ? emptyObject : dataOf(error, limits);
  return withCode(error, invalidParams, data === null ? {} : { data: editObject(data, { uri }) }, limits);
}

// The client lacks it too: then the error is true for its own request.
function isTheClients(error: RpcError, call: Pick<Call, "client">, limits: Limits): boolean {
  const required = objectOf(dataOf(error, limits) ?? emptyObject, "requiredCapabilities");
  const declared = parseObject(call.client.capabilities, limits) ?? emptyObject;
  return required !== null && required.members.length > 0 && required.members.every(({ key }) => isLacking(key, required, declared));
}

/** Of extensions the ones that are required count, not that there are any. */
function isLacking(key: string, required: RawObject, declared: RawObject): boolean {
  if (key !== "extensions") return memberOf(declared, key) === null;
  const theirs = objectOf(declared, key) ?? emptyObject;
  return objectOf(required, key)?.members.every((extension) => memberOf(theirs, extension.key) === null) ?? false;
}

function withCode(error: RpcError, code: number, changes: Readonly<Record<string, Raw>>, limits: Limits): RpcError {
  const raw = editObject(parseObject(error.raw, limits) ?? emptyObject, { code: String(code), ...changes });
  return { code, message: error.message, data: changes["data"] ?? error.data, raw };
}

/** Says what it was in `data`, under a code that every client may see. */
function asInternal(error: RpcError): RpcError {
  const data = `{"original":${error.raw}}`;
  return { code: internal, message: error.message, data, raw: `{"code":${internal},"message":${quote(error.message)},"data":${data}}` };
}
