/**
 * What `doctor` finds beside the configuration: the state folder and who may read it, the clock, the running server with
 * its supervisor and its servers, the port, and processes that a killed proxy has left.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { defaultLimits, faultOf, makePrivate, tryWriting } from "../base/index.ts";
import type { LoginInfo, Report } from "../compose/index.ts";
import { type Config, defaultListen, readOwner } from "../config/index.ts";
import { stateDirOf } from "./configPath.ts";
import { type Finding, wordOf } from "./finding.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { isOrphan, readSupervision, type Supervised } from "./supervision.ts";

/** Files of the state folder whose mode or time says something; absent ones are none of our business. */
const openBits = 0o077;
const aheadMsMax = 5 * 60 * 1000;
/** No clock that is right shows less: this program was not there then. */
const firstMoment = Date.UTC(2026, 0, 1);

/** Who may read the state folder, and whether the clock can be right. */
export async function folderFindings(occasion: Occasion): Promise<readonly Finding[]> {
  const stateDir = stateDirOf(occasion);
  const names = await readdir(stateDir).catch(() => []);
  const found = await Promise.all([stateDir, ...names.map((name) => join(stateDir, name))].map(async (path) => ({ path, stats: await lstat(path).catch(() => null) })));
  const findings: Finding[] = [];
  for (const { path, stats } of found) {
    // Where there are no such bits, everything looks open.
    if (stats === null || stats.isSymbolicLink() || stats.isSocket() || process.platform === "win32" || (stats.mode & openBits) === 0) continue;
    findings.push({ check: "permissions", level: "error", message: `${path} can be read or written by others`, mend: `chmod ${stats.isDirectory() ? "700" : "600"} ${wordOf(path)}`, fix: () => makePrivate(path).then(() => `${path} is closed to others`) });
  }
  const newest = Math.max(0, ...found.map(({ stats }) => stats?.mtimeMs ?? 0));
  return [...findings, ...(await writableFindings(stateDir)), ...clockFindings(occasion.clock.now(), newest)];
}

async function writableFindings(stateDir: string): Promise<Finding[]> {
  const found = await lstat(stateDir).catch(() => null);
  if (found === null || !found.isDirectory()) return [];
  return tryWriting(stateDir).then(
    () => [],
    (thrown: unknown) => [{ check: "permissions", level: "error", message: faultOf(thrown).message, mend: `ls -ld ${wordOf(stateDir)} && df ${wordOf(stateDir)}`, fix: null }],
  );
}

function clockFindings(now: number, newest: number): Finding[] {
  if (now >= firstMoment && newest <= now + aheadMsMax) return [];
  const why = now < firstMoment ? `it shows ${new Date(now).toISOString()}` : `the state folder has files from ${new Date(newest).toISOString()}, which is still to come`;
  return [{ check: "clock", level: "error", message: `the computer's clock is wrong: ${why}; logins and tokens end at the wrong time`, mend: clockMends[process.platform] ?? "sudo timedatectl set-ntp true", fix: null }];
}

const clockMends: Readonly<Partial<Record<NodeJS.Platform, string>>> = Object.freeze({ darwin: "sudo sntp -sS time.apple.com", win32: "w32tm /resync" });

/** The running server: its supervisor, its servers, its logins; where none runs, whether one could listen, and what an earlier one left. */
export async function runningFindings(occasion: Occasion, config: Config | null): Promise<readonly Finding[]> {
  const stateDir = stateDirOf(occasion);
  const [owner, supervision] = await Promise.all([readOwner(stateDir), readSupervision(stateDir)]);
  const supervised = supervisorFindings(supervision, owner?.pid ?? null);
  if (owner !== null) return [...supervised, ...(await askedFindings(occasion))];
  return [...supervised, ...(await orphanFindings(stateDir)), ...(await portFindings(occasion, config))];
}

function supervisorFindings(supervision: Supervised, pid: number | null): Finding[] {
  const { phase, supervisor, restarts, lastExit } = supervision;
  const mend = { check: "supervisor", mend: "1mcp serve --restart", fix: null } as const;
  if (phase === "crash-loop" && supervisor !== null) return [{ ...mend, level: "error", message: `the server in the background fell ${restarts + 1} times in a row and was given up: ${lastExit ?? "no word of why"}` }];
  return isOrphan(supervision, pid) ? [{ ...mend, level: "warning", message: `process ${pid} runs without its supervisor` }] : [];
}

async function askedFindings(occasion: Occasion): Promise<Finding[]> {
  const asked = await askOperator<Report>(occasion, "GET", "/status", defaultLimits.aliveMsMax);
  if (asked.kind !== "answer") return [{ check: "servers", level: "error", message: asked.kind === "silent" ? asked.why : "it has just ended", mend: "1mcp serve --restart", fix: null }];
  const logins = await askOperator<{ readonly logins: readonly LoginInfo[] }>(occasion, "GET", "/logins", defaultLimits.aliveMsMax);
  const known = logins.kind === "answer" ? logins.value.logins : [];
  return [...asked.value.servers.flatMap(serverFinding), ...known.flatMap((login) => loginFinding(login, occasion.clock.now()))];
}

function serverFinding({ name, state, healthy, reason, lastError }: Report["servers"][number]): Finding[] {
  if (healthy || state === "disabled" || state === "starting") return [];
  if (state === "needs-login") return [{ check: "logins", level: "error", message: `${name} wants a login`, mend: `1mcp auth login ${wordOf(name)}`, fix: null }];
  return [{ check: "servers", level: "error", message: `${name} is ${state}: ${reason ?? lastError?.message ?? "no word of why"}`, mend: `1mcp status ${wordOf(name)}`, fix: null }];
}

/** A login that has ended, or will and cannot be renewed. Of one that is asked for already the server's state says so. */
function loginFinding({ server, state, expiresAt, renews }: LoginInfo, now: number): Finding[] {
  if (state !== "logged-in" || renews || expiresAt === null || expiresAt > now) return [];
  return [{ check: "logins", level: "error", message: `the login at ${server} ended at ${new Date(expiresAt).toISOString()}`, mend: `1mcp auth login ${wordOf(server)}`, fix: null }];
}

async function orphanFindings(stateDir: string): Promise<Finding[]> {
  const { leftBehind, endLeftBehind } = await import("../compose/index.ts");
  const pids = await leftBehind(stateDir).catch(() => []);
  if (pids.length === 0) return [];
  return [{ check: "orphans", level: "error", message: `servers of a proxy that was killed still run: ${pids.map((pid) => `process ${pid}`).join(", ")}`, mend: "1mcp doctor --fix", fix: () => endLeftBehind(stateDir).then(() => "they were ended") }];
}

async function portFindings({ settings }: Occasion, config: Config | null): Promise<Finding[]> {
  const { listenerAt } = await import("../compose/index.ts");
  const { host, port } = whereOf(settings, config);
  const who = port === 0 ? "nobody" : await listenerAt(host, port, defaultLimits.aliveMsMax);
  if (who === "nobody") return [];
  return [{ check: "port", level: "error", message: `${who === "1mcp" ? "a 1mcp server of another state folder" : "another program"} listens on ${host}:${port}`, mend: `1mcp serve --port ${port + 1}`, fix: null }];
}

const whereOf = (settings: Occasion["settings"], config: Config | null) => ({ host: settings.host ?? config?.host ?? defaultListen.host, port: settings.port ?? config?.port ?? defaultListen.port });
