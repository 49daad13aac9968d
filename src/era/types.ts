/** The types of the era room's two sides: HTTP and streams in front, a wire to one backend behind. */
import type { CallIds, Cancel, Clock, Limits, Log } from "../base/index.ts";
import type { Answer, Ask, Beside, CacheHint, Call, Kind, Message, Outcome, Principal, Raw, RawObject, Selection, Serve } from "../protocol/index.ts";

// ---- In front -------------------------------------------------------------------------------------------------

/** Whose message it is, and on what. */
export interface Caller {
  readonly principal: Principal;
  readonly selection: Selection;
  /** A request header by lower-case name, or null; absent where messages have no headers. */
  header?(name: string): string | null;
}

/** One HTTP request on an MCP endpoint, already authorised, its body read and bounded. */
export interface HttpIn extends Caller {
  readonly verb: "POST" | "GET" | "DELETE";
  /** A request header by lower-case name, or null. */
  header(name: string): string | null;
  /** The request headers whose lower-case names begin like this, by that name. */
  headersFrom(prefix: string): Readonly<Record<string, string>>;
  /** The body's bytes; null for GET and DELETE. */
  readonly body: Uint8Array | null;
  /** Runs `listener` once when the client has closed its connection before the answer was complete. */
  onGone(listener: () => void): void;
}

/** A bounded queue of text chunks that somebody reads and somebody fills. */
export interface ChunkStream {
  /** The next chunk, or null at the end. At most one reader. */
  next(): Promise<string | null>;
  /** The reader is gone. */
  cancel(): void;
}

/** What goes back. Header names and values are final; the front adds only what every answer has. */
export type HttpOut =
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | null;
      /** It was refused for lack of these scopes: the challenge that says so is for the front to make. */
      readonly scopes?: readonly string[];
    }
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly stream: ChunkStream;
      /** It answers no call, but stands for as long as its client wants and may: each caller has only so many. */
      readonly standing?: true;
    };

/** One client on stdio: who it is, what it sees, and where its lines go. */
export interface PipeIn extends Caller {
  /** Takes one message, without its line break. */
  send(line: string): void;
}

export interface Pipe {
  receive(line: string): void;
  /** Nothing more comes in. `answered` runs as soon as nothing is due to the client, which may be at once. */
  finish(answered: () => void): void;
  /** The client is gone. Cancels everything of it, and nothing more is sent. */
  end(): void;
}

export interface EraStatus {
  readonly sessions: number;
  readonly streams: number;
  /** Calls that wait for their clients to come back with answers. */
  readonly parked: number;
}

/** One call that this program makes itself, and who hears of it. */
export interface OwnRequest {
  readonly method: string;
  readonly params: RawObject;
  readonly principal: Principal;
  readonly selection: Selection;
  /** JSON text of what whoever makes it can be asked. */
  readonly capabilities: Raw;
  readonly cancel: Cancel;
  /** A notification of the call as JSON text, before its answer. */
  notice(text: string): void;
  /** Answers a question of the server. */
  ask(ask: Ask): Promise<Answer>;
}

/** The front side of the era room. */
export interface Eras {
  /** Serves one request on `/mcp` or `/mcp/<server>` (Streamable HTTP, every revision). Never throws for what a client did. */
  http(request: HttpIn): Promise<HttpOut>;
  /** Opens an HTTP+SSE stream (2024-11-05). `messages` is the path that its client shall post to, without query. */
  sse(request: HttpIn, messages: string): HttpOut;
  /** Serves one POST of the HTTP+SSE transport; `sessionId` is the query's value. */
  sseMessage(request: HttpIn, sessionId: string | null): Promise<HttpOut>;
  /** Opens the handshake with one backend; see Upstream. Throws a Fault when there is nothing to talk to. */
  connect(wire: Wire, options: ConnectOptions): Promise<Upstream>;
  /** Serves one client over a pair of pipes (stdio), every revision. Lines go in by `receive`; answers come out by `send`. Throws SHUTTING_DOWN. */
  stdio(pipe: PipeIn): Pipe;
  /** Makes one call of this program itself. Never throws for an expected failure. */
  call(request: OwnRequest): Promise<Outcome>;
  /** Request headers that browsers may send, and response headers that they may read (CORS). */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  /** Request headers that may carry a method or target, for logs and early checks; none is trusted. */
  status(): EraStatus;
  /**
   * Ends the sessions of these principals and their calls that wait for a client to come back: what they were granted is
   * gone. What is open to them at this moment, streams above all, is cut by whoever holds the connections.
   */
  end(principalIds: readonly string[]): void;
  /** The program is about to end: calls whose clients are away are given up, since nobody can come back to them. */
  retire(): void;
  /** Ends every stream and session. Closing twice is fine. */
  close(): Promise<void>;
}

/** What the era room is built with. */
export interface EraOptions {
  readonly serve: Serve;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** Our own identity: name and version. */
  readonly identity: { readonly name: string; readonly version: string };
  /** 32 bytes for sealing request states; kept across restarts. */
  readonly sealKey: Uint8Array;
  /** Numbers the calls; without it they are numbered here. */
  readonly callIds?: CallIds;
  /** "modern": nothing of the older era is served in front. */
  readonly clientEra?: "any" | "modern";
}

// ---- Behind ---------------------------------------------------------------------------------------------------

/** One request on its way to a backend. */
export interface WireRequest {
  /** Unique on this wire, never reused; from `wire.nextId()`. */
  readonly id: number;
  /** The whole JSON-RPC message, one line. */
  readonly text: string;
  /** HTTP headers of the dialect (ignored on stdio). */
  readonly headers: Readonly<Record<string, string>>;
  /** Fails with BACKEND_TIMEOUT after this long without an answer. */
  readonly timeoutMs: number;
  /** It is meant to stay open: it is no call in flight that anybody waits for. */
  readonly standing?: true;
  /**
   * Called for every message that came on this request's own stream before its response (HTTP). On stdio nothing ties
   * a message to a request: all others come through `onMessage` of the wire.
   */
  onMessage?(message: Message): void;
}

/** The answer to a request. On stdio status is 200 and there are no headers. */
export interface WireReply {
  readonly status: number;
  /** A response header by lower-case name, or null. */
  header(name: string): string | null;
  /** The response with the request's id; null when the HTTP body held none (then `text` has its beginning). */
  readonly message: Message | null;
  readonly text: string;
  /**
   * HTTP only: the response stream ended in order before the response came, after an event with an id. It may be taken
   * up again with `listen`; the response then comes through `onMessage` of the wire.
   */
  readonly resume?: { readonly lastEventId: string; readonly retryMs: number | null } | null;
}

/**
 * The pipe to one backend, lent by the backend room; bytes and ids, no dialect. It sets `content-type` and `accept` by
 * itself, and delivers the elements of a JSON array one by one (a peer of an older revision may send batches).
 */
export interface Wire {
  readonly transport: "stdio" | "http" | "sse";
  nextId(): number;
  /** Sends and waits. Throws BACKEND_GONE, BACKEND_TIMEOUT, BACKEND_DOWN, BACKEND_BUSY, BACKEND_GARBLED. */
  request(request: WireRequest): Promise<WireReply>;
  /** Sends a notification or a response; resolves when handed over. */
  send(text: string, headers: Readonly<Record<string, string>>): Promise<void>;
  /** Forgets a request: its promise rejects with CALL_CANCELLED, a late answer is dropped, an HTTP stream is closed. */
  abandon(id: number): void;
  /** The answer is due that long from now instead: a person was asked, or has answered. */
  postpone?(id: number, ms: number): void;
  /**
   * HTTP only: opens a stream by GET and delivers its messages to `onMessage` of the wire until closed; resolves when it
   * is open, with the response's status (any other than 200: nothing was opened). `onEnd` gets
   * the last event id seen and the last `retry` value, each null if there was none. Several may be open at once.
   */
  listen?(headers: Readonly<Record<string, string>>, onEnd: (lastEventId: string | null, retryMs?: number | null) => void): Promise<number>;
  /** HTTP only: sends DELETE. */
  drop?(headers: Readonly<Record<string, string>>): Promise<void>;
  /** stdio only: ends the child and starts it anew (a backend that exits at the probe is a legacy one). */
  respawn?(): Promise<void>;
  /** http only: turns this wire into an HTTP+SSE one: GET on the URL, wait for the `endpoint` event. Resolves false when the URL does not speak it. */
  openSse?(): Promise<boolean>;
  /** Set once by `connect`: every message that belongs to no request. */
  onMessage: (message: Message) => void;
}

export interface ConnectOptions {
  /** The configured name, for faults. */
  readonly name: string;
  /** "older": the older era where the backend takes a client of it, else as "auto". */
  readonly era: "auto" | "modern" | "legacy" | "older";
  readonly requestMsMax: number;
  readonly probeMsMax: number;
  /**
   * Client capabilities to declare to a backend that is told once (JSON text): exactly what whoever shares this
   * connection can do, or everything that can be relayed. Backends that are told with each request hear each caller's own.
   */
  readonly capabilities: Raw;
  /** What the client says of itself whose alone this connection is, for a backend that is told once; null: it is shared. */
  readonly client?: Raw | null;
  /** The client whose alone this connection is, to be asked what no call of it can have caused; left out where there is none such. */
  readonly beside?: Beside;
  /** See UpstreamFacts, where that is known from another connection. */
  readonly mute?: boolean;
  /**
   * A resource that was subscribed to has changed, or may have; for those alone who subscribed with these `abilities`,
   * null for everybody.
   */
  updated(uri: string, params: RawObject, abilities: Raw | null): void;
  /** A list of this kind has changed, or may have. */
  changed(kind: "tools" | "prompts" | "resources"): void;
  /** A log line of the backend that belongs to no call. */
  logged(text: Raw): void;
  /** The connection is of no further use (its session was refused and could not be opened again). */
  lost(reason: string): void;
}

/** What a backend said of itself, without dialect. */
export interface UpstreamFacts {
  /** JSON text of its identity. */
  readonly info: Raw;
  /** Its capabilities, one level parsed: name → JSON text. */
  readonly capabilities: ReadonlyMap<string, Raw>;
  readonly instructions: string | null;
  /** The negotiated revision, for people to read. */
  readonly revision: string;
  /** It announces changes of its lists by itself. */
  readonly announces: boolean;
  /** It tells of changes of single resources that it is asked about. */
  readonly subscribes: boolean;
  /** It did not say in time whether its changes can be heard: it opens no stream before it has something to say. */
  readonly mute?: boolean;
  /** It hears with each request what its caller can do: one connection serves callers of every kind. Else it was told once. */
  readonly perRequest?: true;
}

/** Whom a call is for, in the backend's own words. */
export interface Target {
  /** The configured name of the server. */
  readonly backend: string;
  /** Replaces the member of `params` that names the target (tool or prompt name); null: as it came. */
  readonly name: string | null;
  readonly timeoutMs: number;
  /** Progress puts the deadline off by `timeoutMs` again, but never beyond so long after the start. Absent: it does not. */
  readonly totalMs?: number;
  /** The tool's own definition, for header mirroring; null when there is none. */
  readonly tool: Raw | null;
  /** Extensions that this server alone has among those that the caller sees, so that it hears whether its caller has them. */
  readonly extensions?: readonly string[] | null;
}

/** One page-complete list of a backend. */
export interface Listed {
  /** JSON text of each item, in the backend's order. */
  readonly items: readonly Raw[];
  readonly cache: CacheHint;
}

/** A backend after its handshake: neutral calls in, outcomes out. */
export interface Upstream {
  readonly facts: UpstreamFacts;
  /** Encodes, sends and decodes one call; relays its notices; cancels it south when the call is cancelled. Throws Faults of the wire. */
  call(call: Call, target: Target): Promise<Outcome>;
  /** Fetches all pages of one list; an empty list where the capability is not advertised. */
  list(kind: Kind): Promise<Listed>;
  /**
   * Asks to be told of changes of one resource; false where the backend cannot, or will not and does not say why. Lasts
   * until `unsubscribe`, also through lost sessions. `abilities` are what the subscriber can do (`abilitiesOf`): a backend that hears of each
   * caller hears of this one too, and may tell of a resource only whom it knows. Throws ServerError where it refuses in
   * words of its own, LIMIT_REACHED and Faults of the wire. Both are asked one after the other for one resource.
   */
  subscribe(uri: string, abilities: Raw): Promise<boolean>;
  unsubscribe(uri: string, abilities: Raw): Promise<void>;
  /** Asks for a sign of life; false when none came in that time. What else goes wrong is no proof that nobody is there. */
  alive(timeoutMs: number): Promise<boolean>;
  /** Ends the dialect's own state at the backend (a session); the wire is closed by its owner. */
  close(): Promise<void>;
}

