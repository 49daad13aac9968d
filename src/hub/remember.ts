/**
 * What servers offered last, kept in the state folder: so that the first list of the next life of this program is
 * complete before any server has started. One private file a server, named without showing its name; written a moment
 * after something changed, removed with its server. It hides files: whatever is wrong with them is told in the log, and
 * costs no more than the memory of that server.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Offered } from "../backend/index.ts";
import { type Clock, ensurePrivateDir, faultOf, fingerprint, type Limits, type Log, readPrivateFile, removeFile, singleFlight, type Timer, writeFileAtomic } from "../base/index.ts";
import type { BackendSpec, Config } from "../config/index.ts";
import { parseKept, textOf } from "./keepsake.ts";

/** A server, and what it offers if it said so itself. */
export interface Known {
  readonly spec: BackendSpec;
  readonly offered: Offered | null;
}

export interface Memory {
  /** Reads what is kept for the servers of a configuration, and forgets those that it has no more. Never throws. */
  recall(config: Config): Promise<void>;
  /** What the server of this entry offered last, as far as was recalled; null: nothing is known. */
  of(spec: BackendSpec): Offered | null;
  /** Something may have changed: `known` is asked after a moment, and what is new is written. */
  keep(known: () => Iterable<Known>): void;
  /** Writes what is still to be written. */
  close(): Promise<void>;
}

export interface MemoryOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
}

/** Makes a memory that has recalled nothing yet. */
export const createMemory = (options: MemoryOptions): Memory => new FileMemory(options);

/** Ours: a part for the configuration, so that two of them can share a folder, and a part for the server. */
const ours = /^[0-9a-f]{16}-[0-9a-f]{32}\.json(\.[0-9a-f-]{36}\.tmp)?$/;

interface Written {
  /** As it was when it was looked at last; the same object says the same. */
  readonly offered: Offered | null;
  /** The text without its time. */
  readonly text: string;
}

class FileMemory implements Memory {
  readonly #options: MemoryOptions;
  readonly #folder: string;
  readonly #recalled = new Map<string, { readonly spec: BackendSpec; readonly offered: Offered }>();
  /** By server: what its file holds. */
  readonly #written = new Map<string, Written>();
  readonly #write: () => Promise<void>;
  /** Servers of the newest configuration; the one before may still run. */
  #names: ReadonlySet<string> = new Set();
  #path: string | null = null;
  #known: () => Iterable<Known> = () => [];
  #timer: Timer | null = null;
  #toldForeign = false;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#folder = join(options.stateDir, "inventories");
    this.#write = singleFlight(() => this.#writeAll());
  }

  async recall(config: Config): Promise<void> {
    this.#path = config.path;
    const names = new Set(config.backends.map(({ name }) => name));
    this.#names = names;
    for (const name of this.#recalled.keys()) if (!names.has(name)) this.#forget(name);
    try {
      await ensurePrivateDir(this.#folder);
      const present = await this.#tidied(names);
      for (const spec of config.backends) if (present.has(this.#fileOf(spec.name))) await this.#recallOne(spec);
    } catch (thrown) {
      this.#tell("what servers offered last cannot be read", thrown);
    }
  }

  of(spec: BackendSpec): Offered | null {
    const found = this.#recalled.get(spec.name);
    return found?.spec.fingerprint === spec.fingerprint ? found.offered : null;
  }

  keep(known: () => Iterable<Known>): void {
    this.#known = known;
    this.#timer ??= this.#options.clock.timer(this.#options.limits.rememberMs, () => {
      this.#timer = null;
      void this.#write();
    });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#write();
  }

  // ---- files -----------------------------------------------------------------------------------------------------

  #fileOf(name: string): string {
    return `${this.#prefix()}${fingerprint(name).slice(0, 32)}.json`;
  }

  #prefix(): string {
    return `${fingerprint(["configuration", this.#path]).slice(0, 16)}-`;
  }

  /** The files that are there, without those of servers that this configuration does not have. */
  async #tidied(names: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const found = await readdir(this.#folder);
    const expected = new Set([...names].map((name) => this.#fileOf(name)));
    const strange = found.filter((file) => !ours.test(file));
    if (strange.length > 0 && !this.#toldForeign) this.#options.log.warn("files that are not ours are left alone", { folder: this.#folder, files: strange.length });
    this.#toldForeign ||= strange.length > 0;
    for (const file of found) if (ours.test(file) && file.startsWith(this.#prefix()) && !expected.has(file)) await removeFile(join(this.#folder, file));
    return new Set(found.filter((file) => expected.has(file)));
  }

  async #recallOne(spec: BackendSpec): Promise<void> {
    // What is in memory is at least as new.
    if (this.#written.has(spec.name)) return;
    try {
      const { limits } = this.#options;
      const text = await readPrivateFile(join(this.#folder, this.#fileOf(spec.name)), { bytesMax: limits.inventoryBytesMax });
      const recalled = text === null ? null : parseKept(text, spec, limits);
      if (recalled?.kind === "broken") this.#options.log.warn("what it offered last cannot be used", { server: spec.name, file: this.#fileOf(spec.name) });
      if (recalled?.kind === "offered") this.#take(spec, recalled.offered);
    } catch (thrown) {
      this.#tell("what it offered last cannot be read", thrown, spec.name);
    }
  }

  #take(spec: BackendSpec, offered: Offered): void {
    this.#recalled.set(spec.name, { spec, offered });
    this.#written.set(spec.name, { offered, text: textOf(spec, offered, 0) });
  }

  async #writeAll(): Promise<void> {
    for (const { spec, offered } of this.#known()) if (offered !== null && this.#names.has(spec.name) && this.#written.get(spec.name)?.offered !== offered) await this.#writeOne(spec, offered);
  }

  async #writeOne(spec: BackendSpec, offered: Offered): Promise<void> {
    const isSame = this.#written.get(spec.name)?.text === textOf(spec, offered, 0);
    this.#take(spec, offered);
    if (isSame) return;
    const path = join(this.#folder, this.#fileOf(spec.name));
    const text = textOf(spec, offered, offered.fetchedAt);
    try {
      if (Buffer.byteLength(text) <= this.#options.limits.inventoryBytesMax) return await writeFileAtomic(path, text);
      this.#options.log.warn("it offers too much to be remembered", { server: spec.name, bytesMax: this.#options.limits.inventoryBytesMax });
      await removeFile(path);
    } catch (thrown) {
      this.#written.delete(spec.name);
      this.#tell("what it offers could not be written", thrown, spec.name);
    }
  }

  #forget(name: string): void {
    this.#recalled.delete(name);
    this.#written.delete(name);
  }

  #tell(what: string, thrown: unknown, server?: string): void {
    const { code, message } = faultOf(thrown);
    this.#options.log.warn(what, { server, code, reason: message });
  }
}
