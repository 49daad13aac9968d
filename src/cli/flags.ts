/**
 * The one table of flags. Parsing, environment names, help and the reference page are made from it, so that none can
 * tell another story than the rest.
 */
import type { LogLevelName } from "../base/index.ts";

/** One flag. */
export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** One letter, or null. */
  readonly short: string | null;
  /** What stands for the value in help; null for a switch. */
  readonly value: string | null;
  /** The command it belongs to, or several; null for all of them. */
  readonly command: string | readonly string[] | null;
  /** What it sets, in a phrase. */
  readonly about: string;
  /** What holds without it, in words; null: nothing worth saying. */
  readonly standard: string | null;
  /** Given several times it means all of them, with a space in between; else the last one counts. */
  readonly many: boolean;
  /** Why a text is no value for it; null if it is one. */
  problem(text: string): string | null;
}

const logLevels: readonly LogLevelName[] = Object.freeze(["debug", "info", "warn", "error"] as const);
const portMax = 65_535;
const timeoutMsDefault = 10_000;
const ttlMsDefault = 90 * 24 * 60 * 60 * 1000;

const anyText = (text: string): string | null => (text === "" ? "needs a value" : null);
const switchProblem = (text: string): string | null => (/^(1|0|true|false)$/.test(text) ? null : "must be 1 or 0");
const urlProblem = (text: string): string | null => (/^https?:$/.test(URL.parse(text)?.protocol ?? "") ? null : "must be an http or https URL");
const hostProblem = "must be an address or a host name, without scheme and port";
const isHost = (text: string): boolean => /^(\[[\da-f:.]+\]|[\da-f]*:[\da-f:.]*:[\da-f:.]*|[\w.-]+)$/i.test(text);
const isLevel = (text: string): text is LogLevelName => (logLevels as readonly string[]).includes(text);
const flag = (name: string, more: Partial<Flag> & Pick<Flag, "about">): Flag =>
  Object.freeze({ name, short: null, value: null, command: null, standard: null, many: false, problem: anyText, ...more });

/** Every flag, in the order of help. `--help` and `--version` are questions, not settings, and stand apart. */
export const flags: readonly Flag[] = Object.freeze([
  flag("host", { short: "H", value: "ADDRESS", command: "serve", about: "address to listen on", standard: "127.0.0.1", problem: (text) => (isHost(text) ? null : hostProblem) }),
  flag("port", {
    short: "P",
    value: "PORT",
    command: "serve",
    about: "port to listen on; 0 takes a free one",
    standard: "3050",
    problem: (text) => (/^\d{1,5}$/.test(text) && Number(text) <= portMax ? null : `must be a number from 0 to ${portMax}`),
  }),
  flag("insecure-no-auth", {
    command: "serve",
    about: "ask for no bearer token; on loopback only",
    problem: switchProblem,
  }),
  flag("graceful-restart", {
    command: "serve",
    about: "on SIGUSR2 let a new process take over and refuse nobody; lets every program of this user share the port",
    problem: switchProblem,
  }),
  flag("stdio", {
    command: "serve",
    about: "serve one client on stdin and stdout, and listen nowhere",
    problem: switchProblem,
  }),
  flag("url", { short: "u", value: "URL", command: "proxy", about: "the server to bridge to", standard: "the running one of the state folder", problem: urlProblem }),
  flag("token-file", { value: "FILE", command: ["serve", "proxy"], about: "the token that opens everything; with proxy, the token itself may be in ONE_MCP_TOKEN instead", standard: "the one in the state folder" }),
  flag("operator-password-file", { value: "FILE", command: "serve", about: "the password of the operator's pages", standard: "what the configuration says" }),
  flag("timeout", { short: "t", value: "MS", command: "proxy", about: "how long the server may take to answer for the first time", standard: String(timeoutMsDefault), problem: (text) => (/^[1-9]\d{0,6}$/.test(text) ? null : "must be a number of milliseconds") }),
  flag("start", { command: "proxy", about: "start the server in the background if none runs", problem: switchProblem }),
  flag("user", { command: "service print", about: "for one user's own service, not the machine's", problem: switchProblem }),
  flag("yes", { value: "CODE", command: "approve", about: "approve the request with this code (or id) without asking" }),
  flag("deny", { value: "CODE", command: "approve", about: "deny it without asking" }),
  flag("wait", { command: "approve", about: "wait until somebody asks", problem: switchProblem }),
  flag("name", { value: "NAME", command: "token create", about: "what the token is for" }),
  flag("scope", { value: "SCOPE", command: ["approve", "token create"], about: "what is granted: tag:NAME, server:NAME, admin:read, admin:write, or all; may be given several times", standard: "of a request what it asked for; of a token everything", many: true }),
  flag("ttl", { value: "TIME", command: "token create", about: "how long it is valid: 12h, 90d; a year at most", standard: "90d", problem: (text) => (spanOf(text) === null ? "must be a number with s, m, h or d" : null) }),
  flag("all", { command: "auth revoke", about: "end all grants, the token in the state folder included", problem: switchProblem }),
  flag("print", { command: "open", about: "print the link instead of opening it", problem: switchProblem }),
  flag("password-file", { value: "FILE", command: "auth password", about: "take it from the first line of this file", standard: "it is asked for" }),
  flag("remove", { command: "auth password", about: "have no password", problem: switchProblem }),
  flag("json", { command: ["status", "audit", "approve", "token create", "token list", "token rotate", "auth grants", "auth status"], about: "print everything as JSON", problem: switchProblem }),
  flag("since", { value: "TIME", command: "audit", about: "only what happened from then on: a time (2027-01-31T12:00Z), or how long ago (90s, 15m, 12h, 7d)", standard: "all there is", problem: (text) => (sinceOf(text, 0) === null ? "must be a time, or a number with s, m, h or d" : null) }),
  flag("paste", { command: "auth login", about: "with login: end it by the address that the browser was sent to, on standard input", problem: switchProblem }),
  flag("verify", { value: "FILE", command: "version", about: "the SHA256SUMS of the release; files that lie beside it are verified too" }),
  flag("config", { short: "c", value: "FILE", about: "the configuration file", standard: "~/.config/1mcp/mcp.json" }),
  flag("state-dir", { value: "DIR", about: "the folder for the token and other state", standard: "~/.local/state/1mcp" }),
  flag("strict-secrets", { about: "refuse a configuration that holds secrets and that others can read", problem: switchProblem }),
  flag("log-level", {
    value: "LEVEL",
    about: `how much to log: ${logLevels.join(", ")}`,
    standard: "info",
    problem: (text) => (isLevel(text) ? null : `must be ${logLevels.slice(0, -1).join(", ")} or ${logLevels.at(-1)}`),
  }),
]);

/** Whether a flag may stand with the command of this name. */
export const isFor = ({ command }: Flag, name: string): boolean => command === null || (typeof command === "string" ? command === name : command.includes(name));

const spans: Readonly<Record<string, number>> = Object.freeze({ s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 });

/** The milliseconds that a text as `90d` means; null where it is none. */
export function spanOf(text: string): number | null {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (spans[unit] ?? 0);
}

/** The moment that a text of `--since` means, in milliseconds since the epoch; null where it is none. */
export function sinceOf(text: string, now: number): number | null {
  const ago = spanOf(text);
  if (ago !== null) return now - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

const isOn = (text: string | null): boolean => /^(1|true)$/.test(text ?? "");

/** The environment variable that stands behind a flag. */
export const environmentName = (name: string): string => `ONE_MCP_${name.toUpperCase().replaceAll("-", "_")}`;

/** What the flags come to. Null: not given, and somebody who knows more decides. */
export interface Settings {
  readonly config: string | null;
  readonly stateDir: string | null;
  readonly logLevel: LogLevelName;
  readonly strictSecrets: boolean;
  readonly host: string | null;
  readonly port: number | null;
  readonly insecureNoAuth: boolean;
  readonly gracefulRestart: boolean;
  readonly stdio: boolean;
  readonly url: string | null;
  readonly tokenFile: string | null;
  readonly timeoutMs: number;
  readonly start: boolean;
  readonly user: boolean;
  readonly json: boolean;
  readonly since: string | null;
  readonly paste: boolean;
  readonly yes: string | null;
  readonly deny: string | null;
  readonly wait: boolean;
  readonly name: string | null;
  /** null: not given. */
  readonly scopes: readonly string[] | null;
  readonly ttlMs: number;
  readonly all: boolean;
  readonly print: boolean;
  readonly passwordFile: string | null;
  readonly operatorPasswordFile: string | null;
  readonly remove: boolean;
  readonly verify: string | null;
}

/** The texts given on the command line, by flag name; a switch is "1". */
export type Given = ReadonlyMap<string, string>;

export type SettingsResult = { readonly ok: true; readonly settings: Settings } | { readonly ok: false; readonly problem: string };

/** The command line over the environment over what is standard. An empty variable counts as unset. */
export function parseSettings(given: Given, env: Readonly<Record<string, string | undefined>>): SettingsResult {
  const texts = new Map<string, string>();
  for (const { name, problem } of flags) {
    const variable = environmentName(name);
    const fromEnv = given.has(name) ? undefined : env[variable] || undefined;
    const text = given.get(name) ?? fromEnv;
    if (text === undefined) continue;
    const wrong = problem(text);
    if (wrong !== null) return { ok: false, problem: `${fromEnv === undefined ? `--${name}` : variable} ${wrong}` };
    texts.set(name, text);
  }
  return { ok: true, settings: settingsOf(texts) };
}

function settingsOf(texts: ReadonlyMap<string, string>): Settings {
  const text = (name: string): string | null => texts.get(name) ?? null;
  const number = (name: string): number | null => (texts.has(name) ? Number(texts.get(name)) : null);
  const level = text("log-level") ?? "";
  return Object.freeze({
    config: text("config"),
    stateDir: text("state-dir"),
    logLevel: isLevel(level) ? level : "info",
    strictSecrets: isOn(text("strict-secrets")),
    host: text("host"),
    port: number("port"),
    insecureNoAuth: isOn(text("insecure-no-auth")),
    paste: isOn(text("paste")),
    gracefulRestart: isOn(text("graceful-restart")),
    stdio: isOn(text("stdio")),
    url: text("url"),
    tokenFile: text("token-file"),
    timeoutMs: number("timeout") ?? timeoutMsDefault,
    start: isOn(text("start")),
    user: isOn(text("user")),
    json: isOn(text("json")),
    since: text("since"),
    yes: text("yes"),
    deny: text("deny"),
    wait: isOn(text("wait")),
    name: text("name"),
    scopes: text("scope")?.split(/[\s,]+/).filter((scope) => scope !== "") ?? null,
    ttlMs: spanOf(text("ttl") ?? "") ?? ttlMsDefault,
    all: isOn(text("all")),
    print: isOn(text("print")),
    passwordFile: text("password-file"),
    operatorPasswordFile: text("operator-password-file"),
    remove: isOn(text("remove")),
    verify: text("verify"),
  });
}
