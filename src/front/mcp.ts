/**
 * The way of one MCP request through the door, in the order in which it may be refused: address, verb, size, caller,
 * type, body. Nothing is read of the body before its sender is known. Which revision it speaks is not our business.
 */
import { type Audit, type Clock, Fault, fault, type Limits, type Log } from "../base/index.ts";
import type { Eras, HttpIn, HttpOut } from "../era/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";
import { readBody } from "./body.ts";
import { Callers } from "./callers.ts";
import { corsOf, preflight } from "./cors.ts";
import { type Gate, originOf, refusedHost, refusedOrigin, refusedSize, refusedType } from "./guard.ts";
import { Inbound } from "./inbound.ts";
import type { Traffic } from "./numbers.ts";
import type { Proxies } from "./proxies.ts";
import { type FrontRates, type Rate, Rates, ratesOf } from "./rates.ts";
import { comeBackIn, refusal, replyOf } from "./reply.ts";
import { type PresetNames, Selections } from "./selection.ts";
import { recordRefusal } from "./trail.ts";
import type { Doorkeeper } from "./types.ts";
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
  readonly auth: Doorkeeper;
  readonly gate: Gate;
  readonly proxies: Proxies;
  readonly traffic: Traffic;
  /** The presets that a URL may name; absent: none. */
  readonly presets?: PresetNames;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Where it is written down who was turned away. */
  readonly audit: Audit;
}

/** What one path serves. */
export interface Path {
  /** The endpoint that a token must be for; a server's own is below it. */
  readonly resource: string;
  /** For `Allow` and for browsers. */
  readonly verbs: readonly HttpIn["verb"][];
  serve(request: Inbound, url: string): Promise<HttpOut> | HttpOut;
}

type Extra = Readonly<Record<string, string>> | null;

/** A caller who was let in. */
export interface Admitted {
  readonly principal: Principal;
  /** Milliseconds since the epoch; null: as long as the grant. */
  readonly expiresAt: number | null;
}

const noPresets: PresetNames = Object.freeze({ has: () => false });

/** How long a peer may be silent while its request has not been read. */
export const idleSeconds = 30;
/** The same while its body is awaited. */
const bodySeconds = 10;

/** The door to the era room. */
export class Door {
  readonly #options: DoorOptions;
  readonly #callers: Callers;
  readonly #rates: Rates;
  /** How often each thing may be done. */
  readonly rates: FrontRates;
  readonly #selections: Selections;
  readonly #unread: Unread;
  #closed = false;
  /** How often grants have ended. */
  #endings = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#callers = new Callers(options.clock, options.limits);
    this.#rates = new Rates(options.clock, options.limits);
    this.rates = ratesOf(options.limits);
    this.#selections = new Selections(options.presets ?? noPresets, options.limits);
    this.#unread = new Unread(options.limits.unreadBytesMax);
  }

  /** Serves one request on a path; every failure is an answer. */
  handle(request: Request, peer: Peer, path: Path, selection: Selection): Response | Promise<Response> {
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

  #leave(inbound: Inbound, response: Response): Response {
    this.#callers.leave(inbound);
    return response;
  }

  /** Cuts everything that is open to these principals: their grants have ended. */
  end(principalIds: readonly string[]): void {
    this.#endings += 1;
    this.#callers.end(principalIds);
  }

  /** Why a request from there, by that name, is none that we answer; null: nothing speaks against it. */
  foreign(request: Request, peer: Peer): Fault | null {
    return this.#refusedPeer(request, peer) ?? refusedOrigin(request.headers, this.#options.gate);
  }

  /** The same, whatever page it comes from. */
  foreignHost(request: Request, peer: Peer): Fault | null {
    return this.#refusedPeer(request, peer) ?? refusedHost(request.headers, this.#options.gate);
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
    const refused = this.#closed ? fault("SHUTTING_DOWN") : refusedSize(request.headers, this.#options.limits.bodyBytesMax);
    if (refused !== null) return this.refuse(refused, request, peer, extra);
    const resource = this.resourceOf(request, path.resource, selection.server);
    const admitting = this.admit(request, peer, resource, extra);
    const caller = admitting instanceof Promise ? await admitting : admitting;
    if (caller instanceof Response) return caller;
    const { url } = request;
    const endings = this.#endings;
    // Only now: what presets there are is nothing to tell everybody.
    const inbound = await this.#read(request, peer, caller.principal, this.#selections.of(url, selection));
    if (!(inbound instanceof Inbound)) return this.refuse(inbound, request, peer, extra);
    this.#callers.enter(inbound);
    // Some grant has ended while the body came: if it was this one, what follows would run without any.
    if (endings !== this.#endings) {
      const again = await this.admit(request, peer, resource, extra);
      if (again instanceof Response) return this.#leave(inbound, again);
    }
    const out = await path.serve(inbound, url);
    return this.#answer(request, peer, { inbound, out, extra, caller, resource });
  }

  /** The name of an endpoint, as its metadata has it. */
  resourceOf(request: Request, path: string, server: string | null): string {
    const endpoint = originOf(request.headers, this.#options.gate) + path;
    return server === null ? endpoint : `${endpoint}/${server}`;
  }

  /** Who sends this request to that resource, or why he is not let in. */
  admit(request: Request, peer: Peer, resource: string, extra: Extra): Admitted | Response | Promise<Admitted | Response> {
    const verdict = this.#options.auth.verify({ authorization: request.headers.get("authorization"), resource });
    return verdict instanceof Promise ? verdict.then((found) => this.#judged(found, request, peer, extra)) : this.#judged(verdict, request, peer, extra);
  }

  #judged(verdict: Awaited<ReturnType<Doorkeeper["verify"]>>, request: Request, peer: Peer, extra: Extra): Admitted | Response {
    if (!verdict.ok) return this.#turnAway(verdict, request, peer, extra);
    const { principal, expiresAt = null } = verdict;
    const waitMs = principal.scopes === null ? 0 : this.#rates.take(this.rates.requests, principal.id);
    return waitMs > 0 ? this.refuse(tooOften(), request, peer, { ...extra, ...comeBackIn(waitMs) }) : { principal, expiresAt };
  }

  // Who shows nothing begins a login; only who shows something wrong may be guessing.
  #turnAway({ code, challenge }: { readonly code: "TOKEN_MISSING" | "TOKEN_INVALID"; readonly challenge: string }, request: Request, peer: Peer, extra: Extra): Response {
    const waitMs = code === "TOKEN_INVALID" ? this.wait(this.rates.badTokens, request, peer) : 0;
    if (waitMs > 0) return this.refuse(tooOften(), request, peer, { ...extra, ...comeBackIn(waitMs) });
    return this.refuse(fault(code), request, peer, { ...extra, "WWW-Authenticate": challenge });
  }

  /** Counts a request of whoever sends it; gives 0, or in how many milliseconds he may come back. */
  wait(rate: Rate, request: Request, peer: Peer): number {
    return this.#rates.takeFrom(rate, this.clientOf(request, peer));
  }

  #answer(request: Request, peer: Peer, { inbound, out, extra, caller, resource }: { readonly inbound: Inbound; readonly out: HttpOut; readonly extra: Extra; readonly caller: Admitted; readonly resource: string }): Response {
    const { clock, traffic, limits, auth } = this.#options;
    if (inbound.isCut) return this.#tooLate(inbound, out, { request, peer, extra });
    if ("stream" in out && out.standing === true && !this.#stands(inbound, out, caller)) return this.refuse(fault("LIMIT_REACHED", { detail: "limits.streamsPerGrantMax" }), request, peer, extra);
    const onEnd = (): void => {
      inbound.done();
      this.#callers.leave(inbound);
      // A connection that is kept is held to the idle time-out again, or it could stay for ever.
      peer.timeout(request, idleSeconds);
    };
    const challenged = "scopes" in out && out.scopes !== undefined ? { ...extra, "WWW-Authenticate": auth.stepUp(out.scopes, resource) } : extra;
    return replyOf(out, challenged, { clock, heartbeatMs: limits.heartbeatMs, sent: traffic.sent, unread: this.#unread, onEnd });
  }

  // The grant ended while the request was served.
  #tooLate(inbound: Inbound, out: HttpOut, { request, peer, extra }: { readonly request: Request; readonly peer: Peer; readonly extra: Extra }): Response {
    if ("stream" in out) out.stream.cancel();
    this.#callers.leave(inbound);
    return this.refuse(fault("TOKEN_INVALID", { detail: "its grant has ended" }), request, peer, extra);
  }

  #stands(inbound: Inbound, out: Extract<HttpOut, { stream: unknown }>, { principal, expiresAt }: Admitted): boolean {
    if (this.#callers.hasRoom(principal)) {
      this.#callers.stand(inbound, expiresAt);
      return true;
    }
    this.#callers.leave(inbound);
    out.stream.cancel();
    return false;
  }

  async #read(request: Request, peer: Peer, principal: Principal, selection: Selection | Fault): Promise<Inbound | Fault> {
    if (selection instanceof Fault) return selection;
    if (request.method !== "POST") {
      peer.timeout(request, 0);
      return new Inbound(request, null, principal, selection);
    }
    const { bodyBytesMax } = this.#options.limits;
    // What was read would have to be answered, and nobody takes the answers that there are.
    const refused = this.#unread.isFull ? fault("LIMIT_REACHED", { detail: "limits.unreadBytesMax: clients do not take their answers" }) : refusedType(request.headers);
    if (refused !== null) return refused;
    // A body that comes slower than a modem sent it is cut with what stands still: its bytes do not put this off.
    peer.timeout(request, bodySeconds);
    const body = await readBody(request, bodyBytesMax);
    if (!(body instanceof Uint8Array)) return body;
    this.#options.traffic.received.add(body.byteLength);
    // Only now: until it has spoken a peer is held to the listener's idle time-out, afterwards it may wait for its answer.
    peer.timeout(request, 0);
    return new Inbound(request, body, principal, selection);
  }

  /** Answers a request that nobody reads, and tells of it. */
  refuse(why: Fault, request: Request, peer: Peer, extra: Extra): Response {
    this.tell(why, request, peer);
    return refusal(why, extra);
  }

  /** Tells of a request that is refused: in the numbers, in the log, and in the audit log. */
  tell(why: Fault, request: Request, peer: Peer): void {
    const client = this.clientOf(request, peer);
    this.#options.traffic.refused(why.code);
    this.#options.log[why.row.level]("request refused", { code: why.code, status: why.row.http, client });
    recordRefusal(this.#options.audit, why, request, client);
  }

  /** Who sends it: where a proxy in front is trusted, whom that names. */
  clientOf(request: Request, peer: Peer): string {
    return this.#options.proxies.clientOf(addressOf(request, peer), request.headers.get("x-forwarded-for"));
  }
}

/** Somebody does something more often than anybody needs to. */
export const tooOften = (): Fault => fault("LIMIT_REACHED", { detail: "too often" });

const addressOf = (request: Request, peer: Peer): string | null => peer.requestIP(request)?.address ?? null;

const isServed = (path: Path, method: string): boolean => (path.verbs as readonly string[]).includes(method);

/** Streamable HTTP: `/mcp`, `/mcp/<server>`. Streams and ends of sessions have verbs of their own; modern clients have none. */
export const mcpPath = (eras: Eras, clientEra: "any" | "modern"): Path => ({
  resource: mcpResource,
  verbs: clientEra === "modern" ? ["POST"] : ["POST", "GET", "DELETE"],
  serve: (inbound) => eras.http(inbound),
});

/** The endpoint that shows all servers. Who may read how we are shows a token for it. */
export const mcpResource = "/mcp";
