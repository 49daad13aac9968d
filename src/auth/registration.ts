/**
 * Clients that register themselves (RFC 7591). Revision 2026-07-28 puts client metadata documents in its place, but most
 * clients in the field know nothing else, so it is there for those of this computer, within narrow bounds: few, with safe
 * places to send a browser to, and forgotten if nothing comes of it.
 */
import type { Audit, Clock, Limits } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import { json, otherVerb, refused } from "./answers.ts";
import type { Attempts } from "./attempts.ts";
import { type ClientMetadata, parseClientMetadata } from "./clientMetadata.ts";
import type { Resources } from "./resources.ts";
import type { Store } from "./store.ts";
import { createId, createSecret, digestOf, type Random } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface RegistrationOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly config: AccessConfig;
  readonly resources: Resources;
  readonly attempts: Attempts;
  readonly audit: Pick<Audit, "record">;
}

/** Whether clients may register themselves where we are reached. */
export const mayRegister = ({ clients }: AccessConfig, resources: Resources): boolean => clients.registration === "open" || (clients.registration === "local-only" && resources.isLocal());

/** `POST /register`. */
export function register(request: OAuthIn, options: RegistrationOptions): OAuthOut {
  const { audit } = options;
  const answer = registered(request, options);
  if (typeof answer !== "string") {
    audit.record({ ev: "client.rejected", addr: request.address, route: `${request.method} ${request.path}`, result: answer.kind === "json" ? String(answer.status) : null, reason: reasonOf(answer) });
    return answer;
  }
  return made(request, options, answer);
}

const reasonOf = (answer: OAuthOut): string | null => (answer.kind === "json" ? ((answer.body as { readonly error?: string }).error ?? null) : null);

/** Why not, or the text of what may be registered. */
function registered(request: OAuthIn, { config, resources, attempts, limits }: RegistrationOptions): OAuthOut | string {
  if (request.method !== "POST") return otherVerb("POST");
  if (!mayRegister(config, resources)) return refused(403, "access_denied", "clients cannot register themselves here");
  const lockedMs = attempts.lockedMs(request.address);
  if (lockedMs > 0) return refused(429, "temporarily_unavailable", "too many registrations", { "Retry-After": String(Math.ceil(lockedMs / 1000)) });
  attempts.note(request.address);
  const given = parseJson(request.body);
  const parsed = parseClientMetadata(given, { schemes: config.clients.redirectSchemes, methods: ["none", "client_secret_basic", "client_secret_post"], needsName: false, limits });
  return parsed.ok ? JSON.stringify(parsed.metadata) : refused(400, parsed.error, parsed.why);
}

function made(request: OAuthIn, { store, clock, random, limits, audit }: RegistrationOptions, document: string): OAuthOut {
  const metadata = JSON.parse(document) as ClientMetadata;
  const id = createId(random, "c_");
  const secret = metadata.method === "none" ? null : createSecret(random);
  const now = clock.now();
  const hasRoom = store.atomically(() => {
    if (!makeRoom(store, limits, now)) return false;
    store.run("insert into clients (id, kind, document, secret, created_at, expires_at) values (?, 'registered', ?, ?, ?, ?)", id, document, secret === null ? null : digestOf(secret), now, now + limits.clientUnusedMs);
    return true;
  });
  if (!hasRoom) return refused(503, "temporarily_unavailable", "too many clients are registered");
  audit.record({ ev: "client.registered", addr: request.address, client: id, target: metadata.name, result: "201" });
  return json(201, {
    client_id: id,
    client_id_issued_at: Math.floor(now / 1000),
    ...(secret === null ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    client_name: metadata.name,
    redirect_uris: metadata.redirectUris,
    grant_types: metadata.refreshes ? ["authorization_code", "refresh_token"] : ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: metadata.method,
  });
}

// Those that never came to anything go first; one that is in use never goes for a stranger.
function makeRoom(store: Store, limits: Limits, now: number): boolean {
  store.run("delete from clients where kind = 'registered' and expires_at <= ?", now);
  const count = (): number => store.get<{ readonly n: number }>("select count(*) as n from clients where kind = 'registered'")?.n ?? 0;
  if (count() < limits.clientsMax) return true;
  store.run("delete from clients where id in (select id from clients where kind = 'registered' and used_at is null order by created_at limit 1)");
  return count() < limits.clientsMax;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
