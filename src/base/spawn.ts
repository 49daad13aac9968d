/**
 * Starting what is no server: this program once more, and tools of the system that are asked one question. Apart from the
 * file that starts servers, because what is started here is nobody's child: it must not carry a child's mark, nor end
 * with the process group of a terminal.
 */
import { monotonicMs } from "./clock.ts";

/** The variable that says whose child a process is; grandchildren inherit it, wherever they go. */
export const markVariable = "ONE_MCP_LIFE";

export interface SelfOptions<In extends "ignore" | "pipe"> {
  /** How this program is started, with the words of the command. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: In;
  /** The open file that takes what it says on stderr; null: nobody does. */
  readonly stderr: number | null;
}

/** Starts this program once more, in a session of its own and holding none of our streams. Throws when it cannot be started. */
export function startSelf<In extends "ignore" | "pipe">({ argv, cwd, env, stdin, stderr }: SelfOptions<In>): Bun.Subprocess<In, "ignore"> {
  const child = Bun.spawn([...argv], {
    cwd,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => name !== markVariable)),
    stdin,
    stdout: "ignore",
    stderr: stderr ?? "ignore",
    detached: true,
  });
  child.unref();
  return child as Bun.Subprocess<In, "ignore">;
}

/** Starts what is to take this process's place: in a session of its own, since it outlives us, but with our words going where ours went. Throws when it cannot be started. */
export function startSuccessor({ argv, cwd, env }: Pick<SelfOptions<"ignore">, "argv" | "cwd" | "env">): Bun.Subprocess<"ignore", "inherit", "inherit"> {
  // Whose child we are it is too, so a mark stays.
  const child = Bun.spawn([...argv], { cwd, env: { ...env }, stdin: "ignore", stdout: "inherit", stderr: "inherit", detached: true });
  child.unref();
  return child;
}

/** What a tool of the system says on stdout. Throws when it cannot be started. */
export async function outputOf(argv: readonly string[]): Promise<string> {
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const [text] = await Promise.all([child.stdout.text(), child.exited]);
  return text;
}

/** What a tool answered; or it took too long, or said more than anybody wanted, and is gone. */
export type ToolAnswer = { readonly kind: "ended"; readonly code: number; readonly output: string; /** The beginning of what it said on stderr. */ readonly said: string } | { readonly kind: "late" } | { readonly kind: "large" };

export interface AskOptions {
  readonly argv: readonly string[];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly msMax: number;
  /** Of its output. */
  readonly bytesMax: number;
}

/** Asks a tool of the system for something that may be secret: what it says goes nowhere else. Throws when it cannot be started. */
export async function askTool({ argv, env, msMax, bytesMax }: AskOptions): Promise<ToolAnswer> {
  // Bun ends it by itself in both cases, and does not say in which.
  const startedAt = monotonicMs();
  const child = Bun.spawn([...argv], { env: { ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: msMax, maxBuffer: bytesMax, killSignal: "SIGKILL" });
  // A child of its own that goes on may hold the streams; then nobody waits for these, however they end.
  const texts = Promise.allSettled([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  if (child.signalCode === null) {
    const [output = "", said = ""] = (await texts).map((text) => (text.status === "fulfilled" ? text.value : ""));
    return Buffer.byteLength(output) > bytesMax ? { kind: "large" } : { kind: "ended", code, output, said: said.slice(0, saidCharsMax) };
  }
  return { kind: monotonicMs() - startedAt >= msMax ? "late" : "large" };
}

const saidCharsMax = 200;

/** Runs a person's editor on a file, with our terminal as its own, and gives its exit code. Throws when it cannot be started. */
export async function runEditor(editor: string, path: string, env: Readonly<Record<string, string | undefined>>): Promise<number> {
  // EDITOR may hold arguments, and is read by the shell, as everywhere.
  const argv = process.platform === "win32" ? [...editor.split(" "), path] : ["/bin/sh", "-c", `${editor} "$@"`, editor, path];
  return Bun.spawn(argv, { env: { ...env }, stdin: "inherit", stdout: "inherit", stderr: "inherit" }).exited;
}

/** Runs a tool of the system that shows nothing here, and gives its exit code. Throws when it cannot be started. */
export async function runTool(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const child = Bun.spawn([...argv], { env: { ...env }, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  // A browser that it becomes goes on without us.
  child.unref();
  return child.exited;
}
