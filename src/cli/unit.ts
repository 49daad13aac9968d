/**
 * The unit file by which systemd runs the server: what it needs to start, to be watched and to stop, and a sandbox that
 * leaves MCP servers what they need (network, a home for their caches, programs that compile at run time) and nothing
 * beyond. For the whole machine it runs as a user of its own; for one user it has what that user has.
 */

/** What is run, and where. Paths are absolute. */
export interface ServiceFacts {
  /** The executable and its arguments. */
  readonly argv: readonly string[];
  readonly configPath: string;
  readonly stateDir: string;
  /** One user's own service, rather than the machine's. */
  readonly isUser: boolean;
  /** Where programs are looked for; null: where the service manager looks. */
  readonly path: string | null;
}

/** The user that the machine's service runs as. */
export const serviceUser = "onemcp";
/** The machine's folders. */
export const machinePaths = Object.freeze({ configPath: "/etc/1mcp/mcp.json", stateDir: "/var/lib/1mcp" });

/** From this version on systemd waits for the end of a reload that it asked for by a signal. */
const notifyReloadVersion = 253;
const homes = /^\/(home|root|run\/user)(\/|$)/;

/** The unit's text for a version of systemd; null: it is not known. */
export function unitOf(facts: ServiceFacts, version: number | null): string {
  return [
    section("Unit", [["Description", "1mcp: one door to many MCP servers"], ...startOf(facts)]),
    section("Service", [...running(facts, version), ...(facts.isUser ? userSandbox : machineSandbox(facts))]),
    section("Install", [["WantedBy", facts.isUser ? "default.target" : "multi-user.target"]]),
  ].join("\n");
}

/** A line of a unit; a name that begins with # is a remark. */
type Line = readonly [name: string, value: string];

const section = (name: string, lines: readonly Line[]): string =>
  `[${name}]\n${lines.map(([key, value]) => (key === "#" ? `# ${value}\n` : `${key}=${value}\n`)).join("")}`;

// Servers are reached over the network from the first moment on; a user's manager does not know that target.
const startOf = ({ isUser }: ServiceFacts): readonly Line[] => (isUser ? [] : [["Wants", "network-online.target"], ["After", "network-online.target"]]);

function running({ argv, stateDir, isUser, path }: ServiceFacts, version: number | null): readonly Line[] {
  const hasReload = version !== null && version >= notifyReloadVersion;
  return [
    ["Type", hasReload ? "notify-reload" : "notify"],
    ["NotifyAccess", "main"],
    ["ExecStart", commandLine(argv)],
    ...(hasReload ? [] : ([["ExecReload", "kill -HUP $MAINPID"]] as const)),
    ["WatchdogSec", "30"],
    ["Restart", "on-failure"],
    ["RestartSec", "2"],
    ["#", "A wrong configuration or command line is not better the next time."],
    ["RestartPreventExitStatus", "78 2"],
    ["#", "The server ends its own children; whoever is left after it is killed."],
    ["KillMode", "mixed"],
    ["TimeoutStopSec", "90"],
    ["#", "A child that the system ends for want of memory is started again by the server."],
    ["OOMPolicy", "continue"],
    ["UMask", "0077"],
    ...(path === null ? [] : ([["Environment", quotedWord(`PATH=${path}`, false)]] as const)),
    ...(isUser ? [] : machineOwned(stateDir)),
  ];
}

/** systemd takes no program whose path has quotes or backslashes in it; a shell does, and leaves its place to it. */
function commandLine(argv: readonly string[]): string {
  const started = /["'\\]/.test(argv[0] ?? "") ? ["/bin/sh", "-c", 'exec "$0" "$@"', ...argv] : argv;
  return started.map((word, place) => quotedWord(word, place > 0)).join(" ");
}

function machineOwned(stateDir: string): readonly Line[] {
  // What is not below /var/lib cannot be made by systemd: it has to be there, and belong to the user.
  const own = /^\/var\/lib\/([\w@.-]+(?:\/[\w@.-]+)*)$/.exec(stateDir)?.[1];
  const state: readonly Line[] = own === undefined || own.includes("..") ? [["ReadWritePaths", quotedWord(stateDir, false)]] : [["StateDirectory", own], ["StateDirectoryMode", "0700"]];
  return [
    ["User", serviceUser],
    ["Group", serviceUser],
    ...state,
    ["#", "npx, uvx and their like keep what they have loaded at home."],
    ["Environment", quotedWord(`HOME=${stateDir}`, false)],
    ["ConfigurationDirectory", "1mcp"],
    ["ConfigurationDirectoryMode", "0755"],
    ["LimitNOFILE", "65536"],
  ];
}

const everySandbox: readonly Line[] = Object.freeze([
  ["NoNewPrivileges", "yes"],
  ["LockPersonality", "yes"],
  ["RestrictNamespaces", "yes"],
  ["RestrictRealtime", "yes"],
  ["RestrictSUIDSGID", "yes"],
  ["RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
  ["SystemCallArchitectures", "native"],
  ["SystemCallFilter", "@system-service"],
  ["SystemCallErrorNumber", "EPERM"],
  ["#", "Not MemoryDenyWriteExecute: JavaScript engines, this one too, write the code they run."],
] as const);

const userSandbox: readonly Line[] = everySandbox;

function machineSandbox({ argv, configPath, stateDir }: ServiceFacts): readonly Line[] {
  const needsHomes = [...argv, configPath, stateDir].some((path) => homes.test(path));
  return [
    ...everySandbox,
    ["CapabilityBoundingSet", ""],
    ["AmbientCapabilities", ""],
    ["ProtectSystem", "strict"],
    ...(needsHomes ? ([["#", "Something of this service lies in a home folder, so these cannot be hidden."]] as const) : []),
    ["ProtectHome", needsHomes ? "read-only" : "yes"],
    ["PrivateTmp", "yes"],
    ["PrivateDevices", "yes"],
    ["ProtectKernelTunables", "yes"],
    ["ProtectKernelModules", "yes"],
    ["ProtectKernelLogs", "yes"],
    ["ProtectControlGroups", "yes"],
    ["ProtectClock", "yes"],
    ["ProtectHostname", "yes"],
    ["ProtectProc", "invisible"],
    ["KeyringMode", "private"],
    ["RemoveIPC", "yes"],
  ];
}

/**
 * One word of a unit's line, whatever is in it: % begins a specifier there, and in arguments $ begins a variable.
 * (systemd.service(5), command lines; systemd.syntax(7), quoting.)
 */
export function quotedWord(word: string, isArgument: boolean): string {
  const literal = word.replaceAll("%", "%%").replaceAll("$", isArgument ? () => "$$" : () => "$");
  if (/^[\w%$@+=:,./-]+$/.test(literal)) return literal;
  const escaped = literal.replace(/[\\"\u0000-\u001f\u007f]/g, (one) => (one === "\\" || one === '"' ? `\\${one}` : `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`));
  return `"${escaped}"`;
}
