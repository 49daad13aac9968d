/** What a benchmark runs against: backends, bare relays and the program itself, each a process of its own. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, cleanEnv, projectDir, startProgram } from "../fixtures/program.ts";
import type { Era, Job, Report } from "./load.ts";
import type { Twins } from "./twins.ts";

const script = (name: string): string => join(projectDir, "test", "bench", name);

/** The command of the stdio backend. */
export const backendArgv = (era: Era): readonly string[] => [process.execPath, script("backend.ts"), "stdio", era];

/** A running process with an endpoint. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

async function startScript(argv: readonly string[]): Promise<Target> {
  const child = Bun.spawn([process.execPath, ...argv], { env: cleanEnv(), stdin: "ignore", stdout: "inherit", stderr: "pipe" });
  const url = await firstMatch(child.stderr, /http:\S+/u);
  return {
    url,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** Reads a stream until the pattern is in it, and goes on reading so that the writer never blocks. */
export function firstMatch(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of stream) {
      text = (text + decoder.decode(chunk, { stream: true })).slice(-65536);
      const found = pattern.exec(text);
      if (found !== null) resolve(found[0]);
    }
    reject(new Error(`ended without ${pattern}:\n${text}`));
  })();
  return promise;
}

export const startHttpBackend = (era: Era): Promise<Target> => startScript([script("backend.ts"), "http", era]);
export const startStdioRelay = (era: Era): Promise<Target> => startScript([script("relay.ts"), "stdio", ...backendArgv(era)]);
export const startHttpRelay = (url: string): Promise<Target> => startScript([script("relay.ts"), "http", url]);

/** The configuration's entry for a backend. */
export const stdioEntry = (era: Era): object => ({ command: backendArgv(era)[0], args: backendArgv(era).slice(1) });
export const httpEntry = (url: string): object => ({ type: "http", url });

/** The program with the given servers, and what else its configuration shall hold. */
export async function startOurs(mcpServers: Readonly<Record<string, object>>, more: object = {}, binary?: string): Promise<Target & { readonly program: Program }> {
  const program = await startProgram({ config: { mcpServers, ...more }, auth: false, binary });
  return { url: `${program.origin}/mcp`, pid: program.pid, program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** Two proxies in one process; see twins.ts. */
export async function startTwins(dir: string, config: string): Promise<Twins & { readonly pid: number } & AsyncDisposable> {
  const child = Bun.spawn([process.execPath, script("twins.ts"), dir, config], { env: cleanEnv(), stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const twins = JSON.parse(await firstMatch(child.stdout, /\{.*\}(?=\n)/u)) as Twins;
  return {
    ...twins,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

/** Runs one job in a load process. */
export async function load(job: Job): Promise<Report> {
  const child = Bun.spawn([process.execPath, script("load.ts"), JSON.stringify(job)], { env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`the load failed for ${job.url ?? job.argv?.join(" ")}:\n${stderr}`);
  return JSON.parse(stdout) as Report;
}

/** Resident memory of a process in megabytes. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1]) / 1024;
}
