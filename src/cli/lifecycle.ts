/**
 * `serve --background`, `--status`, `--stop`, `--restart`: the server of a state folder as something that is there or not,
 * whoever started it. Each can be said twice, and comes to the same.
 */
import { resolve } from "node:path";
import { type Clock, defaultLimits, fault, fixedBounds, sleep } from "../base/index.ts";
import type { Report } from "../compose/index.ts";
import { type Presence, processLives, readOwner, readPresence } from "../config/index.ts";
import { ensureServer } from "./background.ts";
import { stateDirOf } from "./configPath.ts";
import { type Flag, flags, isFor, type LifecycleVerb, lifecycleVerbs } from "./flags.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { spanText } from "./print.ts";
import { createProgress, type Progress } from "./progress.ts";
import { serveLogPath, serveLogSince, serveLogSize } from "./serveLog.ts";
import { fallText, givenUpText, isOrphan, readSupervision, type Supervised } from "./supervision.ts";

/** Does it; gives the exit code. */
export function lifecycle(occasion: Occasion, verb: LifecycleVerb): Promise<number> {
  if (verb === "status") return status(occasion);
  if (verb === "stop") return stop(occasion);
  for (const name of ["stdio", "graceful-restart"]) if (occasion.given.has(name)) throw fault("USAGE", { detail: `--${name} does not go with --${verb}` });
  return verb === "restart" ? restart(occasion) : background(occasion);
}

// ---- how it is ----------------------------------------------------------------------------------------------------

/** The exit codes of `--status`, by what they mean. */
const codes = Object.freeze({ ready: 0, stopped: 3, "not-ready": 4, restarting: 5, "crash-loop": 6, orphaned: 7 });

interface Condition {
  readonly state: keyof typeof codes;
  /** The server's process; null: there is none. */
  readonly pid: number | null;
  readonly supervision: Supervised;
  readonly url: string | null;
  readonly ready: { readonly servers: number; readonly all: number } | null;
}

async function conditionOf(occasion: Occasion): Promise<Condition> {
  const stateDir = stateDirOf(occasion);
  const [supervision, owner] = await Promise.all([readSupervision(stateDir), readOwner(stateDir)]);
  const pid = owner?.pid ?? null;
  const asked = pid === null ? null : await askOperator<Report>(occasion, "GET", "/status", defaultLimits.aliveMsMax);
  const { url, report } = asked?.kind === "answer" ? { url: asked.server.url, report: asked.value } : { url: null, report: null };
  return { state: stateOf(supervision, pid, report?.phase ?? null), pid, supervision, url, ready: report === null ? null : readyOf(report) };
}

function stateOf(supervision: Supervised, pid: number | null, phase: Report["phase"] | null): Condition["state"] {
  const { supervisor } = supervision;
  if (supervisor !== null && supervision.phase !== "running") return supervision.phase;
  if (pid === null) return supervisor === null ? "stopped" : "not-ready";
  if (isOrphan(supervision, pid)) return "orphaned";
  return phase === "running" ? "ready" : "not-ready";
}

function readyOf({ servers }: Report): NonNullable<Condition["ready"]> {
  const meant = servers.filter(({ state }) => state !== "disabled");
  return { servers: meant.filter(({ healthy }) => healthy).length, all: meant.length };
}

async function status(occasion: Occasion): Promise<number> {
  const { stdout, settings } = occasion;
  const condition = await conditionOf(occasion);
  const code = codes[condition.state];
  const { state, pid, url, ready, supervision } = condition;
  const { supervisor, restarts, retryAt, lastExit } = supervision;
  const log = serveLogPath(stateDirOf(occasion));
  if (settings.json) stdout.write(`${JSON.stringify({ state, code, pid, url, servers: ready, supervisor, restarts, retryAt: retryAt === null ? null : new Date(retryAt).toISOString(), lastExit, log }, null, 2)}\n`);
  else stdout.write(`1mcp: ${sentences[state](condition, log, occasion.clock.now())}\n${readyText(ready)}`);
  return code;
}

const sentences: Readonly<Record<Condition["state"], (condition: Condition, log: string, now: number) => string>> = Object.freeze({
  ready: ({ pid, url }) => `ready: process ${pid}${url === null ? "" : ` at ${url}`}`,
  stopped: () => "not running; start it: 1mcp serve --background",
  "not-ready": ({ pid }, log) => `not ready yet, or not any more: process ${pid ?? "none"}; see ${log}`,
  restarting: (condition, log, now) => `restarting in ${spanText((condition.supervision.retryAt ?? now) - now)}, for the ${ordinal(condition.supervision.restarts)} time: ${fallText(condition.supervision)}; see ${log}`,
  "crash-loop": (condition, log) => `${givenUpText(condition.supervision)}; see ${log}, then: 1mcp serve --restart`,
  orphaned: ({ pid }) => `orphaned: process ${pid} runs, but its supervisor is gone; 1mcp serve --restart mends it`,
});

const readyText = (ready: Condition["ready"]): string => (ready === null ? "" : `Servers: ${ready.servers}/${ready.all} ready\n`);

const ordinal = (count: number): string => ["0th", "1st", "2nd", "3rd"][count] ?? `${count}th`;

// ---- starting -----------------------------------------------------------------------------------------------------

async function background(occasion: Occasion): Promise<number> {
  const condition = await conditionOf(occasion);
  if (condition.state === "ready" || condition.state === "orphaned") {
    const alone = condition.state === "orphaned" ? "1mcp: nobody starts it again when it falls, since its supervisor is gone; 1mcp serve --restart mends that\n" : "";
    occasion.stderr.write(`1mcp: it runs already, with the flags it was started with; --restart takes others\n${alone}${await greeting(occasion, await presenceOf(occasion))}`);
    return 0;
  }
  return start(occasion, serveFlags(occasion));
}

async function presenceOf(occasion: Occasion): Promise<Presence> {
  const presence = await readPresence(stateDirOf(occasion), occasion.clock);
  if (presence === null) throw fault("SERVER_AWAY");
  return presence;
}

async function start(occasion: Occasion, given: readonly string[]): Promise<number> {
  const { stderr, env, selfArgv, clock } = occasion;
  const stateDir = stateDirOf(occasion);
  const logged = await serveLogSize(stateDir);
  const progress = await progressOf(occasion, "starting the server");
  try {
    const presence = await ensureServer({ stateDir, selfArgv, flags: given, env, clock, msMax: fixedBounds.launchMsMax });
    await settled(occasion, progress);
    progress.end();
    stderr.write(await greeting(occasion, presence));
    return 0;
  } catch (thrown) {
    progress.end();
    stderr.write(logText(await serveLogSince(stateDir, logged)));
    throw thrown;
  } finally {
    progress.end();
  }
}

/** Waits a little until its servers are up, or known not to be. */
async function settled(occasion: Occasion, progress: Progress): Promise<void> {
  const { clock } = occasion;
  for (const until = clock.now() + defaultLimits.listWaitMsMax; clock.now() < until; await sleep(clock, settleLookMs)) {
    const asked = await askOperator<Report>(occasion, "GET", "/status", defaultLimits.aliveMsMax);
    const starting = asked.kind === "answer" ? asked.value.servers.filter(({ state, restarts }) => state === "starting" && restarts === 0) : [];
    if (asked.kind === "answer" && asked.value.phase === "running" && starting.length === 0) return;
    progress.say(starting.length === 0 ? "starting the server" : `starting ${starting.map(({ name }) => name).join(", ")}`);
  }
}

const settleLookMs = 100;

const logText = (lines: readonly string[]): string => lines.map((line) => `  | ${line}\n`).join("");

async function greeting(occasion: Occasion, { pid, url }: Presence): Promise<string> {
  const asked = await askOperator<Report>(occasion, "GET", "/status", defaultLimits.aliveMsMax);
  const ready = asked.kind === "answer" ? readyOf(asked.value) : null;
  // Who was started otherwise writes its log elsewhere.
  const { worker } = await readSupervision(stateDirOf(occasion));
  const [how, log] = worker === pid ? [" in the background", `  log: ${serveLogPath(stateDirOf(occasion))}\n`] : ["", ""];
  return `1mcp runs${how} as process ${pid}\n  url: ${url}\n${log}${readyText(ready)}`;
}

const paths: readonly string[] = Object.freeze(["config", "token-file", "operator-password-file"]);
const notPassed: readonly string[] = Object.freeze([...lifecycleVerbs, "state-dir", "json"]);

/** The flags for the server itself, in words that mean the same from any folder. */
function serveFlags({ given }: Occasion): string[] {
  const meant = flags.filter((flag) => given.has(flag.name) && isFor(flag, "serve") && !notPassed.includes(flag.name));
  return meant.flatMap((flag) => wordsOf(flag, given.get(flag.name) ?? ""));
}

function wordsOf({ name, value }: Flag, text: string): string[] {
  if (value === null) return [`--${name}`];
  return [`--${name}=${paths.includes(name) ? resolve(text) : text}`];
}

// ---- stopping -----------------------------------------------------------------------------------------------------

async function stop(occasion: Occasion): Promise<number> {
  const stopped = await ended(occasion);
  occasion.stderr.write(stopped === null ? "1mcp: nothing was running\n" : `1mcp: process ${stopped} has ended\n`);
  return 0;
}

async function restart(occasion: Occasion): Promise<number> {
  const before = await readSupervision(stateDirOf(occasion));
  const given = serveFlags(occasion);
  await ended(occasion);
  return start(occasion, given.length === 0 ? before.flags : given);
}

/** Ends whoever runs here, and gives who that was; null: nobody did. Throws SERVER_AWAY for one that does not end. */
async function ended(occasion: Occasion): Promise<number | null> {
  const { clock } = occasion;
  const stateDir = stateDirOf(occasion);
  const [{ supervisor }, owner] = await Promise.all([readSupervision(stateDir), readOwner(stateDir)]);
  // The supervisor first: it ends its server, and does not take that for a fall.
  const all = [supervisor, owner?.pid ?? null].filter((pid) => pid !== null);
  const [first] = all;
  if (first === undefined) return null;
  const progress = await progressOf(occasion, `process ${all.at(-1)} is ending its servers`);
  try {
    signalled(first, "SIGTERM");
    if (!(await areGone(all, clock, stopMsMax))) await killed(all, clock);
  } finally {
    progress.end();
  }
  return all.at(-1) ?? first;
}

const progressOf = async ({ stderr, clock, env }: Occasion, first: string): Promise<Progress> => createProgress({ stderr, clock, isTerminal: (await stderr.isTerminal()) && env["TERM"] !== "dumb" }, first);

/** Somebody else may have ended it a moment ago, which is all that is wanted. */
function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if (processLives(pid)) throw thrown;
  }
}

async function killed(pids: readonly number[], clock: Clock): Promise<void> {
  for (const pid of pids) signalled(pid, "SIGKILL");
  if (!(await areGone(pids, clock, killMsMax))) throw fault("SERVER_AWAY", { op: "stop", detail: `process ${pids.find(processLives)} does not end` });
}

// Longer than a shutdown may take.
const stopMsMax = 2 * defaultLimits.shutdownMsMax;
const killMsMax = 2_000;
const lookMs = 20;

async function areGone(pids: readonly number[], clock: Clock, msMax: number): Promise<boolean> {
  for (const until = clock.now() + msMax; pids.some(processLives); await sleep(clock, lookMs)) if (clock.now() >= until) return false;
  return true;
}
