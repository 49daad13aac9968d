/**
 * The public keys of one other issuer, from a file or from the issuer itself. Keys that are known answer at once,
 * whatever the issuer does meanwhile: they are looked at anew beside the calls. A key that is not known makes one look,
 * for everybody who waits for it, and then none for a while; so neither strangers nor a hanging issuer cost more than that.
 */
import { readFile, stat } from "node:fs/promises";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { fault, type Log } from "../base/index.ts";
import type { TrustedIssuer } from "../config/index.ts";
import { fetchKeys, type KeysResult, parseKeys, type PublishedOptions } from "./issuerDocuments.ts";

export interface IssuerKeysOptions extends PublishedOptions {
  readonly issuer: Pick<TrustedIssuer, "issuer" | "jwksUrl" | "jwksFile">;
  readonly log: Log;
}

/** What is thrown where no keys can be had at the moment. */
export class NoKeys extends Error {}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: { readonly text: string; readonly find: JWTVerifyGetKey } | null = null;
  #gotAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #flight: Promise<void> | null = null;
  #waiting = 0;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** Reads the file, where there is one. Throws CONFIG_INVALID: what guards the door must be there from the start. */
  async open(): Promise<void> {
    const { issuer } = this.#options;
    if (issuer.jwksFile === null) return;
    this.#triedAt = this.#options.clock.now();
    const read = await this.#read();
    if (!read.ok) throw fault("CONFIG_INVALID", { op: "read", detail: `the keys of ${issuer.issuer} in ${issuer.jwksFile} cannot be used: ${read.why}` });
    await this.#take(read.keys);
  }

  /** The key for a token's header. Throws what jose throws, and NoKeys. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const known = await this.#known(header, token);
    if (known !== null) return known;
    await this.#look();
    const find = this.#find();
    if (find === null) throw new NoKeys();
    return find(header, token);
  };

  async #known(...[header, token]: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>> | null> {
    const find = this.#find();
    if (find === null) return null;
    if (this.#ageMs() > this.#options.limits.issuerKeysAgeMs) this.#begin();
    try {
      return await find(header, token);
    } catch (thrown) {
      if ((thrown as { readonly code?: unknown } | null)?.code === "ERR_JWKS_NO_MATCHING_KEY") return null;
      throw thrown;
    }
  }

  // Keys that could not be looked at for very long may have been withdrawn.
  #find(): JWTVerifyGetKey | null {
    return this.#keys === null || this.#ageMs() > this.#options.limits.issuerKeysMsMax ? null : this.#keys.find;
  }

  #ageMs(): number {
    return this.#options.clock.now() - this.#gotAt;
  }

  /** Waits for the look that is under way, or for a new one; for nothing where it was looked a moment ago. */
  async #look(): Promise<void> {
    const flight = this.#begin();
    if (flight === null || this.#waiting >= this.#options.limits.issuerWaitersMax) return;
    this.#waiting += 1;
    await flight;
    this.#waiting -= 1;
  }

  #begin(): Promise<void> | null {
    if (this.#flight !== null) return this.#flight;
    const { clock, limits } = this.#options;
    if (clock.now() - this.#triedAt < limits.issuerPauseMs) return null;
    this.#triedAt = clock.now();
    this.#flight = this.#looked().finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async #looked(): Promise<void> {
    const { log, issuer } = this.#options;
    const got = await this.#read();
    if (got.ok) await this.#take(got.keys);
    else log.warn("the keys of another issuer cannot be had", { issuer: issuer.issuer, reason: got.why });
  }

  #read(): Promise<KeysResult> {
    const { issuer } = this.#options;
    return issuer.jwksFile === null ? fetchKeys(issuer, this.#options) : this.#readFile(issuer.jwksFile);
  }

  async #readFile(path: string): Promise<KeysResult> {
    const { issuerBytesMax, issuerKeysMax } = this.#options.limits;
    try {
      const { size } = await stat(path);
      if (size > issuerBytesMax) return { ok: false, why: `it is larger than ${issuerBytesMax} bytes` };
      return parseKeys(await readFile(path, "utf8"), issuerKeysMax);
    } catch (thrown) {
      return { ok: false, why: `it cannot be read (${(thrown as NodeJS.ErrnoException).code ?? "unknown"})` };
    }
  }

  async #take(keys: JSONWebKeySet): Promise<void> {
    const { createLocalJWKSet } = await import("jose");
    this.#gotAt = this.#options.clock.now();
    const text = JSON.stringify(keys);
    // The same set again: what was made of its keys is still good.
    if (this.#keys?.text !== text) this.#keys = { text, find: createLocalJWKSet(keys) };
  }
}
