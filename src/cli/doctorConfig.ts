/**
 * What `doctor` finds in the configuration: whether it can be used, whether the programs that it names are there, and
 * whether they are there too for applications with a window, which see less of PATH than a shell does.
 */
import { dirname } from "node:path";
import { makePrivate } from "../base/index.ts";
import { type BackendSpec, type Config, defaultConfigPath, editConfig, loadConfig, type StdioSpec } from "../config/index.ts";
import { type Finding, wordOf } from "./finding.ts";
import type { Occasion } from "./occasion.ts";
import { issueText } from "./print.ts";

/** The part of the world in which programs are looked for; another one in tests. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** The file of a program that PATH leads to, or null. */
  which(program: string, path: string): string | null;
  /** The runtime that runs npm packages, and whether that is this very executable; null: there is none. */
  readonly runtime: { readonly command: string; readonly isCompiled: boolean } | null;
}

/** What was found, and the configuration if it can be used. */
export async function configFindings({ env, settings, clock }: Occasion, path: string | null, machine: Machine): Promise<{ readonly findings: readonly Finding[]; readonly config: Config | null }> {
  const file = path ?? defaultConfigPath(env);
  const loaded = await loadConfig({ path: file, env, strictSecrets: settings.strictSecrets });
  if (!loaded.ok) return { config: null, findings: loaded.issues.map((issue) => isAbsent(issue.message) && path === null ? noConfig(file) : { check: "config", level: "error", message: issueText(file, issue).trimEnd(), mend: `1mcp config check --config ${wordOf(file)}`, fix: null }) };
  const warnings = loaded.warnings.map((issue): Finding => ({ check: "config", level: issue.isGrave === true ? "error" : "warning", message: issueText(file, issue).trimEnd(), ...mendOf(file, issue.isGrave === true) }));
  const edit: Edit = (name, changes, done) => async () => {
    await editConfig({ path: file, clock, dryRun: false, changes: (file) => changes(entryOf(file, name)).map(([at, value]) => ({ path: ["mcpServers", name, ...at], value })) });
    return done;
  };
  return { config: loaded.config, findings: [...warnings, ...programFindings(loaded.config.backends, env["PATH"] ?? "", machine, edit)] };
}

const entryOf = (file: Readonly<Record<string, unknown>>, name: string): Entry => (file["mcpServers"] as Readonly<Record<string, Entry>>)[name] ?? {};

const isAbsent = (message: string): boolean => message.includes("does not exist");

const noConfig = (file: string): Finding => ({ check: "config", level: "warning", message: `there is no configuration at ${file}; the demonstration is served`, mend: "1mcp mcp add NAME -- COMMAND", fix: null });

/** What others can read though it holds secrets is closed to them. */
const mendOf = (file: string, isGrave: boolean): Pick<Finding, "mend" | "fix"> =>
  isGrave ? { mend: `chmod 600 ${wordOf(file)}`, fix: () => makePrivate(file).then(() => `${file} is closed to others`) } : { mend: `1mcp config check --config ${wordOf(file)}`, fix: null };

/** An entry as it stands in the file, its references unresolved. */
interface Entry {
  readonly args?: readonly unknown[];
  readonly env?: unknown;
}

/** Members of an entry by their path, and what they become. */
type Changes = readonly (readonly [path: readonly string[], value: unknown])[];
type Edit = (name: string, changes: (entry: Entry) => Changes, done: string) => () => Promise<string>;

function programFindings(backends: readonly BackendSpec[], path: string, machine: Machine, edit: Edit): Finding[] {
  return backends.flatMap((spec) => (spec.kind === "stdio" && !spec.disabled && !/[\\/]/.test(spec.command) ? findingsOf(spec, path, machine, edit) : []));
}

function findingsOf(spec: StdioSpec, path: string, machine: Machine, edit: Edit): Finding[] {
  const found = machine.which(spec.command, path);
  if (found === null) return [missing(spec, machine, edit)];
  const windowed = windowedPaths[machine.platform];
  if (windowed === undefined || machine.which(spec.command, windowed) !== null) return [];
  const message = `${spec.name}: “${spec.command}” lies in ${dirname(found)}, where applications with a window that start 1mcp do not look`;
  return [{ check: "path", level: "warning", message, mend: `1mcp mcp update ${wordOf(spec.name)} --command ${wordOf(found)}`, fix: edit(spec.name, () => [[["command"], found]], `${spec.name} is started as ${found}`) }];
}

/** PATH of a program that no shell has started. */
const windowedPaths: Readonly<Partial<Record<NodeJS.Platform, string>>> = Object.freeze({ darwin: "/usr/bin:/bin:/usr/sbin:/sbin", linux: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games:/snap/bin" });

const runners: readonly string[] = Object.freeze(["npx", "bunx", "pnpx"]);

function missing(spec: StdioSpec, machine: Machine, edit: Edit): Finding {
  const message = `${spec.name}: “${spec.command}” is no program that is found`;
  const { runtime } = machine;
  if (runners.includes(spec.command) && runtime !== null) {
    return { check: "programs", level: "error", message: `${message}; 1mcp can run npm packages by itself`, mend: "1mcp doctor --fix", fix: edit(spec.name, (entry) => ownRunner(entry, runtime), `${spec.name} is run by 1mcp itself, without Node.js`) };
  }
  return { check: "programs", level: "error", message, mend: installOf(spec.command, machine.platform) ?? `1mcp mcp update ${wordOf(spec.name)} --command PATH`, fix: null };
}

/** The entry's members with which this very program runs the package: the runtime in it takes the place of Node.js. */
function ownRunner({ args = [], env }: Entry, { command, isCompiled }: NonNullable<Machine["runtime"]>): Changes {
  const run: Changes = [[["command"], command], [["args"], ["x", "--bun", ...args.filter((arg) => arg !== "-y" && arg !== "--yes")]]];
  if (!isCompiled) return run;
  const told: Changes[number] = Array.isArray(env) ? [["env"], [...(env as readonly unknown[]), `${runtimeVariable}=1`]] : [["env", runtimeVariable], "1"];
  // The variable is one that steers a runtime, which is just what it is for here.
  return [...run, told, [["unsafeEnv"], true]];
}

/** Makes the executable the runtime that is in it. */
const runtimeVariable = "BUN_BE_BUN";

const installs: Readonly<Record<string, Readonly<Partial<Record<NodeJS.Platform | "other", string>>>>> = Object.freeze({
  npx: { darwin: "brew install node", win32: "winget install OpenJS.NodeJS", other: "sudo apt-get install nodejs npm" },
  node: { darwin: "brew install node", win32: "winget install OpenJS.NodeJS", other: "sudo apt-get install nodejs" },
  uvx: { darwin: "brew install uv", win32: "winget install astral-sh.uv", other: "pipx install uv" },
  uv: { darwin: "brew install uv", win32: "winget install astral-sh.uv", other: "pipx install uv" },
  docker: { darwin: "brew install --cask docker", win32: "winget install Docker.DockerDesktop", other: "sudo apt-get install docker.io" },
});

const installOf = (command: string, platform: NodeJS.Platform): string | null => (Object.hasOwn(installs, command) ? (installs[command]?.[platform] ?? installs[command]?.other ?? null) : null);
