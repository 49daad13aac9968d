/**
 * The audit log: who did what, by which rule, and what came of it, in a file of its own (0600) that is rotated by size.
 * It hides that writing takes time: whoever records something pays for a place in a queue, and lines are made, chained
 * and written together a moment later. What cannot be written is kept within a bound and then counted, never silently
 * lost; meanwhile `isWritable` says that nothing new must be granted, while calls go on.
 */
import type { FileHandle } from "node:fs/promises";
import { networkOf } from "./address.ts";
import { type AuditEntry, type AuditEvent, auditLine, digestOfLine } from "./chain.ts";
import type { Clock, Timer } from "./clock.ts";
import { type Fault, faultOf } from "./errors.ts";
import { moveFile, openPrivateLog, readPrivateTail, removeFile, sizeBehind } from "./files.ts";
import type { Limits } from "./limits.ts";
import type { KnownSecrets } from "./secret.ts";

export interface Audit {
  /** Notes what happened. Never throws, never waits. */
  record(entry: AuditEntry): void;
  /** Whether what is decided can be written down; while it cannot, nothing new is granted. */
  readonly isWritable: boolean;
  /** Writes what is noted. Never throws. */
  flush(): Promise<void>;
  /** Flushes, and lets go of the file. Closing twice is fine. */
  close(): Promise<void>;
}

export interface AuditOptions {
  readonly path: string;
  /** A file with more is put aside; so many are kept, the one in use included. */
  readonly bytesMax: number;
  readonly filesMax: number;
  readonly clock: Clock;
  readonly secrets: Pick<KnownSecrets, "scrub">;
  readonly limits: Pick<Limits, "auditQueueMax" | "auditFlushMs" | "auditRetryMs" | "auditBatchMax" | "auditSameMax">;
  /** Tells this life of the program from others; letters and digits. */
  readonly life: string;
  /** It cannot be written (told once), or can be again (null). */
  readonly onTrouble: (why: Fault | null) => void;
}

/** Makes a log that touches no file before something is recorded. */
export const createAudit = (options: AuditOptions): Audit => new FileAudit(options);

/** An audit log that keeps nothing. */
export const nullAudit: Audit = Object.freeze({ record: () => undefined, isWritable: true, flush: () => Promise.resolve(), close: () => Promise.resolve() });

/** The file, then those that were put aside, the newest first. */
export const auditPaths = (path: string, filesMax: number): readonly string[] => Array.from({ length: filesMax }, (_, age) => (age === 0 ? path : `${path.replace(/\.log$/, "")}.${age}.log`));

// The longest line is far below: 20 fields at most of `auditTextMax` characters, each of which can take six bytes.
const tailBytes = 64 * 1024;

interface Noted {
  readonly at: number;
  entry: AuditEntry;
}

/** The same again and again. */
interface Same {
  count: number;
  last: AuditEntry;
  /** Stands for all of them from `auditSameMax` on; null: there were not so many. */
  noted: Noted | null;
}

/** What anybody can be refused at any rate. All else is a decision, or kept to a rate where it is asked for: who got what must not stand behind somebody else in a count. */
const refusals: readonly AuditEvent[] = Object.freeze(["auth.missing", "auth.invalid", "authz.denied", "authz.stepup", "request.refused", "ratelimit"]);

/** What makes it the same; null for what is worth a line each time. What whoever sends it can choose as he likes (names, addresses of his own network, what follows a route) makes no difference. */
function sameness({ ev, addr, reason, route, grant, target, result, need }: AuditEntry): string | null {
  if (ev === "tool.call") return `${result} ${grant} ${target}`;
  return refusals.includes(ev) ? `${ev} ${networkOf(addr ?? "")} ${grant} ${reason} ${need} ${placeOf(route ?? "")}` : null;
}

/** Method and the path's first part: beyond that anybody can think of paths without end. */
const placeOf = (route: string): string => /^\S* \/[^/]*/.exec(route)?.[0] ?? "";

class FileAudit implements Audit {
  readonly #options: AuditOptions;
  readonly #clean: (text: string) => string;
  #noted: Noted[] = [];
  /** Of what anybody can cause at any rate: how often the same was noted since the last batch. */
  readonly #same = new Map<string, Same>();
  #lost = 0;
  /** Lines that are made, and could not be written. */
  #unwritten = "";
  #number = 0;
  #prev: string | null = null;
  #file: FileHandle | null = null;
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;
  #isWritable = true;
  #isClosed = false;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#clean = (text) => options.secrets.scrub(text);
  }

  get isWritable(): boolean {
    return this.#isWritable;
  }

  record(entry: AuditEntry): void {
    const { clock, limits } = this.#options;
    const key = sameness(entry);
    if (key !== null && this.#isCounted(key, entry)) return;
    if (this.#noted.length >= limits.auditQueueMax) {
      this.#lost += 1;
      return;
    }
    this.#noted.push({ at: clock.now(), entry });
    if (this.#timer === null && this.#writing === null && !this.#isClosed) this.#writeIn(limits.auditFlushMs);
  }

  // Who does a thousand times within a moment what he may, or may not, must not push the lines about others out of the files.
  #isCounted(key: string, entry: AuditEntry): boolean {
    const { limits, clock } = this.#options;
    const same = this.#same.get(key);
    if (same === undefined) {
      if (this.#same.size < limits.auditQueueMax) this.#same.set(key, { count: 1, last: entry, noted: null });
      return false;
    }
    same.count += 1;
    if (same.count < limits.auditSameMax) return false;
    same.last = entry;
    if (same.noted === null) this.#noted.push((same.noted = { at: clock.now(), entry }));
    return true;
  }

  #writeIn(ms: number): void {
    this.#timer = this.#options.clock.timer(ms, () => {
      this.#timer = null;
      void this.flush();
    });
  }

  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
      // What was noted after the last look waits like anything else.
      if (this.#noted.length > 0 && this.#timer === null && !this.#isClosed) this.#writeIn(this.#options.limits.auditFlushMs);
    });
    return this.#writing;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // Twice: what was noted while the first was under way is in no batch of it.
    await this.flush();
    await this.flush();
    await this.#file?.close();
    this.#file = null;
  }

  async #write(): Promise<void> {
    const { limits } = this.#options;
    try {
      // The first line is tied to the last one that is there, so the file comes first.
      while (this.#unwritten !== "" || this.#noted.length > 0) await this.#writeBatch(limits.auditBatchMax);
      this.#settled(null);
    } catch (thrown) {
      this.#settled(faultOf(thrown));
      if (!this.#isClosed) this.#writeIn(limits.auditRetryMs);
    }
  }

  async #writeBatch(linesMax: number): Promise<void> {
    const file = await this.#opened();
    if (this.#unwritten === "") this.#unwritten = this.#linesOf(this.#take(linesMax));
    await file.appendFile(this.#unwritten);
    this.#unwritten = "";
  }

  #take(linesMax: number): readonly Noted[] {
    const { auditSameMax } = this.#options.limits;
    for (const { noted, last, count } of this.#same.values()) if (noted !== null) noted.entry = count === auditSameMax ? last : { ...last, count: count - auditSameMax + 1 };
    this.#same.clear();
    const batch = this.#noted.slice(0, linesMax);
    this.#noted = this.#noted.slice(linesMax);
    const lost = this.#lost;
    this.#lost = 0;
    return lost === 0 ? batch : [...batch, { at: this.#options.clock.now(), entry: { ev: "audit.lost", reason: "they came faster than they could be written", count: lost } }];
  }

  #linesOf(batch: readonly Noted[]): string {
    const { life } = this.#options;
    const clean = this.#isClean(batch) ? asIs : this.#clean;
    let text = "";
    for (const { at, entry } of batch) {
      this.#number += 1;
      const line = auditLine(entry, { at, life, number: this.#number, prev: this.#prev }, clean);
      this.#prev = digestOfLine(line);
      text += `${line}\n`;
    }
    return text;
  }

  // Looking through all texts of a batch at once costs a fraction of looking through each.
  #isClean(batch: readonly Noted[]): boolean {
    const texts = batch.map(({ entry }) => textsOf(entry)).join("\0");
    return this.#clean(texts) === texts;
  }

  /** The file to write to: the one at the path, whoever put the one before aside. */
  async #opened(): Promise<FileHandle> {
    const { path, bytesMax } = this.#options;
    const size = this.#file === null ? null : sizeBehind(this.#file.fd, path);
    if (this.#file !== null && size !== null && size < bytesMax) return this.#file;
    await this.#file?.close();
    this.#file = null;
    if (size !== null) await this.#putAside();
    return this.#reopened();
  }

  async #reopened(): Promise<FileHandle> {
    const { path, bytesMax } = this.#options;
    const tail = await readPrivateTail(path, tailBytes);
    const file = await openPrivateLog(path);
    this.#file = file;
    if (this.#number === 0) this.#prev = lastLineOf(tail);
    // A power cut, or a full disk, may have left half a line.
    if (tail !== null && tail !== "" && !tail.endsWith("\n")) await file.appendFile("\n");
    if ((sizeBehind(file.fd, path) ?? 0) < bytesMax) return file;
    return this.#opened();
  }

  async #putAside(): Promise<void> {
    const { path, filesMax } = this.#options;
    const paths = auditPaths(path, filesMax);
    await removeFile(paths.at(-1) ?? path);
    for (let age = paths.length - 2; age >= 0; age -= 1) {
      const [from, to] = [paths[age], paths[age + 1]];
      // What is not there yet need not be moved.
      if (from !== undefined && to !== undefined) await moveFile(from, to).catch(() => undefined);
    }
  }

  #settled(why: Fault | null): void {
    if (this.#isWritable === (why === null)) return;
    this.#isWritable = why === null;
    this.#options.onTrouble(why);
  }
}

function lastLineOf(tail: string | null): string | null {
  const last = tail?.split("\n").findLast((line) => line !== "");
  return last === undefined ? null : digestOfLine(last);
}

const asIs = (text: string): string => text;

function textsOf(entry: AuditEntry): string {
  let texts = "";
  for (const name in entry) texts += `\0${entry[name as keyof AuditEntry]}`;
  return texts;
}
