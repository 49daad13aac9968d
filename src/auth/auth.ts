/**
 * Puts the parts of auth in front together: the guard of every request, the authorization server, what the operator can
 * do. Time, chance, the way out and the folder come in from outside. What ends by itself (expired grants) and what
 * another process ended is looked for every other second, so that no stream outlives its grant for long.
 */
import { type Audit, type Clock, type Egress, fault, faultOf, type Limits, type Log, type Timer } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import { type Challenges, createChallenges } from "./challenge.ts";
import { createForeign } from "./externalToken.ts";
import { Grants } from "./grants.ts";
import { type Issuers, openIssuers } from "./issuers.ts";
import { Operators, ownTokenWritten } from "./operators.ts";
import { adoptOwnToken, ensureOwnToken, ownToken, ownTokenPath } from "./ownToken.ts";
import type { Grantable } from "./pending.ts";
import { createResources, type Reached, type Resources } from "./resources.ts";
import { type AuthorizationServer, openServer } from "./server.ts";
import type { Signing } from "./signing.ts";
import { openStore, type Store } from "./store.ts";
import type { Random } from "./tokens.ts";
import type { Auth, AuthMode } from "./types.ts";
import { type Foreign, operatorPrincipal, Verifier } from "./verify.ts";

/** What auth is built with. */
export interface AuthOptions {
  /** Made (0700) if missing. */
  readonly stateDir: string;
  readonly mode: AuthMode;
  /** The file that holds the operator's own token; null, or absent: it is made in the state folder. */
  readonly ownTokenFile?: string | null;
  readonly config: AccessConfig;
  readonly reached: Reached;
  /** Paths of our MCP endpoints; below each there is one for every server. */
  readonly endpoints: readonly string[];
  /** Everything that can be granted at the moment. */
  scopesOf(): readonly Grantable[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: Limits;
  /** For addresses that strangers name: https, public addresses, no redirects. */
  readonly egress: Egress;
  readonly audit: Pick<Audit, "record" | "isWritable">;
  /** Judges tokens of other issuers; absent: by what the configuration says of these. */
  readonly foreign?: Foreign;
}

/** Makes auth. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN, CONFIG_INVALID. */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  if (options.mode === "none") return openAuth();
  const { stateDir, ownTokenFile = null } = options;
  const own = ownTokenFile === null ? await ensureOwnToken(stateDir, options.random, options.log) : await adoptOwnToken(stateDir, ownTokenFile);
  const issuers = await openIssuers({ ...options, trusted: options.mode === "token" ? [] : options.config.issuers });
  const store = await openStore(options.stateDir);
  try {
    const resources = createResources(options.reached, options.endpoints);
    const signing = await signingOf(options, resources);
    const grants = new Grants({ ...options, store, signing });
    const late: { changed: () => void } = { changed: () => undefined };
    const server = await openServer({ ...options, issuers, store, signing, grants, resources, changed: () => late.changed() });
    const auth = new GuardedAuth(options, { store, grants, resources, server, issuers, signing }, own);
    late.changed = () => auth.changed();
    return auth;
  } catch (thrown) {
    store.close();
    throw thrown;
  }
}

interface Parts {
  readonly store: Store;
  readonly grants: Grants;
  readonly resources: Resources;
  readonly server: AuthorizationServer;
  readonly issuers: Issuers;
  readonly signing: Signing | null;
}

/** What access tokens are signed with; null: they say nothing. Nobody gets any from us in other modes. */
async function signingOf(options: AuthOptions, resources: Resources): Promise<Signing | null> {
  const { mode, config } = options;
  if (config.tokens.format !== "jwt" || (mode !== "oauth" && mode !== "mixed")) return null;
  const { Signing: Made } = await import("./signing.ts");
  return Made.open({ ...options, resources, accessMs: config.tokens.accessMs });
}

/** Everybody is the operator. For `--insecure-no-auth` alone; the listener's address is checked elsewhere. */
function openAuth(): Auth {
  const everybody = Object.freeze({ ok: true, principal: operatorPrincipal } as const);
  const nothing = (): never => {
    throw fault("METHOD_UNKNOWN", { detail: "there is no authentication" });
  };
  return {
    mode: "none",
    verify: () => everybody,
    stepUp: () => "",
    paths: Object.freeze([]),
    handle: () => Promise.reject(fault("METHOD_UNKNOWN")),
    isOperator: () => true,
    personIn: () => null,
    takesPeople: false,
    operator: { waiting: () => [], decide: nothing, grants: () => [], createToken: nothing, rotateToken: nothing, revoke: () => 0, openLink: nothing, setPassword: nothing, lookAtClient: nothing, pinClient: nothing, pinnedClients: () => [], unpinClient: nothing },
    onEnded: () => undefined,
    tokenPath: null,
    close: () => Promise.resolve(),
  };
}

function foreignOf(options: AuthOptions, parts: Parts, challenges: Challenges): Foreign | null {
  if (options.mode !== "external" && options.mode !== "mixed") return null;
  return options.foreign ?? createForeign({ ...options, ...parts, challenges });
}

class GuardedAuth implements Auth {
  readonly mode: AuthMode;
  readonly tokenPath: string;
  readonly operator: Operators;
  readonly paths: readonly string[];
  readonly #options: AuthOptions;
  readonly #parts: Parts;
  readonly #verifier: Verifier;
  readonly #stepUp: (resource: string, scopes: readonly string[]) => string;
  readonly #listeners: ((ids: readonly string[]) => void)[] = [];
  #timer: Timer | null = null;
  /** Of keys that are just being changed. */
  #turning: Promise<void> = Promise.resolve();
  #sweptAt: number;

  constructor(options: AuthOptions, parts: Parts, own: string) {
    const { clock, limits, log, mode } = options;
    const { grants, server } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#sweptAt = clock.now();
    this.mode = mode;
    this.paths = server.paths;
    this.tokenPath = ownTokenPath(options.stateDir);
    const challenges = createChallenges(mode === "token" ? null : parts.resources, options.config.defaultScopes);
    this.#stepUp = challenges.scope;
    this.#verifier = new Verifier({ grants, challenges, clock, limits, log, foreign: foreignOf(options, parts, challenges), own: mode !== "external", signing: parts.signing });
    this.#verifier.setOwn(own);
    this.operator = new Operators({ ...options, ...parts, changed: () => this.changed(), setOwn: (token) => this.#verifier.setOwn(token) });
    this.#watch();
  }

  verify: Auth["verify"] = (credentials) => this.#verifier.verify(credentials);

  stepUp(scopes: readonly string[], resource: string): string {
    return this.#stepUp(resource, scopes);
  }

  handle: Auth["handle"] = (request) => this.#parts.server.handle(request);

  isOperator(cookie: string | null): boolean {
    return this.#parts.server.browsers.isOperator(cookie);
  }

  personIn(cookie: string | null): string | null {
    return this.#parts.server.people?.of(cookie)?.person.id ?? null;
  }

  get takesPeople(): boolean {
    return this.#parts.server.people !== null;
  }

  onEnded(listener: (ids: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#parts.issuers.close();
    this.#parts.server.close();
    await Promise.all([this.operator.settled(), this.#turning]);
    this.#quietly(() => this.#parts.grants.flush());
    this.#parts.store.close();
  }

  #watch(): void {
    this.#timer = this.#options.clock.timer(this.#options.limits.grantSweepMs, () => {
      this.#quietly(() => {
        this.#parts.grants.sweep();
        this.#sweep();
        this.#hear();
      });
      this.#watch();
    });
  }

  #turnKeys(): void {
    const { signing } = this.#parts;
    if (signing === null || this.#options.clock.now() < signing.dueAt) return;
    this.#turning = signing.turn().catch((thrown: unknown) => this.#options.log.error("the keys that tokens are signed with could not be changed", { reason: faultOf(thrown).message }));
  }

  // What has merely expired opens nothing; it is enough that it goes at some time.
  #sweep(): void {
    const { clock, limits } = this.#options;
    if (clock.now() - this.#sweptAt < limits.grantUsedMs) return;
    this.#sweptAt = clock.now();
    this.#parts.server.sweep();
    this.#turnKeys();
  }

  /** Grants have changed, and some may have ended. */
  changed(): void {
    this.#verifier.forget();
    this.#hear();
  }

  /** What has ended since it was looked for last, here or in another process. */
  #hear(): void {
    const ids = this.#parts.grants.hear();
    if (ids.length === 0) return;
    this.#verifier.forget();
    if (ids.includes(operatorPrincipal.id) && !this.operator.isRenewing) this.#verifier.voidOwn();
    if (ids.includes(ownTokenWritten)) void this.#reread();
    const ended = ids.filter((id) => id !== ownTokenWritten);
    if (ended.length > 0) for (const listener of this.#listeners) listener(ended);
  }

  async #reread(): Promise<void> {
    const own = await ownToken(this.#options.stateDir).catch(() => null);
    if (own !== null) this.#verifier.setOwn(own);
  }

  #quietly(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#options.log.error("the grants cannot be looked after", { reason: faultOf(thrown).message });
    }
  }
}
