/**
 * Two proxies in one process, from source: one that asks nobody who he is, one that asks for a grant. What they share is
 * everything but that: the heap, what the runtime has compiled, and the state of the machine. Takes a folder and the
 * configuration for both; prints where they are as one line of JSON, and ends with its stdin.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { start } from "../../src/compose/index.ts";
import { cleanEnv } from "../fixtures/program.ts";

/** One of the two. */
export interface Twin {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Its state folder lies in here, as `state`. */
  readonly dir: string;
}

/** What is printed. */
export interface Twins {
  readonly open: Twin;
  readonly granting: Twin;
}

async function twin(parent: string, name: string, config: string): Promise<Twin & { close(): Promise<unknown> }> {
  const dir = join(parent, name);
  await mkdir(dir, { mode: 0o700 });
  const configPath = join(dir, "mcp.json");
  await writeFile(configPath, config, { mode: 0o600 });
  const around = { stateDir: join(dir, "state"), logLevel: "info", env: cleanEnv({ HOME: dir }), version: "0.0.0", writeLog: () => undefined, pretty: false } as const;
  const running = await start({ ...around, configPath, demoArgv: [], watchdogArgv: null, host: null, port: 0, insecureNoAuth: name === "open" });
  return { origin: new URL(running.url).origin, dir, close: () => running.close() };
}

if (import.meta.main) {
  const [parent = "", config = ""] = process.argv.slice(2);
  const [open, granting] = [await twin(parent, "open", config), await twin(parent, "granting", config)];
  // The console is the program's own by now.
  process.stdout.write(`${JSON.stringify({ open, granting } satisfies Twins)}\n`);
  for await (const _ of Bun.stdin.stream());
  await Promise.all([open.close(), granting.close()]);
}
