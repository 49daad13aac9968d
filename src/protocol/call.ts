/**
 * The inner model: one client request in neutral form, and what it comes to. It is shaped like the modern revision,
 * where a request carries all it needs; 2025 sessions are an adapter at the edge. Nothing here knows a revision.
 */
import type { Cancel } from "../base/index.ts";
import type { RpcError } from "./message.ts";
import type { Raw, RawObject } from "./raw.ts";

/** Who is calling. `id` is stable for one grant and holds no secret. */
export interface Principal {
  readonly id: string;
  /** Scope strings; null means everything (the local operator's own token). */
  readonly scopes: readonly string[] | null;
}

/** What the URL selected: one server alone and unchanged, or all of them. Filters can only narrow. */
export interface Selection {
  readonly server: string | null;
  /** Only servers that this tag expression selects; in canonical form, so that it can be compared. Left out: all. */
  readonly filter?: string;
}

/** What the client said of itself. Never used for security. */
export interface Client {
  /** JSON text of its `clientInfo`, or null. */
  readonly info: Raw | null;
  /** JSON text of its capabilities object. */
  readonly capabilities: Raw;
}

/** The levels of RFC 5424 that MCP logging uses, most verbose first. */
export const logLevels = Object.freeze(["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const);
export type LogLevel = (typeof logLevels)[number];

/** A message of one running call to its client, without reply. */
export type Notice =
  /** `params` as the backend sent them; `progressToken` in it is not the client's own and is replaced. */
  | { readonly kind: "progress"; readonly params: RawObject }
  | { readonly kind: "log"; readonly level: LogLevel; readonly params: RawObject }
  | { readonly kind: "other"; readonly method: string; readonly params: RawObject | null };

/** Input that a backend wants from the client in the middle of a call. */
export interface Ask {
  readonly kind: "elicitation" | "sampling" | "roots";
  /** Parameters of the question as the backend sent them. */
  readonly params: RawObject | null;
  /** The configured name of the server that asks, for the person who reads the question. */
  readonly backend: string;
  /** The backend does not want the answer any more: what is open of the question is taken back. */
  readonly cancel: Cancel;
}

/** The client's answer to an Ask: the result object's JSON text, or an error that it gave. */
export type Answer = { readonly ok: true; readonly result: Raw } | { readonly ok: false; readonly error: RpcError };

/** What a repeated call carries beside its parameters (which still hold the members as the client sent them). */
export interface Resume {
  /** JSON text of the responses by key, or null. */
  readonly responses: Raw | null;
  /** The backend's own state, verified to be the one issued for this very request; null when it gave none. */
  readonly state: string | null;
  /** The backend that gave the state; nobody else may get it. Null without a state. */
  readonly backend: string | null;
}

/** One client request. Everything the answer may depend on is in here. */
export interface Call {
  /** Counted in the order in which calls come. */
  readonly number: number;
  /** The id by which people find it in log lines, errors and metrics. */
  readonly callId: string;
  readonly method: string;
  /** `params` as they came (possibly an empty object); its `_meta` is superseded by `meta`. */
  readonly params: RawObject;
  /** `params._meta` without the members that belong to the hop; null when there was none. */
  readonly meta: Raw | null;
  readonly principal: Principal;
  readonly selection: Selection;
  readonly client: Client;
  /** The client gave a progress token, so progress is wanted. */
  readonly progress: boolean;
  /** Log messages of this call are wanted from this level on; null: none. */
  readonly logLevel: LogLevel | null;
  readonly cancel: Cancel;
  /** The call is made again, with the input that was wanted; null on a first try. */
  readonly resume: Resume | null;
  /** The 2025 session it came in, for backends that keep a process for each; null for clients without one. */
  readonly session: SessionTie | null;
  /** The backend it must go to, known from an id of ours (tasks); null: look the target up. */
  readonly backend: string | null;
  /** Headers about parameters that came with it, by lower-case name; asked for only where they can go on. */
  paramHeaders(): Readonly<Record<string, string>>;
  /** Its client was answered that input is wanted and has not come back yet: nobody hears what it says now. */
  readonly away?: boolean;
  /** Sends a notice to the client, before the answer. */
  notice(notice: Notice): void;
  /** Asks the client; throws a Fault (ASK_REFUSED) when it cannot be asked. */
  ask(ask: Ask): Promise<Answer>;
}

/** A client's session as far as backends may know it: that it is this one, when it is over, and how its client is reached. */
export interface SessionTie {
  readonly id: string;
  readonly ended: Cancel;
  /** Left out where its client is reached through its calls alone. */
  readonly beside?: Beside;
}

/** A client that can be reached beside its calls: for a backend, or an instance of one, that is this client's alone. */
export interface Beside {
  /** Asks the client; throws a Fault (ASK_REFUSED) when it cannot be asked now. */
  ask(ask: Ask): Promise<Answer>;
  /** Sends a notice as far as it wants it; false: it does not listen, or this is nothing that can be said beside a call. */
  notice(notice: Notice): boolean;
  /** Runs `listener` whenever the client says that its roots have changed; gives what ends that. */
  onRoots(listener: () => void): () => void;
}

/** How long an answer may be kept, and by whom (2026-07-28, server/utilities/caching). */
export interface CacheHint {
  readonly ttlMs: number;
  readonly scope: "public" | "private";
}

/** What a call came to. */
export type Outcome =
  | {
      readonly kind: "done";
      readonly result: RawObject;
      /** Only where the hub itself made the answer: lists. */
      readonly cache?: CacheHint;
    }
  /** More input is wanted before it can be done: `result` holds the questions, `state` the backend's opaque state. */
  | { readonly kind: "input"; readonly result: RawObject; readonly state: string | null; readonly backend: string }
  /** A task was made instead of a result (tasks extension): `result` holds the backend's own task id. */
  | { readonly kind: "task"; readonly result: RawObject; readonly backend: string }
  /** `backend` is set where the error is a backend's own. */
  | { readonly kind: "failed"; readonly error: RpcError; readonly backend?: string };

/** The kinds of things a server offers. */
export type Kind = "tools" | "prompts" | "resources" | "templates";

/** What a selection offers to a principal, for handshakes and discovery. */
export interface Description {
  /** JSON text of the identity to announce: our own on all servers, the backend's own on one. */
  readonly info: Raw;
  /** JSON text of the capabilities object, era-neutral members only (tools, prompts, resources, completions, logging, extensions, experimental). */
  readonly capabilities: Raw;
  readonly instructions: string | null;
}

/** A standing wish for notices, beside any call. */
export interface Watch {
  readonly principal: Principal;
  readonly selection: Selection;
  /** As in a Call: they say which instance of a server is the watcher's own. */
  readonly client: Client;
  readonly session: SessionTie | null;
  /** The visible list of this kind has changed ("templates" is announced as "resources"). */
  changed(kind: "tools" | "prompts" | "resources"): void;
  /** A resource that this watch subscribed to, or one below it, has changed; `params` as the backend sent them. */
  updated(uri: string, params: RawObject): void;
  /** A task that this watch follows has changed; `params` as the backend sent them. Left out where none is followed. */
  told?(task: TaskAt, params: RawObject): void;
}

/** A task of a backend, by the backend's own id. */
export interface TaskAt {
  readonly backend: string;
  readonly taskId: string;
}

/** What came of a wish to hear of one resource. */
export type Subscribed = "subscribed" | "unknown" | "unsupported";

/** An open watch. */
export interface Watching {
  /** Asks the resource's owner to tell of changes; counted, so that one backend subscription serves all. Subscribing twice is fine. */
  subscribe(uri: string): Promise<Subscribed>;
  unsubscribe(uri: string): Promise<void>;
  /** Asks the backend to tell of a task. Whether the watcher may hear of it is for who calls this to know. */
  follow(task: TaskAt): Promise<Subscribed>;
  unfollow(task: TaskAt): Promise<void>;
  /** Ends the watch and its subscriptions. Ending twice is fine. */
  end(): void;
}

/** What the front side needs of the proxy's middle; the hub fulfils it. */
export interface Serve {
  /** Runs one call; never throws for an expected failure (that is an Outcome). */
  call(call: Call): Promise<Outcome>;
  /** Opens a watch. Throws LIMIT_REACHED. */
  watch(watch: Watch): Watching;
  /** The definition of a visible tool as its backend gave it, by public name; null when there is none. */
  tool(principal: Principal, selection: Selection, name: string): Raw | null;
  /** Throws NAME_UNKNOWN when the selection names no server this principal may see; waits for a starting backend, bounded. */
  describe(principal: Principal, selection: Selection): Promise<Description>;
}
