/**
 * The way of one MCP request through the door, in the order in which it may be refused: address, verb, size, caller,
 * type, body. Nothing is read of the body before its sender is known. Which revision it speaks is not our business.
 */
import type { Guard } from "../auth/index.ts";
import { type Clock, type Fault, fault, type Limits, type Log } from "../base/index.ts";
import type { Eras, HttpIn, HttpOut } from "../era/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";
import { readBody } from "./body.ts";
import { corsOf, preflight } from "./cors.ts";
import { type Gate, refusedOrigin, refusedSize, refusedType } from "./guard.ts";
import { Inbound } from "./inbound.ts";
import type { Traffic } from "./numbers.ts";
import type { Proxies } from "./proxies.ts";
import { refusal, replyOf } from "./reply.ts";
import { Unread } from "./unread.ts";

/** What the listener offers for one request. */
export interface Peer {
  /** Sets the idle time-out of the request's connection; 0 for none. */
  timeout(request: Request, seconds: number): void;
  /** The peer's address, for the log. */
  requestIP(request: Request): { readonly address: string } | null;
}

export interface DoorOptions {
  readonly eras: Eras;
  readonly guard: Guard;
  readonly gate: Gate;
  readonly proxies: Proxies;
  readonly traffic: Traffic;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one path serves. */
export interface Path {
  /** For `Allow` and for browsers. */
  readonly verbs: readonly HttpIn["verb"][];
  serve(request: Inbound, url: string): Promise<HttpOut> | HttpOut;
}

type Extra = Readonly<Record<string, string>> | null;

/** How long a peer may be silent while its request has not been read. */
export const idleSeconds = 30;

/** The door to the era room. */
export class Door {
  readonly #options: DoorOptions;
  readonly #unread: Unread;
  #closed = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#unread = new Unread(options.limits.unreadBytesMax);
  }

  /** Serves one request on a path; every failure is an answer. */
  async handle(request: Request, peer: Peer, path: Path, selection: Selection): Promise<Response> {
    const { eras } = this.#options;
    const foreign = this.foreign(request, peer);
    if (foreign !== null) return this.refuse(foreign, request, peer, null);
    const extra = corsOf(request.headers.get("origin"), eras);
    if (!isServed(path, request.method)) return this.#otherVerb(request, path, extra);
    return this.#admit(request, peer, path, { extra, selection });
  }

  /** Refuses every request from now on: connections that are open already could bring more. */
  close(): void {
    this.#closed = true;
  }

  /** Why a request from there, by that name, is none that we answer; null: nothing speaks against it. */
  foreign(request: Request, peer: Peer): Fault | null {
    return this.#refusedPeer(request, peer) ?? refusedOrigin(request.headers, this.#options.gate);
  }

  #refusedPeer(request: Request, peer: Peer): Fault | null {
    const { proxies } = this.#options;
    return proxies.isOpen || proxies.mayConnect(addressOf(request, peer)) ? null : fault("PEER_REFUSED");
  }

  #otherVerb(request: Request, { verbs }: Path, extra: Extra): Response {
    const allow = [...verbs, "OPTIONS"].join(", ");
    if (request.method === "OPTIONS") return preflight(request.headers, allow, this.#options.eras);
    return new Response("method not allowed\n", { status: 405, headers: { Allow: allow, "X-Content-Type-Options": "nosniff", ...extra } });
  }

  async #admit(request: Request, peer: Peer, path: Path, { extra, selection }: { readonly extra: Extra; readonly selection: Selection }): Promise<Response> {
    const { guard, limits } = this.#options;
    const { headers } = request;
    const refused = this.#closed ? fault("SHUTTING_DOWN") : refusedSize(headers, limits.bodyBytesMax);
    if (refused !== null) return this.refuse(refused, request, peer, extra);
    const caller = guard.principalOf(headers.get("authorization"));
    if (!caller.ok) return this.refuse(fault(caller.code), request, peer, { ...extra, "WWW-Authenticate": caller.challenge });
    // Who is known is told; what was read would have to be answered.
    if (request.method === "POST" && this.#unread.isFull) return this.refuse(fault("LIMIT_REACHED", { detail: "limits.unreadBytesMax: clients do not take their answers" }), request, peer, extra);
    const inbound = await this.#read(request, peer, caller.principal, selection);
    if (!(inbound instanceof Inbound)) return this.refuse(inbound, request, peer, extra);
    const out = await path.serve(inbound, request.url);
    const { clock, traffic } = this.#options;
    const onEnd = (): void => {
      inbound.done();
      // A connection that is kept is held to the idle time-out again, or it could stay for ever.
      peer.timeout(request, idleSeconds);
    };
    return replyOf(out, extra, { clock, heartbeatMs: limits.heartbeatMs, sent: traffic.sent, unread: this.#unread, onEnd });
  }

  async #read(request: Request, peer: Peer, principal: Principal, selection: Selection): Promise<Inbound | Fault> {
    if (request.method !== "POST") {
      peer.timeout(request, 0);
      return new Inbound(request, null, principal, selection);
    }
    const { bodyBytesMax } = this.#options.limits;
    const refused = refusedType(request.headers);
    if (refused !== null) return refused;
    const body = await readBody(request, bodyBytesMax);
    if (!(body instanceof Uint8Array)) return body;
    this.#options.traffic.received.add(body.byteLength);
    // Only now: until it has spoken a peer is held to the listener's idle time-out, afterwards it may wait for its answer.
    peer.timeout(request, 0);
    return new Inbound(request, body, principal, selection);
  }

  /** Answers a request that nobody reads, and tells of it. */
  refuse(why: Fault, request: Request, peer: Peer, extra: Extra): Response {
    const client = this.#options.proxies.clientOf(addressOf(request, peer), request.headers.get("x-forwarded-for"));
    this.#options.traffic.refused(why.code);
    this.#options.log[why.row.level]("request refused", { code: why.code, status: why.row.http, client });
    return refusal(why, extra);
  }
}

const addressOf = (request: Request, peer: Peer): string | null => peer.requestIP(request)?.address ?? null;

const isServed = (path: Path, method: string): boolean => (path.verbs as readonly string[]).includes(method);

/** Streamable HTTP: `/mcp`, `/mcp/<server>`. Streams and ends of sessions have verbs of their own; modern clients have none. */
export const mcpPath = (eras: Eras, clientEra: "any" | "modern"): Path => ({
  verbs: clientEra === "modern" ? ["POST"] : ["POST", "GET", "DELETE"],
  serve: (inbound) => eras.http(inbound),
});
