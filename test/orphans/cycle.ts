/**
 * One cycle of the proof that nothing is left: a proxy with five trees of processes is killed with -9, when all of them
 * stand or somewhere on the way there, and then nothing may be left of it. Everything that descends from it is known by
 * its HOME, which is a folder of this cycle alone: not by the mark that the program itself goes by. Linux alone.
 */
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanEnv, programArgv } from "../fixtures/program.ts";

/** The trees, each with the processes that it comes to. */
export const trees: Readonly<Record<string, number>> = Object.freeze({ plain: 1, shell: 2, escaped: 3, deaf: 1, forked: 3 });
const standing = Object.values(trees).reduce((sum, count) => sum + count, 0);

/** An entry of the configuration for a tree. */
export const entryOf = (tree: string) => ({ command: "sh", args: [join(import.meta.dir, "tree.sh"), tree], era: "modern" });

export interface CycleOptions {
  /** Kill so long after the start; null: when all trees stand. */
  readonly killAfterMs: number | null;
  /** The time after the end of stdin, and after TERM. */
  readonly patienceMs: number;
  /** What is still there so long after the kill counts as left. */
  readonly leftAfterMs: number;
}

export interface Cycle {
  /** Processes when it was killed, itself and its watchdog included. */
  readonly before: number;
  /** Command lines of what was left. */
  readonly left: readonly string[];
  /** From the kill until nothing was left. */
  readonly ms: number;
}

/** A process, as the system shows it. */
export interface Shown {
  readonly pid: number;
  readonly parent: number;
  readonly words: string;
}

/** All processes that live with this HOME. */
export async function livingIn(home: string): Promise<readonly Shown[]> {
  const found: Shown[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    const shown = await Promise.all([readFile(`/proc/${name}/environ`, "latin1"), readFile(`/proc/${name}/cmdline`, "latin1"), readFile(`/proc/${name}/stat`, "latin1")]).catch(() => null);
    if (shown === null || !shown[0].split("\0").includes(`HOME=${home}`)) continue;
    const [state, parent] = shown[2].slice(shown[2].lastIndexOf(")") + 2).split(" ");
    if (state !== "Z" && state !== "X") found.push({ pid: Number(name), parent: Number(parent), words: shown[1].replaceAll("\0", " ").trim() });
  }
  return found;
}

/** Looks until `holds`, or until `ms` have gone by; gives what was seen last. */
export async function seenUntil(home: string, holds: (shown: readonly Shown[]) => boolean, ms: number): Promise<readonly Shown[]> {
  const until = performance.now() + ms;
  for (;;) {
    const shown = await livingIn(home);
    if (holds(shown) || performance.now() > until) return shown;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const isWatchdog = ({ words }: Shown): boolean => words.endsWith(" watchdog");
/** Without the proxy itself and its watchdog. */
export const servers = (shown: readonly Shown[], proxy: number): readonly Shown[] => shown.filter((one) => one.pid !== proxy && !isWatchdog(one));
export const allStand = (proxy: number) => (shown: readonly Shown[]): boolean => servers(shown, proxy).length >= standing && shown.some(isWatchdog);

export interface Proxy extends AsyncDisposable {
  readonly home: string;
  readonly stateDir: string;
  readonly pid: number;
  readonly exited: Promise<number>;
}

/** Starts a proxy that has its folder for a home; whatever of it is there at the end is killed. */
export const startProxy = (config: object, home: string): Promise<Proxy> => start(config, home, []);

/** The same for one that serves a client on its pipes, which says nothing. */
export const startPiped = (config: object, home: string): Promise<Proxy> => start(config, home, ["--stdio"]);

async function start(config: object, home: string, more: readonly string[]): Promise<Proxy> {
  const configPath = join(home, `${crypto.randomUUID()}.json`);
  const stateDir = join(home, "state");
  await writeFile(configPath, JSON.stringify({ port: 0, ...config }));
  const argv = [...programArgv(), "serve", "--config", configPath, "--state-dir", stateDir, ...more];
  const child = Bun.spawn(argv, { cwd: home, env: cleanEnv({ HOME: home }), stdin: more.length === 0 ? "ignore" : "pipe", stdout: "ignore", stderr: Bun.file(join(home, "log")) });
  return {
    home,
    stateDir,
    pid: child.pid,
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      for (const { pid } of await livingIn(home)) killed(pid);
    },
  };
}

/** A folder to be the home of one cycle. */
export async function createHome(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "1mcp-orphans-"));
  await chmod(path, 0o700);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export const killed = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return;
  }
};

/** Runs one cycle. */
export async function cycle({ killAfterMs, patienceMs, leftAfterMs }: CycleOptions): Promise<Cycle> {
  await using home = await createHome();
  const mcpServers = Object.fromEntries(Object.keys(trees).map((tree) => [tree, entryOf(tree)]));
  await using proxy = await startProxy({ mcpServers, limits: { stdinEndMs: patienceMs, termMs: patienceMs } }, home.path);
  if (killAfterMs === null) {
    const shown = await seenUntil(home.path, allStand(proxy.pid), 20_000);
    if (!allStand(proxy.pid)(shown)) throw new Error(`not all trees stand:\n${shown.map(({ words }) => words).join("\n")}\n${await readFile(join(home.path, "log"), "utf8")}`);
  } else await new Promise((resolve) => setTimeout(resolve, killAfterMs));
  const before = (await livingIn(home.path)).length;
  process.kill(proxy.pid, "SIGKILL");
  const killedAt = performance.now();
  await proxy.exited;
  const left = await seenUntil(home.path, (shown) => shown.length === 0, leftAfterMs);
  return { before, left: left.map(({ words }) => words), ms: performance.now() - killedAt };
}
