/**
 * The authorization server and its pages as HTTP: bytes in, documents, redirects and pages out. What may be asked from
 * which web page differs: metadata by everybody's, tokens and registrations by those that are let in, and a form must
 * come from a page of ours.
 */
import { Fault } from "../base/index.ts";
import type { OAuthIn, OAuthOut } from "../auth/index.ts";
import { readBody } from "./body.ts";
import { corsOf, preflight } from "./cors.ts";
import { type Gate, refusedForm, refusedSize } from "./guard.ts";
import { type Door, type Peer, tooOften } from "./mcp.ts";
import { noticeOut, pageOut } from "./pages.ts";
import type { Rate } from "./rates.ts";
import { comeBackIn, lowerNames } from "./reply.ts";
import { notFound } from "./status.ts";
import type { Site } from "./types.ts";

export interface DeskOptions {
  readonly door: Door;
  readonly gate: Gate;
  readonly bodyBytesMax: number;
}

/** For whom a path is: anybody's page, programs, or a person in front of a browser. */
type Audience = "everybody" | "programs" | "people";

type Headers = Readonly<Record<string, string>>;

const documents = /^\/(?:\.well-known\/|jwks\.json$|oauth\/client\.json$)/;
const endpoints = /^\/(?:token|register|revoke|introspect|device_authorization)$/;

/** Whose a path is. */
function audienceOf(path: string): Audience {
  if (documents.test(path)) return "everybody";
  return endpoints.test(path) ? "programs" : "people";
}

// Never with credentials: what is asked for is in the body.
const cors = Object.freeze({ requestHeaders: Object.freeze(["MCP-Protocol-Version"]), responseHeaders: Object.freeze([]) });
const forEverybody: Headers = Object.freeze({ "access-control-allow-origin": "*" });

/** Serves the requests of sites. */
export class Desk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Serves one request; every failure is an answer. */
  async handle(request: Request, peer: Peer, site: Site): Promise<Response> {
    const { pathname: path, searchParams } = new URL(request.url);
    const audience = audienceOf(path);
    const refused = this.#refusal(request, peer, audience) ?? this.#rateFault(request, peer, path, searchParams);
    if (refused !== null) return this.#refuse(refused, request, peer, audience);
    if (request.method === "OPTIONS") return allowed(request, audience);
    const body = await this.#bodyOf(request);
    if (body instanceof Fault) return this.#refuse({ why: body }, request, peer, audience);
    const out = await site.handle(inputOf(request, { path, query: searchParams, body, address: this.#options.door.clientOf(request, peer) }));
    return out === null ? notFound() : responseOf(out, corsFor(request, audience));
  }

  #refusal(request: Request, peer: Peer, audience: Audience): Refusal | null {
    const { door, gate } = this.#options;
    const why = audience === "programs" ? door.foreign(request, peer) : door.foreignHost(request, peer);
    if (why !== null) return { why };
    const form = audience === "people" && request.method !== "GET" && request.method !== "HEAD" ? refusedForm(request.headers, gate) : null;
    // The browser that shows it has been misused, and did what it was told: it is the form that is not in order.
    return form === null ? null : { why: form, status: 400 };
  }

  #rateFault(request: Request, peer: Peer, path: string, query: URLSearchParams): Refusal | null {
    const { door } = this.#options;
    const rate = rateOf(door, request.method, path, query);
    const waitMs = rate === null ? 0 : door.wait(rate, request, peer);
    return waitMs > 0 ? { why: tooOften(), headers: comeBackIn(waitMs) } : null;
  }

  async #bodyOf(request: Request): Promise<string | Fault> {
    if (request.method !== "POST") return "";
    const { bodyBytesMax } = this.#options;
    const read = refusedSize(request.headers, bodyBytesMax) ?? (await readBody(request, bodyBytesMax));
    return read instanceof Fault ? read : new TextDecoder().decode(read);
  }

  #refuse({ why, status = why.row.http, headers }: Refusal, request: Request, peer: Peer, audience: Audience): Response {
    this.#options.door.tell(why, request, peer);
    if (audience === "people") return noticeOut(status, status === 429 ? "Too often" : "Not possible", status === 429 ? "Please wait a moment, then try again." : `${why.message}.`, headers);
    return document(status, { error: status === 429 ? "slow_down" : "invalid_request", error_description: why.message }, headers ?? {});
  }
}

interface Refusal {
  readonly why: Fault;
  readonly status?: number;
  readonly headers?: Headers;
}

/** What is counted of a request; a login that was begun asks by itself how it stands. */
function rateOf({ rates }: Pick<Door, "rates">, method: string, path: string, query: URLSearchParams): Rate | null {
  if (path === "/authorize") return method === "GET" && query.has("handle") ? rates.looks : rates.authorizes;
  if (path === "/token") return rates.tokens;
  if (path === "/register") return rates.registers;
  if (path === "/device") return method === "POST" ? rates.devices : rates.looks;
  return documents.test(path) ? null : rates.authorizes;
}

function inputOf(request: Request, given: Omit<OAuthIn, "method" | "header">): OAuthIn {
  // What a HEAD asks for is what a GET would get, less the body, which the runtime leaves out.
  return { ...given, method: request.method === "HEAD" ? "GET" : request.method, header: (name) => request.headers.get(name) };
}

function allowed(request: Request, audience: Audience): Response {
  if (audience === "everybody") return new Response(null, { status: 204, headers: { ...forEverybody, "access-control-allow-methods": "GET, HEAD", "access-control-allow-headers": "*" } });
  return audience === "programs" ? preflight(request.headers, "POST, OPTIONS", cors) : new Response(null, { status: 204, headers: { allow: "GET, POST" } });
}

function corsFor(request: Request, audience: Audience): Headers {
  if (audience === "everybody") return forEverybody;
  return audience === "programs" ? (corsOf(request.headers.get("origin"), cors) ?? {}) : {};
}

function responseOf(out: OAuthOut, extra: Headers): Response {
  if (out.kind === "page") return pageOut(out);
  if (out.kind === "json") return document(out.status, out.body, { ...out.headers, ...extra });
  return new Response(null, { status: 302, headers: lowerNames({ ...kept, ...out.headers, location: out.to }) });
}

const kept: Headers = Object.freeze({ "cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff" });

/** A JSON document; whoever makes it says for how long it may be kept. Some answers have no body at all. */
function document(status: number, body: unknown, headers: Headers): Response {
  const all = { ...kept, "content-type": "application/json", ...lowerNames(headers) };
  return new Response(body === null || body === undefined ? null : JSON.stringify(body), { status, headers: all });
}
