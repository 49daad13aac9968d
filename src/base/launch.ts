/**
 * The words between a proxy and its launcher: this program once more, which confines itself and then becomes a server's
 * program. What is meant for the server must not steer the launcher on the way (its variables could make our runtime
 * load code), so each of its variables is carried under another name, and its folder is entered only at the end.
 */
import { type Confinement, type Confiner, terminated } from "./confine.ts";
import { markVariable } from "./spawn.ts";

/** The word that makes this program the launcher; what follows is the server's own command line. */
export const launchWord = "launch";

/** What is to be launched. */
export interface Launch extends Confinement {
  /** The program's file, found already. */
  readonly file: string;
  readonly cwd: string;
  /** Not with less. */
  readonly required: boolean;
}

const launchVariable = "ONE_MCP_LAUNCH";
const carried = "ONE_MCP_GIVEN_";

/** The launcher's own environment: what to do, the server's variables under other names, and whose child it is. */
export function launchEnvironment(launch: Launch, env: Readonly<Record<string, string>>): Record<string, string> {
  const mark = env[markVariable];
  const given = Object.entries(env).map(([name, value]) => [`${carried}${name}`, value] as const);
  return { [launchVariable]: JSON.stringify(launch), ...(mark === undefined ? {} : { [markVariable]: mark }), ...Object.fromEntries(given) };
}

/** What `launchEnvironment` said, read from the system's own copy of an environment; null: somebody else's. */
export function parseLaunch(environ: Uint8Array): { readonly launch: Launch; readonly env: readonly Uint8Array[] } | null {
  const all = entriesOf(environ);
  const beginning = Buffer.from(`${launchVariable}=`);
  const text = all.find((entry) => entry.subarray(0, beginning.length).equals(beginning));
  if (text === undefined) return null;
  const env = all.filter((entry) => entry.subarray(0, carried.length).toString("latin1") === carried).map((entry) => Buffer.concat([entry.subarray(carried.length), Buffer.alloc(1)]));
  return { launch: JSON.parse(text.subarray(beginning.length).toString()) as Launch, env };
}

// Bytes, for a variable need not be text.
function entriesOf(environ: Uint8Array): Buffer[] {
  const bytes = Buffer.from(environ);
  const entries: Buffer[] = [];
  for (let at = 0, end = bytes.indexOf(0); end >= 0; at = end + 1, end = bytes.indexOf(0, at)) entries.push(bytes.subarray(at, end));
  return entries;
}

/** How it came out: never, when all went well. */
export interface Failed {
  /** As shells say it: 126 it may not be run, 127 it is not there. */
  readonly code: number;
  readonly problems: readonly string[];
}

/** Confines this process and becomes the program; `say` is told of what could not be had. Returns only when that failed. */
export function become(confiner: Confiner, launch: Launch, argv: readonly string[], env: readonly Uint8Array[], say: (problem: string) => void): Failed {
  try {
    process.chdir(launch.cwd);
  } catch {
    return { code: 126, problems: [`the folder ${launch.cwd} cannot be entered`] };
  }
  const problems = confiner.confine(launch);
  if (problems.length > 0 && launch.required) return { code: 126, problems };
  for (const problem of problems) say(problem);
  const error = confiner.become(launch.file, argv.map(terminated), env);
  return { code: error === notThere ? 127 : 126, problems: [`${launch.file} cannot be run: error ${error}`] };
}

const notThere = 2;
