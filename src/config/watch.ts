/**
 * Notices that the configuration has changed. A watch on the file itself goes deaf at the first atomic replace, so the
 * folders are watched: the file's own, the one in which that could be replaced, and every folder in which a symbolic link
 * on the way could be exchanged (a mounted Kubernetes volume swaps `..data`, not the file). Events only say "look again"; what
 * counts is the content's hash. The runtime swallows an event that follows an equal one within a few milliseconds: the
 * quiet time is longer than that, so the look it leads to sees that write too.
 */
import { type FSWatcher, watch } from "node:fs";
import { lstat, readlink, stat } from "node:fs/promises";
import { dirname, join, parse, resolve, sep } from "node:path";
import { type Clock, singleFlight, type Timer } from "../base/index.ts";
import type { Loaded } from "./types.ts";

/** What a watch is made with. */
export interface WatchOptions {
  /** The configuration file; neither it nor its folder need to exist yet. */
  readonly path: string;
  /** Changes are looked at when none has come for this long. */
  readonly quietMs: number;
  readonly clock: Clock;
  /** The hash of the configuration that is in use, null if there was no file: the first look-again finds nothing new. */
  readonly hash: string | null;
  load(): Promise<Loaded>;
  /** A configuration whose content is new: usable or not. A file that is gone or empty comes here as an issue. */
  onChange(loaded: Loaded): void;
}

/** A running watch. Closing twice is fine. */
export interface ConfigWatch {
  /** Looks now, without a quiet time (SIGHUP); resolves when done. */
  poke(): Promise<void>;
  close(): void;
}

// Editors write in steps; a file that never comes to rest is read anyway after this many quiet times.
const quietTimesMax = 10;
// Where the system gives no watch (network folders, too many watches), looking now and then has to do.
const pollMs = 5_000;
// A kernel follows 40 links; with the folders between them this is enough for any of them, and ends a circle.
const stepsMax = 400;

/** Starts watching. Resolves when changes from now on are seen; one since `hash` was taken is seen in a moment, too. */
export async function watchConfig(options: WatchOptions): Promise<ConfigWatch> {
  const watcher = new Watcher(options);
  await watcher.arm();
  watcher.stirred();
  return watcher;
}

interface Spot {
  readonly folder: string;
  readonly name: string;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Which folder it was: one that was removed and made again has the old name and needs a new watch. */
  readonly identity: string;
  names: ReadonlySet<string>;
}

class Watcher implements ConfigWatch {
  readonly #options: WatchOptions;
  readonly #path: string;
  readonly #look: () => Promise<void>;
  #folders = new Map<string, Watched>();
  #seen: string | null;
  /** Why nothing could be read when it was looked at last; null: something was, or nobody has looked yet. */
  #why: string | null = null;
  #quiet: Timer | null = null;
  #restlessSince: number | null = null;
  #poll: Timer | null = null;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#path = resolve(options.path);
    this.#seen = options.hash;
    this.#look = singleFlight(() => this.#lookOnce());
  }

  poke(): Promise<void> {
    this.#rest();
    return this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#rest();
    this.#poll?.cancel();
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  /** Watches the folders in question now; keeps the watches that are right. */
  async arm(): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    for (const { folder, name } of await spotsOf(this.#path)) wanted.set(folder, (wanted.get(folder) ?? new Set()).add(name));
    const identities = new Map(await Promise.all(Array.from(wanted.keys(), async (folder) => [folder, await identityOf(folder)] as const)));
    if (this.#closed) return;
    for (const [folder, { watcher, identity }] of this.#folders) {
      if (identities.get(folder) === identity) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    const failed = [...wanted].filter(([folder, names]) => !this.#watch(folder, identities.get(folder) ?? null, names));
    if (failed.length > 0) this.#pollLater();
  }

  #watch(folder: string, identity: string | null, names: ReadonlySet<string>): boolean {
    const known = this.#folders.get(folder);
    if (known !== undefined) {
      known.names = names;
      return true;
    }
    if (identity === null) return false;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => this.#noticed(folder, name));
      watcher.on("error", () => {
        watcher.close();
        this.#folders.delete(folder);
        this.stirred();
      });
      this.#folders.set(folder, { watcher, identity, names });
      return true;
    } catch {
      return false; // gone since, or no more watches to be had: then we poll
    }
  }

  #noticed(folder: string, name: string | null): void {
    const names = this.#folders.get(folder)?.names;
    // Some systems do not say which name it was.
    if (name !== null && names?.has(name) === false) return;
    this.stirred();
  }

  /** Something may have changed: looks when it has come to rest. */
  stirred(): void {
    if (this.#closed) return;
    const { clock, quietMs } = this.#options;
    this.#restlessSince ??= clock.now();
    if (this.#quiet !== null && clock.now() - this.#restlessSince >= quietMs * quietTimesMax) return;
    this.#quiet?.cancel();
    this.#quiet = clock.timer(quietMs, () => void this.poke());
  }

  #rest(): void {
    this.#quiet?.cancel();
    this.#quiet = null;
    this.#restlessSince = null;
  }

  #pollLater(): void {
    this.#poll?.cancel();
    this.#poll = this.#options.clock.timer(pollMs, () => void this.#look());
  }

  // Watches before reading: what is written in between is seen by the next event.
  async #lookOnce(): Promise<void> {
    await this.arm();
    if (this.#closed) return;
    const loaded = await this.#options.load();
    if (this.#closed || this.#isAsBefore(loaded)) return;
    this.#seen = loaded.hash;
    this.#options.onChange(loaded);
  }

  // What cannot be read has no hash; another reason for that is news all the same.
  #isAsBefore({ hash, ...loaded }: Loaded): boolean {
    const before = this.#why;
    this.#why = hash === null && !loaded.ok ? (loaded.issues[0]?.message ?? null) : null;
    return hash === this.#seen && (before === null || before === this.#why);
  }
}

/**
 * Names whose change can change what `path` leads to: the file and its `.env`, the folder that it is in, each symbolic
 * link on the way, and for what does not exist yet the first missing name.
 */
async function spotsOf(path: string): Promise<Spot[]> {
  const spots: Spot[] = [];
  for (const file of [path, join(dirname(path), ".env")]) {
    const { root } = parse(file);
    let step: Step | null = { folder: root, rest: namesIn(file.slice(root.length)) };
    for (let steps = 0; step !== null && steps < stepsMax; steps += 1) step = await walk(step, spots);
  }
  return spots;
}

const namesIn = (path: string): string[] => path.split(sep).filter(Boolean);

/** A folder that was reached, and the names still to go from there. */
interface Step {
  readonly folder: string;
  readonly rest: readonly string[];
}

async function walk({ folder, rest }: Step, spots: Spot[]): Promise<Step | null> {
  const [name, ...others] = rest;
  if (name === undefined) return null;
  const found = await orNull(lstat(join(folder, name)));
  // A folder on the way that is no link stays what it is. The last one is renamed over now and then, and one in the file's
  // own place may give way to the file.
  if (found?.isDirectory() !== true || others.length <= 1) spots.push({ folder, name });
  if (found === null) return null;
  if (!found.isSymbolicLink()) return { folder: join(folder, name), rest: others };
  const target = (await orNull(readlink(join(folder, name)))) ?? ""; // exchanged this very moment: its event follows
  const { root } = parse(target);
  return { folder: root || folder, rest: [...namesIn(target.slice(root.length)), ...others] };
}

/** A number that a removed folder had is given to the next one, so that its time of birth belongs to it. */
async function identityOf(folder: string): Promise<string | null> {
  const found = await orNull(stat(folder));
  return found === null ? null : `${found.dev} ${found.ino} ${found.birthtimeMs}`;
}

// Whatever cannot be looked at counts as not there: reading the file will say why.
const orNull = <T>(asked: Promise<T>): Promise<T | null> => asked.catch(() => null);
