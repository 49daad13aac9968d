/** JSON-RPC 2.0 messages as MCP uses them (2026-07-28, basic: Messages), payloads unread. */
import { Fault, type FaultCode, type Limits, retryAfterMs } from "../base/index.ts";
import { memberNamed, memberOf, quote, rawOf, stringOf } from "./object.ts";
import { afterSpace, endOfValue, isEnd, locate, type Raw, type RawMember, type RawObject, Scan } from "./raw.ts";
import { compactText } from "./text.ts";

/** A request. `id` is the id's JSON text: `1`, `"1"` and `12345678901234567890` stay what they are. */
export interface Request {
  readonly kind: "request";
  readonly id: Raw;
  readonly method: string;
  readonly params: RawObject | null;
  /** `params._meta`, located, if it is an object. */
  readonly meta: RawObject | null;
}

export interface Notification {
  readonly kind: "notification";
  readonly method: string;
  readonly params: RawObject | null;
  readonly meta: RawObject | null;
}

/** A successful response. */
export interface Result {
  readonly kind: "result";
  readonly id: Raw;
  readonly result: RawObject;
  readonly meta: RawObject | null;
}

/** A failed response; `id` is null where the peer could not read it. */
export interface Failure {
  readonly kind: "failure";
  readonly id: Raw | null;
  readonly error: RpcError;
}

export type Message = Request | Notification | Result | Failure;

/** The `error` member of a response. `raw` is the whole object as it came; unknown members stay in it. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  /** JSON text of `data`, or null. */
  readonly data: Raw | null;
  readonly raw: Raw;
  /** Set where it is an error of our own: its code in the catalog. */
  readonly fault?: FaultCode;
}

/** What became of a text: a message, or why not, with its id if that could be read. */
export type Parsed =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly code: "MESSAGE_INVALID_JSON" | "MESSAGE_INVALID" | "MESSAGE_TOO_DEEP"; readonly detail: string; readonly id: Raw | null };

/** Why an envelope is no message; a string, so that a refusal costs no exception. */
type Refusal = string;

const quotation = 34;
const brace = 123;
const minus = 45;
/** The HTTP status of refusals for lack of room. */
const tooMany = 429;

const refused = (code: (Parsed & { ok: false })["code"], detail: string, id: Raw | null): Parsed => ({ ok: false, code, detail, id });

/**
 * Reads one message in one pass: all JSON is validated, the members of the envelope, of its payload and of the
 * payload's `_meta` are located. Unknown members of the envelope are tolerated; two members of one name are not, in
 * any of these objects, so that what was checked is what is sent on.
 */
export function parseMessage(text: string, limits: Limits): Parsed {
  const compact = compactText(text);
  if (compact === null) return refused("MESSAGE_INVALID_JSON", "control character", null);
  const scan = new Scan(compact, limits);
  const at = afterSpace(compact, 0);
  const envelope = compact.charCodeAt(at) === brace ? locate(scan, at, 0, 0) : null;
  if (envelope === null || !isEnd(scan, envelope.close) || scan.flaw !== null) return refusalOf(scan, at, limits);
  const message = messageOf(envelope, limits);
  return typeof message === "string" ? refused("MESSAGE_INVALID", message, readableId(compact, scan.top, limits)) : { ok: true, message };
}

function refusalOf(scan: Scan, at: number, limits: Limits): Parsed {
  // Without a flaw the text is no object; it may still be no JSON either.
  const end = scan.flaw === null ? endOfValue(scan, scan.text, at, 0) : -1;
  if (end >= 0 && isEnd(scan, end)) return refused("MESSAGE_INVALID", "not an object", null);
  if (scan.flaw === "json") return refused("MESSAGE_INVALID_JSON", scan.detail, null);
  return refused(scan.flaw === "deep" ? "MESSAGE_TOO_DEEP" : "MESSAGE_INVALID", scan.detail, readableId(scan.text, scan.top, limits));
}

/** The id of a message that is refused, if it has exactly one and that one is valid. */
function readableId(text: string, members: readonly RawMember[], limits: Limits): Raw | null {
  const ids = members.filter((member) => member.key === "id");
  const id = ids[0];
  if (id === undefined || ids.length > 1) return null;
  const raw = text.slice(id.start, id.end);
  return isId(raw, limits) ? raw : null;
}

/** Strings and integers; 1.0 and 1e3 are integers to some parsers only, so they are refused. */
function isId(raw: Raw, limits: Limits): boolean {
  if (raw.length > limits.idBytesMax) return false;
  if (raw.charCodeAt(0) === quotation) return raw.length * 3 <= limits.idBytesMax || Buffer.byteLength(raw) <= limits.idBytesMax;
  return isInteger(raw);
}

/** Whether a valid JSON value is a number without fraction and exponent. */
function isInteger(raw: Raw): boolean {
  for (let i = raw.charCodeAt(0) === minus ? 1 : 0; i < raw.length; i += 1) {
    const c = raw.charCodeAt(i);
    if (c < 48 || c > 57) return false;
  }
  return true;
}

function messageOf(envelope: RawObject, limits: Limits): Message | Refusal {
  if (!isVersionTwo(envelope)) return 'jsonrpc is not "2.0"';
  const id = memberOf(envelope, "id");
  if (id !== null && id !== "null" && !isId(id, limits)) return "the id is neither a string nor an integer, or too long";
  const result = memberNamed(envelope, "result");
  const error = memberNamed(envelope, "error");
  const method = memberNamed(envelope, "method");
  if (method === null) return responseOf(id, result, error);
  if (result !== null || error !== null) return "both a request and a response";
  return requestOf(envelope, id);
}

function isVersionTwo(envelope: RawObject): boolean {
  const version = memberNamed(envelope, "jsonrpc");
  if (version === null) return false;
  const { start, end } = version;
  if (end - start === 5) return envelope.text.startsWith('"2.0"', start);
  return stringOf(envelope, "jsonrpc") === "2.0";
}

function requestOf(envelope: RawObject, id: Raw | null): Request | Notification | Refusal {
  const method = stringOf(envelope, "method");
  if (method === null) return "method is no string";
  if (id === "null") return "the id of a request must not be null";
  const member = memberNamed(envelope, "params");
  const params = member === null ? null : member.inner;
  if (member !== null && params === null) return "params is no object";
  const meta = params === null ? null : metaOf(params);
  return id === null ? { kind: "notification", method, params, meta } : { kind: "request", id, method, params, meta };
}

function responseOf(id: Raw | null, result: RawMember | null, error: RawMember | null): Result | Failure | Refusal {
  if (result !== null && error !== null) return "both a result and an error";
  if (result !== null) return resultOf(id, result.inner);
  if (error === null) return "neither a request nor a response";
  const read = error.inner === null ? null : rpcErrorIn(error.inner);
  if (read === null) return "the error has no integer code and string message";
  // A failure without id is what some peers send where they could not read one.
  return { kind: "failure", id: id === "null" ? null : id, error: read };
}

function resultOf(id: Raw | null, result: RawObject | null): Result | Refusal {
  if (result === null) return "the result is no object";
  if (id === null || id === "null") return "a result without id";
  return { kind: "result", id, result, meta: metaOf(result) };
}

const metaOf = (payload: RawObject): RawObject | null => memberNamed(payload, "_meta")?.inner ?? null;

function rpcErrorIn(error: RawObject): RpcError | null {
  const code = memberOf(error, "code");
  const message = stringOf(error, "message");
  if (code === null || message === null || !isInteger(code) || !Number.isSafeInteger(Number(code))) return null;
  return { code: Number(code), message, data: memberOf(error, "data"), raw: rawOf(error) };
}

/** The text of a request. */
export function requestText(id: Raw | number, method: string, params: Raw | null): string {
  return params === null
    ? `{"jsonrpc":"2.0","id":${id},"method":${quote(method)}}`
    : `{"jsonrpc":"2.0","id":${id},"method":${quote(method)},"params":${params}}`;
}

/** The text of a notification. */
export function notificationText(method: string, params: Raw | null): string {
  return params === null ? `{"jsonrpc":"2.0","method":${quote(method)}}` : `{"jsonrpc":"2.0","method":${quote(method)},"params":${params}}`;
}

/** The text of a successful response. */
export const resultText = (id: Raw, result: Raw): string => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

/** The text of a failed response; an error that came from elsewhere is written as it came. A null id where none could be read (JSON-RPC 2.0, 5). */
export function errorText(id: Raw | null, error: RpcError | { readonly code: number; readonly message: string; readonly data?: unknown }): string {
  const raw = "raw" in error ? error.raw : JSON.stringify({ code: error.code, message: error.message, data: error.data });
  return `{"jsonrpc":"2.0","id":${id ?? "null"},"error":${raw}}`;
}

/** A fault as a JSON-RPC error. `data.origin` tells our own errors from a backend's. */
export function rpcErrorOf(fault: Fault, more: Readonly<Record<string, unknown>> = {}): RpcError {
  const code = fault.row.rpc;
  const { message } = fault;
  const room = fault.row.http === tooMany ? { retryAfterMs } : null;
  const data = JSON.stringify({ ...fault.data, ...room, ...more, origin: "1mcp", code: fault.code, backend: fault.backend, hint: fault.hint });
  return { code, message, data, raw: `{"code":${code},"message":${quote(message)},"data":${data}}`, fault: fault.code };
}

/** A server has refused what is no call: its own error, on its way to whoever asked. */
export class ServerError extends Fault {
  readonly error: RpcError;

  constructor(backend: string, op: string, error: RpcError) {
    super("BACKEND_REFUSED", { backend, op, detail: `error ${error.code}: ${error.message}` });
    this.error = error;
  }
}

/** The same error with one more text in its data. Only for errors of our own. */
export function withData(error: RpcError, name: string, text: string): RpcError {
  const data = `{${quote(name)}:${quote(text)},${(error.data ?? "{}").slice(1)}`;
  return { ...error, data, raw: `{"code":${error.code},"message":${quote(error.message)},"data":${data}}` };
}
