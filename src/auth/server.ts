/**
 * The authorization server in one piece: which path is served by what, on what they all stand, and what is forgotten in
 * time. There is none where callers are known by static tokens alone.
 */
import { type Audit, type Clock, type Egress, fault, faultOf, type Limits, type Log } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import { refused } from "./answers.ts";
import { Attempts } from "./attempts.ts";
import { authorize } from "./authorize.ts";
import { Browsers } from "./browsers.ts";
import { Documents } from "./cimd.ts";
import { Assertions } from "./assertions.ts";
import { Clients } from "./clients.ts";
import { device, deviceAuthorization } from "./device.ts";
import type { Grants } from "./grants.ts";
import type { Issuers } from "./issuers.ts";
import { login, open } from "./login.ts";
import { keysPath, publishedKeys, resourceMetadata, serverMetadata, serverMetadataPath } from "./metadata.ts";
import { Passwords } from "./passwords.ts";
import type { People } from "./people.ts";
import { type Grantable, Pending } from "./pending.ts";
import { Refreshes } from "./refresh.ts";
import { register } from "./registration.ts";
import { resourceMetadataPath, type Resources } from "./resources.ts";
import { revoke } from "./revoke.ts";
import type { Signing } from "./signing.ts";
import type { Store } from "./store.ts";
import { token } from "./token.ts";
import type { Random } from "./tokens.ts";
import type { AuthMode, OAuthIn, OAuthOut } from "./types.ts";

export interface ServerOptions {
  readonly mode: AuthMode;
  readonly config: AccessConfig;
  readonly store: Store;
  readonly grants: Grants;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: Limits;
  readonly egress: Egress;
  readonly audit: Pick<Audit, "record" | "isWritable">;
  /** Other issuers whose word counts. */
  readonly issuers: Issuers;
  /** What access tokens are signed with; null: they say nothing. */
  readonly signing: Pick<Signing, "jwks"> | null;
  scopesOf(): readonly Grantable[];
  /** Called after grants have ended here. */
  changed(): void;
}

/** What is served, and what the operator's side needs of it. */
export interface AuthorizationServer {
  readonly paths: readonly string[];
  handle(request: OAuthIn): Promise<OAuthOut>;
  readonly pending: Pending;
  readonly browsers: Browsers;
  readonly passwords: Passwords;
  readonly documents: Documents;
  /** People of a company; null: the operator alone decides. */
  readonly people: People | null;
  /** Forgets what has expired. */
  sweep(): void;
  /** Nobody is asked for anything any more. */
  close(): void;
}

type Route = (request: OAuthIn) => OAuthOut | Promise<OAuthOut>;

const registrationWindowMs = 60 * 60 * 1000;
/** How long it is known of a code that it was redeemed: as long as somebody may try it again. */
const codeKnownMs = 24 * 60 * 60 * 1000;

/** Opens it. Throws CONFIG_INVALID where the operator's password cannot be read. */
export async function openServer(options: ServerOptions): Promise<AuthorizationServer> {
  const { mode, config, store, clock, limits } = options;
  const passwords = await Passwords.open({ store, path: config.operatorPasswordFile });
  const browsers = new Browsers(options);
  const pending = new Pending(options);
  const assertions = new Assertions(options);
  const documents = new Documents({ ...options, clients: config.clients });
  const clients = new Clients({ ...options, documents, assertions });
  const refreshes = new Refreshes(options);
  const counting = (max: number, windowMs: number): Attempts => new Attempts({ clock, max, windowMs, addressesMax: limits.countedAddressesMax });
  const desk = config.signIn === null ? null : await (await import("./signInDesk.ts")).openSignInDesk({ ...options, signIn: config.signIn, browsers });
  const people = desk?.people ?? null;
  const parts = { ...options, passwords, browsers, pending, clients, refreshes, assertions, people, companyName: config.signIn?.name ?? null };
  const routes = routesOf(options, {
    "/authorize": (request) => authorize(request, parts),
    "/token": (request) => token(request, parts),
    "/revoke": (request) => revoke(request, parts),
    "/register": withAttempts(counting(limits.registrationsMax, registrationWindowMs), (attempts) => (request) => register(request, { ...options, attempts })),
    "/device_authorization": withAttempts(counting(limits.deviceTriesMax, limits.lockoutMs), (attempts) => (request) => deviceAuthorization(request, { ...parts, attempts })),
    "/device": withAttempts(counting(limits.deviceTriesMax, limits.lockoutMs), (attempts) => (request) => device(request, { ...parts, attempts })),
    "/login": withAttempts(counting(limits.passwordTriesMax, limits.lockoutMs), (attempts) => (request) => login(request, { ...parts, attempts })),
    "/open": withAttempts(counting(limits.passwordTriesMax, limits.lockoutMs), (attempts) => (request) => open(request, { ...parts, attempts })),
    ...desk?.routes,
  });
  return {
    paths: pathsOf(mode, routes),
    handle: serving(routes, options),
    pending,
    browsers,
    passwords,
    documents,
    people,
    close: () => desk?.close(),
    sweep() {
      for (const part of [pending, browsers, clients, assertions]) part.sweep();
      people?.sweep();
      store.run("delete from codes where expires_at <= ?", clock.now() - codeKnownMs);
    },
  };
}

const withAttempts = (attempts: Attempts, make: (attempts: Attempts) => Route): Route => make(attempts);

function routesOf(options: ServerOptions, own: Readonly<Record<string, Route>>): ReadonlyMap<string, Route> {
  if (options.mode === "token") return new Map();
  const resource: [string, Route] = [resourceMetadataPath, (request) => resourceMetadata(request, options)];
  // The operator's browser is known in every mode that has pages.
  if (options.mode === "external") return new Map([resource, ...Object.entries(own).filter(([path]) => path === "/login" || path === "/open")]);
  const { signing } = options;
  const keys: [string, Route][] = signing === null ? [] : [[keysPath, (request) => publishedKeys(request, signing)]];
  return new Map([resource, [serverMetadataPath, (request) => serverMetadata(request, options)], ...keys, ...Object.entries(own)]);
}

const pathsOf = (mode: AuthMode, routes: ReadonlyMap<string, Route>): readonly string[] => Object.freeze(mode === "token" ? [] : [...routes.keys(), `${resourceMetadataPath}/*`]);

const serving =
  (routes: ReadonlyMap<string, Route>, { log }: ServerOptions) =>
  async (request: OAuthIn): Promise<OAuthOut> => {
    const route = routes.get(request.path.startsWith(`${resourceMetadataPath}/`) ? resourceMetadataPath : request.path);
    if (route === undefined) throw fault("METHOD_UNKNOWN", { detail: request.path });
    try {
      return await route(request);
    } catch (thrown) {
      // What went wrong inside is nobody's business outside.
      log.error("a request to the authorization server failed", { path: request.path, reason: String(faultOf(thrown).cause ?? faultOf(thrown).message) });
      return refused(500, "server_error", "something went wrong inside");
    }
  };
