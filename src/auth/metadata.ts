/**
 * The documents by which clients find their way: what an endpoint wants (RFC 9728) and what the authorization server is
 * and can do (RFC 8414). They lie where each revision looks: under the path of every endpoint and at the root, the
 * authorization server's at the root of the origin alone, whose default paths are the real ones. For everybody, so they
 * tell neither servers nor tags.
 */
import type { AccessConfig } from "../config/index.ts";
import { otherVerb, refused } from "./answers.ts";
import { mayRegister } from "./registration.ts";
import { resourceMetadataPath, type Resources } from "./resources.ts";
import type { Signing } from "./signing.ts";
import type { AuthMode, OAuthIn, OAuthOut } from "./types.ts";

export const serverMetadataPath = "/.well-known/oauth-authorization-server";

export interface MetadataOptions {
  readonly mode: AuthMode;
  readonly config: AccessConfig;
  readonly resources: Resources;
}

// A browser's client may read them from wherever it comes: there is nothing in them that is not for everybody.
const headers = Object.freeze({ "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300" });

const document = (body: unknown): OAuthOut => ({ kind: "json", status: 200, headers, body });

/** `GET /.well-known/oauth-protected-resource…`. */
export function resourceMetadata(request: OAuthIn, { mode, config, resources }: MetadataOptions): OAuthOut {
  if (!isRead(request)) return otherVerb("GET, HEAD");
  const endpoint = resources.of(resources.originOf(request.header("host")) + request.path.slice(resourceMetadataPath.length));
  if (endpoint === null) return refused(404, "not_found", "there is no such resource");
  const others = mode === "external" || mode === "mixed" ? config.issuers.map(({ issuer }) => issuer) : [];
  const scopes = config.defaultScopes.filter((scope) => scope !== "offline_access");
  return document({
    resource: endpoint.url.replace(/\/$/, ""),
    authorization_servers: [...(mode === "external" ? [] : [resources.issuer()]), ...others],
    bearer_methods_supported: ["header"],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    resource_name: "1mcp",
  });
}

/** `GET /.well-known/oauth-authorization-server`. */
export function serverMetadata(request: OAuthIn, { config, resources }: MetadataOptions): OAuthOut {
  if (!isRead(request)) return otherVerb("GET, HEAD");
  const issuer = resources.issuer();
  const takesIdJag = config.issuers.some(({ idJag }) => idJag);
  const hasOwn = config.clients.preregistered.some(({ clientCredentials }) => clientCredentials !== null);
  return document({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    revocation_endpoint: `${issuer}/revoke`,
    device_authorization_endpoint: `${issuer}/device_authorization`,
    ...(config.tokens.format === "jwt" ? { jwks_uri: issuer + keysPath } : {}),
    ...(mayRegister(config, resources) ? { registration_endpoint: `${issuer}/register` } : {}),
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", ...(hasOwn ? ["client_credentials"] : []), ...(takesIdJag ? [jwtBearer] : [])],
    ...(takesIdJag ? { authorization_grant_profiles_supported: [idJagProfile] } : {}),
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: signatures,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: signatures,
    authorization_response_iss_parameter_supported: true,
    ...(config.clients.cimd === "off" ? {} : { client_id_metadata_document_supported: true }),
  });
}

export const keysPath = "/jwks.json";

/** `GET /jwks.json`: the keys that our access tokens are signed with. */
export function publishedKeys(request: OAuthIn, signing: Pick<Signing, "jwks">): OAuthOut {
  return isRead(request) ? document(signing.jwks()) : otherVerb("GET, HEAD");
}

/** The grant by the word of another issuer (RFC 7523), and the one kind of it that is taken: identity assertions. */
export const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const idJagProfile = "urn:ietf:params:oauth:grant-profile:id-jag";

const methods: readonly string[] = Object.freeze(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]);

/** How clients may sign: nothing with a shared secret, nothing that is broken. */
export const signatures: readonly string[] = Object.freeze(["ES256", "EdDSA", "RS256", "PS256"]);

const isRead = ({ method }: OAuthIn): boolean => method === "GET" || method === "HEAD";
