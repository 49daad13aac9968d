/** `app connect` and `app disconnect`: one entry in another application's file that leads to us. */
import { realpath } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { escapeControls, fault } from "../base/index.ts";
import { type AppBackup, type Application, connectApp, disconnectApp, findApp } from "../config/index.ts";
import { applicationOf, moverOf } from "./app.ts";
import type { Occasion, Run } from "./occasion.ts";
import { filterOf } from "./selection.ts";

/** Writes the entry. Throws USAGE, NAME_UNKNOWN, APP_UNREADABLE, STATE_UNWRITABLE. */
export const connect: Run = async (occasion) => {
  const application = applicationOf(occasion);
  const mover = moverOf(occasion);
  const found = await findApp(application, mover);
  const entry = await ownEntryOf(occasion, application);
  const backup = await connectApp(found, entry, occasion.settings.dryRun, mover);
  return tell(occasion, { app: application.id, path: found.file.path, entry }, backup, "leads to us now; start it anew if it does not look at its file by itself");
};

/** Takes it back. Throws as `connect`. */
export const disconnect: Run = async (occasion) => {
  const application = applicationOf(occasion);
  const mover = moverOf(occasion);
  const found = await findApp(application, mover);
  const backup = await disconnectApp(found, occasion.settings.dryRun, mover);
  return tell(occasion, { app: application.id, path: found.file.path, entry: null }, backup, "does not lead to us any more");
};

interface Told {
  readonly app: string;
  readonly path: string;
  readonly entry: Readonly<Record<string, unknown>> | null;
}

function tell({ settings, stdout }: Occasion, told: Told, backup: AppBackup | null, done: string): number {
  const written = backup !== null && !settings.dryRun;
  if (settings.json) stdout.write(`${JSON.stringify({ ...told, written, backup: written ? backup.id : null }, null, 2)}\n`);
  else stdout.write(toldText(told, backup, settings.dryRun ? "" : done).map((line) => `${escapeControls(line)}\n`).join(""));
  return 0;
}

function toldText({ app, path, entry }: Told, backup: AppBackup | null, done: string): string[] {
  if (backup === null) return ["it is so already"];
  if (done === "") return [`${path}:`, entry === null ? "  the entry 1mcp goes" : `  1mcp: ${JSON.stringify(entry)}`];
  return [`${app} ${done}`, `  file:    ${path}`, `  before:  ${backup.id} (1mcp app restore ${app} --backup ${backup.id})`];
}

/** The entry that leads to us, as the application words it. Throws USAGE where it cannot do what is asked for. */
export async function ownEntryOf(occasion: Occasion, { title, dialect }: Application): Promise<Readonly<Record<string, unknown>>> {
  const { settings } = occasion;
  const filter = filterOf(occasion);
  if (settings.url === null) return dialect.program([...(await programOf(occasion)), ...proxyWords(occasion, filter)]);
  if (dialect.address === null) throw fault("USAGE", { detail: `${title} can only start programs`, hint: "leave --url out" });
  const url = new URL(settings.url);
  if (filter !== null) url.searchParams.set("filter", filter);
  return dialect.address(url.href);
}

/** With `--start`, so that it works whether or not somebody has started the server. */
function proxyWords({ settings }: Occasion, filter: string | null): string[] {
  const own = [...(settings.config === null ? [] : ["--config", resolve(settings.config)]), ...(settings.stateDir === null ? [] : ["--state-dir", resolve(settings.stateDir)])];
  return ["proxy", "--start", ...own, ...(filter === null ? [] : ["--filter", filter])];
}

/**
 * How we are started, by an absolute path: who starts programs from a window may have another PATH. The name on the PATH
 * rather than what it leads to, which a package manager replaces with each version.
 */
async function programOf({ selfArgv, env }: Occasion): Promise<readonly string[]> {
  const [executable = ""] = selfArgv;
  if (selfArgv.length > 1) return selfArgv;
  const real = await realpath(executable).catch(() => executable);
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const named = join(folder, process.platform === "win32" ? "1mcp.exe" : "1mcp");
    if (folder !== "" && (await realpath(named).catch(() => null)) === real) return [named];
  }
  return [executable];
}
