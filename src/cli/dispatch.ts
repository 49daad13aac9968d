/**
 * From a command line that is no question to its command. Apart from `run`, so that what it needs of other rooms is taken
 * by name: a whole room would be loaded where one of its words is enough.
 */
import { fault, holdProcess, systemClock } from "../base/index.ts";
import { processEnv } from "../config/index.ts";
import { commandOf, nextWords } from "./commands.ts";
import { parseSettings } from "./flags.ts";
import type { Occasion, Surroundings } from "./occasion.ts";
import { parseCommandLine } from "./strict.ts";

/** The environment of this process. */
export const ownEnv = processEnv;

/** Reads the command line and runs what it names; gives the exit code. Throws USAGE, and what the command throws. */
export async function dispatch({ argv, env: given, clock, ...rest }: Surroundings): Promise<number> {
  const line = parseCommandLine(argv);
  if (!line.ok) throw fault("USAGE", { detail: line.problem, ...(line.hint === null ? {} : { hint: line.hint }) });
  const env = given ?? ownEnv();
  const parsed = parseSettings(line.given, env, line.command.words.join(" "));
  if (!parsed.ok) throw fault("USAGE", { detail: parsed.problem });
  return runNamed(line.command.words, { ...rest, argv, env, clock: clock ?? systemClock, settings: parsed.settings, operand: line.operand, rest: line.rest, given: line.given });
}

/** Lets the command library find and load the command; its own reading of flags is not used, see strict.ts. */
async function runNamed(words: readonly string[], occasion: Occasion): Promise<number> {
  const { defineCommand, runCommand } = await import("citty");
  let code = 0;
  const tree = (path: readonly string[]): ReturnType<typeof defineCommand> => {
    // A command may be the beginning of another one.
    const command = path.length === words.length ? commandOf(path) : null;
    if (command === null) return defineCommand({ subCommands: Object.fromEntries(nextWords(path).map((word) => [word, () => tree([...path, word])])) });
    return defineCommand({
      async run() {
        const runIt = await command.load();
        code = await runIt(occasion);
      },
    });
  };
  // What a command waits for need not hold this process.
  const held = holdProcess();
  try {
    await runCommand(tree([]), { rawArgs: [...words] });
    return code;
  } finally {
    held.release();
  }
}
