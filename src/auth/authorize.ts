/**
 * The authorization endpoint (RFC 6749, section 3.1): a browser comes with what a client wants, waits until the operator
 * has decided, and goes back with a code. Whom we do not know, and where we do not know it may go, is told on a page of
 * ours; everything else goes back to the client, with our name on it, be it a code or an error (RFC 9207).
 *
 * Nothing is decided by a form alone: the request is kept here, its page works in the browser that it was shown to, and
 * only the operator's browser gets one that decides, or that of somebody whom a company's issuer vouches for, within what
 * he may grant.
 */
import { type Audit, type Clock, faultOf, type Limits } from "../base/index.ts";
import { formOf, isFromUs, notice, otherVerb, page, parseParameters, redirect } from "./answers.ts";
import type { Browsers } from "./browsers.ts";
import type { Client, Clients } from "./clients.ts";
import type { Passwords } from "./passwords.ts";
import { personColumns } from "./grants.ts";
import type { People } from "./people.ts";
import type { Approver, Pending, Waiting } from "./pending.ts";
import { isLoopbackRedirect, isRegistered, withParameters } from "./redirects.ts";
import type { Resources } from "./resources.ts";
import { parseScopes } from "./scopes.ts";
import type { Store } from "./store.ts";
import { createSecret, digestOf, type Random } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface AuthorizeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly resources: Resources;
  readonly clients: Clients;
  readonly pending: Pending;
  readonly browsers: Browsers;
  readonly passwords: Pick<Passwords, "isSet">;
  /** The company's people, and what it is called; null: the operator alone decides. */
  readonly people: Pick<People, "of"> | null;
  readonly companyName: string | null;
  readonly audit: Pick<Audit, "record" | "isWritable">;
}

const stateCharsMax = 4096;

/** `GET` and `POST /authorize`. */
export async function authorize(request: OAuthIn, options: AuthorizeOptions): Promise<OAuthOut> {
  if (request.method === "POST") return decided(request, options);
  if (request.method !== "GET") return otherVerb("GET, POST");
  const handle = request.query.get("handle");
  return handle === null ? begun(request, options) : resumed(request, handle, options);
}

// ---- it begins --------------------------------------------------------------------------------------------------

async function begun(request: OAuthIn, options: AuthorizeOptions): Promise<OAuthOut> {
  const back = await backOf(request.query, options.clients);
  if ("why" in back) {
    options.audit.record({ ev: "authorize.denied", addr: request.address, client: request.query.get("client_id"), route: "GET /authorize", result: "400", reason: back.why });
    return notice(400, "This request cannot be served", back.why);
  }
  const wanted = wantedOf(request.query, back, options);
  if (typeof wanted === "string") return returned(back, { error: wanted }, options);
  const browser = options.browsers.of(request);
  const added = options.pending.add({ client: back.client, resource: wanted.resource, asked: wanted.scopes, address: request.address }, { browser: browser.digest, redirect: back.redirect, state: back.state, challenge: wanted.challenge });
  const waiting = added === null ? null : options.pending.byId(added.id);
  if (added === null || waiting === null) return returned(back, { error: "temporarily_unavailable" }, options);
  options.audit.record({ ev: "authorize.request", addr: request.address, client: back.client.id, target: waiting.resource, need: wanted.scopes });
  return shown(request, waiting, added.handle, browser.headers, options);
}

interface Back {
  readonly client: Client;
  readonly redirect: string;
  readonly state: string | null;
}

/** Where an answer may go; or why there is no such place, for whoever sits there. */
async function backOf(query: URLSearchParams, clients: Clients): Promise<Back | { readonly why: string }> {
  const [id, uri] = [onceOf(query, "client_id"), onceOf(query, "redirect_uri")];
  if (id === null || uri === null) return { why: "It has to name one client, and one address to go back to." };
  const found = await clients.find(id);
  if (!found.ok) return { why: `The program that sent you here cannot be let in: ${found.why}.` };
  if (!isRegistered(uri, found.client.redirectUris)) return { why: "The address to go back to is not one of the program that sent you here." };
  const state = onceOf(query, "state");
  return { client: found.client, redirect: uri, state: state !== null && state.length <= stateCharsMax ? state : null };
}

function onceOf(query: URLSearchParams, name: string): string | null {
  const [value, ...more] = query.getAll(name);
  return value === undefined || value === "" || more.length > 0 ? null : value;
}

interface Wanted {
  readonly scopes: readonly string[];
  readonly resource: string | null;
  readonly challenge: string;
}

/** What is wanted, or the error that says why it cannot be had. */
function wantedOf(query: URLSearchParams, back: Back, { resources, audit }: AuthorizeOptions): Wanted | string {
  const parameters = parseParameters(query);
  if (!parameters.ok) return parameters.repeated === "resource" ? "invalid_target" : "invalid_request";
  const { values } = parameters;
  const error = oddity(values, back);
  if (error !== null) return error;
  const target = resources.targetOf(values.get("resource"));
  if (target === null) return "invalid_target";
  const scopes = parseScopes(values.get("scope"));
  if (scopes === null) return "invalid_scope";
  return audit.isWritable ? { scopes, resource: target.path, challenge: values.get("code_challenge") ?? "" } : "temporarily_unavailable";
}

function oddity(values: ReadonlyMap<string, string>, { state }: Back): string | null {
  const type = values.get("response_type");
  if (type !== "code") return type === undefined ? "invalid_request" : "unsupported_response_type";
  const mode = values.get("response_mode") ?? "query";
  if (mode !== "query" || (state === null && values.has("state"))) return "invalid_request";
  return hasChallenge(values) ? null : "invalid_request";
}

function hasChallenge(values: ReadonlyMap<string, string>): boolean {
  // 43 characters are a SHA-256; "plain" would show the verifier to whoever sees the address (OAuth 2.1, section 7.5.2).
  return values.get("code_challenge_method") === "S256" && /^[\w-]{43}$/.test(values.get("code_challenge") ?? "");
}

/** Back to the client, with what came of it. */
function returned({ redirect: uri, state }: Pick<Back, "redirect" | "state">, answer: Readonly<Record<string, string>>, { resources }: Pick<AuthorizeOptions, "resources">): OAuthOut {
  const to = withParameters(uri, { ...answer, ...(state === null ? {} : { state }), iss: resources.issuer() });
  // Browsers follow a form's redirect to a program's own scheme only if somebody clicks.
  return /^https?:/.test(uri) ? redirect(to) : page({ name: "leaving", to });
}

// ---- it waits ---------------------------------------------------------------------------------------------------

function resumed(request: OAuthIn, handle: string, options: AuthorizeOptions): OAuthOut {
  const waiting = mine(request, handle, options);
  return waiting === null ? gone() : shown(request, waiting, handle, {}, options);
}

/** The request of that handle, if it belongs to this browser. */
function mine(request: OAuthIn, handle: string, { pending, browsers }: AuthorizeOptions): Waiting | null {
  const waiting = pending.byHandle(handle);
  return waiting !== null && waiting.browser !== null && browsers.known(request)?.digest === waiting.browser ? waiting : null;
}

const gone = (): OAuthOut => notice(400, "This request is not waiting any more", "It was decided, has expired, or was opened in another browser. Go back to the program that sent you here, and begin again.");

/** The page of a request, by how far it is and by whose browser this is. */
export function shown(request: OAuthIn, waiting: Waiting, handle: string, headers: Readonly<Record<string, string>>, options: AuthorizeOptions): OAuthOut {
  if (waiting.decision !== null) return done(waiting, options);
  const by = deciderIn(request, options);
  if (by === "nobody") return page({ name: "waiting", handle, code: waiting.code, request: options.pending.shown(waiting), canUsePassword: options.passwords.isSet, signIn: options.companyName }, 200, headers);
  if (by === null && isRemembered(waiting, options)) return remembered(request, waiting, options);
  return page({ name: "consent", handle, request: options.pending.shown(waiting, by), person: by?.person.name ?? null }, 200, headers);
}

/** Who may decide in this browser; null: the operator, who may do everything. */
function deciderIn(request: OAuthIn, { browsers, people }: AuthorizeOptions): Approver | "nobody" | null {
  const cookie = request.header("cookie");
  return browsers.isOperator(cookie) ? null : (people?.of(cookie) ?? "nobody");
}

/** What comes of a decided request: once. */
function done(waiting: Waiting, options: AuthorizeOptions): OAuthOut {
  if (waiting.kind === "device") return waiting.decision === "approved" ? notice(200, "Approved", "You can go back to your device.") : notice(200, "Refused", "The device gets nothing.");
  const { redirect: uri, state } = waiting;
  if (uri === null) return gone();
  const code = options.store.atomically(() => {
    if (!options.pending.take(waiting.id)) return null;
    return waiting.decision === "approved" ? codeFor(waiting, uri, options) : "";
  });
  if (code === null) return gone();
  return returned({ redirect: uri, state }, code === "" ? { error: "access_denied" } : { code }, options);
}

function codeFor(waiting: Waiting, uri: string, { store, random, clock, limits }: AuthorizeOptions): string {
  const code = createSecret(random);
  store.run(
    "insert into codes (digest, client_id, client_name, redirect, challenge, resource, scopes, refreshes, expires_at, person_id, person_name) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    digestOf(code), waiting.clientId, waiting.clientName, uri, waiting.challenge ?? "", waiting.resource, JSON.stringify(waiting.scopes), waiting.refreshes ? 1 : 0, clock.now() + limits.codeMs, ...personColumns(waiting.person),
  );
  return code;
}

// ---- it is decided ----------------------------------------------------------------------------------------------

function decided(request: OAuthIn, options: AuthorizeOptions): OAuthOut {
  const form = formOf(request);
  const handle = form?.get("handle") ?? "";
  const waiting = mine(request, handle, options);
  if (form === null || waiting === null || !isFromUs(request, options.resources.originOf(request.header("host")))) return gone();
  const by = deciderIn(request, options);
  if (by === "nobody") return shown(request, waiting, handle, {}, options);
  try {
    return done(settle(request, waiting, form, by, options), options);
  } catch (thrown) {
    return undecided(thrown);
  }
}

function settle(request: OAuthIn, waiting: Waiting, form: URLSearchParams, by: Approver | null, options: AuthorizeOptions): Waiting {
  const approve = form.get("decision") === "approve";
  const outcome = options.pending.decide(waiting.id, approve ? { approve, scopes: form.getAll("scope") } : { approve }, by);
  // What is remembered would count for everybody.
  if (approve && by === null && form.has("remember")) remember(outcome, options);
  options.audit.record({ ev: approve ? "authorize.approved" : "authorize.denied", addr: request.address, client: waiting.clientId, user: by?.person.name ?? "operator", have: outcome.scopes, route: "POST /authorize" });
  return outcome;
}

function undecided(thrown: unknown): OAuthOut {
  const { code } = faultOf(thrown);
  if (code === "NAME_UNKNOWN") return gone();
  if (code === "PARAMS_INVALID") return notice(400, "This cannot be approved", "What can be granted has changed meanwhile. Go back, and look again.");
  throw thrown;
}

// ---- it was decided before --------------------------------------------------------------------------------------

// Any local program can pose as one that sends browsers back to this computer; and a name is only a claim.
const canRemember = ({ kind, redirect: uri, domain }: Waiting): boolean => kind === "code" && domain !== null && uri !== null && !isLoopbackRedirect(uri);

function remember(waiting: Waiting, { store }: AuthorizeOptions): void {
  if (!canRemember(waiting)) return;
  store.run("insert or replace into consents (client_id, redirect, resource, scopes) values (?, ?, ?, ?)", waiting.clientId, waiting.redirect, waiting.resource ?? "", JSON.stringify(waiting.scopes));
}

function consentOf(waiting: Waiting, { store }: AuthorizeOptions): readonly string[] | null {
  const row = store.get<{ readonly scopes: string }>("select scopes from consents where client_id = ? and redirect = ? and resource = ?", waiting.clientId, waiting.redirect, waiting.resource ?? "");
  return row === null ? null : (JSON.parse(row.scopes) as string[]);
}

/** Whether the operator has approved all of this before, and said that it shall stand. */
function isRemembered(waiting: Waiting, options: AuthorizeOptions): boolean {
  const scopes = canRemember(waiting) ? consentOf(waiting, options) : null;
  return scopes !== null && waiting.asked.every((scope) => scope === "offline_access" || scopes.includes(scope)) && waiting.asked.length > 0;
}

function remembered(request: OAuthIn, waiting: Waiting, options: AuthorizeOptions): OAuthOut {
  const possible = options.pending.shown(waiting).scopes.map(({ scope }) => scope);
  const scopes = possible.filter((scope) => waiting.asked.includes(scope));
  options.audit.record({ ev: "authorize.approved", addr: request.address, client: waiting.clientId, user: "operator", have: scopes, reason: "remembered" });
  return done(options.pending.decide(waiting.id, { approve: true, scopes }), options);
}
