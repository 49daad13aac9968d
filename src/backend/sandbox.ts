/**
 * How a server's program is confined on this system: the rules for its files, and the command that starts our launcher
 * in its place. Where the system cannot do what the entry asks for, that is said, and what can be done is done.
 */
import { realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { type Confinement, type Launch, launchEnvironment, launchWord, loadConfiner, resources } from "../base/index.ts";
import type { StdioSpec } from "../config/index.ts";

type Variables = Readonly<Record<string, string>>;
type Sandbox = StdioSpec["sandbox"];

/** What this system can do. */
export interface Support {
  /** Its version of Landlock; 0: it has none. */
  readonly landlock: number;
  readonly filters: boolean;
}

/** What this system can do; null: nothing of it. */
export async function supportOf(level: Sandbox["level"], platform: string = process.platform): Promise<Support | null> {
  if (platform !== "linux" || statSync("/proc/self/environ", { throwIfNoEntry: false }) === undefined) return null;
  // The least of it every system has, and needs not be asked for.
  if (level === "off" || level === "basic") return { landlock: 0, filters: false };
  return loadConfiner(platform);
}

/** In what way less is possible than an entry asks for; null: all of it is. */
export function shortfall(sandbox: Sandbox, support: Support | null): string | null {
  if (sandbox.level === "off") return null;
  if (support === null) return isCountedOn(sandbox) ? "this system cannot confine a program" : null;
  if (sandbox.level === "basic") return null;
  if (support.landlock === 0) return "this system cannot keep a program from files (it has no Landlock)";
  const isStrictEnough = support.landlock >= tcpSince && support.filters;
  return sandbox.level === "fs" || isStrictEnough ? null : "this system cannot keep a program from the network or from dangerous calls";
}

// That there is no such thing on other systems is no news at every start; only who counts on it is told.
const isCountedOn = ({ level, required, bounds }: Sandbox): boolean =>
  level !== "basic" || required || [bounds.memoryBytes, bounds.cpuSeconds, bounds.processes].some((bound) => bound !== null);

const tcpSince = 4;

/** What is to be started, and by whom. */
export interface Wanted {
  readonly spec: StdioSpec;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The server's own folder, which holds its temporary one. */
  readonly folder: string;
  readonly env: Variables;
  /** How this program is started. */
  readonly selfArgv: readonly string[];
}

export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

/** The command that starts the launcher. Throws an error with the system's code (ENOENT, EACCES) where the program or the folder is not to be had. */
export function launcherOf({ spec, args, cwd, folder, env, selfArgv }: Wanted): Command {
  const { sandbox, command } = spec;
  const file = fileOf(command, cwd, env);
  const isHidden = sandbox.level === "fs" || sandbox.level === "strict";
  const launch: Launch = {
    file,
    cwd,
    required: sandbox.required,
    bounds: boundsOf(sandbox),
    files: isHidden ? filesOf({ sandbox, cwd, folder, file, home: env["HOME"] ?? null }) : null,
    isStrict: sandbox.level === "strict",
  };
  const variables = isHidden ? { ...env, TMPDIR: temporaryOf(folder) } : { ...env };
  return { argv: [...selfArgv, launchWord, command, ...args], cwd: sep, env: launchEnvironment(launch, variables) };
}

/** Where a program that does not see the system's temporary folder has its own. */
export const temporaryOf = (folder: string): string => join(folder, "tmp");

function fileOf(command: string, cwd: string, env: Variables): string {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) throw Object.assign(new Error("no such folder"), { code: "ENOENT" });
  const isPath = command.includes("/");
  const found = Bun.which(command, isPath ? { PATH: "", cwd } : { PATH: env["PATH"] ?? "" });
  if (found !== null) return found;
  const isThere = isPath && statSync(command.startsWith("/") ? command : join(cwd, command), { throwIfNoEntry: false }) !== undefined;
  throw Object.assign(new Error("no such program"), { code: isThere ? "EACCES" : "ENOENT" });
}

function boundsOf({ bounds }: Sandbox): Confinement["bounds"] {
  const { memoryBytes, cpuSeconds, processes, openFiles, fileBytes } = bounds;
  const all: readonly (readonly [number, number | null])[] = [
    // What a process holds in memory may hold secrets.
    [resources.coreBytes, 0],
    [resources.openFiles, openFiles],
    [resources.fileBytes, fileBytes],
    [resources.memoryBytes, memoryBytes],
    [resources.cpuSeconds, cpuSeconds],
    [resources.processes, processes],
  ];
  return all.filter((bound): bound is readonly [number, number] => bound[1] !== null);
}

const system: readonly string[] = Object.freeze(["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/proc", "/sys", "/run/systemd/resolve", "/run/resolvconf", "/nix/store", "/gnu/store", "/snap", "/home/linuxbrew/.linuxbrew", "/dev"]);
const devices: readonly string[] = Object.freeze(["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/shm"]);
// Below the home folder: what package runners fill, and where people install programs of their own.
const caches: readonly string[] = Object.freeze([".npm", ".cache", ".bun/install/cache", ".yarn", ".local/share/pnpm", ".local/share/uv", ".cargo/registry"]);
const programs: readonly string[] = Object.freeze([".bun", ".nvm", ".volta", ".fnm", ".local/share/fnm", ".asdf", ".local/share/mise", ".pyenv", ".rbenv", ".deno", ".cargo/bin", ".rustup", ".local/bin", ".local/lib"]);

interface Place {
  readonly sandbox: Sandbox;
  readonly cwd: string;
  readonly folder: string;
  readonly file: string;
  readonly home: string | null;
}

function filesOf({ sandbox, cwd, folder, file, home }: Place): NonNullable<Confinement["files"]> {
  const inHome = (paths: readonly string[]): readonly string[] => (home === null || !home.startsWith("/") || home === "/" ? [] : paths.map((path) => join(home, path)));
  const read = [...system, ...inHome(programs), ...ofProgram(file, home), ...sandbox.read];
  const write = [...devices, ...inHome(caches), cwd, folder, ...sandbox.write];
  return [...read.map((path) => [path, "read"] as const), ...write.map((path) => [path, "write"] as const)];
}

// The program, and what lies beside it: an installation is a folder with bin in it. Never one that holds the home folder.
function ofProgram(file: string, home: string | null): readonly string[] {
  const real = realpathSync(file);
  const folder = dirname(real);
  const installation = folder.endsWith(`${sep}bin`) ? dirname(folder) : folder;
  const holdsHome = home !== null && `${home}${sep}`.startsWith(installation.endsWith(sep) ? installation : `${installation}${sep}`);
  return holdsHome || installation === sep ? [file, real] : [file, real, installation];
}
