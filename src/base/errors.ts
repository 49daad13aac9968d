/**
 * The catalog of everything that is expected to go wrong: one row a code, so that the text a person reads, the HTTP
 * status, the JSON-RPC code and the exit code of one failure can never drift apart.
 */

/** One row of the catalog. `rpc` follows specification 2026-07-28 (basic, error codes); `http` the Streamable HTTP table. */
export interface FaultRow {
  /** What happened, in one sentence, without data. */
  readonly text: string;
  /** What the reader should do next. */
  readonly hint: string;
  /** HTTP status when the fault ends a request before any byte was streamed. */
  readonly http: number;
  /** JSON-RPC error code. */
  readonly rpc: number;
  /** Process exit code when the fault ends a command. */
  readonly exit: number;
  readonly level: "debug" | "info" | "warn" | "error";
}

const row = (text: string, hint: string, http: number, rpc: number, exit = 1, level: FaultRow["level"] = "warn"): FaultRow =>
  Object.freeze({ text, hint, http, rpc, exit, level });

/** Every fault of the program, by code. */
export const faults = Object.freeze({
  // What a client sent.
  MESSAGE_INVALID_JSON: row("the message is not valid JSON", "send one JSON-RPC message in UTF-8", 400, -32700, 1, "info"),
  MESSAGE_INVALID: row("the message is not a JSON-RPC request, notification or response", "see JSON-RPC 2.0", 400, -32600, 1, "info"),
  MESSAGE_TOO_DEEP: row("the message is nested too deeply", "flatten the arguments", 400, -32600, 1, "info"),
  MESSAGE_TOO_LARGE: row("the message is larger than the limit", "send less, or raise limits.bodyBytesMax", 413, -32600, 1, "info"),
  METHOD_UNKNOWN: row("the method does not exist here", "check what the server advertises", 404, -32601, 1, "debug"),
  PARAMS_INVALID: row("the parameters are not what the method takes", "see the method's specification", 200, -32602, 1, "info"),
  NAME_UNKNOWN: row("nothing of that name is offered here", "list what is offered; names are exact", 200, -32602, 1, "info"),
  ENVELOPE_INVALID: row("the request does not say what every request must", "send protocolVersion and clientCapabilities in params._meta", 400, -32602, 1, "info"),
  HEADER_MISMATCH: row("a header is missing or disagrees with the body", "send the headers that mirror the body, unchanged", 400, -32020, 1, "info"),
  VERSION_UNSUPPORTED: row("the protocol version is not served here", "use one of data.supported", 400, -32022, 1, "info"),
  VERSION_REFUSED: row("the protocol version in the header is not served here", "send the version that was negotiated", 400, -32600, 1, "info"),
  CAPABILITY_MISSING: row("the request needs a capability that the client did not declare", "declare data.requiredCapabilities, if the client has them", 400, -32021, 1, "info"),
  VERB_REFUSED: row("the HTTP method does not exist here", "send messages by POST", 405, -32600, 1, "info"),
  STREAM_GONE: row("nothing is kept of this stream", "its call was cancelled, or its answer is lost; open another one for what comes from now on", 405, -32600, 1, "debug"),
  SELECTION_INVALID: row("the selection of servers cannot be used", "give one of preset, tags, tag-filter and filter; `1mcp preset test` shows what one selects", 400, -32602, 2, "info"),
  CURSOR_INVALID: row("the cursor is not one that was issued here", "list again from the start", 200, -32602, 1, "info"),
  STATE_INVALID: row("the request state is not one that was issued for this request", "make the call again without it", 200, -32602, 1, "warn"),
  ORIGIN_REFUSED: row("the Host or Origin header is not one of ours", "use the address the server printed, or add allowedHosts/allowedOrigins", 403, -32600),
  PEER_REFUSED: row("the connection does not come from a trusted proxy", "connect through the proxy in front, or add its address to trustedProxies", 403, -32600),
  ADDRESS_REFUSED: row("the address may not be asked on the word of others", "only public addresses over https are", 400, -32603),
  CONTENT_TYPE_REFUSED: row("the body must be application/json", "set Content-Type: application/json", 415, -32600, 1, "info"),
  TOKEN_MISSING: row("a bearer token is required", "send Authorization: Bearer <token>", 401, -32600, 1, "info"),
  TOKEN_INVALID: row("the bearer token is not valid here", "read the current token from the state folder", 401, -32600),
  SCOPE_MISSING: row("the grant does not cover what was asked for", "ask for the scopes named here", 403, -32600, 1, "info"),
  SESSION_MISSING: row("the request belongs to no session", "open a session first, and send its id with every request", 400, -32600, 1, "debug"),
  SESSION_UNKNOWN: row("the session is unknown or has ended", "open a new session", 404, -32600, 1, "debug"),
  LIMIT_REACHED: row("a limit is reached", "try again later, or raise the limit named here", 429, -32603),
  SHUTTING_DOWN: row("the proxy is shutting down", "connect again when it is back", 503, -32603, 1, "info"),
  SERVER_AWAY: row("no 1mcp server can be reached", "start one with `1mcp serve`, or let `1mcp proxy --start` do it; with --url, check the address and the token", 503, -32603),
  // What a backend did.
  BACKEND_DOWN: row("the server is not available", "it is started again by itself; the log says more", 200, -32603),
  BACKEND_GONE: row("the server ended before it answered", "it is restarted by itself; the call may have run", 200, -32603),
  BACKEND_TIMEOUT: row("the server did not answer in time", "raise requestTimeout for this server", 200, -32603),
  BACKEND_GARBLED: row("the server sent something that is not valid MCP", "report it to the server's author", 200, -32603),
  BACKEND_REFUSED: row("the server refused the connection", "check its URL, headers and credentials", 200, -32603),
  LOGIN_NEEDED: row("the server wants a login", "log in there: `1mcp auth login <server>`", 200, -32603),
  LOGIN_FAILED: row("the login at the server did not work", "begin it again; the log says more", 400, -32603),
  BACKEND_COMMAND: row("the server's command could not be started", "check command, cwd and PATH", 200, -32603),
  BACKEND_MISCONFIGURED: row("the server's entry in the configuration cannot be used", "correct the entry; the others run", 200, -32603, 78),
  BACKEND_BUSY: row("too many calls are in flight to the server", "try again later", 429, -32603),
  ASK_REFUSED: row("the server asked for input that cannot be relayed", "use a client that supports it", 200, -32603, 1, "info"),
  ASK_AMBIGUOUS: row("the server asked for input, and calls of several principals can have caused it", 'set "isolation": "principal" (or "session") for this server, so that callers do not share it', 200, -32603),
  CALL_FAILED: row("the server answered with an error", "its own words say why; `1mcp inspect SERVER/TOOL` shows what a tool takes", 200, -32603),
  CALL_CANCELLED: row("the call was cancelled", "nothing to do", 200, -32603, 1, "debug"),
  // What the operator wrote.
  CONFIG_INVALID: row("the configuration is not valid", "correct the places named above", 500, -32603, 78, "error"),
  CONFIG_UNREADABLE: row("the configuration file cannot be read", "check the path and its permissions", 500, -32603, 78, "error"),
  USAGE: row("the command line is not valid", "see --help", 500, -32603, 2, "error"),
  LISTEN_FAILED: row("the address cannot be listened on", "choose another --port, or end the program that uses it", 500, -32603, 1, "error"),
  LISTEN_UNSAFE: row("this address needs more protection than is configured", "listen on loopback, or put a proxy with TLS in front (docs/configuration.md, “Listening beyond this computer”)", 500, -32603, 78, "error"),
  STATE_UNSAFE: row("the state folder can be read or written by others", "chmod 700 the folder and 600 its files", 500, -32603, 1, "error"),
  STATE_UNWRITABLE: row("a file or folder cannot be written", "check who owns it, and whether its disk is full or may only be read", 500, -32603, 1, "error"),
  STATE_OWNED: row("another 1mcp server owns the state folder", "use that one, end it, or choose another --state-dir", 500, -32603, 1, "error"),
  STATE_BROKEN: row("a file in the state folder cannot be used", "move the file away; a new one is made at the next start", 500, -32603, 1, "error"),
  APP_UNREADABLE: row("the application's file cannot be used", "see what is in it; it is as it was", 500, -32603, 1, "error"),
  INTERNAL: row("something went wrong inside 1mcp", "please report it with the log around this time", 500, -32603, 1, "error"),
});

/** Who was refused for lack of room (HTTP 429) is told to come back after so long. */
export const retryAfterMs = 1_000;

export type FaultCode = keyof typeof faults;

/** What a fault may carry besides its code. No field may hold a secret. */
export interface FaultDetail {
  /** The operation that failed, a verb phrase ("start", "tools/call"). */
  readonly op?: string;
  /** The configured name of the server concerned. */
  readonly backend?: string;
  /** What exactly is wrong this time: one sentence for a person. */
  readonly detail?: string;
  /** Overrides the row's hint where this occasion knows better. */
  readonly hint?: string;
  /** More members for the JSON-RPC `error.data`. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An expected failure. A bug is any other error. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly op: string | undefined;
  readonly backend: string | undefined;
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(code: FaultCode, detail: FaultDetail = {}) {
    super(messageOf(code, detail), detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.op = detail.op;
    this.backend = detail.backend;
    this.hint = detail.hint ?? faults[code].hint;
    this.data = detail.data;
  }

  /** The catalog row of this fault. */
  get row(): FaultRow {
    return faults[this.code];
  }
}

function messageOf(code: FaultCode, detail: FaultDetail): string {
  const subject = detail.backend === undefined ? "" : `${detail.backend}: `;
  const more = detail.detail === undefined ? "" : ` (${detail.detail})`;
  return `${subject}${faults[code].text}${more}`;
}

/** Makes a fault; short for `new Fault`. */
export const fault = (code: FaultCode, detail: FaultDetail = {}): Fault => new Fault(code, detail);

/** Any thrown value as a fault: a fault stays itself, everything else becomes INTERNAL with the value as cause. */
export const faultOf = (thrown: unknown): Fault => (thrown instanceof Fault ? thrown : fault("INTERNAL", { cause: thrown }));
