/**
 * Who asks for a grant: clients that the operator wrote down, clients that are named by their metadata document, and
 * clients that registered themselves (RFC 7591). And whether somebody at an endpoint of ours is the client that he says
 * he is (RFC 6749, section 2.3). What is unknown, and what cannot show that it is itself, gets the same answer.
 */
import type { Clock, Limits } from "../base/index.ts";
import type { AccessConfig, PreregisteredClient } from "../config/index.ts";
import { refused } from "./answers.ts";
import { parseBasic } from "./basic.ts";
import type { Documents } from "./cimd.ts";
import type { Assertions } from "./assertions.ts";
import type { ClientMetadata, Jwks } from "./clientMetadata.ts";
import type { Store } from "./store.ts";
import { digestOf } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

/** A client. */
export interface Client {
  readonly id: string;
  readonly name: string;
  /** The domain that vouches for it; null: nobody does. */
  readonly domain: string | null;
  readonly redirectUris: readonly string[];
  /** Digest of its secret; null: it has none. */
  readonly secret: string | null;
  /** The keys that it signs with; null: it does not. */
  readonly jwks: Jwks | null;
  readonly refreshes: boolean;
  /** What it gets without a person; null: nothing. */
  readonly ownScopes: readonly string[] | null;
}

/** A client, or why there is none that can be served, in words for a person. */
export type ClientResult = { readonly ok: true; readonly client: Client } | { readonly ok: false; readonly why: string };
/** A client that has shown that it is itself, or the answer. */
export type Authenticated = { readonly ok: true; readonly client: Client } | { readonly ok: false; readonly answer: OAuthOut };

export interface ClientsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly config: AccessConfig;
  readonly documents: Documents;
  readonly assertions: Assertions;
}

export class Clients {
  readonly #options: ClientsOptions;
  readonly #preregistered: ReadonlyMap<string, Client>;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#preregistered = new Map(options.config.clients.preregistered.map((client) => [client.clientId, preregisteredOf(client)]));
  }

  /** The client of that id. With `kept` a document that was fetched once will do. */
  async find(id: string, kept = false): Promise<ClientResult> {
    const client = this.#preregistered.get(id) ?? this.#registered(id);
    if (client !== null) return { ok: true, client };
    const document = await this.#options.documents.of(id, kept);
    return document.ok ? { ok: true, client: clientOf(id, document.metadata, new URL(id).host, null) } : document;
  }

  #registered(id: string): Client | null {
    const { store, clock } = this.#options;
    const row = store.get<{ readonly document: string; readonly secret: string | null }>("select document, secret from clients where id = ? and kind = 'registered' and expires_at > ?", id, clock.now());
    return row === null ? null : clientOf(id, JSON.parse(row.document) as ClientMetadata, null, row.secret);
  }

  /** Notes that a client got what it asked for: a registration that is used lives on. */
  used(id: string): void {
    const { store, clock, limits } = this.#options;
    store.run("update clients set used_at = ?1, expires_at = ?2 where id = ?3", clock.now(), clock.now() + limits.clientIdleMs, id);
  }

  /** Forgets what has expired. */
  sweep(): void {
    this.#options.store.run("delete from clients where expires_at <= ? and kind <> 'pinned'", this.#options.clock.now());
  }

  /** Who sent a request to an endpoint of ours, by `form`, its parameters. */
  async authenticate(request: OAuthIn, form: ReadonlyMap<string, string>): Promise<Authenticated> {
    const shown = credentialsOf(request.header("authorization"), form);
    if (shown === null) return { ok: false, answer: refused(400, "invalid_request", "one client, shown in one way") };
    const found = shown.id === null ? null : await this.find(shown.id, true);
    const client = found?.ok === true ? found.client : null;
    if (client === null || !(await this.#isItself(client, shown))) return { ok: false, answer: unknownClient(shown.basic) };
    return { ok: true, client };
  }

  async #isItself(client: Client, { secret, assertion }: Shown): Promise<boolean> {
    if (client.jwks !== null && assertion !== null) return this.#options.assertions.isOf(client.id, client.jwks, assertion);
    if (client.secret !== null) return secret !== null && digestOf(secret) === client.secret;
    return client.jwks === null && secret === null && assertion === null;
  }
}

function preregisteredOf({ clientId, name, redirectUris, secretSha256, jwks, clientCredentials }: PreregisteredClient): Client {
  const secret = secretSha256 === null ? null : Buffer.from(secretSha256, "hex").toString("base64url");
  return Object.freeze({ id: clientId, name, domain: null, redirectUris, secret, jwks, refreshes: true, ownScopes: secret === null && jwks === null ? null : clientCredentials });
}

const clientOf = (id: string, { name, redirectUris, jwks, refreshes }: ClientMetadata, domain: string | null, secret: string | null): Client =>
  Object.freeze({ id, name, domain, redirectUris, secret, jwks, refreshes, ownScopes: null });

// RFC 6749, section 5.2: whoever used the Authorization header is told its scheme.
const unknownClient = (basic: boolean): OAuthOut => refused(401, "invalid_client", "the client is not known here, or did not show that it is itself", basic ? { "WWW-Authenticate": 'Basic realm="1mcp"' } : {});

interface Shown {
  readonly id: string | null;
  readonly secret: string | null;
  readonly assertion: string | null;
  readonly basic: boolean;
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** How a client shows itself; null where it does so in two ways, or in none that can be read. */
function credentialsOf(authorization: string | null, form: ReadonlyMap<string, string>): Shown | null {
  if (authorization !== null) return byHeader(authorization, form);
  const assertion = form.get("client_assertion") ?? null;
  if (assertion !== null) return byAssertion(assertion, form);
  return { id: form.get("client_id") ?? null, secret: form.get("client_secret") ?? null, assertion: null, basic: false };
}

function byHeader(authorization: string, form: ReadonlyMap<string, string>): Shown | null {
  const basic = parseBasic(authorization);
  if (basic === null || form.has("client_assertion") || form.has("client_secret")) return null;
  return (form.get("client_id") ?? basic.id) === basic.id ? { ...basic, assertion: null, basic: true } : null;
}

function byAssertion(assertion: string, form: ReadonlyMap<string, string>): Shown | null {
  if (form.has("client_secret") || form.get("client_assertion_type") !== assertionType) return null;
  return { id: form.get("client_id") ?? subjectOf(assertion), secret: null, assertion, basic: false };
}

// RFC 7523, section 3: the client may name itself in its assertion alone. Nothing is believed before it is verified.
function subjectOf(assertion: string): string | null {
  try {
    const claims = JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString("utf8")) as { readonly sub?: unknown } | null;
    return typeof claims?.sub === "string" ? claims.sub : null;
  } catch {
    return null;
  }
}
