/**
 * All logins at remote servers. It hides where they are kept, which of them are under way, and that one server may have
 * many: the operator's, which serves everybody where the entry says "shared", and one for each caller where it does not.
 */
import type { FetchLike } from "@modelcontextprotocol/client";
import { type Audit, type Clock, type Egress, fault, faultOf, type KnownSecrets, type Limits, type Log, reveal } from "../base/index.ts";
import type { BackendSpec, RemoteSpec } from "../config/index.ts";
import { type Begun, completed, digestOf, type Invitation, newWord, Once } from "./remoteBegun.ts";
import { DeviceRequest } from "./remoteDevice.ts";
import { createRemoteFetch } from "./remoteFetch.ts";
import { infoOf, Login } from "./remoteLogin.ts";
import { authorizePath, callbackPath, clientPath, connectPath, createRemotePages } from "./remotePages.ts";
import { type LoginKey, type LoginStore, openLoginStore } from "./remoteStore.ts";
import type { DeviceOffer, LoginInfo, OAuthIn, OAuthOut, RemoteLogins, Visitors } from "./types.ts";

export interface RemoteLoginsOptions {
  readonly stateDir: string;
  /** 32 bytes, for nothing else. */
  readonly key: Uint8Array;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly secrets: KnownSecrets;
  readonly audit: Pick<Audit, "record">;
}

/** Whose login serves everybody. */
const operator = "operator";

/** Reads what was kept. Throws STATE_UNSAFE, STATE_UNWRITABLE. */
export async function createRemoteLogins(options: RemoteLoginsOptions): Promise<RemoteLogins> {
  return new Logins(options, await openLoginStore(options));
}

/** Logins that one caller has begun at a time: what comes then takes the place of his oldest, so that nobody keeps the others out. */
const perCallerMax = 10;

/** A login by a code that is entered elsewhere. */
interface Entering {
  readonly request: DeviceRequest;
  readonly ended: Promise<void>;
}

class Logins implements RemoteLogins {
  readonly paths = Object.freeze([`${authorizePath}:server`, callbackPath, clientPath, `${connectPath}:server`]);
  readonly begun: Once<Begun>;
  readonly invitations: Once<Invitation>;
  readonly #options: RemoteLoginsOptions;
  readonly #store: LoginStore;
  readonly #logins = new Map<string, Login>();
  readonly #links = new WeakMap<Login, string>();
  /** At most one for each server. */
  readonly #entering = new Map<string, Entering>();
  #specs: ReadonlyMap<string, RemoteSpec> = new Map();
  #origin: string | null = null;
  readonly #pages = createRemotePages(this);

  constructor(options: RemoteLoginsOptions, store: LoginStore) {
    const { clock, limits } = options;
    this.#options = options;
    this.#store = store;
    this.begun = new Once({ clock, lifeMs: limits.loginMsMax, max: limits.loginsBegunMax });
    this.invitations = new Once({ clock, lifeMs: limits.loginMsMax, max: limits.loginsBegunMax });
  }

  // ---- for connections -------------------------------------------------------------------------------------------

  adopt(specs: readonly BackendSpec[]): void {
    this.#specs = new Map(specs.flatMap((spec) => (spec.kind === "remote" && spec.issue === null ? [[spec.name, spec]] : [])));
    // Whoever still uses one of another entry has it; what was kept is found again under the new one.
    for (const [id, { key, fingerprint }] of this.#logins) if (this.#specs.get(key.server)?.fingerprint !== fingerprint) this.#logins.delete(id);
    for (const server of this.#entering.keys()) if (!this.#specs.has(server)) this.#leave(server);
  }

  of(spec: RemoteSpec, owner: string): Login | null {
    if (spec.oauth === null) return null;
    const key: LoginKey = { server: spec.name, url: addressOf(spec), owner: spec.credentials === "shared" ? operator : owner };
    const id = JSON.stringify([key, spec.fingerprint]);
    const login = this.#logins.get(id) ?? this.#create(key, spec);
    this.#logins.set(id, login);
    return login;
  }

  #create(key: LoginKey, spec: RemoteSpec): Login {
    const { limits } = this.#options;
    if (this.#logins.size >= limits.loginsMax) this.#makeRoom();
    if (this.#logins.size >= limits.loginsMax) throw fault("LIMIT_REACHED", { backend: key.server, detail: `limits.loginsMax is ${limits.loginsMax}` });
    const asks = this.#asksOf(spec);
    const page = (): string | null => this.#pageOf(login);
    const login: Login = new Login({ ...this.#options, key, spec, kept: this.#store.of(key), store: this.#store, asks, redirectUrl: () => this.#redirectUrl(spec), clientMetadataUrl: () => this.#clientUrl(spec), page });
    return login;
  }

  /** Whoever has called once would keep others out for ever: the oldest goes that nobody has logged in with, has to, or listens to. */
  #makeRoom(): void {
    const spare = [...this.#logins].find(([, { key, kept, needed, isHeard }]) => key.owner !== operator && kept.tokens === null && !needed && !isHeard);
    if (spare !== undefined) this.#logins.delete(spare[0]);
  }

  /** The way to the authorization servers of this one. */
  #asksOf(spec: RemoteSpec): FetchLike {
    return createRemoteFetch({ ...this.#options, server: spec.name, url: new URL(reveal(spec.url)), allowHosts: spec.oauth?.allowHosts ?? [] });
  }

  #redirectUrl(spec: RemoteSpec): string | null {
    return spec.oauth?.redirectUrl ?? (this.#origin === null ? null : this.#origin + callbackPath);
  }

  // A document that only we can reach is of no use to anybody.
  #clientUrl(spec: RemoteSpec): string | null {
    return spec.oauth?.clientMetadataUrl ?? (this.#origin?.startsWith("https:") === true ? this.#origin + clientPath : null);
  }

  /** A link of the caller's own; the operator goes another way. */
  #pageOf(login: Login): string | null {
    const { server, owner } = login.key;
    if (this.#origin === null || owner === operator) return null;
    // The same for all who ask while it is good: one of several open pages must not shut the others.
    const before = this.#links.get(login) ?? null;
    const link = before !== null && this.invitations.look(before) !== null ? before : newWord();
    this.#links.set(login, link);
    this.invitations.keep(link, { login, principal: owner });
    return `${this.#origin}${connectPath}${encodeURIComponent(server)}?link=${link}`;
  }

  // ---- for pages -------------------------------------------------------------------------------------------------

  get origin(): string | null {
    return this.#origin;
  }

  serveAt(origin: string | null): void {
    this.#origin = origin;
  }

  handle(request: OAuthIn, visitors: Visitors): Promise<OAuthOut | null> {
    return this.#pages(request, visitors);
  }

  /** The operator's login at this server. Throws NAME_UNKNOWN. */
  operators(server: string): Login {
    const spec = this.#specs.get(server);
    const login = spec === undefined ? null : this.of(spec, operator);
    if (login === null) throw fault("NAME_UNKNOWN", { detail: `no server “${server}” that one could log in at`, hint: "`1mcp auth status` lists those there are" });
    return login;
  }

  /** Sends somebody on the way: gives where he is to go, or null where nobody has to. Throws LOGIN_FAILED, LIMIT_REACHED. */
  async send(login: Login, binding: string | null): Promise<string | null> {
    const state = newWord();
    const attempt = await login.begin(state);
    if (attempt === null || attempt.target === null) return null;
    const { owner } = login.key;
    if (owner !== operator) this.begun.makeRoom((begun) => begun.login.key.owner === owner, perCallerMax);
    this.begun.keep(state, { login, attempt, binding: binding === null ? null : digestOf(binding) });
    return attempt.target.href;
  }

  // ---- for the operator ------------------------------------------------------------------------------------------

  async start(server: string, by: "browser" | "paste"): Promise<{ readonly url: string | null }> {
    const login = this.operators(server);
    if (by === "paste" || this.#origin === null || login.isOwn) return { url: await this.send(login, null) };
    const word = newWord();
    this.invitations.keep(word, { login, principal: null });
    return { url: `${this.#origin}${authorizePath}${encodeURIComponent(server)}?link=${word}` };
  }

  async device(server: string): Promise<DeviceOffer | null> {
    const login = this.operators(server);
    const spec = this.#specs.get(server);
    if (spec === undefined || login.isOwn) {
      await this.send(login, null);
      return null;
    }
    this.#leave(server);
    const request = new DeviceRequest({ ...this.#options, server, url: new URL(reveal(spec.url)), asks: this.#asksOf(spec) });
    const ended = login.enter(request);
    this.#entering.set(server, { request, ended });
    // It is heard of here, or by who waits for its end, or by nobody.
    ended.catch(() => undefined);
    return Promise.race([request.offered, ended.then(() => null)]);
  }

  async deviceEnded(server: string): Promise<void> {
    const entering = this.#entering.get(server);
    if (entering === undefined) throw fault("LOGIN_FAILED", { backend: server, detail: "no login by a code was begun" });
    await entering.ended;
  }

  #leave(server: string): void {
    this.#entering.get(server)?.request.stop();
    this.#entering.delete(server);
  }

  async finish(server: string, callbackUrl: string): Promise<void> {
    const query = URL.parse(callbackUrl)?.searchParams ?? new URLSearchParams();
    const begun = this.begun.take(query.get("state"));
    // Bound to a browser: then it is that browser's to end.
    if (begun === null || begun.binding !== null || begun.login.key.server !== server) throw fault("LOGIN_FAILED", { backend: server, detail: "this is not the address that the login ended at, or it took too long" });
    await completed(begun, query);
  }

  async logout(server: string, all = false): Promise<number> {
    this.operators(server);
    const those = [...this.#logins.values()].filter(({ key, kept }) => key.server === server && (all || key.owner === operator) && kept.tokens !== null);
    await Promise.all(those.map((login) => login.forget()));
    // Of some nobody has asked since the start, or since the entry had another address.
    const left = all ? this.#store.keys().filter((key) => key.server === server && this.#store.of(key)?.tokens !== null) : [];
    await Promise.all(left.map((key) => this.#store.remove(key)));
    return those.length + left.length;
  }

  list(): readonly LoginInfo[] {
    for (const spec of this.#specs.values()) this.of(spec, operator);
    const used = [...this.#logins.values()].filter(({ key }) => this.#specs.has(key.server)).map(({ info }) => info);
    const isUsed = ({ server, owner }: LoginKey): boolean => used.some((one) => one.server === server && one.owner === owner);
    // Of some nobody has asked since the start; they are there all the same.
    return [...used, ...this.#store.keys().flatMap((key) => (isUsed(key) ? [] : this.#keptInfo(key)))];
  }

  #keptInfo(key: LoginKey): readonly LoginInfo[] {
    const [spec, kept] = [this.#specs.get(key.server), this.#store.of(key)];
    if (spec === undefined || kept === null || kept.tokens === null || key.url !== addressOf(spec)) return [];
    return [infoOf(key, kept, { needed: false, isOwn: spec.oauth?.grant === "client_credentials" })];
  }

  async forget(owners: readonly string[]): Promise<void> {
    const isOver = ({ owner }: LoginKey): boolean => owner !== operator && owners.includes(owner);
    const those = [...this.#logins].filter(([, { key }]) => isOver(key));
    for (const [id] of those) this.#logins.delete(id);
    // Whoever is on his way comes back to nothing.
    this.begun.drop(({ login }) => isOver(login.key));
    this.invitations.drop(({ login }) => isOver(login.key));
    await Promise.all(those.map(([, login]) => this.#removed(login.key, login.forget())));
    // Of some nobody has asked since the start.
    await Promise.all(this.#store.keys().filter(isOver).map((key) => this.#removed(key, this.#store.remove(key))));
  }

  /** Nobody waits for it but us: what does not work is told, and keeps nothing else. */
  async #removed({ server, owner }: LoginKey, removal: Promise<void>): Promise<void> {
    await removal.catch((thrown: unknown) => this.#options.log.error("a login of a grant that has ended could not be removed", { server, owner, reason: faultOf(thrown).message }));
  }

  close(): void {
    for (const server of [...this.#entering.keys()]) this.#leave(server);
    this.begun.drop(() => true);
    this.invitations.drop(() => true);
  }
}

/** Origin and path: what else stands in a URL may be secret. */
function addressOf({ url }: RemoteSpec): string {
  const { origin, pathname } = new URL(reveal(url));
  return origin + pathname;
}

