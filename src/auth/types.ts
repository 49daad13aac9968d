/**
 * The auth room's words. In front: who is calling, the authorization server, and what the operator decides. Behind: the
 * logins at remote servers. Everything comes in and goes out as plain data; sockets, pages and commands are elsewhere.
 */
import type { BackendSpec, RemoteSpec } from "../config/index.ts";
import type { Principal } from "../protocol/index.ts";

// ---- Every request ----------------------------------------------------------------------------------------------

/** How callers are known (configuration `auth.mode`). */
export type AuthMode = "oauth" | "token" | "external" | "mixed" | "none";

/** What a request shows of its sender. */
export interface Credentials {
  /** The Authorization header as it came. */
  readonly authorization: string | null;
  /**
   * The endpoint that is asked, as its metadata names it: the resource that a token must be for. Scheme and host as the
   * client wrote them (loopback has three names, and each client compares with its own), path of the endpoint, no slash
   * at the end: `http://127.0.0.1:3050/mcp`, `https://mcp.example/mcp/github`, `http://localhost:3050/sse`.
   */
  readonly resource: string;
  /** Where the request comes from, trusted proxies looked through; asked only where that matters. Absent, or null: nobody knows. */
  readonly address?: () => string | null;
}

/** Who is calling, or what to answer instead: `challenge` is the value of WWW-Authenticate (RFC 6750, section 3). */
export type Verdict =
  | {
      readonly ok: true;
      readonly principal: Principal;
      /** Until when what was shown opens anything, in milliseconds since the epoch: streams that stand end then. Absent: for as long as the grant. */
      readonly expiresAt?: number;
    }
  | { readonly ok: false; readonly code: "TOKEN_MISSING" | "TOKEN_INVALID"; readonly challenge: string };

// ---- The authorization server -----------------------------------------------------------------------------------

/** One request at an endpoint of the authorization server, its body read and bounded. */
export interface OAuthIn {
  readonly method: string;
  /** Path without the query, as `/authorize`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A request header by lower-case name, or null. */
  header(name: string): string | null;
  /** The body as text, "" for none. */
  readonly body: string;
  /** Who sent it, for limits and the audit log: a proxy in front has been looked through. */
  readonly address: string | null;
}

/** What goes back: a document, a redirect, or a page to be shown. */
export type OAuthOut =
  | { readonly kind: "json"; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown }
  | { readonly kind: "redirect"; readonly to: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "page"; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly page: Page };

/**
 * A page in data; the front makes HTML of it, with everything escaped and without script. What comes back of them:
 * "waiting" asks `GET /authorize?handle=` again by itself, and leads to `GET /login?next=` where a password is set, to
 * `GET /sign-in?next=` where a company's people may sign in;
 * "consent" posts `handle`, `decision` ("approve", "deny"), and `scope` once for each ticked box to `/authorize`;
 * "device" posts `handle` and `user_code` to `/device`; "login" posts `handle`, `password` and `next` to `/login`.
 */
export type Page =
  | { readonly name: "waiting"; readonly handle: string; readonly code: string; readonly request: ShownRequest; readonly canUsePassword: boolean; /** The company whose people may sign in at `GET /sign-in?next=`; null: there is none. */ readonly signIn: string | null }
  | { readonly name: "consent"; readonly handle: string; readonly request: ShownRequest; /** Who signed in and decides for himself; null: the operator. */ readonly person: string | null }
  | { readonly name: "device"; readonly handle: string; readonly problem: string | null }
  | { readonly name: "login"; readonly handle: string; readonly problem: string | null; readonly next: string }
  /** A caller's own login at a server: posts `handle` and `decision` ("approve", "deny") to `/connect/<server>`. */
  | { readonly name: "connect"; readonly handle: string; readonly server: string; readonly principal: string }
  | { readonly name: "leaving"; readonly to: string }
  | { readonly name: "notice"; readonly title: string; readonly text: string };

/** A waiting authorization request as a person is shown it, on the page and by `1mcp approve` alike. */
export interface ShownRequest {
  /** Short and unguessable; names the request for `approve`. */
  readonly id: string;
  /** What page and terminal both show, so that a person can tell that they mean the same: `HRCL-PCVJ`. */
  readonly code: string;
  readonly client: { readonly id: string; readonly name: string; /** The domain that vouches for it; null: nobody does. */ readonly domain: string | null };
  /** Host (and port) that the code goes to; null for a device. */
  readonly redirectHost: string | null;
  /** It is this computer, where any local program could be listening. */
  readonly isLoopback: boolean;
  readonly resource: string;
  /** What may be granted: asked for, or everything there is where nothing was asked for. */
  readonly scopes: readonly ShownScope[];
  readonly refresh: boolean;
  /** How long the grant lives at most, in milliseconds. */
  readonly lifeMs: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** One scope with what stands behind it now. */
export interface ShownScope {
  readonly scope: string;
  readonly servers: readonly { readonly name: string; readonly tools: readonly string[] }[];
  /** It was asked for by the client. */
  readonly asked: boolean;
}

/** What the operator decides about a waiting request; `scopes` are those that were ticked. */
export type Decision = { readonly approve: true; readonly scopes: readonly string[] } | { readonly approve: false };

// ---- What the operator can do -----------------------------------------------------------------------------------

/** A grant as it is listed. Nothing of it is secret. */
export interface GrantInfo {
  readonly id: string;
  /** "token": a static one; "code", "device": a person approved; "client": client credentials; "company": by the word of another issuer. */
  readonly kind: "token" | "code" | "device" | "client" | "company";
  /** Name of the token, or of the client. */
  readonly name: string;
  readonly clientId: string | null;
  readonly scopes: readonly string[] | null;
  readonly resource: string | null;
  readonly createdAt: number;
  readonly usedAt: number | null;
  readonly expiresAt: number | null;
  /** Addresses and ranges (`10.0.0.0/8`) from which alone it opens anything; absent: from anywhere. */
  readonly sources?: readonly string[];
  /** Who approved it for himself; absent: the operator did. */
  readonly person?: string;
}

export interface NewToken {
  readonly name: string;
  /** null: everything that the operator himself may do. */
  readonly scopes: readonly string[] | null;
  readonly lifeMs: number;
  /** As in `GrantInfo`. */
  readonly sources?: readonly string[];
}

/** A client that is named by its metadata document, as the operator is shown it. All but `url` and `domain` is its own word. */
export interface DocumentedClient {
  readonly url: string;
  readonly name: string;
  /** The domain that vouches for it. */
  readonly domain: string;
  readonly redirectUris: readonly string[];
  /** It shows by a signature that it is itself. */
  readonly signs: boolean;
}

/** One that he has just looked at. */
export interface ShownClient extends DocumentedClient {
  /** Stands for exactly this document: what is pinned is what was shown. */
  readonly digest: string;
}

/** One that he has pinned: with the policy "pinned" no other is let in, and it is never fetched again. */
export interface PinnedClient extends DocumentedClient {
  readonly pinnedAt: number;
}

/** The operator's side of it; reached over the operator's socket and the operator's pages alone. */
export interface AuthOperator {
  waiting(): readonly ShownRequest[];
  /** Throws NAME_UNKNOWN for a request that does not wait (any more), PARAMS_INVALID for a scope that was not offered. */
  decide(id: string, decision: Decision): void;
  grants(): readonly GrantInfo[];
  /** Gives the token, which is never shown again. Throws PARAMS_INVALID, LIMIT_REACHED. */
  createToken(token: NewToken): { readonly grant: GrantInfo; readonly token: string };
  /** A new token for the grant; the old one stays valid for a while. Throws NAME_UNKNOWN. */
  rotateToken(id: string): { readonly grant: GrantInfo; readonly token: string };
  /** Ends a grant with everything that hangs on it; "all" ends all of them. Gives how many. */
  revoke(id: string | "all"): number;
  /** A link that makes the browser that opens it the operator's, once and for two minutes. */
  openLink(): string;
  /** Sets the password of the operator's pages; null takes it away. */
  setPassword(password: string | null): Promise<void>;
  /** Fetches a client's metadata document, for the operator to see. Throws PARAMS_INVALID with the reason. */
  lookAtClient(url: string): Promise<ShownClient>;
  /** Pins what he has just looked at. Throws PARAMS_INVALID where that was another, LIMIT_REACHED. */
  pinClient(url: string, digest: string): void;
  pinnedClients(): readonly PinnedClient[];
  /** Takes a pin away. Throws NAME_UNKNOWN. */
  unpinClient(url: string): void;
}

// ---- Doors ------------------------------------------------------------------------------------------------------

/** Who is calling us: the guard of every request, the authorization server, and what the operator can do. */
export interface Auth {
  readonly mode: AuthMode;
  /** Judges one request; called for each, so it is synchronous and cheap. Never throws. */
  verify(credentials: Credentials): Verdict | Promise<Verdict>;
  /** The value of WWW-Authenticate for a call that needs `scopes` beside those it has (403, `insufficient_scope`). */
  stepUp(scopes: readonly string[], resource: string): string;
  /** Paths of the authorization server and of metadata that are served; empty where there is none. */
  readonly paths: readonly string[];
  /** Serves one of them. Cookies are among the headers that it gives. */
  handle(request: OAuthIn): Promise<OAuthOut>;
  /** Whether the browser that sends these cookies (the Cookie header as it came) is the operator's. */
  isOperator(cookie: string | null): boolean;
  /** The id of the person that has signed in with the browser that sends these cookies; null: nobody has. */
  personIn(cookie: string | null): string | null;
  /** Somebody can sign in with his browser, at `GET /sign-in?next=`. */
  readonly takesPeople: boolean;
  readonly operator: AuthOperator;
  /** Runs `listener` with the ids of principals whose grant has just ended, by whatever cause. */
  onEnded(listener: (principalIds: readonly string[]) => void): void;
  /** The file that holds the operator's own token, for people to read it there; null where none is asked for. */
  readonly tokenPath: string | null;
  close(): Promise<void>;
}

// ---- Behind: logins at remote servers ---------------------------------------------------------------------------

/** What a remote server said when it refused a request. */
export interface RefusedBy {
  readonly status: number;
  /** Its WWW-Authenticate header. */
  readonly challenge: string | null;
  /** The Authorization header that it got. */
  readonly sent: string | null;
  /** How often this very request was made again before. */
  readonly tries: number;
}

/**
 * What to do then: "again": there is another token now. "login": somebody must log in before anything goes on. "scopes":
 * somebody must log in before this goes on, for more than before. "refused": no login helps.
 */
export type Remedy = "again" | "login" | "scopes" | "refused";

/** One login at one remote server, as the connection to it uses it. */
export interface RemoteLogin {
  /** The Authorization header to send; null for none. A promise only where one has to be got first; it never rejects. */
  authorization(): string | null | Promise<string | null>;
  /** Called with every 401 and 403. Never rejects. */
  refused(by: RefusedBy): Promise<Remedy>;
  /** Somebody must log in, as far as is known. */
  readonly needed: boolean;
  /** What a person is told to do. */
  readonly advice: string;
  /** A page of ours where the caller whose login it is can log in himself; null: the operator does it, or nobody is served pages. */
  page(): string | null;
  /** Runs `listener` when there is another token, or none any more, or `needed` has changed; gives what ends that. */
  onChanged(listener: () => void): () => void;
}

/** A login as it is listed. Nothing of it is secret. */
export interface LoginInfo {
  readonly server: string;
  /** Whose it is: "operator", or a principal's id. */
  readonly owner: string;
  readonly state: "logged-in" | "needs-login" | "logged-out";
  readonly issuer: string | null;
  readonly scopes: readonly string[];
  /** When the token was got, and when it ends; 0 and null where there is none. */
  readonly gotAt: number;
  readonly expiresAt: number | null;
  /** It can be renewed without anybody. */
  readonly renews: boolean;
}

/** What a person does who logs in by a code: he enters it on a page, with whatever browser he has (RFC 8628). */
export interface DeviceOffer {
  readonly url: string;
  readonly code: string;
  /** How long it is good. */
  readonly lifeMs: number;
}

/** The browsers that come to the pages of the logins. */
export interface Visitors {
  /** Whether it is the operator's. */
  isOperator(request: OAuthIn): boolean;
  /** Whether who sits there may log in for that principal. */
  mayActFor(request: OAuthIn, principalId: string): boolean;
  /** Where a browser goes first that nobody is known of; null: there is no such place. */
  introduction(request: OAuthIn): string | null;
}

/** All logins at remote servers: for the connections, for the pages, and for the operator. */
export interface RemoteLogins {
  /** The login of this owner; null where the entry has none to be had. Shared ones are the operator's. */
  of(spec: RemoteSpec, owner: string): RemoteLogin | null;
  /** The servers that there are now. */
  adopt(specs: readonly BackendSpec[]): void;
  /** Where we are reached: browsers come back there. Null: nowhere. */
  serveAt(origin: string | null): void;
  /** Patterns of the paths that are served: `/connect/:server`. */
  readonly paths: readonly string[];
  /** Serves one of them; null: it is none of them after all. */
  handle(request: OAuthIn, visitors: Visitors): Promise<OAuthOut | null>;
  /** Begins the operator's login; gives what he shall open. By "paste" he brings the address back himself. Throws NAME_UNKNOWN, LOGIN_FAILED. */
  start(server: string, by: "browser" | "paste"): Promise<{ readonly url: string | null }>;
  /** Begins one by a code that is entered elsewhere, and goes on by itself; null where nobody has to log in. Ends one that was begun before. Throws as `start`. */
  device(server: string): Promise<DeviceOffer | null>;
  /** Resolves when the code was entered. Throws LOGIN_FAILED. */
  deviceEnded(server: string): Promise<void>;
  /** Ends one by the address that the browser was sent to. Throws LOGIN_FAILED. */
  finish(server: string, callbackUrl: string): Promise<void>;
  /** Forgets the operator's login, or those of all who have one there. Gives how many. Throws NAME_UNKNOWN. */
  logout(server: string, all?: boolean): Promise<number>;
  list(): readonly LoginInfo[];
  /** Forgets the logins of principals whose grant has ended. Never rejects: what cannot be removed is told in the log. */
  forget(owners: readonly string[]): Promise<void>;
  close(): void;
}
