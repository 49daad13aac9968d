/**
 * The listener: Hono on Bun.serve. Its settings are answers to what was measured there: an idle time-out that also cuts
 * silent calls (lifted for each request once it was read), a port that other programs may share (off, unless a
 * successor is to listen beside), an error page with
 * source code (off), a stop that does not resolve while a stream is open (given a deadline), a unix socket that everybody
 * may open (made under a umask).
 */
import { type Clock, fault, faultOf, loadLibc, type Log, sleep } from "../base/index.ts";
import type { Eras } from "../era/index.ts";
import type { Selection } from "../protocol/index.ts";
import { Hono } from "hono";
import { assertSafe, type Gate, gateOf, refusedHost } from "./guard.ts";
import { Door, idleSeconds, mcpPath, mcpResource, type Path, type Peer } from "./mcp.ts";
import { Desk } from "./oauth.ts";
import { proxiesOf } from "./proxies.ts";
import { refusal } from "./reply.ts";
import { messagePath, messagesPath, ssePath } from "./sse.ts";
import { trafficOf } from "./numbers.ts";
import { privately } from "./socket.ts";
import { openRenewing, type Renewing, type Tls } from "./tls.ts";
import { frontPage, healthOk, notFound, readScope, StatusPages } from "./status.ts";
import type { Front, FrontOptions, Listen, Site } from "./types.ts";

type Server = Bun.Server<undefined>;
type App = Hono<{ Bindings: Peer & object }>;

/** Opens the front door. Throws LISTEN_FAILED, LISTEN_UNSAFE. */
export async function createFront(options: FrontOptions): Promise<Front> {
  assertSafe(options, options.auth.mode !== "none");
  // The address is part of the gate, so the routes are made after the port is known; nobody is served in between.
  const routes: { app: { fetch(request: Request, peer: Server): Response | Promise<Response> } | null } = { app: null };
  const serve = (request: Request, peer: Server): Response | Promise<Response> => routes.app?.fetch(request, peer) ?? refusal(fault("SHUTTING_DOWN"), null);
  const { tls: files = null, clock, log } = options;
  const listener = await openRenewing({ files, open: (tls, port) => listen(options, serve, tls, port), quietMs: options.limits.reloadQuietMs, clock, log });
  const server = listener.current;
  const traffic = trafficOf({ ...options, ...options.facts.about() });
  const gate = gateOf(options, server.port ?? 0);
  const door = new Door({ ...options, traffic, gate, proxies: proxiesOf(options.trustedProxies, options.listen, files !== null) });
  const app = appOf(door, gate, options);
  routes.app = { fetch: passing(app, door, options) };
  // The sessions first: what they run is given up, and not only left by its client.
  options.auth.onEnded((principalIds) => {
    options.eras.end(principalIds);
    door.end(principalIds);
  });
  const giveWay = async (): Promise<void> => {
    routes.app = { fetch: async (request, peer) => parting(await app.fetch(request, peer)) };
    const given = (await loadLibc())?.preferYounger(listener.current.port ?? 0) ?? false;
    options.log.debug("another process listens beside", { given });
  };
  const ways = app.routes.map(({ method, path }) => ({ method, path }));
  return { url: urlOf(options.listen, server), routes: ways, giveWay, close: closing(listener, door, options.clock) };
}

/** Nearly every request comes to one address; past the router its way is the same, and shorter by a tenth. */
function passing(app: App, door: Door, { eras, clientEra, filter }: FrontOptions): (request: Request, peer: Server) => Response | Promise<Response> {
  const path = mcpPath(eras, clientEra);
  const everybody = Object.freeze(choosing(filter)(null));
  const isBare = (url: string): boolean => url.endsWith(mcpResource) && url.indexOf("/", "https://".length) === url.length - mcpResource.length;
  return (request, peer) => (isBare(request.url) ? door.handle(request, peer, path, everybody) : app.fetch(request, peer));
}

function parting(response: Response): Response {
  response.headers.set("Connection", "close");
  return response;
}

function appOf(door: Door, gate: Gate, options: FrontOptions): App {
  const { eras, clientEra, log, auth, limits } = options;
  const app: App = new Hono();
  const chosen = choosing(options.filter);
  serveOn(app, door, { base: mcpResource, path: mcpPath(eras, clientEra), chosen });
  if (clientEra === "any") serveOlder(app, door, eras, chosen);
  showOn(app, door, options);
  const desk = new Desk({ door, gate, bodyBytesMax: limits.oauthBytesMax });
  for (const site of [auth, ...options.sites]) siteOn(app, desk, site);
  app.get("/", frontPage);
  // What stands in Host can bend the path that is looked for, so a Host that is not ours is told first.
  app.notFound(({ req }) => {
    const foreign = refusedHost(req.raw.headers, gate);
    return foreign === null ? notFound() : refusal(foreign, null);
  });
  app.onError((thrown) => failure(thrown, log));
  return app;
}

/** What a path selects, with the narrowing that holds for everybody. */
type Chosen = (server: string | null) => Selection;

const choosing = (filter: string | undefined): Chosen => (filter === undefined ? (server) => ({ server }) : (server) => ({ server, filter }));

function serveOlder(app: App, door: Door, eras: Eras, chosen: Chosen): void {
  serveOn(app, door, { base: "/sse", path: ssePath(eras), chosen });
  serveOn(app, door, { base: messagesPath, path: messagePath(eras), chosen });
}

function serveOn(app: App, door: Door, { base, path, chosen }: { readonly base: string; readonly path: Path; readonly chosen: Chosen }): void {
  const all = Object.freeze(chosen(null));
  app.all(base, (c) => door.handle(c.req.raw, c.env, path, all));
  app.all(`${base}/:server`, (c) => door.handle(c.req.raw, c.env, path, chosen(c.req.param("server"))));
}

function siteOn(app: App, desk: Desk, site: Site): void {
  for (const path of site.paths) app.all(path, (c) => desk.handle(c.req.raw, c.env, site));
}

function showOn(app: App, door: Door, options: FrontOptions): void {
  const { auth } = options;
  const refusedReader = async (request: Request, peer: Peer): Promise<Response | null> => {
    const resource = door.resourceOf(request, mcpResource, null);
    const caller = await door.admit(request, peer, resource, null);
    if (caller instanceof Response) return caller;
    const { scopes } = caller.principal;
    if (scopes === null || scopes.includes(readScope)) return null;
    return door.refuse(fault("SCOPE_MISSING", { data: { requiredScopes: [readScope] } }), request, peer, { "WWW-Authenticate": auth.stepUp([readScope], resource) });
  };
  const pages = (peer: Peer): StatusPages =>
    new StatusPages({ ...options, isOpen: auth.mode === "none", foreign: (request) => door.foreign(request, peer), refusedReader: (request) => refusedReader(request, peer), refuse: (why, request) => door.refuse(why, request, peer, null) });
  app.get("/health", (c) => pages(c.env).health(c.req.raw));
  app.get("/health/live", healthOk);
  app.get("/health/ready", (c) => pages(c.env).ready());
  app.get("/health/mcp", (c) => pages(c.env).servers(c.req.raw));
  app.get("/health/mcp/:server", (c) => pages(c.env).server(c.req.raw, c.req.param("server")));
  app.get("/metrics", (c) => pages(c.env).metrics(c.req.raw));
}

// Whatever gets here is a bug or a connection that broke: the details go to the log, never to the peer.
function failure(thrown: unknown, log: Log): Response {
  const why = faultOf(thrown);
  log.error("request failed", { code: why.code, reason: String(why.cause ?? why.message) });
  return refusal(why, null);
}

function listen(options: FrontOptions, serve: (request: Request, peer: Server) => Response | Promise<Response>, tls: Tls | null, port: number | null): Server {
  const { listen: where, limits, log } = options;
  const common = {
    fetch: serve,
    development: false,
    // The second line of defence, beyond our own reader, which answers in JSON-RPC.
    maxRequestBodySize: limits.bodyBytesMax * 2,
    error: (thrown: unknown) => failure(thrown, log),
  } as const;
  try {
    if ("unix" in where) return privately(() => Bun.serve({ ...common, unix: where.unix }));
    // Not unless asked for: any other program of the same user could listen beside us and get half of the calls.
    const reusePort = options.sharePort;
    return Bun.serve({ ...common, ...(tls === null ? {} : { tls }), hostname: where.host, port: port ?? where.port, idleTimeout: idleSeconds, reusePort });
  } catch (cause) {
    throw fault("LISTEN_FAILED", { detail: "unix" in where ? where.unix : `${where.host}:${where.port}`, cause });
  }
}

const urlOf = (listen: Listen, server: Server): string => ("unix" in listen ? `unix://${listen.unix}` : new URL("/mcp", server.url).href);

function closing(server: Renewing<Server>, door: Door, clock: Clock): (ms: number) => Promise<void> {
  let closed: Promise<void> | null = null;
  const close = async (ms: number): Promise<void> => {
    door.close();
    // Refuses new connections at once, and resolves when the last answer has been written, streams included.
    await Promise.race([server.stop(), sleep(clock, ms)]);
    await server.stop(true);
  };
  return (ms) => (closed ??= close(ms));
}
