/**
 * What was trusted of each server, kept in the state folder: one private file a server, named without showing its name,
 * removed with its server. It hides files. One that cannot be used is no reason to trust anew: then nothing of its server
 * is trusted, until somebody does so again.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { ensurePrivateDir, faultOf, fingerprint, type Limits, type Log, readPrivateFile, removeFile, singleFlight, writeFileAtomic } from "../base/index.ts";
import { lostPins, type Pins } from "../catalog/index.ts";
import type { Config } from "../config/index.ts";

export interface PinFiles {
  /** Reads what was trusted of the servers of a configuration, and forgets those that it has no more. Never throws. */
  recall(config: Config): Promise<void>;
  /** What is trusted of a server; null: it was never seen. */
  of(server: string): Pins | null;
  /** From now on this is trusted of it; written at once. */
  keep(server: string, pins: Pins): void;
  /** Resolves when everything is written. Never throws. */
  written(): Promise<void>;
}

export interface PinFilesOptions {
  readonly stateDir: string;
  readonly log: Log;
  readonly limits: Limits;
}

/** Raised whenever the form changes. */
const form = 1;
const schema = v.object({ form: v.literal(form), server: v.string(), pins: v.array(v.tuple([v.string(), v.string()])) });

/** Ours: a part for the configuration, and a part for the server. */
const ours = /^[0-9a-f]{16}-[0-9a-f]{32}\.json(\.[0-9a-f-]{36}\.tmp)?$/;

/** Makes one that has recalled nothing yet. */
export const createPinFiles = (options: PinFilesOptions): PinFiles => new StatePins(options);

class StatePins implements PinFiles {
  readonly #options: PinFilesOptions;
  readonly #folder: string;
  readonly #known = new Map<string, Pins>();
  readonly #unwritten = new Set<string>();
  readonly #write: () => Promise<void>;
  #path: string | null = null;

  constructor(options: PinFilesOptions) {
    this.#options = options;
    this.#folder = join(options.stateDir, "pins");
    this.#write = singleFlight(() => this.#writeAll());
  }

  of(server: string): Pins | null {
    return this.#known.get(server) ?? null;
  }

  keep(server: string, pins: Pins): void {
    this.#known.set(server, pins);
    this.#unwritten.add(server);
    void this.#write();
  }

  written(): Promise<void> {
    return this.#write();
  }

  async recall(config: Config): Promise<void> {
    this.#path = config.path;
    const names = config.backends.map(({ name }) => name);
    for (const name of this.#known.keys()) if (!names.includes(name)) this.#known.delete(name);
    const present = await this.#tidied(names);
    for (const name of names) if (!this.#known.has(name) && (present === null || present.has(this.#fileOf(name)))) await this.#recallOne(name);
  }

  #fileOf(name: string): string {
    return `${this.#prefix()}${fingerprint(name).slice(0, 32)}.json`;
  }

  #prefix(): string {
    return `${fingerprint(["configuration", this.#path]).slice(0, 16)}-`;
  }

  /** The files that are there, without those of servers that this configuration does not have; null: nobody can say. */
  async #tidied(names: readonly string[]): Promise<ReadonlySet<string> | null> {
    try {
      await ensurePrivateDir(this.#folder);
      const found = await readdir(this.#folder);
      const expected = new Set(names.map((name) => this.#fileOf(name)));
      for (const file of found) if (ours.test(file) && file.startsWith(this.#prefix()) && !expected.has(file)) await removeFile(join(this.#folder, file));
      return new Set(found);
    } catch (thrown) {
      this.#tell("what was trusted of servers cannot be read", thrown);
      return null;
    }
  }

  async #recallOne(name: string): Promise<void> {
    try {
      const text = await readPrivateFile(join(this.#folder, this.#fileOf(name)), { bytesMax: this.#options.limits.inventoryBytesMax });
      const parsed = v.safeParse(schema, text === null ? null : JSON.parse(text));
      if (parsed.success && parsed.output.server === name) return void this.#known.set(name, new Map(parsed.output.pins));
      this.#lose(name, "it is not what was written here");
    } catch (thrown) {
      this.#lose(name, thrown instanceof SyntaxError ? "it is not what was written here" : faultOf(thrown).message);
    }
  }

  #lose(name: string, reason: string): void {
    this.#known.set(name, lostPins());
    this.#options.log.error("what was trusted of a server cannot be used, so that nothing of it is trusted", { server: name, reason, hint: `1mcp mcp trust ${name}` });
  }

  async #writeAll(): Promise<void> {
    for (const name of [...this.#unwritten]) {
      this.#unwritten.delete(name);
      await this.#writeOne(name).catch((thrown: unknown) => this.#tell("what is trusted of a server could not be written", thrown, name));
    }
  }

  async #writeOne(name: string): Promise<void> {
    const pins = this.#known.get(name);
    if (pins === undefined) return;
    const kept: v.InferOutput<typeof schema> = { form, server: name, pins: [...pins] };
    const text = `${JSON.stringify(kept)}\n`;
    if (Buffer.byteLength(text) <= this.#options.limits.inventoryBytesMax) return writeFileAtomic(join(this.#folder, this.#fileOf(name)), text);
    this.#options.log.error("it defines too much to be pinned beyond this run", { server: name, bytesMax: this.#options.limits.inventoryBytesMax });
  }

  #tell(what: string, thrown: unknown, server?: string): void {
    const { code, message } = faultOf(thrown);
    this.#options.log.error(what, { server, code, reason: message });
  }
}
