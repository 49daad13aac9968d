/**
 * The operator's password: optional, kept as argon2id, or taken from a file that the configuration names. Guessing is
 * slow, bounded for each address, and one at a time for all of them, since every try costs memory and a core.
 */
import { readFile } from "node:fs/promises";
import { fault } from "../base/index.ts";
import type { Store } from "./store.ts";

export interface PasswordsOptions {
  readonly store: Store;
  /** The file that holds it; null: none does. */
  readonly path: string | null;
}

const lengthMin = 8;
const lengthMax = 1024;
const waitingMax = 8;

export class Passwords {
  readonly #options: PasswordsOptions;
  readonly #fromFile: string | null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  private constructor(options: PasswordsOptions, fromFile: string | null) {
    this.#options = options;
    this.#fromFile = fromFile;
  }

  /** Throws CONFIG_INVALID where the file cannot be read, or holds no password. */
  static async open(options: PasswordsOptions): Promise<Passwords> {
    if (options.path === null) return new Passwords(options, null);
    const text = await readFile(options.path, "utf8").catch((cause: unknown) => {
      throw fault("CONFIG_INVALID", { detail: `auth.operatorPasswordFile: ${options.path} cannot be read`, cause });
    });
    const password = text.replace(/\r?\n$/, "");
    if (!isUsable(password)) throw fault("CONFIG_INVALID", { detail: `auth.operatorPasswordFile: a password has ${lengthMin} to ${lengthMax} characters` });
    return new Passwords(options, await hashOf(password));
  }

  get isSet(): boolean {
    return this.#hash() !== null;
  }

  /** Whether it is the password; null where too many ask at once. */
  async isRight(password: string): Promise<boolean | null> {
    const hash = this.#hash();
    if (hash === null || password.length > lengthMax) return false;
    if (this.#waiting >= waitingMax) return null;
    this.#waiting += 1;
    const turn = this.#turn.then(() => Bun.password.verify(password, hash)).finally(() => {
      this.#waiting -= 1;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Sets it, or takes it away. Throws PARAMS_INVALID. */
  async set(password: string | null): Promise<void> {
    const { store } = this.#options;
    if (password === null) {
      store.run("delete from settings where name = 'password'");
      return;
    }
    if (!isUsable(password)) throw fault("PARAMS_INVALID", { detail: `a password has ${lengthMin} to ${lengthMax} characters`, hint: "choose another one" });
    store.run("insert or replace into settings (name, value) values ('password', ?)", await hashOf(password));
  }

  #hash(): string | null {
    return this.#fromFile ?? this.#options.store.get<{ readonly value: string }>("select value from settings where name = 'password'")?.value ?? null;
  }
}

const isUsable = (password: string): boolean => password.length >= lengthMin && password.length <= lengthMax;

const hashOf = (password: string): Promise<string> => Bun.password.hash(password, { algorithm: "argon2id" });
