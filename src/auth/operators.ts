/**
 * What the operator can do: see and end grants, make and replace static tokens, decide what waits. Nobody gets here but
 * over the operator's socket and pages; who they are is not asked again.
 */
import { addressesOf, type Audit, type AuditEvent, type Clock, fault, faultOf, isAddressRange, type Limits, type Log } from "../base/index.ts";
import type { Grants } from "./grants.ts";
import { ownTokenPath, replaceOwnToken } from "./ownToken.ts";
import type { Resources } from "./resources.ts";
import { isScope } from "./scopes.ts";
import type { AuthorizationServer } from "./server.ts";
import type { Store } from "./store.ts";
import { createSecret, type Random } from "./tokens.ts";
import type { AuthOperator, Decision, GrantInfo, NewToken, PinnedClient, ShownClient, ShownRequest } from "./types.ts";
import { operatorPrincipal } from "./verify.ts";

export interface OperatorsOptions {
  readonly stateDir: string;
  readonly store: Store;
  readonly grants: Grants;
  readonly resources: Resources;
  readonly server: Pick<AuthorizationServer, "pending" | "browsers" | "passwords" | "documents">;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly log: Log;
  readonly audit: Pick<Audit, "record" | "isWritable">;
  /** Called after every change of grants. */
  changed(): void;
  /** The operator's own token is another one. */
  setOwn(token: string): void;
}

const dayMs = 24 * 60 * 60 * 1000;
const nameCharsMax = 64;

/** No grant, but word to other processes that there is another token in the operator's file. */
export const ownTokenWritten = "operator token";

export class Operators implements AuthOperator {
  readonly #options: OperatorsOptions;
  #writing: Promise<void> = Promise.resolve();
  /** The operator's token in memory is newer than the one on disk. */
  isRenewing = false;

  constructor(options: OperatorsOptions) {
    this.#options = options;
  }

  waiting(): readonly ShownRequest[] {
    return this.#options.server.pending.list();
  }

  decide(id: string, decision: Decision): void {
    const { clientId, scopes } = this.#options.server.pending.decide(id, decision);
    this.#options.audit.record({ ev: decision.approve ? "authorize.approved" : "authorize.denied", client: clientId, user: operatorPrincipal.id, have: scopes });
  }

  grants(): readonly GrantInfo[] {
    return this.#options.grants.list();
  }

  createToken({ name, scopes, lifeMs, sources }: NewToken): { readonly grant: GrantInfo; readonly token: string } {
    const { store, grants, clock, limits } = this.#options;
    if (name === "" || name.length > nameCharsMax) throw fault("PARAMS_INVALID", { detail: `a name has 1 to ${nameCharsMax} characters` });
    const odd = scopes?.find((scope) => !isScope(scope));
    if (odd !== undefined) throw fault("PARAMS_INVALID", { detail: "this is not a scope" });
    if (!Number.isSafeInteger(lifeMs) || lifeMs <= 0 || lifeMs > limits.staticTokenMsMax) throw fault("PARAMS_INVALID", { detail: `a token lives at most ${Math.floor(limits.staticTokenMsMax / dayMs)} days`, hint: "give it a shorter life" });
    if (sources !== undefined) this.#assertSources(sources);
    this.#assertRoom();
    const expiresAt = clock.now() + lifeMs;
    const made = store.atomically(() => {
      const id = grants.create({ kind: "token", name, clientId: null, scopes, resource: null, refreshes: false, expiresAt, idleUntil: null, ...(sources === undefined ? {} : { sources }) });
      return { id, token: grants.issue(id, scopes, expiresAt) };
    });
    this.#note("token.issued", made.id);
    return { grant: this.#infoOf(made.id), token: made.token };
  }

  // A list without any would be a token that opens nothing anywhere: nobody means that.
  #assertSources(sources: readonly string[]): void {
    const { tokenSourcesMax } = this.#options.limits;
    if (sources.length === 0 || sources.length > tokenSourcesMax) throw fault("PARAMS_INVALID", { detail: `a token is for 1 to ${tokenSourcesMax} ranges of addresses` });
    // One that does not hold its own address is IPv4 in the form of IPv6, which no address is compared in.
    const isUsable = (range: string): boolean => isAddressRange(range) && addressesOf([range]).has(range.split("/")[0] ?? "");
    if (!sources.every(isUsable)) throw fault("PARAMS_INVALID", { detail: "this is no range of addresses", hint: "write it as 10.0.0.0/8 or 2001:db8::/32" });
  }

  #assertRoom(): void {
    const { grants, limits, audit } = this.#options;
    if (!audit.isWritable) throw fault("LIMIT_REACHED", { detail: "the audit log cannot be written, so nothing is granted" });
    if (grants.countTokens() >= limits.staticTokensMax || !grants.hasRoom()) throw fault("LIMIT_REACHED", { detail: "tokens" });
  }

  rotateToken(id: string): { readonly grant: GrantInfo; readonly token: string } {
    const { store, grants, clock, limits } = this.#options;
    const token = store.atomically(() => {
      const info = grants.infoOf(id);
      if (info === null || info.kind !== "token" || info.expiresAt === null || info.expiresAt <= clock.now()) throw fault("NAME_UNKNOWN", { detail: "there is no such token" });
      // Two are valid at most: one that was replaced before is known by its shorter life.
      store.run("delete from access where grant_id = ? and expires_at < ?", id, info.expiresAt);
      store.run("update access set expires_at = min(expires_at - 1, ?) where grant_id = ?", clock.now() + limits.rotationMsMax, id);
      return grants.issue(id, info.scopes, info.expiresAt);
    });
    this.#options.changed();
    this.#note("token.issued", id);
    return { grant: this.#infoOf(id), token };
  }

  revoke(id: string | "all"): number {
    const { store, grants } = this.#options;
    if (id === "all") this.#withdrawAll();
    const ids = id === "all" ? [...grants.list().map((grant) => grant.id), operatorPrincipal.id] : [id];
    const ended = store.atomically(() => ids.filter((one) => (one === operatorPrincipal.id ? true : this.#end(one))));
    if (ended.includes(operatorPrincipal.id)) this.#renewOwn();
    this.#options.changed();
    for (const one of ended) this.#note("token.revoked", one);
    return ended.length;
  }

  /** Ends a grant; where its program was not to be asked about again, it is from now on. */
  #end(id: string): boolean {
    const { store, grants } = this.#options;
    store.run("delete from consents where client_id = (select client_id from grants where id = ?)", id);
    return grants.end(id);
  }

  // What was approved and not fetched yet would become a grant after all have ended. A code that was redeemed stays known as that.
  #withdrawAll(): void {
    const { store, server } = this.#options;
    server.browsers.forgetAll();
    store.atomically(() => {
      server.pending.withdraw();
      store.run("delete from codes where grant_id is null");
      store.run("delete from consents");
    });
  }

  openLink(): string {
    const { resources, server } = this.#options;
    return `${resources.issuer()}/open?link=${server.browsers.createLink()}`;
  }

  setPassword(password: string | null): Promise<void> {
    return this.#options.server.passwords.set(password);
  }

  lookAtClient(url: string): Promise<ShownClient> {
    return this.#options.server.documents.look(url);
  }

  pinClient(url: string, digest: string): void {
    this.#options.server.documents.pin(url, digest);
    this.#options.audit.record({ ev: "client.cimd", client: url, user: operatorPrincipal.id, result: "pinned" });
  }

  pinnedClients(): readonly PinnedClient[] {
    return this.#options.server.documents.pinned();
  }

  unpinClient(url: string): void {
    if (!this.#options.server.documents.unpin(url)) throw fault("NAME_UNKNOWN", { detail: "this client is not pinned", hint: "`1mcp auth pins` lists those that are" });
    this.#options.audit.record({ ev: "client.cimd", client: url, user: operatorPrincipal.id, result: "unpinned" });
  }

  /** Resolves when what was to be written is. */
  settled(): Promise<void> {
    return this.#writing;
  }

  // The old one opens nothing from this moment on, whatever becomes of the file.
  #renewOwn(): void {
    const { random, stateDir, setOwn, log, grants } = this.#options;
    const token = createSecret(random);
    this.isRenewing = true;
    setOwn(token);
    grants.tellEnded(operatorPrincipal.id);
    const write = async (): Promise<void> => {
      await replaceOwnToken(stateDir, token);
      this.isRenewing = false;
      grants.tellEnded(ownTokenWritten);
    };
    this.#writing = this.#writing.then(write).catch((thrown: unknown) => log.error("the operator's new token could not be written; remove the file of the old one before the next start", { path: ownTokenPath(stateDir), reason: faultOf(thrown).message }));
  }

  #infoOf(id: string): GrantInfo {
    const info = this.#options.grants.infoOf(id);
    if (info === null) throw fault("NAME_UNKNOWN", { detail: "the grant has ended" });
    return info;
  }

  #note(ev: AuditEvent, grant: string): void {
    this.#options.audit.record({ ev, grant, user: operatorPrincipal.id });
  }
}
