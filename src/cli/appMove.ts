/** `app consolidate` and `app restore`: servers of other applications move in, and out again. */
import { escapeControls, fault } from "../base/index.ts";
import { type AppBackup, appBackups, applications, consolidate, findApp, type FoundApp, restoreApp } from "../config/index.ts";
import { applicationOf, moverOf, planText } from "./app.ts";
import { ownEntryOf } from "./appConnect.ts";
import { Agreement } from "./agree.ts";
import { reloadTold } from "./change.ts";
import type { Occasion, Run } from "./occasion.ts";
import { issueText } from "./print.ts";

/** Takes the servers of one application in, or of all that are here; 1 where a person said no. Throws USAGE, NAME_UNKNOWN, APP_UNREADABLE, CONFIG_INVALID, STATE_UNWRITABLE. */
export const consolidateApps: Run = async (occasion) => {
  const wanted = occasion.operand === null ? applications : [applicationOf(occasion)];
  const mover = moverOf(occasion);
  // All of them first: what cannot be read, or not be changed, is told before anything has moved.
  const found: FoundApp[] = [];
  for (const application of wanted) {
    const one = await findApp(application, mover);
    if (one.servers.size === 0) continue;
    await checked(occasion, one, await ownEntryOf(occasion, application), true);
    found.push(one);
  }
  const done = [];
  const agreement = new Agreement(occasion);
  for (const one of found) done.push(await consolidated(occasion, one, agreement));
  if (done.length === 0 && !occasion.settings.json) occasion.stdout.write("there is no server to move\n");
  return finished(occasion, done, agreement, ({ written }) => written);
};

/** Has the running server look, where there is something new, and says what came of it all. */
async function finished<T>(occasion: Occasion, done: readonly T[], { isRefused }: Agreement, isNew: (one: T) => boolean): Promise<number> {
  const { settings, stdout } = occasion;
  const server = done.some(isNew) ? await reloadTold(occasion, moverOf(occasion).configPath) : null;
  if (settings.json) stdout.write(`${JSON.stringify({ applications: done, server }, null, 2)}\n`);
  else if (server !== null) stdout.write(`the running server: ${server}\n`);
  return isRefused || server === "rejected" || server === "failed" ? 1 : 0;
}

async function consolidated(occasion: Occasion, found: FoundApp, agreement: Agreement) {
  const own = await ownEntryOf(occasion, found.application);
  const { settings, stdout } = occasion;
  const plan = await checked(occasion, found, own, true);
  const { id: app } = found.application;
  const isMovable = !settings.dryRun && plan.servers.some(({ as }) => as !== null);
  if (!settings.json) stdout.write(planText(`${app}: ${plan.path}`, plan.servers));
  const question = `Move these into ${moverOf(occasion).configPath}, and give ${found.application.title} one entry for all?`;
  if (!isMovable || !(await agreement.to(question))) return { app, path: plan.path, servers: plan.servers, written: false, backup: null };
  const { servers, path, backup, written } = await checked(occasion, found, own, false);
  if (!settings.json && backup !== null) stdout.write(`  done; as it was: 1mcp app restore ${app} --backup ${backup.id}\n`);
  return { app, path, servers, written, backup: backup?.id ?? null };
}

async function checked(occasion: Occasion, found: FoundApp, own: Readonly<Record<string, unknown>>, dryRun: boolean) {
  const done = await consolidate(found, own, dryRun, moverOf(occasion));
  if (done.ok) return done;
  for (const issue of done.issues) occasion.stderr.write(issueText(done.path, issue));
  throw fault("CONFIG_INVALID", { detail: `${done.path}; it is as it was` });
}

/** Gives one application, or all, their files back; 1 where a person said no. Throws USAGE, NAME_UNKNOWN, APP_UNREADABLE, STATE_BROKEN, STATE_UNWRITABLE. */
export const restore: Run = async (occasion) => {
  const done = [];
  const agreement = new Agreement(occasion);
  for (const backup of await chosen(occasion)) done.push(await restored(occasion, backup, agreement));
  return finished(occasion, done, agreement, ({ written, removed }) => written && removed.length > 0);
};

async function restored(occasion: Occasion, backup: AppBackup, agreement: Agreement) {
  const { settings, stdout } = occasion;
  const mover = moverOf(occasion);
  const options = { keepsServers: settings.keepIn1mcp, dryRun: true };
  const plan = await restoreApp(backup, options, mover);
  if (!settings.json) stdout.write(restoreText(backup, plan));
  const written = !settings.dryRun && (await agreement.to(`Give ${backup.app} this file back?`));
  const result = written ? await restoreApp(backup, { ...options, dryRun: false }, mover) : plan;
  return { app: backup.app, from: backup.id, ...result, backup: result.backup?.id ?? null, written };
}

/** What to go back to: what there was before anything of ours was done. */
async function chosen(occasion: Occasion): Promise<readonly AppBackup[]> {
  const { settings, operand } = occasion;
  const all = await appBackups(moverOf(occasion).stateDir);
  if (settings.backup !== null) return [named(all, settings.backup, operand === null ? null : applicationOf(occasion).id)];
  const newest = (app: string): AppBackup[] => all.filter((one) => one.app === app && (one.before === "consolidate" || one.before === "connect")).slice(0, 1);
  const wanted = settings.all ? applications.flatMap(({ id }) => newest(id)) : newest(applicationOf(occasion).id);
  if (wanted.length === 0) throw fault("NAME_UNKNOWN", { detail: `there is no backup${operand === null ? "" : ` of “${operand}”`}`, hint: "the list `1mcp app backups` has what there is" });
  return wanted;
}

function named(all: readonly AppBackup[], id: string, app: string | null): AppBackup {
  const found = all.find((one) => one.id === id);
  if (found !== undefined && app !== null && found.app !== app) throw fault("USAGE", { detail: `the backup “${id}” is of ${found.app}, not of ${app}`, hint: "the list `1mcp app backups` has what there is" });
  if (found === undefined) throw fault("NAME_UNKNOWN", { detail: `there is no backup “${id}”`, hint: "the list `1mcp app backups` has what there is" });
  return found;
}

function restoreText({ app, id, digest }: AppBackup, { path, isChanged, removed, kept }: Awaited<ReturnType<typeof restoreApp>>): string {
  const lines = [
    `${app}: ${path} ${digest === null ? "goes, since there was none" : `becomes what it was (${id})`}`,
    ...(isChanged ? ["  it has been changed since; what it is now is kept as a backup"] : []),
    ...removed.map((name) => `  ${name}: leaves our configuration`),
    ...kept.map((name) => `  ${name}: stays in our configuration`),
  ];
  return lines.map((line) => `${escapeControls(line)}\n`).join("");
}
