/**
 * Signing in with a company's issuer: the way there (`/sign-in?next=`), and back (`/sign-in/callback`). What comes back has
 * to be the answer to an attempt of ours, brought by the browser that was sent, and serves once; what the browser gets for
 * it is to be known as that person for a while, and nothing more. A client's request is decided only after that, on a page
 * that shows it: a browser that is signed in there lets nobody in by being so.
 */
import { type Audit, type Clock, faultOf, type Limits, type Log, networkOf } from "../base/index.ts";
import type { SignInConfig } from "../config/index.ts";
import { localPath, notice, otherVerb, redirect } from "./answers.ts";
import type { Browsers } from "./browsers.ts";
import type { Attempt, Company } from "./company.ts";
import { approverOf, type People } from "./people.ts";
import type { Resources } from "./resources.ts";
import { createSecret, digestOf, type Random } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export const signInPath = "/sign-in";
export const signInCallbackPath = "/sign-in/callback";

export interface SignInOptions {
  readonly signIn: SignInConfig;
  readonly company: Pick<Company, "target" | "claims">;
  readonly people: Pick<People, "admit">;
  readonly browsers: Browsers;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly log: Log;
  readonly audit: Pick<Audit, "record" | "isWritable">;
}

/** An attempt that is under way, and the browser that it belongs to. */
interface Begun extends Attempt {
  /** A page of ours. */
  readonly next: string;
  /** Digest of the browser. */
  readonly browser: string;
  /** Whence it came. */
  readonly sender: string;
  readonly until: number;
}

/** Of one address, or network of IPv6: what comes then takes the place of its oldest, so that nobody keeps the others out. */
const perAddressMax = 10;

/** Longer than any address of ours: what is kept for strangers has a bound. */
const nextCharsMax = 1024;

function nextOf({ query }: OAuthIn): string {
  const next = localPath(query.get("next"));
  return next.length > nextCharsMax ? "/" : next;
}

export class SignIns {
  readonly #options: SignInOptions;
  /** By the digest of their state, the oldest first. */
  readonly #begun = new Map<string, Begun>();

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /** `GET /sign-in`. */
  async go(request: OAuthIn): Promise<OAuthOut> {
    if (request.method !== "GET") return otherVerb("GET");
    const { browsers, company, random } = this.#options;
    const browser = browsers.of(request);
    const attempt: Attempt = { state: createSecret(random), nonce: createSecret(random), verifier: createSecret(random) };
    const begun = { ...attempt, next: nextOf(request), browser: browser.digest, sender: networkOf(request.address ?? ""), until: this.#options.clock.now() + this.#options.limits.loginMsMax };
    if (!this.#keep(begun)) return notice(503, "Too many sign in at the moment", "Wait a moment, and begin again.");
    return this.#told(request, async () => redirect(await company.target(attempt, this.#redirectUri(), request.query.has("again")), browser.headers));
  }

  /** `GET /sign-in/callback`. */
  async back(request: OAuthIn): Promise<OAuthOut> {
    if (request.method !== "GET") return otherVerb("GET");
    const begun = this.#take(request);
    if (begun === null) {
      this.#note("person.fail", request, "not begun here");
      return notice(400, "Not begun here", "This was not begun in this browser, was used before, or took too long. Begin again.");
    }
    return this.#told(request, () => this.#admitted(request, begun));
  }

  async #admitted(request: OAuthIn, begun: Begun): Promise<OAuthOut> {
    const { signIn, company, people, audit } = this.#options;
    const claims = await company.claims(request.query, begun, this.#redirectUri());
    if (!audit.isWritable) return notice(503, "Not possible at the moment", "What is decided cannot be written down. Tell whoever runs 1mcp.");
    const approver = approverOf(signIn, claims);
    if (approver === null) {
      this.#note("person.fail", request, "no rule", claims.sub);
      return notice(403, "Nothing is granted to you here", `You signed in at ${signIn.name}, but nothing here is meant for you. Ask whoever runs 1mcp.`);
    }
    this.#note("person.login", request, null, approver.person.name);
    return redirect(begun.next, people.admit(approver));
  }

  #redirectUri(): string {
    return this.#options.resources.issuer() + signInCallbackPath;
  }

  // ---- attempts -------------------------------------------------------------------------------------------------

  #keep(begun: Begun): boolean {
    const { clock, limits } = this.#options;
    const now = clock.now();
    for (const [key, { until }] of this.#begun) if (until <= now) this.#begun.delete(key);
    const own = [...this.#begun].filter(([, { sender }]) => sender === begun.sender);
    if (own.length >= perAddressMax) this.#begun.delete(own[0]?.[0] ?? "");
    if (this.#begun.size >= limits.signInsMax) return false;
    this.#begun.set(digestOf(begun.state), begun);
    return true;
  }

  /** The attempt that this answers, which is over then; null: none of this browser's. */
  #take(request: OAuthIn): Begun | null {
    const { query } = request;
    const isPlain = new Set(query.keys()).size === [...query.keys()].length;
    const key = digestOf(query.get("state") ?? "");
    const begun = this.#begun.get(key);
    if (!isPlain || begun === undefined || this.#options.browsers.known(request)?.digest !== begun.browser) return null;
    this.#begun.delete(key);
    return begun.until > this.#options.clock.now() ? begun : null;
  }

  // ---- what is said ---------------------------------------------------------------------------------------------

  /** What went wrong in our own words: what the other side said of it is not shown. */
  async #told(request: OAuthIn, run: () => Promise<OAuthOut>): Promise<OAuthOut> {
    try {
      return await run();
    } catch (thrown) {
      const { code, message } = faultOf(thrown);
      if (code !== "LOGIN_FAILED") throw thrown;
      this.#options.log.warn("somebody could not sign in with the company's issuer", { issuer: this.#options.signIn.issuer, reason: message });
      this.#note("person.fail", request, "issuer");
      return notice(502, "Signing in did not work", `${this.#options.signIn.name} did not say who you are in a way that can be trusted. Begin again; if that does not help, ask whoever runs 1mcp.`);
    }
  }

  #note(ev: "person.login" | "person.fail", { address, path }: OAuthIn, reason: string | null, user: string | null = null): void {
    this.#options.audit.record({ ev, addr: address, user, route: `GET ${path}`, reason });
  }
}
