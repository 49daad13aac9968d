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
  /** Given several times it means all of them, see `valuesOf`; else the last one counts. */
  readonly many: boolean;
  /** Only on the command line, since it says what this one command is to do: no environment stands behind it. */
  readonly typed: boolean;
  /** Commands for which the same holds, though not for others. */
  readonly typedFor: readonly string[];
  /** Other names that people know it by; where another flag has that name, they count for its own commands. */
  readonly aliases: readonly string[];
  /** Why a text is no value for it; null if it is one. */
  problem(text: string): string | null;
}

const logLevels: readonly LogLevelName[] = Object.freeze(["debug", "info", "warn", "error"] as const);
const portMax = 65_535;
const timeoutMsDefault = 10_000;
const waitMsDefault = 30_000;
const ttlMsDefault = 90 * 24 * 60 * 60 * 1000;

const anyText = (text: string): string | null => (text === "" ? "needs a value" : null);
const switchProblem = (text: string): string | null => (/^(1|0|true|false)$/.test(text) ? null : "must be 1 or 0");
const urlProblem = (text: string): string | null => (/^https?:$/.test(URL.parse(text)?.protocol ?? "") ? null : "must be an http or https URL");
const hostProblem = "must be an address or a host name, without scheme and port";
const isHost = (text: string): boolean => /^(\[[\da-f:.]+\]|[\da-f]*:[\da-f:.]*:[\da-f:.]*|[\w.-]+)$/i.test(text);
const isLevel = (text: string): text is LogLevelName => (logLevels as readonly string[]).includes(text);
const flag = (name: string, more: Partial<Flag> & Pick<Flag, "about">): Flag =>
  Object.freeze({ name, short: null, value: null, command: null, standard: null, many: false, typed: false, typedFor: [], aliases: [], problem: anyText, ...more });

/** Between the values of a flag that was given several times: no argument of a program can hold it. */
const joint = "\0";

/** What a flag was given, one for each time. */
export const valuesOf = (given: Given, name: string): readonly string[] => given.get(name)?.split(joint) ?? [];

/** All values of a flag so far, and one more. */
export const withValue = (before: string | undefined, value: string): string => (before === undefined ? value : `${before}${joint}${value}`);

const typed = (name: string, more: Partial<Flag> & Pick<Flag, "about" | "command">): Flag => flag(name, { ...more, typed: true });

/** What can be done with a server as a whole; each is a flag of `serve`. */
export const lifecycleVerbs = Object.freeze(["background", "status", "stop", "restart"] as const);
export type LifecycleVerb = (typeof lifecycleVerbs)[number];

/** Commands that ask a running server, for an agent or a person at the shell. */
const asking = Object.freeze(["instructions", "inspect", "run", "wait"]);
const countProblem = (text: string): string | null => (/^\d{1,9}$/.test(text) ? null : "must be a number");
const formats = Object.freeze(["toon", "json", "text", "compact"]);
/** Commands about presets that are given what one selects. */
const naming = Object.freeze(["preset create", "preset edit", "preset test"]);
/** Commands that are about a selection of servers. */
const selecting = Object.freeze(["serve", "proxy", "explain", "instructions", "inspect", ...naming, "app connect"]);
/** Commands that write a server's entry. */
const entering = Object.freeze(["mcp add", "mcp update"]);
/** Commands that change the configuration file. */
const changing = Object.freeze(["preset create", "preset edit", "preset delete", "mcp add", "mcp update", "mcp remove", "mcp uninstall", "mcp enable", "mcp disable", "mcp tools enable", "mcp tools disable", "mcp tools allow", "mcp tools deny", "mcp tools forget", "config restore", "config edit"]);
/** Commands that change the file of another application. */
const moving = Object.freeze(["app consolidate", "app restore", "app connect", "app disconnect"]);
const milliseconds = (text: string): string | null => (/^\d{1,6}$/.test(text) ? null : "must be a number of milliseconds");

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
  flag("trust-terminal", { command: "serve", about: "ask at this terminal about each client that wants a grant", problem: switchProblem }),
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
  typed("background", { command: "serve", about: "start it as a process of its own that is started again when it falls, and come back when it listens", problem: switchProblem }),
  typed("status", { command: "serve", about: "say how it is: 0 ready, 3 not running, 4 not ready, 5 restarting, 6 given up, 7 without its supervisor", problem: switchProblem }),
  typed("stop", { command: "serve", about: "end it", problem: switchProblem }),
  typed("restart", { command: "serve", about: "end it if it runs, and start it in the background, with the same flags if none are given", problem: switchProblem }),
  flag("url", { short: "u", value: "URL", command: ["proxy", ...asking, ...entering, "app connect", "app consolidate"], typedFor: [...entering, "app connect", "app consolidate"], about: "the server to bridge to, or to ask; with mcp, the address of the one in the entry; with app, the address that the application is to call itself", standard: "the running one of the state folder", problem: urlProblem }),
  flag("token-file", { value: "FILE", command: ["serve", "proxy", ...asking], about: "the token that opens everything; but with serve, the token itself may be in ONE_MCP_TOKEN instead", standard: "the one in the state folder" }),
  flag("operator-password-file", { value: "FILE", command: "serve", about: "the password of the operator's pages", standard: "what the configuration says" }),
  flag("timeout", { short: "t", value: "MS", command: ["proxy", ...asking, ...entering], typedFor: entering, about: "how long the server may take to answer for the first time; with wait, to have its servers ready; with mcp, to answer any request (requestTimeout)", standard: `${timeoutMsDefault}, with wait ${waitMsDefault}`, problem: (text) => (/^[1-9]\d{0,6}$/.test(text) ? null : "must be a number of milliseconds") }),
  flag("start", { command: "proxy", about: "start the server in the background if none runs", problem: switchProblem }),
  flag("project", { value: "DIR", command: "proxy", about: "the folder whose project counts, with its .1mcprc", standard: "the one that the client starts it in" }),
  flag("preset", { short: "p", value: "NAME", command: ["serve", "proxy", "explain", "instructions", "inspect", "app connect"], typedFor: ["app connect", "app consolidate"], about: "only the servers that this preset selects" }),
  flag("tags", { value: "LIST", command: [...selecting, "mcp list", ...entering], typedFor: [...naming, "app connect", "app consolidate", "mcp list", ...entering], about: "only servers with any of these tags: web,search; with mcp add and update, the tags of the entry" }),
  flag("tag-filter", { value: "EXPRESSION", command: selecting, typedFor: [...naming, "app connect", "app consolidate"], about: "only servers that it selects: web && !(legacy || server:old)" }),
  flag("filter", { short: "f", value: "EXPRESSION", command: selecting, typedFor: [...naming, "app connect", "app consolidate"], about: "the same" }),
  flag("description", { value: "TEXT", command: ["preset create", "preset edit"], about: "what the preset is for" }),
  flag("dry-run", { command: [...changing, ...moving], about: "show what would change, and change nothing", problem: switchProblem }),
  typed("format", { value: "FORMAT", command: ["inspect", "run", "wait"], about: "toon, json or text; with run also compact", standard: "text on a terminal, else toon", problem: (text) => (formats.includes(text) ? null : `must be ${formats.slice(0, -1).join(", ")} or ${formats.at(-1)}`) }),
  typed("raw", { command: "run", about: "the same as --format json: exactly what came", problem: switchProblem }),
  typed("max-chars", { value: "COUNT", command: "run", about: "so much of the result at most, unless as JSON; 0: all of it", standard: "2000", problem: countProblem }),
  typed("limit", { value: "COUNT", command: "inspect", about: "so many tools at once", standard: "20", problem: (text) => (/^[1-9]\d{0,5}$/.test(text) ? null : "must be a number") }),
  typed("cursor", { value: "CURSOR", command: "inspect", about: "go on where the last page ended" }),
  typed("fix", { command: "doctor", about: "mend what can be mended without asking", problem: switchProblem }),
  flag("grant", { value: "ID", command: "explain", about: "as the client or token with this grant sees it, by id or name", standard: "as somebody who may see everything" }),
  flag("user", { command: "service print", about: "for one user's own service, not the machine's", problem: switchProblem }),
  flag("yes", { value: "CODE", command: "approve", about: "approve the request with this code (or id) without asking" }),
  flag("deny", { value: "CODE", command: "approve", about: "deny it without asking" }),
  typed("backup", { short: "b", value: "ID", command: "app restore", about: "what to go back to", standard: "the newest from before a server moved, or an entry was written" }),
  typed("keep-in-1mcp", { command: "app restore", about: "leave the servers in our configuration too", problem: switchProblem }),
  typed("verify-backups", { aliases: ["verify"], command: "app backups", about: "say whether each is what was kept", problem: switchProblem }),
  typed("cleanup", { value: "DAYS", command: "app backups", about: "take away those that are older", problem: (text) => (/^\d{1,5}$/.test(text) ? null : "must be a number of days") }),
  flag("wait", { command: "approve", about: "wait until somebody asks", problem: switchProblem }),
  flag("name", { value: "NAME", command: "token create", about: "what the token is for" }),
  flag("scope", { value: "SCOPE", command: ["approve", "token create"], about: "what is granted: tag:NAME, server:NAME, admin:read, admin:write, or all; may be given several times", standard: "of a request what it asked for; of a token everything", many: true }),
  flag("server", { value: "NAME", command: "token create", about: "short for the scope server:NAME; may be given several times", many: true }),
  flag("from-cidr", { value: "CIDR", command: "token create", about: "the token opens something for these addresses alone: 10.0.0.0/8, 2001:db8::/32; may be given several times", standard: "for all", many: true, problem: (text) => (listOf(text).every((range) => /^[\da-f.:]+(\/\d{1,3})?$/i.test(range)) ? null : "must be an address or a range as 10.0.0.0/8") }),
  flag("ttl", { value: "TIME", command: "token create", about: "how long it is valid: 12h, 90d; a year at most", standard: "90d", problem: (text) => (spanOf(text) === null ? "must be a number with s, m, h or d" : spanOf(text) === 0 ? "must be more than 0" : null) }),
  flag("all", { short: "a", command: ["auth revoke", "inspect", "app restore"], about: "end all grants, the token in the state folder included; with inspect, show all tools at once; with app, all applications", problem: switchProblem }),
  flag("print", { command: "open", about: "print the link instead of opening it", problem: switchProblem }),
  flag("password-file", { value: "FILE", command: "auth password", about: "take it from the first line of this file", standard: "it is asked for" }),
  flag("remove", { command: "auth password", about: "have no password", problem: switchProblem }),
  flag("json", { command: ["serve", "doctor", "status", "mcp tokens", "audit", "approve", "token create", "token list", "token rotate", "auth grants", "auth pins", "auth status", "preset list", "preset show", "preset create", "preset edit", "preset delete", "preset test", "preset url", "explain", "mcp list", "mcp status", "mcp add", "mcp update", "mcp remove", "mcp uninstall", "mcp enable", "mcp disable", "mcp restart", "mcp logs", "mcp tools", "mcp tools enable", "mcp tools disable", "mcp tools allow", "mcp tools deny", "mcp tools forget", "config backup", "config backups", "config restore", "app list", "app discover", "app backups", ...moving], about: "print everything as JSON", problem: switchProblem }),
  flag("since", { value: "TIME", command: "audit", about: "only what happened from then on: a time (2027-01-31T12:00Z), or how long ago (90s, 15m, 12h, 7d)", standard: "all there is", problem: (text) => (sinceOf(text, 0) === null ? "must be a time, or a number with s, m, h or d" : null) }),
  flag("paste", { command: "auth login", about: "with login: end it by the address that the browser was sent to, on standard input", problem: switchProblem }),
  flag("device", { command: "auth login", about: "log in by a code that is entered in a browser elsewhere, where the server offers that", problem: switchProblem }),
  typed("type", { value: "TYPE", command: entering, about: "how the server is reached: stdio, http or sse", standard: "stdio with a command; with an address it is found out", problem: (text) => (/^(stdio|http|sse)$/.test(text) ? null : "must be stdio, http or sse") }),
  typed("command", { value: "PROGRAM", command: entering, about: "the program to start; easier: everything behind --" }),
  typed("args", { value: "ARGUMENT", command: [...entering, "run"], about: "an argument of it; may be given several times; with run, all arguments as one JSON object", standard: "with run, what is on standard input", many: true }),
  typed("env", { short: "e", value: "NAME=VALUE", command: entering, about: "a variable for it; NAME alone takes the value from the environment of 1mcp, '$file:PATH', '$keychain:SERVICE/NAME' and '$env:NAME' from there; may be given several times", many: true }),
  typed("header", { value: "NAME=VALUE", command: entering, about: "a header for an address, with values like those of --env; may be given several times", many: true, aliases: ["headers"] }),
  typed("tag", { short: "g", value: "TAG", command: entering, about: "a tag; may be given several times", many: true }),
  typed("cwd", { value: "DIR", command: entering, about: "the folder it runs in", standard: "a folder of its own; this one, where the command names files from here" }),
  typed("prefix", { value: "TEXT", command: entering, about: "what its tools' names begin with", standard: "its name" }),
  typed("disabled", { command: entering, about: "write it, but switched off", problem: switchProblem }),
  typed("unset", { value: "KEY", command: "mcp update", about: "take this away: cwd, tags, env.NAME, headers.NAME; may be given several times", many: true }),
  typed("wait-ms", { value: "MS", command: [...entering, "mcp enable", "mcp restart"], about: "how long to wait until it is up; 0: do not", standard: "30000 for what is new, else 5000", problem: milliseconds }),
  typed("assume-yes", { short: "y", aliases: ["yes"], command: ["mcp remove", "mcp uninstall", ...moving], about: "do it without asking", problem: switchProblem }),
  typed("show-disabled", { command: "mcp list", about: "also those that are switched off", problem: switchProblem }),
  typed("verbose", { command: "mcp list", about: "everything about each", problem: switchProblem }),
  typed("follow", { short: "F", command: "mcp logs", about: "go on with what comes; also -f", problem: switchProblem }),
  typed("lines", { short: "n", value: "COUNT", command: "mcp logs", about: "so many of the last lines", standard: "50", problem: (text) => (/^[1-9]\d{0,5}$/.test(text) ? null : "must be a number of lines") }),
  typed("verify", { value: "FILE", command: "version", about: "the SHA256SUMS of the release; files that lie beside it are verified too" }),
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
function spanOf(text: string): number | null {
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

/** The words of a flag that may be given several times. */
const listOf = (text: string): readonly string[] => text.split(joint).flatMap((one) => one.split(/[\s,]+/)).filter((word) => word !== "");

const isOn = (text: string | null): boolean => /^(1|true)$/.test(text ?? "");

/** The environment variable that stands behind a flag. */
export const environmentName = (name: string): string => `ONE_MCP_${name.toUpperCase().replaceAll("-", "_")}`;

/** The variable that stands behind a flag of this command (null: of every one); null: none does. */
export const variableOf = ({ name, typed: isTyped, typedFor }: Flag, command: string | null): string | null => (isTyped || (command !== null && typedFor.includes(command)) ? null : environmentName(name));

/** What the flags come to. Null: not given, and somebody who knows more decides. */
export interface Settings {
  readonly config: string | null;
  readonly stateDir: string | null;
  readonly logLevel: LogLevelName;
  readonly strictSecrets: boolean;
  readonly host: string | null;
  readonly port: number | null;
  readonly insecureNoAuth: boolean;
  readonly trustTerminal: boolean;
  readonly gracefulRestart: boolean;
  readonly stdio: boolean;
  readonly url: string | null;
  readonly tokenFile: string | null;
  readonly timeoutMs: number;
  /** The same flag, where servers are waited for. */
  readonly waitMs: number;
  readonly start: boolean;
  readonly user: boolean;
  readonly json: boolean;
  readonly since: string | null;
  readonly paste: boolean;
  readonly device: boolean;
  readonly yes: string | null;
  readonly deny: string | null;
  readonly wait: boolean;
  readonly name: string | null;
  /** null: not given. */
  readonly scopes: readonly string[] | null;
  /** Names of servers. */
  readonly servers: readonly string[];
  /** Addresses and ranges; null: not given. */
  readonly sources: readonly string[] | null;
  readonly ttlMs: number;
  readonly all: boolean;
  readonly print: boolean;
  readonly passwordFile: string | null;
  readonly operatorPasswordFile: string | null;
  readonly remove: boolean;
  readonly preset: string | null;
  readonly tags: string | null;
  readonly tagFilter: string | null;
  readonly filter: string | null;
  readonly description: string | null;
  readonly dryRun: boolean;
  readonly grant: string | null;
  readonly project: string | null;
  readonly assumeYes: boolean;
  readonly backup: string | null;
  readonly keepIn1mcp: boolean;
  readonly verifyBackups: boolean;
  readonly cleanupDays: number | null;
  readonly verify: string | null;
}

/** The texts given on the command line, by flag name; a switch is "1". */
export type Given = ReadonlyMap<string, string>;

export type SettingsResult = { readonly ok: true; readonly settings: Settings } | { readonly ok: false; readonly problem: string };

/** The command line of this command over the environment over what is standard. An empty variable counts as unset. */
export function parseSettings(given: Given, env: Readonly<Record<string, string | undefined>>, command: string | null = null): SettingsResult {
  const texts = new Map<string, string>();
  for (const flag of flags) {
    const variable = given.has(flag.name) ? null : variableOf(flag, command);
    const text = variable === null ? given.get(flag.name) : env[variable] || undefined;
    if (text === undefined) continue;
    const wrong = flag.problem(text);
    if (wrong !== null) return { ok: false, problem: `${variable ?? `--${flag.name}`} ${wrong}` };
    texts.set(flag.name, text);
  }
  return { ok: true, settings: settingsOf(texts) };
}

function settingsOf(texts: ReadonlyMap<string, string>): Settings {
  const text = (name: string): string | null => texts.get(name) ?? null;
  const number = (name: string): number | null => (texts.has(name) ? Number(texts.get(name)) : null);
  const words = (name: string): readonly string[] | null => (texts.has(name) ? listOf(texts.get(name) ?? "") : null);
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
    device: isOn(text("device")),
    trustTerminal: isOn(text("trust-terminal")),
    gracefulRestart: isOn(text("graceful-restart")),
    stdio: isOn(text("stdio")),
    url: text("url"),
    tokenFile: text("token-file"),
    timeoutMs: number("timeout") ?? timeoutMsDefault,
    waitMs: number("timeout") ?? waitMsDefault,
    start: isOn(text("start")),
    user: isOn(text("user")),
    json: isOn(text("json")),
    since: text("since"),
    yes: text("yes"),
    deny: text("deny"),
    wait: isOn(text("wait")),
    name: text("name"),
    scopes: words("scope"),
    servers: words("server") ?? [],
    sources: words("from-cidr"),
    ttlMs: spanOf(text("ttl") ?? "") ?? ttlMsDefault,
    all: isOn(text("all")),
    print: isOn(text("print")),
    passwordFile: text("password-file"),
    operatorPasswordFile: text("operator-password-file"),
    remove: isOn(text("remove")),
    preset: text("preset"),
    tags: text("tags"),
    tagFilter: text("tag-filter"),
    filter: text("filter"),
    description: text("description"),
    dryRun: isOn(text("dry-run")),
    grant: text("grant"),
    project: text("project"),
    assumeYes: isOn(text("assume-yes")),
    backup: text("backup"),
    keepIn1mcp: isOn(text("keep-in-1mcp")),
    verifyBackups: isOn(text("verify-backups")),
    cleanupDays: number("cleanup"),
    verify: text("verify"),
  });
}
