/** `app list`, `app discover`, `app backups`: what other applications have, and what was kept of their files. */
import { resolve } from "node:path";
import { escapeControls, fault, faultOf, nearestOf } from "../base/index.ts";
import { type AppBackup, appBackupFolder, appBackups, type Application, applications, consolidate, defaultStateDir, editConfig, fileDoor, findApp, type FoundApp, forgetAppBackups, keptBytes, manualApplications, type MovedServer, type Mover } from "../config/index.ts";
import { configPathOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { issueText } from "./print.ts";
import { tableText } from "./table.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** What moves are made with, as the command line says. */
export const moverOf = (occasion: Occasion): Mover => ({ env: occasion.env, platform: process.platform, stateDir: stateDirOf(occasion), configPath: configPathOf(occasion), clock: occasion.clock, files: fileDoor, editConfig });

/** The application of this name. Throws USAGE, NAME_UNKNOWN. */
export function applicationOf({ operand }: Pick<Occasion, "operand">): Application {
  if (operand === null) throw fault("USAGE", { detail: "it needs the name of an application", hint: "the list `1mcp app list` has what is known" });
  const found = applications.find(({ id }) => id === operand);
  if (found !== undefined) return found;
  const near = nearestOf(operand, applications.map(({ id }) => id));
  throw fault("NAME_UNKNOWN", { detail: `there is no application “${operand}”`, hint: near === null ? "the list `1mcp app list` has what is known" : `did you mean “${near}”?` });
}

const stateDirOf = ({ settings, env }: Occasion): string => (settings.stateDir === null ? defaultStateDir(env) : resolve(settings.stateDir));

interface Seen {
  readonly app: string;
  readonly title: string;
  readonly file: string | null;
  readonly isThere: boolean;
  readonly isConnected: boolean;
  readonly servers: number;
  readonly problem: string | null;
}

/** A line for each application that is known. */
export const list: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  const mover = moverOf(occasion);
  const seen = await Promise.all(applications.map((one) => seenOf(findApp(one, mover), one)));
  if (settings.json) stdout.write(`${JSON.stringify({ applications: seen, manual: manualApplications }, null, 2)}\n`);
  else stdout.write(`${await tableText([["APP", "HERE", "CONNECTED", "SERVERS", "FILE"], ...seen.map(rowOf)], stdout)}${manualApplications.map(({ title, how }) => `by hand: ${title}: ${how}\n`).join("")}`);
  return 0;
};

const yes = (is: boolean): string => (is ? "yes" : "-");
const rowOf = ({ app, isThere, isConnected, servers, problem, file }: Seen): string[] => [app, yes(isThere), yes(isConnected), problem === null ? String(servers) : "?", problem ?? file ?? "-"];

async function seenOf(finding: Promise<FoundApp>, { id: app, title }: { readonly id: string; readonly title: string }): Promise<Seen> {
  try {
    const { file, servers, isConnected } = await finding;
    return { app, title, file: file.path, isThere: file.bytes !== null, isConnected, servers: servers.size, problem: null };
  } catch (thrown) {
    return { app, title, file: null, isThere: true, isConnected: false, servers: 0, problem: faultOf(thrown).message };
  }
}

interface Discovered {
  readonly app: string;
  readonly title: string;
  readonly file: string;
  readonly isConnected: boolean;
  readonly servers: readonly MovedServer[];
}

/** The applications that are here, each with its servers and what would become of them; 1 where a file cannot be read, be it ours. */
export const discover: Run = async (occasion) => {
  const { settings, stdout, stderr } = occasion;
  const mover = moverOf(occasion);
  const found: Discovered[] = [];
  // What is wrong with our own file is wrong for each application.
  const problems = new Set<string>();
  for (const application of applications) {
    await discovered(application, mover).then(
      (one) => one !== null && found.push(one),
      (thrown: unknown) => problems.add(thrown instanceof Unplanned ? thrown.message : `${escapeControls(faultOf(thrown).message)}\n`),
    );
  }
  stderr.write([...problems].join(""));
  if (settings.json) stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else stdout.write(found.map(({ app, file, servers }) => planText(`${app}: ${file}`, servers)).join("") || (problems.size > 0 ? "" : "no application here has a server\n"));
  return problems.size === 0 ? 0 : 1;
};

/** Our configuration cannot be used, as it is or with these servers in it: the lines that say why. */
class Unplanned extends Error {}

async function discovered(application: Application, mover: Mover): Promise<Discovered | null> {
  const { file, servers, isConnected } = await findApp(application, mover);
  if (servers.size === 0) return null;
  const planned = await consolidate({ application, file, servers, isConnected }, application.dialect.program(["1mcp", "proxy"]), true, mover);
  if (!planned.ok) throw new Unplanned(planned.issues.map((issue) => issueText(planned.path, issue)).join(""));
  return { app: application.id, title: application.title, file: file.path, isConnected, servers: planned.servers };
}

type Fate = MovedServer["fate"];

const fates: Readonly<Record<Fate, string>> = Object.freeze({ moves: "moves", same: "is here already", stays: "stays there", ours: "leads to us" });

/** What becomes of each server, for a person. Neither arguments nor values are shown: there may be secrets in them. */
export function planText(head: string, servers: readonly MovedServer[]): string {
  const lines = servers.flatMap((one) => (one.fate === "stays" ? [`  ${one.name}: stays there: it ${one.notes.join("; ")}`] : [movedText(one), ...one.notes.map((note) => `    ${note}`)]));
  return [head, ...lines].map((line) => `${escapeControls(line)}\n`).join("");
}

const movedText = ({ name, as, fate, isOff }: MovedServer): string => `  ${name}: ${fates[fate]}${as === null || as === name ? "" : ` as ${as}`}${isOff ? ", switched off" : ""}`;

/** The backups, the newest first; 1 where one is not what was kept. */
export const backups: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  const stateDir = stateDirOf(occasion);
  const all = await appBackups(stateDir);
  const old = oldOf(occasion, all);
  await forgetAppBackups(stateDir, old);
  const left = all.filter((one) => !old.includes(one));
  const rows = await Promise.all(left.map(async (one) => ({ ...shownBackup(one), isSound: settings.verifyBackups ? await isSound(stateDir, one) : null })));
  if (settings.json) stdout.write(`${JSON.stringify({ folder: appBackupFolder(stateDir), backups: rows, removed: old.map(({ id }) => id) }, null, 2)}\n`);
  else stdout.write(await tableText([["ID", "BEFORE", "WHEN", "SOUND", "FILE"], ...rows.map(({ id, before, at, isSound: sound, path }) => [id, before, new Date(at).toISOString(), soundText(sound), path])], stdout));
  return rows.some(({ isSound: sound }) => sound === false) ? 1 : 0;
};

const soundText = (sound: boolean | null): string => (sound === null ? "-" : sound ? "yes" : "NO");

function oldOf({ settings: { cleanupDays }, clock }: Occasion, all: readonly AppBackup[]): readonly AppBackup[] {
  return cleanupDays === null ? [] : all.filter(({ at }) => at < clock.now() - cleanupDays * dayMs);
}

const shownBackup = ({ id, app, path, at, before, moved }: AppBackup) => ({ id, app, path, at, before, moved: Object.keys(moved) });

const isSound = (stateDir: string, backup: AppBackup): Promise<boolean> => keptBytes(stateDir, backup).then(() => true, () => false);
