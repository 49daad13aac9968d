/**
 * From a command line that is no question to its command. Apart from `run`, so that what it needs of other rooms is taken
 * by name: a whole room would be loaded where one of its words is enough.
 */
import { fault, systemClock } from "../base/index.ts";
import { processEnv } from "../config/index.ts";
import { parseSettings } from "./flags.ts";
import type { Surroundings } from "./occasion.ts";
import { parseCommandLine } from "./strict.ts";

/** The environment of this process. */
export const ownEnv = processEnv;

/** Reads the command line and runs what it names; gives the exit code. Throws USAGE, and what the command throws. */
export async function dispatch({ argv, env: given, clock, ...rest }: Surroundings): Promise<number> {
  const line = parseCommandLine(argv);
  if (!line.ok) throw fault("USAGE", { detail: line.problem, ...(line.hint === null ? {} : { hint: line.hint }) });
  const env = given ?? ownEnv();
  const parsed = parseSettings(line.given, env);
  if (!parsed.ok) throw fault("USAGE", { detail: parsed.problem });
  const run = await line.command.load();
  return run({ ...rest, argv, env, clock: clock ?? systemClock, settings: parsed.settings, operand: line.operand, rest: line.rest, given: line.given });
}
