/**
 * One login at one remote server: the token that goes on each request, and what keeps it good. It hides that a token is
 * renewed ahead of its end by one flight for all who need it, that the new one is on disk before anybody sends it, and
 * what is to be done when the server refuses one. Whatever goes wrong ends in one of two states: there is a token that
 * may be tried, or somebody must log in; there is no third in which we ask again and again.
 */
import type { AddClientAuthentication, FetchLike } from "@modelcontextprotocol/client";
import { type Audit, type AuditEvent, type Clock, Fault, fault, faultOf, type KnownSecrets, type Limits, type Log, reveal } from "../base/index.ts";
import type { RemoteSpec } from "../config/index.ts";
import { Attempt, type Keeping } from "./remoteAttempt.ts";
import { type Challenge, parseChallenge } from "./remoteChallenge.ts";
import type { DeviceRequest } from "./remoteDevice.ts";
import { type Kept, type LoginKey, type LoginStore, nothingKept } from "./remoteStore.ts";
import type { LoginInfo, RefusedBy, Remedy, RemoteLogin } from "./types.ts";

export interface LoginOptions {
  readonly key: LoginKey;
  readonly spec: RemoteSpec;
  readonly kept: Kept | null;
  readonly store: LoginStore;
  /** The way to authorization servers. */
  readonly asks: FetchLike;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly secrets: KnownSecrets;
  readonly audit: Pick<Audit, "record">;
  /** See Attempt. */
  readonly redirectUrl: () => string | null;
  readonly clientMetadataUrl: () => string | null;
  /** Where its owner can log in himself. */
  readonly page: () => string | null;
}

/** What is asked for anew. */
interface Wish {
  readonly scopes: readonly string[];
  readonly resourceMetadata: URL | null;
}

const noWish: Wish = Object.freeze({ scopes: Object.freeze([]), resourceMetadata: null });
// Nobody comes back to it; the library takes a run without an address for one without a person.
const nowhere = "http://127.0.0.1/oauth/callback";
/** How often one request is made again with another token. */
const triesMax = 2;

export class Login implements RemoteLogin {
  readonly key: LoginKey;
  readonly #options: LoginOptions;
  readonly #listeners = new Set<() => void>();
  readonly #url: URL;
  #kept: Kept;
  #header: string | null = null;
  #renewAt = Number.POSITIVE_INFINITY;
  #pausedUntil = 0;
  #flight: Promise<boolean> | null = null;
  #saving: Promise<void> = Promise.resolve();
  #wish: Wish = noWish;
  #needed = false;
  /** How often all was forgotten. */
  #lives = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.key = options.key;
    this.#url = new URL(reveal(options.spec.url));
    this.#kept = options.kept ?? nothingKept;
    this.#taken();
  }

  /** Of the entry that it was made for. */
  get fingerprint(): string {
    return this.#options.spec.fingerprint;
  }

  get needed(): boolean {
    return this.#needed;
  }

  /** A connection, or somebody who waits, is to hear what becomes of it. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  get advice(): string {
    const { server, owner } = this.key;
    if (owner !== "operator") return "log in there by the link that your client is given";
    return this.isOwn ? "check its oauth.clientId and the credentials beside it" : `log in there: \`1mcp auth login ${server}\``;
  }

  page(): string | null {
    return this.#options.page();
  }

  get info(): LoginInfo {
    return infoOf(this.key, this.#kept, this);
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  // ---- each request ----------------------------------------------------------------------------------------------

  authorization(): string | null | Promise<string | null> {
    if (this.#header === null) return this.isOwn && !this.#needed ? this.#afterRenewal() : null;
    const now = this.#options.clock.now();
    if (now < this.#renewAt || now < this.#pausedUntil) return this.#header;
    const { expiresAt } = this.#kept;
    if (expiresAt !== null && now >= expiresAt) return this.#afterRenewal();
    void this.#renew();
    return this.#header;
  }

  async #afterRenewal(): Promise<string | null> {
    await this.#renew();
    return this.#header;
  }

  async refused(by: RefusedBy): Promise<Remedy> {
    const { status, challenge, sent, tries } = by;
    if (sent !== this.#header && tries < triesMax && this.#header !== null) return "again";
    const said = parseChallenge(challenge);
    if (status === 401) return this.#unauthorized(said, tries);
    return said.error === "insufficient_scope" ? this.#tooNarrow(said, tries) : "refused";
  }

  async #unauthorized(said: Challenge, tries: number): Promise<Remedy> {
    this.#wish = { scopes: said.scopes.length > 0 ? said.scopes : this.#wish.scopes, resourceMetadata: said.resourceMetadata };
    if (tries === 0 && (this.isOwn || this.#kept.tokens?.refresh_token !== undefined)) {
      const before = this.#header;
      // It may have gone over to another authorization server: what is known of the old one is looked at again.
      await this.keep({ discovery: null });
      if ((await this.#renew()) && this.#header !== before) return "again";
      // The way there failed, not the login.
      if (!this.#needed) return "refused";
    }
    this.#need();
    return "login";
  }

  /** Scopes add up; what was granted and is still asked for will not be granted any better a second time. */
  async #tooNarrow(said: Challenge, tries: number): Promise<Remedy> {
    const had = new Set(this.#kept.scopes);
    const wanted = new Set([...had, ...said.scopes]);
    if (wanted.size === had.size) return "refused";
    this.#wish = { scopes: [...wanted], resourceMetadata: said.resourceMetadata };
    if (!this.isOwn) return "scopes";
    return tries < triesMax && (await this.#renew()) ? "again" : "refused";
  }

  #need(): void {
    if (this.#needed) return;
    this.#needed = true;
    this.#options.log.warn("a login is needed", { server: this.key.server, owner: this.key.owner });
    this.#tell();
  }

  // ---- renewal ---------------------------------------------------------------------------------------------------

  /** We are the client and nobody else takes part. */
  get isOwn(): boolean {
    return this.#options.spec.oauth?.grant === "client_credentials";
  }

  /** One flight for all; true: there is a new token. */
  async #renew(): Promise<boolean> {
    if (this.#flight === null && this.#options.clock.now() < this.#pausedUntil) return false;
    this.#flight ??= this.#renewed().finally(() => {
      this.#flight = null;
    });
    return await this.#flight;
  }

  async #renewed(): Promise<boolean> {
    const { clock, limits, log } = this.#options;
    const { server } = this.key;
    const ev = this.#header === null ? "backend.login" : "backend.refresh";
    const lives = this.#lives;
    try {
      const attempt = await this.#attempt("", this.#kept.discovery);
      if ((await this.#run(attempt, {}, ev)) === "AUTHORIZED") return true;
      this.#note("backend.fail", "it was not renewed");
      // The library gives a refused token up, and keeps one where the way there was the trouble.
      if (this.#kept.tokens?.refresh_token === undefined || attempt.issuer !== this.#kept.issuer) await this.#lose(lives);
    } catch (thrown) {
      const reason = reasonOf(thrown);
      log.warn("a token could not be renewed", { server, reason });
      this.#note("backend.fail", reason);
      if (!isPassing(thrown)) this.#need();
    }
    this.#pausedUntil = clock.now() + limits.renewPauseMs;
    return false;
  }

  async #lose(lives: number): Promise<void> {
    // Where all was forgotten meanwhile, nothing is to be written again.
    if (lives === this.#lives) await this.keep({ tokens: null, expiresAt: null });
    this.#need();
  }

  // ---- a person logs in ------------------------------------------------------------------------------------------

  /** Begins a login; gives the run, with the address where a person is to go, or null where nobody has to. Throws LOGIN_FAILED. */
  async begin(state: string): Promise<Attempt | null> {
    try {
      const attempt = await this.#attempt(state, null);
      const came = await this.#run(attempt, { forceReauthorization: true });
      return came === "AUTHORIZED" ? null : attempt;
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /** Ends it with the code that came back. Throws LOGIN_FAILED. */
  async complete(attempt: Attempt, code: string, iss: string | null): Promise<void> {
    try {
      await this.#run(attempt, { authorizationCode: code, ...(iss === null ? {} : { iss }) });
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /** Logs in by a code that somebody enters elsewhere: resolves when he has. Throws LOGIN_FAILED. */
  async enter(device: DeviceRequest): Promise<void> {
    try {
      const attempt = await this.#attempt("", null, device);
      while (!(await this.#isEntered(attempt, device)));
    } catch (thrown) {
      throw this.#failed(device.explained(thrown));
    }
  }

  async #isEntered(attempt: Attempt, device: DeviceRequest): Promise<boolean> {
    try {
      return (await this.#run(attempt, {})) === "AUTHORIZED";
    } catch (thrown) {
      if (device.goesOn(thrown)) return false;
      throw thrown;
    }
  }

  async forget(): Promise<void> {
    const { store } = this.#options;
    this.#lives += 1;
    this.#kept = nothingKept;
    this.#header = null;
    this.#wish = noWish;
    this.#saving = this.#saving.catch(() => undefined).then(() => store.remove(this.key));
    await this.#saving;
    this.#tell();
  }

  // What others said of the failure stays out of every text: a server could write whatever it likes there.
  #failed(thrown: unknown): Fault {
    const { log } = this.#options;
    const reason = reasonOf(thrown);
    log.warn("a login did not work", { server: this.key.server, reason });
    this.#note("backend.fail", reason);
    return thrown instanceof Fault ? thrown : fault("LOGIN_FAILED", { backend: this.key.server, cause: thrown });
  }

  // ---- the library -----------------------------------------------------------------------------------------------

  async #attempt(state: string, discovery: Kept["discovery"], device?: DeviceRequest): Promise<Attempt> {
    const { spec, redirectUrl, clientMetadataUrl, clock, limits } = this.#options;
    const { oauth } = spec;
    if (oauth === null) throw fault("LOGIN_FAILED", { backend: this.key.server, detail: "its entry has a header Authorization" });
    const options = { server: this.key.server, url: this.#url, oauth, keeping: this.#keepingNow(), state, discovery, clientsMax: limits.loginClientsMax, now: () => clock.now(), signed: await signerOf(oauth), scopes: this.#scopes };
    return new Attempt({ ...options, redirectUrl: redirectUrl() ?? nowhere, clientMetadataUrl: clientMetadataUrl(), ...(device === undefined ? {} : { device }) });
  }

  /** What one run keeps: where all was forgotten since it began, it brings nothing back. */
  #keepingNow(): Keeping {
    const lives = this.#lives;
    const kept = (): Kept => this.#kept;
    return {
      get kept() {
        return kept();
      },
      keep: async (change) => {
        if (lives !== this.#lives) throw fault("LOGIN_FAILED", { backend: this.key.server, detail: "what was known of it was forgotten meanwhile", hint: "log in again" });
        await this.keep(change);
      },
    };
  }

  get #scopes(): readonly string[] {
    return [...new Set([...(this.#options.spec.oauth?.scopes ?? []), ...this.#wish.scopes])];
  }

  async #run(attempt: Attempt, how: { readonly authorizationCode?: string; readonly iss?: string; readonly forceReauthorization?: boolean }, ev: AuditEvent = "backend.login"): Promise<"AUTHORIZED" | "REDIRECT"> {
    const { auth } = await import("@modelcontextprotocol/client");
    const { resourceMetadata } = this.#wish;
    const scope = this.#scopes.join(" ");
    const came = await auth(attempt, { serverUrl: this.#resource(), fetchFn: this.#options.asks, ...(scope === "" ? {} : { scope }), ...(resourceMetadata === null ? {} : { resourceMetadataUrl: resourceMetadata }), ...how });
    if (came === "AUTHORIZED") this.#authorized(ev);
    return came;
  }

  /** What may be secret in the URL is none of the authorization server's business. */
  #resource(): URL {
    const url = new URL(this.#url);
    url.username = "";
    url.password = "";
    url.search = "";
    url.hash = "";
    return url;
  }

  #authorized(ev: AuditEvent): void {
    this.#note(ev, null);
    this.#needed = false;
    this.#pausedUntil = 0;
    this.#options.log.info("logged in", { server: this.key.server, owner: this.key.owner });
    this.#tell();
  }

  /** Whose login it is stands where a decision about him would have it. */
  #note(ev: AuditEvent, reason: string | null): void {
    const { server, owner } = this.key;
    const who = owner === "operator" ? { user: owner } : { grant: owner };
    this.#options.audit.record({ ev, target: server, ...who, ...(reason === null ? { have: this.#kept.scopes } : { reason }) });
  }

  // ---- what is known ---------------------------------------------------------------------------------------------

  get kept(): Kept {
    return this.#kept;
  }

  async keep(change: Partial<Kept>): Promise<void> {
    const next = { ...this.#kept, ...change };
    const { store } = this.#options;
    // One after the other, and on disk before it is used: a token that was sent and then lost cannot be renewed.
    this.#saving = this.#saving.catch(() => undefined).then(() => store.save(this.key, next));
    this.#kept = next;
    await this.#saving;
    this.#taken();
  }

  #taken(): void {
    const { tokens } = this.#kept;
    this.#header = tokens === null ? null : `Bearer ${tokens.access_token}`;
    const { access_token, refresh_token, id_token } = tokens ?? {};
    this.#renewAt = this.isOwn || refresh_token !== undefined ? this.#ahead() : Number.POSITIVE_INFINITY;
    for (const secret of [access_token, refresh_token, id_token]) if (secret !== undefined) this.#options.secrets.add(secret, true);
  }

  #ahead(): number {
    const { gotAt, expiresAt } = this.#kept;
    const { clock, limits } = this.#options;
    if (expiresAt === null) return Number.POSITIVE_INFINITY;
    // Never in the first half of its life, however short that is: else each request would ask for another.
    return Math.max(expiresAt - limits.renewMs - clock.random() * limits.renewJitterMs, (gotAt + expiresAt) / 2);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What is told of a login, be it in use or not. */
export function infoOf({ server, owner }: LoginKey, { issuer, tokens, scopes, gotAt, expiresAt }: Kept, { needed, isOwn }: Pick<Login, "needed" | "isOwn">): LoginInfo {
  const state = tokens !== null && !needed ? "logged-in" : needed ? "needs-login" : "logged-out";
  return { server, owner, state, issuer, scopes, gotAt, expiresAt, renews: isOwn || tokens?.refresh_token !== undefined };
}

/** The authorization server is away, or has trouble of its own: what we have may be good all the same. */
function isPassing(thrown: unknown): boolean {
  const { code } = thrown as { readonly code?: unknown };
  return thrown instanceof Fault ? thrown.code.startsWith("BACKEND_") : code === "server_error" || code === "temporarily_unavailable";
}

/** For the log: our own words, or the name of what went wrong, but never what a server wrote. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Fault) return thrown.message;
  const { name, code } = thrown as { readonly name?: unknown; readonly code?: unknown };
  return [name, code].filter((word) => typeof word === "string" && /^[\w-]{1,64}$/.test(word)).join(" ") || faultOf(thrown).message;
}

async function signerOf(oauth: NonNullable<RemoteSpec["oauth"]>): Promise<AddClientAuthentication | undefined> {
  if (oauth.privateKey === null || oauth.clientId === null) return undefined;
  const { createPrivateKeyJwtAuth } = await import("@modelcontextprotocol/client");
  return createPrivateKeyJwtAuth({ issuer: oauth.clientId, subject: oauth.clientId, privateKey: reveal(oauth.privateKey), alg: oauth.keyAlgorithm });
}
