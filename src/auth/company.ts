/**
 * Speaking with a company's issuer as its client (OpenID Connect Core, code flow): where a browser is sent, and what comes
 * of the code that it brings back. Addresses come from the issuer's metadata, which have to name the issuer; what it says
 * of somebody counts as far as it is signed, for us, of now, and in answer to this very attempt.
 */
import type { JWTPayload } from "jose";
import { type EgressReply, fault } from "../base/index.ts";
import type { SignInConfig, TrustedIssuer } from "../config/index.ts";
import { basicOf } from "./basic.ts";
import { parseObject, type PublishedOptions, published, whyOf } from "./issuerDocuments.ts";
import type { Issuers } from "./issuers.ts";
import { digestOf } from "./tokens.ts";

export interface CompanyOptions extends PublishedOptions {
  readonly signIn: SignInConfig;
  /** Our secret there; null: a public client. */
  readonly secret: string | null;
  /** Whose signatures count: the company's. */
  readonly issuers: Pick<Issuers, "verified">;
  /** The company among them. */
  readonly trusted: TrustedIssuer;
}

/** What belongs to one attempt, and to nobody else's. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  /** For PKCE (RFC 7636). */
  readonly verifier: string;
}

export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

interface Metadata {
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  /** Answers name the issuer (RFC 9207). */
  readonly namesItself: boolean;
  /** Takes secrets in the header of a request. */
  readonly takesBasic: boolean;
}

/** A company's issuer, as its client sees it. What does not work throws LOGIN_FAILED. */
export class Company {
  readonly #options: CompanyOptions;
  #known: { readonly metadata: Promise<Metadata>; readonly at: number } | null = null;

  constructor(options: CompanyOptions) {
    this.#options = options;
  }

  /** Where a browser is sent to sign in. `again`: also if somebody is signed in there. */
  async target({ state, nonce, verifier }: Attempt, redirectUri: string, again: boolean): Promise<string> {
    const { clientId, requestScopes } = this.#options.signIn;
    const { authorizationUrl } = await this.#metadata();
    const target = new URL(authorizationUrl);
    const challenge = digestOf(verifier);
    const asked = { response_type: "code", client_id: clientId, redirect_uri: redirectUri, scope: [...new Set(["openid", ...requestScopes])].join(" "), state, nonce, code_challenge: challenge, code_challenge_method: "S256", ...(again ? { prompt: "select_account" } : {}) };
    for (const [name, value] of Object.entries(asked)) target.searchParams.set(name, value);
    return target.href;
  }

  /** Who has signed in, by what the browser brought back. */
  async claims(query: URLSearchParams, attempt: Attempt, redirectUri: string): Promise<Claims> {
    const metadata = await this.#metadata();
    const iss = query.get("iss");
    // Nothing else of an answer that may be another issuer's is looked at.
    if (iss === null ? metadata.namesItself : iss !== this.#options.signIn.issuer) throw failed("the answer is not of the issuer that was asked");
    const code = query.get("code");
    if (code === null || code === "") throw failed("the issuer did not agree");
    const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: attempt.verifier };
    return this.#verified(await this.#idToken(form, metadata), attempt);
  }

  // ---- its metadata ---------------------------------------------------------------------------------------------

  #metadata(): Promise<Metadata> {
    const { clock, limits } = this.#options;
    if (this.#known === null || clock.now() - this.#known.at > limits.issuerKeysAgeMs) {
      const known = { metadata: this.#read(), at: clock.now() };
      this.#known = known;
      // What could not be had is asked for anew.
      known.metadata.catch(() => {
        if (this.#known === known) this.#known = null;
      });
    }
    return this.#known.metadata;
  }

  async #read(): Promise<Metadata> {
    const { issuer } = this.#options.signIn;
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const got = await published(this.#options, (get) => get(url, true)).catch(unreachable);
    const metadata = metadataOf(got, issuer);
    if (metadata === null) throw failed("its metadata are not in order");
    return metadata;
  }

  // ---- its tokens -----------------------------------------------------------------------------------------------

  async #idToken(form: Readonly<Record<string, string>>, metadata: Metadata): Promise<string> {
    const answer = await published(this.#options, (_, signal) => this.#redeemed(form, metadata, signal)).catch(unreachable);
    const token = answer?.["id_token"];
    if (typeof token !== "string") throw failed("the issuer did not take the code, or says nothing of who signed in");
    return token;
  }

  async #redeemed(form: Readonly<Record<string, string>>, { tokenUrl, takesBasic }: Metadata, signal: AbortSignal): Promise<Record<string, unknown> | null> {
    const { egress, limits, signIn } = this.#options;
    const { headers, body } = this.#proven(form, takesBasic);
    const reply = await egress.send(tokenUrl, { method: "POST", headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded", ...headers }, body: new URLSearchParams(body).toString(), signal, backend: "issuer", ...(isAt(tokenUrl, signIn.issuer) ? {} : { reach: "public" }) });
    return reply.status === 200 ? parseObject(new TextDecoder("utf-8").decode(await reply.all(limits.issuerBytesMax))) : dropped(reply);
  }

  /** The request with what shows that it is ours (RFC 6749, section 2.3.1). */
  #proven(form: Readonly<Record<string, string>>, takesBasic: boolean): { readonly headers: Readonly<Record<string, string>>; readonly body: Record<string, string> } {
    const { secret, signIn } = this.#options;
    if (secret === null) return { headers: {}, body: { ...form, client_id: signIn.clientId } };
    if (!takesBasic) return { headers: {}, body: { ...form, client_id: signIn.clientId, client_secret: secret } };
    return { headers: { authorization: basicOf(signIn.clientId, secret) }, body: { ...form } };
  }

  async #verified(token: string, { nonce }: Attempt): Promise<Claims> {
    const { issuers, trusted, signIn } = this.#options;
    const { claims } = await issuers.verified(token, trusted).catch(() => {
      throw failed("what the issuer says of who signed in is not signed by it, or has expired");
    });
    if (!isFor(signIn.clientId, claims)) throw failed("what the issuer says is for somebody else");
    if (claims["nonce"] !== nonce) throw failed("what the issuer says is about another attempt");
    const { sub } = claims;
    if (typeof sub !== "string" || sub === "") throw failed("the issuer does not say who signed in");
    return { ...claims, sub };
  }
}

/** OpenID Connect Core, section 3.1.3.7: for us, and given to us where it says to whom, or is for others too. */
function isFor(clientId: string, { aud, azp }: Claims | JWTPayload): boolean {
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(clientId)) return false;
  return azp === undefined ? audiences.length === 1 : azp === clientId;
}

const unreachable = (thrown: unknown): never => {
  throw failed(whyOf(thrown));
};

const failed = (detail: string) => fault("LOGIN_FAILED", { backend: "issuer", detail });

function metadataOf(text: string, issuer: string): Metadata | null {
  const given = parseObject(text) ?? {};
  const { authorization_endpoint: authorizationUrl, token_endpoint: tokenUrl, token_endpoint_auth_methods_supported: methods } = given;
  // Somebody else's metadata under this address say nothing (OpenID Connect Discovery, section 4.3).
  if (given["issuer"] !== issuer || !isEndpoint(authorizationUrl, issuer) || !isEndpoint(tokenUrl, issuer)) return null;
  const takesBasic = !Array.isArray(methods) || methods.includes("client_secret_basic");
  return { authorizationUrl, tokenUrl, takesBasic, namesItself: given["authorization_response_iss_parameter_supported"] === true };
}

/** Over https; as the operator wrote it only where the issuer itself is on this computer. */
function isEndpoint(value: unknown, issuer: string): value is string {
  const url = typeof value === "string" ? URL.parse(value) : null;
  return url !== null && url.username === "" && url.hash === "" && (url.protocol === "https:" || isAt(url.href, issuer));
}

const isAt = (url: string, issuer: string): boolean => new URL(url).origin === new URL(issuer).origin;

function dropped(reply: EgressReply): null {
  reply.cancel();
  return null;
}
