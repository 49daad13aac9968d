/**
 * Clients that are named by the address of their metadata document. The address comes from a stranger, and fetching it is
 * the only thing that a stranger can make us do: so a policy says whose documents are looked at, what is fetched goes
 * through the guarded way out, is small and quick, and is kept; and what cannot be had is not asked for again at once.
 */
import { type Clock, type Egress, faultOf, type Limits } from "../base/index.ts";
import type { AccessConfig } from "../config/index.ts";
import { type ClientMetadata, isObject, parseClientMetadata } from "./clientMetadata.ts";
import type { Store } from "./store.ts";

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
    return this.#stored(url) ?? (isPinned ? no("its metadata document was not pinned here") : null);
  }

  #fresh(url: string): DocumentResult | null {
    const known = this.#known.get(url);
    return known !== undefined && this.#options.clock.now() < known.until ? known.result : null;
  }

  /** Fetches a document because the operator says so, and keeps it; with the policy "pinned" it is never fetched again. */
  async pin(url: string): Promise<DocumentResult> {
    return isDocumentUrl(url) ? this.#fetch(url) : no("this is not the address of a client's metadata document");
  }

  #refused(url: string): DocumentResult | null {
    const { cimd, allow } = this.#options.clients;
    if (cimd === "off" || !isDocumentUrl(url)) return no("it is not known here");
    if (cimd !== "allowlist") return null;
    const { host } = new URL(url);
    return wellKnownHosts.includes(host) || allow.includes(host) ? null : no(`clients of ${host} are not let in; the operator can name that host in auth.clients.allow`);
  }

  #stored(url: string): DocumentResult | null {
    const row = this.#options.store.get<{ readonly document: string }>("select document from clients where id = ? and kind = 'document'", url);
    return row === null ? null : this.#read(url, row.document);
  }

  /** One at a time for each address. */
  #fetch(url: string): Promise<DocumentResult> {
    const running = this.#flights.get(url);
    if (running !== undefined) return running;
    if (!this.#mayFetch()) return Promise.resolve(no("too many metadata documents were asked for; try again in a minute"));
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
      store.run("insert or replace into clients (id, kind, document, created_at, used_at, expires_at) values (?, 'document', ?, ?, ?, ?)", url, text, now, now, now + limits.clientIdleMs);
      // A pinned one stays as long as nothing newer takes its room.
      store.run("delete from clients where kind = 'document' and id not in (select id from clients where kind = 'document' order by created_at desc limit ?)", limits.clientsMax);
    });
  }
}

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
