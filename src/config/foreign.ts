/**
 * Keys that people bring along from other programs, or from the papers of a later version, and what to do about each:
 * a plain "unknown key" would leave them searching. One sentence a key; a key that works is never in here.
 */

/** Which object a key stands in. */
export type Level = "top" | "server" | "defaults";

const later = "remove it";
const always = "this is always so; remove it";
const restart = "a server that ends is restarted by itself; the waits are limits.backoffMsMin and limits.backoffMsMax";

const ofServers: Readonly<Record<string, string>> = Object.freeze({
  envFilter: "name what the server needs in env, or set inheritParentEnv",
  stderr: "a server's standard error is always captured; remove it",
  restartOnExit: restart,
  maxRestarts: restart,
  restartDelay: restart,
  template: "each client has a process of its own of a template; remove it",
  toolDescriptionOverrides: "use tools.descriptions",
  confirm: later,
  enabled: "use disabled, which means the opposite",
  transport: "use type",
  transportType: "use type",
  serverUrl: "use url",
  httpUrl: "use url",
  endpoint: "use url",
  environment: "use env",
  workingDirectory: "use cwd",
  envFile: "put the variables into a .env file beside the configuration and write ${VAR}",
  autoApprove: "approval is the client's business; remove it",
  alwaysAllow: "approval is the client's business; remove it",
  trust: "approval is the client's business; remove it",
  excludeTools: "use tools.deny",
  includeTools: "use tools.allow",
  startup_timeout_sec: "use connectionTimeout, in milliseconds",
  tool_timeout_sec: "use requestTimeout, in milliseconds",
  headerToEnv: "a program has one environment, whoever calls it; put the value into env",
  disabled_tools: "use disabledTools",
  disabled_resources: later,
  disabled_resourceTemplates: later,
  disabled_prompts: later,
  custom_instructions: "use instructionOverride",
  dev: "`1mcp mcp restart` begins a server anew; remove it",
  name: "the key of the entry is its name; remove it",
  description: "write it as a comment",
});

const ofTop: Readonly<Record<string, string>> = Object.freeze({
  servers: "use mcpServers",
  mcp: "use mcpServers",
  mcp_servers: "use mcpServers",
  templateSettings: "templates are always strict and not cached; remove it",
  publishedInstructionTemplates: "there are no drafts; use instructionTemplates",
  transport: "one listener serves every transport; remove it",
  externalUrl: "use publicUrl",
  egress: later,
  logging: "use --log-level; the log goes to standard error",
  asyncLoading: always,
  lazyLoading: 'set start to "on-demand" in serverDefaults, or in an entry; set catalog to "search" for fewer definitions',
  configReload: "a changed file is always picked up; the quiet time is limits.reloadQuietMs",
  admin: later,
  templateContext: later,
  pagination: "use pageSize",
  nativeMCPServers: "these run inside of an editor; remove it",
  inputs: "put the values into the environment or a .env file and write ${VAR}",
});

const tables: Readonly<Record<Level, Readonly<Record<string, string>>>> = Object.freeze({ top: ofTop, server: ofServers, defaults: ofServers });

/** What to do about a key that is not ours but known, or null. */
export const adviceOn = (level: Level | null, key: string): string | null =>
  level !== null && Object.hasOwn(tables[level], key) ? (tables[level][key] ?? null) : null;
