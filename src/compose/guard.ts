/**
 * The guard of the door, put together from the configuration: who calls us, and on which pages somebody logs in at a
 * server behind us. It hides what the guard needs to know of the proxy that it stands before.
 */
import { type Auth, createAuth, type OAuthIn, type RemoteLogins } from "../auth/index.ts";
import { createEgress, randomBytes, systemClock } from "../base/index.ts";
import type { Site } from "../front/index.ts";
import type { Hub } from "../hub/index.ts";
import type { Ground } from "./ground.ts";
import type { Around, StartOptions } from "./options.ts";

/** What of a proxy's ground its guard stands on. */
interface Guarded extends Pick<Ground, "config" | "log" | "audit"> {
  readonly options: Pick<Around, "env">;
}

/** What is said of the guard on the command line. */
type Said = Pick<StartOptions, "stateDir" | "insecureNoAuth" | "ownTokenFile" | "operatorPasswordFile">;

/** What the guard stands before. */
interface Behind {
  readonly hub: Pick<Hub, "grantable">;
  /** Where it listens, from then on. */
  readonly listenUrl: () => string;
}

/** Who calls us: everybody for the asking, or whoever shows what was granted. `behind` is null where no proxy runs, and nobody comes. Throws the Faults of the state folder. */
export function authOf({ config, log, audit, options: { env } }: Guarded, options: Said, behind: Behind | null): Promise<Auth> {
  const { limits, publicUrl, allowedHosts } = config;
  const egress = createEgress({ limits, env });
  return createAuth({
    stateDir: options.stateDir,
    mode: options.insecureNoAuth ? "none" : config.auth.mode,
    ownTokenFile: options.ownTokenFile ?? null,
    config: { ...config.auth, operatorPasswordFile: options.operatorPasswordFile ?? config.auth.operatorPasswordFile },
    reached: { publicUrl, allowedHosts, listenUrl: () => behind?.listenUrl() ?? nowhere },
    endpoints: ["/mcp", "/sse"],
    scopesOf: () => behind?.hub.grantable() ?? [],
    clock: systemClock,
    random: (bytes) => randomBytes(bytes),
    log,
    limits,
    egress,
    audit,
  });
}

const nowhere = "http://127.0.0.1";

/** The pages on which somebody logs in at a remote server; the operator's browser may do so for everybody. */
export function loginSite(logins: RemoteLogins, auth: Auth): Site {
  const isOperator = (request: OAuthIn): boolean => auth.isOperator(request.header("cookie"));
  const mayActFor = (request: OAuthIn, owner: string): boolean => isOperator(request) || auth.personIn(request.header("cookie")) === owner;
  const introduction = (request: OAuthIn): string | null => (auth.takesPeople && auth.personIn(request.header("cookie")) === null ? `/sign-in?next=${encodeURIComponent(`${request.path}?${request.query}`)}` : null);
  return { paths: logins.paths, handle: (request) => logins.handle(request, { isOperator, mayActFor, introduction }) };
}
