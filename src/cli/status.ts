/**
 * `status`: how the running server is, and its servers. A table for a person; in a pipe the same rows with a tab between
 * their fields; with `--json` everything, as the server tells it.
 */
import { defaultLimits, escapeControls, fault, nearestOf } from "../base/index.ts";
import type { Report } from "../compose/index.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { issueText, spanText } from "./print.ts";
import { tableText } from "./table.ts";

/** Exit codes beside 0, 1 and 2, as `serve --status` has them elsewhere. */
const notRunning = 3;
const notReady = 4;

type ServerReport = Report["servers"][number];

/** Gives 0 when ready, 3 when there is no server, 4 when there is one that is not ready (yet, or any more). Throws NAME_UNKNOWN. */
export const status: Run = async (occasion) => {
  const { operand, settings, stdout } = occasion;
  const asked = await askOperator<Report>(occasion, "GET", "/status", defaultLimits.aliveMsMax);
  if (asked.kind === "none") return say(occasion, { phase: "not-running" }, "not running", notRunning);
  if (asked.kind === "silent") return say(occasion, { phase: "silent", pid: asked.pid, reason: asked.why }, `not ready: ${asked.why}`, notReady);
  const report = asked.value;
  const shown = operand === null ? report.servers : [serverOf(report, operand)];
  if (settings.json) stdout.write(`${JSON.stringify(operand === null ? { ...report, url: asked.server.url } : shown[0], null, 2)}\n`);
  else stdout.write(await textOf(occasion, report, shown, asked.server.url));
  return isReady(report, operand === null ? null : (shown[0] ?? null)) ? 0 : notReady;
};

const isReady = (report: Report, server: ServerReport | null): boolean => report.phase === "running" && (server === null || server.healthy);

function say({ settings, stdout }: Occasion, value: object, text: string, code: number): number {
  stdout.write(settings.json ? `${JSON.stringify(value, null, 2)}\n` : `1mcp: ${text}\n`);
  return code;
}

function serverOf(report: Report, name: string): ServerReport {
  const found = report.servers.find((server) => server.name === name);
  if (found !== undefined) return found;
  const names = report.servers.map((server) => server.name);
  const near = nearestOf(name, names);
  throw fault("NAME_UNKNOWN", { detail: `server “${name}”`, hint: near === null ? `there are: ${names.join(", ") || "none"}` : `did you mean ${near}?` });
}

async function textOf({ stdout, operand }: Occasion, report: Report, servers: readonly ServerReport[], url: string): Promise<string> {
  const now = Date.parse(report.timestamp);
  const rows = [["SERVER", "STATE", "FOR", "IN FLIGHT", "RESTARTS", "PID", "REVISION"], ...servers.map((server) => rowOf(server, now))];
  const head = operand === null ? headOf(report, now, url) : "";
  return `${head}${await tableText(rows, stdout)}${servers.map((server) => ailmentOf(server, now)).join("")}${report.untrusted.map(untrustedText).join("")}${problemsText(report.problems, operand)}`;
}

function headOf({ phase, version, pid, startedAt, inFlight, clients, memory, configuration }: Report, now: number, url: string): string {
  const lines = [
    `1mcp ${version} is ${phase} at ${url} (process ${pid}) for ${spanText(now - Date.parse(startedAt))}`,
    `  config: ${configuration.path ?? "none; the demonstration"}${configuration.state === "valid" ? "" : " was rejected when it last changed; the one before goes on"}`,
    `  calls in flight: ${inFlight}, sessions: ${clients.sessions}, streams: ${clients.streams}, memory: ${Math.round(memory.residentBytes / 1024 / 1024)} MB`,
  ];
  const issues = configuration.issues.map((issue) => issueText(configuration.path ?? "configuration", issue)).join("");
  return `${lines.map(escapeControls).join("\n")}\n${issues}\n`;
}

const rowOf = ({ name, state, since, inFlight, restarts, pid, revision }: ServerReport, now: number): string[] => [name, state, spanText(now - Date.parse(since)), String(inFlight), String(restarts), pid === null ? "-" : String(pid), revision ?? "-"];

function untrustedText({ server, pin, drifts }: Report["untrusted"][number]): string {
  const what = `${drifts.length} ${drifts.length === 1 ? "definition is" : "definitions are"} not what was trusted`;
  return `\n${escapeControls(`${server}: ${what}${pin === "block" ? ", and withheld" : ""}; 1mcp mcp trust ${server} shows and accepts it`)}\n`;
}

/** What is not shown of servers, or not as it came, or named in vain: as much as is worth reading. */
function problemsText(all: Report["problems"], server: string | null): string {
  const problems = server === null ? all : all.filter(({ backend }) => backend === server);
  if (problems.length === 0) return "";
  const lines = problems.slice(0, defaultLimits.namesShownMax).map(({ backend, kind, id, reason }) => `  ${backend}, ${kind}, ${JSON.stringify(id)}: ${reason}`);
  const more = problems.length > lines.length ? [`  and ${problems.length - lines.length} more; --json shows them`] : [];
  return `\n${["not shown, or not as it came, or not there:", ...lines, ...more].map(escapeControls).join("\n")}\n`;
}

/** What is wrong with a server that does not serve; nothing for the others. */
function ailmentOf({ name, state, healthy, reason, lastError, retryAt, stderr = [] }: ServerReport, now: number): string {
  if (healthy || state === "disabled") return "";
  const why = reason ?? lastError?.message;
  const next = retryAt === null ? "" : `, tried again in ${spanText(Date.parse(retryAt) - now)}`;
  const lines = [`${name} is ${state}${next}${why === undefined ? "" : `: ${why}`}`, ...stderr.map((line) => `  | ${line}`)];
  return `\n${lines.map(escapeControls).join("\n")}\n`;
}
