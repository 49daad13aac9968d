/**
 * A login without a browser on this computer (RFC 8628, as the device): we ask for a code, a person enters it wherever he
 * has a browser, and we ask at the token endpoint until he has. It hides how long to wait between two questions, that the
 * library, which knows nothing of this grant, makes one token request at a time, and what each of its answers means.
 */
import type { AddClientAuthentication, FetchLike, OAuthDiscoveryState, StoredOAuthClientInformation } from "@modelcontextprotocol/client";
import { type Clock, Fault, fault, type KnownSecrets, type Limits, type Timer } from "../base/index.ts";
import { basicOf } from "./basic.ts";
import { isVisitable } from "./remoteReach.ts";
import type { DeviceOffer } from "./types.ts";

/** The grant's name (RFC 8628, section 3.4). */
export const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

export interface DeviceOptions {
  readonly server: string;
  /** The remote server's. */
  readonly url: URL;
  readonly asks: FetchLike;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly secrets: KnownSecrets;
}

/** What it has to know of the run that it is part of. */
export interface DeviceRun {
  readonly metadata: OAuthDiscoveryState["authorizationServerMetadata"] | null;
  readonly issuer: string | null;
  readonly resource: string | null;
  readonly addClientAuthentication?: AddClientAuthentication;
  clientInformation(from?: { readonly issuer: string }): Promise<StoredOAuthClientInformation | undefined>;
}

/** What the authorization server answered. */
interface Answer {
  readonly deviceCode: string;
  readonly until: number;
}

const secondMs = 1000;
/** RFC 8628, section 3.2 (without a word of the server's) and 3.5 (`slow_down`). */
const intervalSeconds = 5;
const slowerMs = 5 * secondMs;
// What a person is to read, and what nobody reads.
const userCode = /^[\x20-\x7e]{1,64}$/;
const deviceCode = /^[\x20-\x7e]{1,4096}$/;

export class DeviceRequest {
  /** What a person is to do; it never comes where the run fails before. */
  readonly offered: Promise<DeviceOffer>;
  readonly #options: DeviceOptions;
  readonly #offer: (offer: DeviceOffer) => void;
  #answer: Answer | null = null;
  #intervalMs = intervalSeconds * secondMs;
  /** The question was put, after its pause, and nobody has been told yet whether it goes on. */
  #isPut = false;
  #isStopped = false;
  #timer: Timer | null = null;
  #wake: () => void = () => undefined;

  constructor(options: DeviceOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<DeviceOffer>();
    this.offered = promise;
    this.#offer = resolve;
  }

  /** The form of the next token request, as soon as it may be made. Throws LOGIN_FAILED, and what the library makes of a refusal. */
  async tokenRequest(run: DeviceRun, scope?: string): Promise<URLSearchParams> {
    this.#answer ??= await this.#asked(run, scope);
    const { deviceCode: code, until } = this.#answer;
    await this.#pause(until);
    if (this.#isStopped) throw this.#failed("another login was begun, or 1mcp ends");
    if (this.#options.clock.now() >= until) throw this.#failed("nobody entered the code in time");
    this.#isPut = true;
    return new URLSearchParams({ grant_type: deviceGrant, device_code: code });
  }

  /** Whether a refusal means that it goes on; the next question is put off accordingly (RFC 8628, section 3.5). */
  goesOn(thrown: unknown): boolean {
    // What answers to anything else says nothing of the code; and after that there was no pause.
    if (!this.#isPut) return false;
    this.#isPut = false;
    const code = codeOf(thrown);
    if (code === "authorization_pending") return true;
    if (!(code === "slow_down" || isPassing(thrown, code))) return false;
    this.#intervalMs = code === "slow_down" ? this.#intervalMs + slowerMs : this.#intervalMs * 2;
    return true;
  }

  /** A failure in our own words, where it is one of those that the grant knows. */
  explained(thrown: unknown): unknown {
    const why = reasons[codeOf(thrown)];
    return why === undefined ? thrown : this.#failed(why);
  }

  /** Nobody waits for it any more. Twice is fine. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#wake();
  }

  /** Until the next question is due, or none is any more: the server says how long, and a timer that is far too long rings at once. */
  #pause(until: number): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (this.#isStopped) resolve();
    else this.#timer = clock.timer(Math.max(0, Math.min(this.#intervalMs, until - clock.now())), resolve);
    return promise;
  }

  #failed(detail: string): Fault {
    return fault("LOGIN_FAILED", { backend: this.#options.server, detail, hint: "begin it again" });
  }

  // ---- the code ---------------------------------------------------------------------------------------------------

  async #asked(run: DeviceRun, scope: string | undefined): Promise<Answer> {
    const { parseErrorResponse } = await import("@modelcontextprotocol/client");
    const endpoint = this.#endpointOf(run);
    const form = new URLSearchParams({ ...(scope === undefined || scope === "" ? {} : { scope }), ...(run.resource === null ? {} : { resource: run.resource }) });
    const headers = new Headers({ "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" });
    await proveClient(run, headers, form, endpoint);
    const reply = await this.#options.asks(endpoint, { method: "POST", headers, body: form });
    if (!reply.ok) throw await parseErrorResponse(reply);
    return this.#read((await reply.json().catch(() => null)) as Record<string, unknown> | null);
  }

  #endpointOf({ metadata }: DeviceRun): URL {
    const endpoint = URL.parse(String((metadata as { readonly device_authorization_endpoint?: unknown } | null)?.device_authorization_endpoint ?? ""));
    if (endpoint !== null) return endpoint;
    throw fault("LOGIN_FAILED", { backend: this.#options.server, detail: "its authorization server offers no login by a code", hint: "log in with a browser, or with --paste" });
  }

  #read(answered: Record<string, unknown> | null): Answer {
    const { server, url, clock, limits, secrets } = this.#options;
    const body = answered ?? {};
    const code = textOf(body["device_code"], deviceCode);
    const shown = textOf(body["user_code"], userCode);
    const page = URL.parse(String(body["verification_uri"]));
    if (code === null || shown === null || page === null) throw this.#failed("its authorization server gave no code that could be used");
    if (!isVisitable(page, url)) throw fault("LOGIN_FAILED", { backend: server, detail: "its login page has an address that no browser should open" });
    const lifeMs = Math.min(secondsOf(body["expires_in"], limits.deviceLoginMsMax / secondMs) * secondMs, limits.deviceLoginMsMax);
    this.#intervalMs = secondsOf(body["interval"], intervalSeconds) * secondMs;
    secrets.add(code, true);
    this.#offer({ url: page.href, code: shown, lifeMs });
    return { deviceCode: code, until: clock.now() + lifeMs };
  }
}

/** As at the token endpoint (RFC 8628, section 3.1). */
async function proveClient(run: DeviceRun, headers: Headers, form: URLSearchParams, endpoint: URL): Promise<void> {
  const { metadata, issuer } = run;
  if (run.addClientAuthentication !== undefined) return void (await run.addClientAuthentication(headers, form, endpoint, metadata ?? undefined));
  const client = issuer === null ? undefined : await run.clientInformation({ issuer });
  if (client !== undefined) await showClient(client, metadata?.token_endpoint_auth_methods_supported ?? [], headers, form);
}

async function showClient(client: StoredOAuthClientInformation, methods: string[], headers: Headers, form: URLSearchParams): Promise<void> {
  const { selectClientAuthMethod } = await import("@modelcontextprotocol/client");
  const { client_id, client_secret = "" } = client;
  const method = selectClientAuthMethod(client, methods);
  if (method === "client_secret_basic") return headers.set("Authorization", basicOf(client_id, client_secret));
  form.set("client_id", client_id);
  if (method === "client_secret_post") form.set("client_secret", client_secret);
}

const reasons: Readonly<Record<string, string>> = Object.freeze({ access_denied: "it was denied there", expired_token: "nobody entered the code in time" });

const codeOf = (thrown: unknown): string => String((thrown as { readonly code?: unknown } | null)?.code ?? "");

/** The way there, or the server itself, has trouble: the code is as good as before. */
const isPassing = (thrown: unknown, code: string): boolean => (thrown instanceof Fault ? code.startsWith("BACKEND_") : code === "server_error" || code === "temporarily_unavailable");

const textOf = (value: unknown, shape: RegExp): string | null => (typeof value === "string" && shape.test(value) ? value : null);

/** At least one: who says none would be asked without a pause. */
const secondsOf = (value: unknown, standard: number): number => (typeof value === "number" && Number.isFinite(value) ? Math.max(1, value) : standard);
