/**
 * Runs one command line to its exit code. The two questions that are asked most, `--version` and `--help`, are answered
 * before anything else is loaded.
 */
import { isBeginning } from "./commands.ts";
import type { Surroundings } from "./occasion.ts";
import { version } from "./version.ts";

// As base has it; not imported from there, because most of the program is not needed by most commands.
const launchWord = "launch";

/** Exit codes: 0, 1 (a fault), 2 (usage), 78 (configuration). Never throws; everything is written when it resolves. */
export async function run(around: Surroundings): Promise<number> {
  const code = await answer(around).catch((thrown: unknown) => failed(around, thrown));
  around.known?.(code);
  const lost = await around.stdout.flush();
  // Whoever asked for something and has it in part must not take it for the whole.
  if (lost !== null) around.stderr.write(`1mcp: standard output could not be written (${lost})\n`);
  await around.stderr.flush();
  return lost === null ? code : code || outputLost;
}

const outputLost = 1;

async function answer(around: Surroundings): Promise<number> {
  // All its words but the first are a server's own.
  if (around.argv[0] === launchWord) return (await import("./launch.ts")).launch(around.argv.slice(1), around.stderr);
  const words = around.argv.slice(0, around.argv.includes("--") ? around.argv.indexOf("--") : undefined);
  if (words.includes("--version")) return say(around, `${version}\n`);
  if (words.includes("--help") || words.includes("-h") || words[0] === "help") return help(around, words);
  return (await import("./dispatch.ts")).dispatch(around);
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

// The cheap question first: away from a terminal the answer is no, and the slow ones need not be asked.
async function wantsColour({ env, stdout }: Surroundings): Promise<boolean> {
  if (!Bun.enableANSIColors || !(await stdout.isTerminal())) return false;
  const { TERM, NO_COLOR } = env ?? (await import("./dispatch.ts")).ownEnv();
  return TERM !== "dumb" && (NO_COLOR ?? "") === "";
}

/** The one place where a failure becomes an exit code. */
const failed = async (around: Surroundings, thrown: unknown): Promise<number> => (await import("./failed.ts")).failed(around, thrown);
