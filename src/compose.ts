/**
 * Puts the parts together, and is the only place that does: configuration, hub, backends, eras, guard and front of one
 * running proxy. There are three: one that listens, one that serves a single client on its pipes, and a bridge from such
 * a client to a proxy that listens. Nothing here decides anything that a room could decide.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Auth, type AuthOperator, createAuth, createRemoteLogins, type OAuthIn, operator, ownToken, type RemoteLogins, stateKeys } from "./auth/index.ts";
import { createPool, leftEarlier, reapEarlier } from "./backend/index.ts";
import { type Audit, type CallIds, createAudit, createCallIds, createEgress, createKnownSecrets, createLog, createMeter, defaultLimits, ensurePrivateDir, Fault, fault, faultOf, fingerprint, type KnownSecrets, type Limits, type Log, type LogLevelName, type Meter, nullAudit, nullLog, openExporting, routeConsole, sleep, systemClock, Tail } from "./base/index.ts";
import { announcePresence, type BackendSpec, bridgeConfig, bridgedName, type Claim, claimState, type Config, type ConfigWatch, type Context, defaultConfigPath, defaultListen, demoConfig, emptyConfig, type FollowedPresence, followPresence, type Issue, loadConfig, type Loaded, missingPreset, parseFilter, presencePath, reachable, reachConfig, readPresence, watchConfig } from "./config/index.ts";
import { inventoryOf, selectorOf } from "./catalog/index.ts";
import { createEras, type Eras, type OwnRequest } from "./era/index.ts";
import { type ByteSink, createFront, createStdioFront, definitionActions, explainActions, type Facts, loginActions, openOperator, type Operator, pinActions, serverActions, type Site, type StdioFront } from "./front/index.ts";
import { createHub, createMemory, createPinFiles, type Hub, type HubStatus, type McpHealth, type Memory, openTracing, patient, type Reloaded, reloadedOf, type Report, type Review, type ServerFacts, type Tracing, Trust } from "./hub/index.ts";
import type { Description, Outcome, Selection, Serve } from "./protocol/index.ts";

export type { AuthOperator, Decision, DeviceOffer, GrantInfo, LoginInfo, NewToken, PinnedClient, ShownClient, ShownRequest } from "./auth/index.ts";
export type { Reloaded, Report, Review, ServerFacts };
export type { TailLine } from "./base/index.ts";
export type { ToolFacts } from "./catalog/index.ts";

/** Where there is nothing to do. */
const nothing = (): Promise<void> => Promise.resolve();

type Env = Readonly<Record<string, string | undefined>>;

/** What every proxy is started with. */
export interface Around {
  readonly stateDir: string;
  readonly logLevel: LogLevelName;
  /** For `${VAR}` in the configuration and for what children inherit. */
  readonly env: Env;
  readonly version: string;
  /** Takes one finished log line without its line break. */
  readonly writeLog: (line: string) => void;
  /** Log lines for people rather than for programs. */
  readonly pretty: boolean;
}

/** What a proxy with servers of its own is started with. */
export interface ServeOptions extends Around {
  /** The configuration file that was asked for; null: the default place, or the demonstration when there is none. */
  readonly configPath: string | null;
  /** A configuration that holds secrets and that others can read is refused. Absent: it is used, and told of as an error. */
  readonly strictSecrets?: boolean;
  /** How this program is started as the demonstration server: command and arguments. */
  readonly demoArgv: readonly string[];
  /** How it is started as the watchdog, which ends the servers should this process be killed; null: it is not. */
  readonly watchdogArgv: readonly string[] | null;
  /** How it is started, to confine a server before it becomes that server's program; absent or null: servers are not confined. */
  readonly selfArgv?: readonly string[] | null;
  /** A tag expression, in canonical form, that narrows what every client sees; null, or absent: none does. */
  readonly filter?: string | null;
}

export interface StartOptions extends ServeOptions {
  /** null: what the configuration says, or the default. */
  readonly host: string | null;
  readonly port: number | null;
  readonly insecureNoAuth: boolean;
  /** The file that holds the operator's own token; null, or absent: it is made in the state folder. */
  readonly ownTokenFile?: string | null;
  /** The file that holds the password of the operator's pages; null, or absent: what the configuration says. */
  readonly operatorPasswordFile?: string | null;
  /** A successor may listen beside this one, as may any other program of the same user. Absent: no. */
  readonly sharePort?: boolean;
  /** The port to take where any free one will do: the predecessor's. */
  readonly freePort?: number;
  /** The state folder is taken from the server that owns it: this one is about to take over. Absent: it is left to its owner. */
  readonly takeover?: boolean;
}

/** The client of a proxy that does not listen. */
export interface Pipes {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: ByteSink;
}

export interface StdioOptions extends ServeOptions {
  readonly pipes: Pipes;
}

export interface BridgeOptions extends Around {
  readonly pipes: Pipes;
  /** The proxy to bridge to; null: the running one of the state folder, whichever that is at the moment. */
  readonly url: string | null;
  /** What it asks for; null: the token of the state folder, if it is this machine's proxy. */
  readonly token: string | null;
  /** A tag expression that narrows what the client sees of it; null, or absent: none does. */
  readonly filter?: string | null;
  /** The project that the client works in, whose templates run beside it; null, or absent: none do. */
  readonly project?: BridgedProject | null;
  /** How long its first handshake may take. */
  readonly timeoutMs: number;
  /** Somebody is starting it, so it is worth waiting for. */
  readonly starting: () => boolean;
  /** Something is asked of it, and it is not there. */
  readonly missed: () => void;
}

/** What the templates of a configuration are filled in with, and how what they start is confined and ended. */
export interface BridgedProject extends Pick<ServeOptions, "watchdogArgv" | "selfArgv"> {
  readonly configPath: string;
  readonly context: Context;
}

/** A proxy. */
export interface Running {
  /** The configuration file in use; null for the demonstration and for a bridge. */
  readonly configPath: string | null;
  /** Looks at the configuration again now; resolves when done, with what came of it. */
  reload(): Promise<Reloaded>;
  status(): HubStatus;
  /** Stops serving, drains for so long or as short as a shutdown may take, ends every child. Closing twice is fine. */
  close(drainMs?: number): Promise<void>;
}

/** A proxy that listens. */
export interface Listening extends Running {
  /** The address of the endpoint that shows all servers. */
  readonly url: string;
  /** The file that holds the bearer token; null without authentication. */
  readonly tokenPath: string | null;
  /** How callers are known. */
  readonly authMode: Auth["mode"];
  /** Who waits for a grant, and the operator's word about it. */
  readonly requests: Pick<AuthOperator, "waiting" | "decide">;
  /** Whether the door answers within `ms`. Never throws. */
  answers(ms: number): Promise<boolean>;
  /** A successor listens on the same port: leaves new connections to it, then closes as soon as the calls of the others have ended. */
  giveWay(): Promise<void>;
}

/** A proxy with one client on its pipes. */
export interface Piped extends Running {
  /** Resolves when the client has gone, with how. */
  readonly gone: Promise<string>;
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

interface Source {
  readonly path: string;
  load(): Promise<Loaded>;
}

/** Starts a proxy and resolves when it listens; servers come up behind it. Throws ConfigFault and the Faults of listening and state. */
export async function start(options: StartOptions): Promise<Listening> {
  const ground = await groundOf(options);
  assertSelectable(options, ground.config);
  // Who takes over owns the folder when it is there; if it does not get so far, the other one goes on as the owner.
  const claim = options.takeover === true ? null : await claimState({ stateDir: options.stateDir, clock: systemClock, takeover: false });
  try {
    return await listening(ground, options, claim);
  } catch (thrown) {
    await claim?.release();
    throw thrown;
  }
}

/** What narrows everybody's view must be there at the start; what becomes of it later is for the configuration to say. */
function assertSelectable({ filter }: Pick<ServeOptions, "filter">, { presets }: Config): void {
  const parsed = filter ? parseFilter(filter) : null;
  const missing = parsed?.ok === true ? missingPreset(parsed.query, presets) : null;
  if (missing !== null) throw fault("SELECTION_INVALID", { detail: `there is no preset “${missing}”`, hint: "the list `1mcp preset list` has what there is" });
}

async function listening(ground: Ground, options: StartOptions, claimed: Claim | null): Promise<Listening> {
  const core = await coreOf(ground);
  // Who takes over is asked from the first moment on what the other one was asked; else nobody waits for servers.
  if (options.takeover === true) await whole(core, () => warmed(ground, core));
  let reload = (): Promise<Reloaded> => Promise.reject(fault("SERVER_AWAY", { detail: "it is still starting" }));
  const { front, auth, announced, operator: door } = await whole(core, () => open(ground, options, core, () => reload()));
  const claim = claimed ?? (await claimState({ stateDir: options.stateDir, clock: systemClock, takeover: true }));
  const withdraw = async (): Promise<void> => {
    try {
      await announced.withdraw();
    } catch (thrown) {
      ground.log.warn("could not take back where it listens", { reason: faultOf(thrown).message });
    }
  };
  const stop = async (ms: number): Promise<void> => void (await Promise.all([withdraw(), front.close(ms)]));
  const leave = async (): Promise<void> => {
    await door?.close();
    core.logins.close();
    await auth.close();
    await claim.release();
  };
  if (options.takeover !== true) await adopt(ground, core, ground.config);
  const runs = await running(ground, { ...core, stop, leave });
  reload = () => runs.reload();
  const { limits } = ground.config;
  const giveWay = async (): Promise<void> => {
    await front.giveWay();
    await sleep(systemClock, limits.giveWayMs);
    await runs.close(limits.drainMsMax);
  };
  return { ...runs, url: front.url, tokenPath: auth.tokenPath, authMode: auth.mode, requests: auth.operator, giveWay, answers: asking(front.url, limits, ground.config.tls) };
}

/** Starts the servers and waits until each is ready or is known not to be soon, as for one that replaces another. */
async function warmed(ground: Ground, core: Core): Promise<void> {
  const { hub } = core;
  await adopt(ground, core, ground.config);
  const until = systemClock.now() + ground.config.limits.swapMsMax;
  while (systemClock.now() < until && hub.status().backends.some(({ state }) => state === "starting")) await sleep(systemClock, warmLookMs);
}

// Nothing announces that the last of them has settled.
const warmLookMs = 20;

function asking(url: string, limits: Limits, tls: Config["tls"]): (ms: number) => Promise<boolean> {
  // Never through a proxy: it is our own door.
  const egress = createEgress({ limits, env: {}, acceptsAnyone: true });
  // Without a certificate, which we have none of for ourselves, it answers by hanging up.
  const isRefusal = (thrown: unknown): boolean => tls?.requestCert === true && faultOf(thrown).code === "BACKEND_GONE";
  const health = new URL("/health/live", reachable(url)).href;
  return async (ms) => {
    const patience = new AbortController();
    const timer = systemClock.timer(ms, () => patience.abort());
    const asked = egress.send(health, { method: "GET", headers: {}, signal: patience.signal, backend: "self" });
    const status = await asked.then((reply) => reply.all(limits.excerptMax).then(() => reply.status)).catch((thrown: unknown) => (isRefusal(thrown) ? 200 : 0));
    timer.cancel();
    return status === 200;
  };
}

/** Serves one client on its pipes, without a listener. Throws ConfigFault and the Faults of the state folder. */
export async function startStdio(options: StdioOptions): Promise<Piped> {
  const ground = await groundOf(options);
  assertSelectable(options, ground.config);
  return piped(ground, await coreOf(ground), options.pipes, options.filter ? { server: null, filter: options.filter } : { server: null });
}

/** Bridges one client on its pipes to a proxy that listens, whether it does so now or later. Throws USAGE, STATE_UNSAFE. */
export async function startBridge(options: BridgeOptions): Promise<Piped> {
  const { url, stateDir } = options;
  const followed = followPresence(stateDir, systemClock);
  const logs = logOf(options);
  const source = { path: presencePath(stateDir), load: (): Promise<Loaded> => bridged(options, followed, logs.log).then((found) => ({ ok: true, ...found, warnings: [] }), unusable) };
  const found = await bridged(options, followed, logs.log);
  const admits = url === null ? (to: string) => followed.admits(to) : null;
  // Whoever is bridged decides nothing about anybody.
  // Whose servers all run at the other end has nothing to confine or to end.
  const { watchdogArgv = null, selfArgv = null } = found.isAlone ? {} : (options.project ?? {});
  const ground = { ...logs, audit: nullAudit, options, ...found, watchdogArgv, selfArgv, source: url === null ? source : null, admits };
  const { limits } = found.config;
  let look = nothing;
  const bridge = (hub: Hub): Serve => patient(hub, { server: bridgedName, clock: systemClock, firstMs: options.timeoutMs, awayMs: limits.awayMsMax, starting: options.starting, look: () => void look() });
  // What is sealed here is for a client that goes when this process goes.
  const keys = { cursor: randomBytes(32), seal: randomBytes(32) };
  const bridging = await piped(ground, build(ground, keys, bridge, { memory: null, trust: null, logins: null, spans: { tracing: await openTracing(null), flush: nothing } }), options.pipes, { server: found.isAlone ? bridgedName : null });
  look = async () => {
    options.missed();
    void bridging.reload();
  };
  // One may have announced itself since it was looked for first.
  void bridging.reload();
  return bridging;
}

/** How a command of ours reaches a proxy that listens. */
export interface ReachOptions extends Pick<BridgeOptions, "stateDir" | "env" | "version" | "url" | "token" | "filter" | "timeoutMs"> {}

/** A proxy that listens, for a command that asks it this or that. */
export interface Reached {
  /** Its servers. Throws SERVER_AWAY, and TOKEN_INVALID or SCOPE_MISSING where the token does not open that. */
  servers(): Promise<readonly ServerFacts[]>;
  /** Asks these servers from now on; whoever was asked before is not any more. Throws USAGE for a URL that is none. */
  ask(names: readonly string[]): Promise<Asking>;
  close(): Promise<void>;
}

/** Some servers of it, each as it is by itself. */
export interface Asking {
  describe(server: string): Promise<Description>;
  /** Makes one call and follows it to its end. Never throws for an expected failure. */
  call(server: string, request: Omit<OwnRequest, "principal" | "selection">): Promise<Outcome>;
}

/** Finds the running proxy, and asks it nothing yet. Throws SERVER_AWAY where none runs, STATE_UNSAFE, USAGE. */
export async function reach(options: ReachOptions): Promise<Reached> {
  const { url, stateDir, token: given } = options;
  const found = url ?? (await readPresence(stateDir, systemClock))?.url ?? null;
  if (found === null) throw fault("SERVER_AWAY", { hint: "start one with `1mcp serve`, or `1mcp serve --background`" });
  const token = given ?? (url === null || isLocal(url) ? await ownToken(stateDir) : null);
  const asked = new Set<Core>();
  return {
    servers: () => serversAt(found, token, options),
    async ask(names) {
      const urls = Object.fromEntries(names.map((name) => [name, serverUrl(found, name, options.filter)]));
      const core = await reaching(options, reachConfig(urls, { token, timeoutMs: options.timeoutMs }));
      asked.add(core);
      const { hub, eras } = core;
      return {
        describe: (server) => hub.describe(operator, { server }),
        call: (server, request) => eras.call({ ...request, principal: operator, selection: { server } }),
      };
    },
    async close() {
      for (const { eras, hub, forget } of asked) {
        await eras.close();
        await hub.close(0);
        forget();
      }
      asked.clear();
    },
  };
}

async function reaching(options: ReachOptions, config: Config): Promise<Core> {
  const around: Around = { ...options, logLevel: "error", pretty: false, writeLog: () => undefined };
  const ground: Ground = { ...logOf(around), audit: nullAudit, options: around, config, hash: null, watchdogArgv: null, selfArgv: null, source: null, admits: null };
  const core = build(ground, { cursor: randomBytes(32), seal: randomBytes(32) }, (hub) => hub, { memory: null, trust: null, logins: null, spans: { tracing: await openTracing(null), flush: nothing } });
  await adopt(ground, core, config);
  return core;
}

/** One server's own endpoint, beside the one for all that is known. */
function serverUrl(url: string, server: string, filter: string | null | undefined): string {
  const parsed = new URL(url);
  parsed.pathname = `/mcp/${encodeURIComponent(server)}`;
  return narrowedUrl(parsed.href, filter);
}

async function serversAt(url: string, token: string | null, { env, timeoutMs }: ReachOptions): Promise<readonly ServerFacts[]> {
  const egress = createEgress({ limits: defaultLimits, env });
  const patience = new AbortController();
  const timer = systemClock.timer(timeoutMs, () => patience.abort());
  try {
    const headers: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };
    const reply = await egress.send(new URL("/health/mcp", url).href, { method: "GET", headers, signal: patience.signal, backend: "1mcp" });
    const body = new TextDecoder().decode(await reply.all(defaultLimits.messageBytesMax));
    if (reply.status === 401) throw fault(token === null ? "TOKEN_MISSING" : "TOKEN_INVALID", { hint: "give the token in ONE_MCP_TOKEN or --token-file" });
    if (reply.status === 403) throw fault("SCOPE_MISSING", { detail: "to see its servers" });
    if (reply.status !== 200 && reply.status !== 202) throw fault("SERVER_AWAY", { detail: `it answers with status ${reply.status}` });
    return Object.values((JSON.parse(body) as McpHealth).servers.details);
  } catch (thrown) {
    throw awayOf(thrown);
  } finally {
    timer.cancel();
  }
}

const notThere: readonly string[] = Object.freeze(["BACKEND_DOWN", "BACKEND_GONE", "BACKEND_REFUSED", "CALL_CANCELLED", "INTERNAL"]);

/** Whatever keeps somebody from answering means that there is nobody to ask. */
function awayOf(thrown: unknown): Fault {
  const why = faultOf(thrown);
  return notThere.includes(why.code) ? fault("SERVER_AWAY", { detail: why.message, cause: thrown }) : why;
}

/** The proxy at the other end of a bridge, as a configuration. */
async function bridged(options: BridgeOptions, followed: FollowedPresence, log: Log): Promise<{ readonly config: Config; readonly hash: string; readonly isAlone: boolean }> {
  const { url, token, stateDir, timeoutMs, filter } = options;
  const found = url ?? (await followed.find())?.url ?? null;
  // The token opens this machine's proxy; no other address gets to see it unless told so.
  const own = token ?? (found !== null && (url === null || isLocal(url)) ? await ownToken(stateDir) : null);
  const beside = await filledIn(options, log);
  const config = bridgeConfig(found === null ? null : { url: narrowedUrl(found, filter), token: own, timeoutMs }, beside);
  return { config, hash: fingerprint([found, own, beside.map((spec) => spec.fingerprint)]), isAlone: beside.length === 0 };
}

/**
 * The project's own servers. They run here and not at the other end, so that what a project says of itself leaves this
 * process for nobody but the servers whose templates ask for it. A configuration that cannot be used takes nobody the bridge.
 */
async function filledIn({ project = null, filter, env }: BridgeOptions, log: Log): Promise<readonly BackendSpec[]> {
  if (project === null || !existsSync(project.configPath)) return [];
  const loaded = await loadConfig({ path: project.configPath, env, context: project.context });
  if (!loaded.ok) {
    log.warn("templates do not run: the configuration cannot be used", { path: project.configPath, issues: loaded.issues.length });
    return [];
  }
  const { backends, presets } = loaded.config;
  const selects = filter ? selectorOf(filter, presets) : () => true;
  return backends.filter((spec) => spec.isFilled === true && !spec.disabled && selects({ name: spec.name, tags: spec.tags, info: null, own: nothingYet }));
}

const nothingYet = Object.freeze({ tools: [], prompts: [], resources: [], templates: [] });

/** The address with a query that selects; one that it has already stays, and the other end says so if there are two. */
function narrowedUrl(url: string, filter: string | null | undefined): string {
  const parsed = filter ? URL.parse(url) : null;
  parsed?.searchParams.append("filter", filter ?? "");
  return parsed?.href ?? url;
}

// What was found by itself may become unusable while we run, and usable again.
const unusable = (thrown: unknown): Loaded => ({ ok: false, hash: null, issues: [{ path: [], line: 0, column: 0, message: faultOf(thrown).message, hint: null, server: null }] });

const isLocal = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(URL.parse(url)?.hostname ?? "");

const logOf = ({ logLevel, writeLog, pretty }: Around): Pick<Ground, "log" | "secrets" | "tail" | "meter" | "callIds" | "startedAt"> => {
  const secrets = createKnownSecrets();
  const tail = new Tail(defaultLimits);
  return { meter: createMeter(defaultLimits), callIds: createCallIds(), startedAt: systemClock.now(), secrets, tail, log: createLog({ level: logLevel, write: writeLog, pretty, clock: systemClock, secrets, keep: (line) => tail.add(line) }) };
};

async function groundOf(options: ServeOptions): Promise<Ground> {
  const logs = logOf(options);
  const { config, hash } = await configOf(options, logs.log);
  await ensurePrivateDir(options.stateDir);
  // The demonstration has no file, until one appears at the default place.
  const path = config.path ?? defaultConfigPath(options.env);
  return { ...logs, audit: auditOf(logs, options, config), options, config, hash, watchdogArgv: options.watchdogArgv, selfArgv: options.selfArgv ?? null, source: { path, load: () => loadConfig({ path, env: options.env, strictSecrets: options.strictSecrets ?? false }) }, admits: null };
}

/** The audit log; without it everything works but that something new is granted. */
function auditOf({ log, secrets }: Pick<Ground, "log" | "secrets">, { stateDir }: Pick<Around, "stateDir">, { audit, limits }: Config): Audit {
  if (audit.file === null) return nullAudit;
  const path = resolve(stateDir, audit.file);
  const onTrouble = (why: Fault | null): void => {
    if (why === null) log.info("the audit log can be written again", { path });
    else log.error("the audit log cannot be written: nothing new is granted until it can", { path, reason: String(why.cause ?? why.message) });
  };
  return createAudit({ path, bytesMax: audit.bytesMax, filesMax: audit.filesMax, clock: systemClock, secrets, limits, life: randomBytes(lifeBytes).toString("hex"), onTrouble });
}

const lifeBytes = 5;

/** The configuration to start with: the file that was named, the default file, or the demonstration. */
async function configOf({ configPath, env, demoArgv, strictSecrets = false }: Pick<ServeOptions, "configPath" | "env" | "demoArgv" | "strictSecrets">, log: Log): Promise<{ config: Config; hash: string | null }> {
  const path = configPath ?? defaultConfigPath(env);
  if (configPath === null && !existsSync(path)) return { config: demoConfig(demoArgv), hash: null };
  const loaded = await loadConfig({ path, env, strictSecrets });
  if (!loaded.ok) throw new ConfigFault(path, loaded.issues);
  warn(loaded.warnings, path, log);
  return { config: loaded.config, hash: loaded.hash };
}

interface Spans {
  readonly tracing: Tracing;
  readonly flush: () => Promise<void>;
}

/** What every proxy has, whatever its front. */
interface Core {
  readonly hub: Hub;
  readonly eras: Eras;
  readonly audit: Audit;
  /** Logins at remote servers; null: there are none to be had. */
  readonly logins: RemoteLogins | null;
  /** Nothing is left that would have to be killed at the exit, or that would say anything. */
  readonly forget: () => void;
  /** Sends the spans that are left. */
  readonly flush: () => Promise<void>;
}

/** What one has that has servers of its own. */
interface OwnCore extends Core {
  readonly logins: RemoteLogins;
}

/** What a proxy has that has servers of its own, null for a bridge; and where its spans go. */
interface Own {
  readonly memory: Memory | null;
  readonly trust: Trust | null;
  readonly logins: RemoteLogins | null;
  readonly spans: Spans;
}

function trustOf({ options, config, log, audit }: Pick<Ground, "options" | "config" | "log" | "audit">): Trust {
  const { limits } = config;
  return new Trust({ files: createPinFiles({ stateDir: options.stateDir, log, limits }), log, audit, limits });
}

/** What was trusted of servers, where no proxy runs. */
export interface PinsAtRest extends Pick<Hub, "review" | "trust"> {
  close(): Promise<void>;
}

/** Looks at the files of a proxy that does not run: what its servers offered last, and what was trusted of that. Throws ConfigFault. */
export async function pinsAtRest(options: Around & { readonly configPath: string }): Promise<PinsAtRest> {
  const logs = logOf(options);
  const { config } = await configOf({ ...options, demoArgv: ["1mcp"] }, logs.log);
  const audit = auditOf(logs, options, config);
  const { stateDir } = options;
  const memory = createMemory({ stateDir, clock: systemClock, log: logs.log, limits: config.limits });
  const trust = trustOf({ options, config, log: logs.log, audit });
  await Promise.all([memory.recall(config), trust.recall(config)]);
  for (const spec of config.backends) {
    const offered = memory.of(spec);
    if (offered !== null) trust.withheld(spec, inventoryOf(offered, config.limits));
  }
  return {
    review: (server) => trust.review(server),
    trust: (server, digest) => trust.accept(server, digest),
    async close() {
      await trust.close();
      await audit.close();
    },
  };
}

/** Processes of servers whose proxy was killed. Throws where the system does not tell who runs. */
export const leftBehind = (stateDir: string): Promise<readonly number[]> => leftEarlier(stateDir);

/** Ends them, as the next start would. Never throws. */
export const endLeftBehind = (stateDir: string): Promise<void> => reapEarlier({ stateDir, clock: systemClock, limits: defaultLimits, log: nullLog });

/** Who answers at an address of this computer: nobody, a proxy of our kind, or some other program. Never throws. */
export async function listenerAt(host: string, port: number, msMax: number): Promise<"nobody" | "1mcp" | "other"> {
  const egress = createEgress({ limits: defaultLimits, env: {}, acceptsAnyone: true });
  const patience = new AbortController();
  const timer = systemClock.timer(msMax, () => patience.abort());
  try {
    const url = reachable(`http://${host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host}:${port}/health/live`);
    const reply = await egress.send(url, { method: "GET", headers: {}, signal: patience.signal, backend: "1mcp" });
    const body = new TextDecoder().decode(await reply.all(defaultLimits.excerptMax));
    return body === '{"status":"ok"}' ? "1mcp" : "other";
  } catch (thrown) {
    // Whoever takes a connection and then says nothing that we read is somebody all the same.
    return faultOf(thrown).code === "BACKEND_DOWN" ? "nobody" : "other";
  } finally {
    timer.cancel();
  }
}

/** Grants, where no proxy runs. */
export interface GrantsAtRest {
  readonly operator: AuthOperator;
  close(): Promise<void>;
}

/** Opens the grants of a proxy that does not run; a configuration that cannot be used is left aside. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function grantsAtRest(options: Around & { readonly configPath: string | null }): Promise<GrantsAtRest> {
  const logs = logOf(options);
  // Who has to end a grant now cannot wait until everything else is in order.
  const { config } = await configOf({ ...options, demoArgv: ["1mcp"] }, logs.log).catch((thrown: unknown) => {
    if (thrown instanceof ConfigFault) return { config: emptyConfig() };
    throw thrown;
  });
  const audit = auditOf(logs, options, config);
  const auth = await authOf({ ...logs, config, audit, options }, { ...options, insecureNoAuth: false }, { hub: { grantable: () => [] } }, () => "http://127.0.0.1");
  return {
    operator: auth.operator,
    async close() {
      await auth.close();
      await audit.close();
    },
  };
}

async function coreOf(ground: Ground): Promise<OwnCore> {
  const keys = await stateKeys({ stateDir: ground.options.stateDir });
  void reapEarlier({ stateDir: ground.options.stateDir, clock: systemClock, limits: ground.config.limits, log: ground.log });
  const { log, config, options } = ground;
  const memory = createMemory({ stateDir: options.stateDir, clock: systemClock, log, limits: config.limits });
  const logins = await createRemoteLogins({ ...poolParts(ground), audit: ground.audit, key: keys.subkey("south") });
  const own = { memory, trust: trustOf(ground), logins, spans: await exportingOf(ground) };
  return { ...build(ground, { cursor: keys.subkey("cursor"), seal: keys.subkey("seal") }, (hub) => hub, own), logins };
}

async function exportingOf(ground: Ground): Promise<Spans> {
  const { options, config } = ground;
  const exporting = await openExporting({ ...ground, env: options.env, version: options.version, clock: systemClock, limits: config.limits, egress: createEgress({ limits: config.limits, env: options.env }) });
  return { tracing: await openTracing(exporting), flush: async () => exporting?.close() };
}

function build(ground: Ground, keys: { readonly cursor: Uint8Array; readonly seal: Uint8Array }, serveOf: (hub: Hub) => Serve, { memory, trust, logins, spans: { tracing, flush } }: Own): Core {
  const { options, config, log, meter, callIds, audit } = ground;
  const identity = { name: "1mcp", version: options.version };
  // The hub asks the eras for connections, and the eras ask the hub to serve: neither does so before both are here.
  let eras: Eras | null = null;
  const connect: Eras["connect"] = (wire, how) => (eras === null ? Promise.reject(new Error("not assembled yet")) : eras.connect(wire, how));
  const hub = createHub({
    createPool: (events) => tracing.pool(createPool({ ...poolParts(ground), connect, remembered: (spec) => memory?.of(spec) ?? null, loginOf: (spec, owner) => logins?.of(spec, owner) ?? null }, events)),
    memory,
    trust,
    meter,
    audit,
    auditCalls: config.audit.calls,
    clock: systemClock,
    log,
    identity,
    cursorKey: keys.cursor,
    // A URL may name a preset as soon as the door is open.
    empty: Object.freeze({ ...emptyConfig(), presets: config.presets }),
  });
  // Whichever way this process ends, no server outlives it.
  const kill = (): void => hub.kill();
  process.on("exit", kill);
  const unroute = routeConsole({ log, clock: systemClock, limits: config.limits });
  const forget = (): void => {
    process.off("exit", kill);
    unroute();
  };
  eras = createEras({ serve: tracing.serve(serveOf(hub)), clock: systemClock, limits: config.limits, log, identity, sealKey: keys.seal, callIds, clientEra: config.clientEra });
  return { hub, eras, audit, logins, flush, forget };
}

function poolParts({ options, config, log, secrets, watchdogArgv, selfArgv, admits }: Ground) {
  const egress = createEgress({ limits: config.limits, env: options.env, admits });
  return { clock: systemClock, limits: config.limits, log, secrets, env: options.env, stateDir: options.stateDir, watchdogArgv, selfArgv, egress };
}

/** The front, or nothing at all. */
async function whole<T>({ hub, audit, forget }: Core, opened: () => Promise<T>): Promise<T> {
  return Promise.try(opened).catch(async (thrown: unknown) => {
    await hub.close(0);
    forget();
    await audit.close();
    throw thrown;
  });
}

async function open(ground: Ground, options: StartOptions, core: OwnCore, reload: () => Promise<Reloaded>) {
  const { config, log, meter } = ground;
  const { eras } = core;
  let listens = "";
  const auth = await authOf(ground, options, core, () => listens);
  const facts = factsOf(ground, core, auth.mode !== "none");
  const front = await createFront({
    ...whereOf(options, config),
    eras,
    clientEra: config.clientEra,
    auth,
    sites: [loginSite(core.logins, auth)],
    publicUrl: config.publicUrl,
    allowedHosts: config.allowedHosts,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: config.trustedProxies,
    presets: { has: (name) => core.hub.presets().has(name) },
    filter: options.filter ?? undefined,
    tls: config.tls,
    limits: config.limits,
    clock: systemClock,
    log,
    audit: ground.audit,
    facts,
    meter,
  }).catch(async (thrown: unknown) => {
    await auth.close();
    throw thrown;
  });
  listens = front.url;
  core.logins.serveAt(new URL(config.publicUrl ?? front.url).origin);
  auth.onEnded((ids) => void core.logins.forget(ids));
  const door = await operatorOf(ground, facts, { auth, hub: core.hub, logins: core.logins }, reload);
  const announced = await announcePresence(options.stateDir, { url: front.url, version: options.version, operator: door?.path ?? null }, systemClock).catch(async (thrown: unknown) => {
    await Promise.all([front.close(0), door?.close(), auth.close()]);
    throw thrown;
  });
  return { front, auth, announced, operator: door };
}

const whereOf = ({ host, port, freePort = 0, sharePort = false }: StartOptions, config: Config) => ({
  listen: { host: host ?? config.host ?? defaultListen.host, port: (port ?? config.port ?? defaultListen.port) || freePort },
  sharePort,
});

/** Who calls us: everybody for the asking, or whoever shows what was granted. */
function authOf({ config, log, audit, options: { env } }: Pick<Ground, "config" | "log" | "audit"> & { readonly options: Pick<Around, "env"> }, options: Pick<StartOptions, "stateDir" | "insecureNoAuth" | "ownTokenFile" | "operatorPasswordFile">, { hub }: { readonly hub: Pick<Hub, "grantable"> }, listenUrl: () => string): Promise<Auth> {
  const { limits, publicUrl, allowedHosts } = config;
  const egress = createEgress({ limits, env });
  return createAuth({
    stateDir: options.stateDir,
    mode: options.insecureNoAuth ? "none" : config.auth.mode,
    ownTokenFile: options.ownTokenFile ?? null,
    config: { ...config.auth, operatorPasswordFile: options.operatorPasswordFile ?? config.auth.operatorPasswordFile },
    reached: { publicUrl, allowedHosts, listenUrl },
    endpoints: ["/mcp", "/sse"],
    scopesOf: () => hub.grantable(),
    clock: systemClock,
    random: (bytes) => randomBytes(bytes),
    log,
    limits,
    egress,
    audit,
  });
}

/** The pages on which somebody logs in at a remote server; the operator's browser may do so for everybody. */
function loginSite(logins: RemoteLogins, auth: Auth): Site {
  const isOperator = (request: OAuthIn): boolean => auth.isOperator(request.header("cookie"));
  const mayActFor = (request: OAuthIn, owner: string): boolean => isOperator(request) || auth.personIn(request.header("cookie")) === owner;
  const introduction = (request: OAuthIn): string | null => (auth.takesPeople && auth.personIn(request.header("cookie")) === null ? `/sign-in?next=${encodeURIComponent(`${request.path}?${request.query}`)}` : null);
  return { paths: logins.paths, handle: (request) => logins.handle(request, { isOperator, mayActFor, introduction }) };
}

const factsOf = ({ options, meter, callIds, startedAt }: Ground, { hub, eras }: Core, isGuarded: boolean): Facts => ({
  status: () => hub.status(),
  about: () => ({ version: options.version, startedAt, clients: eras.status(), isGuarded }),
  numbers: (format) => meter.text(format, callIds.textOf),
});

/** The operator's door. Without it everything else still works, so that it cannot be opened is told, and no more. */
function operatorOf({ options, log, tail }: Ground, facts: Facts, { auth, hub, logins }: { readonly auth: Auth; readonly hub: Hub; readonly logins: RemoteLogins }, reload: () => Promise<Reloaded>): Promise<Operator | null> {
  return openOperator({ stateDir: options.stateDir, facts, auth: auth.operator, actions: [...loginActions(logins), ...pinActions(hub), ...explainActions(hub), ...definitionActions(hub), ...serverActions(hub, tail, systemClock)], clock: systemClock, log, reload }).catch((thrown: unknown) => {
    log.warn("the operator's socket cannot be opened: `1mcp status` and `1mcp config reload` do without it", { reason: String(faultOf(thrown).cause ?? faultOf(thrown).message) });
    return null;
  });
}

async function piped(ground: Ground, core: Core, { input, output }: Pipes, selection: Selection): Promise<Piped> {
  const { log, config } = ground;
  const { limits } = config;
  let front: StdioFront | null = null;
  // What the end of the program says to the client must get out first, if the client reads it.
  const leave = (): Promise<void> => Promise.race([front?.close(), sleep(systemClock, limits.farewellMs)]);
  await adopt(ground, core, config);
  const runs = await running(ground, { ...core, stop: nothing, leave });
  front = createStdioFront({ input, output, open: (send) => core.eras.stdio({ principal: operator, selection, send }), clock: systemClock, limits, log });
  void front.gone.then((how) => log.info("the client has gone", { how }));
  return { ...runs, gone: front.gone };
}

interface Parts extends Core {
  /** Lets nobody new in, and waits at most this long for answers that are due. */
  readonly stop: (ms: number) => Promise<void>;
  /** The last thing, after everything has been said. */
  readonly leave: () => Promise<void>;
}

async function running(ground: Ground, parts: Parts): Promise<Running> {
  const { audit, config, options } = ground;
  audit.record({ ev: "start", result: options.version });
  let adopting: Promise<Adopted> = Promise.resolve({ restart: [], reason: null });
  const watch = await watched(ground, (path, loaded) => {
    adopting = take(ground, parts, path, loaded);
  });
  let closing: Promise<void> | null = null;
  return {
    configPath: config.path,
    async reload() {
      const before = parts.hub.status();
      await watch?.poke();
      const adopted = await adopting;
      return reloadedOf(before, parts.hub.status(), adopted);
    },
    status: () => parts.hub.status(),
    close: (drainMs = config.limits.shutdownMsMax) => (closing ??= end(parts, watch, drainMs, config.limits).finally(() => ended(ground.audit))),
  };
}

/** Follows what the configuration comes from. */
async function watched({ config, hash, source }: Ground, onChange: (path: string, loaded: Loaded) => void): Promise<ConfigWatch | null> {
  if (source === null) return null;
  const { path, load } = source;
  return watchConfig({ path, quietMs: config.limits.reloadQuietMs, clock: systemClock, hash, load, onChange: (loaded) => onChange(path, loaded) });
}

type Adopted = Pick<Reloaded, "restart" | "reason">;

async function take(ground: Ground, core: Core, path: string, loaded: Loaded): Promise<Adopted> {
  if (!loaded.ok) {
    core.hub.reject(loaded.issues, path);
    return { restart: [], reason: null };
  }
  warn(loaded.warnings, path, ground.log);
  const restart = warnOfRestart(ground, loaded.config);
  return { restart, reason: await adopt(ground, core, loaded.config) };
}

/** Puts a configuration in place; what goes wrong in doing so leaves the running one, is told, and is given. */
async function adopt({ log }: Ground, { hub, logins }: Pick<Core, "hub" | "logins">, config: Config): Promise<string | null> {
  logins?.adopt(config.backends);
  try {
    await hub.propose(config);
    return null;
  } catch (thrown) {
    const reason = faultOf(thrown).message;
    log.error("the configuration could not be put in place, the running one goes on", { reason, path: config.path });
    return reason;
  }
}

/** What is odd about a configuration that is used; servers that are put out are told of when it comes into place. */
function warn(warnings: readonly Issue[], path: string, log: Log): void {
  for (const { server, message, line, column, hint, isGrave } of warnings) if (server === null) log[isGrave === true ? "error" : "warn"](`configuration: ${message}`, { path, line, column, hint });
}

const restartKeys = Object.freeze(["host", "port", "publicUrl", "allowedHosts", "allowedOrigins", "trustedProxies", "tls", "clientEra", "audit", "limits", "auth"] as const);

/** What the listener and the guard of the door were built with cannot change under them: said, never half applied. */
function warnOfRestart({ config: before, log }: Ground, next: Config): readonly string[] {
  const changed = restartKeys.filter((key) => JSON.stringify(builtWith(before, key)) !== JSON.stringify(builtWith(next, key)));
  if (changed.length > 0) log.warn("a changed setting needs a restart", { keys: changed.join(", ") });
  return changed;
}

// How a call beyond its grant is answered is the hub's business, which takes it over at once.
const builtWith = (config: Config, key: (typeof restartKeys)[number]): unknown => (key === "auth" ? { ...config.auth, stepUp: null } : config[key]);

async function ended(audit: Audit): Promise<void> {
  audit.record({ ev: "stop" });
  await audit.close();
}

/**
 * In this order: nobody new; running calls drain; whoever still waits is told so, on whatever stream, and standing
 * streams end; children go. The door is cut last, and only if something of that hangs.
 */
async function end({ stop, leave, eras, hub, forget, flush }: Parts, watch: ConfigWatch | null, drainMs: number, { farewellMs }: Limits): Promise<void> {
  watch?.close();
  const shut = stop(drainMs + farewellMs);
  eras.retire();
  await hub.drain(drainMs);
  await eras.close();
  await Promise.all([shut, hub.close(0)]);
  forget();
  await flush();
  await leave();
}
