/**
 * What browsers ask for on the way to a login at a remote server: where it begins (`/oauth/authorize/<server>`), where it
 * ends (`/oauth/callback`, for every server one), our description as a client, and the page where a caller is asked
 * before his own login begins (`/connect/<server>`). It hides that a browser which comes back has to be the one that
 * went: a cookie set on the way out is looked for on the way in, and the word in the address works once.
 */
import { faultOf } from "../base/index.ts";
import { type Begun, completed, type Invitation, isWord, newWord, type Once } from "./remoteBegun.ts";
import { deviceGrant } from "./remoteDevice.ts";
import type { Login } from "./remoteLogin.ts";
import type { OAuthIn, OAuthOut, Visitors } from "./types.ts";

export const authorizePath = "/oauth/authorize/";
export const callbackPath = "/oauth/callback";
export const clientPath = "/oauth/client.json";
export const connectPath = "/connect/";

/** What the pages need of all logins. */
export interface Logins {
  readonly origin: string | null;
  readonly begun: Once<Begun>;
  readonly invitations: Once<Invitation>;
  operators(server: string): Login;
  send(login: Login, binding: string | null): Promise<string | null>;
}

const cookieName = "1mcp_login";
const cookieSeconds = 600;
const noStore = Object.freeze({ "Cache-Control": "no-store", "Referrer-Policy": "no-referrer" });

export const createRemotePages =
  (logins: Logins) =>
  async (request: OAuthIn, visitors: Visitors): Promise<OAuthOut | null> => {
    if (request.method === "GET") return shown(logins, request, visitors);
    return request.method === "POST" && request.path.startsWith(connectPath) ? accepted(logins, request, visitors) : null;
  };

async function shown(logins: Logins, request: OAuthIn, visitors: Visitors): Promise<OAuthOut | null> {
  const { path } = request;
  if (path === callbackPath) return ended(logins, request);
  if (path === clientPath) return described(logins);
  if (path.startsWith(authorizePath)) return begun(logins, request, visitors);
  return path.startsWith(connectPath) ? offered(logins, request, visitors) : null;
}

// ---- out --------------------------------------------------------------------------------------------------------

async function begun(logins: Logins, request: OAuthIn, visitors: Visitors): Promise<OAuthOut> {
  const invited = logins.invitations.look(request.query.get("link"));
  if (invited === null ? !visitors.isOperator(request) : invited.principal !== null) return stranger;
  const server = nameIn(request.path, authorizePath);
  if (invited !== null && invited.login.key.server !== server) return stranger;
  const elsewhere = atHome(logins, request);
  if (elsewhere !== null) return elsewhere;
  logins.invitations.take(request.query.get("link"));
  return told(() => sent(logins, invited?.login ?? logins.operators(server)));
}

/** On its way, with what it has to bring back. */
async function sent(logins: Logins, login: Login): Promise<OAuthOut> {
  const binding = newWord();
  const to = await logins.send(login, binding);
  if (to === null) return notice(200, "Logged in", `${login.key.server} needs nobody for that.`);
  const secure = logins.origin?.startsWith("https:") === true ? "; Secure" : "";
  return { kind: "redirect", to, headers: { ...noStore, "Set-Cookie": `${cookieName}=${binding}; Path=/oauth; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Lax${secure}` } };
}

// This computer has several names, and a cookie knows only one: the browser is to go out where it will come back. Once,
// since a proxy in front may give us another name than the browser knows.
function atHome({ origin }: Logins, request: OAuthIn): OAuthOut | null {
  const host = request.header("host");
  if (origin === null || host === null || request.query.has("home") || new URL(origin).host === host.toLowerCase()) return null;
  return { kind: "redirect", to: `${origin}${request.path}?${new URLSearchParams([...request.query, ["home", "1"]])}`, headers: noStore };
}

// ---- back -------------------------------------------------------------------------------------------------------

async function ended(logins: Logins, request: OAuthIn): Promise<OAuthOut> {
  const { query } = request;
  const known = logins.begun.take(repeats(query) ? null : query.get("state"));
  if (known === null || !isSameBrowser(known, request)) return notBegun;
  return told(async () => {
    await completed(known, query);
    return notice(200, "Logged in", `1mcp is logged in at ${known.login.key.server}. You can close this page.`);
  });
}

const repeats = (query: URLSearchParams): boolean => new Set(query.keys()).size !== [...query.keys()].length;

const isSameBrowser = ({ binding }: Begun, request: OAuthIn): boolean => binding !== null && isWord(cookieOf(request), binding);

const cookieShape = new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]{1,128})(?:;|$)`);
const cookieOf = (request: OAuthIn): string | null => cookieShape.exec(request.header("cookie") ?? "")?.[1] ?? null;

// ---- a caller's own ---------------------------------------------------------------------------------------------

/** Asks before anything is sent: who made the link need not be who opens it. */
function offered(logins: Logins, request: OAuthIn, visitors: Visitors): OAuthOut {
  const link = request.query.get("link") ?? "";
  const invited = invitedBy(logins, request, visitors, link);
  if (invited === null) return toBeKnown(visitors.introduction(request));
  const { server, owner } = invited.login.key;
  return { kind: "page", status: 200, headers: noStore, page: { name: "connect", handle: link, server, principal: owner } };
}

const toBeKnown = (first: string | null): OAuthOut => (first === null ? stranger : { kind: "redirect", to: first, headers: noStore });

async function accepted(logins: Logins, request: OAuthIn, visitors: Visitors): Promise<OAuthOut> {
  const form = new URLSearchParams(request.body);
  const handle = form.get("handle") ?? "";
  const invited = invitedBy(logins, request, visitors, handle);
  if (invited === null) return stranger;
  logins.invitations.take(handle);
  if (form.get("decision") !== "approve") return notice(200, "Not logged in", "Nothing was sent to anybody. You can close this page.");
  return told(() => sent(logins, invited.login));
}

function invitedBy(logins: Logins, request: OAuthIn, visitors: Visitors, link: string): Invitation | null {
  const invited = logins.invitations.look(link);
  if (invited === null || invited.principal === null || invited.login.key.server !== nameIn(request.path, connectPath)) return null;
  return visitors.mayActFor(request, invited.principal) ? invited : null;
}

// ---- what we say of ourselves -----------------------------------------------------------------------------------

function described({ origin }: Logins): OAuthOut | null {
  if (origin === null || !origin.startsWith("https:")) return null;
  const body = { client_id: origin + clientPath, client_name: "1mcp", client_uri: origin, redirect_uris: [origin + callbackPath], grant_types: ["authorization_code", "refresh_token", deviceGrant], response_types: ["code"], token_endpoint_auth_method: "none" };
  return { kind: "json", status: 200, headers: { "Cache-Control": "max-age=3600" }, body };
}

const notice = (status: number, title: string, text: string): OAuthOut => ({ kind: "page", status, headers: noStore, page: { name: "notice", title, text } });

const stranger = notice(401, "Not for this browser", "Run `1mcp open` (or `1mcp auth login`) where 1mcp runs, and open the link that it gives.");
const notBegun = notice(400, "Not begun here", "This login was not begun in this browser, or took too long. Begin it again.");

/** What went wrong in our own words: what the other side said of it is not shown. */
async function told(run: () => Promise<OAuthOut>): Promise<OAuthOut> {
  try {
    return await run();
  } catch (thrown) {
    const why = faultOf(thrown);
    return notice(why.row.http < 400 ? 404 : why.row.http, "The login did not work", `${why.message}. ${why.hint}.`);
  }
}

function nameIn(path: string, prefix: string): string {
  try {
    return decodeURIComponent(path.slice(prefix.length));
  } catch {
    return "";
  }
}
