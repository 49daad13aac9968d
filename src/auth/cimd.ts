/**
 * Clients that are named by the address of their metadata document. The address comes from a stranger, and fetching it is
 * the only thing that a stranger can make us do: so a policy says whose documents are looked at, what is fetched goes
 * through the guarded way out, is small and quick, and is kept; and what cannot be had is not asked for again at once.
 */
import { type Clock, type Egress, fault, faultOf, fingerprint, type Limits } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import { type ClientMetadata, isObject, parseClientMetadata } from "./clientMetadata.ts";
import type { Store } from "./store.ts";
import type { PinnedClient, ShownClient } from "./types.ts";

export interface DocumentsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly egress: Egress;
  readonly clients: AccessConfig["clients"];
}

/** A document that can be used, or why there is none: in words for a person, without anything of the document in it. */
export type DocumentResult = { readonly ok: true; readonly metadata: ClientMetadata } | { readonly ok: false; readonly why: string };

/** Hosts of widely used clients that publish such documents. */
const wellKnownHosts: readonly string[] = Object.freeze(["vscode.dev", "insiders.vscode.dev", "claude.ai", "claude.com", "chatgpt.com", "cursor.com", "zed.dev"]);
const urlCharsMax = 2048;
const minuteMs = 60_000;
const knownMax = 256;

/** A document that the operator has looked at, and has not pinned yet. */
interface Seen {
  readonly url: string;
  readonly text: string;
  readonly digest: string;
}

const no = (why: string): DocumentResult => Object.freeze({ ok: false, why });

/** Whether a client id is the address of a document: https with a path, and nothing that two readers could read differently. */
export function isDocumentUrl(id: string): boolean {
  if (id.length > urlCharsMax || !/^https:\/\/[^/?#@\\]+\/[!$-;=?-[\]_a-z~]+$/.test(id)) return false;
  const url = URL.parse(id);
  // What is written is what is meant: dot segments, upper case in the host and a default port are gone in `href`.
  return url !== null && url.href === id && !/(?:^|\/)(?:\.|%2e){1,2}(?:\/|$|\?)/i.test(url.pathname);
}

interface Known {
  readonly result: DocumentResult;
  readonly until: number;
}

export class Documents {
  readonly #options: DocumentsOptions;
  readonly #known = new Map<string, Known>();
  readonly #flights = new Map<string, Promise<DocumentResult>>();
  #seen: Seen | null = null;
  #minute = 0;
  #fetched = 0;

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  /**
   * The document at an address, as it is now or was a while ago. With `kept` the last one that could be had will do:
   * whoever redeems or renews what was granted does not depend on somebody else's server.
   */
  async of(url: string, kept: boolean): Promise<DocumentResult> {
    const refused = this.#refused(url);
    if (refused !== null) return refused;
    const known = this.#fresh(url);
    // What could not be had a moment ago may have been had before.
    if (known !== null && (known.ok || !kept)) return known;
    return this.#storedFor(url, kept) ?? known ?? this.#fetch(url);
  }

  #storedFor(url: string, kept: boolean): DocumentResult | null {
    const isPinned = this.#options.clients.cimd === "pinned";
    if (!kept && !isPinned) return null;
    return this.#stored(url, isPinned) ?? (isPinned ? no("its metadata document was not pinned here") : null);
  }

  #fresh(url: string): DocumentResult | null {
    const known = this.#known.get(url);
    return known !== undefined && this.#options.clock.now() < known.until ? known.result : null;
  }

  // ---- pinned by the operator ------------------------------------------------------------------------------------

  /** Fetches a document because the operator wants to see it; nobody else gets to use it by that. Throws PARAMS_INVALID. */
  async look(url: string): Promise<ShownClient> {
    const got = await this.#lookedAt(url);
    const result = "why" in got ? no(got.why) : this.#read(url, got.text);
    if (!result.ok || !("text" in got)) throw fault("PARAMS_INVALID", { detail: result.ok ? "there is no document" : result.why, hint: "give the address of the document that the client publishes about itself" });
    this.#seen = { url, text: got.text, digest: fingerprint(got.text) };
    return { ...shown(url, result.metadata), digest: this.#seen.digest };
  }

  async #lookedAt(url: string): Promise<{ readonly text: string } | { readonly why: string }> {
    if (!isDocumentUrl(url)) return { why: "this is not the address of a client's metadata document" };
    return this.#mayFetch() ? this.#get(url) : { why: tooMany };
  }

  /** Keeps the one that was looked at last, for good: with the policy "pinned" it counts, and is never fetched again. Throws PARAMS_INVALID where it is another, LIMIT_REACHED. */
  pin(url: string, digest: string): void {
    const { store, clock, limits } = this.#options;
    const seen = this.#seen;
    if (seen === null || seen.url !== url || seen.digest !== digest) throw fault("PARAMS_INVALID", { detail: "this is not what was looked at", hint: "look at it again" });
    if (this.pinned().length >= limits.clientsMax) throw fault("LIMIT_REACHED", { detail: `limits.clientsMax is ${limits.clientsMax}` });
    const now = clock.now();
    store.run("insert or replace into clients (id, kind, document, created_at, used_at, expires_at) values (?, 'pinned', ?, ?, ?, ?)", url, seen.text, now, now, now);
    this.#known.delete(url);
  }

  /** What is pinned. */
  pinned(): readonly PinnedClient[] {
    const rows = this.#options.store.all<{ readonly id: string; readonly document: string; readonly created_at: number }>("select id, document, created_at from clients where kind = 'pinned' order by id");
    return rows.flatMap(({ id, document, created_at }) => {
      const result = this.#read(id, document);
      // What is let in may have become less since.
      return [{ ...shown(id, result.ok ? result.metadata : unusable), pinnedAt: created_at }];
    });
  }

  /** Takes a pin away; false: there was none. */
  unpin(url: string): boolean {
    this.#known.delete(url);
    return this.#options.store.run("delete from clients where id = ? and kind = 'pinned'", url) > 0;
  }

  // ---- fetched ---------------------------------------------------------------------------------------------------

  #refused(url: string): DocumentResult | null {
    const { cimd, allow } = this.#options.clients;
    if (cimd === "off" || !isDocumentUrl(url)) return no("it is not known here");
    if (cimd !== "allowlist") return null;
    const { host } = new URL(url);
    return wellKnownHosts.includes(host) || allow.includes(host) ? null : no(`clients of ${host} are not let in; the operator can name that host in auth.clients.allow`);
  }

  #stored(url: string, isPinned: boolean): DocumentResult | null {
    // What a stranger had us fetch under another policy is not what the operator has seen.
    const kinds = isPinned ? "kind = 'pinned'" : "kind in ('document', 'pinned')";
    const row = this.#options.store.get<{ readonly document: string }>(`select document from clients where id = ? and ${kinds}`, url);
    return row === null ? null : this.#read(url, row.document);
  }

  /** One at a time for each address. */
  #fetch(url: string): Promise<DocumentResult> {
    const running = this.#flights.get(url);
    if (running !== undefined) return running;
    if (!this.#mayFetch()) return Promise.resolve(no(tooMany));
    const flight = this.#fetchedNow(url).finally(() => this.#flights.delete(url));
    this.#flights.set(url, flight);
    return flight;
  }

  #mayFetch(): boolean {
    const minute = Math.floor(this.#options.clock.now() / minuteMs);
    this.#fetched = minute === this.#minute ? this.#fetched + 1 : 1;
    this.#minute = minute;
    return this.#fetched <= this.#options.limits.clientFetchesMax;
  }

  async #fetchedNow(url: string): Promise<DocumentResult> {
    const { clock, limits } = this.#options;
    const got = await this.#get(url);
    const result = "why" in got ? no(got.why) : this.#read(url, got.text);
    const ageMs = "why" in got || !result.ok ? limits.clientErrorMs : Math.min(Math.max(got.ageMs, limits.clientDocumentMsMin), limits.clientDocumentAgeMsMax);
    this.#known.delete(url);
    this.#known.set(url, { result, until: clock.now() + ageMs });
    if (this.#known.size > knownMax) this.#known.delete(this.#known.keys().next().value ?? "");
    if (result.ok && "text" in got) this.#keep(url, got.text);
    return result;
  }

  async #get(url: string): Promise<{ readonly text: string; readonly ageMs: number } | { readonly why: string }> {
    const { egress, clock, limits } = this.#options;
    const patience = new AbortController();
    const timer = clock.timer(limits.clientDocumentMsMax, () => patience.abort());
    try {
      const reply = await egress.send(url, { method: "GET", headers: { accept: "application/json" }, signal: patience.signal, backend: "client metadata", reach: "public" });
      if (reply.status !== 200) {
        reply.cancel();
        return { why: `its metadata document cannot be had (HTTP ${reply.status})` };
      }
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await reply.all(limits.clientDocumentBytesMax));
      return { text, ageMs: ageOf(reply.header("cache-control")) };
    } catch (thrown) {
      return { why: `its metadata document cannot be had (${faultOf(thrown).row.text})` };
    } finally {
      timer.cancel();
    }
  }

  #read(url: string, text: string): DocumentResult {
    const parsed = parseJson(text);
    if (!isObject(parsed)) return no("its metadata document is not a JSON object");
    if (parsed["client_id"] !== url) return no("its metadata document is for another client");
    if (parsed["client_secret"] !== undefined || parsed["client_secret_expires_at"] !== undefined) return no("its metadata document shows a secret");
    const { limits, clients } = this.#options;
    const result = parseClientMetadata(parsed, { schemes: clients.redirectSchemes, methods: ["none", "private_key_jwt"], needsName: true, limits });
    return result.ok ? result : no(`its metadata document cannot be used: ${result.why}`);
  }

  #keep(url: string, text: string): void {
    const { store, clock, limits } = this.#options;
    const now = clock.now();
    store.atomically(() => {
      // One that is pinned stays as it was seen.
      store.run("insert into clients (id, kind, document, created_at, used_at, expires_at) values (?, 'document', ?, ?, ?, ?) on conflict (id) do update set document = excluded.document, created_at = excluded.created_at, used_at = excluded.used_at, expires_at = excluded.expires_at where kind = 'document'", url, text, now, now, now + limits.clientIdleMs);
      store.run("delete from clients where kind = 'document' and id not in (select id from clients where kind = 'document' order by created_at desc limit ?)", limits.clientsMax);
    });
  }
}

const tooMany = "too many metadata documents were asked for; try again in a minute";

const shown = (url: string, { name, redirectUris, method }: Pick<ClientMetadata, "name" | "redirectUris" | "method">) => ({ url, name, domain: new URL(url).host, redirectUris, signs: method === "private_key_jwt" });
const unusable = Object.freeze({ name: "(cannot be used any more)", redirectUris: Object.freeze([]), method: "none" } as const);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ageOf(cacheControl: string | null): number {
  if (cacheControl === null || /\bno-(?:store|cache)\b/i.test(cacheControl)) return 0;
  return Number(/\bmax-age=(\d{1,9})\b/i.exec(cacheControl)?.[1] ?? 0) * 1000;
}
