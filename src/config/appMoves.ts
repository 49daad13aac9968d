/**
 * Moving in and out: an application's servers go into our configuration and the application gets one entry that leads to
 * us; or it is given back what it had. In this order, so that a crash anywhere loses nothing: what there is is kept, then
 * the servers are where they are going, and only then they leave where they were.
 */
import { type Clock, fault, fingerprint } from "../base/index.ts";
import { type AppBackup, appBackups, keepAppFile, keptBytes } from "./appBackups.ts";
import { type AppFile, bytesWith, digestOf, type FileDoor, readAppFile, replaceAppFile } from "./appFiles.ts";
import { type Application, placesOf } from "./applications.ts";
import { changedAppText, serversIn } from "./appText.ts";
import { fillerOf, isOwnEntry, ownNameOf, parseAppEntry } from "./dialects.ts";
import type { ConfigEdit, Edited } from "./edit.ts";
import type { ConfigChange } from "./jsonc.ts";
import type { Issue } from "./types.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Fields = Readonly<Record<string, unknown>>;

/** What moves are made with. */
export interface Mover {
  readonly env: Env;
  readonly platform: NodeJS.Platform;
  readonly stateDir: string;
  readonly configPath: string;
  readonly clock: Clock;
  readonly files: FileDoor;
  readonly editConfig: (edit: ConfigEdit) => Promise<Edited>;
}

/** What becomes of one server of an application. */
export interface MovedServer {
  /** Its name there. */
  readonly name: string;
  /** Its name here; null: it stays where it is. */
  readonly as: string | null;
  /** moves: it comes in. same: it is here already. stays: it cannot be said here. ours: it leads to us. */
  readonly fate: "moves" | "same" | "stays" | "ours";
  /** Why it stays, or what does not come along. */
  readonly notes: readonly string[];
  readonly isOff: boolean;
}

/** What an application has. */
export interface FoundApp {
  readonly application: Application;
  readonly file: AppFile;
  readonly servers: ReadonlyMap<string, unknown>;
  readonly isConnected: boolean;
}

/** Looks at an application's file. Throws APP_UNREADABLE. */
export async function findApp(application: Application, { env, platform }: Pick<Mover, "env" | "platform">): Promise<FoundApp> {
  const file = await readAppFile(placesOf(application, env, platform));
  const servers = await serversIn(application, file);
  return { application, file, servers, isConnected: [...servers].some(([name, entry]) => isOwnEntry(name, entry)) };
}

interface Planned extends MovedServer {
  readonly entry: Fields | null;
}

/** What would become of each server, given our own file. */
function planOf({ application, servers }: FoundApp, own: Fields): readonly Planned[] {
  const given = (own["names"] as { readonly separator?: unknown } | undefined)?.separator;
  const separator = typeof given === "string" && given !== "" ? given : "__";
  const taken = new Map<string, unknown>(Object.entries((own["mcpServers"] as Fields | undefined) ?? {}));
  return [...servers].map(([name, value]) => {
    if (isOwnEntry(name, value)) return { name, as: null, fate: "ours", notes: [], isOff: false, entry: null };
    const read = parseAppEntry(application, value);
    if (!read.ok) return { name, as: null, fate: "stays", notes: [read.problem], isOff: false, entry: null };
    const { as, fate } = placeFor(ownNameOf(name, separator), { app: application.id, filler: fillerOf(separator) }, read.entry, taken);
    taken.set(as, read.entry);
    return { name, as, fate, notes: read.notes, isOff: read.entry["disabled"] === true, entry: read.entry };
  });
}

/** Under its own name, unless another server has that; the same server need not come twice. */
function placeFor(name: string, { app, filler }: { readonly app: string; readonly filler: string }, entry: Fields, taken: ReadonlyMap<string, unknown>): { readonly as: string; readonly fate: "moves" | "same" } {
  const wanted = fingerprint(entry);
  const longer = [name, ...app.split("-")].join(filler);
  const names = [name, longer.slice(-64), ...Array.from({ length: taken.size + 1 }, (_, at) => `${longer}${filler}${at + 2}`.slice(-64))];
  const as = names.find((one) => !taken.has(one) || fingerprint(taken.get(one)) === wanted) ?? name;
  return { as, fate: taken.has(as) ? "same" : "moves" };
}

const changesOf = (plan: readonly Planned[]): readonly ConfigChange[] => plan.filter(({ fate }) => fate === "moves").map(({ as, entry }) => ({ path: ["mcpServers", as ?? ""], value: entry }));

const shown = ({ name, as, fate, notes, isOff }: Planned): MovedServer => ({ name, as, fate, notes, isOff });

/** What came, or would come, of a consolidation. */
export type Consolidated =
  | { readonly ok: true; readonly path: string; readonly servers: readonly MovedServer[]; readonly backup: AppBackup | null; readonly written: boolean }
  | { readonly ok: false; readonly path: string; readonly issues: readonly Issue[] };

/** Whether moving would move anything. */
const isSomething = (plan: readonly Planned[]): boolean => plan.some(({ fate }) => fate === "moves" || fate === "same");

/** Takes an application's servers in. `own` is the entry that leads to us. Throws APP_UNREADABLE, STATE_UNWRITABLE, CONFIG_UNREADABLE. */
export async function consolidate(found: FoundApp, own: Fields, dryRun: boolean, mover: Mover): Promise<Consolidated> {
  let plan: readonly Planned[] = [];
  const edit = (dry: boolean): Promise<Edited> =>
    mover.editConfig({ path: mover.configPath, clock: mover.clock, dryRun: dry, isPrivate: true, changes: (file) => changesOf((plan = planOf(found, file))) });
  const tried = await edit(true);
  if (!tried.ok) return { ok: false, path: tried.path, issues: tried.issues };
  const { path } = found.file;
  const planned = plan;
  if (!isSomething(planned)) return { ok: true, path, servers: planned.map(shown), backup: null, written: false };
  // Before the plan is shown: one that could not be carried out is none.
  const after = await changedFile(found, { remove: planned.filter(({ as }) => as !== null).map(({ name }) => name), own });
  if (dryRun) return { ok: true, path, servers: planned.map(shown), backup: null, written: false };
  const before = await cameBefore(found, mover.stateDir);
  const moved = Object.fromEntries(planned.filter(({ as, fate }) => fate === "moves" || (as !== null && before.has(as))).map(({ as, entry }) => [as ?? "", fingerprint(entry)]));
  const backup = await keepAppFile(mover.stateDir, found.file, { app: found.application.id, before: "consolidate", after: digestOf(after), moved }, mover);
  const edited = await edit(false);
  if (!edited.ok) return { ok: false, path: edited.path, issues: edited.issues };
  if (fingerprint(changesOf(plan)) !== fingerprint(changesOf(planned))) throw fault("CONFIG_UNREADABLE", { detail: `${mover.configPath} was changed meanwhile`, hint: "do it again" });
  await replaceAppFile(found.file, after, found.file.mode, mover.files);
  return { ok: true, path, servers: planned.map(shown), backup, written: true };
}

/** What came in with a consolidation of this very file that was cut short: its servers are here, and came from there all the same. */
async function cameBefore({ file }: FoundApp, stateDir: string): Promise<ReadonlySet<string>> {
  const last = (await appBackups(stateDir)).find(({ path }) => path === file.path);
  const isUnfinished = last?.before === "consolidate" && last.digest === digestOf(file.bytes);
  return new Set(isUnfinished ? Object.keys(last.moved) : []);
}

const ownName = "1mcp";

async function changedFile({ application, file, servers }: FoundApp, { remove, own }: { readonly remove: readonly string[]; readonly own: Fields | null }): Promise<Uint8Array> {
  const others = [...servers].filter(([name, entry]) => name !== ownName && isOwnEntry(name, entry)).map(([name]) => name);
  const gone = [...remove, ...others, ...(own === null && servers.has(ownName) ? [ownName] : [])];
  return bytesWith(file, await changedAppText(application, file, { remove: gone, set: own === null ? null : { name: ownName, value: own } }));
}

/** Writes the entry that leads to us, in place of one that is there. Gives the backup; null: it is so already. Throws APP_UNREADABLE, STATE_UNWRITABLE. */
export async function connectApp(found: FoundApp, own: Fields, dryRun: boolean, mover: Mover): Promise<AppBackup | null> {
  const isSo = found.servers.has(ownName) && fingerprint(found.servers.get(ownName)) === fingerprint(own);
  return isSo ? null : put(found, await changedFile(found, { remove: [], own }), "connect", dryRun, mover);
}

/** Takes that entry back: the file is what it was, if nobody else has changed it since. Gives the backup; null: there is none. Throws as connecting. */
export async function disconnectApp(found: FoundApp, dryRun: boolean, mover: Mover): Promise<AppBackup | null> {
  if (!found.isConnected) return null;
  const last = (await appBackups(mover.stateDir)).find(({ path }) => path === found.file.path);
  const isOurs = last?.before === "connect" && last.after === digestOf(found.file.bytes);
  const after = isOurs ? await keptBytes(mover.stateDir, last) : await changedFile(found, { remove: [], own: null });
  return put(found, after, "disconnect", dryRun, mover);
}

async function put({ application, file }: FoundApp, after: Uint8Array | null, before: AppBackup["before"], dryRun: boolean, mover: Mover): Promise<AppBackup> {
  const facts = { app: application.id, before, after: digestOf(after), moved: {} };
  if (dryRun) return { id: "", path: file.path, at: 0, digest: digestOf(file.bytes), mode: file.mode, ...facts };
  const backup = await keepAppFile(mover.stateDir, file, facts, mover);
  await replaceAppFile(file, after, file.mode, mover.files);
  return backup;
}

/** What came, or would come, of a restore. */
export interface Restored {
  readonly path: string;
  /** The file has been changed since, by somebody else; that is kept too. */
  readonly isChanged: boolean;
  /** Servers that leave our configuration, and those that stay because they are not what they were. */
  readonly removed: readonly string[];
  readonly kept: readonly string[];
  /** What the file was before this. */
  readonly backup: AppBackup | null;
}

/** Gives an application its file back, byte for byte, and takes out of our configuration what came from it then. Throws APP_UNREADABLE, STATE_BROKEN, STATE_UNWRITABLE, CONFIG_UNREADABLE. */
export async function restoreApp(backup: AppBackup, { keepsServers, dryRun }: { readonly keepsServers: boolean; readonly dryRun: boolean }, mover: Mover): Promise<Restored> {
  const bytes = await keptBytes(mover.stateDir, backup);
  const file = await readAppFile([backup.path]);
  const now = digestOf(file.bytes);
  const isChanged = now !== backup.after && now !== backup.digest;
  const isThere = now === backup.digest && (bytes === null || file.mode === backup.mode);
  const facts = { app: backup.app, before: "restore" as const, after: backup.digest, moved: {} };
  const before = dryRun || isThere ? null : await keepAppFile(mover.stateDir, file, facts, mover);
  if (before !== null) await replaceAppFile(file, bytes, backup.mode, mover.files);
  const names = keepsServers ? [] : Object.keys(backup.moved);
  const out = names.length === 0 ? { removed: [], kept: [] } : await takeOut(names, backup, dryRun, mover);
  return { path: backup.path, isChanged, ...out, backup: before };
}

/** Those of them that are what they were then go; those that somebody has changed since stay; the others have gone already. */
async function takeOut(names: readonly string[], { moved }: AppBackup, dryRun: boolean, { editConfig, configPath, clock }: Mover): Promise<Pick<Restored, "removed" | "kept">> {
  let out: Pick<Restored, "removed" | "kept"> = { removed: [], kept: [] };
  const edited = await editConfig({
    path: configPath,
    clock,
    dryRun,
    changes(file) {
      const servers = (file["mcpServers"] ?? {}) as Fields;
      const here = names.filter((name) => Object.hasOwn(servers, name));
      const isAsItWas = (name: string): boolean => fingerprint(servers[name]) === moved[name];
      out = { removed: here.filter(isAsItWas), kept: here.filter((name) => !isAsItWas(name)) };
      return out.removed.map((name) => ({ path: ["mcpServers", name], value: undefined }));
    },
  });
  if (edited.ok) return out;
  throw fault("CONFIG_INVALID", { detail: `${edited.path}; it is as it was` });
}
