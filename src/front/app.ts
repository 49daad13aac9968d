/**
 * The listener: Hono on Bun.serve. Its settings are answers to what was measured there: an idle time-out that also cuts
 * silent calls (lifted for each request once it was read), a port that other programs may share (off), an error page with
 * source code (off), a stop that does not resolve while a stream is open (given a deadline), a unix socket that everybody
 * may open (made under a umask).
 */
import { type Clock, fault, faultOf, type Log, sleep } from "../base/index.ts";
import type { Eras } from "../era/index.ts";
import { Hono } from "hono";
import { assertSafe, gateOf } from "./guard.ts";
import { Door, idleSeconds, mcpPath, type Path, type Peer } from "./mcp.ts";
import { proxiesOf } from "./proxies.ts";
import { refusal } from "./reply.ts";
import { messagePath, messagesPath, ssePath } from "./sse.ts";
import { frontPage, healthOk, healthReady, notFound } from "./status.ts";
import type { Front, FrontOptions, Listen } from "./types.ts";

type Server = Bun.Server<undefined>;
type App = Hono<{ Bindings: Peer & object }>;

/** Opens the front door. Throws LISTEN_FAILED, LISTEN_UNSAFE. */
export async function createFront(options: FrontOptions): Promise<Front> {
  assertSafe(options, options.guard.tokenPath !== null);
  // The address is part of the gate, so the routes are made after the port is known; nobody is served in between.
  const routes: { app: App | null } = { app: null };
  const server = listen(options, (request, peer) => routes.app?.fetch(request, peer) ?? refusal(fault("SHUTTING_DOWN"), null));
  const door = new Door({ ...options, gate: gateOf(options, server.port ?? 0), proxies: proxiesOf(options.trustedProxies, options.listen) });
  routes.app = appOf(door, options);
  return { url: urlOf(options.listen, server), close: closing(server, door, options.clock) };
}

function appOf(door: Door, { eras, clientEra, isReady, log }: FrontOptions): App {
  const app: App = new Hono();
  serveOn(app, door, "/mcp", mcpPath(eras, clientEra));
  if (clientEra === "any") serveOlder(app, door, eras);
  app.get("/health", healthOk);
  app.get("/health/live", healthOk);
  app.get("/health/ready", () => healthReady(isReady()));
  app.get("/", frontPage);
  app.notFound(notFound);
  app.onError((thrown) => failure(thrown, log));
  return app;
}

function serveOlder(app: App, door: Door, eras: Eras): void {
  serveOn(app, door, "/sse", ssePath(eras));
  serveOn(app, door, messagesPath, messagePath(eras));
}

function serveOn(app: App, door: Door, base: string, path: Path): void {
  const all = Object.freeze({ server: null });
  app.all(base, (c) => door.handle(c.req.raw, c.env, path, all));
  app.all(`${base}/:server`, (c) => door.handle(c.req.raw, c.env, path, { server: c.req.param("server") }));
}

// Whatever gets here is a bug or a connection that broke: the details go to the log, never to the peer.
function failure(thrown: unknown, log: Log): Response {
  const why = faultOf(thrown);
  log.error("request failed", { code: why.code, reason: String(why.cause ?? why.message) });
  return refusal(why, null);
}

function listen(options: FrontOptions, serve: (request: Request, peer: Server) => Response | Promise<Response>): Server {
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
    // Otherwise any other program of the same user could listen beside us and get half of the calls.
    const reusePort = false;
    return Bun.serve({ ...common, hostname: where.host, port: where.port, idleTimeout: idleSeconds, reusePort });
  } catch (cause) {
    throw fault("LISTEN_FAILED", { detail: "unix" in where ? where.unix : `${where.host}:${where.port}`, cause });
  }
}

function privately<T>(make: () => T): T {
  const before = process.umask(0o077);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

const urlOf = (listen: Listen, server: Server): string => ("unix" in listen ? `unix://${listen.unix}` : new URL("/mcp", server.url).href);

function closing(server: Server, door: Door, clock: Clock): (ms: number) => Promise<void> {
  let closed: Promise<void> | null = null;
  const close = async (ms: number): Promise<void> => {
    door.close();
    // Refuses new connections at once, and resolves when the last answer has been written, streams included.
    await Promise.race([server.stop(), sleep(clock, ms)]);
    await server.stop(true);
  };
  return (ms) => (closed ??= close(ms));
}
