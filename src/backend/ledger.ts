/**
 * The ledger of children in the state folder, for the case that we and the watchdog were both killed: the next start ends
 * what this one left. Each life has a file of its own (`children/<life>.json`), because several proxies may share a
 * state folder; a file counts only once the process that wrote it is gone.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { allProcesses, bootOf, type Clock, ensurePrivateDir, faultOf, type Limits, type Log, readPrivateFile, reap, removeFile, type Seen, singleFlight, startOf, writeFileAtomic } from "../base/index.ts";
import type { Member, Witness } from "./group.ts";

export interface LedgerOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one life wrote down. */
interface Page {
  readonly life: string;
  /** Times of start count within one boot. */
  readonly boot: string;
  /** Who wrote it. */
  readonly pid: number;
  readonly start: number;
  readonly children: readonly Pick<Member, "pid" | "start" | "server">[];
}

const bytesMax = 1024 * 1024;
// A file that was being written when its writer was killed.
const brokenOffMs = 60_000;

const folderOf = (stateDir: string): string => join(stateDir, "children");

/** Makes the ledger of one life; nothing is written before the first child. */
export const createLedger = (life: string, options: LedgerOptions): Witness => new Ledger(life, options);

class Ledger implements Witness {
  readonly #life: string;
  readonly #options: LedgerOptions;
  readonly #members = new Map<number, Member>();
  readonly #write: () => Promise<void>;
  #begun = false;
  #closed = false;
  #warned = false;

  constructor(life: string, options: LedgerOptions) {
    this.#life = life;
    this.#options = options;
    // However many come and go at once: one write runs, one waits.
    const write = singleFlight(() => this.#put());
    this.#write = () => write().catch((thrown: unknown) => this.#warn(faultOf(thrown).message));
  }

  expect(): void {
    // With the first child, and before it: who has no line yet can be found by its mark.
    if (!this.#begun) void this.#write();
    this.#begun = true;
  }

  took(member: Member): void {
    this.#members.set(member.pid, member);
    void this.#write();
  }

  lost(pid: number): void {
    this.#members.delete(pid);
    void this.#write();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#begun) await this.#write();
  }

  async #put(): Promise<void> {
    const folder = folderOf(this.#options.stateDir);
    const path = join(folder, `${this.#life}.json`);
    if (this.#closed && this.#members.size === 0) return removeFile(path);
    await ensurePrivateDir(folder);
    const start = startOf(process.pid) ?? (await allProcesses(0)).find(({ pid }) => pid === process.pid)?.start ?? 0;
    const page: Page = { life: this.#life, boot: await bootOf(), pid: process.pid, start, children: [...this.#members.values()] };
    await writeFileAtomic(path, `${JSON.stringify(page)}\n`);
  }

  #warn(reason: string): void {
    if (!this.#warned) this.#options.log.warn("what runs cannot be written down; should this process and its watchdog be killed, the next start will not know", { reason });
    this.#warned = true;
  }
}

/** Ends what earlier lives of this state folder have left, and says so. Leaves alone what a proxy that runs has started. Never throws. */
export async function reapEarlier(options: LedgerOptions & { readonly limits: Limits }): Promise<void> {
  const folder = folderOf(options.stateDir);
  const unknown = (path: string) => (thrown: unknown): void => options.log.warn("what an earlier run left cannot be looked up", { reason: faultOf(thrown).message, path });
  const names = await readdir(folder).catch(() => []);
  // Without knowing who runs, nobody may be taken for dead.
  const now = names.length === 0 ? null : await nowOf().catch(unknown(folder));
  if (!now) return;
  for (const name of names) await settle(join(folder, name), now, options).catch(unknown(join(folder, name)));
}

/** Processes of servers whose proxy has gone, as far as it wrote them down. Changes nothing. Throws where the system does not tell who runs. */
export async function leftEarlier(stateDir: string): Promise<readonly number[]> {
  const folder = folderOf(stateDir);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
  if (names.length === 0) return [];
  const { all, boot } = await nowOf();
  const lives = (one: { readonly pid: number; readonly start: number | null }): boolean => all.some(({ pid, start }) => pid === one.pid && start === one.start);
  const pages = await Promise.all(names.map((name) => readPrivateFile(join(folder, name), { bytesMax }).then((text) => (text === null ? null : parsed(text)))));
  return pages.flatMap((page) => (page === null || page.boot !== boot || lives(page) ? [] : page.children.filter(lives).map(({ pid }) => pid)));
}

const nowOf = async (): Promise<Now> => ({ all: await allProcesses(Number.MAX_SAFE_INTEGER), boot: await bootOf() });

interface Now {
  readonly all: readonly Seen[];
  readonly boot: string;
}

async function settle(path: string, now: Now, options: LedgerOptions & { readonly limits: Limits }): Promise<void> {
  if (!path.endsWith(".json")) return clear(path, options.clock);
  const text = await readPrivateFile(path, { bytesMax });
  const page = text === null ? null : parsed(text);
  if (page !== null && page.boot === now.boot) {
    if (now.all.some(({ pid, start }) => pid === page.pid && start === page.start)) return;
    await end(page, options);
  }
  await removeFile(path);
}

async function clear(path: string, clock: Clock): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found !== null && found.mtimeMs < clock.now() - brokenOffMs) await removeFile(path);
}

async function end({ life, start, children }: Page, { clock, limits, log }: LedgerOptions & { readonly limits: Limits }): Promise<void> {
  const groups = new Map(children.flatMap(({ pid, start: started }) => (started === null ? [] : [[pid, started] as const])));
  const { ended, left } = await reap({ kin: { mark: life, groups, since: start }, clock, patience: { graceMs: 0, termMs: limits.termMs, settleMs: 0 } });
  const servers = [...new Set(children.map(({ server }) => server))].join(", ");
  if (ended > 0) log.warn("an earlier run had left processes, which have been ended", { processes: ended, servers });
  if (left.length > 0) log.error("processes of an earlier run cannot be ended", { pids: left.join(", "), servers });
}

function parsed(text: string): Page | null {
  try {
    const value: unknown = JSON.parse(text);
    return isPage((value ?? {}) as Partial<Record<keyof Page, unknown>>) ? (value as Page) : null;
  } catch {
    // Nobody writes half a file here; whatever it is, it names nobody.
    return null;
  }
}

function isPage({ life, boot, pid, start, children }: Partial<Record<keyof Page, unknown>>): boolean {
  // A mark that is too short would be that of many.
  if (typeof life !== "string" || !/^[\da-f]{32}$/.test(life) || typeof boot !== "string") return false;
  return isPid(pid) && isNumber(start) && Array.isArray(children) && children.every(isMember);
}

const isMember = (value: unknown): boolean => {
  const { pid, start, server } = (value ?? {}) as Partial<Record<keyof Member, unknown>>;
  return isPid(pid) && (start === null || isNumber(start)) && typeof server === "string";
};

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
// What is below names the first process of all, or everybody.
const isPid = (value: unknown): value is number => isNumber(value) && value > 1;
