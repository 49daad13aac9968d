/**
 * The token endpoint (RFC 6749, section 3.2): codes, refresh tokens, device codes and clients' own credentials become
 * access tokens. Each redemption is one transaction, so that of many at once exactly one wins; who shows the wrong thing,
 * something that has expired, or something of another client's, hears the same.
 */
import { type Audit, type AuditEvent, type Clock, type Limits, sleep } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import type { Person } from "../protocol/index.ts";
import { formOf, json, otherVerb, parseParameters, refused } from "./answers.ts";
import type { Assertions } from "./assertions.ts";
import { grantToClient } from "./clientCredentials.ts";
import type { Client, Clients } from "./clients.ts";
import { type Grants, personOf } from "./grants.ts";
import { redeemIdJag } from "./idJag.ts";
import type { Issuers } from "./issuers.ts";
import { jwtBearer } from "./metadata.ts";
import { type Pending, renewedMsMax, type Waiting } from "./pending.ts";
import type { Refreshes } from "./refresh.ts";
import type { Resources } from "./resources.ts";
import { narrowed, parseScopes } from "./scopes.ts";
import type { Store } from "./store.ts";
import { digestOf } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface TokenOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly config: AccessConfig;
  readonly resources: Resources;
  readonly grants: Grants;
  readonly refreshes: Refreshes;
  readonly clients: Clients;
  readonly pending: Pending;
  readonly issuers: Issuers;
  readonly assertions: Assertions;
  readonly audit: Pick<Audit, "record" | "isWritable">;
  /** Called after a grant has ended here. */
  changed(): void;
}

/** A request whose sender is known. */
interface Asked {
  readonly request: OAuthIn;
  readonly form: ReadonlyMap<string, string>;
  readonly client: Client;
  readonly scopes: readonly string[];
  /** Path of the endpoint that the token is for; null: none was named. */
  readonly resource: string | null;
}

type Grantor = (asked: Asked, options: TokenOptions) => OAuthOut | Promise<OAuthOut>;

const grantors: Readonly<Record<string, Grantor>> = Object.freeze({
  authorization_code: redeemCode,
  refresh_token: renew,
  client_credentials: grantOwn,
  "urn:ietf:params:oauth:grant-type:device_code": redeemDevice,
  [jwtBearer]: redeemAssertion,
});

const invalidGrant = (): OAuthOut => refused(400, "invalid_grant", "it is not valid here, or not any more");
const invalidTarget = (): OAuthOut => refused(400, "invalid_target", "the resource is not one of ours, or not the one that was approved");
const missing = (name: string): OAuthOut => refused(400, "invalid_request", `${name} is missing`);

/** `POST /token`. */
export async function token(request: OAuthIn, options: TokenOptions): Promise<OAuthOut> {
  const asked = await askedOf(request, options);
  if (!("form" in asked)) return asked;
  const type = asked.form.get("grant_type");
  const grantor = type !== undefined && Object.hasOwn(grantors, type) ? grantors[type] : undefined;
  if (grantor === undefined) return type === undefined ? missing("grant_type") : refused(400, "unsupported_grant_type", "this kind of grant is not given here");
  // What cannot be written down is not granted.
  if (!options.audit.isWritable || !options.grants.hasRoom()) return refused(503, "temporarily_unavailable", "no token can be given at the moment", { "Retry-After": "5" });
  return grantor(asked, options);
}

async function askedOf(request: OAuthIn, { clients, resources }: TokenOptions): Promise<Asked | OAuthOut> {
  if (request.method !== "POST") return otherVerb("POST");
  const given = formOf(request);
  if (given === null) return refused(400, "invalid_request", "the body must be a form");
  const parameters = parseParameters(given);
  if (!parameters.ok) return parameters.repeated === "resource" ? invalidTarget() : refused(400, "invalid_request", "a parameter is repeated");
  const known = await clients.authenticate(request, parameters.values);
  return known.ok ? requestedOf(request, parameters.values, known.client, resources) : known.answer;
}

function requestedOf(request: OAuthIn, form: ReadonlyMap<string, string>, client: Client, resources: Resources): Asked | OAuthOut {
  const target = resources.targetOf(form.get("resource"));
  if (target === null) return invalidTarget();
  const scopes = parseScopes(form.get("scope"));
  return scopes === null ? refused(400, "invalid_scope", "the scope cannot be read") : { request, form, client, scopes, resource: target.path };
}

// ---- codes ------------------------------------------------------------------------------------------------------

interface CodeRow {
  readonly client_id: string;
  readonly client_name: string;
  readonly redirect: string;
  readonly challenge: string;
  readonly resource: string | null;
  readonly scopes: string;
  readonly refreshes: number;
  readonly expires_at: number;
  readonly grant_id: string | null;
  readonly person_id: string | null;
  readonly person_name: string | null;
}

function redeemCode(asked: Asked, options: TokenOptions): OAuthOut {
  const code = asked.form.get("code");
  const verifier = asked.form.get("code_verifier");
  if (code === undefined || verifier === undefined) return missing(code === undefined ? "code" : "code_verifier");
  const { store } = options;
  const digest = digestOf(code);
  const outcome = store.atomically(() => {
    const row = store.get<CodeRow>("select * from codes where digest = ?", digest);
    if (row === null) return invalidGrant;
    if (row.grant_id !== null) return replayOf(row.grant_id, options);
    if (!isGood(row, asked, verifier, options.clock.now())) return invalidGrant;
    if (!fits(row.resource, asked.resource)) return invalidTarget;
    const given = give({ ...asked, resource: row.resource ?? asked.resource }, { kind: "code", name: row.client_name, scopes: JSON.parse(row.scopes) as string[], refreshes: row.refreshes === 1, person: personOf(row) }, options);
    store.run("update codes set grant_id = ? where digest = ?", given.grantId, digest);
    return () => given.answer;
  });
  return outcome();
}

// Somebody has it who should not: what it gave is taken back (RFC 6749, section 4.1.2).
function replayOf(grantId: string, { grants, audit, changed }: TokenOptions): () => OAuthOut {
  const ended = grants.end(grantId);
  return () => {
    if (ended) changed();
    audit.record({ ev: "token.replay", grant: grantId, result: "invalid_grant", reason: "code" });
    return invalidGrant();
  };
}

function isGood(row: CodeRow, { client, form }: Asked, verifier: string, now: number): boolean {
  const isShaped = /^[\w.~-]{43,128}$/.test(verifier);
  return isShaped && now < row.expires_at && row.client_id === client.id && form.get("redirect_uri") === row.redirect && digestOf(verifier) === row.challenge;
}

// What was approved for one endpoint is for none beside it.
const fits = (approved: string | null, asked: string | null): boolean => approved === null || asked === null || approved === asked;

// ---- devices ----------------------------------------------------------------------------------------------------

const deviceErrors = Object.freeze({
  unknown: ["invalid_grant", "it is not valid here, or not any more"],
  expired: ["expired_token", "nobody approved it in time"],
  hasty: ["slow_down", "ask less often: five seconds more between two requests"],
  pending: ["authorization_pending", "nobody has decided yet"],
  denied: ["access_denied", "the operator refused"],
} as const);

function redeemDevice(asked: Asked, options: TokenOptions): OAuthOut {
  const code = asked.form.get("device_code");
  if (code === undefined) return missing("device_code");
  return options.store.atomically(() => {
    const poll = options.pending.poll(code, asked.client.id);
    if (poll.outcome !== "approved") {
      const [error, description] = deviceErrors[poll.outcome];
      return refused(400, error, description);
    }
    const { waiting } = poll;
    if (!fits(waiting.resource, asked.resource)) return invalidTarget();
    options.pending.take(waiting.id);
    return give({ ...asked, resource: waiting.resource ?? asked.resource }, approvedOf(waiting), options).answer;
  });
}

const approvedOf = ({ clientName, scopes, refreshes, person }: Waiting): Approved => ({ kind: "device", name: clientName, scopes, refreshes, person });

// ---- what was approved ------------------------------------------------------------------------------------------

interface Approved {
  readonly kind: "code" | "device";
  readonly name: string;
  readonly scopes: readonly string[];
  readonly refreshes: boolean;
  readonly person: Person | null;
}

/** Makes the grant, and its first tokens. In a transaction. */
function give({ request, client, resource }: Asked, { kind, name, scopes, refreshes, person }: Approved, options: TokenOptions): { readonly grantId: string; readonly answer: OAuthOut } {
  const { grants, clock, config, clients } = options;
  const now = clock.now();
  const longest = now + renewedMsMax(config, person !== null);
  const accessUntil = Math.min(now + config.tokens.accessMs, longest);
  const expiresAt = refreshes ? longest : accessUntil;
  const grantId = grants.create({ kind, name, clientId: client.id, scopes, resource, refreshes, expiresAt, idleUntil: null, person });
  const access = grants.issue(grantId, scopes, accessUntil);
  const refresh = refreshes ? options.refreshes.begin(grantId, access) : null;
  clients.used(client.id);
  noteTo(options, "token.issued", request, client, grantId, scopes, person);
  return { grantId, answer: tokens(access, accessUntil - now, scopes, refresh) };
}

const tokens = (access: string, lifeMs: number, scopes: readonly string[], refresh: string | null): OAuthOut =>
  json(200, { access_token: access, token_type: "Bearer", expires_in: Math.floor(lifeMs / 1000), ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }), ...(refresh === null ? {} : { refresh_token: refresh }) });

function noteTo({ audit }: TokenOptions, ev: AuditEvent, request: OAuthIn, client: Client, grant: string, have: readonly string[], person: Person | null = null): void {
  audit.record({ ev, addr: request.address, client: client.id, grant, user: person?.name ?? null, route: "POST /token", have, result: "200" });
}

// ---- refresh tokens ---------------------------------------------------------------------------------------------

async function renew(asked: Asked, options: TokenOptions): Promise<OAuthOut> {
  const shown = asked.form.get("refresh_token");
  if (shown === undefined) return missing("refresh_token");
  const { refreshes, clients, audit, clock, limits } = options;
  const { request, client } = asked;
  const refreshed = refreshes.redeem({ token: shown, clientId: client.id, asked: asked.scopes, resource: asked.resource });
  switch (refreshed.outcome) {
    case "unknown":
      return invalidGrant();
    case "widened":
      return refused(400, "invalid_scope", "more than was granted is asked for");
    case "elsewhere":
      return invalidTarget();
    case "beside":
      // Its token is not dead: whoever it shares it with has the next one, or it will get one itself.
      return refused(503, "temporarily_unavailable", "the same token was used at this moment", { "Retry-After": "1" });
    case "replayed":
      audit.record({ ev: "token.replay", addr: request.address, client: client.id, grant: refreshed.grant.id, route: "POST /token", result: "invalid_grant", reason: "refresh" });
      options.changed();
      return invalidGrant();
    case "renewed": {
      const { grant, access, refresh, scopes, accessUntil } = refreshed.pair;
      clients.used(client.id);
      noteTo(options, "token.refreshed", request, client, grant.id, scopes);
      const answer = tokens(access, accessUntil - clock.now(), scopes, refresh);
      await sleep(clock, limits.refreshSettleMs);
      return answer;
    }
  }
}

// ---- clients' own -----------------------------------------------------------------------------------------------

function grantOwn(asked: Asked, options: TokenOptions): OAuthOut {
  const { client, scopes, resource, request } = asked;
  if (client.ownScopes === null) return refused(400, "unauthorized_client", "this client gets nothing without a person");
  const { store, grants, clock, config } = options;
  const expiresAt = clock.now() + config.tokens.accessMs;
  const given = store.atomically(() => grantToClient(client, scopes, resource, { grants, expiresAt }));
  if (given === null) return refused(400, "invalid_scope", "more than this client may have is asked for");
  noteTo(options, "token.issued", request, client, given.grantId, given.scopes);
  return tokens(given.token, config.tokens.accessMs, given.scopes, null);
}

// ---- by the word of another issuer ------------------------------------------------------------------------------

async function redeemAssertion(asked: Asked, options: TokenOptions): Promise<OAuthOut> {
  const { client, form, request } = asked;
  const assertion = form.get("assertion");
  if (assertion === undefined) return missing("assertion");
  // What is given for one client must not serve whoever knows that client's name.
  if (client.secret === null && client.jwks === null) return refused(400, "unauthorized_client", "this client cannot show that it is itself");
  const found = await redeemIdJag(assertion, client, options);
  if (found === null) return invalidGrant();
  if (!fits(found.path, asked.resource)) return invalidTarget();
  const scopes = narrowed(found.scopes, asked.scopes);
  if (scopes === null || scopes.length === 0) return refused(400, "invalid_scope", "nothing is granted to this person, or not what is asked for");
  const { store, grants, clock, config } = options;
  const expiresAt = clock.now() + config.tokens.accessMs;
  const given = store.atomically(() => {
    const grantId = grants.ofPerson({ clientId: client.id, name: client.name, scopes, person: found.person }, found.path ?? asked.resource, expiresAt);
    return { grantId, token: grants.issue(grantId, scopes, expiresAt) };
  });
  noteTo(options, "token.issued", request, client, given.grantId, scopes, found.person);
  return tokens(given.token, config.tokens.accessMs, scopes, null);
}
