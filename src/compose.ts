/**
 * Puts the parts together, and is the only place that does: configuration, hub, backends, eras, guard and listener of
 * one running proxy. Nothing here decides anything that a room could decide.
 */
import { existsSync } from "node:fs";
import { createOpenGuard, createTokenGuard, stateKeys } from "./auth/index.ts";
import { createPool } from "./backend/index.ts";
import { createEgress, createKnownSecrets, createLog, ensurePrivateDir, Fault, faultOf, type KnownSecrets, type Limits, type Log, type LogLevelName, systemClock } from "./base/index.ts";
import { type Config, type ConfigWatch, defaultConfigPath, defaultListen, demoConfig, emptyConfig, type Issue, type Loaded, loadConfig, watchConfig } from "./config/index.ts";
import { createEras, type Eras } from "./era/index.ts";
import { createFront, type Front } from "./front/index.ts";
import { createHub, type Hub, type HubStatus } from "./hub/index.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface StartOptions {
  /** The configuration file that was asked for; null: the default place, or the demonstration when there is none. */
  readonly configPath: string | null;
  /** null: what the configuration says, or the default. */
  readonly host: string | null;
  readonly port: number | null;
  readonly stateDir: string;
  readonly logLevel: LogLevelName;
  readonly insecureNoAuth: boolean;
  /** For `${VAR}` in the configuration and for what children inherit. */
  readonly env: Env;
  /** How this program is started as the demonstration server: command and arguments. */
  readonly demoArgv: readonly string[];
  readonly version: string;
  /** Takes one finished log line without its line break. */
  readonly writeLog: (line: string) => void;
  /** Log lines for people rather than for programs. */
  readonly pretty: boolean;
}

/** A proxy that listens. */
export interface Running {
  /** The address of the endpoint that shows all servers. */
  readonly url: string;
  /** The file that holds the bearer token; null without authentication. */
  readonly tokenPath: string | null;
  /** The configuration file in use; null for the demonstration. */
  readonly configPath: string | null;
  /** Looks at the configuration again now; resolves when done. */
  reload(): Promise<void>;
  status(): HubStatus;
  /** Stops listening, drains, ends every child. Closing twice is fine. */
  close(): Promise<void>;
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

/** What is known before anything is built. */
interface Ground {
  readonly options: StartOptions;
  readonly log: Log;
  readonly secrets: KnownSecrets;
  readonly config: Config;
  readonly hash: string | null;
}

/** Starts a proxy and resolves when it listens; servers come up behind it. Throws ConfigFault and the Faults of listening and state. */
export async function start(options: StartOptions): Promise<Running> {
  const secrets = createKnownSecrets();
  const log = createLog({ level: options.logLevel, write: options.writeLog, pretty: options.pretty, clock: systemClock, secrets });
  const { config, hash } = await configOf(options, log);
  await ensurePrivateDir(options.stateDir);
  return assemble({ options, log, secrets, config, hash });
}

/** The configuration to start with: the file that was named, the default file, or the demonstration. */
async function configOf({ configPath, env, demoArgv }: StartOptions, log: Log): Promise<{ config: Config; hash: string | null }> {
  const path = configPath ?? defaultConfigPath(env);
  if (configPath === null && !existsSync(path)) return { config: demoConfig(demoArgv), hash: null };
  const loaded = await loadConfig({ path, env });
  if (!loaded.ok) throw new ConfigFault(path, loaded.issues);
  warn(loaded.warnings, path, log);
  return { config: loaded.config, hash: loaded.hash };
}

async function assemble(ground: Ground): Promise<Running> {
  const { options, config, log } = ground;
  const keys = await stateKeys({ stateDir: options.stateDir });
  const identity = { name: "1mcp", version: options.version };
  // The hub asks the eras for connections, and the eras ask the hub to serve: neither does so before both are here.
  let eras: Eras | null = null;
  const connect: Eras["connect"] = (wire, how) => (eras === null ? Promise.reject(new Error("not assembled yet")) : eras.connect(wire, how));
  const hub = createHub({
    createPool: (events) => createPool({ ...poolParts(ground), connect }, events),
    clock: systemClock,
    log,
    identity,
    cursorKey: keys.subkey("cursor"),
    empty: emptyConfig(),
  });
  // Whichever way this process ends, no server outlives it.
  const kill = (): void => hub.kill();
  process.on("exit", kill);
  eras = createEras({ serve: hub, clock: systemClock, limits: config.limits, log, identity, sealKey: keys.subkey("seal") });
  const front = await open(ground, hub, eras).catch(async (thrown: unknown) => {
    await hub.close(0);
    process.off("exit", kill);
    throw thrown;
  });
  return running(ground, { hub, eras, front: front.front, tokenPath: front.tokenPath, forget: () => void process.off("exit", kill) });
}

function poolParts({ options, config, log, secrets }: Ground) {
  return { clock: systemClock, limits: config.limits, log, secrets, env: options.env, stateDir: options.stateDir, egress: createEgress({ limits: config.limits, env: options.env }) };
}

async function open({ options, config, log }: Ground, hub: Hub, eras: Eras): Promise<{ front: Front; tokenPath: string | null }> {
  const guard = options.insecureNoAuth ? createOpenGuard() : await createTokenGuard({ stateDir: options.stateDir, log });
  const front = await createFront({
    listen: { host: options.host ?? config.host ?? defaultListen.host, port: options.port ?? config.port ?? defaultListen.port },
    eras,
    guard,
    publicUrl: config.publicUrl,
    allowedHosts: config.allowedHosts,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: config.trustedProxies,
    limits: config.limits,
    clock: systemClock,
    log,
    isReady: () => hub.status().generation > 0,
  });
  return { front, tokenPath: guard.tokenPath };
}

interface Parts {
  readonly hub: Hub;
  readonly eras: Eras;
  readonly front: Front;
  readonly tokenPath: string | null;
  /** Nothing is left that would have to be killed at the exit. */
  readonly forget: () => void;
}

async function running(ground: Ground, parts: Parts): Promise<Running> {
  const { config } = ground;
  await adopt(ground, parts.hub, config);
  let adopting: Promise<void> = Promise.resolve();
  const watch = await watched(ground, (path, loaded) => {
    adopting = take(ground, parts.hub, path, loaded);
  });
  let closing: Promise<void> | null = null;
  return {
    url: parts.front.url,
    tokenPath: parts.tokenPath,
    configPath: config.path,
    async reload() {
      await watch.poke();
      await adopting;
    },
    status: () => parts.hub.status(),
    close: () => (closing ??= end(parts, watch, config.limits)),
  };
}

/** Follows the file; the demonstration has none, until one appears at the default place. */
async function watched({ options, config, hash }: Ground, onChange: (path: string, loaded: Loaded) => void): Promise<ConfigWatch> {
  const path = config.path ?? defaultConfigPath(options.env);
  return watchConfig({
    path,
    quietMs: config.limits.reloadQuietMs,
    clock: systemClock,
    hash,
    load: () => loadConfig({ path, env: options.env }),
    onChange: (loaded) => onChange(path, loaded),
  });
}

async function take(ground: Ground, hub: Hub, path: string, loaded: Loaded): Promise<void> {
  if (!loaded.ok) return hub.reject(loaded.issues, path);
  warn(loaded.warnings, path, ground.log);
  warnOfRestart(ground, loaded.config);
  await adopt(ground, hub, loaded.config);
}

/** Puts a configuration in place; what goes wrong in doing so leaves the running one and is told. */
async function adopt({ log }: Ground, hub: Hub, config: Config): Promise<void> {
  await hub.propose(config).catch((thrown: unknown) => log.error("the configuration could not be put in place, the running one goes on", { reason: faultOf(thrown).message, path: config.path }));
}

/** What is odd about a configuration that is used; servers that are put out are told of when it comes into place. */
function warn(warnings: readonly Issue[], path: string, log: Log): void {
  for (const { server, message, line, column, hint } of warnings) if (server === null) log.warn(`configuration: ${message}`, { path, line, column, hint });
}

const restartKeys = Object.freeze(["host", "port", "publicUrl", "allowedHosts", "allowedOrigins", "trustedProxies", "limits"] as const);

/** What the listener was built with cannot change under it: said, never half applied. */
function warnOfRestart({ config: before, log }: Ground, next: Config): void {
  const changed = restartKeys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(next[key]));
  if (changed.length > 0) log.warn("a changed setting needs a restart", { keys: changed.join(", ") });
}

/**
 * In this order: nobody new; running calls drain; whoever still waits is told so, on whatever stream, and standing
 * streams end; children go. The door is cut last, and only if something of that hangs.
 */
async function end({ front, eras, hub, forget }: Parts, watch: ConfigWatch, limits: Limits): Promise<void> {
  watch.close();
  const shut = front.close(limits.shutdownMsMax * 2);
  await hub.drain(limits.shutdownMsMax);
  await eras.close();
  await Promise.all([shut, hub.close(0)]);
  forget();
}
