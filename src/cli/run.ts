/**
 * Runs one command line to its exit code. The two questions that are asked most, `--version` and `--help`, are answered
 * before anything else is loaded.
 */
import type { Clock } from "../base/index.ts";
import { commandOf, isBeginning, nextWords } from "./commands.ts";
import type { Occasion } from "./occasion.ts";
import type { Output, Pipes, Signals } from "./terminal.ts";
import { version } from "./version.ts";

// As base has it; not imported from there, because most of the program is not needed by most commands.
const launchWord = "launch";

/** The world around one run of the program. */
export interface Surroundings {
  /** The words after the program's name. */
  readonly argv: readonly string[];
  /** null: this process's own environment. */
  readonly env: Readonly<Record<string, string | undefined>> | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  readonly pipes: () => Pipes;
  /** null: the real one. */
  readonly clock: Clock | null;
  readonly selfArgv: readonly string[];
}

/** Exit codes: 0, 1 (a fault), 2 (usage), 78 (configuration). Never throws; everything is written when it resolves. */
export async function run(around: Surroundings): Promise<number> {
  const code = await answer(around).catch((thrown: unknown) => failed(around, thrown));
  await Promise.all([around.stdout.flush(), around.stderr.flush()]);
  return code;
}

async function answer(around: Surroundings): Promise<number> {
  // All its words but the first are a server's own.
  if (around.argv[0] === launchWord) return (await import("./launch.ts")).launch(around.argv.slice(1), around.stderr);
  const words = around.argv.slice(0, around.argv.includes("--") ? around.argv.indexOf("--") : undefined);
  if (words.includes("--version")) return say(around, `${version}\n`);
  if (words.includes("--help") || words.includes("-h") || words[0] === "help") return help(around, words);
  return dispatch(around);
}

const say = ({ stdout }: Surroundings, text: string): number => {
  stdout.write(text);
  return 0;
};

async function help(around: Surroundings, argv: readonly string[]): Promise<number> {
  const { helpText } = await import("./help.ts");
  const words: string[] = [];
  for (const word of argv) if (isBeginning([...words, word])) words.push(word);
  return say(around, helpText(words, await wantsColour(around)));
}

// The cheap question first: away from a terminal the answer is no, and the slow one need not be asked.
async function wantsColour({ env, stdout }: Surroundings): Promise<boolean> {
  if (!Bun.enableANSIColors) return false;
  const { TERM, NO_COLOR } = await environment(env);
  return (await stdout.isTerminal()) && TERM !== "dumb" && (NO_COLOR ?? "") === "";
}

const environment = async (env: Surroundings["env"]) => env ?? (await import("../config/index.ts")).processEnv();

async function dispatch({ argv, env: given, clock, ...rest }: Surroundings): Promise<number> {
  const [{ fault, systemClock }, { parseCommandLine }, { parseSettings }] = await Promise.all([import("../base/index.ts"), import("./strict.ts"), import("./flags.ts")]);
  const line = parseCommandLine(argv);
  if (!line.ok) throw fault("USAGE", { detail: line.problem, ...(line.hint === null ? {} : { hint: line.hint }) });
  const env = await environment(given);
  const parsed = parseSettings(line.given, env);
  if (!parsed.ok) throw fault("USAGE", { detail: parsed.problem });
  return runNamed(line.command.words, { ...rest, argv, env, clock: clock ?? systemClock, settings: parsed.settings, operand: line.operand, given: line.given });
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
  await runCommand(tree([]), { rawArgs: [...words] });
  return code;
}

/** The one place where a failure is printed and becomes an exit code. */
async function failed({ stderr, argv }: Surroundings, thrown: unknown): Promise<number> {
  const [{ faultOf }, { faultText }, { parseCommandLine }] = await Promise.all([import("../base/index.ts"), import("./print.ts"), import("./strict.ts")]);
  const fault = faultOf(thrown);
  stderr.write(faultText(fault));
  const line = parseCommandLine(argv);
  // Scripts read some codes of some commands as other things.
  return (line.ok ? line.command : commandOf(line.words))?.failure ?? fault.row.exit;
}
