/**
 * One run of the login's library (`auth()` of the official client): what it asks its caller for and hands back. It hides
 * that half of that is kept for good, the other half only as long as this run, and that a configured client and its
 * secret are for one authorization server alone, whatever the remote server comes to name later.
 */
import type { AddClientAuthentication, OAuthClientMetadata, OAuthClientProvider, OAuthDiscoveryState, StoredOAuthClientInformation, StoredOAuthTokens } from "@modelcontextprotocol/client";
import { fault, reveal } from "../base/index.ts";
import type { RemoteOAuth } from "../config/index.ts";
import { scopesOf } from "./remoteChallenge.ts";
import { type DeviceRequest, deviceGrant } from "./remoteDevice.ts";
import { isVisitable } from "./remoteReach.ts";
import type { Kept } from "./remoteStore.ts";

/** What is known of a login, and the way to change it. */
export interface Keeping {
  readonly kept: Kept;
  /** Resolves when it is on disk. */
  keep(change: Partial<Kept>): Promise<void>;
}

export interface AttemptOptions {
  readonly server: string;
  readonly url: URL;
  readonly oauth: RemoteOAuth;
  readonly keeping: Keeping;
  /** Where the browser comes back to; null: nobody's browser takes part. */
  readonly redirectUrl: string | null;
  readonly clientMetadataUrl: string | null;
  /** What comes back with the browser. */
  readonly state: string;
  /** How long a run that asks a person may take its knowledge of the authorization server from before; a new login looks again. */
  readonly discovery: OAuthDiscoveryState | null;
  readonly clientsMax: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How the client signs, where it has a key. */
  readonly signed?: AddClientAuthentication | undefined;
  readonly scopes: readonly string[];
  /** Somebody logs in by a code elsewhere; absent: by a browser that comes back, or nobody does. */
  readonly device?: DeviceRequest;
}

type Scope = "all" | "client" | "tokens" | "verifier" | "discovery";
interface From {
  readonly issuer: string;
}

export class Attempt implements OAuthClientProvider {
  readonly #options: AttemptOptions;
  readonly clientMetadataUrl?: string;
  readonly addClientAuthentication?: AddClientAuthentication;
  readonly prepareTokenRequest?: (scope?: string) => URLSearchParams | Promise<URLSearchParams>;
  #discovery: OAuthDiscoveryState | null;
  #verifier: string | null = null;
  /** Where a person is to go. */
  target: URL | null = null;
  /** What the token is to be for (RFC 8707), once that is known. */
  resource: string | null = null;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#discovery = options.discovery;
    if (options.clientMetadataUrl !== null) this.clientMetadataUrl = options.clientMetadataUrl;
    if (options.signed !== undefined) this.addClientAuthentication = options.signed;
    const { device } = options;
    if (options.oauth.grant === "client_credentials") this.prepareTokenRequest = clientCredentials;
    else if (device !== undefined) this.prepareTokenRequest = (scope) => device.tokenRequest(this, scope);
  }

  /** The authorization server of this run, as its metadata names itself; null while it is not known. */
  get issuer(): string | null {
    return this.#discovery?.authorizationServerMetadata?.issuer ?? this.#discovery?.authorizationServerUrl ?? null;
  }

  /** What the authorization server says of itself; null while it is not known. */
  get metadata(): OAuthDiscoveryState["authorizationServerMetadata"] | null {
    return this.#discovery?.authorizationServerMetadata ?? null;
  }

  /** It says in its metadata that its answers name it (RFC 9207). */
  get namesItself(): boolean {
    return (this.#discovery?.authorizationServerMetadata as { authorization_response_iss_parameter_supported?: boolean } | undefined)?.authorization_response_iss_parameter_supported === true;
  }

  get redirectUrl(): string | undefined {
    const { oauth, device, redirectUrl } = this.#options;
    // For the library a run without one is a run that sends nobody anywhere.
    return oauth.grant === "client_credentials" || device !== undefined ? undefined : (redirectUrl ?? undefined);
  }

  get clientMetadata(): OAuthClientMetadata {
    const { oauth, redirectUrl, device } = this.#options;
    const scope = oauth.scopes.length === 0 ? {} : { scope: oauth.scopes.join(" ") };
    if (oauth.grant === "client_credentials") return { client_name: "1mcp", redirect_uris: [], grant_types: ["client_credentials"], ...scope };
    // Whoever is registered to use codes can go by a browser the next time.
    const grants = [...browserGrants, ...(device === undefined ? [] : [deviceGrant])];
    return { client_name: "1mcp", redirect_uris: redirectUrl === null ? [] : [redirectUrl], grant_types: grants, response_types: ["code"], ...scope };
  }

  state(): string {
    return this.#options.state;
  }

  // ---- the client ------------------------------------------------------------------------------------------------

  async clientInformation(from?: From): Promise<StoredOAuthClientInformation | undefined> {
    const { oauth, keeping } = this.#options;
    // Whose the configured client is, is learned once, where the configuration does not say; it stays theirs.
    if (oauth.clientId !== null && oauth.issuer === null && keeping.kept.clientIssuer === null && from !== undefined) await keeping.keep({ clientIssuer: from.issuer });
    return this.#configured(from) ?? keeping.kept.clients.find(({ issuer }) => issuer === from?.issuer);
  }

  async saveClientInformation(client: StoredOAuthClientInformation): Promise<void> {
    const { keeping, clientsMax } = this.#options;
    const others = keeping.kept.clients.filter(({ issuer }) => issuer !== client.issuer);
    await keeping.keep({ clients: [client, ...others].slice(0, clientsMax) });
  }

  // Another authorization server gets another client: never this one's id, and never its secret.
  #configured(from: From | undefined): StoredOAuthClientInformation | undefined {
    const { oauth, keeping } = this.#options;
    const owner = oauth.issuer ?? keeping.kept.clientIssuer;
    if (oauth.clientId === null || owner === null || owner !== from?.issuer) return undefined;
    const secret = oauth.clientSecret === null ? {} : { client_secret: reveal(oauth.clientSecret) };
    return { client_id: oauth.clientId, ...secret, issuer: owner };
  }

  // ---- tokens ----------------------------------------------------------------------------------------------------

  tokens(from?: From): StoredOAuthTokens | undefined {
    const { tokens } = this.#options.keeping.kept;
    return tokens === null || (from !== undefined && tokens.issuer !== from.issuer) ? undefined : tokens;
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    const { keeping, now, scopes } = this.#options;
    const gotAt = now();
    const expiresAt = tokens.expires_in === undefined ? null : gotAt + tokens.expires_in * 1000;
    await keeping.keep({ tokens, gotAt, expiresAt, issuer: tokens.issuer ?? this.issuer, discovery: this.#discovery, scopes: tokens.scope === undefined ? scopes : scopesOf(tokens.scope) });
  }

  async invalidateCredentials(scope: Scope): Promise<void> {
    const { keeping, device } = this.#options;
    // What there is stays until the new login is there: nothing of it was refused.
    if (device === undefined && (scope === "all" || scope === "tokens")) await keeping.keep({ tokens: null, expiresAt: null });
    if (scope === "all" || scope === "client") await keeping.keep({ clients: keeping.kept.clients.filter(({ issuer }) => issuer !== this.issuer) });
    if (scope === "all" || scope === "discovery") this.#discovery = null;
  }

  // ---- this run --------------------------------------------------------------------------------------------------

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  saveResourceUrl(resource: string): void {
    this.resource = resource;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery ?? undefined;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    if (this.#verifier === null) throw fault("LOGIN_FAILED", { backend: this.#options.server, detail: "nobody was sent there" });
    return this.#verifier;
  }

  /** Nobody is sent anywhere here: whoever began the run asks for the address. */
  redirectToAuthorization(target: URL): void {
    const { server, url } = this.#options;
    if (!isVisitable(target, url)) throw fault("LOGIN_FAILED", { backend: server, detail: "its login page has an address that no browser should open" });
    this.target = target;
  }
}

const browserGrants = Object.freeze(["authorization_code", "refresh_token"]);

function clientCredentials(scope?: string): URLSearchParams {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== undefined && scope !== "") form.set("scope", scope);
  return form;
}
