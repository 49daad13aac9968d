/**
 * What is known before anything is built: the configuration to start with and where the next one comes from, the log, the
 * audit log, the numbers. It hides how a configuration is found, and what is wrong with one, from whoever builds on it.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Audit, type CallIds, createAudit, createCallIds, createKnownSecrets, createLog, createMeter, defaultLimits, ensurePrivateDir, Fault, fault, type KnownSecrets, type Limits, type Log, type Meter, nullAudit, randomBytes, systemClock, Tail } from "../base/index.ts";
import { type Config, defaultConfigPath, demoConfig, type Issue, loadConfig, type Loaded, missingPreset, parseFilter } from "../config/index.ts";
import type { Around, ServeOptions } from "./options.ts";

/** What is known before anything is built. */
export interface Ground {
  readonly options: Around;
  readonly log: Log;
  readonly secrets: KnownSecrets;
  /** The last lines that were said, here and by servers. */
  readonly tail: Tail;
  readonly meter: Meter;
  readonly callIds: CallIds;
  /** Where decisions are written down. */
  readonly audit: Audit;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly config: Config;
  readonly hash: string | null;
  readonly watchdogArgv: readonly string[] | null;
  readonly selfArgv: readonly string[] | null;
  /** Where the next configuration comes from; null: there will be no other. */
  readonly source: Source | null;
  /** Which addresses may be sent something; null: whichever the configuration names. */
  readonly admits: ((url: string) => boolean) | null;
}

/** Where configurations come from. */
export interface Source {
  readonly path: string;
  load(): Promise<Loaded>;
}

/** A configuration that cannot be started with; `issues` has every reason, with line and column. */
export class ConfigFault extends Fault {
  readonly issues: readonly Issue[];
  readonly path: string;

  constructor(path: string, issues: readonly Issue[]) {
    super("CONFIG_INVALID", { op: "start", detail: `${path}: ${issues.length} ${issues.length === 1 ? "issue" : "issues"}` });
    this.path = path;
    this.issues = issues;
  }
}

/** The ground of a proxy with servers of its own. Throws ConfigFault, SELECTION_INVALID, and the Faults of the state folder. */
export async function groundOf(options: ServeOptions): Promise<Ground> {
  const { config, hash, ...logs } = await loggedConfigOf(options);
  await ensurePrivateDir(options.stateDir);
  assertSelectable(options, config);
  // The demonstration has no file, until one appears at the default place.
  const path = config.path ?? defaultConfigPath(options.env);
  return { ...logs, audit: auditOf(logs, options, config), options, config, hash, watchdogArgv: options.watchdogArgv, selfArgv: options.selfArgv ?? null, source: { path, load: () => loadConfig({ path, env: options.env, strictSecrets: options.strictSecrets ?? false }) }, admits: null };
}

/** What narrows everybody's view must be there at the start; what becomes of it later is for the configuration to say. */
function assertSelectable({ filter }: Pick<ServeOptions, "filter">, { presets }: Config): void {
  const parsed = filter ? parseFilter(filter) : null;
  const missing = parsed?.ok === true ? missingPreset(parsed.query, presets) : null;
  if (missing !== null) throw fault("SELECTION_INVALID", { detail: `there is no preset “${missing}”`, hint: "the list `1mcp preset list` has what there is" });
}

/** The log and what goes with it. */
type Logs = Pick<Ground, "log" | "secrets" | "tail" | "meter" | "callIds" | "startedAt">;

/** The log, what must not get into it, and what is counted beside it. */
export function logOf({ logLevel, writeLog, pretty }: Around, limits: Limits = defaultLimits): Logs {
  const secrets = createKnownSecrets(limits);
  const tail = new Tail(limits);
  return { meter: createMeter(limits), callIds: createCallIds(), startedAt: systemClock.now(), secrets, tail, log: createLog({ level: logLevel, write: writeLog, pretty, clock: systemClock, secrets, limits, keep: (line) => tail.add(line) }) };
}

/** The configuration to start with, and the log with the bounds that it sets; what is odd about it is the first that is in there. Throws ConfigFault. */
export async function loggedConfigOf(options: Around & ConfigSought): Promise<Logs & Pick<Ground, "config" | "hash">> {
  const { config, hash, warnings, path } = await configOf(options);
  const logs = logOf(options, config.limits);
  warn(warnings, path, logs.log);
  return { ...logs, config, hash };
}

/** The audit log; without it everything works but that something new is granted. */
export function auditOf({ log, secrets }: Pick<Ground, "log" | "secrets">, { stateDir }: Pick<Around, "stateDir">, { audit, limits }: Config): Audit {
  if (audit.file === null) return nullAudit;
  const path = resolve(stateDir, audit.file);
  const onTrouble = (why: Fault | null): void => {
    if (why === null) log.info("the audit log can be written again", { path });
    else log.error("the audit log cannot be written: nothing new is granted until it can", { path, reason: String(why.cause ?? why.message) });
  };
  return createAudit({ path, bytesMax: audit.bytesMax, filesMax: audit.filesMax, clock: systemClock, secrets, limits, life: randomBytes(lifeBytes).toString("hex"), onTrouble });
}

const lifeBytes = 5;

/** Where a configuration is looked for. */
type ConfigSought = Pick<ServeOptions, "configPath" | "env" | "demoArgv" | "strictSecrets">;

/** The file that was named, the default file, or the demonstration. */
async function configOf({ configPath, env, demoArgv, strictSecrets = false }: ConfigSought): Promise<Pick<Ground, "config" | "hash"> & { readonly warnings: readonly Issue[]; readonly path: string }> {
  const path = configPath ?? defaultConfigPath(env);
  if (configPath === null && !existsSync(path)) return { config: demoConfig(demoArgv), hash: null, warnings: [], path };
  const loaded = await loadConfig({ path, env, strictSecrets });
  if (!loaded.ok) throw new ConfigFault(path, loaded.issues);
  const { config, hash, warnings } = loaded;
  return { config, hash, warnings, path };
}

/** What is odd about a configuration that is used; servers that are put out are told of when it comes into place. */
export function warn(warnings: readonly Issue[], path: string, log: Log): void {
  for (const { server, message, line, column, hint, isGrave } of warnings) if (server === null) log[isGrave === true ? "error" : "warn"](`configuration: ${message}`, { path, line, column, hint });
}
